"""Where training starts: in the linear model's closed-form optimum, at anchors, or in a model.

The linear VAE's optimum is probabilistic PCA (Tipping & Bishop 1999; Lucas et al. 2019). With the
divergence weighted by beta it is that of noise beta times as large: axes whose variance is below it
are not used.
"""

import numpy as np
import torch
from sklearn.exceptions import NotFittedError

from sklatent._utils.pipelines import last_step
from sklatent.models._ridge import ridge
from sklatent.models._start_data import MAX_REGRESSION_ROWS, StartData

_LEAST_SHARE = 1e-5  # of the data's variance that noise has at least
_LEAST_POSTERIOR = 1e-8  # variance, where a weight of zero asks for none


def linear_vae(variances, total, n_features, beta, noise=None):
    """Optimum of the linear VAE along the principal axes.

    Parameters
    ----------
    variances : ndarray of shape (n_axes,)
        Of the data along each axis, falling.
    total : float
        The data's variance in all directions together.
    n_features : int
        Number of columns.
    beta : float or ndarray
        Weight of the divergence; several of them give each array one more axis, the first.
    noise : float, default=None
        Variance of X around the decoder's output, where it is fixed. None takes its optimum,
        ``(total - sum of used) / (n_features - beta * n_used)``. Where all features' directions
        are used at a beta of 1, every noise up to the least variance is an optimum; half of that
        leaves no axis to the seed.

    Returns
    -------
    encoder, decoder : ndarray of shape (n_axes,)
        Latent for a unit along the axis, and way along the axis for a unit of the latent; zero for
        axes that are not used.
    posterior : ndarray of shape (n_axes,)
        Variance of the posterior.
    noise : float
        Variance of X around the decoder's output.
    """
    beta = np.asarray(beta, dtype=np.float64)[..., None]
    numbers = np.arange(len(variances) + 1)  # of axes that may be used
    if noise is None:
        noise = _noise_beside(numbers, variances, total, n_features, beta)
    noise = np.broadcast_to(noise, np.broadcast_shapes(np.shape(beta), numbers.shape))
    seen = np.append(np.inf, variances) > beta * noise
    n_used = (seen * numbers).max(axis=-1, keepdims=True)
    noise = np.take_along_axis(noise, n_used, axis=-1)
    used = numbers[:-1] < n_used
    beyond = np.where(used, variances - beta * noise, 0.0)
    decoder = np.sqrt(beyond)
    safe = np.where(used, variances, 1.0)
    return decoder / safe, decoder, np.where(used, beta * noise / safe, 1.0), noise[..., 0]


def _noise_beside(numbers, variances, total, n_features, beta):
    """The best variance of the noise beside each number of axes; infinite where there is none."""
    least = _LEAST_SHARE * total / n_features
    rest = total - np.append(0.0, np.cumsum(variances))
    share = n_features - beta * numbers
    noise = np.where(share > 0, np.maximum(rest / np.where(share > 0, share, 1.0), least), np.inf)
    if len(variances) < n_features:
        return noise
    all_at_one = (share == 0) & (numbers == n_features)
    return np.where(all_at_one, max(0.5 * variances[-1], least), noise)


def start(model, module, X, rows, cache, beside):
    """Set a new module to where training starts, in place.

    Parameters
    ----------
    model : LatentModel
        Its parameters say where.
    module : torch.nn.Module
        The model's own, freshly built.
    X : ndarray of shape (n_samples, n_features)
        Validated data.
    rows : ndarray of shape (n_rows,) or None
        The rows that it trains on, in the order in which sums are taken; None is all.
    cache : dict
        What several models' starts share; empty at first.
    beside : dict of str to array
        What goes with X: ``"covariates"`` that it is told, and ``"inputs"`` that rows are decoded
        from, of a model without an encoder.

    Returns
    -------
    PrincipalAxes or None
        Where they are what it starts from.
    """
    init = model.init
    found = None if isinstance(init, str) or hasattr(init, "Z") else last_step(init)[0]
    decomposition = found if hasattr(found, "components_") else None
    if found is not None and decomposition is None:
        _copy_weights(module, found)
        return None
    key = None if rows is None else rows.tobytes()
    if key not in cache:
        told = beside.get("covariates")
        cache[key] = StartData(module.likelihood, X, rows, model.n_components, told)
    data, codes = cache[key], beside.get("inputs")
    if decomposition is not None:
        data = data.with_axes_of(decomposition)
    module.likelihood.set(data.seen)
    if data.told is not None:
        module.standardise_covariates(data.center, data.scale)
    if module.path is None:
        module.likelihood.start(data.feature_variances, data.feature_variances, data.seen)
        return None
    if codes is not None:
        module.likelihood.start(data.feature_variances, data.feature_variances, data.seen)
        _regress_decoder(module, data, codes if rows is None else codes[rows])
        return None
    points = init if hasattr(init, "Z") else model._anchors_to_start_from()
    if points is None or decomposition is not None:
        _at_principal_axes([model], module, data)
    else:
        _at_anchors(model, module, data, points)
    return data.axes if points is None and decomposition is None else None


def starts_at_axes(model, module, beside):
    """Whether a model starts at the data's own axes, with no numbers but those of its prior.

    Then others of its stack on the same rows may start with it: :func:`start_together`.
    """
    return (
        isinstance(model.init, str)
        and getattr(module, "stackable", False)
        and module.path is not None
        and not module.likelihood.fixed_names
        and not beside
        and model._decodes_latents()
        and model._anchors_to_start_from() is None
    )


def start_together(models, module, stacked, places, X, rows, cache):
    """Set the places of models in a stacked module to where training starts, as :func:`start` does.

    Parameters
    ----------
    models : list of LatentModel
        That :func:`starts_at_axes` said yes of.
    module : torch.nn.Module
        The first one's own.
    stacked : torch.nn.Module
        Theirs and others'.
    places : Tensor of int
        Where each of them is in it.
    X, rows, cache
        As of :func:`start`.

    Returns
    -------
    PrincipalAxes
        What they start from.
    """
    key = None if rows is None else rows.tobytes()
    if key not in cache:
        cache[key] = StartData(module.likelihood, X, rows, models[0].n_components)
    stacked.likelihood.set(cache[key].seen, places)
    _at_principal_axes(models, stacked, cache[key], places)
    return cache[key].axes


def _at_principal_axes(models, module, data, places=...):
    """Set a model's module, or the places of several in a stacked one."""
    axes, first = data.axes, models[0]
    betas = [model._beta_to_start_from() for model in models]
    if betas[0] is None:  # no prior: latents of unit variance
        decoder = np.sqrt(axes.variances)[None].repeat(len(models), axis=0)
        encoder, posterior = 1.0 / decoder, None
    else:
        fixed = getattr(module.likelihood.likelihood, "noise", lambda: None)()
        total, n_features = axes.feature_variances.sum(), len(axes.mean)
        given = axes.variances, total, n_features, betas, fixed
        encoder, decoder, posterior, _ = linear_vae(*given)
    residuals = axes.feature_variances - decoder**2 @ axes.axes**2
    # Components beyond the data's rank have nothing to say.
    beyond = (0, 0), (0, first.n_components - len(axes.variances))
    axis = np.pad(axes.axes, beyond[::-1])
    encoder, decoder = (np.pad(each, beyond)[..., None] * axis for each in (encoder, decoder))
    if posterior is not None:
        posterior = np.pad(posterior, beyond, constant_values=1)
    effect = data.effect, data.multiplies
    module.path.start_encoder(axes.mean, data.input_scale, encoder, *effect, places)
    _networks_at_zero(module, posterior, places)
    module.likelihood.start(residuals, axes.feature_variances, data.seen, places)
    if first._decodes_latents():
        _start_decoder(module, data, axes.mean, decoder.swapaxes(-1, -2), places=places)
    else:
        _regress_decoder(module, data)


def _at_anchors(model, module, data, points):
    """Ridge maps through the anchors, both ways: the start travels with them."""
    data = data.for_a_given_space()
    Z = np.asarray(points.Z, dtype=np.float64)
    seen = data.unexplained(*model._split(points.X))
    encoder, z_center, residual = ridge(seen, np.asarray(points.encoded, dtype=np.float64))
    # The map's own constant goes to the place that it is centred at.
    center = seen.mean(axis=0)
    module.path.start_encoder(center, data.input_scale, encoder, data.effect, data.multiplies)
    posterior = _posterior_variance(points)
    if posterior is None:
        posterior = np.clip(residual, 1e-3, 1.0)
    _networks_at_zero(module, posterior)
    with torch.no_grad():
        module.head.bias[: Z.shape[1]] = torch.as_tensor(z_center, dtype=module.head.bias.dtype)
    loadings, x_center, _ = ridge(Z, seen)
    _start_decoder(module, data, x_center, loadings, Z.mean(axis=0))
    mean = x_center - loadings @ Z.mean(axis=0)
    residual, n = np.zeros(len(mean)), 0
    for block in data.blocks(MAX_REGRESSION_ROWS):
        latents = (block - center) @ encoder.T + z_center
        residual += ((block - mean - latents @ loadings.T) ** 2).sum(axis=0)
        n += len(block)
    residual = residual / n + (loadings**2) @ posterior
    module.likelihood.start(residual, data.feature_variances, data.seen)


def _posterior_variance(points):
    posterior = getattr(points, "posterior", None)
    return None if posterior is None else np.exp(posterior.log_var).mean(axis=0)


def _start_decoder(module, data, mean, loadings, codes=None, places=...):
    """Decode codes linearly: their mean to the mean, and by the link's slope there.

    ``loadings`` are one model's, or each one's.
    """
    effect, found = data.effect_on_output(), []
    for own in loadings.reshape(-1, *loadings.shape[-2:]):
        if data.effect is not None:  # behind latents lie covariates
            own = np.concatenate([own, data.effect], axis=1)
        center, weight = module.likelihood.start_output(mean, own, data.seen)
        if effect is not None:
            weight[:, -effect.shape[1] :] = effect
        if codes is not None:
            center = center - weight[:, : len(codes)] @ codes
        found.append((center, weight))
    center, weight = map(np.stack, zip(*found, strict=True))
    module.path.start_decoder(center, data.output_scale, weight, places)


def _regress_decoder(module, data, codes=None):
    """A decoder that does not take latents starts at the ridge map from what it takes."""
    some = np.linspace(0, data.n_rows - 1, min(data.n_rows, MAX_REGRESSION_ROWS)).astype(int)
    rows, told = data.at(some)
    if codes is None:
        dtype = module.path.decoder.weight.dtype
        with torch.no_grad():
            x = torch.as_tensor(rows, dtype=dtype)
            knowing = module.told(None if told is None else torch.as_tensor(told, dtype=dtype))
            codes = knowing.encode(x).double().numpy()
    else:
        codes = np.asarray(codes, dtype=np.float64)[some]
    coef, center, _ = ridge(codes, data.unexplained(rows, told))
    _start_decoder(module, data, center, coef, codes.mean(axis=0))


def _networks_at_zero(module, posterior, places=...):
    if posterior is None:
        module.start(places=places)
    else:
        module.start(np.log(np.maximum(posterior, _LEAST_POSTERIOR)), places)


def _copy_weights(module, source):
    if not hasattr(source, "net_"):
        raise NotFittedError(
            f"init={type(source).__name__} is not fitted, and has no weights to start from. Fit it "
            "first; a search clones what is in its grid: put sklearn.frozen.FrozenEstimator(model) "
            "there."
        )
    weights = source.net_.module_.state_dict()
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"init={type(source).__name__} has other networks than this model: "
            f"{str(error).splitlines()[-1].strip()} Give a model of the same architecture, "
            "n_components, posterior, likelihood and number of features."
        ) from error

"""Where training starts: in the linear model's closed-form optimum, at anchors, or in a model.

The linear VAE's optimum is probabilistic PCA (Tipping & Bishop 1999; Lucas et al. 2019). With the
divergence weighted by beta it is that of noise beta times as large: axes whose variance is below it
are not used.
"""

from copy import copy

import numpy as np
import torch
from sklearn.exceptions import NotFittedError

from sklatent._utils.pipelines import last_step
from sklatent._utils.sparse import dense
from sklatent.likelihoods._bound import optional
from sklatent.models._covariates import center_and_scale
from sklatent.models._principal_axes import axes_of, principal_axes
from sklatent.models._ridge import ridge

_LEAST_SHARE = 1e-5  # of the data's variance that noise has at least
_MAX_REGRESSION_ROWS = 4096
_LEAST_POSTERIOR = 1e-8  # variance, where a weight of zero asks for none
# Deviations to a unit of the networks' input. Adam's steps are larger beside the weights of a
# narrow input, which gains bound and loses the space: at 2 in place of 4, digits gain 1.5 nats, and
# R2 between seeds falls from 0.986 to 0.981 with eight components and from 0.984 to 0.963 with two.
_WIDTH = 4.0


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
    beta : float
        Weight of the divergence.
    noise : float, default=None
        Variance of X around the decoder's output, where it is fixed. None takes its optimum,
        ``(total - sum of used) / (n_features - beta * n_used)``.

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
    least = _LEAST_SHARE * total / n_features
    fixed, n_used = noise, len(variances)
    while True:
        if fixed is None:
            share = n_features - beta * n_used
            rest = total - variances[:n_used].sum()
            noise = max(rest / share, least) if share > 0 else np.inf
        if n_used == 0 or variances[n_used - 1] > beta * noise:
            break
        n_used -= 1
    used = np.arange(len(variances)) < n_used
    beyond = np.where(used, variances - beta * noise, 0.0)
    decoder = np.sqrt(beyond)
    safe = np.where(used, variances, 1.0)
    return decoder / safe, decoder, np.where(used, beta * noise / safe, 1.0), noise


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
        cache[key] = _Data(module.likelihood, X, rows, model.n_components, told)
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
        _at_principal_axes(model, module, data)
    else:
        _at_anchors(model, module, data, points)
    return data.axes if points is None and decomposition is None else None


class _Data:
    """What starts need to know of the rows, each found when it is first asked for."""

    def __init__(self, likelihood, X, rows, n_components, told=None):
        self.likelihood, self.X, self.rows, self.told = likelihood, X, rows, told
        self.n_components = n_components
        self.n_rows = X.shape[0] if rows is None else len(rows)
        self._axes = self._effect = self._on_output = self._spread = None
        self.seen = likelihood.observe(self._rows, X.shape[1])
        if told is not None:
            self.center, self.scale = center_and_scale(told, rows)

    def _rows(self, size, table=None):
        table = self.X if table is None else table
        for begin in range(0, self.n_rows, size):
            part = slice(begin, min(begin + size, self.n_rows))
            block = table[part] if self.rows is None else table[self.rows[part]]
            block = np.ascontiguousarray(dense(block), dtype=np.float64)
            yield block if block.flags.writeable else block.copy()  # torch warns of such memory

    def at(self, places):
        """Some of the rows themselves, and what they are told."""
        index = places if self.rows is None else self.rows[places]
        tables = (self.X, self.told)
        return tuple(None if t is None else np.array(dense(t[index]), np.float64) for t in tables)

    def blocks(self, size):
        """Rows as the encoder sees them, without what covariates explain, in float64."""
        if self.told is None:
            return map(self._as_seen, self._rows(size))
        return map(self.unexplained, self._rows(size), self._rows(size, self.told))

    def _as_seen(self, rows, standard=None):
        """Rows as the encoder sees them, as float64; with their standardised covariates, if any."""
        rows = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float64))
        seen = self.likelihood.encoder_input(rows)
        if standard is not None and self.multiplies is not None:
            effect = torch.from_numpy(standard @ self.multiplies.T)
            seen = self.likelihood.without_effect(rows, seen, effect)
        return seen.numpy()

    def unexplained(self, rows, told):
        """Rows as the encoder sees them, less what is linear in their covariates."""
        if self.told is None:
            return self._as_seen(rows)
        standard = self._standard(told)
        return self._as_seen(rows, standard) - standard @ self.effect.T

    def _standard(self, told):
        return np.nan_to_num((np.asarray(told, np.float64) - self.center) / self.scale, nan=0.0)

    @property
    def effect(self):
        """How what is seen changes with the standardised covariates, ``(n_features, n)``; or None.

        The least squares solution of smallest norm: one-hot columns are no independent ones.
        """
        if self._effect is None and self.told is not None:
            square, product, sums = 0.0, 0.0, 0.0
            for x, told in zip(
                self._rows(_MAX_REGRESSION_ROWS),
                self._rows(_MAX_REGRESSION_ROWS, self.told),
                strict=True,
            ):
                told = self._standard(told)
                seen = self._as_seen(x, told)
                square, product = square + told.T @ told, product + told.T @ seen
                sums = sums + np.concatenate([told.sum(axis=0), seen.sum(axis=0)])
            n_told = self.told.shape[1]
            told_sum, seen_sum = sums[:n_told], sums[n_told:]
            square = square - np.outer(told_sum, told_sum) / self.n_rows
            product = product - np.outer(told_sum, seen_sum) / self.n_rows
            self._effect = np.linalg.lstsq(square, product, rcond=1e-10)[0].T
        return self._effect

    @property
    def axes(self):
        """Principal axes of the rows."""
        if self._axes is None:
            n_features = self.X.shape[1]
            self._axes = principal_axes(self.blocks, self.n_rows, n_features, self.n_components)
        return self._axes

    @property
    def feature_variances(self):
        """Variance of each feature."""
        return self.axes.feature_variances

    @property
    def spread(self):
        """One scale for all features, so wide that an optimiser's steps are small beside it."""
        if self._spread is None:
            self._spread = _WIDTH * float(np.sqrt(self.feature_variances.mean())) or 1.0
        return self._spread

    def with_axes_of(self, decomposition):
        """The same rows, with axes that were found before."""
        name = type(decomposition).__name__
        if self.told is not None:
            raise ValueError(
                f"init={name} knows nothing of covariates, whose effect is no part of the axes. "
                'Use init="pca".'
            )
        rows = next(self._rows(_MAX_REGRESSION_ROWS))
        if not np.array_equal(np.where(np.isnan(rows), rows, self._as_seen(rows)), rows, True):
            kind = type(self.likelihood.likelihood).__name__
            raise ValueError(
                f"init={name} was fitted to X itself, but under likelihood={kind} the encoder sees "
                'other numbers. Use init="pca", or anchors.'
            )
        data = copy(self)
        data._axes, data._spread = axes_of(decomposition, self.n_components, self.X.shape[1]), None
        return data

    def effect_on_output(self):
        """How the decoder's output changes with them, if the likelihood finds out by itself."""
        if self.told is None or self._on_output is not None:
            return self._on_output
        some = np.linspace(0, self.n_rows - 1, min(self.n_rows, _MAX_REGRESSION_ROWS)).astype(int)
        rows, told = self.at(some)
        given = np.nan_to_num(rows, nan=0.0), self._standard(told)
        self._on_output = optional(self.likelihood.likelihood, "start_effect", None, *given)
        return self._on_output

    @property
    def multiplies(self):
        """Logarithm of what covariates multiply what is seen by, or None where they add to it."""
        return self.effect_on_output() if self.likelihood.multiplied else None


def _at_principal_axes(model, module, data):
    axes, d = data.axes, model.n_components
    beta = model._beta_to_start_from()
    if beta is None:  # no prior: latents of unit variance
        decoder = np.sqrt(axes.variances)
        encoder, posterior = 1.0 / decoder, None
    else:
        fixed = getattr(module.likelihood.likelihood, "noise", lambda: None)()
        encoder, decoder, posterior, _ = linear_vae(
            axes.variances, axes.feature_variances.sum(), len(axes.mean), beta, fixed
        )
    encoder, loadings = encoder[:, None] * axes.axes, (decoder[:, None] * axes.axes).T
    missing = d - len(axes.variances)  # components beyond the data's rank have nothing to say
    if missing:
        encoder = np.pad(encoder, ((0, missing), (0, 0)))
        loadings = np.pad(loadings, ((0, 0), (0, missing)))
        posterior = (
            posterior if posterior is None else np.pad(posterior, (0, missing), constant_values=1)
        )
    module.path.start_encoder(axes.mean, data.spread, encoder, data.effect, data.multiplies)
    _networks_at_zero(module, posterior)
    residual = axes.feature_variances - decoder**2 @ axes.axes**2
    module.likelihood.start(residual, axes.feature_variances, data.seen)
    if model._decodes_latents():
        _start_decoder(module, data, axes.mean, loadings)
    else:
        _regress_decoder(module, data)


def _at_anchors(model, module, data, points):
    """Ridge maps through the anchors, both ways: the start travels with them."""
    Z = np.asarray(points.Z, dtype=np.float64)
    seen = data.unexplained(*model._split(points.X))
    encoder, z_center, residual = ridge(seen, np.asarray(points.encoded, dtype=np.float64))
    # The map's own constant goes to the place that it is centred at.
    center = seen.mean(axis=0)
    module.path.start_encoder(center, data.spread, encoder, data.effect, data.multiplies)
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
    for block in data.blocks(_MAX_REGRESSION_ROWS):
        latents = (block - center) @ encoder.T + z_center
        residual += ((block - mean - latents @ loadings.T) ** 2).sum(axis=0)
        n += len(block)
    residual = residual / n + (loadings**2) @ posterior
    module.likelihood.start(residual, data.feature_variances, data.seen)


def _posterior_variance(points):
    posterior = getattr(points, "posterior", None)
    return None if posterior is None else np.exp(posterior.log_var).mean(axis=0)


def _start_decoder(module, data, mean, loadings, codes=None):
    """Decode codes linearly: their mean to the mean, and by the link's slope there."""
    if data.effect is not None:  # behind latents lie covariates
        loadings = np.concatenate([loadings, data.effect], axis=1)
    center, weight = module.likelihood.start_output(mean, loadings, data.seen)
    effect = data.effect_on_output()
    if effect is not None:
        weight[:, -effect.shape[1] :] = effect
    if codes is not None:
        center = center - weight[:, : len(codes)] @ codes
    # Where outputs are in X's unit, so is the scale; other links have their own.
    same_unit = module.likelihood.in_data_unit
    module.path.start_decoder(center, data.spread if same_unit else 1.0, weight)


def _regress_decoder(module, data, codes=None):
    """A decoder that does not take latents starts at the ridge map from what it takes."""
    some = np.linspace(0, data.n_rows - 1, min(data.n_rows, _MAX_REGRESSION_ROWS)).astype(int)
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


def _networks_at_zero(module, posterior):
    if posterior is None:
        module.start()
    else:
        module.start(np.log(np.maximum(posterior, _LEAST_POSTERIOR)))


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

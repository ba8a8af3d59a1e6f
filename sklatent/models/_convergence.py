"""Whether a fit has learned anything, and what to do where it has not."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklatent._utils.sparse import dense
from sklatent._utils.warn import warn_caller

_ROWS = 256  # looked at
_ACTIVE = 0.01  # variance of a posterior mean over rows (Burda et al.)


def warn_if_nothing_learned(models, X, rows, groups=None):
    """Warn where no component is active or reconstructions are no better than the mean.

    Parameters
    ----------
    models : list of LatentModel
        Freshly fitted, of one stack if there are several.
    X : array or CSR matrix of shape (n_samples, n_features)
        Validated data, covariates included.
    rows : ndarray of shape (n_models, n_rows) or None
        Which each was trained on; None is all.
    groups : sequence of int, default=None
        Models of equal number were trained on the same rows.

    Warns
    -----
    ConvergenceWarning
        For each that has learned nothing, with the likely cause and what mends it.
    """
    if getattr(models[0], "encoder_", None) is not None:
        return  # an encoder of the user's, of which nothing is known
    alike = {}
    for k in range(len(models)):
        alike.setdefault(k if groups is None else groups[k], []).append(k)
    for places in alike.values():
        own = None if rows is None else rows[min(places[0], len(rows) - 1)]
        n = X.shape[0] if own is None else len(own)
        some = np.linspace(0, n - 1, min(n, _ROWS)).astype(int)
        sample = np.array(dense(X[some if own is None else own[some]]), dtype=np.float32)
        if np.isinf(sample).any():
            continue  # beyond float32
        found = _look_together(models, places, sample)
        for k in places:
            seen = found[k] if k in found else _look(models[k], sample)
            if seen is not None:
                _warn_of(models[k], *seen)


def _look_together(models, places, sample):
    """Latents, rows and reconstructions of each of a group's models; None of those that are well.

    Those of whom nothing finite can be said, or that have to be asked by themselves, are missing.
    """
    found = models[places[0]]._reconstruct_together(sample)
    if found is None:
        return {}
    group, Z, x, decoded = found
    well = _better_than_mean(x, decoded) & (Z.var(axis=1) > _ACTIVE).any(axis=1)
    finite = np.isfinite(Z).all(axis=(1, 2)) & np.isfinite(decoded).all(axis=(1, 2))
    return {
        k: None if well[i] else (Z[i], x, decoded[i])
        for i, k in enumerate(group)
        if well[i] or finite[i]
    }


def _look(model, sample):
    """The same of one model by itself."""
    try:
        return model._reconstruct(sample)
    except ValueError:
        # Of some rows nothing finite can be said, which whoever asks about them is told.
        return None


def _warn_of(model, Z, x, decoded):
    """Warn if a model has learned nothing of some rows that it was trained on."""
    active = (
        int((Z.var(axis=0) > _ACTIVE).sum()) if model._beta_to_start_from() is not None else None
    )
    if active == 0:
        failure = f"No component of {type(model).__name__} is active: latents say nothing of X"
    elif not _better_than_mean(x, decoded):
        failure = f"{type(model).__name__} reconstructs its training rows no better than their mean"
    else:
        return
    warn_caller(f"{failure}. {_cause(model, x)}", ConvergenceWarning)


def _better_than_mean(x, decoded):
    """Whether squared errors are smaller in X's own units, or with all features in one.

    Of several models at once, whose axis is the first of what is decoded, an array.
    """
    x = x.astype(np.float64)
    # Where nothing is missing, plain functions take a third of the time, in each of many fits.
    mean, total = (np.nanmean, np.nansum) if np.isnan(x).any() else (np.mean, np.sum)
    errors = total((x - decoded) ** 2, axis=-2)
    spread = total((x - mean(x, axis=0)) ** 2, axis=0)
    varies = spread > 0
    relative = errors[..., varies] / spread[varies]
    better = errors.sum(axis=-1) < spread.sum()
    return better | (relative.mean(axis=-1) < 1) if varies.any() else better


def _cause(model, x):
    """The likeliest cause, and what mends it."""
    likelihood = model._find_likelihood()
    noise = getattr(likelihood, "noise", lambda: None)()
    variance = float(np.nanvar(x, axis=0).max())
    beta = float(np.max(getattr(model, "beta", 0.0)))
    if noise is not None and variance < noise * max(beta, 1.0):
        return (
            f"The likelihood's variance is fixed at {noise:.3g}, and no feature of X varies by "
            f'more than {variance:.3g}: use likelihood="gaussian", which learns its variance, or '
            "scale X (for example with StandardScaler)."
        )
    rho = getattr(model, "rho", 0.0)
    if rho > 1 and getattr(model, "rosetta_points", None) is not None:
        return (
            f"rho={rho:.3g} holds the anchors at the expense of the data: lower it, or raise "
            "encoder_weight in its place, which holds only the latents."
        )
    if beta > 1:
        return (
            f"beta={beta:.3g} makes information expensive: lower it, or raise warmup_epochs, over "
            "which its weight rises."
        )
    if not model._has_linear_path():
        return (
            f'From a random start {model.n_epochs_} epochs may be too few: use init="pca", or '
            "raise max_epochs or learning_rate."
        )
    return (
        "Perhaps features have no structure in common that the noise does not hide. Check that X "
        "is scaled (for example with StandardScaler), that the likelihood suits it and that rows "
        "are many enough, or lower beta."
    )

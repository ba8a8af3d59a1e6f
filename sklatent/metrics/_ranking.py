"""Ranking models without labels, by how much each agrees with the others."""

import numpy as np
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_scalar

from sklatent._posterior import Posterior
from sklatent._utils.arrays import to_numbers
from sklatent._utils.options import check_options
from sklatent._utils.warn import warn_caller
from sklatent.metrics._blocks import binary_exponent
from sklatent.metrics._validation import check_latents, is_constant

_SIMILARITIES = ("lasso", "spearman", "nmi", "vi")
_LASSO_ALPHA = 0.1  # that of the public implementation


def _standardize(columns):
    """Scale columns to mean zero and unit variance; constant ones become zero."""
    columns = np.ldexp(columns, -binary_exponent(columns, axis=0))
    centered = columns - columns.mean(axis=0)
    return np.where(is_constant(columns), 0.0, centered / np.maximum(columns.std(axis=0), 1e-300))


def _lasso_coefficients(gram, cross, *, tol=1e-8, max_sweeps=10_000):
    """Coordinate descent for many targets at once, from second moments alone.

    Minimises 1/(2n) |y - X w|^2 + alpha |w|_1 for each target y, given X^T X / n and X^T y / n.
    """
    weights = np.zeros_like(cross)
    diagonal = np.diag(gram)
    for _ in range(max_sweeps):
        change = 0.0
        for a in np.flatnonzero(diagonal > 0):
            partial = cross[a] - gram[a] @ weights + diagonal[a] * weights[a]
            updated = np.sign(partial) * np.maximum(np.abs(partial) - _LASSO_ALPHA, 0)
            updated /= diagonal[a]
            change = max(change, np.abs(updated - weights[a]).max())
            weights[a] = updated
        if change <= tol:
            return weights
    warn_caller(
        f"The lasso did not converge within {max_sweeps} sweeps (last change {change:.1e}); the "
        "components of a model are nearly collinear.",
        ConvergenceWarning,
    )
    return weights


def _lasso_similarity(columns, n_components):
    """Absolute lasso coefficients; entry (a, b): of component a in predicting component b."""
    moments = _standardize(columns)
    moments = moments.T @ moments / len(columns)
    blocks = [slice(i, i + n_components) for i in range(0, len(moments), n_components)]
    return np.vstack([np.abs(_lasso_coefficients(moments[b, b], moments[b])) for b in blocks])


def _rank(columns):
    """Rank the entries of each column from 1, ties by their mean."""
    # Without ties any sort will do, and numpy's own is faster than rankdata's stable one.
    rows = np.ascontiguousarray(columns.T)
    order = np.argsort(rows, axis=1)
    ordered = np.take_along_axis(rows, order, axis=1)
    ranks = np.empty(rows.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, rows.shape[1] + 1)[None], axis=1)
    tied = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    if tied.any():
        ranks[tied] = rankdata(rows[tied], axis=1)
    return ranks.T


def _spearman_similarity(columns):
    """Absolute rank correlations of all columns; each is ranked once."""
    ranks = _standardize(_rank(columns))
    return np.abs(ranks.T @ ranks) / len(columns)


def _channel_similarity(columns, log_vars, metric):
    """Similarity of posteriors as communication channels; 0 where a channel carries nothing."""
    from sklatent.channels import ChannelFingerprints, channel_similarity

    fingerprints = ChannelFingerprints.from_posteriors(columns.T, log_vars.T)
    similarity = np.asarray(channel_similarity(fingerprints, metric=metric), dtype=np.float64)
    return np.nan_to_num(similarity) if metric == "nmi" else np.exp(-np.maximum(similarity, 0.0))


def _ratios(strength, axis):
    """Largest entry squared over the sum along `axis`, zero where all are zero."""
    largest, total = strength.max(axis=axis), strength.sum(axis=axis)
    return largest**2 / np.where(total > 0, total, 1.0)


def _relative_strength(similarity, informative):
    """Score of every pair of models, of shape (n_models, n_models)."""
    kept = informative[:, :, None, None] & informative[None, None]
    strength = np.where(kept, similarity.reshape(kept.shape), 0.0)
    count = np.maximum(informative.sum(axis=1), 1)
    # Means over informative components alone: the others' ratios are zero.
    of_targets = _ratios(strength, axis=1).sum(axis=2) / count[None, :]
    of_sources = _ratios(strength, axis=3).sum(axis=1) / count[:, None]
    pairwise = (of_targets + of_sources) / 2
    np.fill_diagonal(pairwise, 0.0)
    return pairwise


def _checked_like(array, name, shape):
    array = to_numbers(array, name).astype(np.float64, copy=False)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape} for these codes, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity.")
    return array


@check_options()
def udr_scores(
    codes,
    *,
    kl=None,
    log_vars=None,
    kl_threshold=0.01,
    similarity="lasso",
    return_pairwise=False,
):
    """Unsupervised disentanglement ranking (UDR) of several models.

    With R_ab the similarity of component a of model i to component b of model j, among informative
    components, the pair scores

    .. math:: UDR_{ij} = \\frac{1}{2} \\left(
        \\mathrm{mean}_b \\frac{\\max_a R_{ab}^2}{\\sum_a R_{ab}} +
        \\mathrm{mean}_a \\frac{\\max_b R_{ab}^2}{\\sum_b R_{ab}} \\right)

    and model j the median of UDR_ij over the other models i. A model scores high if each of its
    components has one counterpart in most of the others. Scores lie in [0, 1], but for lasso
    coefficients, which can exceed one where components are correlated; larger is better.

    Parameters
    ----------
    codes : array-like of shape (n_models, n_samples, n_components)
        Posterior means of the same samples, in the same order, by each model.

    kl : array-like of shape (n_models, n_components), default=None
        Mean divergence of each component from the prior in nats, for dropping uninformative
        components. None computes it if `log_vars` is given, else keeps every component that varies.

    log_vars : array-like of shape (n_models, n_samples, n_components), default=None
        Natural logarithms of the posterior variances; required for `"nmi"` and `"vi"`.

    kl_threshold : float, default=0.01
        Components of no larger divergence are dropped.

    similarity : {"lasso", "spearman", "nmi", "vi"}, default="lasso"
        How components are compared: absolute coefficients of a lasso (alpha=0.1) from model i's
        standardised components to each of model j's; absolute rank correlations; normalised
        mutual information of the posteriors as communication channels; or exp(-VI) of their
        variation of information in bits.

    return_pairwise : bool, default=False
        Whether to return the scores of pairs as well.

    Returns
    -------
    scores : ndarray of shape (n_models,)
        Score of each model; 0.0 if none of its components is informative.

    pairwise : ndarray of shape (n_models, n_models)
        UDR_ij, zero on the diagonal. Symmetric but for the lasso. Only returned if
        `return_pairwise` is true.

    Raises
    ------
    ValueError
        If there are fewer than two models, shapes disagree, entries are not finite, or `log_vars`
        is missing for `"nmi"` or `"vi"`.

    Notes
    -----
    As in the public implementation, the two means are averaged with equal weights; the paper
    weights them by the numbers of informative components. A constant component, for which a rank
    correlation is 0/0, counts as uninformative.

    Which similarity tells settings apart depends on the objective: on sprites (see
    ``benchmarks/reports/channels_sprites.md``) it explains 11 percent of UDR by lasso and 71
    by NMI for beta-VAEs; for beta-TCVAEs they are not told apart. Leave collapsed settings out:
    few components have few ways to disagree.

    References
    ----------
    S. Duan et al., "Unsupervised model selection for variational disentangled representation
    learning", ICLR 2020, equation 4. For `"nmi"` and `"vi"`: "Comparing the information content of
    probabilistic representation spaces", section 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import udr_scores
    >>> Z = np.random.default_rng(0).normal(size=(500, 2))
    >>> mixed = Z @ np.array([[1.0, -1.0], [1.0, 1.0]])
    >>> udr_scores(np.stack([Z, -Z[:, ::-1], mixed]), similarity="spearman").round(2)
    array([0.67, 0.67, 0.35])
    """
    if not isinstance(similarity, str) or similarity not in _SIMILARITIES:
        raise ValueError(f"similarity must be one of {_SIMILARITIES}, got {similarity!r}.")
    check_scalar(kl_threshold, "kl_threshold", (int, float), min_val=0)
    models = check_latents(codes)
    columns = np.hstack(models)
    shape = (len(models), *models[0].shape)
    informative = ~is_constant(columns).reshape(shape[0], shape[2])
    if log_vars is not None:
        log_vars = _checked_like(log_vars, "log_vars", shape)
    elif similarity in ("nmi", "vi"):
        raise ValueError(f"similarity={similarity!r} compares posteriors and needs log_vars.")
    if kl is None and log_vars is not None:
        kl = [
            Posterior(Z, log_var=log_var).kl_per_component().mean(axis=0)
            for Z, log_var in zip(models, log_vars, strict=True)
        ]
    if kl is not None:
        informative &= _checked_like(kl, "kl", informative.shape) > kl_threshold

    # What is not informative must not help to predict others either.
    columns = np.where(informative.ravel(), columns, 0.0)
    if similarity == "lasso":
        strength = _lasso_similarity(columns, shape[2])
    elif similarity == "spearman":
        strength = _spearman_similarity(columns)
    else:
        strength = _channel_similarity(columns, np.hstack(list(log_vars)), similarity)
    pairwise = _relative_strength(strength, informative)
    off_diagonal = ~np.eye(len(models), dtype=bool)
    scores = np.array([np.median(pairwise[off_diagonal[:, j], j]) for j in range(len(models))])
    return (scores, pairwise) if return_pairwise else scores

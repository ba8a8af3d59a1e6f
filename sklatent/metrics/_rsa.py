"""Representational similarity analysis: do two representations order pairs of samples alike?"""

import numpy as np
from scipy.stats import rankdata
from sklearn.utils.validation import check_consistent_length

from sklatent.metrics._validation import check_codes, is_constant

_DISTANCES = ("correlation", "euclidean")

# Up to here all pairs are held and ranked; beyond, they are counted into bins, a block at a time.
_MOST_HELD = 3000
_N_BINS = 1 << 20
_N_KNOTS = 1 << 12
_KNOT_ROWS = 1000
_BLOCK_ELEMENTS = 1 << 20


def rsa_score(X, Y, *, metric="correlation"):
    """Representational similarity analysis (RSA) of two representations.

    The Spearman correlation, over all pairs of samples, of their similarities on either side. It
    lies in [-1, 1]: one where both order the pairs alike, about zero for independent
    representations; larger is more alike.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        A representation of the samples.

    Y : array-like of shape (n_samples, n_features_y)
        Another one of the same samples, in the same order.

    metric : {"correlation", "euclidean"}, default="correlation"
        How similar two samples are: the correlation of their features, which takes at least three
        of them and is the public code's default, or how near they lie, the choice for latents of
        few components. The latter does not change under rotation, reflection, shift and scale.

    Returns
    -------
    score : float
        The rank correlation.

    Raises
    ------
    ValueError
        If lengths differ, entries are not finite, there are fewer than three samples, too few
        features for correlations, or all pairs of a side are equally similar.

    Notes
    -----
    Beyond 3,000 samples pairs are ranked by a million bins of about equally many, block by block,
    which changes the score by less than 1e-6 and takes memory for a few blocks only.

    References
    ----------
    N. Kriegeskorte, M. Mur, P. Bandettini, "Representational similarity analysis - connecting the
    branches of systems neuroscience", 2008. M. Klabunde et al., "ReSi: a comprehensive benchmark
    for representational similarity measures", ICLR 2025, and its public code.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import rsa_score
    >>> Z = np.random.default_rng(0).normal(size=(100, 4))
    >>> rsa_score(Z, 3.0 * Z[:, ::-1])
    1.0
    >>> bool(abs(rsa_score(Z, Z[::-1], metric="euclidean")) < 0.1)
    True
    """
    if not isinstance(metric, str) or metric not in _DISTANCES:
        raise ValueError(f"metric must be one of {_DISTANCES}, got {metric!r}.")
    X, Y = check_codes(X, "X", min_samples=3), check_codes(Y, "Y", min_samples=3)
    check_consistent_length(X, Y)
    sides = [_prepared(Z, name, metric) for Z, name in ((X, "X"), (Y, "Y"))]
    if len(X) <= _MOST_HELD:
        held = [_held_similarities(rows, offset) for rows, offset in sides]
        return _spearman([rankdata(values) for values in held])
    return _binned_spearman(sides)


def _prepared(Z, name, metric):
    """Rows and offsets: the similarity of rows i and j is their product minus both offsets."""
    # The unit cancels; without it squares stay in range.
    Z = Z / max(np.abs(Z).max(), np.finfo(np.float64).tiny)
    if metric == "euclidean":
        Z = Z - Z.mean(axis=0)
        # -|a - b|^2 / 2, which has the order of minus the distance.
        return Z, 0.5 * np.einsum("ij,ij->i", Z, Z)
    if Z.shape[1] < 3:
        raise ValueError(
            f"Correlations of {Z.shape[1]} features are all one or minus one: {name} needs at "
            'least 3, or use metric="euclidean".'
        )
    flat = is_constant(Z.T)
    if flat.any():
        raise ValueError(
            f"Row {flat.argmax()} of {name} is the same number in every column, so it correlates "
            'with nothing. Leave it out, or use metric="euclidean".'
        )
    Z = Z - Z.mean(axis=1, keepdims=True)
    return Z / np.linalg.norm(Z, axis=1, keepdims=True), np.zeros(len(Z))


def _block(rows, offset, start, stop):
    """Similarities of rows start to stop with every later row, as one flat array."""
    values = rows[start:stop] @ rows[start:].T - offset[start:stop, None] - offset[start:]
    return values[np.arange(values.shape[1]) > np.arange(len(values))[:, None]]


def _held_similarities(rows, offset):
    return _block(rows, offset, 0, len(rows))


def _spearman(ranks):
    centred = [r - r.mean() for r in ranks]
    norms = [np.linalg.norm(r) for r in centred]
    if not np.isfinite(norms).all():
        raise ValueError("The similarities overflow float64. Scale X and Y first.")
    if not min(norms) > 0:
        raise ValueError(
            "All pairs of samples are equally similar on one side, so that nothing can be ranked."
        )
    return float(np.clip(centred[0] @ centred[1] / (norms[0] * norms[1]), -1.0, 1.0))


def _blocks(n_samples):
    step = max(1, _BLOCK_ELEMENTS // n_samples)
    return [(start, min(start + step, n_samples)) for start in range(0, n_samples, step)]


def _binned_spearman(sides):
    """The rank correlation with similarities counted into bins, a bin's pairs sharing a rank."""
    blocks = _blocks(len(sides[0][0]))
    scales = [_bin_scale(rows, offset, blocks) for rows, offset in sides]
    counts = [np.zeros(_N_BINS) for _ in sides]
    for start, stop in blocks:
        for side, scale, count in zip(sides, scales, counts, strict=True):
            count += np.bincount(_bins(_block(*side, start, stop), scale), minlength=_N_BINS)
    n_pairs = counts[0].sum()
    # Ranks from -1/2 to 1/2, so that sums over very many pairs keep their digits.
    ranks = [(np.cumsum(count) - 0.5 * count) / n_pairs - 0.5 for count in counts]
    norms = [np.sqrt(count @ rank**2) for count, rank in zip(counts, ranks, strict=True)]
    if not min(norms) > 1e-12 * np.sqrt(n_pairs):
        raise ValueError(
            "All pairs of samples are equally similar on one side, so that nothing can be ranked."
        )
    product = 0.0
    for start, stop in blocks:
        own = [
            rank[_bins(_block(*side, start, stop), scale)]
            for side, scale, rank in zip(sides, scales, ranks, strict=True)
        ]
        product += own[0] @ own[1]
    return float(np.clip(product / (norms[0] * norms[1]), -1.0, 1.0))


def _bin_scale(rows, offset, blocks):
    """Similarities and the bins at which they lie, so that bins hold about equally many pairs."""
    lows, highs = [], []
    for start, stop in blocks:
        values = _block(rows, offset, start, stop)
        if values.size:
            lows.append(values.min())
            highs.append(values.max())
    some = slice(None, None, -(-len(rows) // _KNOT_ROWS))
    quantiles = np.linspace(0.0, 1.0, _N_KNOTS)
    knots = np.quantile(_held_similarities(rows[some], offset[some]), quantiles)
    knots[0], knots[-1] = min(lows), max(highs)
    knots, first = np.unique(knots, return_index=True)
    return knots, quantiles[first] * (_N_BINS - 1)


def _bins(values, scale):
    return np.interp(values, *scale).astype(np.int64)

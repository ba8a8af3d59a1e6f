"""Principal axes of data of any size, with signs that do not turn over when a row is dropped."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

_BLOCK_BYTES = 1 << 25
_EXACT = 2048  # the smaller side of X up to which its Gram matrix is decomposed as a whole
_OVERSAMPLING = 10
_ITERATIONS = 7
_STABILITY_ROWS = 20_000  # rows that the standard error of a sign is estimated from


@dataclass
class PrincipalAxes:
    """Mean, variances and unit axes of data.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
        Of the rows.
    axes : ndarray of shape (n_axes, n_features)
        Unit vectors, by falling variance.
    variances : ndarray of shape (n_axes,)
        Of the centred rows along each axis, divided by the number of rows.
    feature_variances : ndarray of shape (n_features,)
        Of each feature.
    gaps : ndarray of shape (n_axes,)
        Distance to the nearest other variance, relative to the axis's own. Below
        ``sqrt(2 / n_samples)`` an axis and its neighbour may turn into each other in other data.
    sign_stability : ndarray of shape (n_axes,)
        What decides the sign, over its standard error. Below 1 the sign may turn over when a tenth
        of the rows is left out, below 2 when half of them are.
    """

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    feature_variances: np.ndarray
    gaps: np.ndarray
    sign_stability: np.ndarray


def principal_axes(blocks, n_rows, n_features, n_axes):
    """Find the leading principal axes.

    Parameters
    ----------
    blocks : callable
        ``blocks(n)`` iterates over the rows, at most n at a time, as float64 arrays; always in the
        same order, so that sums are the same to the last bit.
    n_rows, n_features : int
        Shape of the data.
    n_axes : int
        How many to find; fewer come back where the data have fewer dimensions.

    Returns
    -------
    PrincipalAxes
        With signs by :func:`sign_statistic`.
    """
    size = max(1, _BLOCK_BYTES // (8 * n_features))
    mean = sum(block.sum(axis=0) for block in blocks(size)) / n_rows

    def centred():
        return (block - mean for block in blocks(size))

    feature_variances = sum((block**2).sum(axis=0) for block in centred()) / n_rows
    n_found = min(n_axes + 1, n_rows, n_features)  # one more, for the last one's gap
    if n_features <= max(_EXACT, 2 * n_found) and n_features <= n_rows:
        gram = sum(block.T @ block for block in centred()) / n_rows
        variances, axes = _largest(gram, n_found)
    elif n_rows <= max(_EXACT, 2 * n_found):
        rows = np.concatenate(list(centred()))
        variances, left = _largest(rows @ rows.T / n_rows, n_found)
        axes = left @ rows
        norms = np.linalg.norm(axes, axis=1, keepdims=True)
        axes = np.divide(axes, norms, out=np.zeros_like(axes), where=norms > 0)
    else:
        variances, axes = _subspace(centred, n_rows, n_features, n_found)
    # What is left of directions that the data do not have is rounding.
    real = variances > 1e-12 * max(variances[0], feature_variances.sum() / n_features)
    variances, axes = variances[real], axes[real]
    if not len(variances):
        raise ValueError(
            "X varies by so little that its variance is zero in floating point. Scale X (for "
            "example with StandardScaler)."
        )
    n_kept = min(n_axes, len(variances))
    rest = feature_variances.sum() - variances[:n_kept].sum()
    n_rest = min(n_features, n_rows - 1) - n_kept
    discarded = max(rest, 0.0) / n_rest if n_rest > 0 else 0.0
    gaps = _relative_gaps(variances, n_kept)
    axes, variances = axes[:n_kept], variances[:n_kept]
    statistic, error = sign_statistic(axes, variances, discarded, centred, n_rows)
    axes = axes * np.where(statistic < 0, -1.0, 1.0)[:, None]
    with np.errstate(divide="ignore"):
        stability = np.abs(statistic) / error
    return PrincipalAxes(mean, axes, variances, feature_variances, gaps, stability)


def axes_of(decomposition, n_axes, n_features):
    """Principal axes that were found before, of a stream for example, with the signs they have.

    Parameters
    ----------
    decomposition : fitted PCA, IncrementalPCA or one like them
        With ``components_``, ``explained_variance_`` and ``mean_``.
    n_axes : int
        How many are wanted.
    n_features : int
        How many features the data have.

    Returns
    -------
    PrincipalAxes
        Of signs nothing is known.

    Raises
    ------
    ValueError
        If there are too few axes, or they are of other features.
    """
    name = type(decomposition).__name__
    axes = np.asarray(decomposition.components_, dtype=np.float64)
    if axes.shape[1] != n_features:
        raise ValueError(
            f"init={name} was fitted to {axes.shape[1]} features, but X has {n_features}. Fit it "
            "to the same columns."
        )
    wanted = min(n_axes, n_features)
    if len(axes) < wanted:
        raise ValueError(
            f"init={name} has {len(axes)} axes, but n_components={n_axes}. Fit it with "
            f"n_components={wanted} or more."
        )
    seen = getattr(decomposition, "n_samples_seen_", getattr(decomposition, "n_samples_", np.inf))
    share = 1.0 if np.isinf(seen) else (seen - 1) / seen  # theirs are divided by one row less
    variances = share * np.asarray(decomposition.explained_variance_, dtype=np.float64)
    squares = axes**2
    noise = share * float(getattr(decomposition, "noise_variance_", 0.0))
    features = getattr(decomposition, "var_", None)
    if features is None:  # as the model behind PCA has them
        features = variances @ squares + noise * (1.0 - squares.sum(axis=0))
    return PrincipalAxes(
        np.asarray(decomposition.mean_, dtype=np.float64),
        axes[:wanted],
        variances[:wanted],
        np.asarray(features, dtype=np.float64),
        _relative_gaps(np.append(variances, noise), wanted),
        np.full(wanted, np.nan),
    )


def sign_statistic(axes, variances, discarded, centred, n_rows):
    """What decides the sign of each axis, and its standard error under resampling of rows.

    ``S = sum_j (v_j + v_j^3) + sum_i t_i |t_i| / sum_i t_i^2``, v the unit loadings and t the
    scores: a sum over all features and rows has no single entry that could overtake another.

    Parameters
    ----------
    axes : ndarray of shape (n_axes, n_features)
        Unit loadings.
    variances : ndarray of shape (n_axes,)
        Of the scores.
    discarded : float
        Mean variance along the other directions.
    centred : callable
        Iterates over blocks of centred rows.
    n_rows : int
        Number of rows.

    Returns
    -------
    statistic, error : ndarray of shape (n_axes,)
        S, and the standard error of the mean of its influence function over rows: a row moves
        axis k by ``sum_l t_k t_l / (lambda_k - lambda_l) v_l`` (first order), and the second sum
        by its own share.
    """
    loadings = (axes + axes**3).sum(axis=1)
    gradient = 1.0 + 3.0 * axes**2  # of the loadings' sum
    between = gradient @ axes.T  # [k, l]: how axis k's sum changes towards axis l
    difference = variances[:, None] - variances
    np.fill_diagonal(difference, np.inf)
    tiny = 1e-12 * variances[:1]
    difference = np.where(np.abs(difference) < tiny, tiny, difference)
    towards = between / difference
    outside = np.maximum(variances - discarded, tiny)
    step = max(1, n_rows // _STABILITY_ROWS)
    signed, start, kept = np.zeros(len(axes)), 0, []
    for block in centred():
        scores = block @ axes.T
        signed += (scores * np.abs(scores)).sum(axis=0)
        some = slice(-start % step, None, step)
        start += len(block)
        t = scores[some]
        rest = block[some] - t @ axes
        moved = t * (t @ towards.T + (rest @ gradient.T) / outside)
        kept.append((moved, t))
    moved, t = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    share = signed / (n_rows * variances)
    influence = moved + (t * np.abs(t) - share * t**2) / variances
    error = influence.std(axis=0) / np.sqrt(n_rows)
    return loadings + share, error


def _largest(matrix, n):
    """The n largest eigenvalues of a symmetric matrix, and their vectors as rows."""
    size = len(matrix)
    values, vectors = eigh(matrix, subset_by_index=(size - n, size - 1))
    return np.maximum(values[::-1], 0.0), vectors[:, ::-1].T


def _subspace(centred, n_rows, n_features, n):
    """Subspace iteration from a fixed draw: the same for every seed of a model."""
    width = min(n + _OVERSAMPLING, n_features)
    basis = np.random.RandomState(0).standard_normal((n_features, width))
    for _ in range(_ITERATIONS):
        basis = np.linalg.qr(basis)[0]
        basis = sum(block.T @ (block @ basis) for block in centred())
    basis = np.linalg.qr(basis)[0]
    scores = (block @ basis for block in centred())
    variances, inner = _largest(sum(part.T @ part for part in scores) / n_rows, n)
    return variances, inner @ basis.T


def _relative_gaps(variances, n):
    """Distance of each of the first n variances to its nearest neighbour, relative to itself."""
    between = -np.diff(variances)
    above = np.concatenate([[np.inf], between])[:n]
    below = np.concatenate([between, [variances[-1]]])[:n]
    return np.minimum(above, below) / variances[:n]

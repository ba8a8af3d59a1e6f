"""How alike two representations are, judged by each sample's nearest neighbours."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_consistent_length

from sklatent._utils.options import check_options
from sklatent.metrics._validation import check_codes

_MEASURES = ("inner_product", "cosine", "euclidean")

# Similarities held at a time, 32 MB.
_BLOCK_ELEMENTS = 1 << 22

# The public code of CKNNA adds this to its denominator.
_CKNNA_EPSILON = 1e-6


def _checked(X, Y, n_neighbors, metric, fewest):
    """Both as float64 of largest entry one, and what they were divided by."""
    X, Y = check_codes(X, "X"), check_codes(Y, "Y")
    check_consistent_length(X, Y)
    whole = isinstance(n_neighbors, (int, np.integer)) and not isinstance(n_neighbors, bool)
    if not whole:
        raise TypeError(
            f"n_neighbors must be a whole number, got {n_neighbors!r} of type "
            f"{type(n_neighbors).__name__}."
        )
    if not fewest <= n_neighbors < len(X):
        raise ValueError(
            f"n_neighbors must lie between {fewest} and {len(X) - 1}, one less than the samples, "
            f"got {n_neighbors}."
        )
    if not isinstance(metric, str) or metric not in _MEASURES:
        raise ValueError(f"metric must be one of {_MEASURES}, got {metric!r}.")
    scales = [max(np.abs(Z).max(), np.finfo(np.float64).tiny) for Z in (X, Y)]
    return [Z / scale for Z, scale in zip((X, Y), scales, strict=True)], scales


def _comparable(Z, metric):
    """Rows whose inner products, minus an offset for each, order neighbours by the metric."""
    if metric == "cosine":
        norms = np.linalg.norm(Z, axis=1, keepdims=True)
        return Z / np.where(norms > 0, norms, 1.0), np.zeros(len(Z))
    if metric == "euclidean":
        # -|a - b|^2 / 2 but for |a|^2, which does not change the order of a's neighbours.
        Z = Z - Z.mean(axis=0)
        return Z, 0.5 * np.einsum("ij,ij->i", Z, Z)
    return Z, np.zeros(len(Z))


def _neighbors(Z, n_neighbors, metric):
    """Indices of each row's nearest others, (n_samples, n_neighbors), in no order."""
    Z, offset = _comparable(Z, metric)
    found = np.empty((len(Z), n_neighbors), dtype=np.intp)
    step = max(1, _BLOCK_ELEMENTS // len(Z))
    for start in range(0, len(Z), step):
        rows = np.arange(start, min(start + step, len(Z)))
        similarity = Z[rows] @ Z.T - offset
        similarity[np.arange(len(rows)), rows] = -np.inf
        found[rows] = np.argpartition(similarity, -n_neighbors, axis=1)[:, -n_neighbors:]
    return found


def _mask(neighbors):
    """The neighbours as ones of a sparse matrix."""
    n_samples, n_neighbors = neighbors.shape
    edges = np.arange(0, neighbors.size + 1, n_neighbors)
    ones = np.ones(neighbors.size)
    return sparse.csr_matrix((ones, neighbors.ravel(), edges), shape=(n_samples, n_samples))


def _n_shared(neighbors_x, neighbors_y):
    """How many neighbours each sample has on both sides."""
    return np.asarray(_mask(neighbors_x).multiply(_mask(neighbors_y)).sum(axis=1)).ravel()


@check_options()
def mutual_knn_score(X, Y, *, n_neighbors=10, metric="inner_product"):
    """Mean fraction of nearest neighbours that two representations share.

    For each sample, its `n_neighbors` nearest other samples on either side; the score is the
    fraction found on both, averaged over samples. It lies in [0, 1]; larger is more alike.
    Independent representations share about `n_neighbors / (n_samples - 1)`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        A representation of the samples.

    Y : array-like of shape (n_samples, n_features_y)
        Another one of the same samples, in the same order.

    n_neighbors : int, default=10
        Number of neighbours of each sample, itself not among them.

    metric : {"inner_product", "cosine", "euclidean"}, default="inner_product"
        What near means. The public code ranks by inner products, of features that it brings to
        unit length beforehand, after which all three agree. For latents, whose lengths differ,
        take `"euclidean"`.

    Returns
    -------
    score : float
        The mean fraction.

    Raises
    ------
    ValueError
        If lengths differ, entries are not finite, or `n_neighbors` is not below the number of
        samples.

    Notes
    -----
    Similarities are computed a block of rows at a time; memory grows as
    `n_samples * n_neighbors`. Among neighbours equally near, which are taken is arbitrary.

    References
    ----------
    M. Huh, B. Cheung, T. Wang, P. Isola, "The Platonic representation hypothesis", ICML 2024,
    appendix A, and its public code.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import mutual_knn_score
    >>> Z = np.random.default_rng(0).normal(size=(200, 3))
    >>> mutual_knn_score(Z, Z[:, ::-1] * [1, -1, 1])
    1.0
    >>> bool(mutual_knn_score(Z, Z[::-1]) < 0.3)
    True
    """
    (X, Y), _ = _checked(X, Y, n_neighbors, metric, 1)
    shared = _n_shared(_neighbors(X, n_neighbors, metric), _neighbors(Y, n_neighbors, metric))
    return float(shared.mean() / n_neighbors)


@check_options()
def neighborhood_jaccard_score(X, Y, *, n_neighbors=10, metric="cosine"):
    """Mean Jaccard similarity of nearest neighbours in two representations.

    For each sample, the neighbours found on both sides over those found on either, averaged over
    samples. It lies in [0, 1]; larger is more alike.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        A representation of the samples.

    Y : array-like of shape (n_samples, n_features_y)
        Another one of the same samples, in the same order.

    n_neighbors : int, default=10
        Number of neighbours of each sample, itself not among them.

    metric : {"inner_product", "cosine", "euclidean"}, default="cosine"
        What near means. The public code's is the cosine; for latents `"euclidean"` asks what is
        near in the plot.

    Returns
    -------
    score : float
        The mean similarity.

    Raises
    ------
    ValueError
        If lengths differ, entries are not finite, or `n_neighbors` is not below the number of
        samples.

    Notes
    -----
    The public code takes the nearest row for the sample itself, which is another one where rows are
    repeated; here a sample is never its own neighbour. Similarities are computed a block of rows at
    a time; memory grows as `n_samples * n_neighbors`.

    References
    ----------
    M. Klabunde et al., "ReSi: a comprehensive benchmark for representational similarity measures",
    ICLR 2025, and its public code.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import neighborhood_jaccard_score
    >>> Z = np.random.default_rng(0).normal(size=(200, 3))
    >>> neighborhood_jaccard_score(Z, Z[:, ::-1] * [1, -1, 1])
    1.0
    """
    (X, Y), _ = _checked(X, Y, n_neighbors, metric, 1)
    shared = _n_shared(_neighbors(X, n_neighbors, metric), _neighbors(Y, n_neighbors, metric))
    return float(np.mean(shared / (2 * n_neighbors - shared)))


def _kernel_at(Z, mask):
    """Inner products of the rows that a sparse mask pairs."""
    mask = mask.tocoo()
    values = np.empty(mask.nnz)
    step = max(1, _BLOCK_ELEMENTS // Z.shape[1])
    for start in range(0, mask.nnz, step):
        part = slice(start, start + step)
        values[part] = np.einsum("ij,ij->i", Z[mask.row[part]], Z[mask.col[part]])
    return sparse.csr_matrix((values, (mask.row, mask.col)), shape=mask.shape)


def _unbiased_hsic(K, L):
    """Equation 5 of Song et al. for sparse matrices with empty diagonals, symmetric or not."""
    n = K.shape[0]
    traces = K.multiply(L.T).sum()
    cross = np.asarray(K.sum(axis=0)).ravel() @ np.asarray(L.sum(axis=1)).ravel()
    value = traces + K.sum() * L.sum() / ((n - 1) * (n - 2)) - 2 * cross / (n - 2)
    return value / (n * (n - 3))


@check_options()
def cknna_score(X, Y, *, n_neighbors=10):
    """Centred kernel alignment of two representations over shared nearest neighbours (CKNNA).

    The unbiased linear CKA in which only those pairs count that are among each other's
    `n_neighbors` nearest on both sides: between local agreement (few neighbours) and
    :func:`linear_cka` (all of them). It is about zero for independent representations and one for
    equal ones; larger is more alike.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        A representation of the samples.

    Y : array-like of shape (n_samples, n_features_y)
        Another one of the same samples, in the same order.

    n_neighbors : int, default=10
        Number of neighbours of each sample by inner product, itself not among them; at least 2.

    Returns
    -------
    score : float
        The alignment.

    Raises
    ------
    ValueError
        If lengths differ, entries are not finite, there are fewer than four samples,
        `n_neighbors` is not below their number, or the alignment is 0/0.

    Notes
    -----
    As in the public code, pairs are weighed by the inner products themselves, and 1e-6 is added to
    the denominator, which lowers the score of representations of small entries; bring rows to unit
    length as it does, or at least to a common scale. Since being near is not mutual, exchanging X
    and Y changes the score somewhat, there as here. Similarities are computed a block of rows at a
    time; memory grows as `n_samples * n_neighbors`.

    References
    ----------
    M. Huh, B. Cheung, T. Wang, P. Isola, "The Platonic representation hypothesis", ICML 2024,
    appendix A, and its public code. L. Song et al., "Feature selection via dependence
    maximization", JMLR 2012, equation 5.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import cknna_score
    >>> Z = np.random.default_rng(0).normal(size=(200, 3))
    >>> cknna_score(Z, Z[:, ::-1] * [1, -1, 1])
    1.0
    """
    (X, Y), scales = _checked(X, Y, n_neighbors, "inner_product", 2)
    if len(X) < 4:
        raise ValueError(f"The unbiased alignment takes at least 4 samples, got {len(X)}.")
    masks = [_mask(_neighbors(Z, n_neighbors, "inner_product")) for Z in (X, Y)]
    both = masks[0].multiply(masks[1])
    xy = _unbiased_hsic(_kernel_at(X, both), _kernel_at(Y, both))
    xx, yy = (
        _unbiased_hsic(kernel, kernel)
        for kernel in (_kernel_at(Z, mask) for Z, mask in zip((X, Y), masks, strict=True))
    )
    if not min(xx, yy) > 0:
        raise ValueError(
            "The alignment is 0/0, or worse: the neighbours of a representation have no common "
            "variation by the unbiased estimate. Take more neighbours, or linear_cka."
        )
    with np.errstate(over="ignore", divide="ignore"):
        epsilon = _CKNNA_EPSILON / np.float64(scales[0]) ** 2 / np.float64(scales[1]) ** 2
    return float(xy / (np.sqrt(xx) * np.sqrt(yy) + epsilon))

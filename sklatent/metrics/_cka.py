"""Linear centred kernel alignment, from the features: never a matrix of samples by samples."""

import numpy as np
from sklearn.utils.validation import check_consistent_length

from sklatent._utils.array_api import elsewhere, to_numpy
from sklatent._utils.options import check_options
from sklatent.metrics._blocks import Columns
from sklatent.metrics._elsewhere import centred_elsewhere
from sklatent.metrics._validation import check_finite


@check_options()
def linear_cka(X, Y, *, debiased=True):
    """Linear centred kernel alignment (CKA) of two representations.

    .. math:: CKA = \\frac{HSIC(K, L)}{\\sqrt{HSIC(K, K) \\, HSIC(L, L)}}, \\quad
        K = X X^T, \\; L = Y Y^T

    It does not change under rotation, reflection, translation and scaling as a whole, but does
    under other linear maps. One for spaces equal up to those; larger is more alike.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        A representation of the samples.

    Y : array-like of shape (n_samples, n_features_y)
        Another one of the same samples, in the same order.

    debiased : bool, default=True
        Whether to use the unbiased estimator of HSIC. The biased one, with values in [0, 1], rises
        above zero for independent representations when there are few samples for the features; the
        unbiased one has values in [-1, 1], about zero for independent ones.

    Returns
    -------
    score : float
        The alignment.

    Raises
    ------
    ValueError
        If lengths differ, a representation is constant, entries are not finite, or there are fewer
        than four samples for the unbiased estimator.

    References
    ----------
    S. Kornblith et al., "Similarity of neural network representations revisited", ICML 2019. L.
    Song et al., "Feature selection via dependence maximization", JMLR 2012, equation 5.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import linear_cka
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(2, 30, 10))
    >>> linear_cka(X, 2.0 * X[:, ::-1] + 1.0)
    1.0
    >>> linear_cka(X, Y, debiased=False)
    0.28
    >>> bool(abs(linear_cka(X, Y)) < 0.1)
    True
    """
    sums = _sums_elsewhere(X, Y, debiased) or _sums(X, Y, debiased)
    xy, xx, yy = _hsic(*sums, debiased)
    if min(xx, yy) <= 1e-12:
        raise ValueError(
            "The debiased alignment of a representation in which a single sample differs from the "
            "others is 0/0. Use debiased=False or more varied samples."
        )
    return float(np.clip(xy / np.sqrt(xx * yy), -1.0, 1.0))


def _hsic(n, grams, diagonals, totals, debiased):
    """Return the HSIC of linear kernels for (X, Y), (X, X), (Y, Y), up to a factor.

    The unbiased one is Song et al. (2012), equation 5, with K = X X^T and its diagonal set to zero.
    X and Y are centred, so that a row of K adds up to zero and without its diagonal to minus that.
    """
    # Relative to the squared norms, which cancel.
    products = np.array([totals[0] * totals[1], totals[0] ** 2, totals[1] ** 2])
    traces = np.array([np.sum(gram**2) for gram in grams]) / products
    diagonals = diagonals / products
    if not debiased:
        return traces
    return traces - diagonals + 1 / ((n - 1) * (n - 2)) - 2 * diagonals / (n - 2)


def _sums(X, Y, debiased):
    """Products of the centred features, of the rows' squared norms, and these norms' sums.

    A block of rows at a time.
    """
    sides = []
    for array, name in ((X, "X"), (Y, "Y")):
        array, eps = check_finite(array, name, min_samples=4 if debiased else 2)
        sides.append(Columns(array, eps))
        _raise_if_constant(sides[-1].constant.all(), name)
    X, Y = sides
    check_consistent_length(X.array, Y.array)
    grams = [np.zeros((X.array.shape[1], Y.array.shape[1])), *(
        np.zeros((A.array.shape[1],) * 2) for A in (X, Y)
    )]  # fmt: skip
    diagonals, totals = np.zeros(3), np.zeros(2)
    for rows, x in X.blocks():
        y = Y[rows]
        for gram, (a, b) in zip(grams, ((x, y), (x, x), (y, y)), strict=True):
            gram += a.T @ b
        p, q = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", y, y)
        diagonals += [p @ q, p @ p, q @ q]
        totals += [p.sum(), q.sum()]
    return len(X.array), grams, diagonals, totals


def _sums_elsewhere(X, Y, debiased):
    """The same of rows of another library, where they lie; None where numpy reads them."""
    centred = centred_elsewhere([X, Y], ["X", "Y"], min_samples=4 if debiased else 2)
    if centred is None:
        return None
    xp = elsewhere(centred[0][0])[0]
    sides = []
    for (rows, _), name in zip(centred, "XY", strict=True):
        largest = xp.max(xp.abs(rows))
        _raise_if_constant(float(largest) == 0, name)
        sides.append(rows / largest)
    x, y = sides
    grams = [to_numpy(a.T @ b) for a, b in ((x, y), (x, x), (y, y))]
    p, q = xp.sum(x * x, axis=1), xp.sum(y * y, axis=1)
    diagonals = np.array([float(a @ b) for a, b in ((p, q), (p, p), (q, q))])
    return x.shape[0], grams, diagonals, np.array([float(xp.sum(p)), float(xp.sum(q))])


def _raise_if_constant(is_constant, name):
    if is_constant:
        raise ValueError(f"{name} does not vary over the samples, so it is like nothing else.")

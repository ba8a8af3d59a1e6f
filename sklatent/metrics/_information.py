"""Disentanglement judged by the mutual information between single codes and factors."""

import numpy as np
from scipy import sparse
from scipy.special import xlogy
from sklearn.utils.validation import check_scalar

from sklatent._utils.options import check_options
from sklatent.metrics._factors import encode_factors, equal_width_bins
from sklatent.metrics._validation import check_codes


def _one_hot(columns):
    """Stack the indicators of each column's values side by side, and say which column is whose."""
    sizes = columns.max(axis=0) + 1
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    n_samples, n_columns = columns.shape
    indicator = sparse.csr_matrix(
        (
            np.ones(columns.size),
            (columns + offsets).ravel(),
            np.arange(0, columns.size + 1, n_columns),
        ),
        shape=(n_samples, sizes.sum()),
    )
    return indicator, offsets


def _entropies(columns):
    return np.array(
        [-xlogy(p, p).sum() for p in (np.bincount(c) / len(columns) for c in columns.T)]
    )


def _mutual_information(binned, factors):
    """Mutual information in nats of each pair of columns, of shape (n_codes, n_factors)."""
    code_indicator, code_offsets = _one_hot(binned)
    factor_indicator, factor_offsets = _one_hot(factors)
    # All contingency tables at once, as blocks of one sparse product.
    joint = (code_indicator.T @ factor_indicator).toarray() / len(binned)
    plogp = np.add.reduceat(np.add.reduceat(xlogy(joint, joint), code_offsets, axis=0),
                            factor_offsets, axis=1)  # fmt: skip
    information = plogp + _entropies(binned)[:, None] + _entropies(factors)[None, :]
    # What is left of independent columns is rounding, of either sign.
    return np.where(information > 1e-12, information, 0.0)


def _checked(codes, factors, n_bins, factor_bins, min_codes, min_factors):
    codes = check_codes(codes, min_components=min_codes)
    factors = encode_factors(factors, len(codes), min_factors=min_factors, factor_bins=factor_bins)
    check_scalar(n_bins, "n_bins", (int, np.integer), min_val=2)
    return _mutual_information(equal_width_bins(codes, n_bins), factors), _entropies(factors)


@check_options()
def mutual_information_gap(codes, factors, *, n_bins=20, factor_bins=None):
    """Mutual information gap (MIG) of a representation.

    .. math:: MIG = \\frac{1}{K} \\sum_k \\frac{1}{H(v_k)} (I(z_{(1)}; v_k) - I(z_{(2)}; v_k))

    with, for each factor v_k, the codes of largest and second largest mutual information. It lies
    in [0, 1]; larger is better.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_codes)
        Latents, such as posterior means.

    factors : array-like of shape (n_samples, n_factors)
        True factors of variation of the same samples, discrete values of any type.

    n_bins : int, default=20
        Number of bins of equal width over each code's range.

    factor_bins : int, default=None
        Number of bins of equal width for factors that are continuous: numbers of which more than
        half are different, more than 50 with fewer than 20 samples each, or more than 200. None
        refuses them.

    Returns
    -------
    score : float
        The gap, as a fraction of the factors' entropies.

    Raises
    ------
    ValueError
        If there are fewer than two codes, or a factor is constant or not discrete.

    Notes
    -----
    Mutual information is in nats, from the counts of the bins, as in the public implementation; the
    normalisation by entropy removes the unit. Counts of few samples overestimate it: with S values
    of a factor by about (n_bins - 1)(S - 1) / (2 n_samples) nats. A constant code carries none.

    References
    ----------
    R. Chen, X. Li, R. Grosse, D. Duvenaud, "Isolating sources of disentanglement in variational
    autoencoders", NeurIPS 2018, equation 6.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import mutual_information_gap
    >>> factors = np.indices((4, 4)).reshape(2, -1).T
    >>> mutual_information_gap(factors.astype(float), factors)
    1.0
    """
    information, entropies = _checked(
        codes, factors, n_bins, factor_bins, min_codes=2, min_factors=1
    )
    ordered = np.sort(information, axis=0)
    return float(np.mean((ordered[-1] - ordered[-2]) / entropies))


@check_options()
def modularity_score(codes, factors, *, n_bins=20, factor_bins=None):
    """Modularity: whether each code depends on a single factor.

    For code i with mutual informations m_ij, of which m_i* is the largest, among n factors,

    .. math:: 1 - \\frac{\\sum_{j \\neq *} m_{ij}^2}{m_{i*}^2 (n - 1)}

    averaged over codes. It lies in [0, 1]; larger is better.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_codes)
        Latents, such as posterior means.

    factors : array-like of shape (n_samples, n_factors)
        True factors of variation of the same samples, discrete values of any type.

    n_bins : int, default=20
        Number of bins of equal width over each code's range.

    factor_bins : int, default=None
        Number of bins of equal width for factors that are continuous: numbers of which more than
        half are different, more than 50 with fewer than 20 samples each, or more than 200. None
        refuses them.

    Returns
    -------
    score : float
        The score.

    Raises
    ------
    ValueError
        If there are fewer than two factors, or one is constant or not discrete.

    Notes
    -----
    As in the public implementation a code without information counts as zero, so that unused
    components lower the score. Whether it has none is decided up to rounding, which the public
    implementation takes for information.

    References
    ----------
    K. Ridgeway, M. Mozer, "Learning deep disentangled embeddings with the F-statistic loss",
    NeurIPS 2018, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import modularity_score
    >>> factors = np.indices((4, 4)).reshape(2, -1).T
    >>> modularity_score(factors.astype(float), factors)
    1.0
    """
    information, _ = _checked(codes, factors, n_bins, factor_bins, min_codes=1, min_factors=2)
    squared = information**2
    largest = squared.max(axis=1)
    others = squared.sum(axis=1) - largest
    informative = largest > 0
    ratio = others / np.where(informative, largest * (squared.shape[1] - 1), 1.0)
    return float(np.mean(np.where(informative, 1.0 - ratio, 0.0)))

"""Information in one or two channels, from their matrices of Bhattacharyya coefficients."""

import numpy as np
from scipy.special import logsumexp

from sklatent._utils.options import check_options
from sklatent._utils.random import local_random_state
from sklatent.channels._arrays import as_floats, check_whole_number
from sklatent.channels._coefficients import gaussian_channels

# 2 I(X;U) - I(X;U,U') in bits below which a channel counts as without information: far above the
# rounding of a float64 mean, far below any channel of use.
_NO_INFORMATION = 1e-12


def channel_information(bc):
    """Information that a channel transmits about the samples, in bits.

    A lower bound, I(X;U) >= -mean_i log2 mean_j BC_ij, diagonal included. It lies between 0 and
    log2(n_samples) and, for a given channel, is biased down at a finite number of samples.

    Parameters
    ----------
    bc : array-like of shape (n_samples, n_samples)
        Bhattacharyya coefficients of the channel, see :func:`bhattacharyya_coefficients`. For two
        channels read together, the elementwise product of theirs.

    Returns
    -------
    information : float
        Bits. Greater means that the samples are told apart better.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", section 3.2 and equation 5, after Kolchinsky and Tracey.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.channels import channel_information
    >>> channel_information(np.eye(8))
    3.0
    """
    return _information(_check_bc(bc, "bc"))


def normalized_mutual_information(bc_a, bc_b):
    """Normalised mutual information of two channels, corrected for their own noise.

    NMI(U, V) = (I_U + I_V - I_UV) / sqrt((2 I_U - I_UU') (2 I_V - I_VV')), where I_UU' is the
    information of the channel U read twice. For hard clusterings it is the classical one with the
    geometric mean as its normalisation.

    Parameters
    ----------
    bc_a, bc_b : array-like of shape (n_samples, n_samples)
        Bhattacharyya coefficients of the two channels over the same samples, in the same order.

    Returns
    -------
    nmi : float
        1 for channels that say the same, near 0 for independent ones (at a finite number of samples
        biased up); greater means more similar. It can exceed 1 slightly, and is NaN where one of
        the channels carries no information.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", equation 3.

    Examples
    --------
    >>> from sklatent.channels import ChannelFingerprints, normalized_mutual_information
    >>> a, b = ChannelFingerprints.from_labels([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> normalized_mutual_information(a.coefficients(), a.coefficients())
    1.0
    >>> normalized_mutual_information(a.coefficients(), b.coefficients())
    0.0
    """
    bc_a, bc_b = _check_pair(bc_a, bc_b)
    information_a, information_b = _information(bc_a), _information(bc_b)
    joint, twice_a, twice_b = (_information(x * y) for x, y in _pairs(bc_a, bc_b))
    return float(nmi_from_bits(information_a, information_b, joint, twice_a, twice_b))


def variation_of_information(bc_a, bc_b):
    """Variation of information of two channels, corrected for their own noise, in bits.

    VI(U, V) = 2 I_UV - I_UU' - I_VV', a distance. For hard clusterings it is the classical one.

    Parameters
    ----------
    bc_a, bc_b : array-like of shape (n_samples, n_samples)
        Bhattacharyya coefficients of the two channels over the same samples, in the same order.

    Returns
    -------
    vi : float
        Bits, never negative: 0 for channels that say the same; smaller means more similar. The
        similarity that goes with it is exp(-VI).

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", equation 4.

    Examples
    --------
    >>> from sklatent.channels import ChannelFingerprints, variation_of_information
    >>> a, b = ChannelFingerprints.from_labels([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> variation_of_information(a.coefficients(), b.coefficients())
    2.0
    """
    bc_a, bc_b = _check_pair(bc_a, bc_b)
    joint, twice_a, twice_b = (_information(x * y) for x, y in _pairs(bc_a, bc_b))
    return float(vi_from_bits(joint, twice_a, twice_b))


@check_options()
def monte_carlo_information(mean, log_var, *, n_draws=10_000, random_state=None):
    """Information that a diagonal Gaussian channel transmits, by Monte Carlo, in bits.

    The mean of log2 p(u|x) / p(u) over draws of x from the samples and of u from the posterior of x
    with p(u) the mixture of all posteriors. Unbiased, and so the check of the lower bound that
    :func:`channel_information` is.

    Parameters
    ----------
    mean, log_var : array-like of shape (n_samples, n_dimensions)
        Means and natural logarithms of the variances of the posteriors.

    n_draws : int, default=10_000
        Number of draws. Samples take turns, so a multiple of `n_samples` treats all alike.

    random_state : int, RandomState instance or None, default=None
        Determines the draws. Pass an int for reproducible results.

    Returns
    -------
    information : float
        Bits.

    standard_error : float
        Standard error of `information`, in bits; it falls with the square root of `n_draws`.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", figure 3a, which holds the bound against bounds that are
    sampled.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.channels import monte_carlo_information
    >>> mean = 100.0 * np.arange(4).reshape(-1, 1)
    >>> monte_carlo_information(mean, np.zeros((4, 1)), n_draws=100, random_state=0)
    (2.0, 0.0)
    """
    mean, log_var = as_floats(mean, "mean"), as_floats(log_var, "log_var")
    if mean.ndim != 2:
        raise ValueError(f"mean must have shape (n_samples, n_dimensions), got {mean.shape}.")
    gaussian_channels(mean[None], log_var[None], None, ("log_var", "covariance"))
    check_whole_number(n_draws, "n_draws", 2)
    rng = local_random_state(random_state)
    n_samples = len(mean)
    precision = np.exp(-0.5 * log_var)
    log_norm = -0.5 * log_var.sum(axis=1)
    bits = np.empty(n_draws)
    # About 30 MB of distances at a time.
    block = max(1, 4_000_000 // mean.size)
    for start in range(0, n_draws, block):
        drawn = np.arange(start, min(start + block, n_draws)) % n_samples
        noise = rng.standard_normal((len(drawn), mean.shape[1]))
        u = mean[drawn] + np.exp(0.5 * log_var[drawn]) * noise
        z = (u[:, None, :] - mean) * precision
        log_p = log_norm - 0.5 * np.einsum("uxd,uxd->ux", z, z)
        own = log_norm[drawn] - 0.5 * np.einsum("ud,ud->u", noise, noise)
        marginal = logsumexp(log_p, axis=1) - np.log(n_samples)
        bits[start : start + len(drawn)] = (own - marginal) / np.log(2.0)
    return float(bits.mean()), float(bits.std(ddof=1) / np.sqrt(n_draws))


def nmi_from_bits(information_a, information_b, joint, twice_a, twice_b, tolerance=_NO_INFORMATION):
    """Equation 3 from informations in bits; NaN where a channel carries none."""
    own_a, own_b = 2.0 * information_a - twice_a, 2.0 * information_b - twice_b
    own_a = np.where(own_a > tolerance, own_a, np.nan)
    own_b = np.where(own_b > tolerance, own_b, np.nan)
    return (information_a + information_b - joint) / np.sqrt(own_a * own_b)


def vi_from_bits(joint, twice_a, twice_b):
    """Equation 4 from informations in bits; by Cauchy and Schwarz negative only by rounding."""
    return np.maximum(2.0 * joint - twice_a - twice_b, 0.0)


def _information(bc):
    return max(float(-np.log2(bc.mean(axis=1)).mean()), 0.0)


def _pairs(bc_a, bc_b):
    return (bc_a, bc_b), (bc_a, bc_a), (bc_b, bc_b)


def _check_pair(bc_a, bc_b):
    bc_a, bc_b = _check_bc(bc_a, "bc_a"), _check_bc(bc_b, "bc_b")
    if bc_a.shape != bc_b.shape:
        raise ValueError(
            f"Both matrices must be over the same samples, got {len(bc_a)} and {len(bc_b)} samples."
        )
    return bc_a, bc_b


def _check_bc(bc, name):
    bc = as_floats(bc, name)
    if bc.ndim != 2 or bc.shape[0] != bc.shape[1] or not bc.size:
        raise ValueError(
            f"{name} must be a square matrix of coefficients, of shape (n_samples, n_samples), got "
            f"{bc.shape}."
        )
    if bc.min() < 0.0 or bc.max() > 1.0 + 1e-6:
        raise ValueError(
            f"{name} must hold Bhattacharyya coefficients, which lie in [0, 1], but its values "
            f"range from {bc.min():.4g} to {bc.max():.4g}. From distances D, take exp(-D)."
        )
    if np.diagonal(bc).min() < 1.0 - 1e-4:
        raise ValueError(
            f"The diagonal of {name} must be 1: a sample cannot be told apart from itself."
        )
    return bc

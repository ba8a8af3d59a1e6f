"""Similarity of whole latent spaces by Monte Carlo, with intervals."""

import numpy as np
from scipy.stats import norm
from sklearn.utils import Bunch
from sklearn.utils.validation import check_scalar

from sklatent._utils.options import check_options
from sklatent._utils.random import local_random_state
from sklatent.channels._arrays import as_floats, check_whole_number
from sklatent.channels._coefficients import gaussian_channels

# Log densities held at a time, for each of five messages: 16 MB.
_BLOCK_ELEMENTS = 1 << 21


@check_options()
def monte_carlo_similarity(
    mean_a, log_var_a, mean_b, log_var_b, *, n_draws=10_000, confidence=0.95, random_state=None
):
    """NMI and VI of two latent spaces by Monte Carlo, with confidence intervals.

    The bound behind :func:`channel_similarity` is tight for channels of a few bits; a whole latent
    space tells nearly all samples apart, and there the bound ends at log2 of their number. Here all
    informations are means over draws of a sample and of two messages of either space about it,
    against the mixture of all posteriors: unbiased, and of the same draws, so that what they have
    in common cancels in the intervals.

    Parameters
    ----------
    mean_a, log_var_a : array-like of shape (n_samples, n_components_a)
        Means and natural logarithms of the variances of the first space's posteriors.

    mean_b, log_var_b : array-like of shape (n_samples, n_components_b)
        Those of the second space, of the same samples in the same order.

    n_draws : int, default=10_000
        Number of draws. Samples take turns, so a multiple of `n_samples` treats all alike.

    confidence : float, default=0.95
        How often the intervals are to hold the value, over draws.

    random_state : int, RandomState instance or None, default=None
        Determines the draws. Pass an int for reproducible results.

    Returns
    -------
    result : Bunch
        `nmi` and `vi` (bits), each with an interval `nmi_interval`, `vi_interval` (low, high), and
        `information_a`, `information_b` and `information_both`, in bits. `nmi` is NaN where a space
        carries no information.

    Raises
    ------
    ValueError
        If shapes disagree or entries are not finite.

    Notes
    -----
    Intervals are by the normal law, of NMI by the delta method. They are about the draws alone,
    with the samples as given: with n samples no information exceeds log2 n. Takes `n_draws *
    n_samples` densities of each message.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", equations 3 and 4.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.channels import monte_carlo_similarity
    >>> mean = np.random.default_rng(0).normal(size=(100, 2))
    >>> log_var = np.full((100, 2), -1.0)
    >>> result = monte_carlo_similarity(
    ...     mean, log_var, -mean[:, ::-1], log_var, n_draws=2000, random_state=0
    ... )
    >>> low, high = result.nmi_interval
    >>> bool(low < 1.0 < high)
    True
    """
    check_whole_number(n_draws, "n_draws", 2)
    check_scalar(
        confidence, "confidence", (int, float), min_val=0, max_val=1, include_boundaries="neither"
    )
    spaces = [
        _Space(mean, log_var, name)
        for mean, log_var, name in ((mean_a, log_var_a, "a"), (mean_b, log_var_b, "b"))
    ]
    n_samples = len(spaces[0].mean)
    if len(spaces[1].mean) != n_samples:
        raise ValueError(
            f"Both spaces must be of the same samples, in the same order, got {n_samples} and "
            f"{len(spaces[1].mean)}."
        )
    rng = local_random_state(random_state)
    bits = np.concatenate(
        [_informations(spaces, drawn, rng) for drawn in _blocks(n_draws, n_samples)]
    )
    return _summary(bits, norm.ppf(0.5 + 0.5 * confidence))


class _Space:
    """Diagonal posteriors of all samples."""

    def __init__(self, mean, log_var, name):
        self.mean = as_floats(mean, f"mean_{name}")
        self.log_var = as_floats(log_var, f"log_var_{name}")
        if self.mean.ndim != 2:
            raise ValueError(
                f"mean_{name} must have shape (n_samples, n_components), got {self.mean.shape}."
            )
        names = (f"log_var_{name}", "covariance")
        gaussian_channels(self.mean[None], self.log_var[None], None, names)
        self._precision = np.exp(-self.log_var)
        self._log_norm = -0.5 * self.log_var.sum(axis=1)

    def messages(self, drawn, rng):
        """Log densities, up to a constant, of a message about each drawn sample, by all samples."""
        noise = rng.standard_normal((len(drawn), self.mean.shape[1]))
        u = self.mean[drawn] + np.exp(0.5 * self.log_var[drawn]) * noise
        # sum_d (u - m)^2 / v as products, centred so that little is lost.
        centre = self.mean.mean(axis=0)
        u, mean = u - centre, self.mean - centre
        square = (u**2) @ self._precision.T
        square -= 2.0 * (u @ (mean * self._precision).T)
        square += np.einsum("xd,xd->x", mean**2, self._precision)
        log_density = self._log_norm - 0.5 * square
        # The sample's own, exactly.
        own = self._log_norm[drawn] - 0.5 * np.einsum("ud,ud->u", noise, noise)
        log_density[np.arange(len(drawn)), drawn] = own
        return log_density


def _blocks(n_draws, n_samples):
    step = max(1, _BLOCK_ELEMENTS // n_samples)
    for start in range(0, n_draws, step):
        yield np.arange(start, min(start + step, n_draws)) % n_samples


def _informations(spaces, drawn, rng):
    """Bits of each draw: a, b, a read twice, b read twice, both."""
    once = [space.messages(drawn, rng) for space in spaces]
    twice = [first + space.messages(drawn, rng) for first, space in zip(once, spaces, strict=True)]
    return np.column_stack([_bits(m, drawn) for m in (*once, *twice, once[0] + once[1])])


def _bits(log_density, drawn):
    """log2 of a message's density by its own sample over that by the mixture of all."""
    own = log_density[np.arange(len(drawn)), drawn]
    largest = log_density.max(axis=1)
    mixture = np.log(np.exp(log_density - largest[:, None]).mean(axis=1)) + largest
    return (own - mixture) / np.log(2.0)


_NOTHING = 1e-9  # bits; what is less is rounding


def _summary(bits, width):
    n = len(bits)
    means, covariance = bits.mean(axis=0), np.cov(bits.T) / n
    a, b, twice_a, twice_b, both = means
    vi_gradient = np.array([0.0, 0.0, -1.0, -1.0, 2.0])
    shared, own_a, own_b = a + b - both, 2 * a - twice_a, 2 * b - twice_b
    result = Bunch(information_a=float(a), information_b=float(b), information_both=float(both))
    result.vi = float(vi_gradient @ means)
    result.vi_interval = _interval(result.vi, vi_gradient, covariance, width)
    if min(own_a, own_b) <= _NOTHING:
        result.nmi, result.nmi_interval = np.nan, (np.nan, np.nan)
        return result
    root = np.sqrt(own_a * own_b)
    result.nmi = float(shared / root)
    # NMI = shared / sqrt(own_a own_b), differentiated by a, b, twice_a, twice_b, both.
    by_a, by_b = result.nmi / own_a, result.nmi / own_b
    gradient = np.array([1 / root - by_a, 1 / root - by_b, by_a / 2, by_b / 2, -1 / root])
    result.nmi_interval = _interval(result.nmi, gradient, covariance, width)
    return result


def _interval(value, gradient, covariance, width):
    error = width * float(np.sqrt(max(gradient @ covariance @ gradient, 0.0)))
    return value - error, value + error

"""The negative binomial distribution: counts that vary more than Poisson's."""

import math
from numbers import Real

import numpy as np
import torch
from torch.nn import functional as F

from sklatent.likelihoods._counts import Counts
from sklatent.likelihoods._rising import log_rising

_BOUNDS = (1e-2, 1e1)  # of the dispersion at the start


class NegativeBinomial(Counts):
    """Negative binomial distribution of counts, of variance ``m + dispersion * m**2``.

    Parameters
    ----------
    dispersion : {"per_feature", "shared"} or float, default="per_feature"
        How much counts vary beyond Poisson's variance m: one number for each feature, or one for
        all, learned with the networks; or a fixed one. It is the inverse of what is elsewhere
        called theta, or size; larger is noisier.
    size_factor : {"total"}, float or None, default="total"
        The decoder gives shares, which are multiplied by the sum of the row's own counts, so that
        latents do not tell deep rows from shallow ones; by a number, the same for all rows; or by
        nothing: with None the decoder gives logarithms of means.

    See Also
    --------
    Poisson : Its limit at no dispersion.

    Examples
    --------
    >>> import torch
    >>> from sklatent.likelihoods import NegativeBinomial
    >>> counts = torch.tensor([[3.0, 1.0]])
    >>> NegativeBinomial(dispersion=0.5).log_prob(counts, torch.zeros(1, 2))
    tensor([-3.4657])
    """

    numbers = ("dispersion",)

    def __init__(self, dispersion="per_feature", size_factor="total"):
        super().__init__(size_factor)
        self.dispersion = dispersion

    def _kind(self):
        value = self.dispersion
        if isinstance(value, str) and value in ("per_feature", "shared"):
            return value
        number = isinstance(value, (Real, np.number)) and not isinstance(value, bool)
        if number and 0 < value < math.inf:
            return "fixed"
        raise ValueError(
            f'dispersion={value!r} of a NegativeBinomial must be "per_feature", "shared" or a '
            "positive number; for none at all use Poisson."
        )

    def learned(self, n_features):
        """Log dispersion, one for each feature or for all, where it is learned."""
        kind = self._kind()
        if kind == "fixed":
            return {}
        return {"log_dispersion": torch.zeros(1, n_features if kind == "per_feature" else 1)}

    def fixed(self, n_features):
        """The log dispersion where it is given."""
        if self._kind() != "fixed":
            return {}
        value = math.log(self.dispersion)
        return {"log_dispersion": torch.full((1, 1), value, dtype=torch.float64)}

    def start(self, residual, variance, mean_counts=None, typical_total=None):
        """Begin at the dispersion that explains what the start leaves unexplained.

        A count of mean m has the variance ``(m + a m**2) / (1 + m)**2`` in log counts, to first
        order.

        Parameters
        ----------
        residual, variance : ndarray of shape (n_features,)
            Variance of log counts around the decoder's at the start, and of themselves.
        mean_counts, typical_total : ndarray, default=None
            What :meth:`observe` found.

        Returns
        -------
        dict of str to ndarray
            The log dispersion.
        """
        kind = self._kind()
        if kind == "fixed":
            return {}
        m = np.ones_like(residual) if mean_counts is None else np.maximum(mean_counts, 1e-3)
        excess = (np.asarray(residual) * (1 + m) ** 2 - m) / m**2
        if kind == "shared":
            excess = np.average(excess, weights=m**2, keepdims=True)
        return {"log_dispersion": np.log(np.clip(excess, *_BOUNDS))}

    def _log_dispersion(self, log_dispersion, like):
        if log_dispersion is not None:
            return log_dispersion
        value = math.log(self.dispersion) if self._kind() == "fixed" else 0.0
        return torch.full((1, 1), value, dtype=like.dtype, device=like.device)

    def log_prob(self, x, output, log_dispersion=None, typical_total=None):
        """Log probability of each row, in nats.

        Parameters
        ----------
        x : Tensor of shape (..., n_samples, n_features)
            Counts.
        output : Tensor of shape (..., n_samples, n_features)
            Logarithms of which shares are made, or of means.
        log_dispersion : Tensor of shape (..., 1, 1) or (..., 1, n_features), default=None
            Where it is learned; None is the fixed one, or zero.
        typical_total : Tensor, default=None
            Not needed: rows have their own totals.

        Returns
        -------
        Tensor of shape (..., n_samples)
            Summed over features.
        """
        return self.log_prob_of_entries(x, output, log_dispersion).sum(-1)

    def log_prob_of_entries(self, x, output, log_dispersion=None, typical_total=None):
        """Log probability of each entry, ``(..., n_samples, n_features)``."""
        log_dispersion = self._log_dispersion(log_dispersion, output)
        log_mean = self._log_mean_of(x, output)
        size = torch.exp(-log_dispersion)
        beyond = (x + size) * F.softplus(log_mean + log_dispersion)
        return torch.addcmul(log_rising(x, log_dispersion), x, log_mean) - beyond

    def deviance(self, x, output, log_dispersion=None, typical_total=None):
        """Twice the nats that a mean of x itself would be better by, ``(..., n_samples)``."""
        log_dispersion = self._log_dispersion(log_dispersion, output)
        log_mean = self._log_mean_of(x, output)
        size = torch.exp(-log_dispersion)
        ratio = torch.log1p(x / size) - F.softplus(log_mean + log_dispersion)
        beyond = torch.xlogy(x, x) - x * log_mean - (x + size) * ratio
        return 2.0 * beyond.sum(-1).clamp(min=0)

    def sample(self, output, generator, log_dispersion=None, typical_total=None):
        """Draw counts of rows with the median total.

        Parameters
        ----------
        output : Tensor of shape (..., n_samples, n_features)
            What the decoder returned.
        generator : torch.Generator
            Where noise is drawn.
        log_dispersion : Tensor, default=None
            As in :meth:`log_prob`.
        typical_total : Tensor of shape (..., 1, 1), default=None
            As in :meth:`mean`.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            Whole numbers.
        """
        mean = self.mean(output, typical_total)
        size = torch.exp(-self._log_dispersion(log_dispersion, output)).expand_as(mean).cpu()
        # A Poisson distribution whose rate is itself spread by a gamma distribution.
        rate = torch._standard_gamma(size, generator=generator) / size * mean.cpu()
        return torch.poisson(rate, generator=generator).to(output.device)

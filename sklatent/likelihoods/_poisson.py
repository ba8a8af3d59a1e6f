"""The Poisson distribution of counts."""

import torch

from sklatent.likelihoods._counts import Counts


class Poisson(Counts):
    """Poisson distribution of counts: their variance is their mean.

    Parameters
    ----------
    size_factor : {"total"}, float or None, default="total"
        The decoder gives shares, which are multiplied by the sum of the row's own counts, so that
        latents do not tell deep rows from shallow ones; by a number, the same for all rows; or by
        nothing: with None the decoder gives logarithms of means.

    See Also
    --------
    NegativeBinomial : Counts that vary more than that.

    Examples
    --------
    >>> import torch
    >>> from sklatent.likelihoods import Poisson
    >>> counts = torch.tensor([[3.0, 1.0]])
    >>> Poisson().log_prob(counts, torch.zeros(1, 2))
    tensor([-3.0192])
    """

    def log_prob(self, x, output, typical_total=None):
        """Log probability of each row, in nats.

        Parameters
        ----------
        x : Tensor of shape (..., n_samples, n_features)
            Counts.
        output : Tensor of shape (..., n_samples, n_features)
            Logarithms of which shares are made, or of means.
        typical_total : Tensor, default=None
            Not needed: rows have their own totals.

        Returns
        -------
        Tensor of shape (..., n_samples)
            Summed over features.
        """
        return self.log_prob_of_entries(x, output).sum(-1)

    def log_prob_of_entries(self, x, output, typical_total=None):
        """Log probability of each entry, ``(..., n_samples, n_features)``."""
        log_mean = self._log_mean_of(x, output)
        return x * log_mean - torch.exp(log_mean) - torch.lgamma(x + 1)

    def deviance(self, x, output, typical_total=None):
        """``2 sum_j x_j log(x_j / m_j) - (x_j - m_j)``, ``(..., n_samples)``."""
        log_mean = self._log_mean_of(x, output)
        beyond = torch.xlogy(x, x) - x * log_mean - x + torch.exp(log_mean)
        return 2.0 * beyond.sum(-1).clamp(min=0)

    def sample(self, output, generator, typical_total=None):
        """Draw counts of rows with the median total.

        Parameters
        ----------
        output : Tensor of shape (..., n_samples, n_features)
            What the decoder returned.
        generator : torch.Generator
            Where noise is drawn.
        typical_total : Tensor of shape (..., 1, 1), default=None
            As in :meth:`mean`.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            Whole numbers.
        """
        mean = self.mean(output, typical_total).cpu()
        return torch.poisson(mean, generator=generator).to(output.device)

"""The distribution of binary data, and of intensities between zero and one."""

import numpy as np
import torch
from torch.nn import functional as F

from sklatent.likelihoods._base import Likelihood, extremes

_LEAST_MEAN = 0.02  # beyond which the link counts as straight

_ROUNDING = 1e-6


class Bernoulli(Likelihood):
    """Bernoulli distribution of X in [0, 1]; the decoder's output is a logit.

    Values between 0 and 1 count as that share of ones: a loss that is much used for images, but no
    density of grey values.

    Examples
    --------
    >>> import torch
    >>> from sklatent.likelihoods import Bernoulli
    >>> Bernoulli().mean(torch.zeros(1, 2))
    tensor([[0.5000, 0.5000]])
    """

    def log_prob(self, x, output):
        """Log probability of each row, in nats.

        Parameters
        ----------
        x, output : Tensor of shape (..., n_samples, n_features)
            Rows of X, and logits.

        Returns
        -------
        Tensor of shape (..., n_samples)
            Summed over features.
        """
        return self.log_prob_of_entries(x, output).sum(-1)

    def log_prob_of_entries(self, x, output):
        """Log probability of each entry, ``(..., n_samples, n_features)``."""
        if x.shape != output.shape:
            x, output = torch.broadcast_tensors(x, output)
        return -F.binary_cross_entropy_with_logits(output, x, reduction="none")

    def mean(self, output):
        """Return the probabilities of ones.

        Parameters
        ----------
        output : Tensor
            Logits.

        Returns
        -------
        Tensor
            In [0, 1].
        """
        return torch.sigmoid(output)

    def deviance(self, x, output):
        """Twice the cross entropy beyond X's own, ``(..., n_samples)``; 0 at a perfect fit."""
        known = x.clamp(0, 1)  # of what lies beyond by rounding there is no logarithm
        entropy = -(torch.xlogy(known, known) + torch.xlogy(1 - known, 1 - known)).sum(-1)
        return -2.0 * (self.log_prob(x, output) + entropy)

    def sample(self, output, generator):
        """Draw rows of zeros and ones.

        Parameters
        ----------
        output : Tensor of shape (..., n_samples, n_features)
            Logits.
        generator : torch.Generator
            Where noise is drawn.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            Zeros and ones.
        """
        uniform = torch.rand(output.shape, generator=generator, dtype=output.dtype)
        return (uniform.to(output.device) < torch.sigmoid(output)).to(output.dtype)

    def start_output(self, mean, loadings):
        """Return logits of the mean, and the loadings times the link's slope there.

        Parameters
        ----------
        mean : ndarray of shape (n_features,)
            Of X.
        loadings : ndarray of shape (n_features, n_components)
            How X changes with each latent.

        Returns
        -------
        center : ndarray of shape (n_features,)
            Logits.
        weight : ndarray of shape (n_features, n_components)
            How they change with each latent.
        """
        # Pixels that are almost always dark have slopes of thousands.
        mean = np.clip(mean, _LEAST_MEAN, 1 - _LEAST_MEAN)
        return np.log(mean / (1 - mean)), loadings / (mean * (1 - mean))[:, None]

    def check(self, X, name):
        """Refuse values outside [0, 1], but for rounding, such as a MinMaxScaler's.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Data.
        name : str
            What to call it in the error.
        """
        low, high = extremes(X)
        if low < -_ROUNDING or high > 1 + _ROUNDING:
            raise ValueError(
                f'likelihood="bernoulli" needs {name} in [0, 1], but {name} lies in [{low:.8g}, '
                f"{high:.8g}]. Scale it (for example with MinMaxScaler, or divide pixels by 255), "
                'or use likelihood="gaussian".'
            )

"""Gaussian posteriors as tensors: what an encoder's head says about one row.

Two parameterisations, with one interface. ``diagonal`` is the usual mean and
log-variance. ``full`` is the Rosetta paper's: one output for the mean, one for the
(log) diagonal and one for the flattened strict lower triangle of the Cholesky factor
of the covariance (appendix C, figure 3).

Every function works on tensors with any leading axes, so that one model
``(batch, d)`` and K stacked models ``(K, batch, d)`` share the same code.
"""

import math

import torch

LOG_2PI = math.log(2.0 * math.pi)


def n_posterior_parameters(kind, n_components):
    """Count the outputs that a posterior's head needs for each row."""
    d = n_components
    return 2 * d if kind == "diagonal" else 2 * d + d * (d - 1) // 2


def make_posterior(kind, parameters, n_components):
    """Read a head's output ``(..., n_posterior_parameters)`` as a Gaussian."""
    d = int(n_components)  # from a grid it may be NumPy's, which split refuses
    # split, not slices: its gradient is one concatenation instead of a sum of padded arrays
    if kind == "diagonal":
        mean, log_var = parameters.split(d, -1)
        # An exponential of every other number is not vectorised, and takes ten times as long.
        return DiagonalGaussian(mean, log_var.contiguous())
    n_lower = parameters.shape[-1] - 2 * d
    return CholeskyGaussian.from_parameters(*parameters.split([d, d, n_lower], -1))


class DiagonalGaussian:
    """Independent normals: ``mean`` and natural-log variances, both ``(..., d)``."""

    def __init__(self, mean, log_var):
        self.mean = mean
        self.log_var = log_var

    def rows(self, rows):
        """Posteriors of some rows."""
        return DiagonalGaussian(self.mean[..., rows, :], self.log_var[..., rows, :])

    def sample(self, noise):
        """Reparameterised draw for standard normal ``noise`` of the mean's shape."""
        return torch.addcmul(self.mean, torch.exp(0.5 * self.log_var), noise)

    def kl_per_component(self):
        """Divergence of each component from N(0, 1), in nats, ``(..., d)``."""
        return 0.5 * (self.mean.square() + torch.exp(self.log_var) - 1.0 - self.log_var)

    def kl(self):
        """Divergence from N(0, I), in nats, ``(...)``."""
        # Few operations: for small networks their number is what a step costs.
        terms = self.mean.square() + torch.exp(self.log_var) - self.log_var
        return 0.5 * (terms.sum(-1) - self.mean.shape[-1])

    def log_prob(self, z):
        """Log density at ``z``, in nats; leading axes broadcast."""
        standardised = (z - self.mean).square() * torch.exp(-self.log_var)
        return -0.5 * (standardised + self.log_var + LOG_2PI).sum(-1)

    def as_arrays(self):
        """Return what :class:`sklatent.Posterior` is made of."""
        return {"mean": self.mean, "log_var": self.log_var}


class CholeskyGaussian:
    """Normal with covariance ``L L'``; ``log_diagonal`` is 2 log of L's diagonal."""

    def __init__(self, mean, log_diagonal, scale_tril):
        self.mean = mean
        self.log_diagonal = log_diagonal
        self.scale_tril = scale_tril

    @classmethod
    def from_parameters(cls, mean, log_diagonal, lower):
        """Assemble the factor from its diagonal and its flattened strict lower triangle."""
        d = mean.shape[-1]
        row, column = torch.tril_indices(d, d, -1, device=mean.device)
        scale_tril = torch.diag_embed(torch.exp(0.5 * log_diagonal))
        scale_tril[..., row, column] = lower
        return cls(mean, log_diagonal, scale_tril)

    def rows(self, rows):
        """Posteriors of some rows."""
        return CholeskyGaussian(
            self.mean[..., rows, :],
            self.log_diagonal[..., rows, :],
            self.scale_tril[..., rows, :, :],
        )

    @property
    def log_var(self):
        """Log of the marginal variances, ``(..., d)``."""
        return torch.log(self.scale_tril.square().sum(-1))

    def sample(self, noise):
        """Reparameterised draw for standard normal ``noise`` of the mean's shape."""
        return self.mean + (self.scale_tril @ noise.unsqueeze(-1)).squeeze(-1)

    def kl_per_component(self):
        """Divergence of each *marginal* from N(0, 1), in nats, ``(..., d)``."""
        variance = self.scale_tril.square().sum(-1)
        return 0.5 * (self.mean.square() + variance - 1.0 - torch.log(variance))

    def kl(self):
        """Divergence from N(0, I), in nats, ``(...)``."""
        trace = self.scale_tril.square().sum((-2, -1))
        d = self.mean.shape[-1]
        return 0.5 * (self.mean.square().sum(-1) + trace - d - self.log_diagonal.sum(-1))

    def log_prob(self, z):
        """Log density at ``z``, in nats; leading axes broadcast."""
        residual = (z - self.mean).unsqueeze(-1)
        scale_tril = self.scale_tril.expand(*residual.shape[:-2], *self.scale_tril.shape[-2:])
        white = torch.linalg.solve_triangular(scale_tril, residual, upper=False)
        squared = white.square().sum((-2, -1))
        d = self.mean.shape[-1]
        return -0.5 * (squared + self.log_diagonal.sum(-1) + d * LOG_2PI)

    def as_arrays(self):
        """Return what :class:`sklatent.Posterior` is made of."""
        return {"mean": self.mean, "scale_tril": self.scale_tril}

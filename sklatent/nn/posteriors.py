"""Gaussian posteriors as tensors: what an encoder's head says about one row.

Two parameterisations, with one interface. ``diagonal`` is the usual mean and
log-variance. ``full`` is the Rosetta paper's: one output for the mean, one for the
(log) diagonal and one for the flattened strict lower triangle of the Cholesky factor
of the covariance (appendix C, figure 3).

Every function works on tensors with any leading axes, so that one model
``(batch, d)`` and K stacked models ``(K, batch, d)`` share the same code.
"""

import math
from functools import cached_property

import torch

from sklatent._utils.by_hand import differentiated

LOG_2PI = math.log(2.0 * math.pi)


def n_posterior_parameters(kind, n_components):
    """Count the outputs that a posterior's head needs for each row."""
    d = n_components
    return 2 * d if kind == "diagonal" else 2 * d + d * (d - 1) // 2


def make_posterior(kind, parameters, n_components, beside=None):
    """Read a head's output ``(..., n_posterior_parameters)`` as a Gaussian.

    ``beside``, ``(..., n_components)``, is added to its means.
    """
    d = int(n_components)  # from a grid it may be NumPy's, which split refuses
    if kind == "diagonal":
        return DiagonalGaussian(parts=(parameters, beside))
    # split, not slices: its gradient is one concatenation instead of a sum of padded arrays
    mean, *rest = parameters.split([d, d, parameters.shape[-1] - 2 * d], -1)
    return CholeskyGaussian.from_parameters(mean if beside is None else mean + beside, *rest)


class DiagonalGaussian:
    """Independent normals: ``mean`` and natural-log variances, both ``(..., d)``.

    Parameters
    ----------
    mean, log_var : Tensor of shape (..., d), default=None
        By themselves, or
    parts : tuple of (Tensor of shape (..., 2 d), Tensor of shape (..., d) or None), default=None
        side by side, and what is added to the means.
    """

    def __init__(self, mean=None, log_var=None, parts=None):
        self.parts = parts
        if parts is None:
            self.mean, self.log_var = mean, log_var

    @cached_property
    def mean(self):
        """Means."""
        return self._split[0]

    @cached_property
    def log_var(self):
        """Log variances."""
        return self._split[1]

    @cached_property
    def _split(self):
        parameters, beside = self.parts
        # split, as above
        mean, log_var = parameters.split(parameters.shape[-1] // 2, -1)
        # An exponential of every other number is not vectorised, and takes ten times as long.
        return mean if beside is None else mean + beside, log_var.contiguous()

    def rows(self, rows):
        """Posteriors of some rows."""
        if self.parts is None:
            return DiagonalGaussian(self.mean[..., rows, :], self.log_var[..., rows, :])
        return DiagonalGaussian(
            parts=[None if part is None else part[..., rows, :] for part in self.parts]
        )

    def draw(self, noise):
        """A reparameterised draw for standard normal ``noise``, and the divergence from N(0, I).

        As :meth:`sample` and :meth:`kl` have them, in one operation: for small networks it is
        their number that a step costs.
        """
        if self.parts is None:
            return self.sample(noise), self.kl()
        return _Draw.apply(*self.parts, noise)

    def sample(self, noise):
        """Reparameterised draw for standard normal ``noise`` of the mean's shape."""
        return torch.addcmul(self.mean, torch.exp(0.5 * self.log_var), noise)

    def kl_per_component(self):
        """Divergence of each component from N(0, 1), in nats, ``(..., d)``."""
        return 0.5 * (self.mean.square() + torch.exp(self.log_var) - 1.0 - self.log_var)

    def kl(self):
        """Divergence from N(0, I), in nats, ``(...)``."""
        terms = self.mean.square() + torch.exp(self.log_var) - self.log_var
        return 0.5 * (terms.sum(-1) - self.mean.shape[-1])

    def log_prob(self, z):
        """Log density at ``z``, in nats; leading axes broadcast."""
        standardised = (z - self.mean).square() * torch.exp(-self.log_var)
        return -0.5 * (standardised + self.log_var + LOG_2PI).sum(-1)

    def as_arrays(self):
        """Return what :class:`sklatent.Posterior` is made of."""
        return {"mean": self.mean, "log_var": self.log_var}


class _Draw(torch.autograd.Function):
    """Draws of a :class:`DiagonalGaussian` and its divergence, with their gradient by hand."""

    @staticmethod
    def forward(ctx, parameters, beside, noise):
        d = noise.shape[-1]
        mean, log_var = parameters.split(d, -1)
        if beside is not None:
            mean = mean + beside
        # An exponential of every other number is slow, as above.
        variance = torch.exp(log_var if _by_columns(log_var) else log_var.contiguous())
        deviation = variance.sqrt()
        divergence = variance.addcmul_(mean, mean).sub_(log_var).sum(-1)
        ctx.save_for_backward(parameters, beside, noise, mean, deviation)
        return torch.addcmul(mean, deviation, noise), divergence.sub_(d).mul_(0.5)

    @staticmethod
    def backward(ctx, for_z, for_divergence):
        parameters, beside, noise, mean, deviation = ctx.saved_tensors
        needed = ctx.needs_input_grad
        if torch.is_grad_enabled():  # someone differentiates the gradient
            inputs, gradients = (parameters, beside, noise), (for_z, for_divergence)
            return (*differentiated(_draw, inputs, needed, gradients),)
        share = for_divergence.unsqueeze(-1)
        for_mean = torch.addcmul(for_z, share, mean)
        for_parameters = None
        if needed[0]:
            scaled = torch.addcmul(for_z * noise, share, deviation).mul_(deviation)
            both = for_mean, scaled.sub_(share).mul_(0.5)
            if _by_columns(for_mean):
                for_parameters = torch.cat([part.mT for part in both], -2).mT
            else:
                for_parameters = torch.cat(both, -1)
        for_noise = for_z * deviation if needed[2] else None
        return for_parameters, for_mean if needed[1] else None, for_noise


def _by_columns(values):
    """Whether columns lie one behind the other in memory, as those of stacked models may."""
    return values.stride(-2) == 1


def _draw(parameters, beside, noise):
    posterior = DiagonalGaussian(parts=(parameters, beside))
    return posterior.sample(noise), posterior.kl()


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

    def draw(self, noise):
        """A draw, and the divergence from N(0, I): what :meth:`sample` and :meth:`kl` have."""
        return self.sample(noise), self.kl()

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

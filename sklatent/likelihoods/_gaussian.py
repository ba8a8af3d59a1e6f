"""Normal distributions, with variances that are learned or fixed."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from sklatent._utils.by_hand import differentiated
from sklatent.likelihoods._base import Likelihood

_LOG_2PI = math.log(2.0 * math.pi)
_LEAST_SHARE = 1e-5  # of the data's variance that a learned variance keeps at least
_LEAST = -60.0  # log variance below which nothing is told apart in float32

_NARROWEST = 1e-18  # standard deviation whose square float32 still has


class Gaussian(Likelihood):
    """Normal distribution of X around the decoder's output.

    Parameters
    ----------
    scale : {"shared", "per_feature"} or float, default="shared"
        Standard deviation: one for all features, or one for each, learned with the networks; or a
        number. With a number of 1 the loss is half the squared error, as in the papers, and data
        whose variance is small beside 1 collapse to no component at all.

    Notes
    -----
    A learned variance stays above 1e-5 of the data's, so that a perfect fit does not diverge.

    Examples
    --------
    >>> import torch
    >>> from sklatent.likelihoods import Gaussian
    >>> Gaussian(scale=2.0).log_prob(torch.zeros(1, 1), torch.ones(1, 1))
    tensor([-1.7371])
    """

    in_data_unit = True
    numbers = ("scale",)
    learned_noise = ("log_var",)

    def __init__(self, scale="shared"):
        self.scale = scale

    def _kind(self):
        scale = self.scale
        if isinstance(scale, str) and scale in ("shared", "per_feature"):
            return scale
        number = isinstance(scale, (int, float, np.number)) and not isinstance(scale, bool)
        if number and _NARROWEST <= scale <= 1 / _NARROWEST:
            return "fixed"
        raise ValueError(
            f'scale={scale!r} of a Gaussian must be "shared", "per_feature" or a number from '
            f"{_NARROWEST:g} to {1 / _NARROWEST:g}. Scale X if its unit is an extreme one."
        )

    def noise(self):
        """Variance of X around the output where it is fixed, None where it is learned."""
        return float(self.scale) ** 2 if self._kind() == "fixed" else None

    def learned(self, n_features):
        """Log variance, one or one for each feature, where it is learned."""
        kind = self._kind()
        if kind == "fixed":
            return {}
        return {"log_var": torch.zeros(1, n_features if kind == "per_feature" else 1)}

    def kept(self, n_features):
        """The least log variance that a learned one may have."""
        return {"least_log_var": torch.full((1, 1), _LEAST)} if self.learned(n_features) else {}

    def fixed(self, n_features):
        """The log variance where it is given."""
        if self._kind() != "fixed":
            return {}
        return {"log_var": torch.full((1, 1), 2.0 * math.log(self.scale), dtype=torch.float64)}

    def start(self, residual, variance):
        """Begin at the variance that the start leaves unexplained.

        Parameters
        ----------
        residual, variance : ndarray of shape (n_features,)
            Variance of each feature around the decoder's output, and of itself.

        Returns
        -------
        dict of str to ndarray
            The log variance, and the least that it may become.
        """
        residual = np.asarray(residual, dtype=np.float64)
        if self._kind() == "shared":
            residual = residual.mean(keepdims=True)
        least = math.log(max(_LEAST_SHARE * float(np.mean(variance)), math.exp(_LEAST)))
        # The inverse of what _log_var does.
        above = np.maximum(np.log(np.maximum(residual, math.exp(_LEAST))) - least, 1e-3)
        return {"log_var": least + np.log(np.expm1(above)), "least_log_var": least}

    def _log_var(self, log_var, least_log_var):
        if log_var is None:
            return 2.0 * math.log(self.scale) if self._kind() == "fixed" else 0.0
        return log_var if least_log_var is None else _above(log_var, least_log_var)

    def log_prob(self, x, output, log_var=None, least_log_var=None):
        """Log density of each row, in nats.

        Parameters
        ----------
        x, output : Tensor of shape (..., n_samples, n_features)
            Rows of X, and their means.
        log_var : Tensor of shape (..., 1, 1) or (..., 1, n_features), default=None
            Log variance where it is learned; None is the fixed one, or zero.
        least_log_var : Tensor of shape (..., 1, 1), default=None
            What it approaches as `log_var` falls; None lets it fall.

        Returns
        -------
        Tensor of shape (..., n_samples)
            Summed over features.
        """
        if _is_one_variance(x, output, log_var, least_log_var):
            return _OneVariance.apply(x, output, log_var, least_log_var)
        log_var = self._log_var(log_var, least_log_var)
        if not torch.is_tensor(log_var):
            squared = _squared_errors(x, output).sum(-1)
            n = x.shape[-1]
            return -0.5 * (squared * math.exp(-log_var) + n * (log_var + _LOG_2PI))
        squared = _squared_errors(x, output)
        if log_var.shape[-1] == 1:
            own = log_var.squeeze(-1)
            return _of_one_variance(squared.sum(-1), own, torch.exp(-own), x.shape[-1])
        return -0.5 * (squared * torch.exp(-log_var) + log_var + _LOG_2PI).sum(-1)

    def log_prob_of_entries(self, x, output, log_var=None, least_log_var=None):
        """Log density of each entry, ``(..., n_samples, n_features)``."""
        log_var = self._log_var(log_var, least_log_var)
        log_var = torch.as_tensor(log_var, dtype=output.dtype, device=output.device)
        return -0.5 * (_squared_errors(x, output) * torch.exp(-log_var) + log_var + _LOG_2PI)

    def deviance(self, x, output, log_var=None, least_log_var=None):
        """Squared error in units of the variance, ``(..., n_samples)``; 0 at a perfect fit."""
        log_var = self._log_var(log_var, least_log_var)
        log_var = torch.as_tensor(log_var, dtype=x.dtype, device=x.device)
        return (_squared_errors(x, output) * torch.exp(-log_var)).sum(-1)

    def sample(self, output, generator, log_var=None, least_log_var=None):
        """Draw rows around their means.

        Parameters
        ----------
        output : Tensor of shape (..., n_samples, n_features)
            Means.
        generator : torch.Generator
            Where noise is drawn.
        log_var, least_log_var : Tensor, default=None
            As in :meth:`log_prob`.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            The draws.
        """
        log_var = torch.as_tensor(self._log_var(log_var, least_log_var), dtype=output.dtype)
        noise = torch.randn(output.shape, generator=generator, dtype=output.dtype)
        return output + torch.exp(0.5 * log_var).to(output.device) * noise.to(output.device)


class _OneVariance(torch.autograd.Function):
    """Log density of rows with one learned variance, with its gradient by hand.

    For small networks the number of operations is what a step costs, and most of these are on a
    single number.
    """

    @staticmethod
    def forward(ctx, x, output, log_var, least):
        difference = output - x
        squared = difference.square().sum(-1)
        own = _above(log_var, least).squeeze(-1)
        precision = torch.exp(-own)
        ctx.save_for_backward(x, output, log_var, least, difference, squared, precision)
        return _of_one_variance(squared, own, precision, x.shape[-1])

    @staticmethod
    def backward(ctx, gradient):
        *inputs, difference, squared, precision = ctx.saved_tensors
        needed = ctx.needs_input_grad
        if torch.is_grad_enabled():  # someone differentiates the gradient
            return (*differentiated(_log_density, inputs, needed, gradient),)
        _, _, log_var, least = inputs
        share = gradient * -precision
        for_output = difference * share.unsqueeze(-1)
        for_log_var = None
        if needed[2]:
            n = difference.shape[-1]
            total = torch.add(share * squared, gradient, alpha=n).sum(-1, keepdim=True)
            slope = torch.sigmoid(log_var - least)
            for_log_var = slope.mul_(total.unsqueeze(-1)).mul_(-0.5)
        return -for_output if needed[0] else None, for_output, for_log_var, None


def _is_one_variance(x, output, log_var, least):
    """Whether each model has one learned variance, and nothing is broadcast but that."""
    return (
        log_var is not None
        and least is not None
        and log_var.shape[-2:] == (1, 1)
        and log_var.shape[:-2] == output.shape[:-2]
        and x.shape == output.shape
    )


def _log_density(x, output, log_var, least):
    squared = _squared_errors(x, output).sum(-1)
    own = _above(log_var, least).squeeze(-1)
    return _of_one_variance(squared, own, torch.exp(-own), x.shape[-1])


def _of_one_variance(squared, log_var, precision, n_features):
    """Log density of rows from their squared errors, ``(..., n_samples)``."""
    at_zero = (log_var + _LOG_2PI).mul_(-0.5 * n_features)
    return torch.addcmul(at_zero, squared, precision, value=-0.5)


def _above(log_var, least):
    """A log variance that approaches the least one as it falls."""
    return least + F.softplus(log_var - least)


def _squared_errors(x, output):
    if x.shape != output.shape:
        x, output = torch.broadcast_tensors(x, output)
    # One fused kernel for the squared error, forwards and backwards.
    return F.mse_loss(output, x, reduction="none")

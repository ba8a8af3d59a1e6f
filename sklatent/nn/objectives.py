"""Every paper's loss as pure functions of tensors.

Conventions, so that one model and K stacked models share the code: data are
``(..., batch, features)``, latents ``(..., batch, components)``, and a term of a loss
has the leading shape ``(...)``: a scalar for one model, a K-vector for a stack. All
terms are in nats per row and are minimised.
"""

import torch
from torch.nn import functional as F

from sklatent.nn.posteriors import LOG_2PI


def gaussian_log_likelihood(x, mean):
    """Log density of ``x`` under N(mean, I), summed over features, ``(..., batch)``."""
    x, mean = _broadcast(x, mean)
    # One fused kernel for the squared error, forwards and backwards.
    squared = F.mse_loss(mean, x, reduction="none").sum(-1)
    return -0.5 * (squared + x.shape[-1] * LOG_2PI)


def bernoulli_log_likelihood(x, logits):
    """Log probability of ``x`` in [0, 1] under Bernoulli(logits), ``(..., batch)``."""
    x, logits = _broadcast(x, logits)
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


def _broadcast(x, output):
    return (x, output) if x.shape == output.shape else torch.broadcast_tensors(x, output)


LOG_LIKELIHOODS = {
    "gaussian": gaussian_log_likelihood,
    "bernoulli": bernoulli_log_likelihood,
}


def likelihood_mean(likelihood, output):
    """Turn a decoder's output into the likelihood's mean: itself, or probabilities."""
    return torch.sigmoid(output) if likelihood == "bernoulli" else output


def elbo_terms(log_likelihood, kl, beta):
    """Negative evidence lower bound with its divergence weighted by ``beta``.

    Parameters
    ----------
    log_likelihood, kl : Tensor of shape (..., batch)
        Per row, in nats.
    beta : float or Tensor of shape (...)
        Weight of the divergence.
    """
    return {"reconstruction": -log_likelihood.mean(-1), "kl": beta * kl.mean(-1)}


def rosetta_penalty(x_anchors, x_decoded, z_anchors, z_encoded, rho, batch_size):
    """Anchor term of the Rosetta VAE (Martinez & Pearson, equation 1, appendix B).

    ``rho * (R / B) * mean_r(|x_r - m(z_r)|^2 + |z_r - mu(x_r)|^2)`` for R anchors and
    batches of B rows, that is ``rho / B`` times the sum over anchors.

    Parameters
    ----------
    x_anchors, x_decoded : Tensor of shape (..., R, features)
        The anchors' inputs, and the decoder's means at their latents.
    z_anchors, z_encoded : Tensor of shape (..., R, components)
        The anchors' latents, and the encoder's means at their inputs.
    rho : float or Tensor of shape (...)
        Weight of the anchors.
    batch_size : int
        Rows in a batch.
    """
    n_anchors = x_anchors.shape[-2]
    error = (x_anchors - x_decoded).square().sum(-1) + (z_anchors - z_encoded).square().sum(-1)
    return rho * (n_anchors / batch_size) * error.mean(-1)

"""Every paper's loss as pure functions of tensors.

Conventions, so that one model and K stacked models share the code: data are
``(..., batch, features)``, latents ``(..., batch, components)``, and a term of a loss
has the leading shape ``(...)``: a scalar for one model, a K-vector for a stack. All
terms are in nats per row and are minimised.
"""

import torch


def mean_over_rows(values):
    """Mean over the last axis, all rows alike."""
    return torch.mean(values, -1)


def elbo_terms(log_likelihood, kl, beta, mean=mean_over_rows):
    """Negative evidence lower bound with its divergence weighted by ``beta``.

    Parameters
    ----------
    log_likelihood, kl : Tensor of shape (..., batch)
        Per row, in nats.
    beta : float or Tensor of shape (...)
        Weight of the divergence.
    mean : callable, default=mean_over_rows
        Mean over rows, such as a batch's own, in which not all may weigh alike.
    """
    return {"reconstruction": -mean(log_likelihood), "kl": beta * mean(kl)}


def rosetta_penalty(
    deviance, z_anchors, z_encoded, rho, batch_size, encoder_weight=1.0, decoder_weight=1.0
):
    """Anchor term of the Rosetta VAE (Martinez & Pearson, equation 1, appendix B).

    ``rho * (R / B) * mean_r(w_d dev(x_r, m(z_r)) + w_e |z_r - mu(x_r)|^2)`` for R anchors and
    batches of B rows, that is ``rho / B`` times the sum over anchors. For a normal of unit
    variance the deviance is the paper's squared error.

    Parameters
    ----------
    deviance : Tensor of shape (..., R)
        Of the anchors' inputs from what is decoded at their latents.
    z_anchors, z_encoded : Tensor of shape (..., R, components)
        The anchors' latents, and the encoder's means at their inputs.
    rho : float or Tensor of shape (...)
        Weight of the anchors.
    batch_size : int
        Rows in a batch.
    encoder_weight, decoder_weight : float or Tensor of shape (...), default=1.0
        Weights w_e and w_d of the two directions.
    """
    n_anchors = z_anchors.shape[-2]
    distance = (z_anchors - z_encoded).square().sum(-1)
    error = decoder_weight * deviance.mean(-1) + encoder_weight * distance.mean(-1)
    return rho * (n_anchors / batch_size) * error

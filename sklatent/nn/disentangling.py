"""Penalties that ask a latent space's components to be independent.

Pure functions of tensors, with the conventions of :mod:`sklatent.nn.objectives`: latents are
``(..., batch, components)`` and a penalty has the leading shape ``(...)``, a scalar for one model
and a K-vector for a stack. All are minimised.
"""

import torch
from torch.nn import functional as F

from sklatent.nn.posteriors import LOG_2PI, CholeskyGaussian


def pairwise_log_densities(posterior, z):
    """Log density of every draw under every row's posterior.

    Parameters
    ----------
    posterior : DiagonalGaussian or CholeskyGaussian
        Posteriors of B rows.
    z : Tensor of shape (..., B, d)
        A draw for each row.

    Returns
    -------
    joint : Tensor of shape (..., B, B)
        ``log q(z_i | x_j)`` at ``[i, j]``, in nats.
    marginals : Tensor of shape (..., B, B, d)
        The same of each component by itself.
    """
    mean, log_var = posterior.mean.unsqueeze(-3), posterior.log_var.unsqueeze(-3)
    draws = z.unsqueeze(-2)
    squared = (draws - mean).square() * torch.exp(-log_var)
    marginals = -0.5 * (squared + log_var + LOG_2PI)
    if isinstance(posterior, CholeskyGaussian):
        every = CholeskyGaussian(
            mean, posterior.log_diagonal.unsqueeze(-3), posterior.scale_tril.unsqueeze(-4)
        )
        return every.log_prob(draws), marginals
    return marginals.sum(-1), marginals


def stratified_log_weights(batch_size, n_rows, like):
    """Log weights of the minibatch-stratified estimator of the aggregate posterior.

    With B = M + 1 rows in the batch and N in the training set, ``q(z_i)`` is estimated by 1/N of
    row i's own posterior, (N - M)/(NM) of the next row's and 1/M of each other's
    (Chen et al., appendix C.2). Every row of weights sums to one.

    Parameters
    ----------
    batch_size : int
        Rows in the batch, B. A single row is all there is to estimate from: its weight is one.
    n_rows : int
        Rows in the training set, N.
    like : Tensor
        Gives type and device.

    Returns
    -------
    log_weights : Tensor of shape (B, B)
        To be added to ``log q(z_i | x_j)``.
    """
    if batch_size == 1:
        return like.new_zeros(1, 1)
    n_rows = max(n_rows, batch_size)
    others = batch_size - 1
    row = torch.arange(batch_size, device=like.device)
    weights = like.new_full((batch_size, batch_size), 1 / others)
    weights[row, row] = 1 / n_rows
    weights[row, (row + 1) % batch_size] = (n_rows - others) / (n_rows * others)
    return weights.log()


def total_correlation(posterior, z, n_rows):
    """Estimate ``KL(q(z) || prod_k q(z_k))``, the total correlation, from a batch.

    The minibatch-stratified estimator of Chen et al. (equation 2's middle term, appendix C.2).

    Parameters
    ----------
    posterior : DiagonalGaussian or CholeskyGaussian
        Posteriors of B rows.
    z : Tensor of shape (..., B, d)
        A draw for each row.
    n_rows : int
        Rows in the training set.

    Returns
    -------
    total_correlation : Tensor of shape (...)
        In nats; zero for independent components (but for the estimator's error).
    """
    joint, marginals = pairwise_log_densities(posterior, z)
    weights = stratified_log_weights(z.shape[-2], n_rows, z)
    log_joint = torch.logsumexp(joint + weights, -1)
    log_marginals = torch.logsumexp(marginals + weights.unsqueeze(-1), -2).sum(-1)
    return (log_joint - log_marginals).mean(-1)


def beta_tc_terms(log_likelihood, posterior, z, beta, n_rows):
    """Negative bound of the beta-TCVAE (Chen et al., equation 4, with alpha = gamma = 1).

    Mutual information, total correlation and the components' own divergences sum to the divergence
    from the prior. So ``beta`` times the second and once the others is that divergence, of which we
    have the closed form, plus ``beta - 1`` times the total correlation.

    Parameters
    ----------
    log_likelihood : Tensor of shape (..., B)
        Of each row, in nats.
    posterior : DiagonalGaussian or CholeskyGaussian
        Posteriors of B rows.
    z : Tensor of shape (..., B, d)
        A draw for each row.
    beta : float or Tensor of shape (...)
        Weight of the total correlation.
    n_rows : int
        Rows in the training set.

    Returns
    -------
    terms : dict of str to Tensor of shape (...)
        They sum to the loss.
    """
    return {
        "reconstruction": -log_likelihood.mean(-1),
        "kl": posterior.kl().mean(-1),
        "total_correlation": (beta - 1.0) * total_correlation(posterior, z, n_rows),
    }


def permute_components(z, uniforms):
    """Shuffle every component over the rows by itself, so that the rows' law is the product.

    Parameters
    ----------
    z : Tensor of shape (..., B, d)
        Draws from the aggregate posterior.
    uniforms : Tensor of shape (..., B, d)
        Random numbers whose order in each column is the permutation.

    Returns
    -------
    permuted : Tensor of shape (..., B, d)
        Approximate draws from the product of the marginals (Kim & Mnih, algorithm 1).
    """
    return torch.gather(z, -2, uniforms.argsort(-2))


def discriminator_loss(logits_joint, logits_permuted):
    """Cross-entropy of telling draws from permuted draws (Kim & Mnih, algorithm 2).

    Parameters
    ----------
    logits_joint, logits_permuted : Tensor of shape (..., B)
        Log odds of being a draw from the joint law.

    Returns
    -------
    loss : Tensor of shape (...)
        In nats; log 2 for a discriminator that cannot tell.
    """
    joint, permuted = F.softplus(-logits_joint), F.softplus(logits_permuted)
    return 0.5 * (joint.mean(-1) + permuted.mean(-1))


def aggregate_covariance(posterior, kind):
    """Covariance that DIP-VAE makes the identity, over a batch.

    Parameters
    ----------
    posterior : DiagonalGaussian or CholeskyGaussian
        Posteriors of B rows.
    kind : {"i", "ii"}
        The covariance of the posteriors' means (Kumar et al., equation 5), or of the aggregate
        posterior, which adds the mean of their covariances (equation 4).

    Returns
    -------
    covariance : Tensor of shape (..., d, d)
        Normalised by B.
    """
    centred = posterior.mean - posterior.mean.mean(-2, keepdim=True)
    n = centred.shape[-2]
    covariance = centred.mT @ centred / n
    if kind == "i":
        return covariance
    if isinstance(posterior, CholeskyGaussian):
        L = posterior.scale_tril
        return covariance + (L @ L.mT).mean(-3)
    return covariance + torch.diag_embed(torch.exp(posterior.log_var).mean(-2))


def dip_terms(covariance, lambda_od, lambda_d):
    """Penalise a covariance's distance from the identity (Kumar et al., equations 6 and 7).

    ``lambda_od * sum_{i != j} C_ij^2`` and ``lambda_d * sum_i (C_ii - 1)^2``.

    Parameters
    ----------
    covariance : Tensor of shape (..., d, d)
        As from :func:`aggregate_covariance`.
    lambda_od, lambda_d : float or Tensor of shape (...)
        Weights of what is off and on the diagonal.

    Returns
    -------
    terms : dict of str to Tensor of shape (...)
        The two penalties, ``off_diagonal`` and ``diagonal``.
    """
    diagonal = covariance.diagonal(dim1=-2, dim2=-1)
    off_diagonal = covariance - torch.diag_embed(diagonal)
    return {
        "off_diagonal": lambda_od * off_diagonal.square().sum((-2, -1)),
        "diagonal": lambda_d * (diagonal - 1.0).square().sum(-1),
    }

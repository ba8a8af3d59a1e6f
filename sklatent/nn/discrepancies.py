"""Maximum mean discrepancy between draws, with a kernel that suits latents.

As everywhere in :mod:`sklatent.nn`, leading axes may stand for stacked models.
"""

import torch

# Widths of the mixture, in units of the squared distance that two draws from N(0, I) have on
# average: from a tenth of a standard deviation or so to far beyond the prior.
KERNEL_SCALES = (0.01, 0.1, 1.0, 10.0)


def imq_kernel(squared_distance, n_components):
    """Mixture of inverse multiquadrics, 1 at distance 0 and falling to 0.

    ``k(d^2) = mean_s s c / (s c + d^2)`` with ``c = 2 n_components`` and s from
    :data:`KERNEL_SCALES`. Its heavy tails leave a gradient where clouds are still far apart.

    Parameters
    ----------
    squared_distance : Tensor
        Of any shape.
    n_components : int
        Number of latent dimensions.
    """
    total = 0.0
    for scale in KERNEL_SCALES:
        width = 2.0 * n_components * scale
        total = total + width / (width + squared_distance)
    return total / len(KERNEL_SCALES)


def _pairwise(a, b):
    """Kernel of every row of a with every row of b, ``(..., n, m)``."""
    squared = a.square().sum(-1)[..., :, None] + b.square().sum(-1)[..., None, :]
    with torch.autocast(a.device.type, enabled=False):  # bfloat16 has too few digits for this
        # The expansion can fall below zero by rounding, and the kernel must not exceed 1.
        squared = (squared - 2.0 * a @ b.mT).clamp_min(0.0)
    return imq_kernel(squared, a.shape[-1])


def paired_discrepancy(a, b):
    """Squared MMD between two small clouds of draws for each datum.

    The biased estimate, ``mean k(a, a') + mean k(b, b') - 2 mean k(a, b)`` over the draws of one
    datum. With one draw each it is ``2 - 2 k(a, b)``.

    Parameters
    ----------
    a, b : Tensor of shape (..., draws, batch, components)
        Draws of each datum.

    Returns
    -------
    Tensor of shape (...)
        Mean over the batch, between 0 and 2.
    """
    if a.shape[-3] == 1:
        kernel = imq_kernel((a - b).square().sum(-1), a.shape[-1])
        return 2.0 - 2.0 * kernel.mean((-2, -1))
    a, b = a.transpose(-3, -2), b.transpose(-3, -2)
    own = _pairwise(a, a).mean((-2, -1)) + _pairwise(b, b).mean((-2, -1))
    return (own - 2.0 * _pairwise(a, b).mean((-2, -1))).mean(-1)


def batch_discrepancy(a, b):
    """Squared MMD between two clouds, unbiased (Gretton et al., 2012, equation 3).

    Parameters
    ----------
    a : Tensor of shape (..., n, components)
        One cloud.
    b : Tensor of shape (..., m, components)
        The other.

    Returns
    -------
    Tensor of shape (...)
        Zero on average for equal distributions, so that it can be negative. A cloud of one point
        has no pairs, which are then left out.
    """
    return _off_diagonal_mean(a) + _off_diagonal_mean(b) - 2.0 * _pairwise(a, b).mean((-2, -1))


def _off_diagonal_mean(a):
    """Mean kernel over the pairs of different rows; the kernel of a row with itself is 1."""
    n = a.shape[-2]
    kernel = _pairwise(a, a)
    return (kernel.sum((-2, -1)) - torch.diagonal(kernel, dim1=-2, dim2=-1).sum(-1)) / max(
        n * (n - 1), 1
    )

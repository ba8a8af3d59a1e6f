"""Distance of two spaces whose samples are Gaussian posteriors, not points."""

import numpy as np
from sklearn.utils.validation import check_scalar

from sklatent._utils.options import check_options
from sklatent.metrics._posterior import check_posterior

# The rotation has settled when no entry of it moves by more.
_SETTLED = 1e-13


@check_options()
def bures_distance(posterior, other, *, align=True, max_iter=100):
    """Distance of two posteriors of the same samples, their uncertainty included.

    The root of the mean over samples of the squared Wasserstein distance of two Gaussians,

    .. math:: |m_i - Q^T n_i|^2 + tr S_i + tr T_i - 2 tr (S_i^{1/2} Q^T T_i Q S_i^{1/2})^{1/2}

    (the last three terms are the squared Bures distance of the covariances), at the rotation or
    reflection Q of the second space that makes it smallest. Zero for the same posteriors up to
    such a map; smaller is more alike. Two spaces whose means agree and whose posterior variances
    don't are apart here and equal to every metric of means.

    Parameters
    ----------
    posterior : Posterior
        Posteriors of the samples, as `encode` returns them, diagonal or full.

    other : Posterior
        Another model's, of the same samples in the same order. The narrower space is padded with
        components that are exactly zero.

    align : bool, default=True
        Whether the second space may be rotated and reflected. Neither is shifted or scaled.

    max_iter : int, default=100
        Largest number of alternations between the rotation and the samples' covariances.

    Returns
    -------
    distance : float
        In units of the latents.

    Raises
    ------
    TypeError
        If a posterior has no means and log variances.

    ValueError
        If lengths differ or entries are not finite.

    Notes
    -----
    The minimum over Q is found by alternating two Procrustes problems, started at the means' own
    rotation; the distance falls in each step, to a local minimum in general. From models trained
    with the same prior the origin has a meaning; where it hasn't, centre the means first.

    References
    ----------
    L. Duong, J. Zhou, J. Nassar, J. Berman, J. Olieslagers, A. Williams, "Representational
    dissimilarity metric spaces for stochastic neural networks", ICLR 2023, equation 6 and
    appendix; netrep's `GaussianStochasticMetric` is its public code.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent._posterior import Posterior
    >>> from sklatent.metrics import bures_distance
    >>> mean = np.random.default_rng(0).normal(size=(50, 2))
    >>> sure = Posterior(mean, log_var=np.full((50, 2), -4.0))
    >>> vague = Posterior(mean[:, ::-1], log_var=np.zeros((50, 2)))
    >>> bures_distance(sure, vague)
    1.22...
    """
    if not isinstance(align, (bool, np.bool_)):
        raise TypeError(f"align must be True or False, got {align!r}.")
    check_scalar(max_iter, "max_iter", (int, np.integer), min_val=1)
    sides = [_moments(side) for side in (posterior, other)]
    lengths = [len(mean) for mean, _ in sides]
    if lengths[0] != lengths[1]:
        raise ValueError(
            "Both posteriors must be of the same samples, in the same order; they have "
            f"{lengths[0]} and {lengths[1]}."
        )
    width = max(mean.shape[1] for mean, _ in sides)
    # The unit is taken out so that squares stay in range.
    unit = max(max(np.abs(mean).max(), np.abs(root).max()) for mean, root in sides)
    if unit == 0.0:
        return 0.0
    (mean_a, root_a), (mean_b, root_b) = (_padded(m / unit, r / unit, width) for m, r in sides)
    rotation = _polar(mean_b.T @ mean_a) if align else np.eye(width)
    turns = _polar(root_b @ rotation @ root_a)
    for _ in range(max_iter if align else 0):
        previous = rotation
        rotation = _polar(mean_b.T @ mean_a + np.sum(root_b @ turns @ root_a, axis=0))
        turns = _polar(root_b @ rotation @ root_a)
        if np.abs(rotation - previous).max() <= _SETTLED:
            break
    # Residuals themselves: differences of traces would leave 1e-8 of equal posteriors.
    means = np.sum((mean_a - mean_b @ rotation) ** 2)
    roots = np.sum((root_a - turns.swapaxes(1, 2) @ root_b @ rotation) ** 2)
    return float(unit * np.sqrt((means + roots) / len(mean_a)))


def _moments(posterior):
    """Means and symmetric square roots of the covariances, (n, d) and (n, d, d)."""
    mean, log_var = check_posterior(posterior)
    if getattr(posterior, "is_diagonal", True):
        return mean, np.exp(0.5 * log_var)[:, :, None] * np.eye(mean.shape[1])
    values, vectors = np.linalg.eigh(np.asarray(posterior.covariance, dtype=np.float64))
    roots = np.sqrt(np.maximum(values, 0.0))
    return mean, (vectors * roots[:, None, :]) @ vectors.swapaxes(1, 2)


def _padded(mean, root, width):
    more = (0, width - mean.shape[1])
    return np.pad(mean, ((0, 0), more)), np.pad(root, ((0, 0), more, more))


def _polar(products):
    """The orthogonal matrices nearest to some."""
    left, _, right = np.linalg.svd(products)
    return left @ right

"""Eight Gaussian blobs on a circle: the toy data set of the Rosetta VAE paper."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sklatent._utils.limits import require_room
from sklatent._utils.options import check_options
from sklatent._utils.random import local_random_state

N_CLUSTERS = 8


@check_options(
    radius=[Interval(Real, 0, None, closed="neither")],
    cluster_std=[Interval(Real, 0, None, closed="left")],
    noise_std=[Interval(Real, 0, None, closed="left")],
)
def make_eight_gaussians(
    n_samples=1000,
    noise_dims=3,
    random_state=None,
    *,
    radius=4.0,
    cluster_std=0.5,
    noise_std=0.5,
):
    """Draw points from eight Gaussians on a circle, padded with pure noise.

    The first two features are a position: cluster `k` is centred at the angle
    `(2 k + 1) * 180 / 8` degrees on a circle. The other features are Gaussian noise
    around zero that knows nothing of the cluster. No centre lies on an axis, so the
    horizontal axis splits the clusters in two halves: labels 0 to 3 above it and
    4 to 7 below, the half-plane split of the paper's sequential study.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of points. Clusters differ in size by one at most.

    noise_dims : int, default=3
        Number of features that are noise alone.

    random_state : int, RandomState instance or None, default=None
        Seed or generator of the draws. Pass an int for the same points each time.

    radius : float, default=4.0
        Radius of the circle of centres.

    cluster_std : float, default=0.5
        Standard deviation of a cluster, in each of the two position features.

    noise_std : float, default=0.5
        Standard deviation of each noise feature.

    Returns
    -------
    X : ndarray of shape (n_samples, 2 + noise_dims)
        The points, in random order.

    y : ndarray of shape (n_samples,)
        The cluster of each point, 0 to 7, counter-clockwise.

    Notes
    -----
    The paper says no more of this data set than its shape: "5-dimensional vectors (two
    (x, y) position dimensions" and Gaussian noise in the rest). Radius and standard
    deviations are ours, chosen so that a unit-variance Gaussian likelihood tells the
    clusters apart.

    References
    ----------
    .. [1] M. Martinez, J. Pearson, "Reproducible, incremental representation learning
       with Rosetta VAE", appendices A and C (figure 3).

    Examples
    --------
    >>> from sklatent.datasets import make_eight_gaussians
    >>> X, y = make_eight_gaussians(400, random_state=0)
    >>> X.shape, y.shape
    ((400, 5), (400,))
    >>> first_half = y < 4  # the half-plane above the horizontal axis
    >>> bool((X[first_half, 1] > 0).mean() > 0.99)
    True
    """
    sizes = f"n_samples={n_samples} with noise_dims={noise_dims}"
    require_room(4 * n_samples * (2 + noise_dims), sizes)  # twice, of eight bytes each
    rng = local_random_state(random_state)
    y = rng.permutation(np.arange(n_samples) % N_CLUSTERS)
    angle = (2 * y + 1) * np.pi / N_CLUSTERS
    position = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    position += cluster_std * rng.standard_normal(position.shape)
    noise = noise_std * rng.standard_normal((n_samples, noise_dims))
    return np.hstack([position, noise]), y

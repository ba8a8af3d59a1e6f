"""Search for the rotation that lays one cloud of points onto another, no rows in common."""

import itertools

import numpy as np
from scipy.optimize import quadratic_assignment
from sklearn.cluster import KMeans

# Bandwidths tried, in units of the median squared distance to the nearest neighbour.
_BANDWIDTHS = np.geomspace(0.3, 30.0, 14)

# The search starts with a bandwidth that sees groups and ends with one that sees rows.
_ANNEALING = np.geomspace(8.0, 1.0, 8)

_PROTOTYPES = (4, 24)
_ROWS_PER_PROTOTYPE = 12
_MOST_SIGNS = 64


def squared_distances(A, B):
    """Squared Euclidean distances of all rows of A to all of B."""
    D = A @ B.T
    D *= -2.0
    D += np.einsum("ij,ij->i", A, A)[:, None]
    D += np.einsum("ij,ij->i", B, B)
    return np.maximum(D, 0.0, out=D)


def log_sums(exponents):
    """Logarithms of the rows' sums of exponentials; the exponents are spent."""
    largest = exponents.max(axis=1)
    exponents -= largest[:, None]
    return np.log(np.exp(exponents, out=exponents).sum(axis=1)) + largest


def polar(product):
    """The orthogonal matrix nearest to a product."""
    if not np.isfinite(product).all():
        raise ValueError(
            "A row of X or y lies so far from the others that nothing is left of the distances "
            "between them. Leave such outliers out."
        )
    left, _, right = np.linalg.svd(product)
    return left @ right


def rigid(A, B):
    """Rotation and translation that bring rows of A nearest to those of B."""
    a, b = A.mean(axis=0), B.mean(axis=0)
    rotation = polar((A - a).T @ (B - b))
    return rotation, b - a @ rotation


class Density:
    """Gaussian kernel density of a cloud, its bandwidth the one that predicts rows left out.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_dimensions)
        The cloud.

    Attributes
    ----------
    bandwidth : float
        The kernel's variance.

    own : float
        Mean log density of the points, each left out, up to a constant that `log` shares.
    """

    def __init__(self, points):
        self.points = points
        n, d = points.shape
        D = squared_distances(points, points)
        np.fill_diagonal(D, np.inf)
        nearest = max(np.median(D.min(axis=1)), 1e-12 * points.var(axis=0).sum(), 1e-300)
        found = []
        for variance in nearest * _BANDWIDTHS:
            log = log_sums(D * (-0.5 / variance)) - np.log(n - 1)
            found.append((float(log.mean() - 0.5 * d * np.log(variance)), variance))
        self.own, self.bandwidth = max(found)
        self._constant = -np.log(n) - 0.5 * d * np.log(self.bandwidth)

    def log(self, rows):
        """Log density at each row, in nats."""
        D = squared_distances(rows, self.points)
        D *= -0.5 / self.bandwidth
        return log_sums(D) + self._constant


def gain(map_, X, Y, density_x, density_y):
    """Log density of X mapped among Y, and of Y mapped back among X, less what is their own."""
    rotation, offset = map_
    there = density_y.log(X @ rotation + offset) - density_y.own
    back = density_x.log((Y - offset) @ rotation.T) - density_x.own
    return there, back


def refine(map_, X, Y, bandwidths):
    """Improve a map: each row is drawn to the other cloud's rows by how near they lie."""
    rotation, offset = map_
    single = Y.astype(np.float32)
    for bandwidth in bandwidths:
        # Weights need few digits, and half of them are twice as fast.
        weights = squared_distances((X @ rotation + offset).astype(np.float32), single)
        weights *= -0.5 / bandwidth
        there = np.exp(weights - weights.max(axis=1, keepdims=True))
        there /= there.sum(axis=1, keepdims=True)
        back = np.exp(weights - weights.max(axis=0))
        back /= back.sum(axis=0)
        # Soft partners both ways, as mutual nearest neighbours are hard ones.
        rotation, offset = rigid(np.concatenate([X, back.T @ X]), np.concatenate([there @ Y, Y]))
    return rotation, offset


def starts(X, Y, n_init, rng):
    """Maps to begin with: matched prototypes, and principal axes under all signs.

    Prototypes are k-means centres on either side; which belongs to which is the quadratic
    assignment of their matrices of distances, restarted at random.
    """
    n = min(len(np.unique(Z, axis=0)) for Z in (X, Y))
    k = min(max(n // _ROWS_PER_PROTOTYPE, _PROTOTYPES[0]), _PROTOTYPES[1], n)
    maps = []
    for _ in range(3):
        centres = [
            KMeans(k, n_init=1, random_state=int(rng.integers(2**31))).fit(Z).cluster_centers_
            for Z in (X, Y)
        ]
        distances = [np.sqrt(squared_distances(c, c)) for c in centres]
        for _ in range(-(-n_init // 3)):
            options = {"maximize": True, "P0": "randomized", "rng": rng}
            partner = quadratic_assignment(*distances, options=options).col_ind
            maps.append(rigid(centres[0], centres[1][partner]))
    axes = [np.linalg.svd(Z - Z.mean(axis=0))[2] for Z in (X, Y)]
    for signs in _signs(X.shape[1], rng):
        rotation = axes[0].T @ (signs[:, None] * axes[1])
        maps.append((rotation, Y.mean(axis=0) - X.mean(axis=0) @ rotation))
    return maps


def _signs(n_dimensions, rng):
    if 2**n_dimensions <= _MOST_SIGNS:
        return np.array(list(itertools.product([1.0, -1.0], repeat=n_dimensions)))
    return rng.choice([-1.0, 1.0], size=(_MOST_SIGNS, n_dimensions))


def reflections(map_, X):
    """A map after turning over each principal axis, each two of them, and all.

    What a wrong map that fits well is most likely to be, where the cloud is symmetric.
    """
    rotation, _ = map_
    centre = X.mean(axis=0)
    axes = np.linalg.svd(X - centre)[2]
    d = len(axes)
    flips = [(i,) for i in range(d)] + list(itertools.combinations(range(d), 2))[:_MOST_SIGNS]
    for flip in [*flips, tuple(range(d))]:
        signs = np.ones(d)
        signs[list(flip)] = -1.0
        turned = axes.T @ (signs[:, None] * axes) @ rotation
        yield turned, centre @ rotation + map_[1] - centre @ turned


def agreement(first, second, X):
    """R^2 of one map's images of X judged as predictions of another's."""
    images = [X @ rotation + offset for rotation, offset in (first, second)]
    spread = np.sum((images[1] - images[1].mean(axis=0)) ** 2)
    return 1.0 - np.sum((images[0] - images[1]) ** 2) / spread


def distinct(maps, X, alike):
    """Those maps, in the order given, that agree with none before them."""
    kept = []
    for map_ in maps:
        if all(agreement(map_, other, X) < alike for other in kept):
            kept.append(map_)
    return kept


def search(X, Y, n_init, n_kept, rng):
    """The best maps from one cloud to another, the best first.

    Parameters
    ----------
    X, Y : ndarray of shape (n_x, d) and (n_y, d)
        The clouds.

    n_init : int
        Quadratic assignments that are started.

    n_kept : int
        Maps to return.

    rng : Generator
        What is random about it.

    Returns
    -------
    maps : list of (rotation, offset)
        Refined.
    """
    densities = Density(X), Density(Y)
    bandwidth = 0.5 * (densities[0].bandwidth + densities[1].bandwidth)

    def value(map_, most=None):
        return sum(part.mean() for part in gain(map_, X[:most], Y[:most], *densities))

    found = sorted(starts(X, Y, n_init, rng), key=lambda m: value(m, 100), reverse=True)[:n_init]
    found = [refine(map_, X, Y, bandwidth * _ANNEALING) for map_ in found]
    found = sorted(found, key=value, reverse=True)
    found = [refine(map_, X, Y, [bandwidth] * 10) for map_ in found[: 2 * n_kept]]
    return sorted(found, key=value, reverse=True)[:n_kept]

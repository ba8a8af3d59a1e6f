"""Search for the rotation that lays one cloud of points onto another, no rows in common."""

import itertools

import numpy as np
from scipy.optimize import linear_sum_assignment, quadratic_assignment
from sklearn.cluster import KMeans

# Bandwidths tried, in units of the median squared distance to the nearest neighbour.
_BANDWIDTHS = np.geomspace(0.3, 30.0, 14)

# The share of a cloud's density that is one Gaussian, and by how much that is wider than the cloud.
# On 39 pairs of halves (iris, wine, counts from random starts) and clouds without an answer, none
# in the report, right maps with a margin of 4 rose from 9 to 14 of 15; of shares from 0.01 to 0.3
# and widths from 1.5 to 3 none did much better.
_BACKGROUND = 0.05
_WIDER = 1.5

# The search starts with a bandwidth that sees groups and ends with one that sees rows.
_ANNEALING = np.geomspace(8.0, 1.0, 8)

# A refinement at one bandwidth whose rotation moves by less has settled.
_SETTLED = 3e-4

_PROTOTYPES = (4, 24)
_ROWS_PER_PROTOTYPE = 12
_MOST_SIGNS = 64

# What a point sees: quantiles of its distances, of which rows are matched by the first so many.
_QUANTILES = np.linspace(0.02, 0.98, 25)
_VIEWS_OF_ROWS = (8, 14, 25)
_BALANCINGS = 100
_UNBALANCED = 1e-6

# Maps of which one predicts the other's images this well are the same map, found twice.
SAME = 0.9

# A map is judged roughly by so many rows, at so many times the bandwidth.
_ROUGH_ROWS = 100
_ROUGH_BANDWIDTH = 4.0

# Rounds of going on to neighbours, each from so many of the best maps. Of 11 pairs of halves that
# searches without them solved in none of three parts, it solved 7; more rounds solve few more.
_CLIMBS = 3
_SUMMITS = 3


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

    A twentieth of it is one wide Gaussian over the whole cloud: a kernel density falls off so fast
    that a few rows in empty places, where no map puts any, would decide between maps.

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
            log = log_sums(D * (-0.5 / variance)) - np.log(n - 1) - 0.5 * d * np.log(variance)
            found.append((float(log.mean()), variance, log))
        _, self.bandwidth, log = max(found, key=lambda one: one[0])
        self._centre = points.mean(axis=0)
        _, values, axes = np.linalg.svd(points - self._centre, full_matrices=False)
        variances = np.maximum(_WIDER**2 * values**2 / n, self.bandwidth)
        self._whitening = axes.T / np.sqrt(variances)
        # Directions that fewer points than dimensions leave out count neither here nor there.
        self._wide = np.log(_BACKGROUND) - 0.5 * np.log(variances).sum()
        self._wide -= 0.5 * (d - len(variances)) * np.log(self.bandwidth)
        self._kernels = np.log1p(-_BACKGROUND) - np.log(n) - 0.5 * d * np.log(self.bandwidth)
        self.own = float(self._with_background(log + np.log1p(-_BACKGROUND), points).mean())

    def log(self, rows):
        """Log density at each row, in nats."""
        D = squared_distances(rows, self.points)
        D *= -0.5 / self.bandwidth
        return self._with_background(log_sums(D) + self._kernels, rows)

    def _with_background(self, log, rows):
        white = (rows - self._centre) @ self._whitening
        return np.logaddexp(log, self._wide - 0.5 * np.einsum("ij,ij->i", white, white))


def gain(map_, X, Y, density_x, density_y):
    """Log density of X mapped among Y, and of Y mapped back among X, less what is their own."""
    rotation, offset = map_
    there = density_y.log(X @ rotation + offset) - density_y.own
    back = density_x.log((Y - offset) @ rotation.T) - density_x.own
    return there, back


def refine(map_, X, Y, bandwidths):
    """Improve a map: each row is drawn to the other cloud's rows by how near they lie."""
    rotation, offset = map_
    # Weights need few digits, and half of them are twice as fast. With a column of ones, sums of
    # weights come with the sums of what is weighed.
    x, y = (np.column_stack([Z, np.ones(len(Z))]).astype(np.float32) for Z in (X, Y))
    last = None
    for bandwidth in bandwidths:
        weights = squared_distances((X @ rotation + offset).astype(np.float32), y[:, :-1])
        weights *= -0.5 / bandwidth
        back = weights - weights.max(axis=0)
        weights -= weights.max(axis=1, keepdims=True)
        there = np.exp(weights, out=weights) @ y
        back = np.exp(back, out=back).T @ x
        # Soft partners both ways, as mutual nearest neighbours are hard ones.
        partners = [soft[:, :-1] / soft[:, -1:] for soft in (there, back)]
        before = rotation
        rotation, offset = rigid(np.concatenate([X, partners[1]]), np.concatenate([partners[0], Y]))
        if bandwidth == last and np.abs(rotation - before).max() < _SETTLED:
            break
        last = bandwidth
    return rotation, offset


def starts(X, Y, n_init, rng):
    """Maps to begin with: matched prototypes, matched rows, and principal axes under all signs.

    Prototypes are k-means centres on either side; which belongs to which is the quadratic
    assignment of their matrices of distances, from starts at random and from starts that are
    likely by what each prototype sees: the quantiles of its distances to all rows, which no
    rotation changes. Rows are matched by their near, middling and all such quantiles.
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
        unlike = squared_distances(*(_views(c, Z) for c, Z in zip(centres, (X, Y), strict=True)))
        for number in range(2 * -(-n_init // 3)):
            start = "randomized" if number % 2 else _likely_partners(unlike, rng)
            options = {"maximize": True, "P0": start, "rng": rng}
            partner = quadratic_assignment(*distances, options=options).col_ind
            maps.append(rigid(centres[0], centres[1][partner]))
    views = _views(X, X), _views(Y, Y)
    for n_nearest in _VIEWS_OF_ROWS:
        rows, partners = linear_sum_assignment(
            squared_distances(*(view[:, :n_nearest] for view in views))
        )
        maps.append(rigid(X[rows], Y[partners]))
    axes = [np.linalg.svd(Z - Z.mean(axis=0))[2] for Z in (X, Y)]
    for signs in _signs(X.shape[1], rng):
        rotation = axes[0].T @ (signs[:, None] * axes[1])
        maps.append((rotation, Y.mean(axis=0) - X.mean(axis=0) @ rotation))
    return maps


def _views(points, Z):
    return np.quantile(np.sqrt(squared_distances(points, Z)), _QUANTILES, axis=1).T


def _likely_partners(unlike, rng):
    """A doubly stochastic matrix: likely by a random sharpness, and a tenth of it even."""
    sharpness = 10 ** rng.uniform(0.0, 2.0) / max(np.median(unlike), 1e-300)
    nearest = unlike.min(axis=1, keepdims=True)
    likely = np.exp(-sharpness * (unlike - nearest)) * rng.uniform(0.2, 1.0, size=unlike.shape)
    return _balanced(0.9 * _balanced(likely + 1e-12) + 0.1 / len(unlike))


def _balanced(matrix):
    # Rows and columns that sum to one (Sinkhorn and Knopp 1967), but for what is not worth a step.
    for _ in range(_BALANCINGS):
        matrix = matrix / matrix.sum(axis=1, keepdims=True)
        sums = matrix.sum(axis=0)
        matrix /= sums
        if np.abs(sums - 1.0).max() < _UNBALANCED:
            break
    return matrix


def _signs(n_dimensions, rng):
    if 2**n_dimensions <= _MOST_SIGNS:
        return np.array(list(itertools.product([1.0, -1.0], repeat=n_dimensions)))
    return rng.choice([-1.0, 1.0], size=(_MOST_SIGNS, n_dimensions))


def neighbours(map_, X):
    """A map after turning over principal axes, or exchanging two.

    One axis, each two of them, and all, turned over; each two that are next or next but one to
    each other exchanged, with either sign. What a wrong map that fits well is most likely to be,
    where the cloud is nearly symmetric, and what a search that was caught halfway still lacks.
    """
    rotation, offset = map_
    centre = X.mean(axis=0)
    axes = np.linalg.svd(X - centre)[2]
    image = centre @ rotation + offset
    for change in _axis_changes(len(axes)):
        turned = axes.T @ change @ axes @ rotation
        yield turned, image - centre @ turned


def _axis_changes(d):
    flips = [(i,) for i in range(d)] + list(itertools.combinations(range(d), 2))[:_MOST_SIGNS]
    for flip in [*flips, tuple(range(d))]:
        signs = np.ones(d)
        signs[list(flip)] = -1.0
        yield np.diag(signs)
    for i in range(d):
        for j in range(i + 1, min(i + 3, d)):
            for signs in itertools.product([1.0, -1.0], repeat=2):
                change = np.eye(d)
                change[[i, j]] = change[[j, i]] * np.array(signs)[:, None]
                yield change


def agreement(first, second, X):
    """R^2 of one map's images of X judged as predictions of another's."""
    images = [X @ rotation + offset for rotation, offset in (first, second)]
    spread = np.sum((images[1] - images[1].mean(axis=0)) ** 2)
    return 1.0 - np.sum((images[0] - images[1]) ** 2) / spread


def distinct(maps, X, alike):
    """Those maps, in the order given, that agree with none before them."""
    images = np.stack([X @ rotation + offset for rotation, offset in maps])
    spread = np.sum((images - images.mean(axis=1, keepdims=True)) ** 2, axis=(1, 2))
    images = (images - images.mean(axis=0)).reshape(len(maps), -1)
    agreements = 1.0 - squared_distances(images, images) / spread
    kept = []
    for number in range(len(maps)):
        if (agreements[number, kept] < alike).all():
            kept.append(number)
    return [maps[number] for number in kept]


class Clouds:
    """Two clouds with their densities: what maps from one to the other are worth.

    Parameters
    ----------
    X, Y : ndarray of shape (n_x, d) and (n_y, d)
        The clouds.
    """

    def __init__(self, X, Y):
        self.X, self.Y = X, Y
        self.densities = Density(X), Density(Y)
        self.bandwidth = 0.5 * sum(density.bandwidth for density in self.densities)

    def value(self, map_):
        """Mean log density of either cloud among the other, less their own."""
        return sum(float(part.mean()) for part in gain(map_, self.X, self.Y, *self.densities))

    def rough_value(self, map_):
        """The same of a few rows, so wide that a map which is only nearly right has some."""
        rotation, offset = map_
        images = self.X @ rotation + offset
        pairs = (images[:_ROUGH_ROWS], self.Y), (self.Y[:_ROUGH_ROWS], images)
        scale = -0.5 / (_ROUGH_BANDWIDTH * self.bandwidth)
        return sum(float(log_sums(squared_distances(*pair) * scale).mean()) for pair in pairs)

    def promising(self, maps, n_tried):
        """The roughly best maps, refined from a bandwidth that sees groups to that of rows."""
        tried = sorted(maps, key=self.rough_value, reverse=True)[:n_tried]
        return [refine(map_, self.X, self.Y, self.bandwidth * _ANNEALING) for map_ in tried]

    def climb(self, maps, n_tried, n_kept):
        """Go on from the best maps to their neighbours, as long as those are better.

        Parameters
        ----------
        maps : list of (rotation, offset)
            To begin with.

        n_tried : int
            Neighbours of a map that are refined: the roughly best.

        n_kept : int
            Maps to return.

        Returns
        -------
        maps : list of (rotation, offset)
            That differ from each other, the best first.
        """
        seen, valued = [], [(self.value(map_), map_) for map_ in maps]
        for _ in range(_CLIMBS):
            valued = self._best(valued, n_kept)
            summits = [m for _, m in valued[:_SUMMITS] if not any(m is other for other in seen)]
            if not summits:
                break
            seen += summits
            for map_ in summits:
                found = self.promising(neighbours(map_, self.X), n_tried)
                valued += [(self.value(new), new) for new in found]
        return [map_ for _, map_ in self._best(valued, n_kept)]

    def _best(self, valued, n_kept):
        valued = sorted(valued, key=lambda pair: pair[0], reverse=True)
        kept = distinct([map_ for _, map_ in valued], self.X, SAME)[:n_kept]
        return [pair for pair in valued if any(pair[1] is map_ for map_ in kept)]


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
    clouds = Clouds(X, Y)
    found = clouds.promising(starts(X, Y, n_init, rng), n_init)
    return clouds.climb(found, neighbours_tried(n_init), n_kept)


def neighbours_tried(n_init):
    """How many neighbours of a map are refined, beside so many starts."""
    return max(2, n_init // 5)

"""How far inside the anchors a row lies, and how well maps do there."""

import numpy as np
from scipy import linalg
from sklearn.neighbors import NearestNeighbors

from sklatent.alignment._held_out import RidgePath

_N_NEAREST = 5
_OUTERMOST = 95  # percentile of the anchors' own distances that counts as their edge

# Products of so many leading directions at most are tried beside the directions themselves, and
# one for ten anchors at most: all products of 10 directions told errors of 200 anchors' shifted
# rows worse (digits, Spearman 0.48) than those of 5 (0.52).
_MOST_DIRECTIONS = 8
_ANCHORS_PER_PRODUCT = 10

_ROUNDING = (
    1e-12  # a share of the target's variance that is none: what rounding leaves of exact maps
)


def anchor_support(anchors, targets, rows, groups):
    """Say for each row how far inside the anchors it lies, in place and in how well maps do there.

    Parameters
    ----------
    anchors : ndarray of shape (n_anchors, n_features)
        Of float64.

    targets : ndarray of shape (n_anchors, n_targets)
        Of float64.

    rows : ndarray of shape (n_rows, n_features) or None
        Of float64; None is the anchors themselves, each left out in turn.

    groups : ndarray of shape (n_anchors,)
        Equal anchors have the same number.

    Returns
    -------
    support : ndarray of shape (n_rows,)
        Between 0 and 1, larger is further inside: ``edge / (edge + distance)``, so 0.5 at the
        anchors' edge, the 95th percentile of their own distances.

    Notes
    -----
    The distance is one in place times the error that is expected there. That in place is the
    geometric mean of two: Mahalanobis distance from the anchors' mean (the root of the leverage),
    which grows where a linear map must extrapolate, and mean distance to the five nearest anchors,
    which notices gaps between them. The error's square is the sum of two: the mean square of what
    a linear map leaves of those five anchors when they are left out, and how far that map is from
    one that may bend, with products of the leading directions among its features.
    """
    place = _Place(anchors, groups)
    error = _ExpectedError(anchors, targets, groups, place)
    own = place.own * error.own
    edge = max(np.percentile(own, _OUTERMOST), 1e-300)
    if rows is None:
        distance = own[np.searchsorted(np.unique(groups), groups)]
    else:
        near, nearest = place.nearest(rows)
        distance = place.distance(rows, near) * error.at(rows, nearest)
    return 1.0 / (1.0 + distance / edge)


class _Place:
    """Distances of rows from the distinct anchors, by where they lie only."""

    def __init__(self, anchors, groups):
        _, first = np.unique(groups, return_index=True)
        distinct = anchors[first]
        self.mean = distinct.mean(axis=0)
        _, values, self.right = linalg.svd(distinct - self.mean, full_matrices=False)
        # Directions that anchors hardly show are given a hundredth of the widest one's deviation.
        self.size = np.maximum(values, 1e-2 * values[0]) / np.sqrt(max(len(distinct) - 1, 1))
        width = anchors.shape[1]
        self.open = len(values) < width or len(distinct) <= width
        n_nearest = min(_N_NEAREST, len(distinct) - 1)
        self.neighbors = NearestNeighbors(n_neighbors=n_nearest).fit(distinct)
        distances, self.own_nearest = self.neighbors.kneighbors()
        near, far = distances.mean(axis=1), self.mahalanobis(distinct)
        self.edges = [max(np.percentile(own, _OUTERMOST), 1e-300) for own in (near, far)]
        self.own = self._together(near, far)

    def directions(self, X):
        """Rows in coordinates along the anchors' principal directions, of variance one."""
        return (X - self.mean) @ self.right.T / self.size

    def mahalanobis(self, X):
        centred = X - self.mean
        inside = self.directions(X)
        squares = np.sum(inside**2, axis=1)
        if self.open:
            lengths = np.sum((inside * self.size) ** 2, axis=1)
            squares += np.maximum(np.sum(centred**2, axis=1) - lengths, 0.0) / self.size.min() ** 2
        return np.sqrt(squares)

    def nearest(self, rows):
        """Mean distance to the nearest distinct anchors, and which those are."""
        distances, nearest = self.neighbors.kneighbors(rows)
        return distances.mean(axis=1), nearest

    def distance(self, rows, near):
        return self._together(near, self.mahalanobis(rows))

    def _together(self, near, far):
        return np.sqrt(near / self.edges[0] * far / self.edges[1])


class _ExpectedError:
    """The error of a linear map that its residuals on anchors left out let expect at a row."""

    def __init__(self, anchors, targets, groups, place):
        self.place, self.counts = place, np.bincount(groups)
        linear = self._bent(anchors, 0)
        width = min(linear.shape[1], _MOST_DIRECTIONS)
        while width * (width + 1) / 2 > len(self.counts) / _ANCHORS_PER_PRODUCT:
            width -= 1
        self.n_bent = width
        residuals, self.straight = _fitted(linear, targets)
        bent_residuals, self.bent = residuals, self.straight
        if width:
            bent_residuals, self.bent = _fitted(self._bent(anchors, width), targets)
        total = np.sum((targets - targets.mean(axis=0)) ** 2, axis=1).mean()
        self.least = _ROUNDING * total
        # Copies of an anchor may have other targets each; their squares are averaged.
        self.squares = np.bincount(groups, np.sum(residuals**2, axis=1)) / self.counts
        apart = np.sum((bent_residuals - residuals) ** 2, axis=1)
        apart = np.bincount(groups, apart) / self.counts
        self.own = self._root(place.own_nearest, apart)

    def _bent(self, X, n_bent):
        directions = self.place.directions(X)
        first, second = np.triu_indices(n_bent)
        return np.column_stack([directions, directions[:, first] * directions[:, second]])

    def _root(self, nearest, apart):
        return np.sqrt(self.squares[nearest].mean(axis=1) + apart + self.least)

    def at(self, rows, nearest):
        images = [
            self._bent(rows, n_bent) @ coefficients + intercept
            for n_bent, (coefficients, intercept) in ((0, self.straight), (self.n_bent, self.bent))
        ]
        return self._root(nearest, np.sum((images[1] - images[0]) ** 2, axis=1))


def _fitted(features, targets):
    """Residuals of rows left out, and the map of all rows: coefficients and intercept."""
    path = RidgePath(features, targets)
    alpha = path.best()
    coefficients = path.coefficients(alpha)
    intercept = targets.mean(axis=0) - features.mean(axis=0) @ coefficients
    return path.residuals(alpha), (coefficients, intercept)

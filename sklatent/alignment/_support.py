"""How far inside the anchors a row lies."""

import numpy as np
from scipy import linalg
from sklearn.neighbors import NearestNeighbors

_N_NEAREST = 5
_OUTERMOST = 95  # percentile of the anchors' own distances that counts as their edge


def anchor_support(anchors, rows, groups):
    """Say for each row how far inside the anchors it lies.

    Parameters
    ----------
    anchors : ndarray of shape (n_anchors, n_features)
        Of float64.

    rows : ndarray of shape (n_rows, n_features) or None
        Of float64; None is the anchors themselves, each left out in turn.

    groups : ndarray of shape (n_anchors,)
        Equal anchors have the same number.

    Returns
    -------
    support : ndarray of shape (n_rows,)
        Between 0 and 1, larger is further inside: ``edge / (edge + distance)``, so 0.5 at the
        anchors' edge.

    Notes
    -----
    The distance is the geometric mean of two, each divided by its edge, the 95th percentile over
    the anchors: Mahalanobis distance from their mean (the root of the leverage), which grows where
    a linear map must extrapolate, and mean distance to the five nearest anchors, which notices
    gaps between them.
    """
    _, first = np.unique(groups, return_index=True)
    distinct = anchors[first]
    mean = distinct.mean(axis=0)
    centred = distinct - mean
    _, values, right = linalg.svd(centred, full_matrices=False)
    # Directions that anchors hardly show are given a hundredth of the widest one's deviation.
    size = np.maximum(values, 1e-2 * values[0]) / np.sqrt(max(len(distinct) - 1, 1))
    width = anchors.shape[1]

    def mahalanobis(X):
        centred = X - mean
        inside = centred @ right.T
        squares = np.sum((inside / size) ** 2, axis=1)
        if len(values) < width or len(distinct) <= width:
            outside = np.maximum(np.sum(centred**2, axis=1) - np.sum(inside**2, axis=1), 0.0)
            squares += outside / size.min() ** 2
        return np.sqrt(squares)

    n_nearest = min(_N_NEAREST, len(distinct) - 1)
    nearest = NearestNeighbors(n_neighbors=n_nearest).fit(distinct)
    own_near = nearest.kneighbors()[0].mean(axis=1)
    own_far = mahalanobis(distinct)
    edges = [max(np.percentile(own, _OUTERMOST), 1e-300) for own in (own_near, own_far)]
    if rows is None:
        places = np.searchsorted(np.unique(groups), groups)
        near, far = own_near[places], own_far[places]
    else:
        near, far = nearest.kneighbors(rows)[0].mean(axis=1), mahalanobis(rows)
    distance = np.sqrt(near / edges[0] * far / edges[1])
    return 1.0 / (1.0 + distance)

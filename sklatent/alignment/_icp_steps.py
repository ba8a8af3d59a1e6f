"""Steps of iterative closest points: pairs of nearest points, and a map fitted to them."""

import numpy as np

from sklatent.alignment._checks import raise_if_map_overflows
from sklatent.alignment._linear import least_squares
from sklatent.alignment._moments import paired_moments
from sklatent.alignment._rigid import procrustes


def fit_affine(X, Y, kind):
    """Fit a linear or rigid map with a translation.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Source rows.

    Y : ndarray of shape (n_samples, n_targets)
        Target rows, in correspondence.

    kind : {"linear", "rigid"}
        Which.

    Returns
    -------
    matrix : ndarray of shape (n_features, n_targets)
        The linear part.

    intercept : ndarray of shape (n_targets,)
        The translation.

    rank : int
        Number of directions that the rows determine.

    Raises
    ------
    ValueError
        If its coefficients are beyond the range of float64.
    """
    if kind == "linear":
        matrix, intercept, rank, _ = least_squares(X, Y)
        raise_if_map_overflows(matrix, intercept)
        return matrix, intercept, rank
    rotation, _, intercept, rank = procrustes(paired_moments(X, Y, gram=False))
    return rotation, intercept, rank


_BLOCK = 2**20  # entries of distance matrices that are held at a time


def nearest_both_ways(A, B):
    """Find the nearest row of B for each of A and the other way round, by one product.

    Parameters
    ----------
    A, B : ndarray of shape (n_a, d) and (n_b, d)
        Rows.

    Returns
    -------
    there, back : ndarray of shape (n_a,) and (n_b,)
        Numbers of the nearest rows; the first of equally near ones.

    there_squares, back_squares : ndarray of shape (n_a,) and (n_b,)
        Squared distances to them.
    """
    centre = B.mean(axis=0)  # rows far from zero have squares that drown their distances
    a, b = A - centre, B - centre
    b_squares = np.einsum("ij,ij->i", b, b)
    there, back = np.empty(len(a), np.intp), np.zeros(len(b), np.intp)
    nearest = np.full(len(b), np.inf)
    step = max(_BLOCK // len(b), 1)
    for start in range(0, len(a), step):
        rows = a[start : start + step]
        distances = rows @ (-2.0 * b.T)
        distances += b_squares
        there[start : start + step] = distances.argmin(axis=1)
        distances += np.einsum("ij,ij->i", rows, rows)[:, None]
        among = distances.argmin(axis=0)
        found = distances[among, np.arange(len(b))]
        closer = found < nearest
        nearest[closer], back[closer] = found[closer], among[closer] + start
    # The product loses the digits of small distances.
    there_squares = np.sum((A - B[there]) ** 2, axis=1)
    return there, back, there_squares, np.sum((B - A[back]) ** 2, axis=1)


def match_nearest(mapped, target, groups, *, both_ways):
    """Pair each point with the nearest point of its own group on the other side.

    Parameters
    ----------
    mapped : ndarray of shape (n_source, n_targets)
        Source points, mapped into the target space.

    target : ndarray of shape (n_target, n_targets)
        Target points.

    groups : list of (ndarray, ndarray)
        Rows of either side that may be paired with each other.

    both_ways : bool
        Whether target points look for their nearest source points too.

    Returns
    -------
    source_rows, target_rows : ndarray of shape (n_pairs,)
        The pairs.

    distance : float
        Mean squared distance from each point, of either side, to the nearest on the other.
    """
    pairs, squares, count = [], 0.0, 0
    for source_group, target_group in groups:
        there, back, there_squares, back_squares = nearest_both_ways(
            mapped[source_group], target[target_group]
        )
        pairs.append((source_group, target_group[there]))
        if both_ways:
            pairs.append((source_group[back], target_group))
        squares += float(there_squares.sum() + back_squares.sum())
        count += there.size + back.size
    source_rows, target_rows = map(np.concatenate, zip(*pairs, strict=True))
    return source_rows, target_rows, squares / count


def iterate_closest_points(X, Y, groups, start, *, kind, both_ways, keep_best, max_iter, tol):
    """Alternate between pairing nearest points and fitting a map to the pairs.

    Parameters
    ----------
    X : ndarray of shape (n_source, n_features)
        Source points.

    Y : ndarray of shape (n_target, n_targets)
        Target points.

    groups : list of (ndarray, ndarray)
        Rows of either side that may be paired with each other.

    start : tuple of (matrix, intercept, rank)
        The first map.

    kind : {"linear", "rigid"}
        What is fitted.

    both_ways, keep_best, max_iter, tol : object
        As in :class:`ICPAligner`.

    Returns
    -------
    result : tuple of (matrix, intercept, rank)
        The last map, or the one with the smallest distance.

    distances : list of float
        Distance under each map, the first one included.

    settled : bool
        Whether the distance stopped changing within `max_iter` maps.
    """
    current = best = start
    distances = []
    settled = False
    for iteration in range(max_iter + 1):
        mapped = X @ current[0] + current[1]
        source_rows, target_rows, distance = match_nearest(mapped, Y, groups, both_ways=both_ways)
        if not keep_best or distance <= min(distances, default=np.inf):
            best = current
        settled = bool(distances) and abs(distances[-1] - distance) <= tol * distances[-1]
        distances.append(distance)
        if settled or iteration == max_iter:
            break
        current = fit_affine(X[source_rows], Y[target_rows], kind)
    return best, distances, settled


def shared_groups(source_labels, target_labels):
    """Rows of each class on either side; an error where a class is on one side only."""
    source_classes, target_classes = np.unique(source_labels), np.unique(target_labels)
    here, there = set(source_classes.tolist()), set(target_classes.tolist())
    if here != there:
        parts = [
            f"{side} only: {sorted(map(str, only))[:10]}"
            for side, only in (("source_labels", here - there), ("target_labels", there - here))
            if only
        ]
        raise ValueError(
            f"Labels are present on one side only. In {'; in '.join(parts)}. Leave these rows out."
        )
    return [
        (np.flatnonzero(source_labels == label), np.flatnonzero(target_labels == label))
        for label in source_classes
    ]

"""How far several spaces agree (coordinates, axes, shape, neighbours), beside what chance gives."""

from functools import partial

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import t as student
from sklearn.neighbors import NearestNeighbors

from sklatent.metrics._validation import active_columns

MAPS = ("coordinates", "axes", "rigid", "linear")  # from strict to lenient
LEVELS = (*MAPS, "neighbors")
N_BLOCKS = 10
_ROUNDING = 1e-13
_MAX_QUERIES = 5_000  # rows whose neighbours are looked up
_NULL_DRAWS = 100
_NULL_SPACES = 10  # more of them would only narrow chance's range


def map_errors(latents, blocks):
    """Squared errors of the best maps between spaces, each on rows it was not fitted to.

    Parameters
    ----------
    latents : ndarray of shape (n_models, n_samples, n_components)
        Latents of the same rows.
    blocks : ndarray of shape (n_samples,)
        Which block a row is in. A block's errors are those of the map through the other blocks.

    Returns
    -------
    errors : dict of str to ndarray of shape (n_models, n_models, n_blocks)
        For each kind of map, ``[i, j, b]`` is the squared error from model i to model j.
    totals : ndarray of shape (n_models, n_blocks)
        Squared distances of model j's latents from their mean.
    """
    n_models, n_rows, width = latents.shape
    places = latents.mean(axis=1)
    latents = latents - places[:, None]
    names = np.unique(blocks)
    errors = {kind: np.zeros((n_models, n_models, len(names))) for kind in MAPS}
    totals = np.zeros((n_models, len(names)))
    flat = latents.transpose(1, 0, 2).reshape(n_rows, -1)  # all models side by side
    products = flat.T @ flat
    for b, name in enumerate(names):
        held = flat[blocks == name]
        # The moments of the other rows are those of all rows less those of this block.
        n_rest = n_rows - len(held)
        mean = -held.sum(axis=0) / n_rest
        overlaps = products - held.T @ held - n_rest * np.outer(mean, mean)
        overlaps = overlaps.reshape(n_models, width, n_models, width).transpose(0, 2, 1, 3)
        target = (held - mean).reshape(-1, n_models, width).transpose(1, 0, 2)
        here = target + (places + mean.reshape(n_models, width))[:, None]
        totals[:, b] = (target**2).sum(axis=(1, 2))
        for i in range(n_models):
            predict = _linear_solver(overlaps[i, i])
            for j in set(range(n_models)) - {i}:
                left = target[j] - target[i] @ (predict @ overlaps[i, j])
                errors["linear"][i, j, b] = (left**2).sum()
            for j in range(i):  # the way back is the inverse, whose errors are as large
                left = {
                    "coordinates": here[j] - here[i],
                    "axes": target[j] - target[i] @ signed_permutation(overlaps[i, j]),
                    "rigid": target[j] - target[i] @ rotation(overlaps[i, j]),
                }
                for kind, rows in left.items():
                    errors[kind][i, j, b] = errors[kind][j, i, b] = (rows**2).sum()
    return errors, totals


def signed_permutation(overlap):
    """The signed permutation that a matrix of inner products asks for."""
    rows, columns = linear_sum_assignment(-np.abs(overlap))
    matrix = np.zeros_like(overlap)
    matrix[rows, columns] = np.where(overlap[rows, columns] < 0, -1.0, 1.0)
    return matrix


def rotation(overlap):
    """The orthogonal matrix that a matrix of inner products asks for."""
    left, _, right = np.linalg.svd(overlap)
    return left @ right


def _linear_solver(gram):
    """What turns inner products with a target into the least-squares map to it."""
    scale = np.sqrt(np.maximum(np.diag(gram), 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    inverse = np.linalg.pinv(gram / np.outer(scale, scale), rcond=1e-10, hermitian=True)
    return inverse / np.outer(scale, scale)


def neighbor_errors(latents, blocks, n_neighbors, random_state):
    """Shares of nearest neighbours that two spaces do not have in common.

    Parameters
    ----------
    latents, blocks : ndarray
        As in :func:`map_errors`.
    n_neighbors : int
        Nearest other rows, by Euclid.
    random_state : RandomState
        Draws the rows that are looked at where there are many.

    Returns
    -------
    errors, totals : ndarray
        As in :func:`map_errors`: sums over a block's rows, and their numbers.
    n_rows : int
        Rows that were looked at.
    """
    n_models, n_rows, _ = latents.shape
    if n_rows > _MAX_QUERIES:
        some = random_state.choice(n_rows, _MAX_QUERIES, replace=False)
        latents, blocks, n_rows = latents[:, some], blocks[some], _MAX_QUERIES
    near = [
        NearestNeighbors(n_neighbors=n_neighbors).fit(Z).kneighbors(return_distance=False)
        for Z in latents
    ]
    names = np.unique(blocks)
    errors = np.zeros((n_models, n_models, len(names)))
    for i in range(n_models):
        for j in range(i):
            shared = (near[i][:, :, None] == near[j][:, None, :]).sum(axis=(1, 2)) / n_neighbors
            errors[i, j] = errors[j, i] = [(1 - shared[blocks == name]).sum() for name in names]
    totals = np.array([(blocks == name).sum() for name in names], dtype=float)
    return errors, np.tile(totals, (n_models, 1)), n_rows


def pair_scores(errors, totals):
    """1 - error / total for each ordered pair of models; one on the diagonal."""
    scores = 1.0 - errors.sum(axis=2) / totals.sum(axis=1)
    np.fill_diagonal(scores, 1.0)
    return scores


def mean_of_pairs(scores):
    """Mean off the diagonal."""
    n = len(scores)
    return float((scores.sum() - np.trace(scores)) / (n * (n - 1)))


def interval(errors, totals, confidence):
    """Where the mean over pairs lies for other runs and other rows.

    Taken on the logarithm of what is left unexplained, which is skewed as variances are, and can't
    fall below zero. Its variance is the sum of two jackknives, one that leaves out a run (with
    three runs or more) and one that leaves out a block of rows, with Student's t at Satterthwaite's
    degrees of freedom.

    Parameters
    ----------
    errors, totals : ndarray
        As :func:`map_errors` gives.
    confidence : float
        How often it should hold the expected agreement of two runs.

    Returns
    -------
    low, high : float
        The interval.
    """
    n_models, n_blocks = totals.shape
    parts = []
    if n_models > 2:
        scores = pair_scores(errors, totals)
        keep = ~np.eye(n_models, dtype=bool)
        parts.append([mean_of_pairs(scores[np.ix_(row, row)]) for row in keep])
    parts.append(
        [
            mean_of_pairs(pair_scores(np.delete(errors, b, axis=2), np.delete(totals, b, axis=1)))
            for b in range(n_blocks)
        ]
    )
    left = 1.0 - mean_of_pairs(pair_scores(errors, totals))
    parts = [1.0 - np.array(part) for part in parts]
    smallest = min(left, *(part.min() for part in parts))
    if smallest <= _ROUNDING:  # there is no logarithm of nothing, and no doubt
        return 1.0 - left, 1.0 - left
    variances = [(len(p) - 1) ** 2 / len(p) * np.var(np.log(p), ddof=1) for p in parts]
    total = sum(variances)
    if total <= _ROUNDING**2:
        return 1.0 - left, 1.0 - left
    shares = [v**2 / (len(p) - 1) for v, p in zip(variances, parts, strict=True)]
    half = student.ppf((1 + confidence) / 2, total**2 / sum(shares)) * np.sqrt(total)
    with np.errstate(over="ignore"):
        return float(1.0 - left * np.exp(half)), float(1.0 - left * np.exp(-half))


def floors(latents, n_neighbors, random_state):
    """What each score would be if spaces agreed in the next weaker sense only.

    Parameters
    ----------
    latents : ndarray of shape (n_models, n_samples, n_components)
        The spaces. Copies of the first one, as many as there are models (ten at most), are
        changed at random in the weaker sense and scored, a hundred times.
    n_neighbors : int
        As of the neighbours' score.
    random_state : RandomState
        Draws the changes.

    Returns
    -------
    floors : dict of str to float
        For coordinates: axes in another order and with other signs. For axes: turned spaces. For
        rigid maps: spaces mapped by a random matrix. These are 95th percentiles. For linear maps
        and neighbours: what rows that do not correspond score on average.
    """
    n_models, n_rows, _ = latents.shape
    n_spaces = min(n_models, _NULL_SPACES)
    Z = latents[0] - latents[0].mean(axis=0)
    Z = Z[:, active_columns(Z.var(axis=0))]
    width = Z.shape[1]
    covariance = Z.T @ Z / n_rows
    draw = partial(_turned, covariance, n_spaces, random_state)
    found = {
        "coordinates": draw("axes"),
        # A turn of a single component is a change of sign, and nothing can stretch it unevenly.
        "axes": draw("rigid") if width > 1 else 0.0,
        "rigid": draw("linear") if width > 1 else 0.0,
        "linear": 0.0,
        "neighbors": n_neighbors / (n_rows - 1),
    }
    return {level: float(found[level]) for level in LEVELS}


def _turned(covariance, n_spaces, random_state, change):
    """The 95th percentile of the score that is one step stricter than a random `change`."""
    width, trace = len(covariance), np.trace(covariance)
    stricter = {
        "axes": lambda overlap: np.eye(width),
        "rigid": signed_permutation,
        "linear": rotation,
    }[change]
    draws = []
    for _ in range(_NULL_DRAWS):
        maps = [_change(change, width, random_state) for _ in range(n_spaces)]
        spread = [np.trace(M.T @ covariance @ M) for M in maps]
        maps = [M * np.sqrt(trace / s) for M, s in zip(maps, spread, strict=True)]
        scores = []
        for i in range(n_spaces):
            for j in range(i):
                overlap = maps[i].T @ covariance @ maps[j]
                scores.append(2 * np.sum(overlap * stricter(overlap)) / trace - 1)
        draws.append(np.mean(scores))
    return np.percentile(draws, 95)


def _change(change, width, random_state):
    if change == "axes":
        signs = random_state.choice([-1.0, 1.0], size=width)
        return np.eye(width)[random_state.permutation(width)] * signs
    gaussian = random_state.standard_normal((width, width))
    if change == "linear":
        return gaussian
    turn, triangle = np.linalg.qr(gaussian)
    return turn * np.sign(np.diag(triangle))

"""Where iterative closest points may start, and how starts are judged."""

from itertools import product as product_of

import numpy as np
from scipy import linalg

from sklatent.alignment._icp_steps import nearest_both_ways

_MAX_TURNED = 10  # axes whose signs are tried in all combinations


def axes_starts(X, Y, groups, kind, n_starts, generator):
    """Find first maps that take principal axes to principal axes.

    Parameters
    ----------
    X, Y : ndarray of shape (n_source, n_features) and (n_target, n_targets)
        Both sides.

    groups : list of (ndarray, ndarray)
        Rows of either side of each class.

    kind : {"linear", "rigid"}
        Whether deviations along the axes are matched too.

    n_starts : int
        How many, at most; there are as many as combinations of signs.

    generator : RandomState
        Breaks ties.

    Returns
    -------
    starts : list of tuple of (matrix, intercept, rank)
        The maps, the likeliest signs first. An axis's sign is the one that class means agree on,
        and as likely the other one as they leave it open: not at all, where classes make up all of
        its variance and agree; as likely as not, where they make up none.
    """
    rank = min(X.shape[1], Y.shape[1])
    sides = []
    for rows, side in ((X, 0), (Y, 1)):
        mean = rows.mean(axis=0)
        _, values, right = linalg.svd(rows - mean, full_matrices=False)
        kept = min(rank, len(values))
        axes, size = right[:kept].T, values[:kept] / np.sqrt(len(rows))
        means = np.array([(rows[group[side]].mean(axis=0) - mean) @ axes for group in groups])
        sides.append((mean, axes, size, means))
    (x_mean, x_axes, x_size, x_means), (y_mean, y_axes, y_size, y_means) = sides
    kept = min(x_axes.shape[1], y_axes.shape[1])
    x_means, y_means = x_means[:, :kept], y_means[:, :kept]
    product = np.sum(x_means * y_means, axis=0)
    norms = np.sqrt(np.sum(x_means**2, axis=0) * np.sum(y_means**2, axis=0))
    agreement = np.abs(product) / np.maximum(norms, np.finfo(float).tiny)
    share = norms / len(groups) / np.maximum(x_size[:kept] * y_size[:kept], np.finfo(float).tiny)
    open_ = 0.5 * (1 - agreement * np.minimum(share, 1.0))
    # The cost of turning an axis over, in log odds; the cheapest few axes are turned over in all
    # combinations.
    cost = np.log1p(-open_) - np.log(np.maximum(open_, 1e-12)) + 1e-9 * generator.uniform(size=kept)
    cheapest = np.argsort(cost)[:_MAX_TURNED]
    turned = np.array(list(product_of((False, True), repeat=len(cheapest))))
    turned = turned[np.argsort(turned @ cost[cheapest], kind="stable")][:n_starts]
    scale = np.ones(kept)
    if kind == "linear":
        scale = y_size[:kept] / np.maximum(x_size[:kept], np.finfo(float).tiny)
    starts = []
    for pattern in turned:
        signs = np.where(product < 0, -1.0, 1.0)
        signs[cheapest[pattern]] *= -1
        matrix = (x_axes[:, :kept] * (signs * scale)) @ y_axes[:, :kept].T
        starts.append((matrix, y_mean - x_mean @ matrix, kept))
    return starts


def split_groups(groups, generator):
    """Keep about a quarter of each class's rows on either side for judging; at least 3 to fit."""
    fitting, judging = [], []
    for group in groups:
        parts = []
        for rows in group:
            rows = generator.permutation(rows)
            held = len(rows) // 4 if len(rows) >= 4 else 0
            parts.append((rows[held:], rows[:held]))
        fitting.append(tuple(np.sort(part[0]) for part in parts))
        judging.append(tuple(np.sort(part[1]) for part in parts))
    return fitting, judging


def held_out_distance(mapped, target, groups, judging):
    """Mean squared distance from rows kept for judging to the nearest of all of the other side."""
    squares, count = 0.0, 0
    for (source_rows, target_rows), (source_held, target_held) in zip(groups, judging, strict=True):
        for points, others in (
            (mapped[source_held], target[target_rows]),
            (target[target_held], mapped[source_rows]),
        ):
            if len(points):
                squares += float(nearest_both_ways(points, others)[2].sum())
                count += len(points)
    return squares / count if count else np.inf

"""Ridge regression of one set of rows on another, by which starts are carried over."""

import numpy as np

_PENALTIES = np.logspace(-8, 2, 21)  # relative to the mean square of X's singular values


def ridge(X, Y):
    """Ridge regression through the means, its penalty chosen by leave-one-out.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        What is known.
    Y : ndarray of shape (n_samples, n_targets)
        What is sought.

    Returns
    -------
    coef : ndarray of shape (n_targets, n_features)
        ``Y = center + (X - mean(X)) @ coef.T``.
    center : ndarray of shape (n_targets,)
        Mean of Y.
    residual : ndarray of shape (n_targets,)
        Mean squared error of rows left out.
    """
    x_mean, y_mean = X.mean(axis=0), Y.mean(axis=0)
    left, singular, right = np.linalg.svd(X - x_mean, full_matrices=False)
    squares = singular**2
    unit = squares.sum() / len(squares) or 1.0
    # Where features outnumber rows, what is left of them is a small share of a small share: both
    # are summed from what is left along each direction, not taken as one less what is explained.
    centred = Y - y_mean
    scores = left.T @ centred
    beyond = centred - left @ scores
    outside = 1.0 - 1.0 / len(X) - (left**2).sum(axis=1)
    best = None
    for penalty in _PENALTIES * unit:
        kept = penalty / (squares + penalty)
        errors = left @ (kept[:, None] * scores) + beyond
        share = (left**2) @ kept + outside
        residual = ((errors / np.maximum(share, 1e-14)[:, None]) ** 2).mean(axis=0)
        if best is None or residual.sum() < best[0]:
            coef = ((singular / (squares + penalty))[:, None] * scores).T @ right
            best = residual.sum(), coef, residual
    return best[1], y_mean, best[2]

"""Kinds of maps, from none to a network, each judged on rows that it was not fitted to."""

import numpy as np

from sklatent.alignment._held_out import (
    RidgePath,
    fold_numbers,
    mean_residuals,
    pad,
    rigid_residuals,
)
from sklatent.alignment._interval import excess_spread, r2_interval
from sklatent.alignment._stitching import StitchingAligner

KINDS = ("identity", "rigid", "scaled", "linear", "network")  # from simple to general
_NETWORK_FOLDS = 5
_NETWORK_STEPS = 800  # at this rate as good as the aligner's own 3,000 at 0.001


def network_epochs(n_rows):
    """Epochs in which a network takes its steps, by batches of 128 rows."""
    return -(-_NETWORK_STEPS // -(-n_rows // 128))


def _network_residuals(X, Y, groups, generator):
    folds = fold_numbers(groups, _NETWORK_FOLDS, generator)
    residuals = np.empty(Y.shape)
    for fold in range(folds.max() + 1):
        out = folds == fold
        network = StitchingAligner(
            learning_rate=3e-3, max_epochs=network_epochs(len(X)), random_state=generator
        )
        network.fit(X[~out], Y[~out])
        residuals[out] = Y[out] - network.transform(X[out])
    return residuals


def _held_out(kind, X, Y, groups, generator):
    """Residuals of a kind on rows left out, and the coefficients that a target's fit is worth."""
    width = Y.shape[1]
    if kind == "identity":
        return Y - pad(X, width), 0.0
    if kind in ("rigid", "scaled"):
        scaling = kind == "scaled"
        residuals = rigid_residuals(X, Y, groups, generator, scaling=scaling)
        return residuals, (width + 1) / 2
    if kind == "network":
        return _network_residuals(X, Y, groups, generator), 1.0 + X.shape[1]
    path = RidgePath(X, Y)
    alpha = path.best()
    return path.residuals(alpha), path.effective_parameters(alpha)


def held_out_r2(kind, X, Y, groups, generator, confidence):
    """Judge a kind by rows left out.

    Parameters
    ----------
    kind : str
        One of KINDS.

    X, Y : ndarray of shape (n_samples, n_features) and (n_samples, n_targets)
        Anchors.

    groups : ndarray of shape (n_samples,)
        Anchors that are left out together.

    generator : RandomState
        Deals folds and seeds networks.

    confidence : float
        Of the interval.

    Returns
    -------
    found : tuple of float
        R^2, its standard error, and the interval's lower and upper end.

    squares : ndarray of shape (n_samples,)
        Squared residuals of the rows.

    total : float
        Mean squared residual of a distinct anchor under the mean of the others.
    """
    counts = np.bincount(groups)
    residuals, parameters = _held_out(kind, X, Y, groups, generator)
    squares = np.sum(residuals**2, axis=1)
    errors = np.bincount(groups, squares) / counts
    means = mean_residuals(Y, groups)
    totals = np.bincount(groups, np.sum(means**2, axis=1)) / counts
    found = r2_interval(
        errors,
        totals,
        parameters,
        confidence,
        # Networks are fitted without a fifth of the rows, other kinds without hardly any.
        left_out=1 / _NETWORK_FOLDS if kind == "network" else 0.0,
        tails=excess_spread(X, groups),
        rigid_in=min(X.shape[1], Y.shape[1]) if kind in ("rigid", "scaled") else 0,
        linear_in=X.shape[1] if kind == "linear" else 0,
    )
    return found, squares, totals.mean()

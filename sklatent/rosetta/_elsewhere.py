"""Whether anchors' inputs lie where data lie, feature by feature."""

import numpy as np

_PLAINLY = 5.0  # ratio of scales, or distance of centres, that no two halves of a study have
_LEAST_POINTS = 5  # below which a deviation tells nothing
_DRAWS = 50


def features_elsewhere(here, there, decoded=False):
    """Features in which anchors plainly lie elsewhere than data, the worst first.

    What few rows can look like is read off draws of as many rows of the data, so that features that
    are seldom anything but zero raise no alarm; nor do those that are constant here and vary there
    by less than features usually do.

    Parameters
    ----------
    here : ndarray of shape (n_samples, n_features)
        Data, or some rows of it.
    there : ndarray of shape (n_points, n_features)
        The anchors' inputs.
    decoded : bool, default=False
        Whether these have none of the data's noise, and so vary less.

    Returns
    -------
    features : ndarray of int
        Positions.
    """
    spread_here, spread_there = here.std(axis=0), there.std(axis=0)
    rng = np.random.default_rng(0)
    size = min(len(there), len(here))
    drawn = np.array([here[rng.integers(len(here), size=size)].std(axis=0) for _ in range(_DRAWS)])
    scale = np.maximum(np.maximum(drawn.max(axis=0), spread_here), _usual(spread_here))
    shift = np.abs(there.mean(axis=0) - here.mean(axis=0))
    badness = np.maximum(spread_there, shift * scale / (scale + spread_there)) / scale
    if len(there) >= _LEAST_POINTS and not decoded:
        # What hardly varies among the anchors is as likely a feature of other classes.
        narrow = drawn.min(axis=0) / np.maximum(spread_there, _usual(spread_there))
        badness = np.maximum(badness, narrow)
    order = np.argsort(-badness, kind="stable")
    return order[badness[order] > _PLAINLY]


def _usual(spread):
    """A quarter of the deviation that features usually have."""
    vary = spread[spread > 0]
    return max(0.25 * np.median(vary) if len(vary) else 0.0, np.finfo(float).tiny)

"""Intervals of numbers that are of many models at once: models are drawn anew, with repeats."""

import numpy as np

from benchmarks._common import Interval

DRAWS = 1000


def over_models(models, measure, seed=0):
    """Summarise a number by the bootstrap over models, 95 percent by percentiles.

    Channels of one model are not independent, so that models are drawn, each with its channels.

    Parameters
    ----------
    models : array-like of shape (n_channels,)
        Which model each channel is of.
    measure : callable
        Returns the number of these channels, given by their indices, which may repeat.
    seed : int, default=0
        Determines the draws.

    Returns
    -------
    interval : Interval
        The number of the channels as they are, and the range of the draws'.
    """
    models = np.asarray(models)
    known = np.unique(models)
    channels = {model: np.flatnonzero(models == model) for model in known}
    rng = np.random.default_rng(seed)
    drawn = [
        measure(np.concatenate([channels[model] for model in rng.choice(known, len(known))]))
        for _ in range(DRAWS)
    ]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Interval(float(measure(np.arange(len(models)))), float(low), float(high))

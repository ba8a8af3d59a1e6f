"""What is measured of trainings, and its summary over repeats."""

import numpy as np

from benchmarks._common import over_seeds
from sklatent.metrics import retraining_variability


def volumes(Z):
    """Median over samples of RV and of relative RV, and RV's interquartile range."""
    _, absolute = retraining_variability(Z, return_samples=True)
    _, relative = retraining_variability(Z, relative=True, return_samples=True)
    low, middle, high = np.percentile(absolute, [25, 50, 75])
    return {"RV": middle, "iqr": high - low, "relative": np.median(relative)}


def differences(results, name, key, base="VAE"):
    """A number minus the plain VAE's (or another's), over repeats."""
    return summary([result[name][key] - result[base][key] for result in results])


def column(results, name, key):
    """A number over repeats."""
    return summary([result[name][key] for result in results])


def summary(values):
    """Mean and interval; a single repeat has none."""
    return over_seeds(values) if len(values) > 1 else values[0]


def flatness(result):
    """Least over greatest eigenvalue of the map's symmetric part."""
    return result["spectrum"][-1] / result["spectrum"][0]


def independent_runs(n_runs, n_components, n_draws=200_000):
    """Median over samples of the relative RV of Gaussian latents drawn anew in each training.

    The log determinant of a covariance estimated from few runs is biased down: it is that of a
    Wishart matrix over its degrees of freedom, a sum of logarithms of chi-squared variables
    (Bartlett's decomposition). A median like the numbers beside it, not the mean.
    """
    degrees = n_runs - 1 - np.arange(n_components)
    draws = np.random.RandomState(0).chisquare(degrees, size=(n_draws, n_components))
    return float(np.median(np.log(draws / (n_runs - 1)).sum(axis=1)))

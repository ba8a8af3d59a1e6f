"""An interval for R^2 on fresh rows, from errors on rows left out."""

import numpy as np
from scipy import stats

# Where the ends of a 90 percent interval lie, in standard errors of log(1 - R^2) from its
# estimate: for each end the coefficients of the features below. Found by quantile regression over
# 14,000 simulated alignments (benchmarks/alignment_report.py: 20 to 256 anchors, 2 to 50
# dimensions, four kinds, normal and heavy tails, copies), since Student's own quantiles cover 79
# percent there: errors are skewed, and a map that was fitted to few anchors is worse than rows
# left out say.
_LOWER = np.array([-2.45, -5.02, -1.62, -2.03, 0.22, -1.31, 3.56])
_UPPER = np.array([3.13, 14.2, 0.21, -0.65, -0.38, 2.45, -7.66])
_CALIBRATED_LEVEL = 0.9
_CALIBRATED_ROWS = 256

_EXACT = 1e-24  # a share of the variance that is rounding


def r2_interval(errors, totals, parameters, confidence):
    """R^2 on rows left out, its standard error, and an interval for R^2 on fresh rows.

    Parameters
    ----------
    errors, totals : ndarray of shape (n_rows,)
        For each distinct row, the squared residual under the map and under the mean.

    parameters : float
        How many coefficients each target's fit is worth.

    confidence : float
        How often the interval shall hold the R^2 that the map has on fresh rows.

    Returns
    -------
    r2 : float
        Weighted by variance.

    standard_error : float
        Of `r2`, by the delta method.

    low, high : float
        Ends of the interval.
    """
    n = len(errors)
    ratio = errors.mean() / totals.mean()
    if ratio <= _EXACT:
        return 1.0, 0.0, 1.0, 1.0
    influence = errors / errors.mean() - totals / totals.mean()
    spread = influence.std()
    if spread <= np.sqrt(_EXACT):
        return 1.0 - ratio, 0.0, 1.0 - ratio, 1.0 - ratio
    step = influence.std(ddof=1) / np.sqrt(n)
    normal, student = stats.norm.ppf(0.95), stats.t.ppf(0.95, n - 1)
    features = np.array(
        [
            1.0,
            student - normal,
            min(parameters / n, 1.0),
            np.mean(influence**3) / spread**3 / np.sqrt(n),
            np.log(np.mean(influence**4) / spread**4),
            totals.max() / totals.sum(),
            1.0 / np.sqrt(n),
        ]
    )
    # Beyond the sizes that were simulated, what they taught fades out as a skewness does.
    fade = min(1.0, np.sqrt(_CALIBRATED_ROWS / n))
    lower = -normal + fade * (min(features @ _LOWER, -1.0) + normal)
    upper = normal + fade * (max(features @ _UPPER, 1.0) - normal)
    level = stats.t.ppf(0.5 + confidence / 2, n - 1) / stats.t.ppf(
        0.5 + _CALIBRATED_LEVEL / 2, n - 1
    )
    high, low = 1.0 - ratio * np.exp(step * level * np.array([lower, upper]))
    return 1.0 - ratio, step * ratio, low, high

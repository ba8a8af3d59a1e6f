"""An interval for R^2 on fresh rows, from errors on rows left out."""

import numpy as np
from scipy import stats

# The ends of an interval lie at Student's quantiles of log(1 - R^2), in standard errors, times the
# exponentials of these sums over the features below, which all vanish with many rows. Found by
# quantile regression over 20,000 simulated alignments (benchmarks/alignment_report.py: 14 to 400
# anchors, 2 to 50 dimensions, linear and rigid, normal and heavy tails, copies, a bend), since
# Student's own quantiles cover 79 percent there: errors are skewed, and a map that was fitted to
# few anchors is worse than rows left out say. Further features did not tell more.
_LOWER = np.array([1.46, 0.40, 0.85, -0.23, -0.21])
_UPPER = np.array([3.37, 0.27, -0.56, -1.58, 0.17])

# Of a rigid map, whose fit nothing shrinks, errors on rows left out go up and down together where
# there are about as many anchors as dimensions and each of them turns the map. What the exponents
# gain by the smaller of both numbers over the larger, and by coefficients over rows, fitted likewise
# on 12,000 rigid maps with 2 to 60 dimensions.
_RIGID_LOWER = np.array([0.45, -0.55])
_RIGID_UPPER = np.array([0.15, -0.16])

_EXACT = 1e-24  # a share of the variance that is rounding


def r2_interval(errors, totals, parameters, confidence, left_out=0.0, rigid_in=0):
    """R^2 on rows left out, its standard error, and an interval for R^2 on fresh rows.

    Parameters
    ----------
    errors, totals : ndarray of shape (n_rows,)
        For each distinct row, the squared residual under the map and under the mean.

    parameters : float
        How many coefficients each target's fit is worth.

    confidence : float
        How often the interval shall hold the R^2 that the map has on fresh rows.

    left_out : float, default=0.0
        The share of rows that maps were fitted without. The map that is fitted to all is better
        than those, by up to this share of its error where errors fall as 1 / n: the upper end is
        raised by that.

    rigid_in : int, default=0
        In how many dimensions the map turns, if it is a rigid one.

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
    root = 1.0 / np.sqrt(n)
    features = np.array(
        [
            root,
            min(parameters / n, 1.0),
            np.mean(influence**3) / spread**3 * root,
            np.log(np.mean(influence**4) / spread**4) * root,
            totals.max() / totals.sum(),
        ]
    )
    exponents = np.array([features @ _LOWER, features @ _UPPER])
    if rigid_in:
        crowded = np.array([min(n, rigid_in) / max(n, rigid_in), features[1]])
        exponents += crowded @ _RIGID_LOWER, crowded @ _RIGID_UPPER
    student = stats.t.ppf(0.5 + confidence / 2, n - 1)
    ends = student * np.exp(exponents) * [-1.0, 1.0]
    high, low = 1.0 - ratio * np.exp(step * ends) * [1.0 - left_out, 1.0]
    return 1.0 - ratio, step * ratio, low, high

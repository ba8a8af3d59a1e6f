"""An interval for R^2 on fresh rows, from errors on rows left out."""

import numpy as np
from scipy import stats
from scipy.special import polygamma

# The ends of an interval lie at Student's quantiles of log(1 - R^2), in standard errors, times the
# exponentials of these sums over the features of `_features`. Found by quantile regression over
# 27,000 simulated alignments (benchmarks/spaces/alignment_report.py: 14 to 400 anchors, 2 to 60
# dimensions, linear and rigid, normal and heavy tails, copies, a bend), since Student's own
# quantiles cover 79 percent there: errors are skewed, and a map that was fitted to few anchors is
# worse than rows left out say.
_LOWER = np.array([2.16, -3.83, 0.50, 0.99, -1.53, 0.32, 1.21, 0.70, -0.93, 0.66, -0.78])
_UPPER = np.array([2.43, -0.01, -0.11, -0.51, -1.54, 0.50, 0.89, -0.27, 0.32, 0.16, 0.10])

# Tails beyond this make no difference; rows that share a divisor of t with 4 degrees have 0.64.
_HEAVIEST = 0.4

_EXACT = 1e-24  # a share of the variance that is rounding


def excess_spread(X, groups):
    """How much more the lengths of rows differ than those of normal rows would.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows.

    groups : ndarray of shape (n_samples,)
        Equal rows have the same number, and count once.

    Returns
    -------
    excess : float
        Variance of the log squared distances from the mean, less that of a chi-squared variable of
        as many degrees of freedom as the rows have directions; not below zero.
    """
    _, first = np.unique(groups, return_index=True)
    centred = X[first] - X[first].mean(axis=0)
    squares = np.sum(centred**2, axis=1)
    if not squares.any():
        return 0.0
    centred = centred / np.sqrt(squares.sum())
    small = centred.T @ centred if centred.shape[1] < len(centred) else centred @ centred.T
    directions = 1.0 / np.sum(small**2)
    spread = np.log(np.maximum(squares / squares.max(), _EXACT)).var()
    return max(float(spread - polygamma(1, directions / 2)), 0.0)


def r2_interval(
    errors, totals, parameters, confidence, *, left_out=0.0, tails=0.0, rigid_in=0, linear_in=0
):
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

    tails : float, default=0.0
        By how much more the lengths of rows differ than normal ones', from `excess_spread`.

    rigid_in, linear_in : int, default=0
        In how many dimensions the map turns, if it is a rigid one, or begins, if it is linear.

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
    features = _features(errors, totals, influence, parameters, tails, rigid_in, linear_in)
    exponents = np.array([features @ _LOWER, features @ _UPPER])
    student = stats.t.ppf(0.5 + confidence / 2, n - 1)
    ends = student * np.exp(exponents) * [-1.0, 1.0]
    high, low = 1.0 - ratio * np.exp(step * ends) * [1.0 - left_out, 1.0]
    return 1.0 - ratio, step * ratio, low, high


def _features(errors, totals, influence, parameters, tails, rigid_in, linear_in):
    n = len(errors)
    root = 1.0 / np.sqrt(n)
    spread = influence.std()
    leverage = min(parameters / n, 1.0)
    apart = [side / side.mean() - 1.0 for side in (errors, totals)]
    both = apart[0].std() * apart[1].std()
    together = np.mean(apart[0] * apart[1])
    return np.array(
        [
            root,
            1.0 / n,
            leverage,
            np.mean(influence**3) / spread**3 * root,
            np.log(np.mean(influence**4) / spread**4) * root,
            totals.max() / totals.sum(),
            # Where rows far out err most, fewer rows than there are decide.
            np.sqrt(root) * together / both if both > 0 else 0.0,
            # A sample seldom has the far rows that most of a heavy-tailed population's variance is
            # due to: R^2 there is rather above that of the sample.
            min(tails, _HEAVIEST),
            # With fewer rows than dimensions a linear map is of minimum norm, or nearly so.
            max(1.0 - n / linear_in, 0.0) if linear_in else 0.0,
            # Of a rigid map, whose fit nothing shrinks, errors on rows left out go up and down
            # together where there are about as many anchors as dimensions and each turns the map.
            (min(n, rigid_in) / max(n, rigid_in)) ** 2,
            leverage if rigid_in else 0.0,
        ]
    )

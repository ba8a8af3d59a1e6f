"""Least-squares alignment of two spaces."""

import warnings
from numbers import Real

import numpy as np
from scipy import linalg
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from sklatent._utils.array_api import elsewhere, like, to_numpy
from sklatent.alignment._base import AffineAligner
from sklatent.alignment._checks import (
    check_finite_rows,
    describe_deficit,
    raise_if_constant,
    raise_if_map_overflows,
)
from sklatent.alignment._held_out import RidgePath
from sklatent.alignment._moments import float_type, magnifications, paired_moments, paired_triangle

# The largest relative error of the coefficients, as the condition number bounds it, at which the
# normal equations are still trusted; by rounding unit of the products they are made of.
_TRUSTED_ERROR = {float(np.finfo(np.float64).eps): 1e-10, float(np.finfo(np.float32).eps): 1e-4}


def solve_normal_equations(moments, alpha=0.0):
    """Solve ``(X'X + alpha I) B = X'Y``, or decline where the answer could not be trusted.

    Parameters
    ----------
    moments : PairedMoments
        With `xx`.

    alpha : float, default=0.0
        Ridge penalty.

    Returns
    -------
    coefficients : ndarray of shape (n_features, n_targets) or None
        None where columns are so nearly dependent that rounding in X'X matters.

    rank : int
        Number of columns that vary: the rank of X, where coefficients are returned.

    Notes
    -----
    Columns are brought to one scale first. That leaves the solution alone and makes the condition
    number the one that its error really depends on. Constant columns get zero coefficients, as in
    the minimum-norm solution.
    """
    n_features, n_targets = moments.xy.shape
    scale = np.sqrt(np.diag(moments.xx))
    varies = scale > 0
    rank = int(varies.sum())
    coefficients = np.zeros((n_features, n_targets))
    if rank == 0:
        return None, 0
    scale = scale[varies]
    correlation = moments.xx[np.ix_(varies, varies)] / np.outer(scale, scale)
    spectrum = linalg.eigvalsh(correlation)
    if spectrum[0] * _TRUSTED_ERROR[moments.epsilon] <= spectrum[-1] * moments.epsilon:
        return None, rank
    correlation[np.diag_indices(rank)] += alpha / scale**2
    scaled = linalg.solve(correlation, moments.xy[varies] / scale[:, None], assume_a="pos")
    coefficients[varies] = scaled / scale[:, None]
    return coefficients, rank


def solve_triangle(x_part, y_part, moments, alpha=0.0):
    """Solve ``min |x_part B - y_part|^2 + alpha |B|^2`` by singular values, of minimum norm.

    Parameters
    ----------
    x_part, y_part : ndarray of shape (n_rows, n_features) and (n_rows, n_targets)
        What `paired_triangle` returns.

    moments : PairedMoments
        Of the same rows: how far from zero they lie says how large rounding is.

    alpha : float, default=0.0
        Ridge penalty. Without one, singular values within rounding of zero are left out.

    Returns
    -------
    coefficients : ndarray of shape (n_features, n_targets)
        The solution; the smallest one, where there are many.

    rank : int
        Number of singular values above rounding.
    """
    left, values, right = linalg.svd(x_part, full_matrices=False)
    # Rows far from zero carry rounding of their own size into the differences from their mean.
    size = np.hypot(values[0], np.sqrt(moments.weight) * np.abs(moments.x_mean).max())
    threshold = size * max(4 * moments.x_epsilon, max(x_part.shape) * np.finfo(np.float64).eps)
    kept = values > threshold
    values = values[kept]
    projected = (left[:, kept].T @ y_part) * (values / (values**2 + alpha))[:, None]
    return right[kept].T @ projected, int(kept.sum())


def least_squares(X, Y, sample_weight=None, *, fit_intercept=True, alpha=0.0):
    """Find B and b that minimise ``sum w |y - x B - b|^2 + alpha |B|^2`` (equations 1 and 2).

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Source rows; a memory map is read block by block, once or, where columns are nearly
        dependent, twice.

    Y : ndarray of shape (n_samples, n_targets)
        Target rows.

    sample_weight : ndarray of shape (n_samples,), default=None
        Non-negative weights.

    fit_intercept : bool, default=True
        Whether there is a translation b, which is not penalised.

    alpha : float, default=0.0
        Ridge penalty.

    Returns
    -------
    coefficients : ndarray of shape (n_features, n_targets)
        B, of minimum norm where there are many.

    intercept : ndarray of shape (n_targets,)
        The translation b.

    rank : int
        Rank of X, centred if there is a translation.

    moments : PairedMoments
        What it was found from.
    """
    moments = paired_moments(X, Y, sample_weight, center=fit_intercept)
    raise_if_constant(moments)
    factors = magnifications(X, Y, moments)
    if factors is not None:
        magnified = 0.0
        if alpha:  # beyond all numbers a penalty leaves nothing but the mean
            with np.errstate(over="ignore"):
                magnified = min(alpha * np.square(factors[0]), np.finfo(float).max / 4)
        coefficients, _, rank, _ = least_squares(
            X * factors[0],
            Y * factors[1],
            sample_weight,
            fit_intercept=fit_intercept,
            alpha=float(magnified),
        )
        coefficients = coefficients * factors[0] / factors[1]
        return coefficients, moments.y_mean - moments.x_mean @ coefficients, rank, moments
    coefficients, rank = solve_normal_equations(moments, alpha)
    if coefficients is None:
        parts = paired_triangle(X, Y, moments, sample_weight)
        coefficients, rank = solve_triangle(*parts, moments, alpha)
    return coefficients, moments.y_mean - moments.x_mean @ coefficients, rank, moments


class LinearAligner(AffineAligner):
    """Least-squares linear map from one latent space to another.

    The map that takes the source latents of samples nearest to their target latents, in squared
    distance. It may stretch, shear and mix axes, and drop or add dimensions.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether the map has a translation. The paper's has none (``fit_intercept=False``).

    alpha : float or "loo", default=0.0
        Ridge penalty on the squared coefficients, translation excepted. With fewer anchors than
        dimensions the least-squares map is not unique and its minimum-norm member can be far off;
        a penalty steadies it. It adds up with the rows: doubling rows halves its effect. "loo"
        chooses it by errors on rows left out, the smallest within one standard error of the best;
        a bad row or two have little say in it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_features)
        The matrix, laid out as in :class:`~sklearn.linear_model.LinearRegression`, always 2-D.

    intercept_ : ndarray of shape (n_targets,)
        The translation; zeros without one.

    alpha_ : float
        The penalty that was used.

    rank_ : int
        Number of source directions that the rows determine: the rank of X, centred if there is a
        translation.

    n_targets_ : int
        Width of the target space.

    n_features_in_ : int
        Width of the source space.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of X, where it has names that are all strings.

    Warns
    -----
    UserWarning
        If `alpha_` is 0 and `rank_` is less than the width of X: the map is then the one of minimum
        norm among many.

    See Also
    --------
    RigidAligner : Rotation, reflection and translation only; takes fewer anchors.
    StitchingAligner : Not linear; takes many more.

    Notes
    -----
    ``transform(X) = X @ coef_.T + intercept_``. With `sample_weight` the sum of squares is
    weighted: a weight of 2 is the row twice, a weight of 0 leaves it out.

    The way back is the pseudo-inverse of the matrix: it undoes `transform` exactly where the
    matrix has rank n_features, so where ``rank_ == n_features`` and ``n_targets >= n_features``. A
    ridge penalty shrinks the way there and so stretches the way back.

    From a wider space to a narrower one the map down is a regression: each target coordinate is
    the best linear prediction from all source coordinates, and so lies nearer to the mean than the
    true one where the source does not determine it. What the map drops cannot come back:
    `inverse_transform` returns, of all source points with that image, the one of smallest norm.

    Rows are read in blocks and never copied whole, whatever their number, unless the penalty is
    chosen by leave-one-out; a memory map works. Leave-one-out leaves copies of a row out together,
    so that a weight of 2 is still the row twice. Rows count by Cauchy's loss of their error, so
    that one with a wrong partner does not choose for all. The standard error is that of the
    difference from the best penalty, over distinct rows: a penalty is taken only where it is sure
    to help. Rows of float32 come out as float32; sums are in float64.

    Under scikit-learn's ``array_api_dispatch`` rows may be of another library, such as tensors of
    torch on a GPU: they are multiplied there, and maps and images stay there.

    References
    ----------
    Lähner and Moeller, "On the direct alignment of latent spaces", equations 1 and 2 with S the
    set of matrices. Allen, "The relationship between variable selection and data augmentation and
    a method for prediction", Technometrics 16 (1974), for leave-one-out in closed form.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.alignment import LinearAligner
    >>> rng = np.random.default_rng(0)
    >>> source = rng.normal(size=(50, 3))
    >>> target = source @ [[2.0, 0.0], [1.0, 1.0], [0.0, -1.0]] + [5.0, 6.0]
    >>> aligner = LinearAligner().fit(source, target)
    >>> aligner.transform([[1.0, 1.0, 1.0]])
    array([[8., 6.]])
    >>> aligner.rank_
    3
    """

    _parameter_constraints: dict = {
        "fit_intercept": ["boolean"],
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"loo"})],
    }

    def __init__(self, *, fit_intercept=True, alpha=0.0):
        self.fit_intercept = fit_intercept
        self.alpha = alpha

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the map to rows in correspondence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source latents.

        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Target latents of the same samples, in the same order.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        self : LinearAligner
            The fitted aligner.
        """
        X, Y = self._validate_pair(X, y)
        weights = self._validate_weights(sample_weight, X)
        alpha = self._choose_alpha(X, Y, weights) if isinstance(self.alpha, str) else self.alpha
        coefficients, intercept, rank, moments = least_squares(
            X, Y, weights, fit_intercept=self.fit_intercept, alpha=alpha
        )
        dtype = np.result_type(float_type(X.dtype), float_type(Y.dtype))
        with np.errstate(over="ignore"):
            coefficients = np.ascontiguousarray(coefficients.T, dtype)
        raise_if_map_overflows(coefficients, intercept)
        self.coef_ = like(coefficients, elsewhere(X))
        self.intercept_ = like(intercept.astype(dtype), elsewhere(X))
        self.alpha_ = float(alpha)
        self.rank_ = rank
        if rank < X.shape[1] and alpha == 0:
            deficit = describe_deficit(
                moments.n_rows, rank, X.shape[1], moments.x_constant, self.fit_intercept
            )
            warnings.warn(
                f"{deficit} Of all maps that fit them equally well, the one of minimum norm is "
                "taken; alpha > 0 is usually nearer to the truth.",
                UserWarning,
                stacklevel=2,
            )
        return self

    def _choose_alpha(self, X, Y, weights):
        for array, name in ((X, "X"), (Y, "y")):
            check_finite_rows(array, name)
        X, Y = (to_numpy(side).astype(np.float64) for side in (X, Y))
        return RidgePath(X, Y, weights, fit_intercept=self.fit_intercept).best()

    def _matrix(self):
        return self.coef_.T

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        return tags

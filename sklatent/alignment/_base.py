"""What all aligners share: validation, the three ways through a fitted map, and their tags."""

import numpy as np
from scipy import linalg
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.metrics import r2_score
from sklearn.utils import get_tags
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_is_fitted,
    validate_data,
)

from sklatent._utils.array_api import elsewhere, like, moved, raise_if_elsewhere, to_numpy
from sklatent._utils.arrays import float_type
from sklatent.alignment._checks import blocks, check_finite_rows, plain_latents


def affine(X, matrix, offset):
    """Map rows by ``X @ matrix + offset``, block by block, in the float type of X.

    Parameters
    ----------
    X : array of shape (n_samples, n_in)
        Rows of any real type.

    matrix : array of shape (n_in, n_out)
        The linear part.

    offset : array of shape (n_out,)
        The translation.

    Returns
    -------
    mapped : array of shape (n_samples, n_out)
        Of float32 for float16 and float32 X, else of float64; of X's library and device.
    """
    dtype = float_type(X.dtype)
    matrix, offset = to_numpy(matrix), to_numpy(offset)
    place = elsewhere(X)
    if place is not None:
        matrix, offset = (like(part.astype(dtype), place) for part in (matrix, offset))
        return place[0].astype(X, matrix.dtype) @ matrix + offset
    matrix, offset = np.asarray(matrix, dtype), np.asarray(offset, dtype)
    mapped = np.empty((X.shape[0], matrix.shape[1]), dtype)
    for rows in blocks(X.shape[0], sum(matrix.shape)):
        np.matmul(np.asarray(X[rows], dtype), matrix, out=mapped[rows])
        mapped[rows] += offset
    return mapped


def pseudo_inverse(matrix, epsilon):
    """Moore-Penrose inverse; singular values within rounding of zero count as zero.

    Parameters
    ----------
    matrix : ndarray of shape (n_in, n_out)
        Any matrix.

    epsilon : float
        Rounding unit of the type that `matrix` is exact to.

    Returns
    -------
    inverse : ndarray of shape (n_out, n_in)
        In float64.
    """
    return linalg.pinv(np.asarray(matrix, np.float64), atol=0.0, rtol=max(matrix.shape) * epsilon)


def variance_weighted_r2(y, mapped, sample_weight=None):
    """R^2 over all columns together.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_targets) or (n_samples,)
        Where rows should be.

    mapped : ndarray of shape (n_samples, n_targets)
        Where they are.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    r2 : float
        Greater is better; 1 is perfect.
    """
    y = plain_latents(y, "y")
    y, mapped, sample_weight = (moved(values, None) for values in (y, mapped, sample_weight))
    y = check_array(y, dtype="numeric", ensure_2d=False, ensure_all_finite=False, input_name="y")
    y = y.reshape(-1, 1) if y.ndim == 1 else y
    check_finite_rows(y, "y")
    if y.shape != mapped.shape:
        raise ValueError(
            f"y has shape {y.shape} and the mapped rows have {mapped.shape}: one row of target "
            "latents is needed for each row of X."
        )
    if sample_weight is not None:
        sample_weight = plain_latents(sample_weight, "sample_weight")
        sample_weight = _check_sample_weight(sample_weight, y, ensure_non_negative=True)
        if not sample_weight.any():
            raise ValueError("sample_weight is zero for every row, so that no row counts.")
    # Squares of tiny or huge numbers vanish or overflow.
    unit = float(np.abs(y.astype(np.float64)).max()) or 1.0
    with np.errstate(over="ignore"):
        r2 = r2_score(
            y.astype(np.float64) / unit,
            mapped.astype(np.float64) / unit,
            sample_weight=sample_weight,
            multioutput="variance_weighted",
        )
    if r2 == -np.inf:
        raise ValueError(
            f"Squared errors overflow float64: the mapped rows reach {np.abs(mapped).max():.3g}, "
            f"and y {unit:.3g}. Look for an outlier in X, or bring it to y's scale."
        )
    return r2


class BaseAligner(ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin, BaseEstimator):
    """A map from one space to another that is a transformer and a regressor at once.

    A subclass gives `_map(X)` and `_unmap(Z)` on validated arrays, calls `_validate_pair` in `fit`
    and leaves `n_targets_` behind.
    """

    def _validate_source(self, X):
        X = plain_latents(X, "X")
        X = X if self._goes_anywhere() else moved(X, None)
        # Finiteness is looked at by the pass that computes, which can name the rows.
        return validate_data(
            self, X, dtype="numeric", ensure_all_finite=False, ensure_min_samples=2
        )

    def _goes_anywhere(self):
        return get_tags(self).array_api_support

    def _own(self, X, method):
        """Return rows where the fitted map is; what can't be there is an error."""
        if not self._goes_anywhere():
            return moved(X, None)
        raise_if_elsewhere(X, self.intercept_, f"{type(self).__name__}.{method}")
        return X

    def _validate_target(self, y, place=None):
        y = plain_latents(y, "y")
        y = y if elsewhere(y) == place else moved(y, None)
        Y = check_array(
            y,
            dtype="numeric",
            ensure_2d=False,
            ensure_all_finite=False,
            ensure_min_samples=2,
            input_name="y",
            estimator=self,
        )
        Y = moved(Y, place)
        self._target_ndim = Y.ndim
        Y = Y[:, None] if Y.ndim == 1 else Y
        self.n_targets_ = Y.shape[1]
        return Y

    def _validate_pair(self, X, y):
        """Return X and y as 2-D arrays of equal length, unread but for their types and shapes."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None. y is the latents of the target space, row by row those of X."
            )
        X = self._validate_source(X)
        Y = self._validate_target(y, elsewhere(X))
        if X.shape[0] != Y.shape[0]:
            raise ValueError(
                f"X and y have inconsistent numbers of samples: {X.shape[0]} and {Y.shape[0]}. "
                "Row i of X and row i of y must be the latents of the same sample; matched_rows "
                "finds the rows that two lists of identifiers share."
            )
        return X, Y

    def _validate_weights(self, sample_weight, X):
        if sample_weight is None:
            return None
        sample_weight = plain_latents(sample_weight, "sample_weight")
        rows = X if elsewhere(X) is None else np.empty((X.shape[0], 0))
        weights = _check_sample_weight(
            moved(sample_weight, None), rows, dtype=np.float64, ensure_non_negative=True
        )
        n_positive = int(np.count_nonzero(weights))
        if n_positive < 2:
            raise ValueError(
                f"Only {n_positive} row(s) have a sample weight that is not zero; a map between "
                "two spaces takes at least 2."
            )
        return weights

    def transform(self, X):
        """Map source latents into the target space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source latents.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_targets)
            Their images, always 2-D; of float32 where X is of float32 or float16, else of float64.
        """
        return self._map(self._validate_new(X, "transform"))

    def predict(self, X):
        """Map source latents into the target space, in the number of dimensions that y had.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source latents.

        Returns
        -------
        y : ndarray of shape (n_samples, n_targets) or (n_samples,)
            What `transform` gives; 1-D where `fit` was given a 1-D y.
        """
        Z = self._map(self._validate_new(X, "predict"))
        return Z[:, 0] if self._target_ndim == 1 else Z

    def inverse_transform(self, X):
        """Map target latents back into the source space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_targets)
            Latents of the target space.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Source latents. The class's Notes say how exactly the way back undoes the way there.
        """
        check_is_fitted(self)
        X = plain_latents(X, "X")
        X = self._own(X, "inverse_transform")
        Z = check_array(X, dtype="numeric", ensure_all_finite=False, estimator=self)
        if Z.shape[1] != self.n_targets_:
            raise ValueError(
                f"X has {Z.shape[1]} columns, but the target space that {type(self).__name__} "
                f"was fitted with has {self.n_targets_}."
            )
        check_finite_rows(Z, "X")
        return self._unmap(Z)

    def score(self, X, y, sample_weight=None):
        """Compute R^2 of the mapped rows, target columns weighed by their variance.

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
        score : float
            1 is perfect, 0 as good as the mean, greater is better: one minus the squared error
            over the squared deviation from the mean, both summed over all columns, so that a
            column that hardly varies hardly counts.
        """
        return variance_weighted_r2(y, self._map(self._validate_new(X, "score")), sample_weight)

    def _validate_new(self, X, method):
        check_is_fitted(self)
        X = plain_latents(X, "X")
        X = self._own(X, method)
        X = validate_data(self, X, dtype="numeric", ensure_all_finite=False, reset=False)
        check_finite_rows(X, "X")
        return X

    @property
    def _n_features_out(self):
        return self.n_targets_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class AffineAligner(BaseAligner):
    """An aligner whose map is ``X @ matrix + intercept_``.

    A subclass gives the matrix of shape (n_features, n_targets) as `_matrix()`.
    """

    def _map(self, X):
        return affine(X, self._matrix(), self.intercept_)

    def _unmap(self, Z):
        inverse = self._inverse_matrix()
        return affine(Z, inverse, -to_numpy(self.intercept_).astype(np.float64) @ inverse)

    def _inverse_matrix(self):
        matrix = to_numpy(self._matrix())
        return pseudo_inverse(matrix, np.finfo(matrix.dtype).eps)

"""Random transformations of vectors."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from sklatent._utils.arrays import to_numbers
from sklatent.transformations._base import Rowwise, Transformation, between


class RandomShift(Transformation):
    """Add a random vector to each row; the inverse view subtracts it.

    Parameters
    ----------
    max_shift : float or array-like of shape (n_features,), default=1.0
        Largest shift of each feature, or of all. Shifts are uniform between minus and plus that,
        independently for each feature; zero leaves a feature where it is.

    Notes
    -----
    `sample(..., return_parameters=True)` names what it drew `"shift"`, of shape
    `(n_samples, n_features)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.transformations import RandomShift
    >>> X = np.zeros((2, 3))
    >>> X_forward, X_inverse = RandomShift([1.0, 0.5, 0.0]).sample(X, random_state=0)
    >>> bool(np.all(X_forward == -X_inverse)), X_forward[:, 2]
    (True, array([0., 0.]))
    """

    _parameter_constraints = {"max_shift": [Interval(Real, 0, None, closed="left"), "array-like"]}

    def __init__(self, max_shift=1.0):
        self.max_shift = max_shift

    def _draw(self, n_features, uniform, image_shape):
        self._validate_params()
        given = self.max_shift
        given = [given] * n_features if np.ndim(given) == 0 else given
        largest = to_numbers(given, "max_shift").astype(np.float64)
        if largest.shape != (n_features,) or not np.all(largest >= 0):
            raise ValueError(
                f"max_shift={self.max_shift!r} must be a number or {n_features} numbers, one for "
                "each feature, none of them negative or NaN."
            )
        drawn = uniform(n_features)
        shift = between(drawn, -drawn.new_tensor(largest), drawn.new_tensor(largest))
        pair = Rowwise(lambda X: X + shift.to(X), lambda X: X - shift.to(X))
        return {"shift": shift}, [pair]


class RandomScaling(Transformation):
    """Multiply each row by a random factor; the inverse view divides by it.

    Parameters
    ----------
    max_factor : float, default=2.0
        Largest factor; the smallest is one over it, and the factor's logarithm is uniform in
        between.

    Notes
    -----
    `sample(..., return_parameters=True)` names what it drew `"factor"`, of shape `(n_samples,)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.transformations import RandomScaling
    >>> X = np.ones((3, 2))
    >>> X_forward, X_inverse = RandomScaling(max_factor=4.0).sample(X, random_state=0)
    >>> bool(np.allclose(X_forward * X_inverse, 1.0))
    True
    """

    _parameter_constraints = {"max_factor": [Interval(Real, 1, None, closed="left")]}

    def __init__(self, max_factor=2.0):
        self.max_factor = max_factor

    def _draw(self, n_features, uniform, image_shape):
        self._validate_params()
        factor = float(self.max_factor) ** between(uniform(1), -1.0, 1.0)
        pair = Rowwise(lambda X: X * factor.to(X), lambda X: X / factor.to(X))
        return {"factor": factor[:, 0]}, [pair]

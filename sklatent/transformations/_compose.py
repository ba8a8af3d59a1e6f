"""Transformations made of others: of the user's functions, and of several in a row."""

import numpy as np

from sklatent._utils.arrays import to_array
from sklatent._utils.calling import call_users
from sklatent.transformations._base import Rowwise, Transformation


def _call_on_numpy(name, function, X):
    """Call the user's function on a copy of the rows and check what it returns."""
    import torch

    rows = X.detach().cpu().numpy().copy()
    result = call_users(f"{name} of FunctionPair", "(X)", function, rows)
    result = to_array(result, f"what the {name} function of FunctionPair returned")
    if result.shape != tuple(X.shape):
        raise ValueError(
            f"The {name} function of FunctionPair returned shape {result.shape}, expected that of "
            f"its input, {tuple(X.shape)}: one row for each row, of the same width."
        )
    if result.dtype.kind not in "fiub" or not np.all(np.isfinite(result)):
        raise ValueError(
            f"The {name} function of FunctionPair returned NaN, infinity or values that are not "
            "numbers, expected finite numbers for every finite input."
        )
    return torch.as_tensor(result, dtype=X.dtype, device=X.device)


class FunctionPair(Transformation):
    """Any function of rows, and its inverse.

    Parameters
    ----------
    forward : callable
        Function of an array of shape `(n_samples, n_features)` to one of the same shape. It always
        gets a NumPy array of its own, wherever a model trains. To be pickled along with a model it
        has to be a named function of a module.

    inverse : callable
        Its inverse, on the same terms.

    Notes
    -----
    `sample(..., return_parameters=True)` returns an empty dict: nothing is drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.transformations import FunctionPair
    >>> pair = FunctionPair(np.exp, np.log)
    >>> X_forward, X_inverse = pair.sample(np.array([[1.0, np.e]]))
    >>> X_inverse
    array([[0., 1.]])
    """

    _parameter_constraints = {"forward": [callable], "inverse": [callable]}

    def __init__(self, forward, inverse):
        self.forward = forward
        self.inverse = inverse

    def _draw(self, n_features, uniform, image_shape):
        self._validate_params()
        pair = Rowwise(
            lambda X: _call_on_numpy("forward", self.forward, X),
            lambda X: _call_on_numpy("inverse", self.inverse, X),
        )
        return {}, [pair]


class Compose(Transformation):
    """Several transformations, one after the other; the inverse view undoes them in reverse.

    Neighbours that are affine are multiplied out and warp the image once, which is faster than one
    after the other and loses less of it.

    Parameters
    ----------
    transformations : list of transformations
        Applied from first to last. Parameters of a step are reached by its position, as in
        `set_params(**{"0__max_angle": 20})`.

    Notes
    -----
    `sample(..., return_parameters=True)` returns a list of what each step drew.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.transformations import Compose, RandomCrop, RandomRotation
    >>> views = Compose([RandomRotation(20), RandomCrop(0.9)])
    >>> X_forward, X_inverse = views.sample(np.ones((3, 64)), random_state=0, image_shape=(1, 8, 8))
    >>> X_forward.shape
    (3, 64)
    """

    _parameter_constraints = {"transformations": [list, tuple]}

    def __init__(self, transformations):
        self.transformations = transformations

    def get_params(self, deep=True):
        """Get the parameters of this transformation and of its steps.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the steps, named by their positions, and their parameters.

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        params = super().get_params(deep=deep)
        if deep:
            for position, step in enumerate(self.transformations):
                params[str(position)] = step
                nested = step.get_params(deep=True)
                params.update({f"{position}__{name}": value for name, value in nested.items()})
        return params

    def set_params(self, **params):
        """Set the parameters of this transformation and of its steps.

        Parameters
        ----------
        **params : dict
            Parameter names, as :meth:`get_params` lists them, and their new values. A position
            alone replaces that step.

        Returns
        -------
        self : Compose
            This transformation.
        """
        steps = dict(enumerate(self.transformations))
        replaced = {int(name): step for name, step in params.items() if name.isdigit()}
        if replaced.keys() <= steps.keys():  # a position beyond the last is left to the error below
            params = {name: value for name, value in params.items() if not name.isdigit()}
            if replaced:
                self.transformations = list({**steps, **replaced}.values())
        return super().set_params(**params)

    def _draw(self, n_features, uniform, image_shape):
        self._validate_params()
        if not self.transformations:
            raise ValueError("Compose needs at least one transformation, got an empty list.")
        parameters, pieces = [], []
        for step in self.transformations:
            if not isinstance(step, Transformation):
                raise TypeError(
                    f"Compose takes transformations of sklatent.transformations, got {step!r}. "
                    "Wrap functions in FunctionPair."
                )
            drawn, step_pieces = step._draw(n_features, uniform, image_shape)
            parameters.append(drawn)
            pieces += step_pieces
        return parameters, pieces

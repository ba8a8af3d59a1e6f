"""What all transformations share: how a sample is drawn, and what goes in and comes out."""

from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array

from sklatent._utils.arrays import to_numbers
from sklatent._utils.random import local_random_state
from sklatent.transformations._warps import Warp


class Rowwise(NamedTuple):
    """A map of rows and its inverse, as functions of tensors `(n, n_features)`."""

    forward_function: object
    inverse_function: object

    def forward(self, X, image_shape):
        return self.forward_function(X)

    def inverse(self, X, image_shape):
        return self.inverse_function(X)


def _uniform_source(random_state, n):
    """Return a function of k that draws `(n, k)` numbers from [0, 1), float64, where it lives."""
    import torch

    if isinstance(random_state, torch.Generator):
        options = {"generator": random_state, "device": random_state.device, "dtype": torch.float64}
        return lambda k: torch.rand(n, k, **options)
    rng = local_random_state(random_state)
    return lambda k: torch.from_numpy(rng.uniform(size=(n, k)))


def _check_rows(X):
    """Return X as a 2-D floating tensor; arrays are looked through for NaN, tensors are not."""
    import torch

    if not isinstance(X, torch.Tensor):
        return torch.from_numpy(
            check_array(to_numbers(X, "X"), dtype=[np.float64, np.float32], order="C", copy=True)
        )
    if X.ndim != 2:
        raise ValueError(
            f"Expected a tensor of shape (n_samples, n_features), got {tuple(X.shape)}. "
            "Flatten images: `X.reshape(len(X), -1)`."
        )
    return X if X.is_floating_point() else X.double()


def between(uniform, low, high):
    """Stretch draws from [0, 1) to [low, high)."""
    return low + (high - low) * uniform


def _to_numpy(parameters):
    """Turn the tensors in a dict, or in a list of such, into arrays."""
    if isinstance(parameters, dict):
        return {name: value.numpy() for name, value in parameters.items()}
    return [_to_numpy(step) for step in parameters]


class Transformation(BaseEstimator):
    """What all transformations share: `sample`, built on the subclass's `_draw`."""

    def sample(self, X, random_state=None, image_shape=None, return_parameters=False):
        """Transform each row by a transformation of its own, forwards and backwards.

        Parameters
        ----------
        X : array-like or torch.Tensor of shape (n_samples, n_features)
            The rows; images flattened. Arrays are checked for NaN and infinities; tensors are
            not, since looking at them would wait for the device.

        random_state : int, RandomState instance, torch.Generator or None, default=None
            Seed or generator of the draws. None draws differently each time. Global random
            states are neither read nor changed.

        image_shape : tuple (channels, height, width), default=None
            What image a row is. Transformations of vectors do without.

        return_parameters : bool, default=False
            Whether to return what was drawn as well.

        Returns
        -------
        X_forward : ndarray or torch.Tensor of shape (n_samples, n_features)
            `f(x)` of each row, of the kind, the floating type and the device of `X`.

        X_inverse : ndarray or torch.Tensor of shape (n_samples, n_features)
            `f^-1(x)` of each row, for the same `f`.

        parameters : dict of arrays, first axis n_samples
            Only with `return_parameters`: what was drawn, by the names that the class's
            documentation gives. Of a :class:`Compose`, a list of such dicts, one for each step.
        """
        import torch

        if not isinstance(return_parameters, (bool, np.bool_)):
            raise TypeError(f"return_parameters must be True or False, got {return_parameters!r}.")
        rows = _check_rows(X)
        with torch.no_grad():
            uniform = _uniform_source(random_state, len(rows))
            parameters, pieces = self._draw(rows.shape[1], uniform, image_shape)
            merged = pieces[:1]
            for piece in pieces[1:]:
                if isinstance(piece, Warp) and isinstance(merged[-1], Warp):
                    merged[-1] = merged[-1].then(piece)
                else:
                    merged.append(piece)
            forward = inverse = rows
            for piece in merged:
                forward = piece.forward(forward, image_shape)
            for piece in reversed(merged):
                inverse = piece.inverse(inverse, image_shape)
        if not isinstance(X, torch.Tensor):
            forward, inverse = forward.numpy(), inverse.numpy()
            parameters = _to_numpy(parameters)
        return (forward, inverse, parameters) if return_parameters else (forward, inverse)

"""Random affine transformations of images."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval

from sklatent.transformations._base import Transformation, between
from sklatent.transformations._warps import Warp, affine_matrices, check_image_shape

_SMALLEST_WINDOW = 1e-3  # pixels


class RandomAffine(Transformation):
    """Scale, shear, rotate and move images at random.

    The four are drawn independently and uniformly and applied in that order about the image's
    centre, with bilinear interpolation and zeros beyond the border. The inverse view is that of the
    inverse matrix.

    Parameters
    ----------
    rotation : float, default=0.0
        Largest angle in degrees, either way. Positive angles turn counter-clockwise.

    shear : float, default=0.0
        Largest shear, either way: the tangent of the angle by which upright lines lean, to the
        right where positive.

    scale : float or tuple (low, high), default=(1.0, 1.0)
        Range of the factor, larger than 1 for larger images. A float `s` below 1 is the range
        `(1 - s, 1 + s)`.

    translation : float, default=0.0
        Largest shift in pixels, either way, in each direction by itself.

    Notes
    -----
    `sample(..., return_parameters=True)` names what it drew `"rotation"` (degrees), `"shear"`,
    `"scale"`, each of shape `(n_samples,)`, and `"translation"`, of shape `(n_samples, 2)`, pixels
    to the right and downwards.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent.transformations import RandomAffine
    >>> X = load_digits().data / 16
    >>> affine = RandomAffine(rotation=20, shear=0.2, scale=(0.8, 1.2))
    >>> X_forward, X_inverse = affine.sample(X, random_state=0, image_shape=(1, 8, 8))
    >>> X_forward.shape == X_inverse.shape == X.shape
    True
    """

    _parameter_constraints = {
        "rotation": [Interval(Real, 0, None, closed="left")],
        "shear": [Interval(Real, 0, None, closed="left")],
        "scale": [Interval(Real, 0, 1, closed="left"), tuple, list],
        "translation": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, rotation=0.0, shear=0.0, scale=(1.0, 1.0), translation=0.0):
        self.rotation = rotation
        self.shear = shear
        self.scale = scale
        self.translation = translation

    def _scale_range(self):
        """Return the lowest and highest factor."""
        if isinstance(self.scale, Real):
            return 1.0 - self.scale, 1.0 + self.scale
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(
                f"scale={self.scale!r} is not a range of factors: expected (low, high) with "
                "0 < low <= high, or a number below 1."
            )
        return self.scale

    def _draw(self, n_features, uniform, image_shape):
        import torch

        self._validate_params()
        check_image_shape(type(self).__name__, image_shape, n_features)
        low = (-self.rotation, -self.shear, self._scale_range()[0], *(-self.translation,) * 2)
        high = (self.rotation, self.shear, self._scale_range()[1], *(self.translation,) * 2)
        drawn = uniform(5)
        drawn = between(drawn, drawn.new_tensor(low), drawn.new_tensor(high))
        rotation, shear, scale, shift_x, shift_y = drawn.unbind(1)
        parameters = {
            "rotation": rotation,
            "shear": shear,
            "scale": scale,
            "translation": drawn[:, 3:],
        }
        matrices = affine_matrices(rotation, shear, scale, scale, shift_x, shift_y)
        return parameters, [Warp(torch.linalg.inv(matrices), matrices)]


class RandomRotation(Transformation):
    """Rotate images about their centre by a random angle.

    Parameters
    ----------
    max_angle : float, default=45.0
        Largest angle in degrees. Angles are uniform between minus and plus that; positive ones
        turn counter-clockwise.

    See Also
    --------
    RandomAffine : Shear, scale and move as well.

    Notes
    -----
    `sample(..., return_parameters=True)` names what it drew `"rotation"`, degrees of shape
    `(n_samples,)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.transformations import RandomRotation
    >>> X = np.eye(5).reshape(1, 25)
    >>> _, _, drawn = RandomRotation(30).sample(
    ...     X, random_state=0, image_shape=(1, 5, 5), return_parameters=True
    ... )
    >>> drawn["rotation"].round(2)
    array([2.93])
    """

    _parameter_constraints = {"max_angle": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, max_angle=45.0):
        self.max_angle = max_angle

    def _draw(self, n_features, uniform, image_shape):
        self._validate_params()
        check_image_shape(type(self).__name__, image_shape, n_features)
        rotation = between(uniform(1), -float(self.max_angle), float(self.max_angle))[:, 0]
        zero, one = rotation.new_zeros(len(rotation)), rotation.new_ones(len(rotation))
        forward = affine_matrices(rotation, zero, one, one, zero, zero)
        return {"rotation": rotation}, [Warp(forward.mT, forward)]


class RandomCrop(Transformation):
    """Zoom into a random window of images.

    The forward view is the window, enlarged to the whole image. The inverse view undoes just that:
    the whole image, shrunk into the place of the window, with zeros around it. What lies outside
    the window is lost to the forward view, so that going there and back restores the window alone.

    Parameters
    ----------
    size : float or int, default=0.8
        Side of the window: a float is its fraction of the image's height and width, an int its
        number of pixels.

    Notes
    -----
    `sample(..., return_parameters=True)` names what it drew `"corner"`, of shape `(n_samples, 2)`:
    pixels from the image's left and upper border to the window's.

    The views of the transformation-aware VAE's paper are cropped too ([1]_, figure 3), both of
    them, so that there the two views are not each other's inverse; here they are.

    References
    ----------
    .. [1] G. Giannone, J. Masci, C. Osendorfer, "No representation without transformation",
       figure 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.transformations import RandomCrop
    >>> X = np.ones((1, 16))
    >>> zoomed_in, zoomed_out = RandomCrop(2).sample(X, random_state=0, image_shape=(1, 4, 4))
    >>> float(zoomed_in.sum()), float(zoomed_out.sum().round(6))
    (16.0, 4.0)
    """

    _parameter_constraints = {
        "size": [Interval(Real, 0, 1, closed="right"), Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, size=0.8):
        self.size = size

    def _draw(self, n_features, uniform, image_shape):
        import torch

        self._validate_params()
        check_image_shape(type(self).__name__, image_shape, n_features)
        _, height, width = image_shape
        drawn = uniform(2)
        sides = drawn.new_tensor([width, height])
        window = drawn.new_tensor([self.size] * 2) if isinstance(self.size, Integral) else None
        window = sides * self.size if window is None else window
        if torch.any(window < _SMALLEST_WINDOW):
            raise ValueError(
                f"RandomCrop(size={self.size}) leaves less than a thousandth of a pixel. Pass a "
                "larger fraction."
            )
        if torch.any(window > sides):
            raise ValueError(
                f"RandomCrop(size={self.size}) is larger than images of {height} x {width} pixels. "
                "Pass a smaller number of pixels, or a float for a fraction of the image."
            )
        corner = drawn * (sides - window)
        # A point of the window, from its centre, is the forward view's shrunk by window / sides.
        into_window = torch.diag_embed(torch.cat([window / sides, window.new_ones(1)]))
        into_window = into_window.repeat(len(drawn), 1, 1)
        into_window[:, :2, 2] = corner + (window - sides) / 2
        return {"corner": corner}, [Warp(into_window, torch.linalg.inv(into_window))]

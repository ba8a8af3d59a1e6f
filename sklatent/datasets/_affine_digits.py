"""Digits under random affine maps: a stand-in for affNIST."""

from math import isqrt, prod

import numpy as np
from sklearn.utils import check_array

from sklatent._utils.arrays import to_numbers
from sklatent._utils.options import check_options
from sklatent._utils.random import local_random_state
from sklatent.transformations._warps import affine_matrices, check_image_shape, warp_images

# affNIST's ranges: degrees, tangent of the shear, factor of each axis by itself.
RANGES = {"rotation": (-20.0, 20.0), "shear": (-0.2, 0.2), "scale": (0.8, 1.2)}
MARGIN = 6 / 28  # each side of a 28 x 28 image gains 6 pixels: affNIST's 40 x 40
BLOCK_ROWS = 2048


def area_average(n_in, n_out):
    """Return the matrix `(n_out, n_in)` that resamples a line of pixels by area."""
    edges = np.arange(n_out + 1) * n_in / n_out
    pixel = np.arange(n_in)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.clip(overlap, 0, None) * n_out / n_in


def _ink_range(ink, along_x, along_y, centres):
    """Return the lowest and highest coordinate that an image's ink takes under a linear map.

    `along_x` and `along_y`, `(n,)`, are one row of each image's matrix. A pixel counts with its
    whole square; an image without ink counts as a point in the middle.
    """
    x, y = centres
    position = along_x[:, None] * x + along_y[:, None] * y
    reach = (np.abs(along_x) + np.abs(along_y)) / 2
    low = np.where(ink, position, np.inf).min(axis=1) - reach
    high = np.where(ink, position, -np.inf).max(axis=1) + reach
    blank = ~ink.any(axis=1)
    return np.where(blank, 0.0, low), np.where(blank, 0.0, high)


def _fit_into(side, low, high, uniform):
    """Draw shifts that keep `[low, high]` within a canvas of this side, or centre it."""
    lowest, highest = -side / 2 - low, side / 2 - high
    too_large = lowest > highest
    lowest, highest = (
        np.where(too_large, (lowest + highest) / 2, bound) for bound in (lowest, highest)
    )
    return lowest + uniform * (highest - lowest)


@check_options()
def make_affine_digits(X, random_state=None, *, image_shape=None, return_parameters=False):
    """Turn, shear, scale and move digits at random, as affNIST does.

    Each image is rotated by up to 20 degrees either way, sheared by up to 0.2 either way
    and scaled by 0.8 to 1.2 in each direction by itself, then moved to a random place where
    all of it fits on a canvas of 40 x 40 pixels, which is averaged down to 28 x 28. All
    draws are uniform.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Flattened images, zero where there is no ink; 28 x 28 as in MNIST, or of another
        size, the canvas growing alongside.

    random_state : int, RandomState instance or None, default=None
        Seed or generator of the draws. Pass an int for the same images each time.

    image_shape : tuple (channels, height, width), default=None
        What a row of `X` is. None stands for a square image with one channel.

    return_parameters : bool, default=False
        Whether to return what was drawn as well.

    Returns
    -------
    X_affine : ndarray of shape (n_samples, n_features)
        The images, flattened, in the units of `X`; float64 where `X` is, else float32.

    parameters : dict of ndarrays
        Only with `return_parameters`: `"rotation"` (degrees counter-clockwise) and
        `"shear"` (tangent of the lean to the right) of shape `(n_samples,)`; `"scale"` and
        `"translation"` (to the right and downwards, in pixels of the canvas, from its
        middle) of shape `(n_samples, 2)`, x first.

    See Also
    --------
    sklatent.transformations.RandomAffine : Views of images for training.

    Notes
    -----
    affNIST itself is distributed as files that have to be had; this is drawn with its
    published ranges and is not the same images. An image whose ink is too large for the
    canvas is centred there.

    References
    ----------
    .. [1] T. Tieleman, "The affNIST dataset", 2013.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent.datasets import make_affine_digits
    >>> X = load_digits().data
    >>> make_affine_digits(X, random_state=0).shape
    (1797, 64)
    """
    import torch

    X = check_array(to_numbers(X, "X"))
    side = isqrt(X.shape[1])
    if image_shape is None and side**2 != X.shape[1]:
        raise ValueError(
            f"Rows of {X.shape[1]} values are no square images: pass image_shape=(channels, "
            "height, width)."
        )
    image_shape = (1, side, side) if image_shape is None else tuple(image_shape)
    check_image_shape("make_affine_digits", image_shape, X.shape[1])
    channels, *sides = image_shape
    margins = [max(1, round(MARGIN * side)) for side in sides]
    canvas = (channels, *(side + 2 * margin for side, margin in zip(sides, margins, strict=True)))
    rows, columns = (area_average(wide, side) for wide, side in zip(canvas[1:], sides, strict=True))
    y, x = np.indices(sides).reshape(2, -1) - (np.array(sides)[:, None] - 1) / 2

    drawn = local_random_state(random_state).uniform(size=(len(X), 6))
    names = ("rotation", "shear", "scale", "scale")
    ranges = np.array([RANGES[name] for name in names]).T
    drawn[:, :4] = ranges[0] + (ranges[1] - ranges[0]) * drawn[:, :4]

    X_affine = np.empty(X.shape, dtype=np.float64 if X.dtype == np.float64 else np.float32)
    for start in range(0, len(X), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        images = X[block].astype(X_affine.dtype).reshape(-1, *image_shape)
        ink = (images > 0).any(axis=1).reshape(len(images), -1)
        columns_drawn = torch.from_numpy(drawn[block]).unbind(1)
        nowhere = torch.zeros_like(columns_drawn[0])
        matrices = affine_matrices(*columns_drawn[:4], nowhere, nowhere)
        for axis, width in enumerate(reversed(canvas[1:])):
            low, high = _ink_range(ink, *matrices[:, axis, :2].T.numpy(), (x, y))
            drawn[block, 4 + axis] = _fit_into(width, low, high, drawn[block, 4 + axis])
        matrices[:, :2, 2] = torch.from_numpy(drawn[block, 4:])
        padded = np.pad(images, ((0, 0), (0, 0), *((margin, margin) for margin in margins)))
        flat = torch.from_numpy(padded.reshape(len(padded), prod(canvas)))
        warped = warp_images(flat, torch.linalg.inv(matrices), canvas).numpy()
        small = rows @ warped.reshape(-1, *canvas) @ columns.T
        X_affine[block] = small.reshape(len(small), -1)
    if not return_parameters:
        return X_affine
    rotation, shear = drawn[:, :2].T
    parameters = {
        "rotation": rotation,
        "shear": shear,
        "scale": drawn[:, 2:4],
        "translation": drawn[:, 4:],
    }
    return X_affine, parameters

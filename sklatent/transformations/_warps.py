"""Affine maps of images: their matrices, and the one function that warps a batch."""

from math import prod
from numbers import Integral
from typing import NamedTuple


def affine_matrices(rotation, shear, scale_x, scale_y, translation_x, translation_y):
    """Build homogeneous matrices that scale, then shear, then rotate, then move.

    Coordinates are pixels from the image's centre, x to the right and y downwards, as rows count.

    Parameters
    ----------
    rotation, shear, scale_x, scale_y, translation_x, translation_y : tensors of shape (n,)
        Degrees counter-clockwise as seen; tangent of the angle by which upright lines lean to the
        right; factors; pixels.

    Returns
    -------
    matrices : tensor of shape (n, 3, 3)
        Applied to the column `(x, y, 1)`.
    """
    import torch

    angle = torch.deg2rad(rotation)
    cos, sin = torch.cos(angle), torch.sin(angle)
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    # With y downwards, what leans to the right has x growing where y falls.
    first = torch.stack([cos * scale_x, (sin - cos * shear) * scale_y, translation_x], dim=1)
    second = torch.stack([-sin * scale_x, (cos + sin * shear) * scale_y, translation_y], dim=1)
    return torch.stack([first, second, torch.stack([zero, zero, one], dim=1)], dim=1)


def warp_images(X, source, image_shape):
    """Fill each pixel of an image with what its source point shows, bilinear, zero outside.

    Parameters
    ----------
    X : tensor of shape (n, channels * height * width)
        Flattened images.

    source : tensor of shape (n, 3, 3)
        Maps a pixel of the result to its source, in the coordinates of `affine_matrices`.

    image_shape : tuple (channels, height, width)
        What a row of `X` is.

    Returns
    -------
    warped : tensor of the shape and type of X
    """
    import torch
    from torch.nn import functional as F

    _, height, width = image_shape
    # `grid_sample` counts in half images from the centre, where the matrices count in pixels.
    half = source.new_tensor([width / 2, height / 2])
    linear = (source[:, :2, :2] / half[:, None]).to(X)
    offset = (source[:, :2, 2] / half).to(X)
    x = torch.arange(width, dtype=X.dtype, device=X.device) - (width - 1) / 2
    y = torch.arange(height, dtype=X.dtype, device=X.device) - (height - 1) / 2
    along = x[:, None] * linear[:, None, None, :, 0] + offset[:, None, None, :]
    down = y[:, None, None] * linear[:, None, None, :, 1]
    images = X.reshape(-1, *image_shape)
    return F.grid_sample(images, along + down, align_corners=False).reshape(X.shape)


def check_image_shape(name, image_shape, n_features):
    """Say so when a transformation of images can't tell what image a row is."""
    if image_shape is None:
        raise ValueError(
            f"{name} warps images and needs to know what image a row of {n_features} values is: "
            "pass image_shape=(channels, height, width)."
        )
    sizes = image_shape if isinstance(image_shape, (tuple, list)) else ()
    if not all(isinstance(size, Integral) for size in sizes):
        sizes = ()
    if len(sizes) != 3 or prod(image_shape) != n_features:
        raise ValueError(
            f"image_shape={image_shape!r} does not fit rows of {n_features} values: expected "
            "(channels, height, width) with their product equal to the number of values."
        )


class Warp(NamedTuple):
    """An affine map of image coordinates, `(n, 3, 3)`: where each view's pixels come from."""

    forward_source: object
    inverse_source: object

    def then(self, later):
        """Return the warp that does this one first and `later` after it."""
        return Warp(
            self.forward_source @ later.forward_source,
            later.inverse_source @ self.inverse_source,
        )

    def forward(self, X, image_shape):
        return warp_images(X, self.forward_source, image_shape)

    def inverse(self, X, image_shape):
        return warp_images(X, self.inverse_source, image_shape)

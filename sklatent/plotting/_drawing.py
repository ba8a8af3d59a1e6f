"""What the Displays share: axes to draw on, and many images as one."""

from numbers import Integral

import numpy as np

from sklatent._utils.arrays import to_array, to_numbers
from sklatent._utils.pipelines import last_step


def get_axes(ax, figsize=None):
    """`ax`, or the only axes of a new figure."""
    if ax is None:
        # Only here: a Display can be made and tested without matplotlib.
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def model_parameter(estimator, name):
    """A parameter of the model behind `estimator`, a Pipeline's last step, or None."""
    return getattr(last_step(estimator)[0], name, None)


def to_table(X, name):
    """X as a 2-D array of floats: frames, memory maps, integers."""
    X = to_array(X, name)
    X = to_numbers(X, name) if X.dtype.kind == "O" else X
    if X.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {X.dtype}.")
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"{name} must have shape (n_samples, n_columns), got {X.shape}.")
    return X.astype(float)


def to_grid(values, name):
    """What is drawn as colours, as an array of floats of any number of axes; NaN is blank."""
    values = to_array(values, name)
    values = to_numbers(values, name) if values.dtype.kind == "O" else values
    if values.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {values.dtype}.")
    return values.astype(float)


def to_indices(values, name):
    """Whole numbers that say which, as an array."""
    values = to_array(values, name)
    if values.dtype.kind not in "iu" and values.size:
        raise TypeError(f"{name} must hold whole numbers, got dtype {values.dtype}.")
    return values.astype(int)


def check_range(value_range):
    """The first and the last of some values, as floats."""
    ends = to_numbers(value_range, "value_range")
    if ends.shape != (2,) or not np.isfinite(ends).all():
        raise ValueError(f"value_range must be two finite numbers, got {value_range!r}.")
    return ends.astype(float)


def to_images(X, image_shape):
    """Flat rows as images, `(..., height, width, channels)`; without a shape, one line each."""
    n_features = X.shape[-1]
    if image_shape is None:
        image_shape = (1, 1, n_features)
    shape = tuple(image_shape)
    if not all(isinstance(size, Integral) for size in shape):
        raise ValueError(f"image_shape must be three whole numbers, got {image_shape!r}.")
    if len(shape) != 3 or shape[0] not in (1, 3) or np.prod(shape) != n_features:
        raise ValueError(
            "image_shape must be (channels, height, width) with 1 or 3 channels and, since the "
            f"rows have {n_features} features, that product; got {image_shape}."
        )
    return np.moveaxis(X.reshape(*X.shape[:-1], *shape), -3, -1)


def mosaic(images, gap=1, block=None):
    """Lay a grid of images out as one.

    Parameters
    ----------
    images : ndarray of shape (n_rows, n_columns, height, width, channels)
        NaN is blank.

    gap : int
        Pixels between neighbours, NaN.

    block : int or None
        After so many columns the gap is three times as wide.

    Returns
    -------
    picture : ndarray of shape (height, width) or (height, width, 3)
        The mosaic.

    rows, columns : ndarray of shape (n_rows,), (n_columns,)
        The first pixel of each row and column of the grid.
    """
    n_rows, n_columns, height, width, channels = images.shape
    rows = np.arange(n_rows) * (height + gap)
    columns = np.arange(n_columns) * (width + gap)
    if block is not None:
        columns += 2 * max(gap, 1) * (np.arange(n_columns) // block)
    picture = np.full((rows[-1] + height, columns[-1] + width, channels), np.nan)
    for row, top in zip(images, rows, strict=True):
        for image, left in zip(row, columns, strict=True):
            picture[top : top + height, left : left + width] = image
    return (picture[..., 0] if channels == 1 else picture), rows, columns


def show_picture(ax, picture, imshow_kwargs):
    """Draw a mosaic: grey levels on one scale, gaps white, no ticks."""
    if picture.ndim == 3:
        # Colours are in [0, 1]; a Gaussian decoder may leave it by a little.
        picture = np.where(np.isnan(picture), 1.0, np.clip(picture, 0.0, 1.0))
    settings = {"cmap": "gray_r", "interpolation": "nearest", "aspect": "equal"}
    if imshow_kwargs and "norm" in imshow_kwargs:
        settings |= imshow_kwargs
    else:
        limits = {"vmin": np.nanmin(picture), "vmax": np.nanmax(picture)}
        settings |= limits | (imshow_kwargs or {})
    image = ax.imshow(picture, **settings)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    return image

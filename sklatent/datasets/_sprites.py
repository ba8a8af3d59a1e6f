"""The dSprites factor grid, and sprites drawn on it by our own code."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval

from sklatent._utils.arrays import to_array
from sklatent._utils.limits import require_room
from sklatent._utils.options import COUNT, check_options
from sklatent._utils.random import local_random_state

FACTOR_NAMES = ("shape", "scale", "orientation", "position_x", "position_y")
FACTOR_SIZES = (3, 6, 40, 32, 32)
SHAPE_NAMES = ("square", "ellipse", "heart")

# Lengths below are in pixels of a 64 x 64 image. Centres stay within the middle half, a pixel
# apart, and the largest sprite stays within RADIUS of its centre: none is ever cut off.
CANVAS = 64
RADIUS = 15.0
FIRST_CENTRE = 16.5
BLOCK_ROWS = 8192


def factor_grid():
    """Return the factor indices of the whole grid, position_y changing fastest."""
    return np.indices(FACTOR_SIZES).reshape(len(FACTOR_SIZES), -1).T


def _check_levels(factors):
    """Return the allowed indices of each factor from the user's mapping."""
    unknown = sorted(set(factors) - set(FACTOR_NAMES), key=str)
    if unknown:
        raise ValueError(f"factors has unknown names {unknown}, expected some of {FACTOR_NAMES}.")
    levels = []
    for name, size in zip(FACTOR_NAMES, FACTOR_SIZES, strict=True):
        wanted = np.unique(np.atleast_1d(np.asarray(factors.get(name, np.arange(size)))))
        if wanted.size == 0 or wanted.dtype.kind not in "iu":
            raise ValueError(
                f"factors[{name!r}] must be one or several integer indices, got {factors[name]!r}."
            )
        if wanted[0] < 0 or wanted[-1] >= size:
            raise ValueError(
                f"factors[{name!r}] must lie in 0 to {size - 1}, got {wanted[0]} to {wanted[-1]}."
            )
        levels.append(wanted)
    return levels


def _rows_of(factors, grid):
    """Return where in `grid` each row of explicit factor indices stands."""
    factors = to_array(factors, "factors")
    if factors.ndim != 2 or factors.shape[1] != len(FACTOR_SIZES) or factors.dtype.kind not in "iu":
        raise ValueError(
            f"factors must be a mapping of names to indices, or integers of shape (n, "
            f"{len(FACTOR_SIZES)}), one column for each of {FACTOR_NAMES}; got "
            f"{factors.dtype} of shape {factors.shape}."
        )
    if np.any(factors < 0) or np.any(factors >= FACTOR_SIZES):
        raise ValueError(f"factors must lie below the sizes {FACTOR_SIZES} and not below 0.")
    keys = np.ravel_multi_index(grid.T, FACTOR_SIZES)
    order = np.argsort(keys, kind="stable")
    wanted = np.ravel_multi_index(factors.T, FACTOR_SIZES)
    rows = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    missing = keys[rows] != wanted
    if missing.any():
        raise ValueError(f"factors {factors[missing][0].tolist()} are not in this file.")
    return rows


def select_rows(grid, n_samples, factors, random_state):
    """Return the rows of a table of factor indices that the user asked for.

    Parameters
    ----------
    grid : ndarray of shape (n_rows, 5)
        Factor indices of each row there is.

    n_samples, factors, random_state
        As in :func:`make_sprites`.

    Returns
    -------
    rows : ndarray of shape (n_selected,)
        Indices into `grid`: in order when all are wanted, shuffled when drawn.
    """
    if factors is None:
        rows = np.arange(len(grid))
    elif isinstance(factors, Mapping):
        keep = np.ones(len(grid), dtype=bool)
        for column, wanted in zip(grid.T, _check_levels(factors), strict=True):
            keep &= np.isin(column, wanted)
        rows = np.flatnonzero(keep)
    else:
        rows = _rows_of(factors, grid)
    if len(rows) == 0:
        raise ValueError("No sprite has these factors.")
    if n_samples is None:
        return rows
    if n_samples > len(rows):
        raise ValueError(
            f"n_samples={n_samples} is more than the {len(rows)} sprites there are with these "
            "factors; they are drawn without replacement. Ask for fewer or free more factors."
        )
    return local_random_state(random_state).choice(rows, n_samples, replace=False)


def _inside(shape, x, y):
    """Tell which points lie in each sprite, in its own frame, where the radius is one.

    `shape` broadcasts against `x` (to the right) and `y` (up). The heart is the curve
    `(x^2 + y^2 - 1)^3 = x^2 y^3`, shrunk and lowered into the unit circle.
    """
    square = np.maximum(np.abs(x), np.abs(y)) <= 0.68
    ellipse = (x / 0.97) ** 2 + (y / 0.53) ** 2 <= 1.0
    u2, v = (x / 0.72) ** 2, y / 0.72 + 0.11
    heart = (u2 + v**2 - 1.0) ** 3 <= u2 * v**3
    return np.where(shape == 0, square, np.where(shape == 1, ellipse, heart))


def draw_sprites(factors, image_size):
    """Draw the sprites with the given factor indices.

    Parameters
    ----------
    factors : ndarray of shape (n, 5)
        Factor indices, columns in the order of `FACTOR_NAMES`.

    image_size : int
        Side of the square images in pixels.

    Returns
    -------
    images : ndarray of shape (n, image_size, image_size), dtype=uint8
        One where a pixel's centre lies inside the sprite, else zero.
    """
    zoom = image_size / CANVAS
    window = int(2 * zoom * RADIUS) + 1  # all that a sprite can reach; beyond it pixels are zero
    centre = zoom * (FIRST_CENTRE + factors[:, 3:])
    corner = np.floor(centre - zoom * RADIUS + 0.5).astype(int).clip(max=image_size - window)

    # Sprites that differ by whole pixels alone share one drawing, which is most of a large set.
    looks = np.column_stack([factors[:, :3], centre - corner])
    looks, look_of = np.unique(looks, axis=0, return_inverse=True)
    shape, scale, orientation = looks[:, :3].T.astype(int)[:, :, None, None]
    size = zoom * RADIUS * np.linspace(0.5, 1.0, FACTOR_SIZES[1])[scale]
    angle = np.linspace(0.0, 2.0 * np.pi, FACTOR_SIZES[2])[orientation]
    offset = np.arange(window) + 0.5 - looks[:, 3:, None]
    dx, dy = offset[:, 0, None, :], -offset[:, 1, :, None]  # rows count downwards
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    drawings = _inside(shape, cos * dx + sin * dy, cos * dy - sin * dx)

    images = np.zeros((len(factors), image_size, image_size), dtype=np.uint8)
    columns, rows = corner.T[:, :, None] + np.arange(window)
    images[np.arange(len(factors))[:, None, None], rows[:, :, None], columns[:, None, :]] = (
        drawings[look_of.ravel()]
    )
    return images


@check_options(
    n_samples=[*COUNT, None],
    factors=[Mapping, "array-like", None],
    image_size=[Interval(Integral, 16, None, closed="left")],
)
def make_sprites(n_samples=None, factors=None, random_state=None, *, image_size=64):
    """Draw black-and-white sprites on the factor grid of dSprites.

    Three shapes in 6 scales, 40 orientations and 32 x 32 positions, 737,280 images in
    all, each determined by its five factors. Any part of the grid is drawn by itself:
    the whole is never built unless it is asked for.

    Parameters
    ----------
    n_samples : int or None, default=None
        How many sprites to draw at random and without replacement from those that
        `factors` allows. None gives all of them in the grid's order (the whole grid at
        64 x 64 pixels takes 3 GB).

    factors : dict, array-like of shape (n, 5) or None, default=None
        Which sprites there are to choose from. A dict names the allowed indices of some
        factors, the others staying free: `{"shape": [0, 2], "scale": 5}`. An integer
        array names each sprite by its five indices and keeps that order. None is the
        whole grid. The factors, the number of their values and the values:

        - `"shape"`: 3, square, ellipse and heart;
        - `"scale"`: 6, from 0.5 to 1;
        - `"orientation"`: 40, from 0 to 2 pi, counter-clockwise. Both ends are in the
          grid, as in dSprites, so that index 0 and index 39 look the same;
        - `"position_x"`: 32, from left to right;
        - `"position_y"`: 32, from top to bottom.

    random_state : int, RandomState instance or None, default=None
        Seed or generator of the choice where `n_samples` is given; the drawing itself
        has nothing random.

    image_size : int, default=64
        Side of the images in pixels, 16 at least. Sprites and steps shrink alongside,
        so that at 32 a position moves by half a pixel.

    Returns
    -------
    X : ndarray of shape (n_samples, image_size * image_size), dtype=uint8
        Flattened images of zeros and ones; `image_shape` is
        `(1, image_size, image_size)`.

    factors : ndarray of shape (n_samples, 5)
        Index of each factor's value, columns in the order above.

    See Also
    --------
    load_dsprites : The original images from their own file.

    Notes
    -----
    The images resemble those of dSprites and are not the same pixel for pixel. Small
    sprites in neighbouring orientations can fall on the same pixels, the more so in
    small images.

    References
    ----------
    .. [1] L. Matthey, I. Higgins, D. Hassabis, A. Lerchner, "dSprites: Disentanglement
       testing sprites dataset", 2017.

    Examples
    --------
    >>> from sklatent.datasets import make_sprites
    >>> X, factors = make_sprites(100, {"shape": 1, "scale": [3, 5]}, random_state=0)
    >>> X.shape, factors.shape
    ((100, 4096), (100, 5))
    >>> sorted(set(factors[:, 1].tolist()))
    [3, 5]
    """
    grid = factor_grid()
    chosen = grid[select_rows(grid, n_samples, factors, random_state)]
    # A byte a pixel, where a number is counted as four.
    require_room(
        len(chosen) * image_size**2 / 4, f"{len(chosen)} sprites with image_size={image_size}"
    )
    X = np.empty((len(chosen), image_size * image_size), dtype=np.uint8)
    step = max(1, BLOCK_ROWS * CANVAS**2 // image_size**2)
    for start in range(0, len(chosen), step):
        block = slice(start, start + step)
        X[block] = draw_sprites(chosen[block], image_size).reshape(-1, X.shape[1])
    return X, chosen

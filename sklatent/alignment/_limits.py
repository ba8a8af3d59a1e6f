"""Rows from which no map, or none in floating point, can be told, and what is said of them."""

import numpy as np

from sklatent._utils.array_api import to_numpy
from sklatent.alignment._moments import blocks


def magnifications(X, Y, moments):
    """Powers of two that keep products of tiny latents from vanishing.

    Parameters
    ----------
    X, Y : ndarray of shape (n_samples, n_columns)
        Both sides.

    moments : PairedMoments
        Of them.

    Returns
    -------
    factors : tuple of (float, float) or None
        For X and Y; None where the products are well above the smallest number.
    """
    squares = np.inf if moments.xx is None else np.diag(moments.xx).max()
    if min(np.abs(moments.xy).max(), squares) > 1e-140:
        return None
    factors = []
    for side in (X, Y):
        largest = max(
            float(np.abs(np.asarray(to_numpy(side[rows, :]), np.float64)).max())
            for rows in blocks(side.shape[0], side.shape[1])
        )
        factors.append(
            float(2.0 ** np.clip(-np.frexp(largest)[1], 0, 1000)) if largest < 1e-60 else 1.0
        )
    return None if factors == [1.0, 1.0] else tuple(factors)


def raise_if_map_overflows(*parts):
    """Raise an error where a fitted map has coefficients beyond the range of its float type.

    Parameters
    ----------
    *parts : ndarray
        Of the map.

    Raises
    ------
    ValueError
        If one is not finite.
    """
    if not all(np.isfinite(part).all() for part in parts):
        raise ValueError(
            "The map's coefficients overflow its float type: the values of X are too small beside "
            "those of y. Bring both to similar units first, for example each to unit variance."
        )


def raise_if_constant(moments):
    """Raise an error where one side never changes.

    Parameters
    ----------
    moments : PairedMoments
        Of the rows to be aligned.

    Raises
    ------
    ValueError
        If every column of X, or every column of y, has zero variance.
    """
    for mask, name in ((moments.x_constant, "X"), (moments.y_constant, "y")):
        if mask.all():
            raise ValueError(
                f"Every column of {name} has zero variance over the rows that count: its latents "
                "are all one point, and no map can be told from them. Look whether the model "
                "that made them has collapsed."
            )


def describe_deficit(n_rows, rank, needed, constant, intercept):
    """Say why anchors do not determine a map, and what to do.

    Parameters
    ----------
    n_rows, rank, needed : int
        Rows that count, directions they determine, and directions there are.

    constant : ndarray of bool
        Columns of X with zero variance.

    intercept : bool
        Whether one row is spent on the translation.

    Returns
    -------
    message : str
        A sentence or two.
    """
    directions = n_rows - 1 if intercept else n_rows
    if directions < needed:
        return (
            f"{n_rows} anchors are too few: they determine {rank} of {needed} directions. At "
            f"least {needed + n_rows - directions} are needed."
        )
    if constant.any():
        named = ", ".join(str(column) for column in np.flatnonzero(constant)[:10])
        return (
            f"The rows determine {rank} of {needed} directions. Columns of X with zero variance: "
            f"{named}."
        )
    return (
        f"The rows determine {rank} of {needed} directions: columns are linear combinations of "
        "each other."
    )

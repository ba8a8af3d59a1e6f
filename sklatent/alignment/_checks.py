"""What latents have to be, and what is said where they are not."""

import numpy as np

from sklatent._utils.array_api import elsewhere, to_numpy
from sklatent._utils.arrays import plain_numbers, row_slices

# A block of both sides holds about this many numbers: small enough for the processor's cache,
# large enough for the matrix product to run at full speed.
_BLOCK_NUMBERS = 2**20

_MAX_ROWS_NAMED = 5


def blocks(n_rows, width, least=64):
    """Slices over rows, of a size that suits rows of `width` numbers, or of `least` rows."""
    return row_slices(n_rows, max(least, _BLOCK_NUMBERS // max(1, width)))


def plain_latents(array, name):
    """Refuse what would be read as other numbers than it holds, or fail in another library's words.

    Arrays of other libraries stay what they are.

    Parameters
    ----------
    array : object
        What a user gave as latents.

    name : str
        What it is called.

    Returns
    -------
    array : object
        The same; lists as an array, and categories that are numbers as numbers.

    Raises
    ------
    ValueError
        If entries are masked, or categories are no numbers.

    TypeError
        If it holds dates, or is a tensor that records gradients.
    """
    if np.ma.isMaskedArray(array) and np.ma.getmaskarray(array).any():
        raise ValueError(
            f"{name} has masked entries. Remove these rows from both sides, or fill them."
        )
    if getattr(array, "requires_grad", False) is True:
        raise TypeError(f"{name} is a tensor that records gradients; give {name}.detach().")
    if str(getattr(array, "dtype", "")) == "torch.bfloat16":
        raise TypeError(f"{name} is of bfloat16, which numpy does not know; give {name}.float().")
    return array if hasattr(array, "detach") else plain_numbers(array, name)


def check_finite_rows(array, name):
    """Raise an error that names the rows of `array` that hold NaN or infinity.

    Parameters
    ----------
    array : array of shape (n_samples, n_columns)
        What to look at, block by block.

    name : str
        What it is called.

    Raises
    ------
    ValueError
        If a row is not finite.
    """
    for rows in blocks(array.shape[0], array.shape[1]):
        raise_if_not_finite(array[rows, :], rows.start, name)


def raise_if_not_finite(block, start, name):
    """Raise an error that names the rows of `block` with NaN or infinity, if there are any.

    Parameters
    ----------
    block : array of shape (n_rows, n_columns)
        Some rows of an array, of any library.

    start : int
        The first one's number in that array.

    name : str
        What the array is called.

    Raises
    ------
    ValueError
        If a row holds NaN or infinity.
    """
    place = elsewhere(block)
    if place is not None:
        xp = place[0]
        if not xp.isdtype(block.dtype, "real floating") or bool(xp.all(xp.isfinite(block))):
            return
        block = to_numpy(block)
    if block.dtype.kind != "f":
        return
    bad = ~np.isfinite(block)
    rows = np.flatnonzero(bad.any(axis=1))
    if rows.size == 0:
        return
    values = block[bad]
    # scikit-learn's own words first, since callers match on them.
    what = "NaN" if np.isnan(values).any() else f"infinity or a value too large for {block.dtype!r}"
    named = ", ".join(str(start + row) for row in rows[:_MAX_ROWS_NAMED])
    more = ", ..." if rows.size > _MAX_ROWS_NAMED else ""
    raise ValueError(
        f"Input {name} contains {what}. First seen in row(s) {named}{more}. Remove these rows "
        "from both sides, or impute them."
    )


def raise_if_overflown(xx, xy, name):
    """Raise an error where products are not finite: `xx` may be None, `name` is their type."""
    if not (np.isfinite(xy).all() and (xx is None or np.isfinite(xx).all())):
        raise ValueError(
            f"The products of X and y overflow {name}: the values are too large to be "
            "squared. Divide both sides by a constant first."
        )


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

"""What users hand over, as arrays of real numbers; their float type; blocks of their rows."""

import numpy as np
from scipy import sparse

from sklatent._utils.array_api import to_numpy

_NARROW = {"float16", "bfloat16", "float32"}
_ROWS_AT_A_TIME = 4096


def plain(values, name):
    """Hand over to scikit-learn's validation what it would take for other numbers, or choke on.

    Parameters
    ----------
    values : array-like, frame, sparse matrix or torch.Tensor
        What was given; of a Pipeline that begins with encoders, words and categories too.
    name : str
        What it is called.

    Returns
    -------
    object
        A tensor as an array, and anything else as it is.

    Raises
    ------
    TypeError
        If it holds dates or times.
    ValueError
        If entries are masked.
    """
    if np.ma.isMaskedArray(values) or hasattr(values, "detach"):
        values = to_array(values, name)
    if getattr(getattr(values, "dtype", None), "kind", "") in ("M", "m"):
        raise TypeError(f"{name} holds dates or times. Turn them into numbers first.")
    return values


def plain_numbers(values, name):
    """The same of what has to be numbers without anybody's help.

    Parameters
    ----------
    values : array-like, frame, sparse matrix or torch.Tensor
        What was given.
    name : str
        What it is called.

    Returns
    -------
    object
        A tensor, and nested lists, as an array; a frame with numbers in place of categories that
        are numbers; and anything else as it is.

    Raises
    ------
    TypeError
        If it holds dates or times.
    ValueError
        If entries are masked, a frame has categories that are no numbers, or two columns of one
        name.
    """
    if isinstance(values, (list, tuple)):
        values = to_array(values, name)
    values = plain(values, name)
    return _frame_of_numbers(values, name) if hasattr(values, "iloc") else values


def _frame_of_numbers(frame, name):
    """A pandas frame or series without what numpy would make objects of."""
    columns = list(getattr(frame, "columns", [frame.name] if frame.ndim == 1 else []))
    twice = sorted({str(column) for column in columns if columns.count(column) > 1})
    if twice:
        raise ValueError(f"{name} has several columns called {', '.join(twice)}. Rename them.")
    dtypes = [frame.dtype] if frame.ndim == 1 else list(frame.dtypes)
    numbers, words, times = {}, [], []
    for column, dtype in zip(columns, dtypes, strict=True):
        if hasattr(dtype, "categories"):
            kind = getattr(dtype.categories.dtype, "kind", "O")
            numbers[column] = "float64" if kind in "biuf" else words.append(str(column))
        elif hasattr(dtype, "subtype") and hasattr(dtype, "closed"):  # intervals
            words.append(str(column))
        elif getattr(dtype, "kind", "") in ("M", "m") or hasattr(dtype, "freq"):
            times.append(str(column))
    if words:
        raise ValueError(
            f"Of the columns of {name}, {', '.join(words[:10])} hold categories that are no "
            "numbers. Encode them first, for example with sklearn.preprocessing.OneHotEncoder."
        )
    if times:
        raise TypeError(
            f"Of the columns of {name}, {', '.join(times[:10])} hold dates or times. Turn them "
            "into numbers first."
        )
    if not numbers:
        return frame
    return frame.astype("float64" if frame.ndim == 1 else numbers)


def to_array(values, name):
    """Return anything array-like as an array of its own type; nothing masked, nothing sparse.

    Parameters
    ----------
    values : array-like
        What was given: of any library, on any device.
    name : str
        What it is called.

    Returns
    -------
    array : ndarray
        Of at least one dimension.

    Raises
    ------
    TypeError
        If it is sparse or no array at all.
    ValueError
        If entries are masked, or nested lists have several lengths.
    """
    if sparse.issparse(values):
        raise TypeError(f"{name} is sparse, but a dense array is needed: pass {name}.toarray().")
    if np.ma.isMaskedArray(values):
        if np.ma.is_masked(values):
            raise ValueError(
                f"{name} has masked entries, and what is masked has no value. Fill them, or leave "
                "their rows out."
            )
        values = values.data
    try:
        array = to_numpy(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{name} must be an array, or nested lists of equal lengths, got a "
            f"{type(values).__name__} that is neither."
        ) from error
    if array.ndim == 0:
        raise TypeError(f"{name} must be an array, got a {type(values).__name__}.")
    return array


def listed(values, name, what):
    """Return several things of a user's as a list, or say what was expected.

    Parameters
    ----------
    values : iterable
        What was given.
    name : str
        What it is called.
    what : str
        What it should have been, such as "fitted models".

    Returns
    -------
    list
        The things.

    Raises
    ------
    TypeError
        If they can't be gone through.
    """
    try:
        return list(values)
    except TypeError as error:
        raise TypeError(
            f"{name} must be a list of {what}, got a {type(values).__name__}."
        ) from error


def is_missing(value):
    """Whether a single value is None, NaN, NaT or pandas' NA."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        # Whether NA equals itself, pandas will not say.
        return type(value).__name__ == "NAType"


def to_numbers(values, name):
    """Return anything array-like as an array of real numbers, in its own floating type.

    Parameters
    ----------
    values : array-like
        What was given: of any library, on any device.
    name : str
        What it is called.

    Returns
    -------
    array : ndarray of bool, integers or floats
        Not yet looked through for NaN.

    Raises
    ------
    TypeError, ValueError
        If it is no array of real numbers.
    """
    array = to_array(values, name)
    if array.dtype.kind == "O":
        flat = array.ravel()
        if any(is_missing(value) for value in flat):
            raise ValueError(
                f"{name} contains NaN or other missing values. Fill them, or leave their rows out."
            )
        if all(isinstance(value, (bool, int, float, np.number, np.bool_)) for value in flat):
            try:
                array = array.astype(np.float64)
            except (TypeError, ValueError, OverflowError) as error:
                raise ValueError(f"{name} holds numbers beyond the range of float64.") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must hold real numbers, got dtype {array.dtype}. Encode strings, categories "
            "and dates as numbers first; take the real part or the magnitude of complex ones."
        )
    return array


def float_type(dtype):
    """Float type that data are worked on in: float32 for half and single, or float64."""
    # By name, which types of other libraries have too.
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype).rpartition(".")[2]
    return np.dtype(np.float32 if name in _NARROW else np.float64)


def row_slices(n_rows, step):
    """Slices of at most ``step`` rows, one after the other."""
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def same_bits(a, b):
    """Whether two arrays hold the same, missing entries included.

    Parameters
    ----------
    a, b : ndarray
        At least one-dimensional.

    Returns
    -------
    bool
        Compared row by row, so that a memory map is not read whole where the first ones differ.
    """
    if a is b:
        return True
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    for start in range(0, len(a), _ROWS_AT_A_TIME):
        part = slice(start, start + _ROWS_AT_A_TIME)
        if not (_bits(a[part]) == _bits(b[part])).all():
            return False
    return True


def _bits(block):
    """Numbers as whole numbers of their bits, of which a missing entry is the same as another."""
    size = block.dtype.itemsize
    kind = f"u{size}" if size in (1, 2, 4, 8) else "u1"
    return np.ascontiguousarray(block).reshape(-1).view(kind)

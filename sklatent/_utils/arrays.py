"""What users hand over, as arrays of real numbers: masks, tensors, dates and strings looked at."""

import numpy as np
from scipy import sparse


def plain(values, name):
    """Hand over to scikit-learn's validation what it would take for other numbers, or choke on.

    Parameters
    ----------
    values : array-like, frame, sparse matrix or torch.Tensor
        What was given.
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


def to_array(values, name):
    """Return anything array-like as an array of its own type; nothing masked, nothing sparse.

    Parameters
    ----------
    values : array-like or torch.Tensor
        What was given.
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
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        # numpy has no bfloat16; a wider type holds its values exactly.
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{name} must be an array, or nested lists of equal lengths, got a "
            f"{type(values).__name__} that is neither."
        ) from error
    if array.ndim == 0:
        raise TypeError(f"{name} must be an array, got a {type(values).__name__}.")
    return array


def is_missing(value):
    """Whether a single value is None, NaN, NaT or pandas' NA: what does not equal itself."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return True


def to_numbers(values, name):
    """Return anything array-like as an array of real numbers, in its own floating type.

    Parameters
    ----------
    values : array-like or torch.Tensor
        What was given.
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

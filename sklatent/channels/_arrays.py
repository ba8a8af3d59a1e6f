"""What users hand over to channels, as arrays: of finite real numbers, or of labels."""

import numbers

import numpy as np
from scipy import sparse

from sklatent._utils.arrays import is_missing, to_array


def readable(values, name):
    """Refuse what scikit-learn's validation would misread, or refuse in somebody else's words.

    Parameters
    ----------
    values : array-like
        What was given for a matrix of numbers.

    name : str
        What it is called.

    Returns
    -------
    values : array-like
        The same; of a tensor, its numbers.

    Raises
    ------
    ValueError
        If entries are masked, strings or dates, or rows have several lengths.
    """
    if values is None or sparse.issparse(values):
        return values
    if np.ma.is_masked(values) or hasattr(values, "detach"):
        return to_array(values, name)
    try:
        array = np.asarray(values)
    except ValueError:
        array = to_array(values, name)
    words = array.dtype.kind == "O" and any(isinstance(value, str) for value in array.flat)
    if array.dtype.kind in "USmM" or words:
        raise ValueError(
            f"{name} must hold real numbers, got strings, categories or dates (dtype "
            f"{array.dtype}). Encode those columns as numbers first, or leave them out."
        )
    return values


def as_floats(values, name):
    """Turn anything array-like into finite float64.

    Parameters
    ----------
    values : array-like
        What was given.

    name : str
        What it is called.

    Returns
    -------
    array : ndarray of float64
        The same numbers.

    Raises
    ------
    ValueError
        If an entry is no real number, or not finite.
    """
    array = to_array(values, name)
    if array.dtype.kind == "O":
        # Columns of several types, or of pandas' nullable ones, come as objects.
        array = _object_floats(array, name)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got an array of dtype {array.dtype}.")
    with np.errstate(over="ignore"):
        array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name} contains NaN or infinity. Every posterior needs a finite mean and a finite "
            "variance above zero; a model that diverged has none."
        )
    return array


def _object_floats(array, name):
    for value in array.flat:
        if not (is_missing(value) or isinstance(value, (numbers.Real, np.bool_))):
            raise ValueError(
                f"{name} must hold real numbers, got {value!r} of type {type(value).__name__}."
            )
    flat = [np.nan if is_missing(value) else float(value) for value in array.flat]
    return np.array(flat, dtype=np.float64).reshape(array.shape)


def encode_labels(y):
    """Number the values of each column of labels.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_factors)
        Labels of any type; a frame's columns may be of several.

    Returns
    -------
    labels : ndarray of int64 of shape (n_factors, n_samples)
        Equal labels have equal numbers.

    Raises
    ------
    ValueError
        If shapes are wrong or a label is missing.
    """
    if isinstance(y, (list, tuple)):
        # Left to itself numpy makes strings of a list of strings and NaN, the NaN included.
        try:
            y = np.array([list(row) if isinstance(row, tuple) else row for row in y], dtype=object)
        except ValueError as error:
            raise ValueError(
                "y must have shape (n_samples,) or (n_samples, n_factors), got rows of several "
                "lengths."
            ) from error
    elif hasattr(y, "columns") or hasattr(y, "to_numpy"):
        # A frame of one type throughout keeps it; others become columns of objects.
        y = y.to_numpy()
    y = to_array(y, "y")
    y = y[:, None] if y.ndim == 1 else y
    if y.ndim != 2 or not y.size:
        raise ValueError(
            f"y must have shape (n_samples,) or (n_samples, n_factors), got {y.shape}."
        )
    return np.stack([_number_values(column, k) for k, column in enumerate(y.T)])


def _number_values(column, k):
    kind = column.dtype.kind
    if kind == "O":
        missing = np.array([is_missing(value) for value in column])
    elif kind in "fc":
        missing = ~np.isfinite(column)
    else:
        missing = np.isnat(column) if kind in "mM" else np.zeros(len(column), dtype=bool)
    if missing.any():
        raise ValueError(
            f"y contains NaN, infinity or another missing value: column {k} has "
            f"{missing.sum()} of {len(column)}, the first in row {missing.argmax()}. Every sample "
            "needs a label: drop those rows, or give what is missing a label of its own."
        )
    if kind != "O":
        return np.unique(column, return_inverse=True)[1].ravel().astype(np.int64)
    found = {}
    try:
        return np.array([found.setdefault(value, len(found)) for value in column], dtype=np.int64)
    except TypeError as error:
        raise ValueError(
            f"Column {k} of y holds values that are no labels, such as {column[0]!r}."
        ) from error


def check_numbers(numbers, name, default):
    """Numbers of models or components, one for each channel."""
    numbers = default if numbers is None else to_array(numbers, name)
    if numbers.shape != default.shape or numbers.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must hold one integer for each of the {len(default)} channels, got an array "
            f"of shape {numbers.shape} and dtype {numbers.dtype}."
        )
    return numbers


def check_whole_number(value, name, smallest):
    """Refuse what is no whole number (True is none), or too small.

    Parameters
    ----------
    value : object
        What was given.

    name : str
        What it is called.

    smallest : int
        The smallest that makes sense.

    Raises
    ------
    TypeError
        If it is no whole number.

    ValueError
        If it is too small.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"{name} must be a whole number, got {value!r} of type {type(value).__name__}."
        )
    if value < smallest:
        raise ValueError(f"{name} must be at least {smallest}, got {value}.")

"""Arrays of other libraries than numpy, where scikit-learn is told to dispatch on them."""

import numpy as np
from sklearn import get_config
from sklearn.utils._array_api import (
    _is_numpy_namespace,
    _max_precision_float_dtype,
    get_namespace_and_device,
)

# What numpy has no type for; a wider one holds its values exactly.
_HALF = "torch.bfloat16"


def elsewhere(array):
    """Find the namespace and device of an array that is to be dispatched on.

    Parameters
    ----------
    array : object
        What a user gave.

    Returns
    -------
    place : tuple of (module, object) or None
        None for numpy's arrays, for lists and frames, and without ``array_api_dispatch``: what is
        read as an array of numpy.
    """
    if not get_config()["array_api_dispatch"] or isinstance(array, np.ndarray):
        return None
    xp, is_array_api, device = get_namespace_and_device(array)
    return None if not is_array_api or _is_numpy_namespace(xp) else (xp, device)


def to_numpy(array):
    """Return an array of any library, on any device, as one of numpy.

    Parameters
    ----------
    array : object
        An array, which is not copied where it is numpy's or shares its memory, or a list.

    Returns
    -------
    array : ndarray
        Of the same type; bfloat16 becomes float32.
    """
    if isinstance(array, np.ndarray):
        return array
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        return np.asarray(array.float() if str(array.dtype) == _HALF else array)
    if hasattr(array, "__array_namespace__") and not isinstance(array, np.generic):
        return array.get() if hasattr(array, "get") else np.from_dlpack(array)
    return np.asarray(array)


def like(values, place):
    """Take an array of numpy to a place, in its own float type or the widest that there is.

    Parameters
    ----------
    values : ndarray
        Of numbers.

    place : tuple of (module, object) or None
        What `elsewhere` returns; None leaves the array where it is.

    Returns
    -------
    array : array
        Of that namespace, on that device.
    """
    if place is None:
        return values
    xp, device = place
    if values.dtype == np.float64 and _max_precision_float_dtype(xp, device) != xp.float64:
        values = values.astype(np.float32)
    return xp.asarray(values, device=device)


def widened(array, place):
    """Return an array of another library in the widest float type that its device has."""
    xp, device = place
    return xp.astype(array, _max_precision_float_dtype(xp, device))


def moved(array, place):
    """Take what a user gave to a place: None stays, all else goes by way of numpy.

    Parameters
    ----------
    array : object
        An array of any library, a list, a frame or None.

    place : tuple of (module, object) or None
        What `elsewhere` returns; None is numpy's.

    Returns
    -------
    array : object
        As it came where it is there already, or where it needs numpy's own reading.
    """
    own = elsewhere(array)
    if array is None or own == place:
        return array
    return like(to_numpy(array), place)


def raise_if_elsewhere(X, fitted, method):
    """Raise an error where rows are not of the namespace and device of what was fitted.

    Parameters
    ----------
    X : object
        What a method was given.

    fitted : array
        Something that was fitted.

    method : str
        As "LinearAligner.transform".

    Raises
    ------
    ValueError
        With both namespaces and devices; never without ``array_api_dispatch``.
    """
    if not get_config()["array_api_dispatch"] or elsewhere(X) == elsewhere(fitted):
        return
    here, there = (
        "numpy" if place is None else f"{place[0].__name__} on {place[1]}"
        for place in (elsewhere(X), elsewhere(fitted))
    )
    raise ValueError(
        f"Inputs passed to {method}() must use the same namespace and the same device as those "
        f"passed to fit(): they are of {here}, and fit() was given {there}. Move them, or fit anew."
    )

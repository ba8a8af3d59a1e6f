"""Rows of other libraries than numpy, summed up on their own device."""

import numpy as np
from sklearn.utils.validation import check_array, check_consistent_length

from sklatent._utils.array_api import elsewhere, to_numpy, widened

_SAME = 10  # times rounding: how far the values of a constant column may be apart


def centred_elsewhere(arrays, names, *, min_samples=2):
    """Return arrays less their means, in float64, where they lie; None where numpy reads one.

    Parameters
    ----------
    arrays : list of array of shape (n_samples, n_columns)
        What users gave.
    names : list of str
        What they are called.
    min_samples : int, default=2
        How few rows are refused.

    Returns
    -------
    centred : list of (array, ndarray) or None
        The rows less their mean, and the mean. A column that is constant up to the rounding of its
        own type becomes zero. None unless all are under `array_api_dispatch` and on one device.
    """
    places = [elsewhere(array) for array in arrays]
    if places[0] is None or any(place != places[0] for place in places):
        return None
    xp = places[0][0]
    centred = []
    for array, name in zip(arrays, names, strict=True):
        array = check_array(array, dtype="numeric", ensure_min_samples=min_samples, input_name=name)
        own = xp.finfo(array.dtype).eps if xp.isdtype(array.dtype, "real floating") else 0.0
        array = widened(array, places[0])
        largest = xp.max(xp.abs(array), axis=0)
        mean = xp.mean(array, axis=0)
        mean = mean + xp.mean(array - mean, axis=0)  # what rounding left of it
        rounding = _SAME * max(float(own), float(xp.finfo(array.dtype).eps))
        varies = xp.max(xp.abs(array - mean), axis=0) > rounding * largest
        centred.append(((array - mean) * xp.astype(varies, array.dtype), to_numpy(mean)))
    check_consistent_length(*(rows for rows, _ in centred))
    return centred


def condensed(arrays, names):
    """Return a few rows with the means and covariances of many, within and between arrays.

    Parameters
    ----------
    arrays : list of array of shape (n_samples, n_columns)
        What users gave, of the same samples.
    names : list of str
        What they are called.

    Returns
    -------
    arrays : list of array
        As they came, unless they are of another library and taller than twice their width
        together: then numpy's, with as many rows as that. What depends on rows by their means
        and covariances only, as least squares, Procrustes and canonical correlation do, is the
        same of these.
    """
    width = sum(array.shape[1] for array in arrays if getattr(array, "ndim", 0) == 2)
    if elsewhere(arrays[0]) is None or arrays[0].shape[0] <= 2 * width:
        return arrays
    centred = centred_elsewhere(arrays, names)
    if centred is None:
        return arrays
    xp = elsewhere(arrays[0])[0]
    triangle = xp.linalg.qr(xp.concat([rows for rows, _ in centred], axis=1))[1]
    triangle = to_numpy(triangle) * np.sqrt(width / arrays[0].shape[0])
    means = np.concatenate([mean for _, mean in centred])
    rows = np.vstack([means + triangle, means - triangle])
    ends = np.cumsum([len(mean) for _, mean in centred])[:-1]
    return np.split(rows, ends, axis=1)

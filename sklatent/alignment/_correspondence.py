"""Finding rows of two spaces that stand for the same thing."""

from itertools import pairwise
from numbers import Integral

import numpy as np
from sklearn.utils._missing import is_pandas_na
from sklearn.utils.validation import check_array, column_or_1d

from sklatent._utils.arrays import to_array
from sklatent.alignment._checks import check_finite_rows, plain_latents
from sklatent.alignment._moments import float_type


def check_labels(labels, n_rows, name):
    """Validate one label per row.

    Parameters
    ----------
    labels : array-like of shape (n_rows,)
        Numbers or strings.

    n_rows : int
        How many there must be.

    name : str
        What they are called in messages.

    Returns
    -------
    labels : ndarray of shape (n_rows,)
        As an array.

    Raises
    ------
    ValueError
        If they are not 1-D, of another length, or some are missing.
    """
    labels = _exact_array(labels)
    if labels.dtype.kind == "c" or labels.ndim > 2 or (labels.ndim == 2 and labels.shape[1] != 1):
        raise ValueError(
            f"{name} must be a 1d array, a number, string or date for each row, got an array of "
            f"{labels.dtype} of shape {labels.shape}. Join the columns of a compound name into one."
        )
    labels = column_or_1d(labels)
    if labels.shape[0] != n_rows:
        raise ValueError(f"{name} has {labels.shape[0]} entries for {n_rows} rows of latents.")
    if labels.dtype == object:
        missing = np.flatnonzero([_is_missing(label) for label in labels])
    else:
        missing = np.flatnonzero(
            labels != labels
        )  # NaN and NaT are all that differ from themselves
    if missing.size:
        raise ValueError(
            f"{name} is missing in row(s) {', '.join(map(str, missing[:5]))}"
            f"{', ...' if missing.size > 5 else ''}. Leave these rows out."
        )
    return labels


def _exact_array(values):
    """Values as an array in which none was rounded and none that was masked is taken for real."""
    if np.ma.isMaskedArray(values):
        return np.where(np.ma.getmaskarray(values), None, values.astype(object))
    if getattr(values, "requires_grad", False) is True:
        raise TypeError("Labels and identifiers must not be tensors that record gradients.")
    array = to_array(values, "labels and identifiers")
    # A list of integers that no integer type of numpy holds becomes floats, rounded.
    if array.dtype.kind == "f" and isinstance(values, list | tuple):
        exact = np.empty(len(values), object)
        exact[:] = values
        if array.ndim == 1 and any(isinstance(value, Integral) for value in values):
            return exact
    return array


def _is_missing(label):
    if label is None or is_pandas_na(label):
        return True
    different = label != label
    return isinstance(different, bool | np.bool_) and bool(different)


def class_mean_anchors(X, labels):
    """Average the latents of each class: anchors that need labels but no paired samples.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Latents.

    labels : array-like of shape (n_samples,)
        Class of each row, numbers or strings.

    Returns
    -------
    anchors : ndarray of shape (n_classes, n_features)
        Means, in the order of ``numpy.unique(labels)``; so two spaces whose labels are the same
        set give anchors in correspondence. Of float32 where X is, else of float64.

    Raises
    ------
    ValueError
        If X holds NaN or infinity, or `labels` does not give one label per row.

    See Also
    --------
    ICPAligner : Goes on from class means to matching single samples.

    Notes
    -----
    There are only as many anchors as classes: fewer than dimensions, in most spaces, so a linear
    map through them is under-determined (section 4.2.3 of the paper).

    References
    ----------
    Lähner and Moeller, "On the direct alignment of latent spaces", section 4.2.3 and table 4.

    Examples
    --------
    >>> from sklatent.alignment import class_mean_anchors
    >>> class_mean_anchors([[0.0, 1.0], [2.0, 3.0], [9.0, 9.0]], ["a", "a", "b"])
    array([[1., 2.],
           [9., 9.]])
    """
    X = plain_latents(X, "X")
    X = check_array(X, dtype="numeric", ensure_all_finite=False)
    check_finite_rows(X, "X")
    labels = check_labels(labels, X.shape[0], "labels")
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in labels})
        raise TypeError(
            f"labels mix types that have no order among them: {', '.join(kinds)}. Convert them to "
            "one, such as str."
        ) from error
    # A stable sort, so that a class's mean is summed in the order of its rows.
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(classes) + 1))
    means = np.empty((len(classes), X.shape[1]), float_type(X.dtype))
    for code, (start, stop) in enumerate(pairwise(bounds)):
        means[code] = X[order[start:stop]].mean(axis=0, dtype=np.float64)
    return means


def matched_rows(ids_a, ids_b):
    """Find the rows of two data sets that have the same identifier.

    Parameters
    ----------
    ids_a : array-like of shape (n_a,)
        Identifier of each row of the first: numbers or strings, none twice.

    ids_b : array-like of shape (n_b,)
        Identifier of each row of the second, of the same kind.

    Returns
    -------
    rows_a : ndarray of shape (n_matched,)
        Rows of the first whose identifier the second has too, ascending.

    rows_b : ndarray of shape (n_matched,)
        The rows of the second with the same identifiers: ``ids_a[rows_a] == ids_b[rows_b]``.

    Raises
    ------
    ValueError
        If an identifier occurs twice on one side, is missing, or none is shared.

    Examples
    --------
    >>> from sklatent.alignment import matched_rows
    >>> rows_a, rows_b = matched_rows(["x", "y", "z"], ["z", "w", "x"])
    >>> rows_a, rows_b
    (array([0, 2]), array([2, 0]))
    """
    sides = [
        check_labels(ids, len(np.atleast_1d(_exact_array(ids))), name)
        for ids, name in ((ids_a, "ids_a"), (ids_b, "ids_b"))
    ]
    if sides[0].dtype == sides[1].dtype and sides[0].dtype.kind in "biuUSM":
        for ids, name in zip(sides, ("ids_a", "ids_b"), strict=True):
            values, counts = np.unique(ids, return_counts=True)
            _raise_if_twice(values[counts > 1][:5].tolist(), name)
        _, rows_a, rows_b = np.intersect1d(*sides, assume_unique=True, return_indices=True)
        order = np.argsort(rows_a)
        rows_a, rows_b = rows_a[order], rows_b[order]
    else:
        # Python compares numbers of any types exactly; numpy would bring both to one type first.
        places = [_places(ids, name) for ids, name in zip(sides, ("ids_a", "ids_b"), strict=True)]
        pairs = [(row, places[1][key]) for key, row in places[0].items() if key in places[1]]
        rows_a, rows_b = np.array(pairs, np.intp).reshape(-1, 2).T
    if rows_a.size == 0:
        examples = [repr(ids[:1].tolist()[0]) if ids.size else "nothing" for ids in sides]
        raise ValueError(
            f"No identifier is on both sides. ids_a begins with {examples[0]}, ids_b with "
            f"{examples[1]}; look whether they are of one kind."
        )
    return rows_a, rows_b


def _raise_if_twice(twice, name):
    if twice:
        raise ValueError(
            f"{name} has identifiers that occur more than once, so that their row is ambiguous: "
            f"{', '.join(map(repr, twice))}. Keep one row of each."
        )


def _keys(ids):
    """Identifiers as Python objects that are equal where they mean the same."""
    if ids.dtype.kind not in "mM":
        return ids.tolist()
    # Whole microseconds become Python's own times, in whatever unit they came.
    unit = f"{ids.dtype.kind}8[us]"
    whole = ids.astype(unit)
    return [
        key if exact else (ids.dtype.str, number)
        for key, exact, number in zip(
            whole.tolist(), whole == ids, ids.astype(np.int64).tolist(), strict=True
        )
    ]


def _places(ids, name):
    """Row of each identifier."""
    keys = _keys(ids)
    try:
        places = {key: row for row, key in enumerate(keys)}
    except TypeError as error:
        raise TypeError(
            f"{name} holds objects that can't be compared by value; give numbers, strings or dates."
        ) from error
    if len(places) < len(keys):
        seen, twice = set(), []
        for key in keys:
            if key in seen:
                twice.append(key)
            seen.add(key)
        _raise_if_twice(twice[:5], name)
    return places

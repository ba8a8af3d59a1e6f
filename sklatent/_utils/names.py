"""Keys of rows: what their random numbers are drawn for."""

import hashlib
from numbers import Integral

import numpy as np

from sklatent._utils.arrays import is_missing, to_array


def row_keys(X, sample_ids=None):
    """Find the rows' keys, from their names where they have any.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Data as the user gave them; a frame's index names its rows where it is unique.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows, all different. They win over an index.

    Returns
    -------
    keys : ndarray of uint64 of shape (n_samples,) or None
        A whole number is its own key, and any other name has that of its text. None where rows
        have no names: the position is the key.

    Raises
    ------
    ValueError
        If names are missing, or too few or many, or not all different.
    """
    if sample_ids is None:
        index = getattr(X, "index", None)
        if not hasattr(X, "iloc") or not index.is_unique or bool(index.hasnans):
            return None
        names = index
    else:
        names = to_array(sample_ids, "sample_ids")
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if names.shape != (n_rows,):
            raise ValueError(
                f"sample_ids has shape {names.shape}, expected ({n_rows},): one name for each row "
                "of X."
            )
        if names.dtype.kind in "cV":
            raise ValueError(
                f"sample_ids holds {names.dtype}, and names of rows are whole numbers or strings."
            )
    keys = _keys(names)
    if sample_ids is not None and len(np.unique(keys)) != len(keys):
        raise ValueError(
            "sample_ids holds a name more than once; give each row a name of its own, or leave "
            "sample_ids out."
        )
    return keys if len(np.unique(keys)) == len(keys) else None


def _keys(names):
    array = np.asarray(names)
    if array.dtype.kind in "iu":
        return (
            array.astype(np.int64).view(np.uint64)
            if array.dtype.kind == "i"
            else (array.astype(np.uint64))
        )
    return np.array([_key(name) for name in array.tolist()], dtype=np.uint64)


def _key(name):
    if is_missing(name):
        raise ValueError(
            "sample_ids holds a missing name; give each row a name, or leave sample_ids out."
        )
    if isinstance(name, Integral):
        return int(name) % 2**64
    text = name if isinstance(name, str) else repr(name)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def as_table_like(X, table):
    """X as a frame with a table's columns, if that is one: whoever knows names wants them."""
    if not hasattr(table, "columns"):
        return X
    if hasattr(table, "iloc"):
        return type(table)(X, columns=table.columns)
    return type(table)(X, schema=list(table.columns))

"""Rows in a dask array: more than fit into memory, in blocks that are computed when asked for."""

import numpy as np

from sklatent._utils.arrays import float_type


def is_dask(X):
    """Whether rows are a dask array, without importing dask for it."""
    return type(X).__module__.split(".")[0] == "dask" and hasattr(X, "map_blocks")


def map_dask(function, X, n_columns=None, **settings):
    """Apply a function of rows to each block of them, some time later.

    Parameters
    ----------
    function : callable
        ``function(rows, **settings)`` of whole rows.
    X : dask array of shape (n_samples, n_features)
        Rows.
    n_columns : int, default=None
        How many columns come back; None is a number for each row.
    **settings : dict
        Handed on.

    Returns
    -------
    dask array of shape (n_samples, n_columns) or (n_samples,)
        Not computed yet.
    """
    X, dtype = X.rechunk({1: -1}), float_type(X.dtype)
    if n_columns is None:
        meta = np.empty(0, dtype)
        return X.map_blocks(function, dtype=dtype, drop_axis=1, meta=meta, **settings)
    chunks, meta = (X.chunks[0], (n_columns,)), np.empty((0, n_columns), dtype)
    return X.map_blocks(function, dtype=dtype, chunks=chunks, meta=meta, **settings)

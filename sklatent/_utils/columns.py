"""Some columns of a table, chosen without copying all of it."""

import numpy as np
from scipy import sparse


class ChosenColumns:
    """Columns of a memory-mapped array that do not lie side by side, read a few rows at a time.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The whole table.
    columns : ndarray of shape (n_columns,), integer
        Which.
    """

    ndim = 2

    def __init__(self, X, columns):
        self.X = X
        self.columns = columns
        self.dtype = X.dtype
        self.shape = (X.shape[0], len(columns))

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        return self.X[rows][..., self.columns]


def choose_columns(X, columns):
    """Columns of an array, memory map or CSR matrix: a view wherever there can be one."""
    if len(columns) and not sparse.issparse(X):
        first, n = columns[0], len(columns)
        if np.array_equal(columns, np.arange(first, first + n)):
            return X[:, first : first + n]
        if is_memory_mapped(X):
            return ChosenColumns(X, columns)
    return X[:, columns]


def is_memory_mapped(X):
    """Whether an array's data lie in a mapped file (views of one included)."""
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            return True
        X = X.base
    return False

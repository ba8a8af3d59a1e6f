"""CSR matrices, a few rows at a time."""

import numpy as np
from scipy import sparse


def dense(rows):
    """Rows of an array or a CSR matrix as an array."""
    return rows.toarray() if sparse.issparse(rows) else rows


def dense_blocks(X, size):
    """All rows of X as arrays of at most `size` rows."""
    return (dense(X[start : start + size]) for start in range(0, X.shape[0], size))


def contents(X):
    """Arrays that say what an array or a CSR matrix holds, whatever order its entries are in."""
    if not sparse.issparse(X):
        return [np.asarray(X)]
    X = X.copy()
    X.sum_duplicates()
    X.eliminate_zeros()
    return [np.array(X.shape), X.indptr.astype(np.int64), X.indices.astype(np.int64), X.data]


def stacked(tables):
    """Tables of one kind, one below the other."""
    if sparse.issparse(tables[0]):
        return sparse.vstack(tables, format="csr")
    return np.concatenate(tables)

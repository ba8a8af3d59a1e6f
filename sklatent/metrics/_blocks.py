"""Moments of arrays taller than memory allows copies of: a block of rows at a time."""

import numpy as np

from sklatent._utils.arrays import row_slices

_BLOCK_BYTES = 1 << 23
_EPS = np.finfo(np.float64).eps


def row_blocks(n_samples, width):
    """Slices of rows that take some megabytes in float64."""
    return row_slices(n_samples, max(256, _BLOCK_BYTES // (8 * max(1, width))))


def binary_exponent(values, axis=None):
    """Exponent of the power of two just above the largest magnitude; 0 for zeros."""
    return np.frexp(np.maximum(values.max(axis=axis), -values.min(axis=axis)).astype(np.float64))[1]


class Columns:
    """Columns of an array, each divided by a power of two, centred, in float64, block by block.

    Parameters
    ----------
    array : ndarray of shape (n_samples, n_columns)
        Finite numbers.
    eps : float
        Rounding of its values, below which a column counts as constant.
    weight : ndarray of shape (n_samples,), default=None
        Weights that add up to one.
    common : bool, default=True
        Whether one power of two is for all columns, so that their proportions stay.
    """

    def __init__(self, array, eps=_EPS, weight=None, common=True):
        self.array, self.weight = array, weight
        own = binary_exponent(array, axis=0)
        self.exponent = (
            np.full_like(own, own[array.any(axis=0)].max(initial=-1100)) if (common) else own
        )
        if not array.any():
            self.exponent = own
        self.center, self.constant = np.zeros(array.shape[1]), np.zeros(array.shape[1], bool)
        # A second pass takes out what rounding left of the mean in the first.
        self.shift = 0.0
        first = self._mean()
        self.center = first
        self.shift = self._mean()
        variance = self._mean(square=True)
        largest = np.ldexp(np.maximum(array.max(axis=0), -array.min(axis=0)).astype(np.float64),
                           -self.exponent)  # fmt: skip
        self.constant = np.sqrt(variance) <= 10 * eps * largest
        self.variance = np.where(self.constant, 0.0, variance)

    def _mean(self, square=False):
        total = np.zeros(self.array.shape[1])
        for rows, block in self.blocks():
            values = block**2 if square else block
            if self.weight is None:
                total += values.sum(axis=0) / len(self.array)
            else:
                total += self.weight[rows] @ values
        return total

    def blocks(self):
        """Yield rows and their centred values."""
        for rows in row_blocks(*self.array.shape):
            yield rows, self[rows]

    def __getitem__(self, rows):
        block = np.ldexp(self.array[rows].astype(np.float64, copy=False), -self.exponent)
        block -= self.center
        block -= self.shift
        block[:, self.constant] = 0.0
        return block

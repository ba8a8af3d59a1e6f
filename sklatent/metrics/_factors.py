"""True factors of variation: which are discrete, and what is missing in them."""

import numbers

import numpy as np

from sklatent._utils.arrays import is_missing, to_array
from sklatent.metrics._blocks import binary_exponent

# A numeric factor of more values than this, each with fewer samples than that, is continuous; and
# any of more than the last, which no metric could tell apart (the objects of Cars3D are 183).
_FEW_VALUES, _SAMPLES_EACH, _MANY_VALUES = 50, 20, 200
# What becomes of missing values in numpy's arrays of strings.
_MISSING_WORDS = ("nan", "NaT", "<NA>")


def _columns(factors):
    """Return the columns as arrays or lists of a type of their own, and whether each is labels."""
    if hasattr(factors, "iloc"):
        frame = factors.to_frame() if factors.ndim == 1 else factors
        columns = [frame.iloc[:, j] for j in range(frame.shape[1])]
        labels = [hasattr(column, "cat") for column in columns]
        return [np.asarray(column) for column in columns], labels
    if hasattr(factors, "get_columns"):
        columns = [column.to_numpy() for column in factors.get_columns()]
        return columns, [False] * len(columns)
    if isinstance(factors, (list, tuple)) and np.asarray(factors, dtype=object).ndim <= 2:
        # As objects: numpy would turn the numbers and NaN beside a string into strings.
        factors = np.array(factors, dtype=object)
    factors = to_array(factors, "factors")
    factors = factors[:, None] if factors.ndim == 1 else factors
    if factors.ndim != 2:
        raise ValueError(f"factors must have shape (n_samples, n_factors), got {factors.shape}.")
    return list(factors.T), [False] * factors.shape[1]


def _refuse_missing(j, column):
    if column.dtype.kind == "f":
        if not np.isfinite(column).all():
            raise ValueError(
                f"Factor {j} contains NaN or infinity. Leave those samples out, of codes and "
                "factors."
            )
        return
    missing = any(is_missing(value) for value in column) if column.dtype.kind == "O" else False
    if column.dtype.kind in "US":
        missing = np.isin(column.astype(str), _MISSING_WORDS).any()
    if missing:
        raise ValueError(
            f"Factor {j} holds missing values. They are no value of a factor: leave those samples "
            "out, of codes and factors, or name them as a category of their own."
        )


def _typed(j, column):
    """Return a column of objects as strings or numbers; exactly, or not at all."""
    if all(isinstance(value, (str, bytes)) for value in column):
        return column.astype(str)
    if all(isinstance(value, (numbers.Real, np.bool_)) for value in column):
        typed = np.array(column.tolist())
        if typed.dtype.kind in "biuf" and all(
            a == b for a, b in zip(typed.tolist(), column, strict=True)
        ):
            return typed
    raise ValueError(
        f"Factor {j} holds values of several types, or that are neither numbers nor strings."
    )


def _checked_columns(factors, n_samples, min_factors):
    """Yield index, values and whether they are labels of each column, nothing missing."""
    columns, labels = _columns(factors)
    n_rows = len(columns[0]) if columns else 0
    if n_rows != n_samples:
        raise ValueError(
            f"codes and factors must have the same number of rows, got {n_samples} and {n_rows}."
        )
    if len(columns) < min_factors:
        raise ValueError(
            f"This metric compares factors and needs at least {min_factors}, got {len(columns)}."
        )
    for j, (column, is_label) in enumerate(zip(columns, labels, strict=True)):
        if column.dtype.kind == "T":  # numpy's strings of variable length
            column = column.astype(object)
        _refuse_missing(j, column)
        if column.dtype.kind == "O":
            column = _typed(j, column)
            _refuse_missing(j, column) if column.dtype.kind == "f" else None
        if column.dtype.kind not in "biufUS":
            raise ValueError(
                f"Factor {j} has dtype {column.dtype}, but a factor holds numbers, strings or "
                "categories. Turn dates into numbers first."
            )
        yield j, column, is_label or column.dtype.kind in "bUS"


def _refuse_constant(j, n_values):
    if n_values < 2:
        raise ValueError(
            f"Factor {j} takes one value only, so nothing can be said about it. Drop the column or "
            "take samples in which it varies."
        )


def _is_continuous(n_values, n_samples):
    """Whether numbers with so many different values measure something instead of naming it."""
    if n_values > 2 and n_values > n_samples / 2:
        return True
    few_each = n_values > _FEW_VALUES and n_samples < _SAMPLES_EACH * n_values
    return few_each or n_values > _MANY_VALUES


def equal_width_bins(codes, n_bins):
    """Bin each column into intervals of equal width over its range.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_columns)
        Numbers.

    n_bins : int
        How many.

    Returns
    -------
    binned : ndarray of int of shape (n_samples, n_columns)
        From 0 to `n_bins - 1`.
    """
    binned = np.zeros(codes.shape, dtype=np.intp)
    for column, code in enumerate(codes.T):
        code = np.ldexp(code, -binary_exponent(code))
        low, high = code.min(), code.max()
        edges = np.linspace(low, high, n_bins + 1)
        # The inner edges alone: the largest value belongs to the last bin, and rounding cannot
        # push the smallest below the first. A constant code falls into one bin.
        binned[:, column] = np.searchsorted(edges[1:-1], code, side="right")
    return binned


def encode_factors(factors, n_samples, *, min_factors=1, factor_bins=None):
    """Return discrete factors as integers 0, 1, ..., of shape (n_samples, n_factors).

    Strings, categories and booleans are discrete. Numbers, whole or not, are continuous if there
    are more different ones than half the samples, more than 50 with fewer than 20 samples each, or
    more than 200: milliseconds, degrees, pixels. They are binned into `factor_bins` intervals of
    equal width, and refused where that is None.
    """
    encoded = []
    for j, column, is_label in _checked_columns(factors, n_samples, min_factors):
        values, codes = np.unique(column, return_inverse=True)
        _refuse_constant(j, len(values))
        if not is_label and _is_continuous(len(values), n_samples):
            if factor_bins is not None:
                numbers = np.asarray(column, dtype=np.float64)[:, None]
                binned = equal_width_bins(numbers, factor_bins)[:, 0]
                encoded.append(np.unique(binned, return_inverse=True)[1].reshape(-1))
                continue
            alone = " No two samples share one:" if len(values) == n_samples else " Either"
            raise ValueError(
                f"Factor {j} takes {len(values)} different values in {n_samples} samples.{alone} "
                "there are too few samples of each, or it is not discrete as this metric expects. "
                "Bin it: factor_bins=20 makes intervals of equal width of such factors, and "
                "sklearn.preprocessing.KBinsDiscretizer(encode='ordinal') others; for dci_scores "
                "pass a regressor as estimator, and for separated_attribute_predictability "
                "continuous_factors=True. Numbers that are mere names, pass as strings or "
                "categories."
            )
        encoded.append(codes.reshape(-1))
    return np.column_stack(encoded)


def numeric_factors(factors, n_samples, *, min_factors=1):
    """Return continuous factors as a float64 array of shape (n_samples, n_factors)."""
    numeric = []
    for j, column, _ in _checked_columns(factors, n_samples, min_factors):
        if column.dtype.kind in "US":
            raise ValueError(f"Factor {j} holds strings, but a continuous factor holds numbers.")
        _refuse_constant(j, len(np.unique(column)))
        column = column.astype(np.float64)
        # Metrics of continuous factors ignore their units; squares must stay in range.
        numeric.append(np.ldexp(column, -np.frexp(np.abs(column).max())[1]))
    return np.column_stack(numeric)

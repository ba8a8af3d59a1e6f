"""Whatever is handed over, as arrays."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from sklatent._utils.arrays import float_type, is_missing, row_slices, to_array, to_numbers


@pytest.mark.parametrize(
    ("value", "missing"),
    [
        (None, True),
        (float("nan"), True),
        (np.datetime64("NaT"), True),
        (pd.NA, True),
        (0.0, False),
        ("", False),
        (np.inf, False),
        ([1, 2], False),
        (np.array([np.nan, 1.0]), False),
    ],
)
def test_what_is_missing(value, missing):
    assert is_missing(value) == missing


def test_numbers_of_any_origin():
    """Tensors with a gradient or of half a type, nullable columns, lists of lists."""
    expected = [[1.0, 2.0], [3.0, 4.0]]
    for given in (
        expected,
        torch.tensor(expected, requires_grad=True),
        torch.tensor(expected, dtype=torch.bfloat16),
        pd.DataFrame(expected).astype({0: "Float64"}),
        np.array(expected, dtype=object),
        np.ma.masked_array(expected),
    ):
        found = to_numbers(given, "X")
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (sparse.eye(2, format="csr"), TypeError, "X is sparse"),
        (3.0, TypeError, "must be an array"),
        ([[1, 2], [3]], ValueError, "equal lengths"),
        (np.ma.masked_equal([1, 2], 2), ValueError, "masked"),
        (["a", "b"], ValueError, "real numbers"),
        ([1j], ValueError, "real numbers"),
        (np.array([1, None]), ValueError, "missing"),
        (np.array([10**400]), ValueError, "float64"),
    ],
)
def test_what_are_no_numbers(value, kind, message):
    with pytest.raises(kind, match=message):
        to_numbers(value, "X")


def test_an_array_keeps_its_type():
    assert to_array(np.arange(3, dtype=np.int8), "X").dtype == np.int8


@pytest.mark.parametrize(
    ("given", "worked"),
    [("float16", "float32"), ("float32", "float32"), ("float64", "float64"), ("int8", "float64")],
)
def test_float_type(given, worked):
    assert float_type(given) == np.dtype(worked)


@pytest.mark.parametrize("n_rows", [0, 1, 6, 7])
def test_slices_are_all_rows_once(n_rows):
    rows = np.arange(n_rows)
    parts = [rows[part] for part in row_slices(n_rows, 3)]
    assert all(0 < len(part) <= 3 for part in parts)
    np.testing.assert_array_equal(np.concatenate([[], *parts]), rows)

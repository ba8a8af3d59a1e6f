"""X as models take it, or a sentence on why not."""

import numpy as np
import pytest
from scipy import sparse

from sklatent import VAE
from sklatent.models._rows import check_training_rows, validate_rows

X = np.random.default_rng(0).random((12, 3))


def test_arrays_and_csr_matrices_go_through():
    model = VAE(2)
    assert validate_rows(model, X, reset=True) is not None
    assert model.n_features_in_ == 3
    rows = validate_rows(model, sparse.csr_matrix(X))
    assert sparse.issparse(rows)
    np.testing.assert_array_equal(rows.toarray(), X)


@pytest.mark.parametrize("form", ["csc", "coo", "lil"])
def test_other_sparse_formats_are_named(form):
    with pytest.raises(TypeError, match=rf"{form.upper()} format.*X.tocsr"):
        validate_rows(VAE(2), sparse.csr_matrix(X).asformat(form), reset=True)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.full((5, 3), 7.0), "constant: every value is 7.0"),
        (X * 1e300, "too large for float32"),
        (sparse.csr_matrix((5, 3)), "constant: every value is 0.0"),
    ],
)
def test_what_nothing_can_be_learned_from(wrong, message):
    with pytest.raises(ValueError, match=message):
        check_training_rows(VAE(2), wrong)


def test_large_numbers_are_for_double_precision():
    check_training_rows(VAE(2, precision="float64"), X * 1e300)


def test_missing_entries_leave_something_in_each_row_and_column():
    """Where they are allowed at all."""
    holed = X.copy()
    holed[2, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        validate_rows(VAE(2), holed, reset=True)
    model = VAE(2, missing="mask")
    validate_rows(model, holed, reset=True)
    check_training_rows(model, holed)
    row, column = holed.copy(), holed.copy()
    row[4], column[:, 2] = np.nan, np.nan
    with pytest.raises(ValueError, match="row 4 of X are missing"):
        check_training_rows(model, row)
    with pytest.raises(ValueError, match="column 2 of X are missing"):
        check_training_rows(model, column)

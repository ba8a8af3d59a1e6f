"""Some columns of a table, of whatever it is made."""

import numpy as np
import pytest
from scipy import sparse

from sklatent._utils.columns import ChosenColumns, choose_columns, is_memory_mapped

X = np.random.default_rng(0).random((7, 5))


@pytest.mark.parametrize("columns", [[1, 2, 3], [4, 0, 2], [3], []])
@pytest.mark.parametrize("kind", ["array", "csr", "mapped"])
def test_columns_are_those_of_the_table(kind, columns, tmp_path):
    columns = np.array(columns, dtype=int)
    table = {"array": X, "csr": sparse.csr_matrix(X)}.get(kind)
    if kind == "mapped":
        np.save(tmp_path / "X.npy", X)
        table = np.load(tmp_path / "X.npy", mmap_mode="r")
    found = choose_columns(table, columns)
    assert found.shape == (7, len(columns))
    rows = found[2:6]
    rows = rows.toarray() if sparse.issparse(rows) else rows
    np.testing.assert_array_equal(rows, X[2:6][:, columns])


def test_neighbours_are_a_view_and_a_mapped_table_is_not_read(tmp_path):
    assert np.shares_memory(choose_columns(X, np.array([1, 2])), X)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert is_memory_mapped(choose_columns(mapped, np.array([1, 2])))
    assert isinstance(choose_columns(mapped, np.array([0, 2])), ChosenColumns)
    assert len(choose_columns(mapped, np.array([0, 2]))) == 7

"""CSR matrices a few rows at a time, by what they hold."""

import numpy as np
import pytest
from scipy import sparse

from sklatent._utils.sparse import contents, dense, dense_blocks, stacked

X = np.random.default_rng(0).poisson(0.5, size=(7, 5)).astype(float)


@pytest.mark.parametrize("given", [X, sparse.csr_matrix(X), sparse.csr_array(X)])
def test_blocks_are_all_rows(given):
    blocks = list(dense_blocks(given, 3))
    assert [len(block) for block in blocks] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(blocks), X)
    np.testing.assert_array_equal(dense(given), X)
    np.testing.assert_array_equal(dense(stacked([given, given])), np.concatenate([X, X]))


def test_contents_know_no_order_of_entries():
    """Nor zeros that are written down, nor entries in two parts; and the matrix stays as it is."""
    tidy = sparse.csr_matrix(np.array([[1.0, 0.0, 3.0], [0.0, 2.0, 0.0]]))
    data, columns = [3.0, 0.0, 0.5, 0.5, 2.0], [2, 1, 0, 0, 1]
    untidy = sparse.csr_matrix((data, columns, [0, 4, 5]), shape=(2, 3))
    for a, b in zip(contents(tidy), contents(untidy), strict=True):
        np.testing.assert_array_equal(a, b)
    assert untidy.nnz == 5
    other = contents(sparse.csr_matrix(np.array([[1.0, 0.0, 3.0], [0.0, 0.0, 2.0]])))
    assert any(not np.array_equal(a, b) for a, b in zip(contents(tidy), other, strict=True))

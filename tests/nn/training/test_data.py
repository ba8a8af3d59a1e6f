"""Rows that are sliced, never collated, from memory, disk and CSR matrices."""

import numpy as np
import pytest
import torch
from scipy import sparse

from sklatent.nn.training.data import Batch, Rows, is_memory_mapped

X = np.random.default_rng(0).poisson(1.0, size=(9, 4)).astype(np.float32)


@pytest.fixture(params=["memory", "read only", "turned round", "disk", "sparse"])
def data(request, tmp_path):
    if request.param == "disk":
        np.save(tmp_path / "X.npy", X)
        return np.load(tmp_path / "X.npy", mmap_mode="r")[:]
    if request.param == "sparse":
        return sparse.csr_matrix(X)
    array = X[::-1][::-1] if request.param == "turned round" else X.copy()
    array.flags.writeable = request.param != "read only"
    return array


@pytest.mark.parametrize("index", [None, np.array([8, 0, 3, 5]), np.array([[8, 0, 3], [1, 2, 4]])])
def test_batches_are_the_rows(data, index):
    """At positions among one's own, each with its number in X, whatever they lie in."""
    rows = Rows(data, index, None, torch.float64, "cpu")
    order = torch.tensor([2, 0]) if index is None or index.ndim == 1 else torch.tensor([[2, 0]] * 2)
    batch = rows.take(order)
    expected = order.numpy() if index is None else np.take_along_axis(index, order.numpy(), -1)
    np.testing.assert_array_equal(batch.rows.numpy(), expected)
    assert batch.rows.dtype == torch.int64
    assert batch.x.dtype == torch.float64
    np.testing.assert_array_equal(batch.x.numpy(), X[expected])
    assert len(batch) == 2
    assert len(rows) == (9 if index is None else index.shape[-1])


def test_what_stands_beside_goes_with_the_rows():
    """One array, or several of a kind, under their names."""
    beside = {"inputs": X[:, :2] + 1, "views": [X + 2, X + 3]}
    rows = Rows(X, None, None, torch.float32, "cpu", beside).subset(np.array([4, 6]), None)
    batch = rows.take(torch.tensor([1]))
    np.testing.assert_array_equal(batch.inputs.numpy(), X[[6], :2] + 1)
    np.testing.assert_array_equal(batch.views[1].numpy(), X[[6]] + 3)
    assert batch.target is None


def test_a_mapped_file_is_seen_through_views(tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert is_memory_mapped(mapped[2:, ::2].T)
    assert not is_memory_mapped(np.array(mapped))


def test_a_mean_leaves_out_what_weighs_nothing():
    """As where stacked models' batches differ in size."""
    values = torch.tensor([[1.0, 2.0, 6.0], [1.0, 2.0, 100.0]])
    batch = Batch(torch.zeros(2, 3, 1), weights=torch.tensor([[1 / 3] * 3, [0.5, 0.5, 0.0]]))
    torch.testing.assert_close(batch.mean(values), torch.tensor([3.0, 1.5]))
    torch.testing.assert_close(Batch(torch.zeros(3, 1)).mean(values[0]), torch.tensor(3.0))

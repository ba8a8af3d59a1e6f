"""Arrays of other libraries: where they are, to numpy, and back."""

import os

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn import config_context

from sklatent._utils.array_api import elsewhere, like, moved, raise_if_elsewhere, to_numpy
from sklatent._utils.arrays import to_numbers


def test_only_dispatched_arrays_are_elsewhere():
    tensor = torch.ones(2, 2)
    assert elsewhere(tensor) is None
    assert os.environ["SCIPY_ARRAY_API"] == "1"
    with config_context(array_api_dispatch=True):
        assert elsewhere(tensor)[0].__name__.endswith("torch")
        for other in (np.ones(2), np.float64(3), [1.0], None, "text"):
            assert elsewhere(other) is None


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int64", "bool"])
def test_to_numpy_keeps_values(dtype):
    values = [[0, 1], [1, 0]]
    tensor = torch.tensor(values, dtype=getattr(torch, dtype))
    for found in (to_numpy(tensor), to_numbers(tensor, "X")):
        assert_array_equal(found, values)
        assert found.dtype == ("float32" if dtype == "bfloat16" else dtype)


def test_devices_that_numpy_cannot_read():
    strict = pytest.importorskip("array_api_strict")
    array = strict.asarray([[1.0, 2.0]], device=strict.Device("device1"))
    assert_array_equal(to_numpy(array), [[1.0, 2.0]])
    assert_array_equal(to_numbers(array, "X"), [[1.0, 2.0]])


def test_there_and_back():
    rows = np.arange(4.0).reshape(2, 2)
    tensor = torch.tensor(rows)
    with config_context(array_api_dispatch=True):
        place = elsewhere(tensor)
        assert moved(tensor, place) is tensor
        assert moved(rows, None) is rows
        assert moved(None, place) is None
        assert torch.equal(moved(rows.tolist(), place), tensor)
        assert_array_equal(moved(tensor, None), rows)
        assert torch.equal(like(rows, place), tensor)
        raise_if_elsewhere(tensor, tensor, "A.b")
        with pytest.raises(ValueError, match=r"A.b\(\) must use the same namespace"):
            raise_if_elsewhere(rows, tensor, "A.b")
    raise_if_elsewhere(rows, tensor, "A.b")

"""Keys of rows, from their names."""

import numpy as np
import pandas as pd
import pytest

from sklatent._utils.names import row_keys

X = np.zeros((3, 2))


def test_numbers_are_their_own_keys():
    np.testing.assert_array_equal(row_keys(X, [5, 0, 7]), [5, 0, 7])
    assert row_keys(X, [5, 0, 7]).dtype == np.uint64


def test_a_name_is_one_key_wherever_it_stands():
    """Among others, in another order, as numpy's text or Python's."""
    a = row_keys(X, ["x", "y", "z"])
    b = row_keys(X, np.array(["z", "w", "x"]))
    assert a[0] == b[2]
    assert a[2] == b[0]
    assert len({*a, *b}) == 4


def test_a_frame_names_its_rows():
    """Unless names are not all different; and what is given wins."""
    frame = pd.DataFrame(X, index=["a", "b", "c"])
    np.testing.assert_array_equal(row_keys(frame), row_keys(X, ["a", "b", "c"]))
    np.testing.assert_array_equal(row_keys(frame, [1, 2, 3]), [1, 2, 3])
    assert row_keys(pd.DataFrame(X, index=["a", "b", "a"])) is None
    assert row_keys(X) is None


@pytest.mark.parametrize(
    ("names", "message"),
    [([1, 2], "expected"), ([1, 2, 2], "more than once"), (["a", None, "b"], "missing name")],
)
def test_names_that_are_none(names, message):
    with pytest.raises(ValueError, match=message):
        row_keys(X, names)

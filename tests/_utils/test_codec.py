"""Values as JSON and arrays, and back."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklatent._utils.codec import Decoder, Encoder

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


def there_and_back(value):
    encoder = Encoder()
    saved = json.loads(json.dumps(encoder.value(value, "value")))
    decoder = Decoder(encoder.arrays)
    found = decoder.value(saved)
    decoder.check_all_used()
    return found


@settings(max_examples=60, deadline=None)
@given(plain)
def test_plain_values_return_as_they_were(value):
    """Infinities, tuples and keys that are numbers too, which JSON alone does not keep."""
    found = there_and_back(value)
    assert found == value
    assert repr(found) == repr(value)


def test_arrays_return_as_they_were():
    """In their type and order; of strings and of anything, in their shape."""
    for array in (
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array([["a", "bc"]]),
        np.array(["a", 1, None], dtype=object),
        np.zeros((0, 3)),
    ):
        found = there_and_back(array)
        assert found.dtype.kind == array.dtype.kind
        assert found.flags.f_contiguous == array.flags.f_contiguous
        np.testing.assert_array_equal(found, array)
    assert math.isnan(there_and_back(float("nan")))


def test_names_of_arrays_do_not_collide():
    value = {1: np.zeros(1), "1": np.ones(1)}
    found = there_and_back(value)
    assert found[1][0] == 0
    assert found["1"][0] == 1


@pytest.mark.parametrize(
    "saved",
    [
        {"evil": 1},
        {"tuple": [], "dict": []},
        {"float": "1e5"},
        {"tuple": "ab"},
        {"strings": [1], "shape": [1], "dtype": "str"},
        {"strings": ["a"], "shape": [2], "dtype": "str"},
        {"objects": [1], "shape": [-1]},
        {"strings": ["a" * 10**6] + ["b"] * 999, "shape": [1000], "dtype": "str"},
    ],
)
def test_what_is_no_value(saved):
    with pytest.raises((ValueError, TypeError, LookupError)):
        Decoder({}).value(saved)


def test_nothing_is_left_over():
    with pytest.raises(ValueError, match="nothing refers to its arrays more"):
        Decoder({"more": np.zeros(1)}).check_all_used()


def test_what_has_no_code_free_form():
    with pytest.raises(TypeError, match="at.here is a complex"):
        Encoder().value(1j, "at.here")

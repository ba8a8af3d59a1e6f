"""Lines that say what a learned attribute is, and the check against them."""

import numpy as np
import pytest

from sklatent._utils.kinds import check, is_optional

GOOD = {
    "float[n, 2] | none": [np.zeros((3, 2)), None],
    "positive[n]": [np.ones(4)],
    "int[...]": [np.arange(6).reshape(2, 3)],
    "*float[n]": [[np.zeros(3), np.ones(3)], []],
    "text[n]?": [np.array(["a", "b"]), np.array(["a"], dtype=object)],
}
BAD = {
    "float[n, 2]": [np.zeros((3, 3)), np.zeros(2), np.full((1, 2), np.nan), None, [[0.0, 1.0]]],
    "positive[n]": [np.zeros(2), -np.ones(1)],
    "int[n]": [np.zeros(2), np.array([True])],
    "*float[n]": [np.zeros(3), [np.zeros(3), np.zeros(2)]],
    "text[n]": [np.array([1, 2]), np.array(["a", 1], dtype=object)],
}


def cases(table):
    return [(line, value) for line, values in table.items() for value in values]


@pytest.mark.parametrize(("line", "value"), cases(GOOD))
def test_what_a_line_says(line, value):
    check("attribute_", value, line, {})


@pytest.mark.parametrize(("line", "value"), cases(BAD))
def test_what_it_does_not(line, value):
    with pytest.raises(ValueError, match="attribute_ should be"):
        check("attribute_", value, line, {})


def test_a_size_is_the_same_wherever_it_stands():
    """And one that is refused leaves no trace."""
    sizes = {"d": 2}
    check("a_", np.zeros((5, 2)), "float[n, d]", sizes)
    assert sizes == {"d": 2, "n": 5}
    with pytest.raises(ValueError, match="b_ should be"):
        check("b_", np.zeros((4, 3)), "float[n, k]", sizes)
    assert sizes == {"d": 2, "n": 5}


def test_optional():
    assert is_optional("float[n]?")
    assert not is_optional("float[n]")

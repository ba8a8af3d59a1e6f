"""Class means and matched rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklatent.alignment import class_mean_anchors, matched_rows


class TestClassMeans:
    @pytest.mark.parametrize("names", [list("cab"), [2, 0, 1], [0.5, -1.0, 3.0]])
    def test_means_in_the_order_of_unique(self, names):
        rng = np.random.default_rng(0)
        X, labels = rng.normal(size=(60, 4)), rng.choice(names, 60)
        anchors = class_mean_anchors(X, labels)
        assert_allclose(anchors, [X[labels == c].mean(0) for c in np.unique(labels)])

    def test_spaces_with_the_same_labels_correspond(self):
        rng = np.random.default_rng(0)
        X, labels = rng.normal(size=(60, 4)), np.arange(60) % 5
        order = rng.permutation(60)
        expected = class_mean_anchors(X, labels) @ np.diag([1, 2, 3, 4])
        other = class_mean_anchors((X @ np.diag([1, 2, 3, 4]))[order], labels[order])
        assert_allclose(other, expected)

    def test_float32_is_summed_in_float64(self):
        X = np.full((100_000, 1), 1e4, np.float32) + np.linspace(0, 1, 100_000)[:, None]
        X = X.astype(np.float32)
        means = class_mean_anchors(X, np.zeros(100_000))
        assert means.dtype == np.float32
        assert_allclose(means[0, 0], X.astype(np.float64).mean(), rtol=1e-7)

    def test_bad_input(self):
        X = np.arange(6.0).reshape(3, 2)
        with pytest.raises(ValueError, match="labels has 2 entries for 3 rows"):
            class_mean_anchors(X, [0, 1])
        with pytest.raises(ValueError, match=r"labels is missing in row\(s\) 1"):
            class_mean_anchors(X, [0, np.nan, 1])
        with pytest.raises(ValueError, match=r"labels is missing in row\(s\) 2"):
            class_mean_anchors(X, np.array(["a", "b", None], dtype=object))
        X[1, 1] = np.inf
        with pytest.raises(ValueError, match=r"infinity.*row\(s\) 1"):
            class_mean_anchors(X, [0, 1, 1])


class TestMatchedRows:
    @given(
        st.lists(st.integers(-20, 20), unique=True),
        st.lists(st.integers(-20, 20), unique=True),
    )
    def test_pairs_are_those_of_a_double_loop(self, ids_a, ids_b):
        expected = [(i, j) for i, a in enumerate(ids_a) for j, b in enumerate(ids_b) if a == b]
        if not expected:
            with pytest.raises(ValueError, match="No identifier is on both sides"):
                matched_rows(ids_a, ids_b)
            return
        rows_a, rows_b = matched_rows(ids_a, ids_b)
        assert list(zip(rows_a, rows_b, strict=True)) == expected

    def test_strings(self):
        rows_a, rows_b = matched_rows(np.array(["cell3", "cell1"]), ["cell1", "cell2", "cell3"])
        assert_array_equal(rows_a, [0, 1])
        assert_array_equal(rows_b, [2, 0])

    def test_twice_is_ambiguous(self):
        with pytest.raises(ValueError, match="ids_b has identifiers that occur more than once.*7"):
            matched_rows([7, 8], [7, 7, 8])

    def test_numbers_are_not_strings(self):
        with pytest.raises(ValueError, match="one kind"):
            matched_rows([1, 2], ["1", "2"])

    def test_missing(self):
        with pytest.raises(ValueError, match=r"ids_a is missing in row\(s\) 1"):
            matched_rows([1.0, np.nan], [1.0])

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


class TestIdentifiersOfOtherTypes:
    """Equal is what is equal in value, and never what a conversion made so."""

    BIG = 2**53

    @pytest.mark.parametrize("first", [np.int64, np.uint64, np.float64, object, list])
    @pytest.mark.parametrize("second", [np.int64, np.uint64, object, list])
    def test_beyond_what_a_float_tells_apart(self, first, second):
        a = [self.BIG, self.BIG + 2, self.BIG + 4, 7]
        b = [self.BIG + 3, self.BIG + 1, 7, self.BIG + 4]
        make = [lambda ids, t=t: ids if t is list else np.array(ids, t) for t in (first, second)]
        rows_a, rows_b = matched_rows(make[0](a), make[1](b))
        assert_array_equal(rows_a, [2, 3])
        assert_array_equal(rows_b, [3, 2])

    def test_lists_that_no_integer_type_holds(self):
        rows = matched_rows([-1, 2**63 + 1, 2**64], [2**63, 2**63 + 1, -1])
        assert_array_equal(rows, [[0, 1], [2, 1]])
        with pytest.raises(ValueError, match="No identifier"):
            matched_rows([-1, 2**63 + 1], [2**63 + 2, 2**63])

    def test_missing_in_any_way(self):
        pandas = pytest.importorskip("pandas")
        masked = np.ma.array([1, 2, 3], mask=[False, True, False])
        for ids in (
            pandas.array([1, pandas.NA, 3], dtype="Int64"),
            pandas.array(["a", pandas.NA, "b"], dtype="string"),
            ["a", None, "b"],
            np.array(["2020-01-01", "NaT", "2020-01-02"], "M8[ns]"),
            pandas.Series([pandas.Timestamp("2020-01-01"), pandas.NaT]).astype(object),
            np.array(["a", np.nan, 1], object),
            masked,
        ):
            with pytest.raises(ValueError, match=r"ids_b is missing in row\(s\) 1"):
                matched_rows([1, 2, 3], ids)
            with pytest.raises(ValueError, match=r"labels is missing in row\(s\) 1"):
                class_mean_anchors(np.ones((len(ids), 2)), ids)

    def test_dates_in_other_units_and_types(self):
        pandas = pytest.importorskip("pandas")
        days = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[D]")
        fine = np.array(["2020-01-03", "2020-01-01T00:00:00.000000001", "2020-01-02"], "M8[ns]")
        assert_array_equal(matched_rows(days, fine), [[1, 2], [2, 0]])
        stamps = list(pandas.to_datetime(fine))
        assert_array_equal(matched_rows(days, stamps), [[1, 2], [2, 0]])

    @pytest.mark.parametrize("other", [["2020-01-01"], [18262], [b"x"], [("a", 1)]])
    def test_dates_are_no_strings_nor_numbers(self, other):
        with pytest.raises(ValueError, match=r"No identifier is on both sides|1d array"):
            matched_rows(np.array(["2020-01-01"], "M8[D]"), other)

    def test_mixed_objects(self):
        assert_array_equal(
            matched_rows(np.array(["a", 1, 2.5], object), np.array([2.5, "b", "a"], object)),
            [[0, 2], [2, 0]],
        )
        with pytest.raises(ValueError, match="more than once"):
            matched_rows(np.array(["a", 1, 1.0], object), ["a"])
        holder = np.empty(2, object)
        holder[:] = [[1], [2]]
        with pytest.raises(TypeError, match="compared by value"):
            matched_rows(holder, ["a", "b"])
        with pytest.raises(TypeError, match="labels mix types"):
            class_mean_anchors(np.ones((2, 2)), np.array(["a", 1], object))

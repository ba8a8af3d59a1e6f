"""Streamed moments and the triangle, against products taken at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sklatent.alignment import _checks, _moments
from sklatent.alignment._moments import paired_moments, paired_triangle


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 64 rows, so that a small array has several."""
    monkeypatch.setattr(_checks, "_BLOCK_NUMBERS", 1)


def data(n=300, offset=0.0, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4)) + offset
    return X.astype(dtype), (X @ rng.normal(size=(4, 3)) + rng.normal(size=(n, 3))).astype(dtype)


@pytest.mark.usefixtures("small_blocks")
class TestPairedMoments:
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("offset", [0.0, 1e4])
    def test_equal_products_of_centred_rows(self, offset, weighted):
        X, Y = data(offset=offset)
        w = np.random.default_rng(1).uniform(size=300) if weighted else np.ones(300)
        moments = paired_moments(X, Y, w if weighted else None)
        x, y = X - np.average(X, 0, w), Y - np.average(Y, 0, w)
        assert_allclose(moments.x_mean, np.average(X, 0, w), rtol=1e-13)
        assert_allclose(moments.y_mean, np.average(Y, 0, w), rtol=1e-13)
        assert_allclose(moments.xx, x.T @ (w[:, None] * x), rtol=1e-10)
        assert_allclose(moments.xy, x.T @ (w[:, None] * y), rtol=1e-10, atol=1e-9)
        assert moments.n_rows == 300
        assert_allclose(moments.weight, w.sum())

    def test_sorted_rows_lose_nothing(self):
        """The first block is as unlike the rest as it can be."""
        X, Y = data()
        order = np.argsort(X[:, 0])
        moments, expected = paired_moments(X[order], Y[order]), paired_moments(X, Y)
        assert_allclose(moments.xx, expected.xx, rtol=1e-11)
        assert_allclose(moments.xy, expected.xy, rtol=1e-11, atol=1e-10)

    def test_not_central(self):
        X, Y = data(offset=3.0)
        moments = paired_moments(X, Y, center=False)
        assert_allclose(moments.xx, X.T @ X, rtol=1e-12)
        assert_allclose(moments.xy, X.T @ Y, rtol=1e-12)
        assert not moments.x_mean.any()

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.uint8, np.longdouble])
    def test_any_real_type(self, dtype):
        rng = np.random.default_rng(0)
        X = rng.integers(0, 50, (200, 3)).astype(dtype)
        moments = paired_moments(X, X)
        x = X.astype(np.float64) - X.astype(np.float64).mean(0)
        assert_allclose(moments.xx, x.T @ x, rtol=1e-12)
        assert moments.xx.dtype == np.float64

    def test_float32_of_many_rows_is_summed_in_float64(self, monkeypatch):
        """Beyond the limit products are of float32, yet sums are nearly as good as of float64."""
        X, Y = data(n=20_000, offset=100.0, dtype=np.float32)
        exact = paired_moments(X, Y)
        assert exact.epsilon == np.finfo(np.float64).eps
        monkeypatch.setattr(_moments, "_DOUBLE_NUMBERS", 0)
        moments = paired_moments(X, Y)
        assert moments.epsilon == np.finfo(np.float32).eps
        scale = np.sqrt(np.outer(np.diag(exact.xx), np.diag(exact.xx)))
        assert (np.abs(moments.xx - exact.xx) / scale).max() < 1e-6
        naive = np.float32(X).T @ np.float32(X)
        naive = naive - len(X) * np.outer(X.mean(0), X.mean(0))
        assert (np.abs(naive - exact.xx) / scale).max() > 1e-4

    @pytest.mark.parametrize("size", [1e-20, 1e20])
    def test_float32_of_extreme_size_is_multiplied_in_float64(self, monkeypatch, size):
        monkeypatch.setattr(_moments, "_DOUBLE_NUMBERS", 0)
        X, Y = data()
        X = (X * size).astype(np.float32)
        moments = paired_moments(X, Y.astype(np.float32))
        assert_allclose(np.diag(moments.xx), len(X) * X.astype(np.float64).var(0), rtol=1e-6)

    def test_constant_columns_are_told_exactly(self):
        X, Y = data()
        X[:, 1], Y[:, 2] = 0.1, 1e9
        X[-1, 0] = X[0, 0]
        moments = paired_moments(X, Y)
        assert list(moments.x_constant) == [False, True, False, False]
        assert list(moments.y_constant) == [False, False, True]
        assert not moments.xx[1].any()
        assert not moments.xy[1].any()
        assert not moments.xy[:, 2].any()

    def test_a_column_that_changes_late_is_not_constant(self):
        X, Y = data()
        X[:, 1] = 5.0
        X[-1, 1] = 6.0
        assert not paired_moments(X, Y).x_constant.any()

    def test_a_row_of_weight_zero_does_not_make_a_column_vary(self):
        X, Y = data()
        X[:, 1] = 5.0
        X[7, 1] = 6.0
        weights = np.ones(len(X))
        weights[7] = 0
        assert paired_moments(X, Y, weights).x_constant[1]

    @pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (-np.inf, "infinity")])
    @pytest.mark.parametrize("side", ["X", "y"])
    def test_rows_that_are_not_finite_are_named(self, side, value, word):
        X, Y = data()
        (X if side == "X" else Y)[[130, 140], 1] = value
        with pytest.raises(ValueError, match=rf"Input {side} contains {word}.*130, 140"):
            paired_moments(X, Y)

    def test_overflow_is_an_error(self):
        X, Y = data()
        with pytest.raises(ValueError, match="overflow"):
            paired_moments(X * 1e200, Y * 1e200)

    def test_memory_map_gives_the_same(self, tmp_path):
        X, Y = data(dtype=np.float32)
        np.save(tmp_path / "x.npy", X)
        mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
        assert_allclose(paired_moments(mapped, Y).xx, paired_moments(X, Y).xx, rtol=0)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("center", [False, True])
def test_triangle_has_the_same_products(center):
    X, Y = data(offset=5.0)
    weights = np.random.default_rng(1).uniform(size=len(X))
    moments = paired_moments(X, Y, weights, center=center)
    x_part, y_part = paired_triangle(X, Y, moments, weights)
    assert len(x_part) <= 7
    assert_allclose(x_part.T @ x_part, moments.xx, rtol=1e-10)
    assert_allclose(x_part.T @ y_part, moments.xy, rtol=1e-10, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 400), st.integers(1, 5), st.integers(0, 2**16), st.floats(-1e3, 1e3))
def test_any_number_of_rows(n, width, seed, offset):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, width)) + offset, rng.normal(size=(n, 2))
    moments = paired_moments(X, Y)
    assert_allclose(moments.xx, (n - 1) * np.atleast_2d(np.cov(X.T)), atol=1e-8 * n)

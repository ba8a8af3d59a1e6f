"""LinearAligner against lstsq, scikit-learn's regressions and formulas."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import r2_score

from sklatent.alignment import LinearAligner, _moments
from sklatent.alignment._linear import solve_normal_equations
from sklatent.alignment._moments import paired_moments


def pairs(n=200, n_features=5, n_targets=4, noise=0.1, offset=0.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features)) + offset
    Y = X @ rng.normal(size=(n_features, n_targets)) + noise * rng.normal(size=(n, n_targets))
    return X, Y


def lstsq(X, Y, fit_intercept):
    """Reference: numpy's, on rows centred beforehand."""
    if not fit_intercept:
        B = np.linalg.lstsq(X, Y, rcond=None)[0]
        return B, np.zeros(Y.shape[1])
    B = np.linalg.lstsq(X - X.mean(0), Y - Y.mean(0), rcond=None)[0]
    return B, Y.mean(0) - X.mean(0) @ B


class TestLeastSquares:
    @pytest.mark.parametrize("offset", [0.0, 1e4])
    @pytest.mark.parametrize("fit_intercept", [False, True])
    def test_equals_lstsq(self, fit_intercept, offset):
        X, Y = pairs(offset=offset)
        B, b = lstsq(X, Y, fit_intercept)
        aligner = LinearAligner(fit_intercept=fit_intercept).fit(X, Y)
        assert_allclose(aligner.coef_, B.T, rtol=1e-10, atol=1e-10)
        assert_allclose(aligner.transform(X), X @ B + b, rtol=0, atol=1e-10 * (1 + offset))
        assert aligner.rank_ == 5

    def test_layout_is_linear_regressions(self):
        X, Y = pairs()
        expected = LinearRegression().fit(X, Y)
        aligner = LinearAligner().fit(X, Y)
        assert_allclose(aligner.coef_, expected.coef_, rtol=1e-10)
        assert_allclose(aligner.intercept_, expected.intercept_, atol=1e-12)
        assert_allclose(aligner.predict(X), expected.predict(X), atol=1e-12)
        by_variance = r2_score(Y, expected.predict(X), multioutput="variance_weighted")
        assert_allclose(aligner.score(X, Y), by_variance, rtol=1e-12)

    @pytest.mark.parametrize("fit_intercept", [False, True])
    @pytest.mark.parametrize("n", [200, 4])
    def test_alpha_is_ridges(self, fit_intercept, n):
        X, Y = pairs(n=n, offset=3.0)
        weights = np.random.default_rng(1).uniform(0.5, 2, size=n)
        expected = Ridge(alpha=0.7, fit_intercept=fit_intercept).fit(X, Y, weights)
        aligner = LinearAligner(alpha=0.7, fit_intercept=fit_intercept).fit(X, Y, weights)
        assert_allclose(aligner.coef_, expected.coef_, rtol=1e-9, atol=1e-12)
        assert_allclose(aligner.intercept_, expected.intercept_, rtol=1e-9, atol=1e-12)

    def test_a_vanishing_alpha_is_the_minimum_norm(self):
        X, Y = pairs(n=4)
        with pytest.warns(UserWarning, match="4 anchors are too few"):
            minimum = LinearAligner().fit(X, Y)
        assert_allclose(LinearAligner(alpha=1e-9).fit(X, Y).coef_, minimum.coef_, atol=1e-7)

    def test_nearly_dependent_columns_are_solved_without_squaring(self):
        """A condition number of 1e6: from X'X alone four digits would be left."""
        rng = np.random.default_rng(0)
        X = rng.normal(size=(300, 3))
        X[:, 2] = X[:, 0] + 1e-6 * X[:, 2]
        B = rng.normal(size=(3, 2))
        aligner = LinearAligner().fit(X, X @ B)
        assert solve_normal_equations(paired_moments(X, X @ B))[0] is None
        assert_allclose(aligner.coef_, B.T, rtol=1e-8)
        assert aligner.rank_ == 3

    @pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-150])
    def test_a_penalty_beyond_all_numbers_leaves_the_mean(self, scale):
        rng = np.random.default_rng(0)
        X = scale * rng.normal(size=(20, 3))
        Y = rng.normal(size=(20, 2))
        found = LinearAligner(alpha=1).fit(X, Y).transform(X)
        assert_allclose(found, np.tile(Y.mean(0), (20, 1)), atol=1e-12)

    def test_scales_of_columns_do_not_matter(self):
        """Columns from 1e-8 to 1e8 are ill-conditioned only to the eye."""
        X, Y = pairs()
        scale = np.array([1e-8, 1e-4, 1.0, 1e4, 1e8])
        assert solve_normal_equations(paired_moments(X * scale, Y))[0] is not None
        aligner = LinearAligner().fit(X * scale, Y)
        assert aligner.rank_ == 5
        assert_allclose(aligner.coef_ * scale, lstsq(X, Y, True)[0].T, rtol=1e-9)

    def test_is_a_minimum(self):
        X, Y = pairs(n=30)
        aligner = LinearAligner(alpha=2.0).fit(X, Y)

        def loss(coef, intercept):
            return ((Y - X @ coef.T - intercept) ** 2).sum() + 2.0 * (coef**2).sum()

        best = loss(aligner.coef_, aligner.intercept_)
        rng = np.random.default_rng(2)
        for _ in range(50):
            step = 1e-3 * rng.normal(size=aligner.coef_.shape)
            shift = 1e-3 * rng.normal(size=aligner.intercept_.shape)
            assert loss(aligner.coef_ + step, aligner.intercept_ + shift) > best


class TestRank:
    @pytest.mark.parametrize("fit_intercept", [False, True])
    def test_few_anchors_give_the_minimum_norm_and_a_warning(self, fit_intercept):
        X, Y = pairs(n=6, n_features=10)
        B, _ = lstsq(X, Y, fit_intercept)
        need = 11 if fit_intercept else 10
        with pytest.warns(UserWarning, match=f"6 anchors are too few.*At least {need}"):
            aligner = LinearAligner(fit_intercept=fit_intercept).fit(X, Y)
        assert aligner.rank_ == 6 - fit_intercept
        assert_allclose(aligner.coef_, B.T, atol=1e-12)
        assert_allclose(aligner.transform(X), Y, atol=1e-12)

    def test_just_enough_anchors_do_not_warn(self):
        X, Y = pairs(n=11, n_features=10, noise=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert LinearAligner().fit(X, Y).rank_ == 10

    def test_constant_column_gets_no_weight_and_is_named(self):
        X, Y = pairs(offset=2.0)
        X[:, 3] = 7.0
        with pytest.warns(UserWarning, match="zero variance: 3"):
            aligner = LinearAligner().fit(X, Y)
        assert aligner.rank_ == 4
        assert not aligner.coef_[:, 3].any()
        assert_allclose(aligner.coef_, lstsq(X, Y, True)[0].T, atol=1e-10)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("offset", [0.0, 1e3])
    def test_dependent_columns(self, dtype, offset):
        X, Y = pairs(noise=0)
        X = (X + offset).astype(dtype)
        X[:, 4] = X[:, 0] + X[:, 1]
        with pytest.warns(UserWarning, match="linear combinations"):
            aligner = LinearAligner().fit(X, Y)
        assert aligner.rank_ == 4
        assert np.abs(aligner.coef_).max() < 10

    def test_alpha_silences_the_warning_not_the_rank(self):
        X, Y = pairs(n=4)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert LinearAligner(alpha=1e-3).fit(X, Y).rank_ == 3

    def test_weights_of_zero_are_no_anchors(self):
        X, Y = pairs(n=20)
        weights = np.r_[np.ones(3), np.zeros(17)]
        with pytest.warns(UserWarning, match="3 anchors are too few"):
            aligner = LinearAligner().fit(X, Y, weights)
        with pytest.warns(UserWarning, match="3 anchors are too few"):
            assert_allclose(aligner.coef_, LinearAligner().fit(X[:3], Y[:3]).coef_, atol=1e-12)


class TestUnequalWidths:
    def test_up_and_back(self):
        X, Y = pairs(n_features=3, n_targets=6, noise=0)
        aligner = LinearAligner().fit(X, Y)
        assert_allclose(aligner.transform(X), Y, atol=1e-12)
        assert_allclose(aligner.inverse_transform(Y), X, atol=1e-10)

    def test_down_is_a_regression_and_back_the_smallest_preimage(self):
        X, Y = pairs(n_features=6, n_targets=3, noise=0)
        aligner = LinearAligner().fit(X, Y)
        back = aligner.inverse_transform(Y)
        assert_allclose(aligner.transform(back), Y, atol=1e-10)
        assert (np.linalg.norm(back, axis=1) <= np.linalg.norm(X, axis=1)).all()
        expected = (Y - aligner.intercept_) @ np.linalg.pinv(aligner.coef_).T
        assert_allclose(back, expected, atol=1e-10)


class TestTypes:
    def test_float32(self):
        X, Y = pairs()
        aligner = LinearAligner().fit(X.astype(np.float32), Y.astype(np.float32))
        assert aligner.coef_.dtype == aligner.intercept_.dtype == np.float32
        assert_allclose(aligner.coef_, LinearAligner().fit(X, Y).coef_, atol=1e-6)
        assert aligner.transform(X.astype(np.float32)).dtype == np.float32
        assert aligner.transform(X).dtype == np.float64
        assert aligner.transform(X.astype(np.float16)).dtype == np.float32
        assert aligner.inverse_transform(Y.astype(np.float32)).dtype == np.float32

    def test_float32_of_many_rows(self, monkeypatch):
        X, Y = pairs(n=5000, offset=50.0)
        X, Y = X.astype(np.float32), Y.astype(np.float32)
        expected = LinearAligner().fit(X.astype(np.float64), Y.astype(np.float64))
        monkeypatch.setattr(_moments, "_DOUBLE_NUMBERS", 0)
        aligner = LinearAligner().fit(X, Y)
        assert_allclose(aligner.coef_, expected.coef_, atol=1e-5)

    def test_integers_and_lists(self):
        X, Y = [[0, 0], [1, 0], [0, 1]], [[1, 1], [3, 1], [1, 4]]
        aligner = LinearAligner().fit(X, Y)
        assert_allclose(aligner.coef_, [[2, 0], [0, 3]], atol=1e-12)
        assert aligner.transform(X).dtype == np.float64

    def test_one_dimensional_target(self):
        X, Y = pairs()
        aligner = LinearAligner().fit(X, Y[:, 0])
        assert aligner.predict(X).shape == (200,)
        assert aligner.transform(X).shape == (200, 1)
        assert aligner.coef_.shape == (1, 5)
        assert LinearAligner().fit(X, Y[:, :1]).predict(X).shape == (200, 1)


class TestMemory:
    def test_memory_map_is_not_copied(self, tmp_path):
        import tracemalloc

        X, Y = pairs(n=60_000, n_features=16, n_targets=16)
        for name, array in (("x", X), ("y", Y)):
            np.save(tmp_path / name, array.astype(np.float32))
        x, y = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy")
        tracemalloc.start()
        aligner = LinearAligner().fit(x, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # One block of both sides in float64 is 8 MB, and its image under one product small.
        assert peak < 20e6
        assert_allclose(aligner.coef_, LinearAligner().fit(X, Y).coef_, atol=1e-5)


class TestBadInput:
    def test_lengths(self):
        X, Y = pairs()
        with pytest.raises(ValueError, match="inconsistent numbers of samples: 200 and 199"):
            LinearAligner().fit(X, Y[:-1])

    @pytest.mark.parametrize("side", ["X", "y"])
    def test_rows_with_nan_are_named(self, side):
        X, Y = pairs()
        (X if side == "X" else Y)[17, 2] = np.nan
        with pytest.raises(ValueError, match=f"Input {side} contains NaN.*17"):
            LinearAligner().fit(X, Y)

    def test_rows_with_nan_are_named_afterwards_too(self):
        X, Y = pairs()
        aligner = LinearAligner().fit(X, Y)
        X[3, 0] = Y[5, 0] = np.inf
        with pytest.raises(ValueError, match=r"X contains infinity.*row\(s\) 3"):
            aligner.transform(X)
        with pytest.raises(ValueError, match=r"X contains infinity.*row\(s\) 5"):
            aligner.inverse_transform(Y)

    def test_one_row(self):
        with pytest.raises(ValueError, match="minimum of 2"):
            LinearAligner().fit([[1.0, 2.0]], [[1.0]])

    @pytest.mark.parametrize("side", ["X", "y"])
    def test_a_side_that_never_changes(self, side):
        X, Y = pairs()
        (X if side == "X" else Y)[:] = [0.1] * (X if side == "X" else Y).shape[1]
        with pytest.raises(ValueError, match=f"Every column of {side} has zero variance"):
            LinearAligner().fit(X, Y)

    def test_weights(self):
        X, Y = pairs()
        with pytest.raises(ValueError, match="[Nn]egative"):
            LinearAligner().fit(X, Y, -np.ones(200))
        with pytest.raises(ValueError, match=r"Only 1 row"):
            LinearAligner().fit(X, Y, np.eye(200)[0])

    def test_no_target(self):
        with pytest.raises(ValueError, match="requires y"):
            LinearAligner().fit(pairs()[0], None)

    def test_width_of_what_comes_back(self):
        X, Y = pairs()
        with pytest.raises(ValueError, match="5 columns.*has 4"):
            LinearAligner().fit(X, Y).inverse_transform(X)

    def test_alpha(self):
        with pytest.raises(ValueError, match="alpha"):
            LinearAligner(alpha=-1).fit(*pairs())

"""Metrics from mutual information, against the public implementation and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from sklatent.metrics import modularity_score, mutual_information_gap
from sklatent.metrics._factors import equal_width_bins
from sklatent.metrics._information import _mutual_information
from tests.metrics.reference import full_grid, make_reference


def test_public_implementations_values():
    codes, factors = make_reference()
    assert mutual_information_gap(codes, factors) == pytest.approx(0.19051523173195384, abs=1e-9)
    assert modularity_score(codes, factors) == pytest.approx(0.879346471008594, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), n_samples=st.integers(2, 60))
def test_mutual_information_is_scikit_learns(seed, n_samples):
    rng = np.random.RandomState(seed)
    binned, factors = rng.randint(4, size=(n_samples, 3)), rng.randint(5, size=(n_samples, 2))
    expected = [[mutual_info_score(b, f) for f in factors.T] for b in binned.T]
    np.testing.assert_allclose(_mutual_information(binned, factors), expected, atol=1e-10)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), n_bins=st.integers(2, 30))
def test_bins_are_those_of_numpys_histogram(seed, n_bins):
    code = np.random.RandomState(seed).normal(size=200)
    counts = np.bincount(equal_width_bins(code[:, None], n_bins)[:, 0], minlength=n_bins)
    np.testing.assert_array_equal(counts, np.histogram(code, n_bins)[0])


def test_perfect_codes_score_one():
    factors = full_grid(3, 4, 5)
    codes = -2.0 * factors[:, ::-1] + 7
    assert mutual_information_gap(codes, factors) == pytest.approx(1)
    assert modularity_score(codes, factors) == pytest.approx(1)


def test_a_duplicated_code_closes_the_gap_but_stays_modular():
    factors = full_grid(3, 4)
    codes = np.hstack([factors, factors]).astype(float)
    assert mutual_information_gap(codes, factors) == pytest.approx(0)
    assert modularity_score(codes, factors) == pytest.approx(1)


def test_a_code_that_mixes_two_factors_equally():
    factors = full_grid(4, 4)
    codes = np.column_stack([4 * factors[:, 0] + factors[:, 1], factors[:, 0]]).astype(float)
    # First code: information log 4 about both factors; second: log 4 about the first only.
    assert modularity_score(codes, factors) == pytest.approx((0 + 1) / 2)
    assert mutual_information_gap(codes, factors) == pytest.approx((0 + 1) / 2)


def test_constant_codes_carry_nothing():
    factors = full_grid(3, 4)
    codes = np.column_stack([factors, np.full(12, 0.1), np.zeros(12)]).astype(float)
    assert mutual_information_gap(codes, factors) == pytest.approx(1)
    assert modularity_score(codes, factors) == pytest.approx(2 / 4)
    assert mutual_information_gap(np.ones((12, 2)), factors) == 0
    assert modularity_score(np.ones((12, 2)), factors) == 0


def test_information_that_is_only_rounding_is_none():
    # Independent by construction: every combination once. Rounding alone would give a random score.
    grid = full_grid(7, 3, 5)
    assert modularity_score(grid[:, [0]].astype(float), grid[:, 1:]) == 0


@pytest.mark.parametrize("metric", [mutual_information_gap, modularity_score])
def test_factors_of_any_type(metric):
    codes, factors = make_reference()
    codes, factors = codes[:300], factors[:300]
    expected = metric(codes, factors)
    assert metric(codes, factors * 0.25) == pytest.approx(expected)
    assert metric(codes, factors.astype(str)) == pytest.approx(expected)
    mixed = factors.astype(object)
    mixed[:, 0] = [f"shape {value}" for value in factors[:, 0]]
    assert metric(codes, mixed) == pytest.approx(expected)


@pytest.mark.parametrize("metric", [mutual_information_gap, modularity_score])
def test_too_few_bins(metric):
    codes, factors = make_reference()
    with pytest.raises(ValueError, match="n_bins"):
        metric(codes, factors, n_bins=1)

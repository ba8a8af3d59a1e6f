"""SAP and explicitness, against the public implementation and direct loops."""

import numpy as np
import pytest
from joblib import parallel_config
from scipy.stats import pearsonr

from sklatent.metrics import explicitness_score, separated_attribute_predictability
from tests.metrics.reference import make_reference


def test_public_implementations_values():
    codes, factors = make_reference()
    score = separated_attribute_predictability(codes, factors, continuous_factors=True)
    assert score == pytest.approx(0.2972052817423885, abs=1e-9)
    # The classifiers' own solvers may move a sample or two between versions.
    score = separated_attribute_predictability(codes, factors, random_state=0)
    assert score == pytest.approx(0.08283333333333331, abs=0.005)
    assert explicitness_score(codes, factors, random_state=0) == pytest.approx(
        0.859250731264114, abs=1e-3
    )


def test_continuous_form_is_the_gap_of_squared_correlations():
    rng = np.random.RandomState(0)
    factors = rng.normal(size=(100, 3))
    codes = factors @ rng.normal(size=(3, 4)) + 0.3 * rng.normal(size=(100, 4))
    squared = np.array([[pearsonr(c, f)[0] ** 2 for c in codes.T] for f in factors.T])
    ordered = np.sort(squared, axis=1)
    score = separated_attribute_predictability(codes, factors, continuous_factors=True)
    assert score == pytest.approx((ordered[:, -1] - ordered[:, -2]).mean())


@pytest.mark.parametrize("continuous", [False, True])
def test_separated_and_duplicated_codes(continuous):
    factors = np.random.RandomState(0).choice([-2.0, 2.0], size=(1000, 2))
    codes = factors + 0.1 * np.random.RandomState(1).normal(size=factors.shape)
    options = {"continuous_factors": continuous, "random_state": 0}
    best = separated_attribute_predictability(codes, factors, **options)
    # A code that knows nothing still guesses a binary factor half of the time.
    assert best > (0.95 if continuous else 0.4)
    both = np.hstack([codes, codes])
    assert separated_attribute_predictability(both, factors, **options) < 0.05


def test_constant_codes_predict_nothing():
    factors = np.random.RandomState(0).normal(size=(50, 2))
    codes = np.column_stack([factors, np.full(50, 0.1)])
    with_constant = separated_attribute_predictability(codes, factors, continuous_factors=True)
    without = separated_attribute_predictability(factors, factors, continuous_factors=True)
    assert with_constant == pytest.approx(without)
    nothing = separated_attribute_predictability(
        np.full((50, 2), 0.1), factors, continuous_factors=True
    )
    assert nothing == 0
    discrete = (factors > 0).astype(int)
    assert separated_attribute_predictability(np.full((50, 2), 0.1), discrete, random_state=0) == 0


def test_explicitness_of_linear_codes_and_of_noise():
    rng = np.random.RandomState(0)
    factors = rng.randint(2, size=(1000, 2))
    codes = factors @ rng.normal(size=(2, 3))
    assert explicitness_score(codes, factors, random_state=0) == pytest.approx(1)
    noise = rng.normal(size=(1000, 3))
    assert explicitness_score(noise, factors, random_state=0) == pytest.approx(0.5, abs=0.05)
    with_constant = np.column_stack([codes, np.ones(1000)])
    assert explicitness_score(with_constant, factors, random_state=0) == pytest.approx(1)


def test_explicitness_of_a_code_that_confuses_two_values():
    factors = np.arange(3000) % 3
    codes = ((factors - 1.0) ** 2)[:, None]
    # One against the rest: the middle is read off perfectly; for each outer value half of the
    # others is told apart and half is tied, an area of 3/4.
    score = explicitness_score(codes, factors, random_state=0)
    assert score == pytest.approx((1 + 3 / 4 + 3 / 4) / 3, abs=0.02)


def test_a_value_missing_on_one_side_is_left_out():
    factors = np.array([0, 1] * 20 + [2])
    codes = np.column_stack([factors, factors]).astype(float)
    for seed in range(4):
        # In the test part alone, the third value can only be taken for another.
        assert 0.9 < explicitness_score(codes, factors, random_state=seed) <= 1


def test_explicitness_of_values_that_all_occur_once():
    codes, factors = np.arange(10.0)[:, None], np.arange(10)
    with pytest.raises(ValueError, match="too few samples"):
        explicitness_score(codes, factors, random_state=0)


@pytest.mark.parametrize("metric", [explicitness_score, separated_attribute_predictability])
def test_jobs_and_seeds(metric):
    codes, factors = make_reference()
    codes, factors = codes[:200, :4], factors[:200, :3]
    first = metric(codes, factors, random_state=0)
    with parallel_config("threading"):
        assert first == metric(codes, factors, random_state=0, n_jobs=2)
    assert first != metric(codes, factors, random_state=1)
    with pytest.raises(ValueError, match="not discrete"):
        metric(codes, codes)


def test_continuous_factors_must_be_numbers():
    with pytest.raises(ValueError, match="holds strings"):
        separated_attribute_predictability(
            np.eye(4), np.array(["a", "b", "a", "b"]), continuous_factors=True
        )

"""Metrics that hold one factor fixed, against the public implementation and direct loops."""

import numpy as np
import pytest

from sklatent.metrics import beta_vae_score, factor_vae_score, interventional_robustness_score
from sklatent.metrics._intervention import _FixedFactorSampler
from tests.metrics.reference import full_grid, make_reference


def test_public_implementations_values():
    codes, factors = make_reference()
    score = interventional_robustness_score(codes, factors)
    assert score == pytest.approx(0.43725331481754687, abs=1e-9)
    # There, batches come fresh from a generator with two seeds: 0.8736 and 0.8708; 0.9857, 0.9867.
    assert factor_vae_score(codes, factors, random_state=0) == pytest.approx(0.872, abs=0.015)
    options = {"n_train": 3000, "n_eval": 3000, "random_state": 0}
    assert beta_vae_score(codes, factors, **options) == pytest.approx(0.986, abs=0.015)


def loop_factor_vae(codes, factors, n_train, n_eval, batch_size, rng):
    """The metric as its paper tells it, one batch after the other."""
    scale = codes.std(axis=0, ddof=1)
    active = np.flatnonzero(scale >= 0.05)
    votes = np.zeros((codes.shape[1], factors.shape[1]))
    correct = 0
    for step in range(n_train + n_eval):
        factor = rng.randint(factors.shape[1])
        value = factors[rng.randint(len(factors)), factor]
        rows = rng.choice(np.flatnonzero(factors[:, factor] == value), size=batch_size)
        ratio = codes[rows][:, active].std(axis=0, ddof=1) / scale[active]
        code = active[ratio.argmin()]
        if step < n_train:
            votes[code, factor] += 1
        else:
            correct += votes[code].argmax() == factor
    return correct / n_eval


@pytest.mark.parametrize("seed", [0, 1])
def test_factor_vae_is_the_plain_loop(seed):
    codes, factors = make_reference()
    codes, factors = codes[:500], factors[:500]
    codes[:, 3] *= 0.001
    expected = loop_factor_vae(codes, factors, 1000, 1000, 16, np.random.RandomState(seed))
    score = factor_vae_score(
        codes, factors, n_train=1000, n_eval=1000, batch_size=16, random_state=seed
    )
    # Two proportions over 1,000 batches each: 5 standard errors of their difference.
    assert score == pytest.approx(expected, abs=5 * np.sqrt(2 * 0.25 / 1000))


quick = {"n_train": 300, "n_eval": 300, "batch_size": 16}


@pytest.mark.parametrize("metric", [factor_vae_score, beta_vae_score])
def test_disentangled_codes_and_noise(metric):
    factors = full_grid(4, 4, 4)
    assert metric(3.0 * factors[:, ::-1], factors, random_state=0, **quick) > 0.99
    noise = np.random.RandomState(0).normal(size=(64 * 40, 3))
    score = metric(noise, np.tile(factors, (40, 1)), random_state=0, **quick)
    assert score == pytest.approx(1 / 3, abs=0.1)


@pytest.mark.parametrize("metric", [factor_vae_score, beta_vae_score])
def test_seeds_and_the_global_state(metric):
    codes, factors = make_reference()
    codes, factors = codes[:300, :4], factors[:300, :2]
    before = np.random.get_state()[1].copy()
    first = metric(codes, factors, random_state=0, **quick)
    assert first == metric(codes, factors, random_state=0, **quick)
    scores = {metric(codes, factors, random_state=seed, **quick) for seed in range(3)}
    assert len(scores) > 1
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("threshold", [0.0, 0.05])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_a_constant_code_does_not_win_the_votes(threshold, value):
    factors = full_grid(4, 4, 4)
    codes = np.column_stack([np.full(64, value), factors]).astype(float)
    score = factor_vae_score(codes, factors, pruning_threshold=threshold, random_state=0, **quick)
    assert score > 0.99


def test_pruning():
    factors = full_grid(4, 4, 4)
    codes = factors * [1.0, 1.0, 0.01]
    pruned = factor_vae_score(codes, factors, random_state=0, **quick)
    assert pruned == pytest.approx(2 / 3, abs=0.1)
    assert factor_vae_score(codes, factors, pruning_threshold=0, random_state=0, **quick) > 0.99
    assert factor_vae_score(0.001 * codes, factors, random_state=0) == 0.0


def test_rows_drawn_share_the_fixed_factor_and_only_that():
    factors = np.column_stack([[0, 0, 1, 1, 1, 2], [0, 1, 0, 1, 0, 1]])
    sampler = _FixedFactorSampler(factors)
    rng = np.random.RandomState(0)
    for factor in range(2):
        anchors = sampler.anchors(factor, 300, rng)
        rows = sampler.companions(factor, anchors, 50, rng)
        assert np.all(factors[rows, factor] == factors[anchors, factor][:, None])
        drawn = [set(rows[anchors == anchor].ravel()) for anchor in np.unique(anchors)]
        expected = [set(np.flatnonzero(factors[:, factor] == factors[a, factor]))
                    for a in np.unique(anchors)]  # fmt: skip
        assert drawn == expected
    # A value that occurs once cannot be held fixed while something else varies.
    assert 5 not in sampler.anchors(0, 1000, rng)


def test_companions_are_drawn_uniformly():
    sampler = _FixedFactorSampler(np.array([[0], [0], [0], [1], [1]]))
    rows = sampler.companions(0, np.zeros(30, dtype=int), 1000, np.random.RandomState(0))
    counts = np.bincount(rows.ravel(), minlength=3)
    assert np.abs(counts - 10_000).max() < 5 * np.sqrt(10_000)


@pytest.mark.parametrize("metric", [factor_vae_score, beta_vae_score])
@pytest.mark.parametrize(
    ("factors", "options", "message"),
    [
        (full_grid(8, 8)[:, 0], {}, "at least 2, got 1"),
        (np.column_stack([np.arange(64), np.arange(64) % 2]), {}, "No two samples share"),
        (full_grid(8, 8), {"batch_size": 1}, "batch_size"),
        (full_grid(8, 8), {"n_train": 0}, "n_train"),
        (full_grid(8, 8), {"n_eval": 0}, "n_eval"),
    ],
)
def test_bad_input(metric, factors, options, message):
    with pytest.raises(ValueError, match=message):
        metric(np.random.RandomState(0).normal(size=(64, 3)), factors, **options)


def test_beta_vae_needs_every_factor_in_training():
    with pytest.raises(ValueError, match="too few to draw each"):
        beta_vae_score(np.eye(8), full_grid(2, 2, 2), n_train=1, random_state=0)


def loop_irs(codes, factors, quantile):
    best = []
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    for i, code in enumerate(codes.T):
        scores = []
        for factor in factors.T:
            strays = []
            for value in set(factor):
                part = code[factor == value]
                strays.append(np.quantile(np.abs(part - part.mean()), quantile))
            scores.append(1 - np.mean(strays) / largest[i])
        best.append(max(scores))
    return np.average(best, weights=largest)


@pytest.mark.parametrize("quantile", [0.5, 0.99, 1.0])
def test_robustness_is_the_plain_loop(quantile):
    codes, factors = make_reference()
    score = interventional_robustness_score(codes[:200], factors[:200], diff_quantile=quantile)
    assert score == pytest.approx(loop_irs(codes[:200], factors[:200], quantile))


def test_robustness_of_perfect_and_constant_codes():
    factors = full_grid(4, 5)
    codes = factors.astype(float)
    assert interventional_robustness_score(codes, factors) == pytest.approx(1)
    with_constants = np.column_stack([codes, np.full(20, 0.1), np.full(20, 1e8 / 3)])
    assert interventional_robustness_score(with_constants, factors) == pytest.approx(1)
    assert interventional_robustness_score(np.full((20, 2), 0.1), factors) == 0.0


@pytest.mark.parametrize("quantile", [0.0, 1.5, -1])
def test_bad_quantile(quantile):
    with pytest.raises(ValueError, match="diff_quantile"):
        interventional_robustness_score(np.eye(4), [0, 1, 0, 1], diff_quantile=quantile)


def test_robustness_with_binned_factors_is_that_of_their_bins():
    """As the public code: twenty bins of equal width over each factor, the last one closed."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(2000, 2))
    codes = factors @ [[1.0, 0.3], [0.0, 1.0]] + 0.1 * rng.normal(size=factors.shape)
    edges = [np.histogram(column, 20)[1][:-1] for column in factors.T]
    binned = np.column_stack([np.digitize(c, e) for c, e in zip(factors.T, edges, strict=True)])
    expected = interventional_robustness_score(codes, binned)
    found = interventional_robustness_score(codes, factors, n_bins=20)
    assert found == pytest.approx(expected, abs=1e-12)
    # Binning coarsens a discrete factor of many values, and leaves one of few as it is.
    many, few = rng.integers(50, size=(2000, 1)), rng.integers(5, size=(2000, 1))
    codes = many + rng.normal(size=(2000, 1))
    unbinned = interventional_robustness_score(codes, many)
    assert interventional_robustness_score(codes, many, n_bins=20) < unbinned - 0.005
    codes = few + rng.normal(size=(2000, 1))
    assert interventional_robustness_score(codes, few, n_bins=20) == pytest.approx(
        interventional_robustness_score(codes, few)
    )


@pytest.mark.parametrize(
    ("factors", "n_bins", "message"),
    [(["a", "b", "a", "b"], 20, "holds strings"), ([0, 1, 0, 1], 1, "n_bins")],
)
def test_factors_that_have_no_bins(factors, n_bins, message):
    with pytest.raises(ValueError, match=message):
        interventional_robustness_score(np.eye(4), factors, n_bins=n_bins)

"""Distortion of maps and variability over retrainings, against closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma
from sklearn.linear_model import LinearRegression

from sklatent.metrics import (
    latent_space_distortion,
    linear_map_distortion,
    retraining_variability,
)


def make_pair(seed=0, n_samples=60, n_components=3, n_targets=2):
    rng = np.random.RandomState(seed)
    Z = rng.normal(size=(n_samples, n_components))
    target = Z @ rng.normal(size=(n_components, n_targets)) + rng.normal(size=n_targets)
    return Z, target + 0.3 * rng.normal(size=target.shape)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), weighted=st.booleans())
def test_distortion_is_the_residual_of_linear_regression(seed, weighted):
    Z, target = make_pair(seed)
    weight = np.random.RandomState(seed).random_sample(len(Z)) if weighted else None
    model = LinearRegression().fit(Z, target, sample_weight=weight)
    squares = ((model.predict(Z) - target) ** 2).sum(axis=1)
    distortion, A, b = latent_space_distortion(Z, target, sample_weight=weight, return_map=True)
    assert distortion == pytest.approx(np.average(squares, weights=weight), rel=1e-10)
    np.testing.assert_allclose(A, model.coef_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(b, model.intercept_, rtol=1e-8, atol=1e-10)


def test_distortion_ignores_affine_maps_of_the_source_but_not_of_the_target():
    Z, target = make_pair()
    distortion = latent_space_distortion(Z, target)
    moved = Z @ np.random.RandomState(1).normal(size=(3, 3)) - 7
    assert latent_space_distortion(moved, target) == pytest.approx(distortion)
    assert latent_space_distortion(Z, 2 * target + 5) == pytest.approx(4 * distortion)


def test_distortion_of_unrelated_latents_is_the_targets_variance():
    rng = np.random.RandomState(0)
    Z, target = rng.normal(size=(20_000, 2)), rng.normal(size=(20_000, 3))
    assert latent_space_distortion(Z, target) == pytest.approx(target.var(axis=0).sum(), rel=1e-3)


def test_distortion_with_integer_weights_is_that_of_repeated_rows():
    Z, target = make_pair()
    weight = np.arange(len(Z)) % 3
    repeated = latent_space_distortion(np.repeat(Z, weight, axis=0), np.repeat(target, weight, 0))
    assert latent_space_distortion(Z, target, sample_weight=weight) == pytest.approx(repeated)


def test_distortion_with_a_constant_component_takes_the_map_of_minimum_norm():
    Z, target = make_pair()
    Z = np.column_stack([Z, np.full(len(Z), 2.0)])
    distortion, A, _ = latent_space_distortion(Z, target, return_map=True)
    assert distortion == pytest.approx(latent_space_distortion(Z[:, :3], target))
    np.testing.assert_allclose(A[:, 3], 0, atol=1e-12)


@pytest.mark.parametrize("n_samples", [1, 3, 4])
def test_distortion_of_too_few_samples(n_samples):
    Z, target = make_pair()
    with pytest.raises(ValueError, match="minimum of 2|perfectly"):
        latent_space_distortion(Z[:n_samples], target[:n_samples])


def test_zero_weights_do_not_count_as_samples():
    Z, target = make_pair()
    with pytest.raises(ValueError, match="got 4 samples of positive weight"):
        latent_space_distortion(Z, target, sample_weight=np.arange(len(Z)) < 4)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda Z, target: (Z, target[:-1]), "inconsistent numbers of samples"),
        (lambda Z, target: (np.where(Z > 2, np.nan, Z), target), "Z contains NaN"),
        (lambda Z, target: (Z, target[:, 0]), "2D array"),
    ],
)
def test_bad_input_to_distortion(break_it, message):
    with pytest.raises(ValueError, match=message):
        latent_space_distortion(*break_it(*make_pair()))


def test_polar_decomposition_of_a_map():
    A = np.random.RandomState(0).normal(size=(4, 4))
    result = linear_map_distortion(A)
    np.testing.assert_allclose(result.rotation @ result.stretch, A)
    np.testing.assert_allclose(result.rotation @ result.rotation.T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(result.spectrum, np.linalg.eigvalsh(result.stretch)[::-1])
    expected = np.sqrt(((A / result.spectrum[0] - np.eye(4)) ** 2).sum())
    assert result.distance == pytest.approx(expected)


def test_distance_of_a_map_from_the_identity():
    assert linear_map_distortion(3 * np.eye(3)).distance == pytest.approx(0)
    # The bound, attained by turning everything around.
    assert linear_map_distortion(-np.eye(4)).distance == pytest.approx(4)
    assert linear_map_distortion(np.diag([2.0, 0.0])).distance == pytest.approx(1)


def test_bad_input_to_map_distortion():
    with pytest.raises(ValueError, match="square"):
        linear_map_distortion(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="A is zero"):
        linear_map_distortion(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="NaN"):
        linear_map_distortion([[np.nan]])


def make_runs(n_runs=8, n_samples=30, n_components=3, seed=0):
    rng = np.random.RandomState(seed)
    shared = rng.normal(size=(n_samples, n_components))
    return shared + 0.2 * rng.normal(size=(n_runs, n_samples, n_components))


def test_variability_is_the_mean_log_determinant():
    runs = make_runs()
    expected = [np.linalg.slogdet(np.cov(runs[:, i].T))[1] for i in range(runs.shape[1])]
    variability, samples = retraining_variability(runs, return_samples=True)
    np.testing.assert_allclose(samples, expected)
    assert variability == pytest.approx(np.mean(expected))


def test_variability_of_gaussian_runs_has_the_wishart_expectation():
    # E log det of a Wishart matrix: sum of digamma((m - i) / 2) + d log 2, m degrees of freedom.
    n_runs, d = 9, 3
    runs = np.random.RandomState(0).normal(size=(n_runs, 20_000, d))
    m = n_runs - 1
    expected = sum(digamma((m - i) / 2) for i in range(d)) + d * np.log(2 / m)
    assert retraining_variability(runs) == pytest.approx(expected, abs=0.03)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), scale=st.floats(1e-6, 1e6))
def test_shrinking_pays_in_the_absolute_form_only(seed, scale):
    runs = make_runs(seed=seed)
    shift = retraining_variability(scale * runs) - retraining_variability(runs)
    assert shift == pytest.approx(2 * 3 * np.log(scale), abs=1e-6)
    relative = retraining_variability(runs, relative=True)
    assert retraining_variability(scale * runs, relative=True) == pytest.approx(relative)


def test_relative_form_ignores_a_common_linear_map_and_passive_components():
    runs = make_runs()
    relative = retraining_variability(runs, relative=True)
    M = np.random.RandomState(1).normal(size=(3, 3)) + 2 * np.eye(3)
    assert retraining_variability(runs @ M + 1, relative=True) == pytest.approx(relative)
    passive = 1e-3 * np.random.RandomState(2).normal(size=(*runs.shape[:2], 2))
    padded = np.concatenate([runs, passive], axis=2)
    # They move the volume itself by tens of nats.
    assert abs(retraining_variability(padded) - retraining_variability(runs)) > 20
    assert retraining_variability(padded, relative=True) == pytest.approx(relative, abs=1e-6)


def test_relative_form_is_the_difference_of_log_determinants():
    runs = make_runs()
    pooled = np.mean([np.cov(run.T) for run in runs], axis=0)
    expected = retraining_variability(runs) - np.linalg.slogdet(pooled)[1]
    assert retraining_variability(runs, relative=True) == pytest.approx(expected)


def test_relative_form_tells_reproducible_from_unrelated_runs():
    unrelated = np.random.RandomState(0).normal(size=(40, 200, 3))
    assert abs(retraining_variability(unrelated, relative=True)) < 0.3
    assert retraining_variability(make_runs(40, 200), relative=True) < -6


@pytest.mark.parametrize("n_runs", [2, 3])
def test_rank_is_decided_by_the_number_of_runs(n_runs):
    runs = make_runs(n_runs=n_runs)
    with pytest.raises(ValueError, match=f"over {n_runs} runs is singular"):
        retraining_variability(runs)
    variability, samples = retraining_variability(runs, degenerate="pseudo", return_samples=True)
    eigenvalues = np.array([np.linalg.eigvalsh(np.cov(runs[:, i].T)) for i in range(30)])
    expected = np.log(eigenvalues[:, -(n_runs - 1) :]).sum(axis=1)
    np.testing.assert_allclose(samples, expected)
    assert variability == pytest.approx(expected.mean())


def test_pseudo_determinant_of_enough_runs_is_the_determinant():
    runs = make_runs()
    assert retraining_variability(runs, degenerate="pseudo") == retraining_variability(runs)


def test_pseudo_relative_form_cannot_be_improved_by_shrinking_either():
    runs = make_runs(n_runs=3)
    relative = retraining_variability(runs, degenerate="pseudo", relative=True)
    shrunk = retraining_variability(0.01 * runs, degenerate="pseudo", relative=True)
    assert shrunk == pytest.approx(relative)


@pytest.mark.parametrize("degenerate", ["raise", "pseudo"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_runs_that_agree_are_an_error_not_rounding_noise(degenerate, dtype):
    runs = np.repeat(make_runs(n_runs=1), 8, axis=0).astype(dtype)
    with pytest.raises(ValueError, match="agree to rounding"):
        retraining_variability(runs, degenerate=degenerate)
    one_component = make_runs().astype(dtype)
    one_component[:, :, 1] = 0.1
    with pytest.raises(ValueError, match="agree to rounding"):
        retraining_variability(one_component)


def test_float32_latents_that_differ_by_rounding_alone_are_an_error():
    runs = np.repeat(make_runs(n_runs=1), 8, axis=0).astype(np.float32)
    noise = np.random.RandomState(0).choice([-1, 0, 1], size=runs.shape)
    with pytest.raises(ValueError, match="agree to rounding"):
        retraining_variability(runs + np.spacing(runs) * noise.astype(np.float32))


@pytest.mark.parametrize(
    ("latents", "options", "message"),
    [
        (np.zeros((3, 4)), {}, "n_models, n_samples, n_components"),
        (np.zeros((1, 4, 2)), {}, "at least 2 models"),
        (np.full((4, 4, 2), np.inf), {}, "infinity"),
        (make_runs(), {"degenerate": "ignore"}, "degenerate must be"),
        ([np.zeros((4, 2)), np.zeros((5, 2))], {}, "inconsistent numbers"),
        ([np.zeros((4, 2)), np.zeros((4, 3))], {}, "same number of components"),
        (np.zeros((4, 4, 2)), {"relative": True}, "do not vary"),
        ([], {}, "must have shape"),
    ],
)
def test_bad_input_to_variability(latents, options, message):
    with pytest.raises(ValueError, match=message):
        retraining_variability(latents, **options)

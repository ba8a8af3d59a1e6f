"""The Gaussian posterior, held against scipy's distributions."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from sklatent._posterior import Posterior


def make_posterior(kind, n_samples=6, n_components=3, seed=0, dtype=np.float64):
    rng = np.random.RandomState(seed)
    mean = rng.normal(size=(n_samples, n_components)).astype(dtype)
    if kind == "diagonal":
        return Posterior(mean, log_var=rng.normal(size=mean.shape).astype(dtype))
    factor = np.tril(rng.normal(size=(n_samples, n_components, n_components)), k=-1)
    factor[:, range(n_components), range(n_components)] = np.exp(rng.normal(size=mean.shape))
    return Posterior(mean, scale_tril=factor.astype(dtype))


kinds = pytest.mark.parametrize("kind", ["diagonal", "full"])


@kinds
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), n_components=st.integers(1, 5))
def test_log_prob_is_scipys(kind, seed, n_components):
    posterior = make_posterior(kind, n_components=n_components, seed=seed)
    Z = np.random.RandomState(seed + 1).normal(size=(2, *posterior.mean.shape))
    expected = [
        [
            multivariate_normal(
                posterior.mean[i], posterior.covariance[i], allow_singular=True
            ).logpdf(Z[draw, i])
            for i in range(len(posterior))
        ]
        for draw in range(2)
    ]
    np.testing.assert_allclose(posterior.log_prob(Z), expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(posterior.log_prob(Z[0]), expected[0], rtol=1e-8, atol=1e-8)


@kinds
def test_kl_is_the_textbook_formula(kind):
    posterior = make_posterior(kind)
    expected = [
        0.5 * (np.trace(S) + m @ m - len(m) - np.linalg.slogdet(S)[1])
        for m, S in zip(posterior.mean, posterior.covariance, strict=True)
    ]
    np.testing.assert_allclose(posterior.kl(), expected, rtol=1e-12)


@kinds
def test_kl_is_the_mean_log_ratio_of_draws(kind):
    posterior = make_posterior(kind, n_samples=1, n_components=2)
    tiled = posterior[np.zeros(200_000, dtype=int)]
    Z = tiled.sample(random_state=0)
    ratio = tiled.log_prob(Z) - multivariate_normal(np.zeros(2)).logpdf(Z)
    standard_error = ratio.std() / np.sqrt(len(ratio))
    assert abs(ratio.mean() - posterior.kl()[0]) < 5 * standard_error


def test_kl_per_component_sums_to_kl_only_without_correlations():
    diagonal, full = make_posterior("diagonal"), make_posterior("full")
    np.testing.assert_allclose(diagonal.kl_per_component().sum(axis=1), diagonal.kl())
    assert np.all(full.kl_per_component().sum(axis=1) < full.kl())


def test_kl_of_a_component_next_to_the_prior_keeps_its_digits():
    log_var = np.array([[1e-6]])
    kl = Posterior(np.zeros((1, 1)), log_var=log_var).kl_per_component()
    # 1/2 (exp(v) - 1 - v) = v^2 / 4 + O(v^3)
    np.testing.assert_allclose(kl, log_var**2 / 4, rtol=1e-3)


@kinds
def test_variances_covariances_and_factors_agree(kind):
    posterior = make_posterior(kind)
    factor = posterior.scale_tril
    np.testing.assert_allclose(posterior.covariance, factor @ factor.transpose(0, 2, 1))
    diagonal = np.diagonal(posterior.covariance, axis1=1, axis2=2)
    np.testing.assert_allclose(posterior.variance, diagonal)
    np.testing.assert_allclose(np.exp(posterior.log_var), diagonal)
    assert posterior.is_diagonal == (kind == "diagonal")


@kinds
def test_draws_have_the_posteriors_moments(kind):
    posterior = make_posterior(kind, n_samples=1)
    Z = posterior[np.zeros(100_000, dtype=int)].sample(random_state=3)
    scale = np.sqrt(posterior.variance[0])
    assert np.all(np.abs(Z.mean(axis=0) - posterior.mean[0]) < 5 * scale / np.sqrt(len(Z)))
    error = np.abs(np.cov(Z.T) - posterior.covariance[0]) / np.outer(scale, scale)
    assert error.max() < 5 * np.sqrt(2 / len(Z))


@kinds
def test_sampling_is_reproducible_and_leaves_the_global_state(kind):
    posterior = make_posterior(kind)
    before = np.random.get_state()[1].copy()
    first, again = posterior.sample(random_state=0), posterior.sample(random_state=0)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, posterior.sample(random_state=1))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@kinds
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_type_is_kept(kind, dtype):
    posterior = make_posterior(kind, dtype=dtype)
    results = [
        posterior.mean, posterior.log_var, posterior.variance, posterior.covariance,
        posterior.scale_tril, posterior.sample(0), posterior.kl(), posterior.kl_per_component(),
        posterior.log_prob(posterior.mean),
    ]  # fmt: skip
    assert {result.dtype for result in results} == {np.dtype(dtype)}


def test_integers_become_float64_and_half_precision_float32():
    assert Posterior([[1, 2]], log_var=[[0, 0]]).mean.dtype == np.float64
    half = np.zeros((1, 2), dtype=np.float16)
    assert Posterior(half, log_var=half).mean.dtype == np.float32


@kinds
def test_rows_are_selected_by_every_kind_of_index(kind):
    posterior = make_posterior(kind)
    mask = np.array([True, False] * 3)
    for rows in (slice(1, 4), mask, [2, 0, 2], np.array([5]), slice(0, 0)):
        part = posterior[rows]
        np.testing.assert_array_equal(part.mean, posterior.mean[rows])
        np.testing.assert_array_equal(part.covariance, posterior.covariance[rows])
    np.testing.assert_array_equal(posterior[-1].mean, posterior.mean[-1:])
    assert len(posterior) == 6
    assert len(list(posterior)) == 6
    with pytest.raises(IndexError, match="out of range"):
        posterior[6]
    with pytest.raises(TypeError, match="rows only"):
        posterior[0, 0]


@kinds
def test_pickles_and_says_what_it_is(kind):
    posterior = pickle.loads(pickle.dumps(make_posterior(kind)))
    assert repr(posterior) == f"Posterior(n_samples=6, n_components=3, covariance='{kind}')"


@pytest.mark.parametrize(
    ("mean", "spread", "message"),
    [
        (np.zeros((2, 2)), {}, "neither"),
        (np.zeros((2, 2)), {"log_var": np.zeros((2, 2)), "scale_tril": np.eye(2)}, "both"),
        (np.zeros(2), {"log_var": np.zeros(2)}, "n_samples, n_components"),
        (np.zeros((2, 0)), {"log_var": np.zeros((2, 0))}, "at least one component"),
        (np.zeros((2, 2)), {"log_var": np.zeros((2, 3))}, r"\(2, 2\).*got \(2, 3\)"),
        (np.zeros((2, 2)), {"scale_tril": np.eye(2)}, r"\(2, 2, 2\)"),
        (np.full((1, 1), np.nan), {"log_var": np.zeros((1, 1))}, "mean contains NaN"),
        (np.zeros((1, 1)), {"log_var": np.full((1, 1), np.inf)}, "log_var contains NaN"),
        (np.zeros((1, 1)), {"log_var": np.full((1, 1), 1e4)}, "overflow"),
        (np.zeros((1, 2)), {"scale_tril": np.ones((1, 2, 2))}, "lower-triangular"),
        (np.zeros((1, 2)), {"scale_tril": np.diag([1.0, 0.0])[None]}, "positive"),
    ],
)
def test_wrong_parameters_are_named(mean, spread, message):
    with pytest.raises(ValueError, match=message):
        Posterior(mean, **spread)


def test_what_is_not_a_number_is_refused():
    with pytest.raises(TypeError, match="real numbers"):
        Posterior([["a"]], log_var=[[0.0]])
    with pytest.raises(ValueError, match="leading axis of draws"):
        make_posterior("diagonal").log_prob(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="Z contains NaN"):
        make_posterior("diagonal").log_prob(np.full((6, 3), np.nan))

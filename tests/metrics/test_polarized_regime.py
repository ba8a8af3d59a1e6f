"""Which components carry information."""

import numpy as np
import pytest

from sklatent._posterior import Posterior
from sklatent.metrics import active_components, polarized_regime


def make_posterior(dtype=np.float64):
    rng = np.random.RandomState(0)
    mean = rng.normal(size=(200, 4)) * [1.0, 0.7, 0.05, 0.0]
    log_var = np.broadcast_to(np.log([0.01, 0.5, 0.997, 1.0]), mean.shape)
    return Posterior(mean.astype(dtype), log_var=log_var.astype(dtype))


def test_regime_is_the_ratio_of_mean_divergences():
    posterior = make_posterior()
    mean, log_var = posterior.mean[:, :3], posterior.log_var[:, :3]
    kl = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1)
    approximate = 0.5 * (mean**2 - log_var - 1)
    expected = np.log((kl - approximate).mean(axis=0) / kl.mean(axis=0))
    np.testing.assert_allclose(polarized_regime(posterior)[:3], expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_more_active_is_smaller_and_the_prior_is_plus_infinity(dtype):
    regime = polarized_regime(make_posterior(dtype))
    assert np.all(np.diff(regime[:3]) > 0)
    assert regime[0] < -5
    assert regime[2] > 0
    assert regime[3] == np.inf


def test_a_component_next_to_the_prior_is_not_lost_to_rounding():
    posterior = Posterior(np.zeros((5, 1)), log_var=np.full((5, 1), 1e-7))
    # KL = v^2 / 4, KL - KL_approx = 1/2
    np.testing.assert_allclose(polarized_regime(posterior), np.log(0.5 / (1e-14 / 4)), rtol=1e-6)


def test_full_posteriors_are_judged_by_their_marginals():
    rng = np.random.RandomState(0)
    factor = np.tril(rng.normal(size=(50, 3, 3)), k=-1) + np.eye(3)
    full = Posterior(rng.normal(size=(50, 3)), scale_tril=factor)
    diagonal = Posterior(full.mean, log_var=full.log_var)
    np.testing.assert_array_equal(polarized_regime(full), polarized_regime(diagonal))


def test_active_components_are_those_whose_mean_varies():
    posterior = make_posterior()
    np.testing.assert_array_equal(active_components(posterior), [True, True, False, False])
    np.testing.assert_array_equal(
        active_components(posterior, threshold=0.001), [True, True, True, False]
    )
    # Far from the prior, but the same for every sample: it carries nothing.
    offset = Posterior(np.full((10, 1), 3.0), log_var=np.full((10, 1), -5.0))
    assert not active_components(offset).any()


@pytest.mark.parametrize("metric", [polarized_regime, active_components])
def test_bad_input(metric):
    with pytest.raises(TypeError, match="mean and log_var"):
        metric(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="at least one sample"):
        metric(make_posterior()[:0])


def test_bad_threshold():
    with pytest.raises(ValueError, match="threshold"):
        active_components(make_posterior(), threshold=-1)

"""The Bernoulli likelihood against scipy's."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import expit

from sklatent import VAE
from sklatent.likelihoods import Bernoulli


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(size=(6, 4))


def test_log_prob_and_mean(logits):
    x = np.random.default_rng(1).integers(0, 2, size=(6, 4)).astype(float)
    found = Bernoulli().log_prob(torch.tensor(x), torch.tensor(logits))
    expected = stats.bernoulli(expit(logits)).logpmf(x).sum(axis=1)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(Bernoulli().mean(torch.tensor(logits)), expit(logits))


def test_deviance_vanishes_at_the_data(logits):
    x = torch.tensor(expit(logits))
    likelihood = Bernoulli()
    torch.testing.assert_close(
        likelihood.deviance(x, torch.tensor(logits)), torch.zeros(6).double(), atol=1e-12, rtol=0
    )
    assert (likelihood.deviance(x, torch.tensor(logits) + 0.5) > 0).all()


def test_start_is_tangent_to_the_link():
    """Where the mean is not extreme, a small step along a loading moves the mean by it."""
    mean, loadings = np.array([0.3, 0.6]), np.array([[0.5], [-0.2]])
    center, weight = Bernoulli().start_output(mean, loadings)
    moved = expit(center + 1e-6 * weight[:, 0])
    np.testing.assert_allclose((moved - mean) / 1e-6, loadings[:, 0], rtol=1e-4)


def test_sample(logits):
    generator = torch.Generator().manual_seed(0)
    draws = Bernoulli().sample(torch.tensor(logits).expand(4000, 6, 4), generator)
    np.testing.assert_allclose(draws.mean(0), expit(logits), atol=0.04)


def test_check_names_what_is_wrong():
    with pytest.raises(ValueError, match=r"needs views in \[0, 1\], but views lies in \[-1, 2\]"):
        Bernoulli().check(np.array([[-1.0, 2.0]]), "views")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_beyond_one_is_no_error_and_more_is_named(dtype):
    """What MinMaxScaler returns may be 1.0000000000000002."""
    X = np.random.default_rng(0).random((30, 4)).astype(dtype)
    X[0, 0], X[1, 1] = 1 + 4 * np.finfo(dtype).eps, -np.finfo(dtype).eps
    model = VAE(2, likelihood="bernoulli", max_epochs=1, precision="float64", random_state=0)
    assert np.isfinite(model.fit(X).score(X))
    deviance = Bernoulli().deviance(torch.as_tensor(X), torch.zeros(30, 4, dtype=torch.float64))
    assert torch.isfinite(deviance).all()
    X[0, 0] = 1.00001
    with pytest.raises(ValueError, match=r"1\.00001\]"):
        model.fit(X)

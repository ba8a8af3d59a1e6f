"""The normal likelihood against scipy's, with variances fixed, shared and of each feature."""

import numpy as np
import pytest
import torch
from scipy import stats

from sklatent.likelihoods import Gaussian
from sklatent.likelihoods._bound import BoundLikelihood


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 4)), rng.normal(size=(6, 4))


@pytest.mark.parametrize("scale", [1.0, 0.3, 2])
def test_fixed_scale(arrays, scale):
    x, mean = arrays
    found = Gaussian(scale=scale).log_prob(torch.tensor(x), torch.tensor(mean))
    expected = stats.norm(mean, scale).logpdf(x).sum(axis=1)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("scale", ["shared", "per_feature"])
def test_learned_scale_begins_at_the_residual_variance(arrays, scale):
    x, mean = arrays
    residual = np.array([0.5, 1.0, 2.0, 4.0])
    bound = BoundLikelihood(Gaussian(scale=scale), 4).double()
    bound.start(residual, np.full(4, 10.0))
    deviation = np.sqrt(residual if scale == "per_feature" else residual.mean())
    expected = stats.norm(mean, deviation).logpdf(x).sum(axis=1)
    found = bound.log_prob(torch.tensor(x), torch.tensor(mean)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_learned_variance_is_bounded_below(arrays):
    x, _ = arrays
    bound = BoundLikelihood(Gaussian(), 4).double()
    bound.start(np.full(4, 1.0), np.full(4, 2.0))
    with torch.no_grad():
        bound.log_var.fill_(-1e4)
    found = bound.log_prob(torch.tensor(x), torch.tensor(x)).detach().numpy()
    expected = stats.norm(0, np.sqrt(2e-5)).logpdf(np.zeros((6, 4))).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_deviance_is_twice_the_nats_beyond_a_perfect_fit(arrays):
    x, mean = (torch.tensor(a) for a in arrays)
    for scale in (1.0, 0.3):
        likelihood = Gaussian(scale=scale)
        expected = 2 * (likelihood.log_prob(x, x) - likelihood.log_prob(x, mean))
        torch.testing.assert_close(likelihood.deviance(x, mean), expected)


def test_stacked_models_have_their_own_variances(arrays):
    x, mean = (torch.tensor(a) for a in arrays)
    log_var = torch.tensor([0.0, 1.0, -1.0]).double().view(3, 1, 1)
    likelihood = Gaussian()
    stacked = likelihood.log_prob(x.expand(3, 6, 4), mean.expand(3, 6, 4), log_var=log_var)
    for own, row in zip(log_var, stacked, strict=True):
        torch.testing.assert_close(row, likelihood.log_prob(x, mean, log_var=own))


@pytest.mark.parametrize("stack", [(), (3,)], ids=["single", "stacked"])
def test_one_learned_variance_has_its_gradient_by_hand(stack):
    """Against scipy, finite differences and, of the gradient's gradient, autograd's own."""
    generator = torch.Generator().manual_seed(0)

    def numbers(*shape):
        return torch.randn(*stack, *shape, generator=generator, dtype=torch.float64)

    least = numbers(1, 1) - 4.0
    given = [part.requires_grad_() for part in (numbers(5, 4), numbers(5, 4), numbers(1, 1))]

    def by_hand(x, mean, log_var):
        return Gaussian().log_prob(x, mean, log_var, least)

    def of_each(x, mean, log_var):
        wide = log_var.expand(*stack, 1, 4)
        return Gaussian().log_prob(x, mean, wide, least)  # one for each feature, which are alike

    x, mean, log_var = given
    variance = np.exp((least + torch.nn.functional.softplus(log_var - least)).detach().numpy())
    expected = stats.norm(mean.detach(), np.sqrt(variance)).logpdf(x.detach()).sum(axis=-1)
    np.testing.assert_allclose(by_hand(*given).detach(), expected, rtol=1e-10)
    assert torch.autograd.gradcheck(by_hand, given, fast_mode=True)
    weights = numbers(5)
    seconds = []
    for function in (by_hand, of_each):
        slopes = torch.autograd.grad(function(*given), given, weights, create_graph=True)
        seconds.append(torch.autograd.grad(sum(s.square().sum() for s in slopes), given))
    torch.testing.assert_close(*seconds)


def test_sample_has_the_scale_it_says():
    generator = torch.Generator().manual_seed(0)
    draws = Gaussian(scale=0.5).sample(torch.full((20_000, 1), 3.0), generator)
    assert abs(draws.mean() - 3) < 0.02
    assert abs(draws.std() - 0.5) < 0.02


@pytest.mark.parametrize("scale", [0.0, -1.0, "own", np.nan, True, None])
def test_bad_scale(scale):
    with pytest.raises(ValueError, match="scale="):
        Gaussian(scale=scale).log_prob(torch.zeros(1, 1), torch.zeros(1, 1))


@pytest.mark.parametrize("scale", [0.3, "shared", "per_feature"])
def test_entries_sum_to_rows(arrays, scale):
    x, mean = (torch.tensor(a) for a in arrays)
    bound = BoundLikelihood(Gaussian(scale=scale), 4).double()
    bound.start(np.array([0.5, 1.0, 2.0, 4.0]), np.full(4, 10.0))
    entries = bound.likelihood.log_prob_of_entries(x, mean, **bound._own())
    torch.testing.assert_close(entries.sum(-1), bound.log_prob(x, mean))

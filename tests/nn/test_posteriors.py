"""Posteriors against torch's own distributions."""

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from sklatent.nn.posteriors import make_posterior, n_posterior_parameters

D = 4


@pytest.fixture(params=["diagonal", "full"])
def kind(request):
    return request.param


@pytest.fixture(params=[(6,), (3, 6)], ids=["single", "stacked"])
def posterior(request, kind):
    generator = torch.Generator().manual_seed(0)
    shape = (*request.param, n_posterior_parameters(kind, D))
    parameters = torch.randn(shape, generator=generator, dtype=torch.float64)
    return make_posterior(kind, parameters, D)


def reference(posterior):
    if hasattr(posterior, "scale_tril"):
        return MultivariateNormal(posterior.mean, scale_tril=posterior.scale_tril)
    scale = torch.exp(0.5 * posterior.log_var)
    return torch.distributions.Independent(Normal(posterior.mean, scale), 1)


def test_number_of_parameters():
    assert n_posterior_parameters("diagonal", 5) == 10
    assert n_posterior_parameters("full", 5) == 5 + 15


def test_kl_is_torchs(posterior):
    prior = MultivariateNormal(torch.zeros(D).double(), torch.eye(D).double())
    q = (
        MultivariateNormal(posterior.mean, reference(posterior).covariance_matrix)
        if hasattr(posterior, "scale_tril")
        else MultivariateNormal(posterior.mean, torch.diag_embed(torch.exp(posterior.log_var)))
    )
    torch.testing.assert_close(posterior.kl(), kl_divergence(q, prior), rtol=1e-10, atol=1e-10)


def test_kl_per_component_is_that_of_the_marginals(posterior):
    marginal = Normal(posterior.mean, torch.exp(0.5 * posterior.log_var))
    expected = kl_divergence(marginal, Normal(0.0, 1.0))
    torch.testing.assert_close(posterior.kl_per_component(), expected, rtol=1e-10, atol=1e-10)


def test_log_prob_is_torchs(posterior):
    generator = torch.Generator().manual_seed(1)
    z = torch.randn((5, *posterior.mean.shape), generator=generator, dtype=torch.float64)
    expected = reference(posterior).log_prob(z)
    torch.testing.assert_close(posterior.log_prob(z), expected, rtol=1e-10, atol=1e-10)


def test_samples_have_the_posteriors_moments(posterior):
    generator = torch.Generator().manual_seed(2)
    noise = torch.randn((40_000, *posterior.mean.shape), generator=generator, dtype=torch.float64)
    z = posterior.sample(noise)
    torch.testing.assert_close(z.mean(0), posterior.mean, rtol=0, atol=0.1)
    torch.testing.assert_close(z.var(0).log(), posterior.log_var, rtol=0, atol=0.1)


@pytest.mark.parametrize("by_columns", [False, True])
@pytest.mark.parametrize("shape", [(6,), (3, 6)], ids=["single", "stacked"])
@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("d", [1, 4])
def test_a_draw_with_its_divergence(kind, shape, beside, by_columns, d):
    """Both at once are the two by themselves, and so are gradients, and theirs."""
    generator = torch.Generator().manual_seed(3)

    def numbers(n):
        drawn = torch.randn(*shape, n, generator=generator, dtype=torch.float64)
        drawn = drawn.mT.contiguous().mT if by_columns else drawn
        return drawn.requires_grad_()

    parameters, noise = numbers(n_posterior_parameters(kind, d)), numbers(d)
    added = numbers(d) if beside else None
    given = [parameters, noise, *([added] if beside else [])]

    def together(parameters, noise, added=None):
        return make_posterior(kind, parameters, d, added).draw(noise)

    def one_by_one(parameters, noise, added=None):
        posterior = make_posterior(kind, parameters, d, added)
        return posterior.sample(noise), posterior.kl()

    found, expected = together(*given), one_by_one(*given)
    torch.testing.assert_close(found, expected)
    weights = [torch.randn(part.shape, generator=generator).double() for part in found]
    slopes = [
        torch.autograd.grad(outputs, given, weights, create_graph=graph)
        for outputs, graph in ((found, False), (expected, True), (together(*given), True))
    ]
    torch.testing.assert_close(slopes[0], slopes[1])
    penalties = [sum(g.square().sum() for g in some) for some in slopes[1:]]
    seconds = [torch.autograd.grad(penalty, given) for penalty in penalties]
    torch.testing.assert_close(*seconds)


def test_rows_have_draws_of_their_own(posterior):
    noise = torch.ones(*posterior.mean.shape[:-2], 3, D, dtype=torch.float64)
    z, kl = posterior.rows(slice(1, 4)).draw(noise)
    torch.testing.assert_close(z, posterior.sample(torch.ones_like(posterior.mean))[..., 1:4, :])
    torch.testing.assert_close(kl, posterior.kl()[..., 1:4])


def test_rows_are_those_rows(posterior):
    part = posterior.rows(slice(1, 4))
    torch.testing.assert_close(part.kl(), posterior.kl()[..., 1:4])


def test_full_factor_is_lower_triangular():
    parameters = torch.arange(9.0)[None]
    posterior = make_posterior("full", parameters, 3)
    expected = torch.tensor([[[1.5, 0, 0], [6, 2.0, 0], [7, 8, 2.5]]])
    expected[0, range(3), range(3)] = torch.exp(torch.tensor([1.5, 2.0, 2.5]))
    torch.testing.assert_close(posterior.scale_tril, expected)

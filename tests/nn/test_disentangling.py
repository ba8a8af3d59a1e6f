"""Penalties that ask for independence, against the papers' formulas and closed forms."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal, norm

from sklatent.nn import disentangling as objectives
from sklatent.nn.posteriors import CholeskyGaussian, DiagonalGaussian, make_posterior


def posteriors(kind, n=7, d=3, seed=0):
    """A posterior as tensors; its means and covariances as arrays; and a draw for each row."""
    generator = np.random.default_rng(seed)
    n_parameters = 2 * d if kind == "diagonal" else 2 * d + d * (d - 1) // 2
    posterior = make_posterior(kind, torch.from_numpy(generator.normal(size=(n, n_parameters))), d)
    mean = posterior.mean.numpy()
    if kind == "diagonal":
        covariance = np.stack([np.diag(v) for v in np.exp(posterior.log_var.numpy())])
    else:
        L = posterior.scale_tril.numpy()
        covariance = L @ L.transpose(0, 2, 1)
    return posterior, mean, covariance, generator.normal(size=(n, d))


def chen_total_correlation(z, mean, covariance, n_rows):
    """Chen et al., appendix C.2, one density at a time."""
    batch, d = z.shape
    M = batch - 1
    joint, product = [], []
    for i in range(batch):
        weights = dict.fromkeys(range(batch), 1 / M)
        weights[i] = 1 / n_rows
        weights[(i + 1) % batch] = (n_rows - M) / (n_rows * M)
        joint.append(
            sum(
                w * multivariate_normal.pdf(z[i], mean[j], covariance[j])
                for j, w in weights.items()
            )
        )
        product.append(
            [
                sum(
                    w * norm.pdf(z[i, k], mean[j, k], np.sqrt(covariance[j, k, k]))
                    for j, w in weights.items()
                )
                for k in range(d)
            ]
        )
    return np.mean(np.log(joint) - np.log(product).sum(axis=1))


@pytest.mark.parametrize("kind", ["diagonal", "full"])
@pytest.mark.parametrize("n_rows", [7, 1000])
def test_total_correlation_is_the_published_estimator(kind, n_rows):
    posterior, mean, covariance, z = posteriors(kind)
    found = objectives.total_correlation(posterior, torch.from_numpy(z), n_rows)
    expected = chen_total_correlation(z, mean, covariance, n_rows)
    assert found.item() == pytest.approx(expected, abs=1e-10)


def test_stratified_weights_sum_to_one():
    for batch, n_rows in [(2, 2), (2, 9), (5, 5), (5, 200), (8, 3)]:
        weights = objectives.stratified_log_weights(batch, n_rows, torch.ones((), dtype=float))
        np.testing.assert_allclose(logsumexp(weights.numpy(), axis=1), 0, atol=1e-12)
    assert objectives.stratified_log_weights(1, 9, torch.ones(())).tolist() == [[0.0]]


def test_total_correlation_of_a_gaussian_has_its_closed_form():
    """Posteriors N(m, s^2) around correlated means: the aggregate is Gaussian."""
    generator = np.random.default_rng(0)
    covariance, noise = np.array([[1.0, 0.8, 0.0], [0.8, 1.0, 0.0], [0.0, 0.0, 1.0]]), 0.3
    mean = generator.multivariate_normal(np.zeros(3), covariance, size=1500)
    z = mean + np.sqrt(noise) * generator.normal(size=mean.shape)
    posterior = DiagonalGaussian(
        torch.from_numpy(mean), torch.full(mean.shape, np.log(noise), dtype=float)
    )
    found = objectives.total_correlation(posterior, torch.from_numpy(z), len(z)).item()
    aggregate = covariance + noise * np.eye(3)
    expected = 0.5 * (np.log(np.diag(aggregate)).sum() - np.linalg.slogdet(aggregate)[1])
    assert expected > 0.2
    assert found == pytest.approx(expected, abs=0.05)


def test_diagonal_and_full_posteriors_agree_where_they_are_the_same():
    posterior, _, _, z = posteriors("diagonal")
    full = CholeskyGaussian.from_parameters(
        posterior.mean, posterior.log_var, torch.zeros(7, 3).double()
    )
    z = torch.from_numpy(z)
    for one, other in zip(
        objectives.pairwise_log_densities(posterior, z),
        objectives.pairwise_log_densities(full, z),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    for kind in ("i", "ii"):
        one = objectives.aggregate_covariance(posterior, kind)
        torch.testing.assert_close(one, objectives.aggregate_covariance(full, kind))


@pytest.mark.parametrize("kind", ["i", "ii"])
@pytest.mark.parametrize("posterior_kind", ["diagonal", "full"])
def test_dip_penalties_are_the_published_ones(kind, posterior_kind):
    posterior, mean, covariance, _ = posteriors(posterior_kind)
    terms = objectives.dip_terms(objectives.aggregate_covariance(posterior, kind), 3.0, 7.0)
    C = np.cov(mean.T, ddof=0) + (covariance.mean(axis=0) if kind == "ii" else 0)
    d = len(C)
    off = 3.0 * sum(C[i, j] ** 2 for i in range(d) for j in range(d) if i != j)
    on = 7.0 * sum((C[i, i] - 1) ** 2 for i in range(d))
    assert terms["off_diagonal"].item() == pytest.approx(off, abs=1e-10)
    assert terms["diagonal"].item() == pytest.approx(on, abs=1e-10)


def test_permuted_components_keep_their_values_and_lose_their_company():
    generator = np.random.default_rng(0)
    z = torch.from_numpy(np.repeat(generator.normal(size=(2000, 1)), 4, axis=1))
    uniforms = torch.from_numpy(generator.uniform(size=z.shape))
    permuted = objectives.permute_components(z, uniforms)
    torch.testing.assert_close(permuted.sort(0).values, z.sort(0).values, rtol=0, atol=0)
    correlations = np.corrcoef(permuted.numpy().T) - np.eye(4)
    assert np.abs(correlations).max() < 0.1


def test_discriminator_loss_is_cross_entropy():
    generator = np.random.default_rng(0)
    joint, permuted = generator.normal(size=(2, 9))
    found = objectives.discriminator_loss(torch.from_numpy(joint), torch.from_numpy(permuted))
    expected = -0.5 * (np.log(expit(joint)).mean() + np.log(1 - expit(permuted)).mean())
    assert found.item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", ["diagonal", "full"])
def test_densities_of_every_draw_under_every_posterior(kind):
    """By scipy, row by row; a full covariance's marginals are those of its diagonal."""
    posterior, mean, covariance, z = posteriors(kind)
    joint, marginals = objectives.pairwise_log_densities(posterior, torch.from_numpy(z))
    for j in range(len(z)):
        expected = multivariate_normal(mean[j], covariance[j]).logpdf(z)
        np.testing.assert_allclose(joint[:, j].numpy(), expected, rtol=1e-9)
        own = norm(mean[j], np.sqrt(np.diag(covariance[j]))).logpdf(z)
        np.testing.assert_allclose(marginals[:, j].numpy(), own, rtol=1e-9)


def test_beta_one_is_the_bound_and_stacks_have_their_own():
    generator = np.random.default_rng(0)
    mean, log_var, z = torch.from_numpy(generator.normal(size=(3, 3, 6, 2)))
    posterior = DiagonalGaussian(mean, log_var)
    log_likelihood = torch.from_numpy(generator.normal(size=(3, 6)))
    betas = torch.tensor([1.0, 2.0, 6.0])
    terms = objectives.beta_tc_terms(log_likelihood, posterior, z, betas, 60)
    assert float(terms["total_correlation"][0]) == 0.0
    for k, beta in enumerate(betas.tolist()):
        own = DiagonalGaussian(mean[k], log_var[k])
        alone = objectives.beta_tc_terms(log_likelihood[k], own, z[k], beta, 60)
        for name, value in alone.items():
            torch.testing.assert_close(terms[name][k], value)

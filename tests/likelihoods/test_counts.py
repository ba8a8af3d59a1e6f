"""Poisson and negative binomial counts against scipy's, with and without rows' totals."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from torch.autograd import gradcheck

from sklatent import VAE
from sklatent.likelihoods import NegativeBinomial, Poisson
from sklatent.likelihoods._bound import BoundLikelihood
from sklatent.likelihoods._rising import log_rising

SIZES = ["total", 50.0, None]


@pytest.fixture
def counts():
    x = np.random.default_rng(0).negative_binomial(1, 0.1, size=(7, 5)).astype(float)
    x[0, 0] = 100  # beyond the table
    return x


@pytest.fixture
def output():
    return np.random.default_rng(1).normal(size=(7, 5))


def means(x, output, size_factor):
    if size_factor is None:
        return np.exp(output)
    total = x.sum(axis=1, keepdims=True) if size_factor == "total" else size_factor
    return special.softmax(output, axis=1) * total


@pytest.mark.parametrize("size_factor", SIZES)
def test_poisson(counts, output, size_factor):
    likelihood = Poisson(size_factor=size_factor)
    found = likelihood.log_prob(torch.tensor(counts), torch.tensor(output))
    expected = stats.poisson(means(counts, output, size_factor)).logpmf(counts).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("dispersion", [1e-6, 0.3, 5.0])
@pytest.mark.parametrize("size_factor", SIZES)
def test_negative_binomial(counts, output, size_factor, dispersion):
    likelihood = NegativeBinomial(dispersion=dispersion, size_factor=size_factor)
    found = likelihood.log_prob(torch.tensor(counts), torch.tensor(output))
    m, n = means(counts, output, size_factor), 1 / dispersion
    if dispersion > 1e-4:
        expected = stats.nbinom(n, n / (n + m)).logpmf(counts).sum(axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    else:  # scipy's gamma functions have lost their digits here
        expected = stats.poisson(m).logpmf(counts).sum(axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-2)


def test_dispersion_of_each_feature_and_model(counts, output):
    """Learned dispersions have axes for rows and features, behind one for stacked models."""
    log_dispersion = np.random.default_rng(2).normal(size=(3, 1, 5))
    x, out = (torch.tensor(a).expand(3, 7, 5) for a in (counts, output))
    likelihood = NegativeBinomial()
    found = likelihood.log_prob(x, out, log_dispersion=torch.tensor(log_dispersion))
    m, n = means(counts, output, "total"), np.exp(-log_dispersion)
    expected = stats.nbinom(n, n / (n + m)).logpmf(counts).sum(axis=-1)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    draws = likelihood.log_prob(x[0], out, log_dispersion=torch.tensor(log_dispersion[0]))
    np.testing.assert_allclose(draws[1], draws[0])


@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=12),
    st.floats(-4, 3),
)
@settings(max_examples=40, deadline=None)
def test_rising_factorial(values, log_a):
    x = torch.tensor(values, dtype=torch.float64)[:, None]
    n = np.exp(-log_a)
    expected = special.gammaln(x + n) - special.gammaln(n) + x * log_a - special.gammaln(x + 1)
    log_dispersion = torch.full((1, 1), log_a, dtype=torch.float64, requires_grad=True)
    np.testing.assert_allclose(log_rising(x, log_dispersion).detach(), expected, atol=1e-8)
    assert gradcheck(lambda a: log_rising(x, a), log_dispersion)


def test_small_dispersions_keep_their_digits_in_float32():
    """Gamma functions of a million would leave no digit of what they differ by."""
    x, a = torch.arange(20.0)[:, None], torch.full((1, 1), -14.0)
    expected = log_rising(x.double(), a.double())
    torch.testing.assert_close(log_rising(x, a).double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size_factor", SIZES)
@pytest.mark.parametrize("likelihood", [Poisson(), NegativeBinomial(dispersion=0.5)])
def test_deviance(counts, output, likelihood, size_factor):
    """It is twice the nats that a mean of x itself would be better by."""
    likelihood.set_params(size_factor=size_factor)
    x, m = counts, means(counts, output, size_factor)
    if isinstance(likelihood, Poisson):
        nats = [stats.poisson(np.maximum(mean, 1e-300)).logpmf(x) for mean in (x, m)]
    else:
        nats = [stats.nbinom(2, 2 / (2 + mean)).logpmf(x) for mean in (x, m)]
    found = likelihood.deviance(torch.tensor(x), torch.tensor(output))
    np.testing.assert_allclose(found, 2 * (nats[0] - nats[1]).sum(axis=1), rtol=1e-9)
    if size_factor != 50.0:
        perfect = torch.log(torch.tensor(x).clamp(min=1e-300))
        np.testing.assert_allclose(likelihood.deviance(torch.tensor(x), perfect), 0, atol=1e-9)


@pytest.mark.parametrize("likelihood", [Poisson(), NegativeBinomial(dispersion=0.5)])
def test_sample(likelihood):
    output = torch.log(torch.tensor([[1.0, 3.0]]).double()).expand(40_000, 2)
    generator = torch.Generator().manual_seed(0)
    total = torch.full((1, 1), 20.0).double()
    draws = likelihood.sample(output, generator, typical_total=total)
    assert (draws == draws.round()).all()
    np.testing.assert_allclose(draws.mean(0), [5, 15], rtol=0.03)
    variance = [5, 15] if isinstance(likelihood, Poisson) else [5 + 12.5, 15 + 112.5]
    np.testing.assert_allclose(draws.var(0), variance, rtol=0.06)


def test_encoder_sees_log_counts_at_the_median_total():
    x = torch.tensor([[1.0, 3.0], [2.0, 6.0], [8.0, 24.0], [0.0, 0.0]]).double()
    seen = Poisson().encoder_input(x, typical_total=torch.full((1, 1), 8.0))
    expected = torch.tensor([2.0, 6.0]).double().log1p()
    torch.testing.assert_close(seen[:3], expected.expand(3, 2))
    assert (seen[3] == 0).all()
    torch.testing.assert_close(Poisson(size_factor=None).encoder_input(x), x.log1p())
    effect = torch.linspace(-2, 2, x.numel(), dtype=x.dtype).reshape(x.shape)
    multiplied = (x * effect.exp()).log1p()
    torch.testing.assert_close(Poisson().without_effect(multiplied, effect), x.log1p())


@pytest.mark.parametrize("size_factor", SIZES)
def test_start_is_at_the_mean_counts(counts, size_factor):
    likelihood = Poisson(size_factor=size_factor)
    bound = BoundLikelihood(likelihood, 5).double()
    seen = bound.observe(lambda n: iter([counts[:4], counts[4:]]), 5)
    loadings = np.random.default_rng(0).normal(size=(5, 2))
    center, weight = bound.start_output(np.ones(5), loadings, seen)
    mean = bound.mean(torch.tensor(center)[None])[0].numpy()
    if size_factor is None:
        np.testing.assert_allclose(mean, counts.mean(axis=0))
    elif size_factor == "total":
        totals = counts.sum(axis=1, keepdims=True)
        shares = (counts / totals).mean(axis=0)
        np.testing.assert_allclose(mean, shares * np.median(totals))
    else:
        np.testing.assert_allclose(mean / 50, counts.mean(axis=0) / counts.mean(axis=0).sum())
    step = 1e-6 * weight[:, 0]  # log counts move by the loading
    moved = np.log1p(np.exp(center + step) * (seen["mean_counts"] / np.exp(center)))
    slope = (moved - np.log1p(seen["mean_counts"])) / 1e-6
    np.testing.assert_allclose(slope, loadings[:, 0], rtol=1e-4)


def test_dispersion_at_the_start_is_near_the_data_s():
    rng = np.random.default_rng(0)
    truth, m = np.array([0.1, 0.5, 2.0]), np.array([20.0, 20.0, 20.0])
    x = rng.negative_binomial(1 / truth, 1 / (1 + m * truth), size=(4000, 3)).astype(float)
    likelihood = NegativeBinomial(size_factor=None)
    seen = likelihood.observe(lambda n: iter([x]), 3)
    residual = np.log1p(x).var(axis=0)
    found = np.exp(likelihood.start(residual, residual, **seen)["log_dispersion"])
    np.testing.assert_allclose(found, truth, rtol=0.5)  # of first order


@pytest.fixture(scope="module")
def cells():
    """Counts of two kinds of rows, at depths that differ tenfold."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, size=300)
    shares = rng.dirichlet(np.ones(12), size=2)[kinds]
    depth = np.exp(rng.uniform(np.log(50), np.log(500), size=(300, 1)))
    mean = shares * depth * rng.gamma(4, 0.25, size=(300, 12))
    return rng.poisson(mean), kinds, depth[:, 0]


@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
def test_a_model_of_counts(cells, name):
    X, kinds, depth = cells
    model = VAE(2, likelihood=name, max_epochs=20, random_state=0).fit(X[:200])
    Z = model.transform(X)
    of_kind = max(abs(np.corrcoef(z, kinds)[0, 1]) for z in Z.T)
    of_depth = max(abs(np.corrcoef(z, np.log(depth))[0, 1]) for z in Z.T)
    assert of_kind > 0.9
    assert of_depth < 0.4
    start = VAE(2, likelihood=name, max_epochs=1, learning_rate=1e-12, random_state=0)
    start.fit(X[:200])
    assert model.score(X[200:]) > start.score(X[200:])
    decoded = model.inverse_transform(Z)
    np.testing.assert_allclose(decoded.sum(axis=1), np.median(X[:200].sum(axis=1)), rtol=1e-5)
    bound, likelihood = model.score_samples(X[200:]), model.log_likelihood(X[200:])
    assert (likelihood > bound - 0.5).all()


def test_bad_counts(cells):
    X = cells[0].astype(float)
    with pytest.raises(ValueError, match="X has negative values .such as -1 in column 3"):
        VAE(likelihood="poisson").fit(X - np.eye(300, 12, k=3) * (X + 1))
    with pytest.raises(ValueError, match="X has fractions .such as 0.5 in column 1"):
        VAE(likelihood="negative_binomial").fit(X + np.eye(300, 12, k=1) * (0.5 - X))
    with pytest.raises(ValueError, match="size_factor=-1"):
        VAE(likelihood=Poisson(size_factor=-1)).fit(X)
    with pytest.raises(ValueError, match="dispersion=0"):
        VAE(likelihood=NegativeBinomial(dispersion=0)).fit(X)

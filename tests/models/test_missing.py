"""Entries that are not known: out of the likelihood, and at their means before the encoder."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression

from sklatent import VAE, Autoencoder, BetaTCVAE, VAEEnsemble, load, save
from sklatent.likelihoods import Bernoulli, Categorical, Gaussian, Mixed, NegativeBinomial, Poisson
from sklatent.likelihoods._bound import BoundLikelihood
from sklatent.model_selection import retrain

SMALL = {"hidden_layer_sizes": (32,), "max_epochs": 5, "random_state": 0}


def table(n=200, share=0.2):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2)) @ rng.normal(size=(2, 8)) + 0.3 * rng.normal(size=(n, 8))
    X[:, 3] += 7
    return np.where(rng.uniform(size=X.shape) < share, np.nan, X), X


@pytest.mark.parametrize(
    "likelihood", [Gaussian(), Gaussian("per_feature"), Bernoulli(), Poisson(size_factor=None),
                   NegativeBinomial(size_factor=3.0)]
)  # fmt: skip
def test_unknown_entries_add_nothing(likelihood):
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.integers(0, 2, size=(6, 4)).astype(float))
    output = torch.tensor(rng.normal(size=(6, 4)), requires_grad=True)
    gap = torch.tensor(rng.uniform(size=(6, 4)) < 0.3)
    bound = BoundLikelihood(likelihood, 4, masked=True).double()
    entries = likelihood.log_prob_of_entries(x, output, **bound._own())
    found = bound.log_prob(x.masked_fill(gap, torch.nan), output)
    torch.testing.assert_close(found, torch.where(gap, 0.0, entries).sum(-1))
    (slope,) = torch.autograd.grad(found.sum(), output)
    assert torch.isfinite(slope).all()
    if likelihood.get_params().get("size_factor") is None:
        assert (slope[gap] == 0).all()


def test_counts_share_the_total_of_what_is_known():
    """A row with gaps is a row of the other columns alone."""
    x = torch.tensor([[3.0, torch.nan, 5.0]]).double()
    output = torch.tensor([[0.3, 2.0, -0.4]]).double()
    found = BoundLikelihood(Poisson(), 3, masked=True).double().log_prob(x, output)
    expected = Poisson().log_prob(x[:, [0, 2]], output[:, [0, 2]])
    torch.testing.assert_close(found, expected)
    mixed = Mixed([([0, 2], Categorical()), ([1], "gaussian")])
    y = torch.tensor([[torch.nan, 0.5, torch.nan]]).double()
    found = BoundLikelihood(mixed, 3, masked=True).double().log_prob(y, output)
    torch.testing.assert_close(found, Gaussian().log_prob(y[:, 1:2], output[:, 2:]))


def test_without_gaps_it_is_the_same_fit():
    _, X = table()
    masked, whole = (VAE(2, missing=m, **SMALL).fit(X) for m in ("mask", "error"))
    np.testing.assert_allclose(masked.transform(X), whole.transform(X), atol=1e-5)
    np.testing.assert_allclose(masked.score_samples(X), whole.score_samples(X), atol=1e-4)


@pytest.mark.parametrize(
    "model", [VAE, Autoencoder, BetaTCVAE, lambda *a, **k: VAEEnsemble(*a, n_estimators=2, **k)]
)
@pytest.mark.parametrize("init", ["pca", "random"])
def test_every_model_takes_gaps(model, init, tmp_path):
    X, _ = table()
    fitted = model(2, missing="mask", init=init, **SMALL).fit(X)
    assert np.isfinite(fitted.transform(X)).all()
    assert np.isfinite(fitted.score_samples(X)).all()
    assert np.isfinite(fitted.inverse_transform(fitted.transform(X))).all()
    save(fitted, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.transform(X), fitted.transform(X))


def test_stacked_fits_have_gaps_too():
    X, _ = table()
    together = retrain(VAE(2, missing="mask", **SMALL), X, n_runs=4, random_state=0)
    alone = retrain(VAE(2, missing="mask", **SMALL), X, n_runs=4, fused=False, random_state=0)
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a.transform(X), b.transform(X), atol=1e-4)


def test_imputation_beats_means_on_digits():
    whole = load_digits().data / 16
    rng = np.random.default_rng(0)
    gap = rng.uniform(size=whole.shape) < 0.3
    X = np.where(gap, np.nan, whole)
    kept = (~gap & (whole > 0)).any(axis=0)
    X, whole, gap = X[:, kept], whole[:, kept], gap[:, kept]
    options = {"max_epochs": 20, "random_state": 0}
    means = np.where(gap, np.nanmean(X, axis=0), X)
    masked = VAE(8, missing="mask", **options).fit(X)
    filled, complete = (VAE(8, **options).fit(data) for data in (means, whole))

    def error(model, data):
        return np.square(model.inverse_transform(model.transform(data)) - whole)[gap].mean()

    by_mask, by_means = error(masked, X), error(filled, means)
    assert by_mask < 0.85 * by_means
    assert by_mask < 0.5 * np.square(means - whole)[gap].mean()

    def known_of(Z):
        """Share of the complete data's latents that a linear map tells."""
        return LinearRegression().fit(Z, target).score(Z, target)

    target = complete.transform(whole)
    assert known_of(masked.transform(X)) > known_of(filled.transform(means)) + 0.005


def test_bad_gaps():
    X, _ = table()
    with pytest.raises(ValueError, match="NaN"):
        VAE().fit(X)
    column = X.copy()
    column[:, 5] = np.nan
    with pytest.raises(ValueError, match="column 5 of X are missing"):
        VAE(missing="mask").fit(column)
    row = X.copy()
    row[7] = np.nan
    with pytest.raises(ValueError, match="row 7 of X are missing"):
        VAE(missing="mask").fit(row)
    with pytest.raises(ValueError, match=r"missing.*mask"):
        VAE(missing="impute").fit(X)

    class Own:
        def __getattr__(self, name):
            if name.startswith("_") or name == "log_prob_of_entries":
                raise AttributeError(name)
            return lambda *arguments: arguments[0]

    with pytest.raises(TypeError, match="log_prob_of_entries"):
        VAE(likelihood=Own(), missing="mask").fit(X)

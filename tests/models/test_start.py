"""Where training starts: the linear model's optimum, against scikit-learn's and a search for it."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from sklatent import VAE, RelativeAutoencoder, RosettaPoints, RosettaVAE
from sklatent.models._start import linear_vae

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 3)) * [3.0, 2.0, 1.0] @ rng.normal(size=(3, 6)) + rng.normal(
    size=(400, 6)
)


def test_with_beta_one_it_is_probabilistic_pca():
    pca = PCA(2).fit(X)
    share = (len(X) - 1) / len(X)  # scikit-learn's variances are unbiased
    variances = pca.explained_variance_ * share
    encoder, decoder, posterior, noise = linear_vae(variances, X.var(0).sum(), 6, 1.0)
    assert noise == pytest.approx(pca.noise_variance_ * share)
    np.testing.assert_allclose(decoder**2, variances - noise)
    np.testing.assert_allclose(posterior, noise / variances)
    np.testing.assert_allclose(encoder, decoder / variances)


def loss(parameters, variances, total, n_features, beta):
    """Of a linear VAE along the principal axes, per row: closed form, for any linear maps."""
    d = len(variances)
    encoder, decoder = parameters[:d], parameters[d : 2 * d]
    log_posterior, log_noise = parameters[2 * d : 3 * d], parameters[-1]
    posterior, noise = np.exp(log_posterior), np.exp(log_noise)
    residual = total - variances.sum() + (variances * (1 - encoder * decoder) ** 2).sum()
    residual += (decoder**2 * posterior).sum()
    reconstruction = 0.5 * (residual / noise + n_features * np.log(2 * np.pi * noise))
    kl = 0.5 * (posterior + encoder**2 * variances - 1 - log_posterior).sum()
    return reconstruction + beta * kl


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_no_search_finds_a_better_one(beta):
    """From three places around it."""
    variances, total, p = np.array([9.0, 4.0, 1.5]), 18.0, 6
    encoder, decoder, posterior, noise = linear_vae(variances, total, p, beta)
    own = np.concatenate([encoder, decoder, np.log(posterior), [np.log(noise)]])
    reached = loss(own, variances, total, p, beta)
    for seed in range(3):
        start = own + 0.3 * np.random.default_rng(seed).normal(size=own.shape)
        found = minimize(loss, start, args=(variances, total, p, beta), method="L-BFGS-B")
        assert reached <= found.fun + 1e-6


def test_axes_below_the_noise_are_not_used():
    encoder, decoder, posterior, noise = linear_vae(np.array([9.0, 1.01]), 15.0, 7, 4.0)
    assert decoder[0] > 0
    assert (encoder[1], decoder[1], posterior[1]) == (0.0, 0.0, 1.0)
    assert 4.0 * noise > 1.01


def test_a_model_begins_there():
    """Before it has made a step, its bound is the linear model's log likelihood."""
    settings = {"max_epochs": 1, "learning_rate": 1e-30, "early_stopping": False}
    model = VAE(2, random_state=0, precision="float64", **settings).fit(X)
    evidence = PCA(2).fit(X).score(X)
    # Variances are divided by n here and by n - 1 there.
    assert model.score(X) == pytest.approx(evidence, abs=0.01)
    assert model.score(X) >= evidence - 1e-9


DIGITS = load_digits().data[:500] / 16
STILL = {"hidden_layer_sizes": (8,), "max_epochs": 1, "learning_rate": 1e-12, "random_state": 0}


def explained(model):
    _, x, decoded = model._reconstruct(DIGITS)
    return 1 - ((x - decoded) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum()


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_codes_far_from_zero_are_decoded_through_the_link_at_the_mean(likelihood):
    """Distances to anchors are far from zero, where the link would be that of no row."""
    model = RelativeAutoencoder(2, n_anchors=20, likelihood=likelihood, **STILL).fit(DIGITS)
    assert explained(model) > 0.35


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_so_are_anchors_whose_latents_are(likelihood):
    first = VAE(8, likelihood=likelihood, **STILL | {"learning_rate": 1e-3}).fit(DIGITS)
    points = RosettaPoints(DIGITS[::8], first.transform(DIGITS[::8]) + 3.0)
    model = RosettaVAE(8, likelihood=likelihood, rosetta_points=points, rho=0, **STILL).fit(DIGITS)
    assert explained(model) > 0.35

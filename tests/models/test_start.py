"""Where training starts: the linear model's optimum, against scikit-learn's and a search for it."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline

from sklatent import VAE, Autoencoder, RelativeAutoencoder, RosettaPoints, RosettaVAE
from sklatent.likelihoods import Gaussian
from sklatent.models._fit_together import fit_models
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


def test_as_many_components_as_features_are_all_used():
    """Where noise is free below the least variance, the model's Gaussian is the data's own."""
    variances = np.array([3.0, 2.0, 0.5])
    _, decoder, posterior, noise = linear_vae(variances, variances.sum(), 3, 1.0)
    assert noise == 0.25
    np.testing.assert_allclose(decoder**2 + noise, variances)
    np.testing.assert_allclose(posterior, noise / variances)


@pytest.mark.parametrize("n_dimensions", [2, 3])
def test_seeds_agree_with_as_many_components_as_features(n_dimensions):
    rng = np.random.RandomState(0)
    turn = rng.uniform(0, 6, size=300)
    X = np.c_[np.cos(turn), 0.8 * np.sin(turn), 0.5 * turn][:, :n_dimensions]
    X += 0.05 * rng.randn(*X.shape)
    settings = {"hidden_layer_sizes": (32,), "max_epochs": 40, "early_stopping": False}
    here, there = (VAE(n_dimensions, random_state=s, **settings).fit_transform(X) for s in (0, 1))
    assert r2_score(here, there) > 0.99


@pytest.mark.parametrize("early_stopping", [True, "auto"])
def test_seeds_agree_where_rows_are_held_out(early_stopping):
    # Of these 400 rows other nine tenths have other axes: 0.20 to 0.95 where each seed held out
    # its own.
    digits = load_digits().data[:400] / 16
    settings = {"hidden_layer_sizes": (64,), "max_epochs": 20, "early_stopping": early_stopping}
    found = [VAE(6, random_state=k, **settings).fit(digits).transform(digits) for k in range(4)]
    for other in found[1:]:
        assert r2_score(found[0], other, multioutput="variance_weighted") > 0.98


def test_several_betas_at_once_are_each_by_itself():
    variances, betas = np.array([5.0, 2.0, 0.7, 0.1]), [0.0, 0.3, 1.0, 1.5, 40.0]
    for noise in (None, 0.5):
        together = linear_vae(variances, 8.4, 6, betas, noise)
        for k, beta in enumerate(betas):
            for several, own in zip(
                together, linear_vae(variances, 8.4, 6, beta, noise), strict=True
            ):
                assert np.array_equal(several[k], own)


@pytest.mark.parametrize(
    ("n_components", "n_rows", "n_features"),
    [(1, 400, 6), (3, 400, 6), (6, 400, 6), (1, 36, 6), (3, 36, 6), (3, 60, 6), (1, 2000, 160)],
)
def test_networks_are_quick_where_the_start_says_little_and_rows_are_enough(
    n_components, n_rows, n_features
):
    """Held against scikit-learn's PCA: 1 deviation where it explains 30 percent, 4 where 80."""
    rows = X[:n_rows]
    if n_features > 6:  # and no less than 1.58 of so many
        rows = np.random.default_rng(0).normal(size=(n_rows, n_features))
    model = VAE(n_components, hidden_layer_sizes=(4,), max_epochs=1, early_stopping=False).fit(rows)
    path = model.net_.module_.path
    explained = PCA(n_components).fit(rows).explained_variance_ratio_.sum()
    deviation, enough = np.sqrt(rows.var(axis=0).mean()), min(1.0, n_rows / (12 * n_features))
    width = min(4.0, max(1.0, 6 * explained - 0.8, np.sqrt(n_features) / 8))
    scale, output_scale = 4 * (width / 4) ** enough, 4 * ((width / 4) ** 0.25 / 4) ** enough
    slower = max(enough, 0.6)
    scale, output_scale = scale / slower, output_scale * slower
    assert float(path.scale) == pytest.approx(scale * deviation, rel=1e-5)
    assert float(path.output_scale) == pytest.approx(output_scale * deviation, rel=1e-5)


def test_networks_are_slow_where_the_space_is_given():
    small = {"hidden_layer_sizes": (4,), "max_epochs": 1, "random_state": 0}
    points = RosettaPoints.distill(VAE(1, **small).fit(X), X, n_points=16, random_state=0)
    deviation = np.sqrt(X.var(axis=0).mean())
    for model in (RosettaVAE(1, rosetta_points=points, **small), VAE(1, init=points, **small)):
        path = model.fit(X).net_.module_.path
        assert float(path.scale) == pytest.approx(4 * deviation, rel=1e-5)
        assert float(path.output_scale) == pytest.approx(deviation, rel=1e-5)


def test_other_outputs_are_slowest_where_the_space_is_given():
    rows = (X - X.min()) / np.ptp(X)
    small = {"hidden_layer_sizes": (4,), "max_epochs": 1, "likelihood": "bernoulli"}
    points = RosettaPoints.distill(VAE(1, **small).fit(rows), rows, n_points=16, random_state=0)
    path = RosettaVAE(1, rosetta_points=points, **small).fit(rows).net_.module_.path
    assert float(path.scale) == pytest.approx(8 * np.sqrt(rows.var(axis=0).mean()), rel=1e-5)
    assert float(path.output_scale) == 1.0


def test_other_outputs_have_their_own_unit():
    """Logits are no multiples of X's deviations, and their networks as quick as they were."""
    rows = (X - X.min()) / np.ptp(X)
    model = VAE(1, likelihood="bernoulli", hidden_layer_sizes=(4,), max_epochs=1).fit(rows)
    path = model.net_.module_.path
    assert float(path.scale) == pytest.approx(4 * np.sqrt(rows.var(axis=0).mean()), rel=1e-5)
    assert float(path.output_scale) == 1.0


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


STILL = {"hidden_layer_sizes": (8,), "max_epochs": 1, "learning_rate": 1e-300, "random_state": 0,
         "precision": "float64"}  # fmt: skip


@pytest.mark.parametrize(
    "decomposition",
    [PCA(7), PCA(4), IncrementalPCA(4, batch_size=100), make_pipeline(PCA(4))],
    ids=["all axes", "some", "by blocks", "in a pipeline"],
)
def test_axes_that_were_found_before(decomposition):
    """A block of rows, and where training starts is what all of them say, but for signs."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 4)) @ rng.normal(size=(4, 7)) + 0.1 * rng.normal(size=(600, 7)) + 3
    own = VAE(3, **STILL).fit(X)
    model = VAE(3, init=decomposition.fit(X), **STILL).fit(X[:50])
    Z, expected = model.transform(X), own.transform(X)
    signs = np.sign((Z * expected).sum(axis=0))
    by_blocks = isinstance(decomposition, IncrementalPCA)  # which forgets the lesser axes
    np.testing.assert_allclose(Z * signs, expected, atol=1e-2 if by_blocks else 1e-9)
    assert model.score(X) == pytest.approx(own.score(X), abs=1e-2)
    assert model.start_variances_ is None
    ae = Autoencoder(3, init=decomposition, **STILL).fit(X[:50])
    assert ae.score(X) == pytest.approx(Autoencoder(3, **STILL).fit(X).score(X), abs=0.02)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"n_components": 5}, ValueError, "has 4 axes, but n_components=5. Fit it with n_comp"),
        ({"likelihood": "poisson"}, ValueError, "under likelihood=Poisson the encoder sees other"),
        ({"covariates": [0]}, ValueError, "knows nothing of covariates"),
        ({"init": PCA(2)}, NotFittedError, "init=PCA is not fitted"),
        ({"init": PCA(2).fit(np.eye(5))}, ValueError, "fitted to 5 features, but X has 7"),
    ],
    ids=["too few", "counts", "covariates", "unfitted", "other columns"],
)
def test_axes_that_do_not_suit(settings, error, message):
    X = np.random.default_rng(0).poisson(3.0, size=(60, 7)).astype(float)
    settings = {"n_components": 3, "init": PCA(4).fit(X)} | settings
    with pytest.raises(error, match=message):
        VAE(**STILL | settings).fit(X)


def test_a_stream_whose_first_block_is_not_like_the_rest():
    """Digits sorted by what they show, three passes: nats a row, beside a fit of them all."""
    X, y = load_digits(return_X_y=True)
    X = X[np.argsort(y, kind="stable")] / 16
    blocks = np.array_split(X, 10)
    axes = IncrementalPCA(4)
    for block in blocks:
        axes.partial_fit(block)
    scores = {"pca": [], axes: []}
    for seed, init in product(range(2), scores):
        model = VAE(4, init=init, hidden_layer_sizes=(32,), random_state=seed, batch_size=32)
        for _ in range(3):
            for block in blocks:
                model.partial_fit(block)
        scores[init].append(model.score(X))
    whole = VAE(4, hidden_layer_sizes=(32,), batch_size=32, max_epochs=3, random_state=0).fit(X)
    assert min(scores[axes]) > max(scores["pca"]) + 20  # 7 for -33
    assert min(scores[axes]) > whole.score(X) - 6


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"likelihood": "bernoulli"},
        {"likelihood": Gaussian("per_feature")},
        {"likelihood": "negative_binomial"},
        {"posterior": "full", "n_components": 50},  # more than the rows have dimensions
        {"init": "random"},
    ],
    ids=str,
)
def test_models_of_a_stack_start_together_where_each_would(settings):
    """With their own beta and seed, on rows of their own."""
    X = load_digits().data / 16
    X = np.round(16 * X) if settings.get("likelihood") == "negative_binomial" else X
    rows = np.array([np.arange(40), np.arange(20, 60), np.arange(40), np.arange(40)])
    own = {"learning_rate": 1e-9, "max_epochs": 1, "early_stopping": False} | settings
    own = {"n_components": 3, "hidden_layer_sizes": (8,)} | own
    models = [
        VAE(beta=beta, random_state=seed, **own)
        for beta, seed in zip([0.5, 1.0, 4.0, 0.5], [0, 0, 1, 2], strict=True)
    ]
    alone = [clone(model).fit(X[rows[k]]) for k, model in enumerate(models)]
    fit_models(models, X, rows)
    for model, single in zip(models, alone, strict=True):
        found, expected = (m.net_.module_.state_dict() for m in (model, single))
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-6, msg=name)
        for name in ("start_variances_", "start_gaps_", "start_sign_stability_"):
            np.testing.assert_array_equal(getattr(model, name), getattr(single, name))

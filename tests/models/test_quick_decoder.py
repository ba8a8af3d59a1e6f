"""Hidden layers of decoders that were slow learn at a rate and an eps of their own."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

from sklatent import DIPVAE, VAE, BetaTCVAE, FactorVAE, RosettaVAE, TransformVAE, retrain
from sklatent.likelihoods import Bernoulli, Gaussian
from sklatent.model_selection import FusedGridSearchCV

X = load_digits().data / 16
SMALL = {"hidden_layer_sizes": (8, 8), "max_epochs": 1, "likelihood": "bernoulli",
         "random_state": 0}  # fmt: skip


def groups(model):
    """Rate and eps of each parameter, by name."""
    net = model.net_
    own = {id(p): group for group in net.optimizer_.param_groups for p in group["params"]}
    return {
        name: (own[id(p)]["lr"], own[id(p)]["eps"]) for name, p in net.module_.named_parameters()
    }


def test_who_goes_how_quickly():
    found = groups(VAE(2, learning_rate=2e-3, annealing=0, **SMALL).fit(X[:200]))
    for name, (rate, eps) in found.items():
        hidden = name.startswith(("decoder.0.", "decoder.2."))
        assert rate == pytest.approx(8e-3 if hidden else 2e-3)
        assert eps == (1e-4 if name.startswith("decoder.") else 1e-3)
    assert sum(rate > 5e-3 for rate, _ in found.values()) == 4


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", Gaussian("per_feature")])
@pytest.mark.parametrize("architecture", ["conv", "conv_tvae"])
def test_convolutions_go_more_quickly_whatever_is_measured(likelihood, architecture):
    settings = SMALL | {"likelihood": likelihood, "architecture": architecture, "annealing": 0}
    found = groups(VAE(2, image_shape=(1, 8, 8), learning_rate=2e-3, **settings).fit(X[:200]))
    decoder = [name for name in found if name.startswith("decoder.")]
    assert [found[name] for name in decoder[-2:]] == [(2e-3, 1e-4)] * 2
    assert [found[name] for name in decoder[:-2]] == [(0.012, 1e-4)] * len(decoder[:-2])
    assert {found[name] for name in found if name not in decoder} == {(2e-3, 1e-3)}


@pytest.mark.parametrize(
    "settings",
    [
        {"likelihood": "gaussian"},
        {"likelihood": "unit_gaussian", "architecture": "conv", "image_shape": (1, 8, 8)},
        {"likelihood": Gaussian(0.3), "architecture": "conv", "image_shape": (1, 8, 8)},
        {"init": "random", "max_epochs": 5},
        {"architecture": "residual"},
        {"optimizer": "sgd"},
        {"optimizer": partial(torch.optim.Adam, eps=1e-3)},
        {"beta": 4.0},
    ],
    ids=[
        "normal",
        "fixed",
        "a user's variance",
        "random",
        "another network",
        "another optimizer",
        "a user's own",
        "great beta",
    ],
)
def test_of_others_all_go_alike(settings):
    model = VAE(2, annealing=0, **SMALL | settings).fit(X[:200])
    assert len(model.net_.optimizer_.param_groups) == 1


@pytest.mark.parametrize("cls", [FactorVAE, BetaTCVAE, DIPVAE])
def test_models_that_ask_for_factors_are_left_alone(cls):
    model = cls(2, init="pca", annealing=0, **SMALL).fit(X[:200])
    assert len(model.net_.optimizer_.param_groups) == 1


@pytest.mark.parametrize("model", [RosettaVAE(2), TransformVAE(2)], ids=["rosetta", "transform"])
def test_models_with_the_bound_go_quickly(model):
    model.set_params(**SMALL).fit(X[:200])
    assert len(model.net_.optimizer_.param_groups) == 3


def test_a_search_stacks_those_that_go_alike():
    grid = {"beta": [0.5, 1.0, 4.0, 8.0]}
    model = VAE(2, precision="float64", **SMALL | {"max_epochs": 2})
    plain = GridSearchCV(model, grid, cv=2, refit=False).fit(X[:200])
    fused = FusedGridSearchCV(model, grid, cv=2, refit=False).fit(X[:200])
    assert fused.n_stacked_fits_ == 8
    expected = plain.cv_results_["mean_test_score"]
    np.testing.assert_allclose(fused.cv_results_["mean_test_score"], expected, rtol=1e-9)


def test_a_subclass_of_the_users_own_is_left_alone():
    class Own(Bernoulli):
        """With a density that may be anything."""

    model = VAE(2, annealing=0, **SMALL | {"likelihood": Own()}).fit(X[:200])
    assert len(model.net_.optimizer_.param_groups) == 1


def test_a_fit_that_goes_on_follows_the_rate():
    model = VAE(2, annealing=0, **SMALL).fit(X[:200])
    model.set_params(learning_rate=5e-4).partial_fit(X[:200])
    assert sorted({rate for rate, _ in groups(model).values()}) == pytest.approx([5e-4, 2e-3])
    model.set_params(optimizer="sgd").partial_fit(X[:200])
    assert {group["lr"] for group in model.net_.optimizer_.param_groups} == {5e-4}
    model.set_params(optimizer="adam").partial_fit(X[:200])
    assert sorted({rate for rate, _ in groups(model).values()}) == pytest.approx([5e-4, 2e-3])


def test_stacks_are_what_each_would_be_alone():
    """And members of one go on as if they had trained alone."""
    settings = SMALL | {"max_epochs": 3}
    runs = retrain(VAE(2, **settings), X[:300], n_runs=2, random_state=0)
    seed = int(np.random.RandomState(0).randint(2**31 - 1, size=2)[0])
    alone = VAE(2, **settings | {"random_state": seed}).fit(X[:300])
    np.testing.assert_allclose(runs[0].transform(X), alone.transform(X), atol=1e-4)
    assert groups(runs[0]) == groups(alone)
    for model in (runs[0], alone):
        model.partial_fit(X[:300])
    np.testing.assert_allclose(runs[0].transform(X), alone.transform(X), atol=1e-4)


def test_convolutions_gain_and_their_space_stays_one():
    """Digits as images, 8 components, 20 epochs of a normal: without this 5 nats less or more."""
    order = np.random.default_rng(5).permutation(len(X))
    train, test = X[order[:1437]], X[order[1437:]]
    settings = {"architecture": "conv", "image_shape": (1, 8, 8), "max_epochs": 20}
    ours = [VAE(8, random_state=seed, **settings).fit(train) for seed in range(2)]
    own_eps = {"optimizer": partial(torch.optim.Adam, eps=1e-3)}  # one rate for all
    alike = VAE(8, random_state=0, **settings, **own_eps).fit(train)
    assert np.mean([model.score(test) for model in ours]) > alike.score(test) + 3
    assert r2_score(*(model.transform(test) for model in ours)) > 0.97


def test_the_bound_is_near_that_of_a_random_start_and_the_space_one():
    """Digits, 8 components, 60 epochs: without this 0.4 nats behind."""
    order = np.random.default_rng(5).permutation(len(X))
    train, test = X[order[:1437]], X[order[1437:]]
    settings = {"likelihood": "bernoulli", "max_epochs": 60}
    ours = retrain(VAE(8, **settings), train, n_runs=2, random_state=0)
    random = VAE(8, init="random", random_state=0, **settings).fit(train)
    assert np.mean([model.score(test) for model in ours]) > random.score(test) - 0.1
    assert r2_score(*(model.transform(test) for model in ours)) > 0.97

"""A fit that has learned nothing says so, with what mends it."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import minmax_scale

from sklatent import (
    VAE,
    Autoencoder,
    RelativeAutoencoder,
    RosettaPoints,
    RosettaVAE,
    TransformVAE,
    VAEEnsemble,
)
from sklatent.model_selection import retrain
from sklatent.models._convergence import _better_than_mean

DIGITS = load_digits().data[:400] / 16
SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 5, "random_state": 0}


def caught(fit, *arguments, **keywords):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fit(*arguments, **keywords)
    return [w for w in found if issubclass(w.category, ConvergenceWarning)]


@pytest.mark.parametrize(
    ("settings", "mend"),
    [({"likelihood": "unit_gaussian"}, 'use likelihood="gaussian"'),
     ({"beta": 1e4}, "lower it, or raise warmup_epochs"),
     ({"init": "random", "max_epochs": 1}, 'use init="pca", or raise max_epochs')],
)  # fmt: skip
@pytest.mark.parametrize("cls", [VAE, VAEEnsemble, TransformVAE])
def test_no_active_component_is_said(cls, settings, mend):
    (warning,) = caught(cls(4, **SMALL | settings).fit, DIGITS)
    assert "is active" in str(warning.message) or "than their mean" in str(warning.message)
    assert mend in str(warning.message)
    assert warning.filename == __file__


def test_structure_that_noise_hides_is_not_blamed_on_settings():
    X = np.random.default_rng(0).normal(size=(300, 5))
    (warning,) = caught(VAE(2, early_stopping=False, beta=1.0, **SMALL).fit, X * 1.0) or [None]
    assert warning is None or "no structure in common" in str(warning.message)


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli", "unit_gaussian"])
@pytest.mark.parametrize("X", [load_iris().data, DIGITS * 16], ids=["iris", "digits"])
def test_what_has_learned_is_silent(X, likelihood):
    X = minmax_scale(X) if likelihood == "bernoulli" else X
    for cls in (VAE, VAEEnsemble, Autoencoder, RelativeAutoencoder):
        settings = {"n_anchors": 20} if cls is RelativeAutoencoder else {}
        model = cls(2, likelihood=likelihood, **SMALL, **settings)
        assert caught(model.fit, X) == []


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial"])
def test_rows_of_other_totals_are_no_failure(likelihood):
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(20), size=3)[rng.integers(0, 3, 300)]
    X = rng.poisson(np.exp(rng.normal(5, 2, 300))[:, None] * shares).astype(float)
    assert caught(VAE(2, likelihood=likelihood, **SMALL).fit, X) == []


def test_anchors_that_outweigh_the_data_are_named():
    """Anchors from elsewhere, at a weight that leaves nothing for these rows."""
    X, y = load_digits(return_X_y=True)
    first = VAE(2, max_epochs=5, random_state=0).fit(X[y < 5])
    points = RosettaPoints.distill(first, X[y < 5], n_points=64, random_state=0)
    model = RosettaVAE(2, rosetta_points=points, rho=1000.0, max_epochs=30, random_state=1)
    (warning,) = caught(model.fit, X[y >= 5])
    assert "rho=1e+03 holds the anchors at the expense" in str(warning.message)


def test_one_epoch_is_asked_for_nothing_better():
    model = VAE(4, init="random", likelihood="unit_gaussian", **SMALL)
    assert caught(model.partial_fit, DIGITS) == []


def test_each_of_a_stack_is_looked_at():
    model = VAE(4, likelihood="unit_gaussian", **SMALL)
    assert len(caught(retrain, model, DIGITS, n_runs=3, random_state=0)) == 3


def test_the_mean_is_beaten_in_one_unit_or_the_other():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3)) * [1, 1, 100]
    mean = np.broadcast_to(x.mean(axis=0), x.shape)
    assert not _better_than_mean(x, mean + 1e-9)
    half = mean.copy()
    half[:, 0] = x[:, 0]  # one of three features, of small unit
    half[:, 2] += 1.0
    assert _better_than_mean(x, half)
    gaps = np.where(rng.uniform(size=x.shape) < 0.2, np.nan, x)
    assert _better_than_mean(gaps, x)

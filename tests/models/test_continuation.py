"""Parameters that change between fits that go on from each other."""

import numpy as np
import pytest
import torch

import sklatent
from sklatent import VAE, FactorVAE, RelativeAutoencoder, TransformVAE, VAEEnsemble
from sklatent.transformations import RandomShift

X = np.random.default_rng(0).random((60, 6)).astype(np.float32)
SMALL = {
    "hidden_layer_sizes": (8,),
    "max_epochs": 2,
    "random_state": 0,
    "warm_start": True,
    "early_stopping": False,
}


@pytest.mark.parametrize(
    ("cls", "change"),
    [
        (VAE, {"n_components": 3}),
        (VAE, {"posterior": "full"}),
        (VAE, {"hidden_layer_sizes": (9,)}),
        (VAE, {"likelihood": "unit_gaussian"}),
        (VAE, {"activation": "relu"}),
        (VAE, {"architecture": "residual"}),
        (VAE, {"init": "random"}),
        (VAE, {"precision": "float64"}),
        (VAE, {"missing": "mask"}),
        (FactorVAE, {"discriminator_layer_sizes": (8,)}),
        (VAEEnsemble, {"n_estimators": 2}),
        (TransformVAE, {"latent_layer_sizes": (8,)}),
        (RelativeAutoencoder, {"similarity": "cosine"}),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_weights_depend_on_is_an_error_that_names_it(cls, change, method):
    """The model stays as it was."""
    model = cls(2, **SMALL).fit(X)
    before = model.transform(X)
    old = {name: getattr(model, name) for name in change}
    (name,) = change
    with pytest.raises(ValueError, match=name):
        getattr(model.set_params(**change), method)(X)
    np.testing.assert_array_equal(model.set_params(**old).transform(X), before)
    getattr(model, method)(X)


OTHER = {
    "n_components": 3, "architecture": "residual", "hidden_layer_sizes": (4, 4), "beta": 3.0,
    "activation": "tanh", "init": "random", "image_shape": (1, 2, 3), "posterior": "full",
    "likelihood": "bernoulli", "covariates": [0], "missing": "mask", "warmup_epochs": 1,
    "max_epochs": 3, "batch_size": 7, "learning_rate": 1e-2, "optimizer": "sgd",
    "early_stopping": True, "validation_fraction": 0.5, "patience": 3, "annealing": 0.0,
    "augmentation": RandomShift(0.1), "callbacks": [],
    "checkpoint_dir": "somewhere", "warm_start": False, "precision": "float64", "device": "cpu",
    "random_state": 3, "verbose": 0,
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_every_parameter_takes_effect_or_is_named(name, method, tmp_path, monkeypatch):
    """What goes on is a model that encodes, decodes, scores and can be sent to somebody."""
    assert OTHER.keys() == VAE().get_params(deep=False).keys()
    monkeypatch.chdir(tmp_path)
    model = VAE(2, image_shape=(1, 3, 2), **SMALL).fit(X).set_params(**{name: OTHER[name]})
    said = ""
    try:
        getattr(model, method)(X)
    except ValueError as error:
        said = str(error)
    if said:
        assert name in said
        return
    Z = model.transform(X)
    assert np.isfinite(model.inverse_transform(Z)).all()
    assert np.isfinite(model.score(X))
    sklatent.save(model, tmp_path / "file")
    np.testing.assert_array_equal(sklatent.load(tmp_path / "file").transform(X), Z)


@pytest.mark.parametrize(
    "name", sorted(OTHER.keys() - {"callbacks", "random_state", "image_shape"})
)
def test_nonsense_set_later_is_an_error_that_names_it(name):
    """scikit-learn validates the first partial_fit alone."""
    model = VAE(2, **SMALL).fit(X).set_params(**{name: complex(1, 2)})
    with pytest.raises(ValueError, match=name):
        model.partial_fit(X)


def test_early_stopping_switched_on_later():
    """Its losses are recorded from then on."""
    model = VAE(2, **SMALL).fit(X).set_params(early_stopping=True).fit(X)
    assert ["valid_loss" in row for row in model.history_] == [False, False, True, True]
    model.set_params(early_stopping=False).fit(X)
    assert model.n_epochs_ == 6


def test_another_optimizer_takes_effect():
    """By name, and as a function."""
    model = VAE(2, **SMALL).fit(X).set_params(optimizer="sgd", learning_rate=1e-30)
    before = model.transform(X)
    model.partial_fit(X)
    assert isinstance(model.net_.optimizer_, torch.optim.SGD)
    np.testing.assert_allclose(model.transform(X), before, atol=1e-6)
    model.set_params(optimizer="rmsprop").partial_fit(X)
    assert isinstance(model.net_.optimizer_, torch.optim.RMSprop)


def test_another_seed_takes_effect():
    """The same seed goes on with its draws, another with its own."""
    models = [VAE(2, **SMALL).fit(X) for _ in range(3)]
    models[2].set_params(random_state=7)
    a, b, c = (model.partial_fit(X).transform(X) for model in models)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_other_callbacks_take_effect():
    """Of a fit that goes on."""
    from skorch.callbacks import EpochScoring

    model = VAE(2, **SMALL).fit(X)
    model.set_params(callbacks=[EpochScoring(lambda n, X, y: 5.0, on_train=True, name="five")])
    model.partial_fit(X)
    assert "five" not in model.history_[0]
    assert model.history_[-1]["five"] == 5.0


def test_the_discriminators_rate_takes_effect():
    """It has an optimizer of its own."""
    model = FactorVAE(2, **SMALL).fit(X).set_params(discriminator_learning_rate=0.5)
    model.partial_fit(X)
    assert model.net_.adversary_optimizer_.param_groups[0]["lr"] == 0.5

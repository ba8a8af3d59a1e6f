"""Parameters that change between fits that go on from each other."""

import numpy as np
import pytest
import torch

from sklatent import VAE, FactorVAE, RelativeAutoencoder, TransformVAE, VAEEnsemble

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

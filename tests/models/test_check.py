"""The public check of a model's contract: ours pass, careless ones don't."""

import numpy as np
import pytest
import torch

import sklatent
from sklatent import (
    DIPVAE,
    VAE,
    Autoencoder,
    BetaTCVAE,
    FactorVAE,
    RelativeAutoencoder,
    VAEEnsemble,
)
from sklatent.models import LatentModel, check_latent_model

SMALL = {"hidden_layer_sizes": (8,), "batch_size": 16}


@pytest.mark.parametrize(
    ("cls", "n_checks"),
    [
        (VAE, 10),
        (Autoencoder, 10),
        (BetaTCVAE, 10),
        (DIPVAE, 10),
        (FactorVAE, 10),
        (RelativeAutoencoder, 9),
        (VAEEnsemble, 9),
    ],
)
def test_ours_pass(cls, n_checks):
    """And it says how many checks ran."""
    model = cls(2, **SMALL)
    if cls is RelativeAutoencoder:
        model.set_params(anchors=np.random.default_rng(0).random((10, 12)))
    assert check_latent_model(model) == n_checks


class Sloppy(VAE):
    """Its noise is torch's global generator's."""

    def _objective(self, module, batch, step):
        terms = super()._objective(module, batch, step)
        return terms | {"noise": torch.rand(()) * terms["kl"]}


class Lonely(VAE):
    """Its second term adds up what stacked models lost."""

    def _objective(self, module, batch, step):
        terms = super()._objective(module, batch, step)
        total = module.encode(batch.x).mean.square().sum()
        return terms | {"total": (total * terms["kl"].detach()).expand_as(terms["kl"])}


class Jumbled(VAE):
    """Weighs rows by their place in the table."""

    def _objective(self, module, batch, step):
        kl = module.encode(batch.x).kl()
        return super()._objective(module, batch, step) | {
            "more": batch.mean(kl * batch.rows.to(kl.dtype))
        }


class Meddling(VAE):
    """Changes its own parameter."""

    def _check_parameters(self, X):
        self.beta = 2.0


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Sloppy, "one seed differ"),
        (Lonely, "stack"),
        (Jumbled, "another order"),
        (Meddling, "changed a parameter"),
    ],
)
def test_careless_ones_fail_by_a_sentence(cls, message):
    """Each by the check that is meant for it."""
    with pytest.raises(AssertionError, match=message):
        check_latent_model(cls(2, **SMALL))


class Forgetful(VAE):
    """Learns what no file knows of."""

    def _after_training(self):
        self.centers_ = np.zeros((3, self.n_components))


class Mindful(Forgetful):
    """And says what it is."""

    _learned = {"centers_": "float[n_centers, n_components_]"}


def test_what_is_learned_beside_the_net_is_declared():
    with pytest.raises(AssertionError, match="declare it: a model of your own in its _learned"):
        check_latent_model(Forgetful(2, **SMALL))
    assert check_latent_model(Mindful(2, **SMALL)) == 10


class Brief(LatentModel):
    """With the fewest parameters that a model may have."""

    _loss_hyperparameters = ()

    def __init__(self, random_state=None):
        super().__init__(2, hidden_layer_sizes=(8,), random_state=random_state)

    def _objective(self, module, batch, step):
        posterior = module.encode(batch.x)
        z = posterior.sample(step.streams.normal(len(batch), self.n_components))
        return {
            "bound": batch.mean(
                posterior.kl() - module.likelihood.log_prob(batch.x, module.decode(z))
            )
        }


def test_a_model_may_have_few_parameters():
    assert check_latent_model(Brief()) == 10


def test_all_hooks_are_in_the_contract():
    """Whatever a model of ours has in place of LatentModel's own, its docstring names."""
    ours = {getattr(sklatent.models, name) for name in sklatent.models.__all__}
    classes = {
        base
        for cls in ours
        if isinstance(cls, type) and issubclass(cls, LatentModel)
        for base in cls.__mro__[: cls.__mro__.index(LatentModel)]
    }
    hooks = {
        name
        for cls in classes
        for name in vars(cls)
        if name.startswith("_") and not name.startswith("__") and hasattr(LatentModel, name)
    }
    others = {"_parameter_constraints", "_sklearn_auto_wrap_output_keys", "_known_parameters"}
    hooks = {name for name in hooks - others if not name.endswith("_request")}
    assert len(hooks) > 15
    assert not [name for name in sorted(hooks) if f"``{name}" not in LatentModel.__doc__]


def test_data_of_ones_own():
    """And what is no model."""
    X = np.random.default_rng(0).normal(size=(50, 5))
    assert check_latent_model(VAE(2, likelihood="unit_gaussian", **SMALL), X) == 10
    with pytest.raises(TypeError, match="LatentModel"):
        check_latent_model(object())

"""The public check of a model's contract: ours pass, careless ones don't."""

import numpy as np
import pytest
import torch

from sklatent import (
    DIPVAE,
    VAE,
    Autoencoder,
    BetaTCVAE,
    FactorVAE,
    RelativeAutoencoder,
    VAEEnsemble,
)
from sklatent.models import check_latent_model

SMALL = {"hidden_layer_sizes": (8,), "batch_size": 16}


@pytest.mark.parametrize(
    ("cls", "n_checks"),
    [
        (VAE, 9),
        (Autoencoder, 9),
        (BetaTCVAE, 9),
        (DIPVAE, 9),
        (FactorVAE, 9),
        (RelativeAutoencoder, 8),
        (VAEEnsemble, 8),
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


def test_data_of_ones_own():
    """And what is no model."""
    X = np.random.default_rng(0).normal(size=(50, 5))
    assert check_latent_model(VAE(2, likelihood="unit_gaussian", **SMALL), X) == 9
    with pytest.raises(TypeError, match="LatentModel"):
        check_latent_model(object())

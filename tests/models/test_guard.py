"""An objective can't read what differs between models of a stack."""

import numpy as np
import pytest

from sklatent import VAE, retrain
from sklatent.models._guard import guarded

X = np.random.default_rng(0).random((40, 4))
SMALL = {"hidden_layer_sizes": (4,), "max_epochs": 1, "random_state": 0}


class Careless(VAE):
    """Weighs its divergence by its own number."""

    def _objective(self, module, batch, step):
        terms = super()._objective(module, batch, step)
        terms["kl"] = self.beta * terms["kl"]
        return terms


def test_a_hyperparameter_read_from_self_is_an_error():
    """In a stack, and by itself."""
    with pytest.raises(AttributeError, match=r'step.hyper\["beta"\]'):
        Careless(2, **SMALL).fit(X)
    with pytest.raises(AttributeError, match=r'step.hyper\["beta"\]'):
        retrain(Careless(2, **SMALL), X, n_runs=2)


def test_everything_else_is_the_models():
    """And the model has its number still."""
    model = VAE(2, beta=3.0)
    view = guarded(model)
    assert isinstance(view, VAE)
    assert (view.n_components, model.beta) == (2, 3.0)

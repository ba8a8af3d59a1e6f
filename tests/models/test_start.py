"""Where training starts, beyond what the models' own tests see of it."""

import pytest
from sklearn.datasets import load_digits

from sklatent import VAE, RelativeAutoencoder, RosettaPoints, RosettaVAE

X = load_digits().data[:500] / 16
STILL = {"hidden_layer_sizes": (8,), "max_epochs": 1, "learning_rate": 1e-12, "random_state": 0}


def explained(model):
    _, x, decoded = model._reconstruct(X)
    return 1 - ((x - decoded) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum()


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_codes_far_from_zero_are_decoded_through_the_link_at_the_mean(likelihood):
    """Distances to anchors are far from zero, where the link would be that of no row."""
    model = RelativeAutoencoder(2, n_anchors=20, likelihood=likelihood, **STILL).fit(X)
    assert explained(model) > 0.35


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_so_are_anchors_whose_latents_are(likelihood):
    first = VAE(8, likelihood=likelihood, **STILL | {"learning_rate": 1e-3}).fit(X)
    points = RosettaPoints(X[::8], first.transform(X[::8]) + 3.0)
    model = RosettaVAE(8, likelihood=likelihood, rosetta_points=points, rho=0, **STILL).fit(X)
    assert explained(model) > 0.35

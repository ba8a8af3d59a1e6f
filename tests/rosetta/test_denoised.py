"""Real rows for the encoder and what the model decodes for the decoder: anchors without noise."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score

from sklatent import VAE, RosettaPoints, RosettaVAE, load, save
from sklatent.likelihoods import Gaussian

SETTINGS = {"hidden_layer_sizes": (64,), "max_epochs": 10, "random_state": 0}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.fixture(scope="module")
def model(digits):
    return VAE(8, likelihood="bernoulli", **SETTINGS).fit(digits[0])


@pytest.fixture(scope="module")
def points(digits, model):
    return RosettaPoints.distill(model, digits[0], 64, random_state=0)


def test_auto_has_both_and_data_is_the_papers(digits, model, points):
    papers = RosettaPoints.distill(model, digits[0], 64, inputs="data", random_state=0)
    for own, other in ((points, papers), (points.held_out, papers.held_out)):
        assert (own.inputs, other.inputs) == ("data", "data")
        np.testing.assert_array_equal(own.X, other.X)
        np.testing.assert_array_equal(own.encoded, own.Z)
        np.testing.assert_allclose(own.decoded, model.inverse_transform(own.Z), rtol=1e-6)
        assert other.decoded is other.X
    assert points != papers


def test_they_travel(points, digits, tmp_path):
    points.save(tmp_path / "anchors")
    loaded = RosettaPoints.load(tmp_path / "anchors")
    assert loaded == points
    np.testing.assert_array_equal(loaded.decoded, points.decoded)
    np.testing.assert_array_equal(loaded.held_out.decoded, points.held_out.decoded)
    fitted = RosettaVAE(8, rosetta_points=points, likelihood="bernoulli", **SETTINGS)
    save(fitted.fit(digits[0]), tmp_path / "model")
    assert load(tmp_path / "model").rosetta_points == points


def test_columns_move_together():
    rng = np.random.default_rng(0)
    X, Z, decoded = rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    points = RosettaPoints(X, Z, decoded=decoded, feature_names=["a", "b", "c"])
    moved = points.for_features(["c", "a", "b"])
    np.testing.assert_array_equal(moved.X, X[:, [2, 0, 1]])
    np.testing.assert_array_equal(moved.decoded, decoded[:, [2, 0, 1]])
    plain = RosettaPoints(X, Z, feature_names=["a", "b", "c"]).for_features(["c", "a", "b"])
    assert plain.decoded is plain.X


def test_the_loss_compares_the_decoder_with_what_is_decoded():
    """Deviance of a Gaussian of deviation 2, and a weight of 100 for the encoder."""
    rng = np.random.default_rng(0)
    X, Z, decoded = rng.normal(size=(40, 3)), rng.normal(size=(6, 2)), rng.normal(size=(6, 3))
    points = RosettaPoints(X[:6], Z, decoded=decoded)
    settings = SETTINGS | {"max_epochs": 1, "learning_rate": 1e-300, "precision": "float64"}
    for likelihood, scale, weight, target in (
        (Gaussian(scale=2.0), 2.0, 100.0, decoded),
        ("unit_gaussian", 1.0, 1.0, X[:6]),
    ):
        model = RosettaVAE(2, rosetta_points=points, rho=0.5, likelihood=likelihood, **settings)
        model.fit(X)
        decoder = np.sum((target - model.inverse_transform(Z)) ** 2) / scale**2
        encoder = np.sum((Z - model.transform(X[:6])) ** 2)
        expected = 0.5 * (decoder + weight * encoder) / 40
        assert model.history_[0]["rosetta"] == pytest.approx(expected, rel=1e-6)


def test_another_labs_classes_are_placed_far_better(digits):
    """Five pairs of labs; equation 1 with the papers' anchors beside it."""
    X, y = digits
    A, B = X[y < 5], X[y >= 5]
    settings = {"hidden_layer_sizes": (32,), "likelihood": "bernoulli", "max_epochs": 15}
    ahead = []
    for seed in range(5):
        lab_a = VAE(8, **settings, random_state=seed).fit(A)
        found = []
        for inputs, weight in (("auto", "auto"), ("data", 1.0)):
            points = RosettaPoints.distill(lab_a, A, 64, inputs=inputs, random_state=seed)
            lab_b = RosettaVAE(
                8, rosetta_points=points, encoder_weight=weight, **settings, random_state=100 + seed
            ).fit(B)
            found.append(r2_score(lab_a.transform(B), lab_b.transform(B)))
        ahead.append(found[0] - found[1])
    assert min(ahead) > 0.02, ahead


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decoded": np.zeros((5, 2))}, "must have the shape of X"),
        ({"decoded": np.full((5, 3), np.nan)}, "NaN"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        RosettaPoints(np.zeros((5, 3)), np.zeros((5, 2)), **arguments)

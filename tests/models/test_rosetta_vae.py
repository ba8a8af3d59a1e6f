"""The Rosetta VAE: anchors hold the space, and say so when they do not fit."""

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import VAE, RosettaPoints, RosettaVAE, retrain
from sklatent.datasets import make_eight_gaussians
from sklatent.metrics import retraining_variability
from tests.settings import PAPERS

SETTINGS = {"hidden_layer_sizes": (32, 32), "max_epochs": 60}


@pytest.fixture(scope="module")
def data():
    return make_eight_gaussians(800, random_state=0)


@pytest.fixture(scope="module")
def template(data):
    return VAE(2, **SETTINGS, random_state=0).fit(data[0])


@pytest.fixture(scope="module")
def points(data, template):
    return RosettaPoints.distill(template, data[0], n_points=8, random_state=0)


def test_none_is_a_plain_vae(data):
    X, _ = data
    settings = {**SETTINGS, "max_epochs": 3, "random_state": 0}
    plain, rosetta = VAE(2, **settings).fit(X), RosettaVAE(2, **settings).fit(X)
    assert np.array_equal(plain.transform(X), rosetta.transform(X))


def test_rho_zero_is_a_plain_vae_up_to_rounding(data, points):
    X, _ = data
    settings = PAPERS | SETTINGS | {"max_epochs": 3, "random_state": 0, "precision": "float64"}
    plain = VAE(2, **settings).fit(X)
    rosetta = RosettaVAE(2, rosetta_points=points, rho=0.0, **settings).fit(X)
    np.testing.assert_allclose(plain.transform(X), rosetta.transform(X), atol=1e-10)


def test_the_loss_is_equation_1(data, points):
    """The first step's anchor term, from the untrained networks and a loop over anchors."""
    X, _ = data
    model = RosettaVAE(
        2, rosetta_points=points, rho=3.0, batch_size=800, max_epochs=1, learning_rate=1e-300,
        precision="float64", random_state=0, hidden_layer_sizes=(32, 32), **PAPERS,
    ).fit(X)  # fmt: skip
    total = 0.0
    for x, z in zip(points.X, points.Z, strict=True):
        total += np.sum((x - model.inverse_transform(z[None])[0]) ** 2)
        total += np.sum((z - model.transform(x[None])[0]) ** 2)
    assert model.history_[0]["rosetta"] == pytest.approx(3.0 * total / 800, rel=1e-9)
    terms = model.history_[0]
    assert terms["train_loss"] == pytest.approx(
        terms["reconstruction"] + terms["kl"] + terms["rosetta"]
    )


def test_weights_of_both_sides(data, template):
    """Decoded anchors: the encoder is held to where the first model encodes them."""
    X, _ = data
    points = RosettaPoints.distill(template, X, 8, inputs="decoded", random_state=0)
    settings = {
        "batch_size": 800, "max_epochs": 1, "learning_rate": 1e-300, "precision": "float64",
        "random_state": 0, "hidden_layer_sizes": (32, 32), **PAPERS,
    }  # fmt: skip
    model = RosettaVAE(
        2, rosetta_points=points, rho=2.0, encoder_weight=5.0, decoder_weight=0.5, **settings
    ).fit(X)
    decoder = np.sum((points.X - model.inverse_transform(points.Z)) ** 2)
    encoder = np.sum((points.encoded - model.transform(points.X)) ** 2)
    expected = 2.0 * (0.5 * decoder + 5.0 * encoder) / 800
    assert model.history_[0]["rosetta"] == pytest.approx(expected, rel=1e-6)


def test_retraining_varies_far_less_than_a_plain_vaes(data, points):
    # METHODS' prototype: 10 to 11 nats below the plain VAE at rho 1 to 5, ten runs.
    X, _ = data
    settings = PAPERS | SETTINGS
    rosetta = RosettaVAE(2, rosetta_points=points, rho=3, **settings)
    runs = {
        "plain": retrain(VAE(2, **settings), X, random_state=0),
        "rosetta": retrain(rosetta, X, random_state=0),
    }
    latents = {name: [m.transform(X) for m in models] for name, models in runs.items()}
    for relative in (False, True):
        rv = {n: retraining_variability(z, relative=relative) for n, z in latents.items()}
        assert rv["rosetta"] < rv["plain"] - 8


def test_a_half_places_the_unseen_half_where_the_template_had_it(data, template, points):
    X, _ = data
    target = template.transform(X)
    unseen = X[:, 0] <= 0
    errors = {}
    for name, model in {
        "rosetta": RosettaVAE(2, rosetta_points=points, rho=3, **SETTINGS),
        "plain": VAE(2, **SETTINGS),
    }.items():
        runs = retrain(model, X[~unseen], n_runs=4, random_state=0)
        errors[name] = [
            np.sum((run.transform(X[unseen]) - target[unseen]) ** 2)
            / np.sum((target[unseen] - target[unseen].mean(0)) ** 2)
            for run in runs
        ]
    # METHODS' prototype: within 5 to 8 percent.
    assert np.mean(errors["rosetta"]) < 0.08
    assert np.max(errors["rosetta"]) < 0.25 * np.min(errors["plain"])


def test_anchors_of_another_architecture_or_posterior_do(data, points):
    X, _ = data
    model = RosettaVAE(
        2, rosetta_points=points, rho=5, architecture="residual", posterior="full",
        hidden_layer_sizes=(16,), max_epochs=60, random_state=0,
    ).fit(X)  # fmt: skip
    error = np.mean((model.transform(points.X) - points.Z) ** 2)
    assert error < 0.05 * np.mean(points.Z**2)


def test_anchors_for_other_data_name_both_shapes(data, points):
    X, _ = data
    with pytest.raises(ValueError, match=r"\(8, 5\).*\(800, 4\)"):
        RosettaVAE(2, rosetta_points=points).fit(X[:, :4])
    with pytest.raises(ValueError, match=r"\(8, 2\).*n_components=3"):
        RosettaVAE(3, rosetta_points=points).fit(X)


@pytest.mark.parametrize(
    "parameters", [{"rho": -1.0}, {"rho": "high"}, {"rosetta_points": "points.safetensors"}]
)
def test_bad_parameters(data, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        RosettaVAE(2, **parameters).fit(data[0])


def test_bernoulli_anchors_must_lie_in_the_unit_interval(data, points):
    X = (data[0] - data[0].min()) / np.ptp(data[0])
    with pytest.raises(ValueError, match="Rosetta points' inputs"):
        RosettaVAE(2, rosetta_points=points, likelihood="bernoulli").fit(X)


def test_inputs_that_plainly_lie_elsewhere_warn(data, points, recwarn):
    X, _ = data
    settings = {**SETTINGS, "max_epochs": 1}
    RosettaVAE(2, rosetta_points=points, **settings).fit(X[X[:, 0] > 0])
    assert not recwarn
    for elsewhere in (100 * X, X + 100):
        with pytest.warns(UserWarning, match="plainly lie elsewhere"):
            RosettaVAE(2, rosetta_points=points, **settings).fit(elsewhere)


def test_a_pipelines_anchors_live_in_the_models_space(data):
    X, _ = data
    settings = {**SETTINGS, "beta": 0.1}
    lab_a = make_pipeline(StandardScaler(), VAE(2, **settings, random_state=0)).fit(100 * X)
    points = RosettaPoints.distill(lab_a, 100 * X, n_points=32, random_state=0)
    assert np.abs(points.X).max() < 10
    np.testing.assert_allclose(lab_a[-1].transform(points.X), points.Z, atol=1e-5)
    scaler = lab_a[0]
    lab_b = RosettaVAE(2, rosetta_points=points, rho=5, **settings, random_state=1)
    lab_b.fit(scaler.transform(100 * X))
    error = np.mean((lab_b.transform(scaler.transform(100 * X)) - lab_a.transform(100 * X)) ** 2)
    assert error < 0.2 * lab_a.transform(100 * X).var()


def test_float32_anchors_serve_double_training(data, points):
    single = RosettaPoints(points.X.astype(np.float32), points.Z.astype(np.float32))
    model = RosettaVAE(2, rosetta_points=single, max_epochs=1, precision="float64").fit(data[0])
    assert next(model.net_.module_.parameters()).dtype == torch.float64

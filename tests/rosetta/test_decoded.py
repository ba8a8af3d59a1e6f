"""Anchors whose inputs are decoded, and anchors held out: what they are and what they are for."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score

from sklatent import VAE, RosettaPoints, RosettaVAE, load, save
from sklatent._utils.files import write_file

SETTINGS = {"hidden_layer_sizes": (16,), "max_epochs": 15, "random_state": 0}


@pytest.fixture(scope="module")
def table():
    """Few rows, many features, much noise: 3 components in 100 features."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 100)) + 3.0 * rng.normal(size=(300, 100))
    return X / X.std(axis=0)


@pytest.fixture(scope="module")
def model(table):
    return VAE(3, **SETTINGS).fit(table)


@pytest.fixture(scope="module")
def points(table, model):
    return RosettaPoints.distill(model, table, n_points=16, random_state=0)


def test_decoded_anchors_hold_both_of_the_models_answers(table, model):
    points = RosettaPoints.distill(model, table, 16, inputs="decoded", random_state=0)
    rows = RosettaPoints.distill(model, table, 16, inputs="data", random_state=0)
    for own, real in ((points, rows), (points.held_out, rows.held_out)):
        np.testing.assert_array_equal(own.Z, real.Z)
        np.testing.assert_allclose(own.decoded, model.inverse_transform(own.Z), rtol=1e-6)
        np.testing.assert_allclose(own.encoded, model.transform(own.X), rtol=1e-6)
        np.testing.assert_array_equal(real.encoded, real.Z)
        np.testing.assert_allclose(own.posterior.log_var, real.posterior.log_var)
        assert real.inputs == "data"
    assert (points.inputs, points.held_out.inputs) == ("decoded", "drawn")
    assert points.decoded is points.X
    # Posterior means are drawn to the prior: what is decoded is not encoded to where it came from.
    assert np.abs(points.encoded - points.Z).max() > 0.05


def test_auto_decodes_where_real_rows_are_noisy_and_keeps_them_where_not(points):
    assert points.inputs == "decoded"
    X = load_digits().data / 16
    vae = VAE(8, likelihood="bernoulli", max_epochs=5, random_state=0).fit(X)
    assert RosettaPoints.distill(vae, X, random_state=0).inputs == "data"


def test_auto_keeps_real_rows_where_nothing_tells(table, model):
    assert RosettaPoints.distill(PCA(3).fit(table), table, 16, random_state=0).inputs == "data"
    assert RosettaPoints.distill(model, table, len(table), random_state=0).inputs == "data"


def test_auto_holds_for_counts():
    """Shares are decoded, counts are encoded: both as the encoder sees them."""
    rng = np.random.default_rng(0)
    rates = np.exp(rng.normal(size=(200, 2)) @ rng.normal(size=(2, 60)) + 1)
    X = rng.poisson(rates).astype(float)
    vae = VAE(2, likelihood="negative_binomial", **SETTINGS).fit(X)
    points = RosettaPoints.distill(vae, X, 16, inputs="decoded", random_state=0)
    np.testing.assert_allclose(points.encoded, vae.transform(points.X), rtol=1e-6)
    assert RosettaPoints.distill(vae, X, 16, random_state=0).inputs in ("data", "decoded")
    RosettaVAE(2, rosetta_points=points, likelihood="negative_binomial", **SETTINGS).fit(X)


def test_held_out_anchors_are_further_rows(table, model):
    points = RosettaPoints.distill(model, table, 16, inputs="data", random_state=0)
    without = RosettaPoints.distill(model, table, 16, inputs="data", held_out=0, random_state=0)
    assert without.held_out is None
    np.testing.assert_array_equal(points.X, without.X)
    assert len(points.held_out) == 4
    both = np.vstack([points.X, points.held_out.X])
    assert len(np.unique(both, axis=0)) == 20
    assert (both[:, None] == table[None]).all(-1).any(1).all()
    assert len(RosettaPoints.distill(model, table, 298, random_state=0).held_out) == 2
    assert RosettaPoints.distill(model, table, 300, random_state=0).held_out is None


@pytest.mark.filterwarnings("error:The Rosetta points:UserWarning")
def test_names_and_files(table, tmp_path):
    frame = pd.DataFrame(table, columns=[f"g{i}" for i in range(100)])
    vae = VAE(3, **SETTINGS).fit(frame)
    points = RosettaPoints.distill(vae, frame, 16, random_state=0)
    assert points.inputs == "decoded"
    points.save(tmp_path / "anchors")
    loaded = RosettaPoints.load(tmp_path / "anchors")
    assert loaded == points
    assert loaded.inputs == "decoded"
    assert loaded.held_out == points.held_out
    np.testing.assert_array_equal(loaded.encoded, points.encoded)
    other = RosettaPoints.distill(vae, frame, 16, held_out=0.5, random_state=0)
    assert other != points
    turned = points.for_features(frame.columns[::-1])
    np.testing.assert_array_equal(turned.held_out.X, points.held_out.X[:, ::-1])
    fitted = RosettaVAE(3, rosetta_points=points, **SETTINGS).fit(frame)
    save(fitted, tmp_path / "model")
    assert load(tmp_path / "model").rosetta_points == points
    with pytest.warns(UserWarning, match="plainly lie elsewhere"):
        RosettaVAE(3, rosetta_points=points, **SETTINGS).fit(100 * frame + 1000)


def test_a_file_of_schema_2_is_what_it_was(tmp_path):
    arrays = {"X": np.eye(3), "Z": np.ones((3, 2))}
    path = tmp_path / "old"
    write_file(path, arrays, {"preprocessing": None}, kind="Rosetta points", schema_version=2)
    points = RosettaPoints.load(path)
    assert points == RosettaPoints(np.eye(3), np.ones((3, 2)))
    assert (points.inputs, points.held_out) == ("data", None)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"inputs": "both"}, "inputs must be one of"),
        ({"held_out": -0.1}, "held_out must be a number, 0 or more"),
        ({"held_out": "some"}, "held_out must be a number, 0 or more"),
    ],
)
def test_bad_parameters(table, model, parameters, message):
    with pytest.raises(ValueError, match=message):
        RosettaPoints.distill(model, table, 4, **parameters)


def test_what_cannot_decode(table):
    class Half(PCA):
        inverse_transform = None

        def __getattribute__(self, name):
            if name == "inverse_transform":
                raise AttributeError(name)
            return super().__getattribute__(name)

    with pytest.raises(ValueError, match='"decoded" needs a model whose inverse_transform'):
        RosettaPoints.distill(Half(3).fit(table), table, 4, inputs="decoded")


def test_bad_parts():
    with pytest.raises(ValueError, match="shape of Z"):
        RosettaPoints(np.eye(3), np.eye(3), encoded=np.ones((3, 2)))
    with pytest.raises(TypeError, match="held_out must be RosettaPoints"):
        RosettaPoints(np.eye(3), np.eye(3), held_out=np.eye(3))
    with pytest.raises(ValueError, match="same features and components"):
        RosettaPoints(np.eye(3), np.eye(3), held_out=RosettaPoints(np.eye(2), np.eye(2)))


def test_another_lab_keeps_the_map_of_a_noisy_table(table):
    """With decoded anchors far better than with real rows, over three splits."""
    left = {"data": [], "decoded": []}
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(len(table))
        first, second = table[rows[:150]], table[rows[150:]]
        template = VAE(3, **SETTINGS).fit(first)
        for inputs, errors in left.items():
            points = RosettaPoints.distill(template, first, 16, inputs=inputs, random_state=seed)
            model = RosettaVAE(3, rosetta_points=points, rho=10, **SETTINGS).fit(second)
            for part in (first, second):
                errors.append(1 - r2_score(template.transform(part), model.transform(part)))
    assert max(left["decoded"]) < 0.1
    assert np.median(left["decoded"]) < 0.3 * np.median(left["data"])

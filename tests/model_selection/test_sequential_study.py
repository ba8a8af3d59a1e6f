"""The two-lab experiment: its tables against direct computation, and what it must show."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from sklatent import VAE
from sklatent.datasets import make_eight_gaussians
from sklatent.metrics import retraining_variability
from sklatent.model_selection import retrain, sequential_study
from tests.settings import PAPERS

X, y = make_eight_gaussians(600, random_state=0)
D1, D2 = X[y < 4], X[y >= 4]


@pytest.fixture(scope="module")
def study():
    model = VAE(2, hidden_layer_sizes=(32, 32), max_epochs=60, learning_rate=3e-3, **PAPERS)
    return sequential_study(model, D1, D2, n_points=8, rho=3.0, n_runs=6, random_state=1)


def test_tables_against_direct_computation(study):
    """Numpy's least squares over all rows, residuals averaged within each part."""
    X_all = np.concatenate([D1, D2])
    target = study.joint.transform(X_all)
    for name, models in study.models.items():
        values = {"D1": [], "D2": [], "bias": [], "distance": []}
        for model in models:
            design = np.c_[model.transform(X_all), np.ones(len(X_all))]
            coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
            squared = ((design @ coefficients - target) ** 2).sum(axis=1)
            values["D1"].append(squared[: len(D1)].mean())
            values["D2"].append(squared[len(D1) :].mean())
            values["bias"].append(np.linalg.norm(coefficients[-1]))
            A = coefficients[:-1].T
            values["distance"].append(np.linalg.norm(A / np.linalg.norm(A, 2) - np.eye(2)))
        for part in ("D1", "D2"):
            row = study.distortion.loc[name, part]
            low, middle, high = np.percentile(values[part], [25, 50, 75])
            rows = target[: len(D1)] if part == "D1" else target[len(D1) :]
            assert row["median"] == pytest.approx(middle)
            assert row["iqr"] == pytest.approx(high - low)
            assert row["fraction"] == pytest.approx(middle / rows.var(axis=0).sum())
        for column in ("bias", "distance"):
            assert study.maps.loc[name, (column, "median")] == pytest.approx(
                np.median(values[column])
            )
        latents = np.stack([model.transform(D2) for model in models])
        volumes = retraining_variability(latents, return_samples=True)[1]
        assert study.variability.loc[name, ("D2", "median")] == pytest.approx(np.median(volumes))
    vae = study.distortion.loc["VAE", ("D1", "median")]
    ours = study.distortion.loc["R-VAE", ("D1", "median")]
    assert study.distortion.loc["R-VAE", ("D1", "minus_vae")] == pytest.approx(ours - vae)


def test_shape_of_the_tables(study):
    for table in (study.distortion, study.variability, study.maps, study.spectra):
        assert isinstance(table, pd.DataFrame)
        assert list(table.index) == ["VAE", "beta-VAE", "R-VAE"]
        assert np.isfinite(table.to_numpy()).all()
    assert len(study.runs) == 18
    assert (study.spectra[0] >= study.spectra[1]).all()
    for part in ("D1", "D2"):
        assert study.distortion.loc["VAE", (part, "minus_vae")] == 0
        assert study.variability.loc["VAE", (part, "minus_vae")] == 0


def test_anchors_hold_the_space_in_place(study):
    """What the paper's tables 1 and 2 say of this data, with a wide margin."""
    for part in ("D1", "D2"):
        assert study.variability.loc["R-VAE", (part, "minus_vae")] < -4
        assert study.variability.loc["R-VAE", (part, "relative")] < -4
    # Lab B never saw D1, and puts it where lab A had it, without any map.
    there = study.first.transform(D1)
    error = [
        np.mean((model.transform(D1) - there) ** 2) / there.var(axis=0).mean()
        for model in study.models["R-VAE"]
    ]
    assert np.median(error) < 0.3


def test_lab_b_sees_the_anchors_as_data(study):
    """The plain model is what retraining it on D2 and the anchors' inputs gives."""
    seeds = np.random.RandomState(1).randint(np.iinfo(np.int32).max, size=4)
    model = VAE(2, hidden_layer_sizes=(32, 32), max_epochs=60, learning_rate=3e-3, **PAPERS)
    X_lab_b = np.concatenate([D2, study.points.X])
    expected = retrain(model, X_lab_b, n_runs=6, random_state=int(seeds[3]))
    np.testing.assert_array_equal(
        expected[2].transform(X), study.models["VAE"][2].transform(X)
    )  # fmt: skip
    assert study.models["R-VAE"][0].rosetta_points == study.points
    assert study.models["beta-VAE"][0].beta == 4.0
    assert [m.random_state for m in study.models["VAE"]] == [
        m.random_state for m in study.models["R-VAE"]
    ]


def test_too_few_runs_for_a_volume():
    model = VAE(2, hidden_layer_sizes=(4,), max_epochs=1)
    study = sequential_study(model, D1, D2, n_points=4, n_runs=2, random_state=0)
    assert study.variability.isna().all(axis=None)
    assert study.distortion.notna().all(axis=None)


def test_what_is_no_vae():
    with pytest.raises(TypeError, match="model must be a VAE, got PCA"):
        sequential_study(PCA(2), D1, D2)


def test_whole_numbers_do_not_round_the_anchors():
    """The second lab's data may be integers; anchors stay what they are."""
    X = np.random.default_rng(0).normal(size=(60, 3))
    whole = np.round(5 * X).astype(int)
    model = VAE(2, hidden_layer_sizes=(4,), max_epochs=2)
    settings = {"n_points": 6, "n_runs": 3, "random_state": 0}
    of_integers = sequential_study(model, X, whole, **settings)
    of_floats = sequential_study(model, X, whole.astype(float), **settings)
    np.testing.assert_array_equal(of_integers.runs.D1, of_floats.runs.D1)

"""Anchors whose features have names, and whose preprocessing travels as numbers under names."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklatent import VAE, RosettaPoints, RosettaVAE

NAMES = ["alpha", "beta", "gamma", "delta", "epsilon"]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(200, 2))
    X = hidden @ rng.normal(size=(2, 5)) + 0.1 * rng.normal(size=(200, 5))
    return pd.DataFrame(X, columns=NAMES)


@pytest.fixture(scope="module")
def points(frame):
    return RosettaPoints.distill(PCA(2).fit(frame), frame, 12, random_state=0)


def settings():
    return {"hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0, "rho": 10.0}


def test_names_travel(points, tmp_path):
    points.save(tmp_path / "a.safetensors")
    loaded = RosettaPoints.load(tmp_path / "a.safetensors")
    assert loaded == points
    assert list(loaded.feature_names) == NAMES
    assert list(loaded.to_frame().columns) == [*NAMES, "z0", "z1"]
    assert RosettaPoints(points.X, points.Z) != points


def test_columns_in_another_order_are_matched(frame, points):
    """The same space: anchors follow the frame, where positions alone would give nonsense."""
    moved = frame[["delta", "alpha", "epsilon", "gamma", "beta"]]
    model = RosettaVAE(2, rosetta_points=points, **settings()).fit(frame)
    other = RosettaVAE(2, rosetta_points=points, **settings()).fit(moved)
    np.testing.assert_array_equal(
        other._anchors().X, points.X[:, [NAMES.index(name) for name in moved.columns]]
    )
    target = points.Z
    for fitted, X in ((model, frame), (other, moved)):
        anchors = pd.DataFrame(points.X, columns=NAMES)[X.columns]
        error = ((fitted.transform(anchors) - target) ** 2).sum() / (
            (target - target.mean(0)) ** 2
        ).sum()
        assert error < 0.1


def test_missing_names_are_listed(frame, points):
    wrong = frame.rename(columns={"beta": "b", "delta": "d"})
    with pytest.raises(ValueError, match="X lacks 2 of the 5 features: 'beta', 'delta'"):
        RosettaVAE(2, rosetta_points=points, **settings()).fit(wrong)
    with pytest.raises(ValueError, match="X lacks 1 of the 5 features: 'gamma'"):
        points.preprocess(frame.drop(columns="gamma"))


def test_bad_names(points):
    for names, error, message in (
        (["a"], ValueError, "one for each of the 5 features"),
        (["a", "a", "b", "c", "d"], ValueError, "twice there are 'a'"),
        ([1, 2, 3, 4, 5], TypeError, "must be strings"),
    ):
        with pytest.raises(error, match=message):
            RosettaPoints(points.X, points.Z, feature_names=names)


def test_another_scale_in_one_feature_is_named(frame, points, recwarn):
    RosettaVAE(2, rosetta_points=points, **settings()).fit(frame)
    assert not [w for w in recwarn if "elsewhere" in str(w.message)]
    scaled = frame.assign(gamma=1000 * frame["gamma"])
    with pytest.warns(UserWarning, match=r"elsewhere than X in 1 of 5 features.*'gamma'"):
        RosettaVAE(2, rosetta_points=points, **settings()).fit(scaled)


def test_raw_counts_against_standardised_anchors():
    """Their one mean and one deviation over all features are alike."""
    rng = np.random.default_rng(0)
    rates = np.exp(rng.normal(-1.5, 2.0, size=50))
    counts = rng.poisson(rates, size=(400, 50)).astype(float)
    counts = counts[:, counts.std(axis=0) > 0]
    standardised = StandardScaler().fit_transform(counts)
    points = RosettaPoints.distill(PCA(2).fit(standardised), standardised, 32, random_state=0)
    with pytest.warns(UserWarning, match="plainly lie elsewhere"):
        RosettaVAE(2, rosetta_points=points, **settings()).fit(counts)


@pytest.mark.filterwarnings("error:The Rosetta points:UserWarning")
def test_the_other_half_of_the_digits_raises_no_alarm():
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = X / 16
    for half in (y < 5, y % 2 == 0):
        here, there = X[half], X[~half]
        for n_points in (4, 16, 64):
            points = RosettaPoints.distill(PCA(3).fit(there), there, n_points, random_state=0)
            RosettaVAE(3, rosetta_points=points, **(settings() | {"max_epochs": 1})).fit(here)


def table():
    rng = np.random.default_rng(1)
    raw = pd.DataFrame(
        {
            "counts": rng.poisson(5, 120).astype(float),
            "weight": rng.normal(70, 10, 120),
            "site": rng.choice(["north", "south", "west"], 120),
        }
    )
    raw.loc[3, "weight"] = np.nan
    return raw


def preprocessing():
    return ColumnTransformer(
        [
            ("log", make_pipeline(FunctionTransformer(np.log1p), StandardScaler()), ["counts"]),
            ("number", make_pipeline(SimpleImputer(), StandardScaler()), ["weight"]),
            ("kind", OneHotEncoder(sparse_output=False), ["site"]),
        ]
    )


def test_preprocessing_of_a_pipeline_travels(tmp_path):
    """Applied in a process that never saw the data, to columns in another order."""
    raw = table()
    pipeline = make_pipeline(preprocessing(), VAE(2, max_epochs=1, random_state=0)).fit(raw)
    points = RosettaPoints.distill(pipeline, raw, 6, random_state=0)
    points.save(tmp_path / "points.safetensors")
    raw[["site", "weight", "counts"]].to_csv(tmp_path / "raw.csv", index=False)
    code = (
        "import sys, numpy as np, pandas as pd\n"
        "from sklatent import RosettaPoints\n"
        "points = RosettaPoints.load(sys.argv[1])\n"
        "np.save(sys.argv[3], points.preprocess(pd.read_csv(sys.argv[2])))\n"
    )
    files = [str(tmp_path / name) for name in ("points.safetensors", "raw.csv", "out.npy")]
    subprocess.run([sys.executable, "-c", code, *files], check=True)
    np.testing.assert_allclose(
        np.load(files[2]), pipeline[0].transform(raw), rtol=1e-12, atol=1e-12
    )
    loaded = RosettaPoints.load(files[0])
    assert loaded == points
    with pytest.raises(ValueError, match="X lacks 1 of the 3 features: 'site'"):
        loaded.preprocess(raw[["counts", "weight"]])


def test_steps_of_ones_own_stay_at_home():
    raw = np.random.default_rng(0).uniform(size=(50, 3))
    pipeline = make_pipeline(FunctionTransformer(lambda X: X**2), PCA(2)).fit(raw)
    points = RosettaPoints.distill(pipeline, raw, 5, random_state=0)
    assert points.steps is None
    with pytest.raises(ValueError, match="no file can hold"):
        RosettaPoints(points.X, points.Z, steps=pipeline)

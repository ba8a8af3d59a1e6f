"""IncrementalMap: what stays, what is learned, and what is chosen."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import VAE, IncrementalMap, load, save
from sklatent.model_selection._incremental_map import STRATEGIES

SETTINGS = {"hidden_layer_sizes": (32,), "max_epochs": 15, "random_state": 0}


@pytest.fixture(scope="module")
def days():
    X = load_digits().data / 16
    half = np.random.default_rng(0).permutation(len(X)) < 900
    return X[half], X[~half]


@pytest.fixture(scope="module")
def monday(days):
    return IncrementalMap(VAE(4, **SETTINGS), random_state=0).fit(days[0])


def updated(monday, X, **parameters):
    return copy.deepcopy(monday).set_params(**parameters).partial_fit(X)


def test_the_first_fit_is_the_estimators_own(days, monday):
    alone = VAE(4, **SETTINGS).fit(days[0])
    np.testing.assert_array_equal(monday.transform(days[0]), alone.transform(days[0]))
    assert monday.score(days[1]) == alone.score(days[1])
    assert len(monday.points_) == 64
    assert len(monday.points_.held_out) == 16
    assert len(monday.shift_) == 0
    first = IncrementalMap(VAE(4, **SETTINGS), random_state=0).partial_fit(days[0])
    np.testing.assert_array_equal(first.transform(days[1]), monday.transform(days[1]))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_map_stays(days, monday, strategy):
    """Where two models from different halves without more agree far less than these."""
    model = updated(monday, days[1], strategy=strategy)
    for X in days:
        assert r2_score(monday.transform(X), model.transform(X)) > 0.93
    other = VAE(4, **SETTINGS).fit(days[1])
    assert r2_score(monday.transform(days[0]), other.transform(days[0])) < 0.5
    row = model.shift_.iloc[0]
    assert row["strategy"] == strategy
    assert row["moved"] < 0.05
    assert row["bound"] == pytest.approx(model.score(days[1]))
    decoded = model.inverse_transform(model.transform(days[1]))
    assert r2_score(days[1], decoded, multioutput="variance_weighted") > 0.3


def test_freeze_keeps_the_encoder_and_teaches_the_decoder(days, monday):
    dimmed = 0.5 * days[1]
    model = updated(monday, dimmed, strategy="freeze")
    np.testing.assert_array_equal(model.transform(days[0]), monday.transform(days[0]))
    assert model.score(dimmed) > monday.score(dimmed) + 1
    again = updated(model, dimmed, strategy="warm_start")
    assert not np.array_equal(again.transform(days[0]), monday.transform(days[0]))


def test_warm_start_goes_on_from_the_weights(days, monday):
    model = updated(monday, days[1], strategy="warm_start")
    one = copy.deepcopy(monday)
    one.model_.set_params(learning_rate=1e-12)
    one.set_params(strategy="warm_start").partial_fit(days[1])
    np.testing.assert_allclose(one.transform(days[1]), monday.transform(days[1]), atol=1e-5)
    assert not np.allclose(model.transform(days[1]), monday.transform(days[1]), atol=1e-3)
    # No model keeps those before it.
    assert model.model_.init == "pca"
    assert model.model_.net_.made_with["init"] == "pca"


@pytest.mark.parametrize("tolerance", [0.0, 0.02, 10.0])
def test_auto_takes_what_is_worth_most_of_what_holds(days, monday, tolerance):
    model = updated(monday, days[1], tolerance=tolerance).partial_fit(days[1][:300])
    shift = model.shift_
    assert list(shift["update"]) == [1] * 4 + [2] * 4
    assert list(shift["strategy"]) == 2 * list(STRATEGIES)
    for _, tried in shift.groupby("update"):
        worth = tried["bound"] - tried["moved_nats"]
        assert tried["chosen"].sum() == 1
        holds = tried[["moved", "moved_new"]].max(axis=1) <= tolerance
        assert holds[tried["strategy"] == "freeze"].item()
        assert worth[tried["chosen"]].item() == worth[holds].max()


def test_the_same_twice(days, monday):
    first, second = (updated(monday, days[1]).transform(days[0]) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_pipelines_steps_are_frozen(days):
    frames = [pd.DataFrame(X).add_prefix("p") for X in days]
    pipeline = make_pipeline(StandardScaler(), VAE(4, **SETTINGS))
    model = IncrementalMap(pipeline, strategy="rosetta", random_state=0).fit(frames[0])
    scaler = copy.deepcopy(model.steps_[0])
    Z = model.transform(frames[0])
    model.partial_fit(2 * frames[1])
    np.testing.assert_array_equal(model.steps_[0].mean_, scaler.mean_)
    assert r2_score(Z, model.transform(frames[0])) > 0.7
    assert model.inverse_transform(Z).shape == days[0].shape
    assert list(model.feature_names_in_) == list(frames[0].columns)
    with pytest.raises(ValueError, match="feature names"):
        model.partial_fit(frames[1].iloc[:, ::-1])


def test_other_transformers_freeze_or_align(days):
    model = IncrementalMap(PCA(3), random_state=0).fit(days[0])
    Z = model.transform(days[0])
    np.testing.assert_array_equal(updated(model, days[1], strategy="freeze").transform(days[0]), Z)
    aligned = updated(model, days[1], strategy="align")
    assert r2_score(Z, aligned.transform(days[0])) > 0.9
    assert set(updated(model, days[1]).shift_["strategy"]) == {"freeze", "align"}
    with pytest.raises(ValueError, match="'warm_start' needs a VAE or a RosettaVAE"):
        updated(model, days[1], strategy="warm_start")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_files(days, monday, tmp_path, strategy):
    model = updated(monday, days[1], strategy=strategy)
    save(model, tmp_path / "map")
    loaded = load(tmp_path / "map")
    np.testing.assert_array_equal(loaded.transform(days[0]), model.transform(days[0]))
    assert loaded.points_ == model.points_
    pd.testing.assert_frame_equal(loaded.shift_, model.shift_)
    loaded.partial_fit(days[1][:200])


def test_few_rows(days):
    model = IncrementalMap(VAE(2, **SETTINGS), random_state=0).fit(days[0][:20])
    assert len(model.points_) == 20
    model.partial_fit(days[1][:20])
    assert model.shift_["chosen"].sum() == 1

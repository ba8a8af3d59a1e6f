"""Tuesday's covariates that Monday did not know: only their weights are learned."""

import copy

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import VAE, IncrementalMap, load, save

SETTINGS = {"hidden_layer_sizes": (16,), "max_epochs": 30, "random_state": 0}
NAMES = [f"gene {j}" for j in range(10)]


def labs():
    """Two labs' rows of one kind, and what lab B's instrument adds."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2)) @ rng.normal(size=(2, 10)) + 0.3 * rng.normal(size=(400, 10))
    return X[:200], X[200:], 0.7 * rng.normal(size=10)


def told(X, value=1.0):
    return np.column_stack([X, np.full(len(X), value)])


@pytest.fixture(scope="module")
def monday():
    A, _, _ = labs()
    learner = IncrementalMap(VAE(2, **SETTINGS), strategy="freeze", n_points=16, random_state=0)
    return learner.fit(A)


@pytest.fixture(scope="module")
def tuesday(monday):
    _, B, effect = labs()
    return copy.deepcopy(monday).partial_fit(told(B + effect), covariates=[10])


def test_rows_from_before_stay_to_the_bit(monday, tuesday):
    """Given as before, or with a zero behind, alone or beside new rows."""
    A, B, _ = labs()
    there = monday.transform(A)
    np.testing.assert_array_equal(tuesday.transform(A), there)
    np.testing.assert_array_equal(tuesday.transform(told(A, 0.0)), there)
    both = np.vstack([told(B[:50]), told(A, 0.0)])
    np.testing.assert_array_equal(tuesday.transform(both)[50:], there)
    np.testing.assert_array_equal(tuesday.transform(both)[:50], tuesday.transform(told(B[:50])))
    assert tuesday.new_covariates_.tolist() == [10]
    assert tuesday.shift_["moved"].tolist() == pytest.approx([0.0], abs=1e-25)  # a squared rounding
    assert tuesday.shift_["strategy"].tolist() == ["freeze"]


def test_only_weights_of_what_is_new_were_trained(monday, tuesday):
    old, new = (m.model_.net_.module_.state_dict() for m in (monday, tuesday))
    behind = []
    for name, tensor in old.items():
        if new[name].shape == tensor.shape:
            np.testing.assert_array_equal(new[name], tensor, err_msg=name)
        else:
            np.testing.assert_array_equal(new[name][:, : tensor.shape[1]], tensor, err_msg=name)
            assert new[name].shape[1] == tensor.shape[1] + 1
            behind.append(float(new[name][:, -1].abs().max()))
    assert len(behind) == 4
    assert min(behind) > 0
    assert all(p.requires_grad for p in tuesday.model_.net_.module_.parameters())


def test_what_is_new_gains_bound_and_moves_the_map_little(monday, tuesday):
    """Of its rows as they are modelled and decoded; what looks like latents can't be told apart."""
    _, B, effect = labs()
    there, rows = monday.transform(B), told(B + effect)
    before = r2_score(there, monday.transform(B + effect))
    assert r2_score(there, tuesday.transform(rows)) > before - 0.02
    assert tuesday.score(rows) > monday.score(B + effect) + 1
    # Part of the effect looks like other latents; what no latents could explain is learned.
    axes = np.linalg.svd(labs()[0] - labs()[0].mean(axis=0), full_matrices=False)[2][:2]
    beyond = effect - effect @ axes.T @ axes
    Z = tuesday.transform(rows)
    told_one, told_none = (tuesday.model_.inverse_transform(Z, [value]) for value in (1.0, 0.0))
    learned = (told_one - told_none)[:, :10].mean(axis=0)
    learned -= learned @ axes.T @ axes
    assert learned @ beyond > 0
    assert tuesday.inverse_transform(Z).shape == B.shape


def test_a_third_lab_and_another_strategy_afterwards(tuesday, tmp_path):
    A, B, effect = labs()
    wednesday = copy.deepcopy(tuesday)
    third = np.column_stack([B - effect, np.zeros(200), np.ones(200)])
    wednesday.partial_fit(third, covariates=-1)
    assert wednesday.new_covariates_.tolist() == [10, 11]
    np.testing.assert_array_equal(wednesday.transform(A), tuesday.transform(A))
    wide = np.column_stack([told(B + effect), np.zeros(200)])
    np.testing.assert_array_equal(wednesday.transform(wide), tuesday.transform(told(B + effect)))
    save(wednesday, tmp_path / "map")
    loaded = load(tmp_path / "map")
    for rows in (A, wide, third):
        np.testing.assert_array_equal(loaded.transform(rows), wednesday.transform(rows))
    wednesday.set_params(strategy="warm_start").partial_fit(third)
    assert wednesday.shift_["strategy"].tolist() == ["freeze", "freeze", "warm_start"]
    assert r2_score(tuesday.transform(A), wednesday.transform(A)) > 0.95


def test_frames_by_name_behind_a_scaler():
    A, B, effect = labs()
    frame = pd.DataFrame(A, columns=NAMES)
    pipeline = make_pipeline(StandardScaler(), VAE(2, **SETTINGS | {"max_epochs": 5}))
    learner = IncrementalMap(pipeline, n_points=16, random_state=0).fit(frame)
    there = learner.transform(frame)
    new = pd.DataFrame(B + effect, columns=NAMES)
    new.insert(3, "lab B", 1.0)
    learner.partial_fit(new, covariates="lab B")
    assert learner.new_covariates_.tolist() == ["lab B"]
    np.testing.assert_array_equal(learner.transform(frame), there)
    np.testing.assert_array_equal(learner.transform(new), learner.transform(new[[*NAMES, "lab B"]]))
    assert not np.array_equal(learner.transform(new), learner.transform(new[NAMES]))


def test_known_covariates_and_sparse_rows():
    A, B, effect = labs()
    donor = np.arange(200) % 2
    first = sparse.csr_array(np.column_stack([np.where(A > 0.5, A, 0), donor]))
    model = VAE(2, covariates=[10], **SETTINGS | {"max_epochs": 5})
    learner = IncrementalMap(model, n_points=16, random_state=0).fit(first)
    there = learner.transform(first)
    rows = np.column_stack([np.where(B > 0.5, B, 0) + effect, donor, np.ones(200)])
    learner.partial_fit(sparse.csr_array(rows), covariates=[11])
    np.testing.assert_array_equal(learner.transform(first), there)
    assert learner.model_.covariates_.tolist() == [10, 11]


def test_a_failed_update_leaves_the_map(monday):
    _, B, effect = labs()
    rows = told(B + effect)
    rows[3, 2] = np.nan
    learner = copy.deepcopy(monday)
    with pytest.raises(ValueError, match="NaN"):
        learner.partial_fit(rows, covariates=[10])
    assert not len(learner.new_covariates_)
    np.testing.assert_array_equal(learner.transform(B), monday.transform(B))


@pytest.mark.parametrize(
    ("covariates", "width", "value", "parameters", "message"),
    [
        ([3], 10, 1.0, {}, "Without names new covariates stand behind the 10 known"),
        ([12], 11, 1.0, {}, "covariates"),
        ([10], 11, 0.0, {}, "are 0 in all rows"),
        ([10], 11, 1.0, {"strategy": "align"}, "can't learn new covariates"),
        ("lab B", 11, 1.0, {}, "covariates"),
    ],
)
def test_bad_covariates(monday, covariates, width, value, parameters, message):
    _, B, _ = labs()
    learner = copy.deepcopy(monday).set_params(**parameters)
    with pytest.raises((ValueError, TypeError), match=message):
        learner.partial_fit(told(B, value)[:, :width], covariates=covariates)
    np.testing.assert_array_equal(learner.transform(B), monday.transform(B))


def test_bad_models_and_first_fits():
    A, B, _ = labs()
    with pytest.raises(ValueError, match="this is the first"):
        IncrementalMap(VAE(2, **SETTINGS)).partial_fit(told(A), covariates=[10])
    with pytest.raises(ValueError, match="New covariates need a VAE"):
        IncrementalMap(PCA(2), n_points=8).fit(A).partial_fit(told(B), covariates=[10])
    frame = pd.DataFrame(A, columns=NAMES)
    learner = IncrementalMap(VAE(2, **SETTINGS | {"max_epochs": 1}), n_points=8).fit(frame)
    with pytest.raises(ValueError, match=r"\['gene 3'\], which earlier data had"):
        learner.partial_fit(frame, covariates="gene 3")

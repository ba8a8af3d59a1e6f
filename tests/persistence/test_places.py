"""Where save writes, and what it may not change there; and what a file may not say."""

import io
import os
import stat
import threading

import numpy as np
import pytest
from sklearn.base import clone

import sklatent
from sklatent import VAE, LinearAligner, RosettaPoints, VAEEnsemble
from sklatent._utils.files import read_file, write_file

KIND = "a fitted model"
SMALL = {"n_components": 2, "hidden_layer_sizes": (8,), "max_epochs": 1, "random_state": 0}
X = np.random.default_rng(0).uniform(size=(30, 4))


@pytest.fixture(scope="module")
def aligner():
    return LinearAligner().fit(X, X[:, :2])


@pytest.fixture(scope="module")
def model():
    return VAE(**SMALL).fit(X)


def test_mode_is_kept(aligner, tmp_path):
    path = tmp_path / "a"
    sklatent.save(aligner, path)
    path.chmod(0o600)
    sklatent.save(aligner, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_link_stays_a_link(aligner, tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "file")
    for _ in range(2):  # dangling at first
        sklatent.save(aligner, link)
        assert link.is_symlink()
        assert not (tmp_path / "real" / "file").is_symlink()
    sklatent.load(link)


@pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="this system has no named pipes to write into"
)
def test_pipe_is_written_into(aligner, tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    sklatent.save(aligner, pipe)
    reader.join(10)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    np.testing.assert_array_equal(sklatent.load(io.BytesIO(got[0])).coef_, aligner.coef_)


def test_files_that_are_open(aligner, tmp_path):
    with open(tmp_path / "a", "wb") as file:
        sklatent.save(aligner, file)
    with open(tmp_path / "a", "rb") as file:
        np.testing.assert_array_equal(sklatent.load(file).coef_, aligner.coef_)


def test_names_that_can_be_no_file(aligner, tmp_path):
    with pytest.raises(ValueError, match="is a folder; give the name of a file"):
        sklatent.save(aligner, tmp_path)
    with pytest.raises(ValueError, match="is a folder; give the name of a file"):
        sklatent.load(tmp_path)
    with pytest.raises(ValueError, match="There is no folder"):
        sklatent.save(aligner, tmp_path / "missing" / "a")
    with pytest.raises(ValueError, match="too long"):
        sklatent.save(aligner, tmp_path / ("a" * 300))
    sklatent.save(aligner, tmp_path / ("a" * 240))
    sklatent.load(tmp_path / ("a" * 240))
    assert [path.name for path in tmp_path.iterdir()] == ["a" * 240]


def test_metadata_requests(tmp_path):
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        aligner = LinearAligner().set_fit_request(sample_weight=True).fit(X, X[:, :2])
        sklatent.save(aligner, tmp_path / "a")
        loaded = sklatent.load(tmp_path / "a")
        routing = loaded.get_metadata_routing()
        assert routing.fit.requests == {"sample_weight": True}
        assert clone(loaded).get_metadata_routing().fit.requests == {"sample_weight": True}


def test_checkpoint_dir_is_the_readers_own(tmp_path):
    model = VAE(**SMALL, checkpoint_dir=tmp_path / "mine").fit(X)
    sklatent.save(model, tmp_path / "a")
    assert sklatent.load(tmp_path / "a").checkpoint_dir is None
    arrays, metadata, version = content(tmp_path / "a")
    metadata["model"]["parameters"]["checkpoint_dir"] = str(tmp_path / "theirs")
    write_file(tmp_path / "b", arrays, metadata, kind=KIND, schema_version=version)
    loaded = sklatent.load(tmp_path / "b")
    assert loaded.checkpoint_dir is None


def test_parameters_changed_after_fit(tmp_path):
    for changed in ({"n_components": 3}, {"posterior": "full"}, {"hidden_layer_sizes": (9,)}):
        model = VAE(**SMALL).fit(X).set_params(**changed)
        with pytest.raises(ValueError, match="can't be saved.*changed after fit"):
            sklatent.save(model, tmp_path / "a")
        assert not (tmp_path / "a").exists()
    sklatent.save(VAE(**SMALL).fit(X).set_params(beta=3.0), tmp_path / "a")


def test_an_ensemble_holds_its_weights_once(tmp_path):
    model = VAEEnsemble(2, n_estimators=3, hidden_layer_sizes=(256,), max_epochs=1, random_state=0)
    model.fit(X)
    sklatent.save(model, tmp_path / "a")
    weights = sum(p.numel() for p in model.net_.module_.parameters()) * 4
    assert (tmp_path / "a").stat().st_size < 1.35 * weights
    loaded = sklatent.load(tmp_path / "a")
    for theirs, ours in zip(loaded.estimators_, model.estimators_, strict=True):
        np.testing.assert_array_equal(theirs.transform(X), ours.transform(X))
    # A member that was trained further is another one than the ensemble's weights say.
    model.estimators_[1].partial_fit(X)
    sklatent.save(model, tmp_path / "a")
    loaded = sklatent.load(tmp_path / "a")
    np.testing.assert_array_equal(
        loaded.estimators_[1].transform(X), model.estimators_[1].transform(X)
    )
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))


def content(path):
    arrays, envelope = read_file(path, kind=KIND, schema_version=99)
    return arrays, envelope["metadata"], envelope["schema_version"]


def refused(path, arrays, metadata, version=2, match="makes no model"):
    write_file(path, arrays, metadata, kind=KIND, schema_version=version)
    with pytest.raises(ValueError, match=match):
        sklatent.load(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_doc_link_template", "<script>alert(1)</script>"),
        ("_parameter_constraints", {"dict": []}),
        ("extra_", 1),
        ("n_epochs_", 7),
        ("n_components_", 3),
        ("history_", []),
    ],
)
def test_what_a_model_does_not_learn(model, tmp_path, name, value):
    sklatent.save(model, tmp_path / "a")
    arrays, metadata, _ = content(tmp_path / "a")
    metadata["model"]["learned"][name] = value
    refused(tmp_path / "a", arrays, metadata)


def test_models_that_are_not_whole(model, tmp_path):
    sklatent.save(model, tmp_path / "a")
    for name in ("net_", "n_epochs_", "_seed", "history_"):
        arrays, metadata, _ = content(tmp_path / "a")
        del metadata["model"]["learned"][name]
        refused(tmp_path / "b", arrays, metadata)
    arrays, metadata, _ = content(tmp_path / "a")
    for version in (0, -7):
        refused(tmp_path / "b", arrays, metadata, version, "its schema version is")
    name = next(name for name in arrays if name.endswith("weight"))
    refused(tmp_path / "b", arrays | {name: np.full_like(arrays[name], np.nan)}, metadata)
    refused(tmp_path / "b", arrays | {"more": np.ones(3)}, metadata)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", {"tuple": [20000, 20000]}),
        ("hidden_layer_sizes", [3] * 200_000),
        ("n_components", 10**8),
    ],
)
def test_a_file_does_not_decide_what_it_costs(model, tmp_path, name, value):
    import time
    import tracemalloc

    sklatent.save(model, tmp_path / "a")
    arrays, metadata, _ = content(tmp_path / "a")
    metadata["model"]["parameters"][name] = value
    if name == "n_components":
        metadata["model"]["learned"]["n_components_"] = value
    began = time.process_time()
    tracemalloc.start()
    try:
        refused(tmp_path / "a", arrays, metadata)
        assert tracemalloc.get_traced_memory()[1] < 2e8
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 10


def test_many_members(tmp_path):
    ensemble = VAEEnsemble(2, n_estimators=2, hidden_layer_sizes=(3,), max_epochs=1).fit(X)
    sklatent.save(ensemble, tmp_path / "a")
    arrays, metadata, _ = content(tmp_path / "a")
    metadata["model"]["parameters"]["n_estimators"] = 10**5
    refused(tmp_path / "b", arrays, metadata)
    arrays, metadata, _ = content(tmp_path / "a")
    metadata["model"]["learned"]["net_"]["net"]["n_members"] = 10**6
    refused(tmp_path / "b", arrays, metadata)


def test_state_of_a_generator(tmp_path):
    """A position beyond the state ends the process inside numpy."""
    model = VAE(**SMALL | {"random_state": np.random.RandomState(0)}).fit(X)
    sklatent.save(model, tmp_path / "a")
    arrays, metadata, _ = content(tmp_path / "a")
    state = metadata["model"]["parameters"]["random_state"]["random_state"]["tuple"]
    assert type(state[2]) is int
    state[2] = 10**8
    refused(tmp_path / "a", arrays, metadata)


def test_points_that_are_something_else(tmp_path):
    RosettaPoints(np.ones((2, 3)), np.ones((2, 1))).save(tmp_path / "a")
    for arrays, metadata in (
        ({"X": np.ones((2, 3)), "Z": np.ones((2, 1)), "W": np.ones(1)}, {"preprocessing": None}),
        ({"X": np.ones((2, 3)), "Z": np.ones((2, 1))}, {"preprocessing": None, "more": 1}),
        ({"X": np.ones((2, 3), int), "Z": np.ones((2, 1))}, {"preprocessing": None}),
        ({"X": np.ones((2, 3)), "Z": np.ones((2, 1))}, {"preprocessing": {"center": [1] * 3}}),
    ):
        write_file(tmp_path / "a", arrays, metadata, kind="Rosetta points", schema_version=2)
        with pytest.raises(ValueError, match="tampered"):
            RosettaPoints.load(tmp_path / "a")

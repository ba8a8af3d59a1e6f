"""save and load: what comes back is the model, and nothing in a file is code."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import safetensors
import torch
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from skorch.callbacks import EarlyStopping, LRScheduler
from torch import nn

import sklatent
from sklatent import VAE, LinearAligner, RosettaPoints, RosettaVAE
from sklatent._utils.files import read_file, write_file
from sklatent.persistence._earlier import SCHEMA_VERSION
from sklatent.transformations import Compose, FunctionPair, RandomRotation, RandomShift
from tests.test_common import ESTIMATORS, fitted

FIXTURES = os.path.join(os.path.dirname(__file__), "..", "fixtures")
SMALL = {"n_components": 3, "hidden_layer_sizes": (12,), "max_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    return load_digits(return_X_y=True)[0][:150] / 16


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def build_networks(n_features, n_components, image_shape):
    """An architecture of the user's own, with a buffer and a shared layer."""
    shared = nn.Linear(8, 8)
    encoder = nn.Sequential(nn.Linear(n_features, 8), nn.BatchNorm1d(8), shared, shared, nn.Tanh())
    return encoder, nn.Sequential(nn.Linear(n_components, 8), nn.Linear(8, n_features))


def build_other_networks(n_features, n_components, image_shape):
    return nn.Linear(n_features, 9), nn.Linear(n_components, n_features)


def double(X):
    return 2 * X


def half(X):
    return X / 2


def assert_same_model(a, b, X):
    """Everything that a user sees, to the bit."""
    assert type(a) is type(b)
    for method in ("transform", "score_samples"):
        np.testing.assert_array_equal(getattr(a, method)(X), getattr(b, method)(X))
    Z = a.transform(X)
    np.testing.assert_array_equal(a.inverse_transform(Z), b.inverse_transform(Z))
    np.testing.assert_array_equal(a.encode(X).covariance, b.encode(X).covariance)
    assert a.history_ == b.history_
    assert a.n_epochs_ == b.n_epochs_
    assert list(a.get_feature_names_out()) == list(b.get_feature_names_out())
    ours, theirs = a.get_params(deep=False), b.get_params(deep=False)
    assert ours.keys() == theirs.keys()
    assert len(b.net_.history) == len(a.net_.history)


MODELS = {
    "plain": VAE(**SMALL),
    "full_bernoulli": VAE(**SMALL, posterior="full", likelihood="bernoulli"),
    "double": VAE(**SMALL, precision="float64", early_stopping=True),
    "residual": VAE(**SMALL, architecture="residual", optimizer="adamw"),
    "conv": VAE(**SMALL, architecture="conv", image_shape=(1, 8, 8)),
    "bf16": VAE(**SMALL, precision="bf16", optimizer=torch.optim.Adamax, device="cpu"),
    "augmented": VAE(
        **SMALL,
        image_shape=(1, 8, 8),
        augmentation=Compose([RandomRotation(10), RandomShift(0.1)]),
    ),
    "odd_values": VAE(
        n_components=np.int64(2), beta=np.float32(0.5), hidden_layer_sizes=[np.int32(5)],
        random_state=np.random.RandomState(3), max_epochs=1, device=torch.device("cpu"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(X, path, name):
    model = clone(MODELS[name]).fit(X)
    sklatent.save(model, path)
    loaded = sklatent.load(path)
    assert_same_model(model, loaded, X)
    assert_same_model(model, loaded, X.astype(np.float32))
    assert {p.dtype for p in loaded.net_.module_.parameters()} == {
        p.dtype for p in model.net_.module_.parameters()
    }
    assert not loaded.net_.module_.training


def test_round_trip_of_parameters(X, path):
    model = VAE(
        **SMALL, beta=np.float64(0.1), checkpoint_dir=None, image_shape=(1, 8, 8), verbose=False
    ).fit(X)
    sklatent.save(model, path)
    assert sklatent.load(path).get_params() == model.get_params()


def test_rosetta_vae_keeps_its_anchors(X, path):
    points = RosettaPoints.distill(VAE(**SMALL).fit(X), X, 5, random_state=0)
    points.preprocessing = {"scale": np.full(64, 16.0), "note": "digits"}
    model = RosettaVAE(**SMALL, rosetta_points=points, rho=2.0).fit(X)
    sklatent.save(model, path)
    loaded = sklatent.load(path)
    assert_same_model(model, loaded, X)
    assert loaded.rosetta_points == points


def test_feature_names_and_output_config(path):
    frame = load_digits(as_frame=True).data[:50] / 16
    model = VAE(**SMALL).set_output(transform="pandas").fit(frame)
    sklatent.save(model, path)
    loaded = sklatent.load(path)
    assert list(loaded.feature_names_in_) == list(frame.columns)
    assert loaded.transform(frame).equals(model.transform(frame))
    with pytest.raises(ValueError, match="feature names"):
        loaded.transform(frame[frame.columns[::-1]])


def test_loaded_models_train_on(X, path):
    """Two loads go on alike, from the weights, and are as good as models that were never saved."""
    model = VAE(**SMALL, warm_start=True).fit(X)
    before = model.score(X)
    sklatent.save(model, path)
    loaded, again = sklatent.load(path), sklatent.load(path)
    loaded.fit(X)
    again.fit(X)
    assert loaded.n_epochs_ == 4
    assert loaded.score(X) > before
    np.testing.assert_array_equal(loaded.transform(X), again.transform(X))
    assert sklatent.load(path).partial_fit(X).n_epochs_ == 3
    assert [row["train_loss"] for row in loaded.history_[:2]] == [
        row["train_loss"] for row in model.history_
    ]


def test_refit_equals_first_fit(X, path):
    model = VAE(**SMALL).fit(X)
    sklatent.save(model, path)
    refitted = sklatent.load(path).fit(X)
    np.testing.assert_array_equal(refitted.transform(X), model.transform(X))


def test_aligner(X, path):
    source, target = X[:, 2:6], X[:, 20:25]
    aligner = LinearAligner().fit(source, target)
    sklatent.save(aligner, path)
    np.testing.assert_array_equal(sklatent.load(path).transform(source), aligner.transform(source))


def test_of_a_search_the_model_is_saved(path):
    """It may hold anything, a Pipeline of others for example; its best estimator is ours."""
    search, X, _ = fitted("FusedGridSearchCV")
    with pytest.raises(TypeError, match="best_estimator_"):
        sklatent.save(search, path)
    sklatent.save(search.best_estimator_, path)
    np.testing.assert_array_equal(sklatent.load(path).transform(X), search.transform(X))


SEARCHES = {"FusedGridSearchCV", "FusedHalvingGridSearchCV"}


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - SEARCHES))
def test_every_estimator(name, path):
    """Whatever is public and fitted comes back, and does to the bit what it did."""
    estimator, X, y = fitted(name)
    sklatent.save(estimator, path)
    loaded = sklatent.load(path)
    assert type(loaded) is type(estimator)
    assert vars(loaded).keys() == vars(estimator).keys()
    for method in ("transform", "predict", "score_samples"):
        if hasattr(estimator, method):
            expected = getattr(estimator, method)(X)
            np.testing.assert_array_equal(getattr(loaded, method)(X), expected)
    for attribute in ("labels_", "linear_maps_", "coef_"):
        if hasattr(estimator, attribute):
            expected = getattr(estimator, attribute)
            np.testing.assert_array_equal(getattr(loaded, attribute), expected)
    if hasattr(estimator, "partial_fit"):
        loaded.partial_fit(X, y)
    loaded.fit(X, y)


def test_other_process(X, path):
    model = VAE(**SMALL).fit(X)
    sklatent.save(model, path)
    np.save(path.with_suffix(".npy"), X)
    code = (
        "import sys, numpy as np, sklatent\n"
        "path, X = sys.argv[1], np.load(sys.argv[2])\n"
        "np.save(sys.argv[2], sklatent.load(path).transform(X))\n"
    )
    subprocess.run([sys.executable, "-c", code, path, path.with_suffix(".npy")], check=True)
    np.testing.assert_array_equal(np.load(path.with_suffix(".npy")), model.transform(X))


def test_global_random_states_are_left_alone(X, path):
    sklatent.save(VAE(**SMALL).fit(X), path)
    states = np.random.get_state()[1].copy(), torch.get_rng_state().clone()
    sklatent.load(path)
    np.testing.assert_array_equal(np.random.get_state()[1], states[0])
    assert torch.equal(torch.get_rng_state(), states[1])


# --- code is never in the file ----------------------------------------------------------------


def test_architecture_of_ones_own(X, path):
    model = VAE(**SMALL, architecture=build_networks).fit(X)
    sklatent.save(model, path)
    name = f"{build_networks.__module__}.build_networks"
    with pytest.raises(ValueError, match=r"code that no file holds: .*build_networks"):
        sklatent.load(path)
    with pytest.raises(ValueError, match=r"build_networks"):
        sklatent.load(path, custom_objects={"build_networks": build_networks})
    loaded = sklatent.load(path, custom_objects={name: build_networks, "unused": 3})
    assert_same_model(model, loaded, X)
    with pytest.raises(ValueError, match="weights do not fit the network"):
        sklatent.load(path, custom_objects={name: build_other_networks})
    with pytest.raises(ValueError, match="The 'architecture' parameter of VAE must be"):
        sklatent.load(path, custom_objects={name: 3})


def test_all_missing_code_is_named_at_once(X, path):
    model = VAE(
        **SMALL,
        architecture=lambda *shape: build_networks(*shape),
        callbacks=[
            EarlyStopping("train_loss", patience=3),
            ("lr", LRScheduler()),
            EarlyStopping("train_loss"),
        ],
        augmentation=FunctionPair(double, half),
    ).fit(X)
    sklatent.save(model, path)
    with pytest.raises(ValueError, match="code that no file holds") as error:
        sklatent.load(path)
    names = [
        "skorch.callbacks.training.EarlyStopping",
        "skorch.callbacks.training.EarlyStopping#2",
        "skorch.callbacks.lr_scheduler.LRScheduler",
        f"{__name__}.double",
        f"{__name__}.half",
        f"{__name__}.test_all_missing_code_is_named_at_once.<locals>.<lambda>",
    ]
    for name in names:
        assert name in str(error.value)
    passed = [*[callback for _, callback in unnamed(model.callbacks)], double, half]
    given = dict(zip(names, [passed[0], passed[2], passed[1], double, half], strict=False))
    given[names[-1]] = model.architecture
    loaded = sklatent.load(path, custom_objects=given)
    assert loaded.callbacks == model.callbacks
    assert loaded.augmentation.get_params() == model.augmentation.get_params()
    assert_same_model(model, loaded, X)


def unnamed(callbacks):
    return [callback if isinstance(callback, tuple) else ("", callback) for callback in callbacks]


def test_a_file_cannot_import_what_it_names(path):
    """A file that names os.system as an architecture, an optimiser or an estimator."""
    for encoded in (
        {"estimator": "os.system", "parameters": {}, "learned": {}},
        {"estimator": "BaseEstimator", "parameters": {}, "learned": {}},
        {"estimator": "VAE", "parameters": {"optimizer": {"optimizer": "os"}}, "learned": {}},
        {"estimator": "VAE", "parameters": {"optimizer": {"optimizer": "Optimizer"}}, "learned": 3},
        {"estimator": "VAE", "parameters": {"spam": 1}, "learned": {}},
        {"estimator": "VAE", "parameters": {"beta": -1}, "learned": {}},
        {"estimator": "VAE", "parameters": {}, "learned": {"transform": 1}},
        {"estimator": "VAE", "parameters": {}, "learned": {"__class__": 1}},
        {"estimator": "VAE", "parameters": {}, "learned": {"a": {"array": "missing"}}},
        {"estimator": "VAE", "parameters": {}, "learned": {"a": {"eval": "1"}}},
        {"estimator": "VAE"},
        {},
        [],
        None,
        "VAE",
    ):
        write_file(path, {}, {"model": encoded}, kind="a fitted model", schema_version=1)
        with pytest.raises(ValueError, match="makes no model of this sklatent"):
            sklatent.load(path)
    encoded = {"estimator": "VAE", "parameters": {"architecture": {"custom": "os.system"}}}
    write_file(path, {}, {"model": encoded}, kind="a fitted model", schema_version=1)
    with pytest.raises(ValueError, match=r"code that no file holds: os\.system"):
        sklatent.load(path)


# --- what cannot be saved ---------------------------------------------------------------------


def test_what_is_not_ours(X, path):
    for other in (KMeans(2, n_init=1).fit(X), 3, VAE):
        with pytest.raises(TypeError, match=r"Only sklatent's own.*best_estimator_"):
            sklatent.save(other, path)

    class VAE2(VAE):
        pass

    VAE2.__name__ = "VAE"
    with pytest.raises(TypeError, match="Only sklatent's own"):
        sklatent.save(VAE2(**SMALL).fit(X), path)
    with pytest.raises(NotFittedError):
        sklatent.save(VAE(), path)
    assert not path.exists()


def test_undeclared_attributes_are_an_error_at_save(X, path):
    """What has no line in the table of learned attributes is not forgotten silently."""
    model = VAE(**SMALL).fit(X)
    model.extra_ = 1
    with pytest.raises(TypeError, match="VAE has learned 'extra_', which no file is declared"):
        sklatent.save(model, path)
    del model.extra_
    model.n_epochs_ = double
    with pytest.raises(TypeError, match="n_epochs_ is a function"):
        sklatent.save(model, path)
    model.n_epochs_ = np.array([double])
    with pytest.raises(TypeError, match="n_epochs_.0 is a function"):
        sklatent.save(model, path)
    assert not path.exists()


# --- wrong files ------------------------------------------------------------------------------


def test_wrong_files(X, path):
    model = VAE(**SMALL).fit(X)
    sklatent.save(model, path)
    data = path.read_bytes()
    for size in (0, 5, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(ValueError, match="is truncated"):
            sklatent.load(path)
    for position in (200, len(data) // 2, len(data) - 1):
        changed = bytearray(data)
        changed[position] ^= 1
        path.write_bytes(bytes(changed))
        with pytest.raises(ValueError, match="tampered"):
            sklatent.load(path)
    path.write_bytes(pickle.dumps(model))
    with pytest.raises(ValueError, match="foreign file: it does not hold a fitted model"):
        sklatent.load(path)
    torch.save(model.net_.module_.state_dict(), path)
    with pytest.raises(ValueError, match="foreign"):
        sklatent.load(path)
    RosettaPoints(np.ones((2, 3)), np.ones((2, 1))).save(path)
    with pytest.raises(ValueError, match="it holds Rosetta points, not a fitted model"):
        sklatent.load(path)
    write_file(path, {}, {}, kind="a fitted model", schema_version=99)
    with pytest.raises(ValueError, match="newer schema version 99"):
        sklatent.load(path)
    with pytest.raises(FileNotFoundError):
        sklatent.load(path.with_name("missing"))


def test_weights_of_another_network(X, path):
    """A file whose hash was made anew around weights that do not fit."""
    sklatent.save(VAE(**SMALL).fit(X), path)
    arrays, envelope = read_file(path, kind="a fitted model", schema_version=SCHEMA_VERSION)
    name = next(name for name in arrays if name.endswith("head.weight"))
    arrays[name] = arrays[name][:, :-1]
    write_file(
        path, arrays, envelope["metadata"], kind="a fitted model", schema_version=SCHEMA_VERSION
    )
    with pytest.raises(ValueError, match="weights do not fit"):
        sklatent.load(path)


def test_device(X, path):
    sklatent.save(VAE(**SMALL).fit(X), path)
    assert sklatent.load(path, device="cpu").device == "cpu"
    with pytest.raises(ValueError, match="is not a device"):
        sklatent.load(path, device="abacus")


def test_the_file_is_plain_safetensors(X, path):
    model = VAE(**SMALL).fit(X)
    sklatent.save(model, path)
    with safetensors.safe_open(path, "pt") as file:
        weight = file.get_tensor("net_.head.weight")
    assert torch.equal(weight, model.net_.module_.head.weight)
    assert sum(p.numel() for p in model.net_.module_.parameters()) * 4 < path.stat().st_size


# --- files of earlier versions ----------------------------------------------------------------


def fixture_model():
    """What the fixture holds; `python -m tests.test_persistence` wrote it."""
    X = np.random.default_rng(0).uniform(size=(64, 6)).astype(np.float32)
    lab_a = VAE(2, hidden_layer_sizes=(4,), max_epochs=2, posterior="full", random_state=0).fit(X)
    points = RosettaPoints.distill(lab_a, X, 3, random_state=0)
    model = RosettaVAE(
        2, rosetta_points=points, rho=0.5, hidden_layer_sizes=(4,), max_epochs=2, random_state=1
    )
    return X, model.fit(X)


def test_file_of_an_earlier_version():
    """It gives the latents that it gave when it was written."""
    model = sklatent.load(os.path.join(FIXTURES, "rosetta_vae_v1.safetensors"))
    expected = np.load(os.path.join(FIXTURES, "rosetta_vae_v1.npz"))
    assert isinstance(model, RosettaVAE)
    assert model.rho == 0.5
    assert len(model.rosetta_points) == 3
    assert not model.rosetta_points.posterior.is_diagonal
    np.testing.assert_allclose(model.transform(expected["X"]), expected["Z"], rtol=1e-4, atol=1e-5)
    assert len(model.history_) == 2


if __name__ == "__main__":
    X_fixture, fixture = fixture_model()
    sklatent.save(fixture, os.path.join(FIXTURES, "rosetta_vae_v1.safetensors"))
    np.savez(
        os.path.join(FIXTURES, "rosetta_vae_v1.npz"), X=X_fixture, Z=fixture.transform(X_fixture)
    )

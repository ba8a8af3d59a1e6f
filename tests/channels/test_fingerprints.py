"""Making, joining, selecting, shuffling and keeping fingerprints."""

import copy
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file, save_file
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent._posterior import Posterior
from sklatent._utils.files import write_file
from sklatent.channels import (
    ChannelFingerprints,
    bhattacharyya_coefficients,
    channel_information,
    channel_similarity,
)
from sklatent.channels._samples import hash_samples

X = np.random.default_rng(0).normal(size=(30, 4))


class LinearEncoder(BaseEstimator):
    """A model with known posteriors: rows times a matrix, with diagonal or full covariances."""

    def __init__(self, seed=0, full=False):
        self.seed = seed
        self.full = full

    def fit(self, X, y=None):
        self.weights_ = np.random.default_rng(self.seed).normal(size=(X.shape[1], 3))
        return self

    def transform(self, X):
        return np.asarray(X) @ self.weights_

    def encode(self, X):
        mean = self.transform(X)
        rng = np.random.default_rng(self.seed)
        if not self.full:
            return Posterior(mean, log_var=rng.normal(-1, 0.5, size=mean.shape))
        factors = np.tril(0.3 * rng.normal(size=(*mean.shape, 3))) + 0.5 * np.eye(3)
        diagonal = np.arange(3)
        factors[:, diagonal, diagonal] = np.abs(factors[:, diagonal, diagonal]) + 0.1
        return Posterior(mean, scale_tril=factors)


def models(n=2, full=False):
    return [LinearEncoder(seed, full).fit(X) for seed in range(n)]


def mixed():
    """Channels of every kind and several widths beside each other."""
    return (
        ChannelFingerprints.from_models(models(2), X)
        + ChannelFingerprints.from_labels((X[:, :2] > 0).astype(int), X=X)
        + ChannelFingerprints.from_models(models(1, full=True), X, whole=True)
        + ChannelFingerprints.from_models(models(1), X, whole=True)
        + ChannelFingerprints.from_models(models(1, full=True), X)
    )


def same(a, b):
    assert a.names == b.names
    assert a.sample_hash == b.sample_hash
    np.testing.assert_array_equal(a.model, b.model)
    np.testing.assert_array_equal(a.component, b.component)
    np.testing.assert_array_equal(a.widths, b.widths)
    for x, y in zip(a.blocks, b.blocks, strict=True):
        assert x.kind == y.kind
        for first, second in zip(x.arrays().values(), y.arrays().values(), strict=True):
            np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(a.information, b.information, atol=1e-13)


@pytest.mark.parametrize("full", [False, True])
def test_from_models_takes_the_marginals(full):
    encoders = models(2, full)
    channels = ChannelFingerprints.from_models(encoders, X)
    assert len(channels) == 6
    np.testing.assert_array_equal(channels.model, [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(channels.component, [0, 1, 2, 0, 1, 2])
    assert channels.names[4] == "model1.component1"
    posterior = encoders[1].encode(X)
    expected = bhattacharyya_coefficients(posterior.mean[:, [2]], posterior.log_var[:, [2]])
    np.testing.assert_allclose(channels.coefficients(5), expected, atol=1e-14)
    assert channels.information[5] == pytest.approx(channel_information(expected), abs=1e-12)


@pytest.mark.parametrize("full", [False, True])
def test_whole_spaces_are_single_channels(full):
    encoders = models(2, full)
    channels = ChannelFingerprints.from_models(encoders, X, whole=True)
    assert len(channels) == 2
    np.testing.assert_array_equal(channels.widths, [3, 3])
    np.testing.assert_array_equal(channels.component, [-1, -1])
    posterior = encoders[1].encode(X)
    expected = bhattacharyya_coefficients(posterior.mean, covariance=posterior.covariance)
    np.testing.assert_allclose(channels.coefficients(1), expected, atol=1e-12)
    if not full:
        parts = ChannelFingerprints.from_models(encoders[1:], X)
        product = np.prod([parts.coefficients(k) for k in range(3)], axis=0)
        np.testing.assert_allclose(channels.coefficients(1), product, atol=1e-12)


def test_a_pipeline_and_a_single_model_are_read():
    pipeline = make_pipeline(StandardScaler(), LinearEncoder()).fit(X)
    scaled = StandardScaler().fit_transform(X)
    inner = ChannelFingerprints.from_models(pipeline[-1], scaled)
    outer = ChannelFingerprints.from_models(pipeline, X)
    np.testing.assert_array_equal(outer.information, inner.information)
    # The hash is of what was given.
    assert outer.sample_hash != inner.sample_hash


def test_joining_numbers_the_models_through():
    every = models(3)
    parts = ChannelFingerprints.from_models(every[:2], X) + ChannelFingerprints.from_models(
        every[2:], X
    )
    whole = ChannelFingerprints.from_models(every, X)
    np.testing.assert_array_equal(parts.model, whole.model)
    np.testing.assert_array_equal(parts.information, whole.information)
    with_labels = ChannelFingerprints.from_labels(X[:, 0] > 0) + whole
    np.testing.assert_array_equal(with_labels.model, [-1, *whole.model])


def test_posteriors_of_any_width():
    rng = np.random.default_rng(0)
    narrow = ChannelFingerprints.from_posteriors(rng.normal(size=(4, 9)), np.zeros((4, 9)))
    wide = ChannelFingerprints.from_posteriors(
        rng.normal(size=(2, 9, 5)),
        np.zeros((2, 9, 5)),
        model=[7, 7],
        component=[3, -1],
    )
    both = narrow + wide
    np.testing.assert_array_equal(both.widths, [1, 1, 1, 1, 5, 5])
    assert both.names == [
        "channel0", "channel1", "channel2", "channel3", "model7.component3", "model7"
    ]  # fmt: skip


def test_labels_of_any_type():
    frame = pd.DataFrame({"shape": ["a", "b", "a", "c"], "size": [1.5, 1.5, 2.5, 2.5]})
    channels = ChannelFingerprints.from_labels(frame)
    assert channels.names == ["shape", "size"]
    np.testing.assert_allclose(channels.information, [1.5, 1.0])
    one = ChannelFingerprints.from_labels(["a", "b", "a", "c"], names=["mine"])
    assert one.names == ["mine"]
    np.testing.assert_array_equal(one.coefficients(), channels.coefficients(0))


@pytest.mark.parametrize("selection", [3, -1, slice(1, 9, 3), [8, 0, 6, 7, 1, 9], None])
def test_selection_keeps_order_and_names(selection):
    channels = mixed()
    if selection is None:
        selection = channels.information > np.median(channels.information)
    chosen = channels[selection]
    indices = np.atleast_1d(np.arange(len(channels))[selection])
    assert chosen.names == [channels.names[k] for k in indices]
    np.testing.assert_allclose(chosen.information, channels.information[indices], atol=1e-14)
    for new, old in enumerate(indices):
        np.testing.assert_array_equal(chosen.coefficients(new), channels.coefficients(old))


def test_iteration_goes_over_channels():
    assert [channel.names[0] for channel in mixed()] == mixed().names


def test_shuffling_keeps_information_and_takes_what_is_shared():
    channels = ChannelFingerprints.from_models(models(1), X) + mixed()
    shuffled = channels.shuffled(0)
    np.testing.assert_allclose(shuffled.information, channels.information, atol=1e-12)
    assert channel_similarity(channels)[0, 3] == pytest.approx(1.0, abs=1e-3)
    assert channel_similarity(shuffled)[0, 3] < 0.9
    np.testing.assert_array_equal(channels.shuffled(0).coefficients(1), shuffled.coefficients(1))
    before = np.random.get_state()[1].copy()
    channels.shuffled()
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_saved_and_loaded_is_the_same(tmp_path):
    channels = mixed()
    channels.save(tmp_path / "channels.safetensors")
    same(ChannelFingerprints.load(tmp_path / "channels.safetensors"), channels)
    assert not list(tmp_path.glob("*.tmp"))


def test_file_that_is_not_whole_or_not_ours(tmp_path):
    path = tmp_path / "channels.safetensors"
    mixed().save(path)
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    with pytest.raises(ValueError, match="truncated"):
        ChannelFingerprints.load(path)
    changed = bytearray(data)
    changed[-5] ^= 1
    path.write_bytes(changed)
    with pytest.raises(ValueError, match="tampered"):
        ChannelFingerprints.load(path)
    save_file({"model": np.zeros(3)}, path)
    with pytest.raises(ValueError, match="foreign"):
        ChannelFingerprints.load(path)
    with pytest.raises(FileNotFoundError):
        ChannelFingerprints.load(tmp_path / "none")


def damages():
    """Contents that contradict themselves, by what was done to them."""

    def change(name, function, where="arrays"):
        def apply(arrays, metadata):
            content = arrays if where == "arrays" else metadata
            content[name] = function(content[name])

        return apply

    def remove(name, where="arrays"):
        return lambda arrays, metadata: (arrays if where == "arrays" else metadata).pop(name)

    def fill(value):
        def apply(array):
            array.flat[array.size // 2] = value
            return array

        return apply

    kinds = {
        "block0": ("mean", "log_var"),
        "block1": ("labels",),
        "block2": ("mean", "scale_tril"),
    }
    names = [f"{block}.{name}" for block, pieces in kinds.items() for name in pieces]
    for name in [*names, "model", "component"]:
        yield f"no {name}", remove(name)
        yield f"{name} flat", change(name, np.ravel if "block" in name else lambda a: a[:, None])
        yield f"{name} short", change(name, lambda a: a[..., :-1].copy())
        yield f"{name} fewer channels", change(name, lambda a: a[:-1].copy())
        yield f"{name} as bytes", change(name, lambda a: a.astype(np.bool_))
        yield f"{name} empty", change(name, lambda a: a[:0].copy())
    for name in names:
        if "labels" not in name:
            for value in (np.nan, np.inf, 1e300, -1e300):
                yield f"{name} {value}", change(name, fill(value))
            yield f"{name} integers", change(name, lambda a: a.astype(np.int64))
        else:
            yield f"{name} floats", change(name, lambda a: a.astype(np.float64))
    yield "negative factor", change("block2.scale_tril", lambda a: -a)
    yield "upper factor", change("block2.scale_tril", lambda a: a.swapaxes(2, 3).copy())
    yield "stranger", lambda arrays, _: arrays.update({"block9.mean": np.zeros(3)})
    yield (
        "fewer samples",
        lambda arrays, _: arrays.update({"block1.labels": arrays["block1.labels"][:, :-1].copy()}),
    )
    for name in ("names", "sample_hash", "blocks"):
        yield f"no {name}", remove(name, "metadata")
        for value in (3, {}, "x", [3], [[]], [None], True):
            yield f"{name} {value!r}", change(name, lambda _, v=value: v, "metadata")
    yield "no blocks", change("blocks", lambda _: [], "metadata")
    yield "other blocks", change("blocks", lambda kinds: kinds[::-1], "metadata")
    yield "fewer names", change("names", lambda names: names[:-1], "metadata")
    yield "more in it", lambda _, metadata: metadata.update(more=1)


@pytest.mark.parametrize(("damage", "apply"), damages(), ids=[name for name, _ in damages()])
def test_content_with_a_hash_of_its_own(damage, apply, tmp_path):
    """Whoever writes a file can write its hash as well, so every piece of content is looked at."""
    factors = np.tile(0.3 * np.eye(3) + 0.1 * np.tril(np.ones((3, 3))), (1, 30, 1, 1))
    channels = (
        ChannelFingerprints.from_models(models(1), X)
        + ChannelFingerprints.from_labels((X[:, :2] > 0).astype(int), X=X)
        + ChannelFingerprints.from_posteriors(
            X[None, :, :3], covariances=factors @ factors.swapaxes(2, 3)
        )
    )
    arrays, metadata = channels._content()
    arrays = {name: array.copy() for name, array in arrays.items()}
    path = tmp_path / "channels.safetensors"
    write_file(path, arrays, metadata, kind="channel fingerprints", schema_version=1)
    same(ChannelFingerprints.load(path), channels)
    apply(arrays, metadata)
    write_file(path, arrays, metadata, kind="channel fingerprints", schema_version=1)
    with pytest.raises(ValueError, match=r"\."):
        ChannelFingerprints.load(path)


def test_file_is_plain_safetensors(tmp_path):
    path = tmp_path / "channels.safetensors"
    ChannelFingerprints.from_models(models(1), X).save(path)
    arrays = load_file(path)
    np.testing.assert_array_equal(arrays["component"], [0, 1, 2])


def test_hash_is_of_values_not_of_types():
    rows = np.arange(20).reshape(10, 2)
    a, b = (
        ChannelFingerprints.from_labels(np.arange(10) % 2, X=x)
        for x in (rows, np.asfortranarray(rows.astype(np.float32)))
    )
    assert a.sample_hash == b.sample_hash
    c = ChannelFingerprints.from_labels(np.arange(10) % 2, X=rows[::-1])
    assert a.sample_hash != c.sample_hash


FRAME = pd.DataFrame({"a": [1, 0, 1, 1], "b": [0.5, 1.5, 2.5, 0.0], "c": [3, 4, 5, 6]})


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.astype({"a": bool}),
        FRAME.astype({"a": "Int64", "c": "Float64"}),
        FRAME.convert_dtypes(),
        FRAME.astype(object),
        FRAME.astype(np.float32),
        sparse.csr_matrix(FRAME.to_numpy()),
        sparse.csc_array(FRAME.to_numpy()),
        FRAME.to_numpy().tolist(),
        torch.tensor(FRAME.to_numpy(), requires_grad=True),
        FRAME - 0.0,
    ],
    ids=lambda frame: type(frame).__name__,
)
def test_fingerprints_of_one_table_join_whatever_holds_it(frame):
    labels = np.arange(4) % 2
    a = ChannelFingerprints.from_labels(labels, X=FRAME)
    # A copy of its own: equal values, other objects.
    b = ChannelFingerprints.from_labels(labels, X=copy.deepcopy(frame))
    assert len(a + b) == 2
    assert hash_samples(FRAME.iloc[::-1]) != a.sample_hash


def test_hash_of_missing_values_strings_dates_and_large_numbers():
    holed = FRAME.astype({"a": "Int64"})
    holed.loc[1, "a"] = pd.NA
    assert hash_samples(holed) == hash_samples(FRAME.astype(float).mask(holed.isna()))
    words = FRAME.assign(d=["x", "y", None, "1.5"], e=pd.Timestamp("2020-01-01"))
    assert hash_samples(words) == hash_samples(words.copy(deep=True).astype(object))
    assert hash_samples(words) != hash_samples(words.assign(d=["x", "y", None, 1.5]))
    large = np.array([[2**53], [2**53 + 1]])
    assert hash_samples(large) != hash_samples(large[::-1])
    assert hash_samples(large) == hash_samples(large.astype(object))
    with pytest.raises(ValueError, match="no value to tell samples by"):
        hash_samples([[object()]])


def test_a_memory_map_is_not_copied_whole(tmp_path):
    rows = np.lib.format.open_memmap(
        tmp_path / "rows.npy", mode="w+", dtype=np.float32, shape=(200_000, 50)
    )
    rows[::1000] = 1.0
    tracemalloc.start()
    hash_ = hash_samples(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e7
    assert hash_ == hash_samples(np.asarray(rows, dtype=np.float64))


MISSING = [None, np.nan, float("nan"), pd.NA, pd.NaT, np.datetime64("NaT")]


@pytest.mark.parametrize("missing", MISSING, ids=repr)
@pytest.mark.parametrize(
    "make",
    [
        lambda m: ["a", "b", m, "a"],
        lambda m: np.array(["a", "b", m, "a"], dtype=object),
        lambda m: pd.Series(["a", "b", m, "a"], dtype="category"),
        lambda m: pd.Series(["a", "b", m, "a"], dtype="string"),
        lambda m: pd.DataFrame({"u": [1, 2, 3, 4], "v": pd.array([1, 2, None, 4], dtype="Int64")}),
        lambda m: pd.Series(pd.to_datetime(["2020-01-01", None, None, None])),
        lambda m: [("a", 1), ("b", m), ("a", 2), ("a", 1)],
        lambda m: np.ma.masked_equal([0, 1, 2, 0], 1),
    ],
)
def test_labels_that_are_missing_are_no_labels(make, missing):
    with pytest.raises(ValueError, match="missing value|masked entries"):
        ChannelFingerprints.from_labels(make(missing))


def test_labels_are_equal_by_value():
    expected = np.array([[0, 1, 0, 2]])
    for y in (
        [1, 2, True, 3.0],
        np.array(["a", "b", "a", "c"]),
        pd.Series(["a", 1, "a", 2.5], dtype=object),
        pd.to_datetime(["2020-01-01", "2021-01-01", "2020-01-01", "2022-01-01"]),
        pd.Categorical(["a", "b", "a", "c"]),
        torch.tensor([5, 6, 5, 7]),
    ):
        channel = ChannelFingerprints.from_labels(y)
        assert channel.information[0] == pytest.approx(1.5)
        np.testing.assert_array_equal(channel.blocks[0].labels, expected)
    frame = pd.DataFrame({"u": ["a", "b", "a"], "v": [1.5, 1.5, 2.5], "w": [True, False, True]})
    labels = ChannelFingerprints.from_labels(frame).blocks[0].labels
    np.testing.assert_array_equal(labels, [[0, 1, 0], [0, 0, 1], [0, 1, 0]])
    with pytest.raises(ValueError, match="no labels"):
        ChannelFingerprints.from_labels(np.array([{}, {}, 1], dtype=object))


def test_different_samples_refuse_to_join():
    channels = ChannelFingerprints.from_models(models(1), X)
    with pytest.raises(ValueError, match="sample hashes differ"):
        channels + ChannelFingerprints.from_models(models(1), X + 1)
    with pytest.raises(ValueError, match="sample hashes differ"):
        channel_similarity(channels, ChannelFingerprints.from_models(models(1), X[::-1]))
    with pytest.raises(ValueError, match="different lengths .*: 30 and 20"):
        channels + ChannelFingerprints.from_models(models(1), X[:20])
    with pytest.raises(ValueError, match="different lengths"):
        channel_similarity(channels, ChannelFingerprints.from_models(models(1), X[:20]))
    with pytest.raises(TypeError):
        channels + X
    # Without samples to hash, the length is all there is to check.
    joined = channels + ChannelFingerprints.from_labels(X[:, 0] > 0)
    assert joined.sample_hash == channels.sample_hash


zeros = np.zeros((2, 5))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ChannelFingerprints.from_posteriors(zeros, zeros[:1]), "log_vars must have shape"),
        (lambda: ChannelFingerprints.from_posteriors(zeros), "neither"),
        (lambda: ChannelFingerprints.from_posteriors(zeros, zeros + np.nan), "log_vars contains"),
        (lambda: ChannelFingerprints.from_posteriors(zeros + np.inf, zeros), "means contains"),
        (lambda: ChannelFingerprints.from_posteriors(zeros, zeros - np.inf), "variance above"),
        (lambda: ChannelFingerprints.from_posteriors(zeros[0], zeros[0]), "n_channels, n_samples"),
        (
            lambda: ChannelFingerprints.from_posteriors(
                zeros, covariances=np.full((2, 5, 1, 1), -1.0)
            ),
            "positive definite",
        ),
        (
            lambda: ChannelFingerprints.from_posteriors(zeros, zeros, model=[0.5, 1.0]),
            "one integer for each of the 2 channels",
        ),
        (lambda: ChannelFingerprints.from_posteriors(zeros, zeros, X=X), "X has 30 samples"),
        (lambda: ChannelFingerprints.from_labels([0.0, np.nan]), "y contains NaN"),
        (lambda: ChannelFingerprints.from_labels([]), "y must have shape"),
        (lambda: ChannelFingerprints.from_labels([0, 1], names=["a", "b"]), "2 names"),
        (lambda: ChannelFingerprints.from_models([], X), "models is empty"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_model_without_posteriors():
    with pytest.raises(TypeError, match="StandardScaler has no method encode"):
        ChannelFingerprints.from_models([StandardScaler().fit(X)], X)


def test_selecting_nothing_or_too_much():
    channels = mixed()
    with pytest.raises(IndexError, match="out of range"):
        channels[len(channels)]
    with pytest.raises(IndexError, match="at least one"):
        channels[:0]

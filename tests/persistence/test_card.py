"""``python -m sklatent``: a file's card, and versions."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

import sklatent
from sklatent import VAE, ChannelFingerprints, RosettaPoints
from sklatent.__main__ import main

X = np.random.default_rng(0).uniform(size=(30, 4))
SMALL = {"hidden_layer_sizes": (3,), "max_epochs": 1, "random_state": 0}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.safetensors")


def shown(capsys, *arguments):
    status = main(list(arguments))
    out, err = capsys.readouterr()
    return status, out, err


def test_model(path, capsys):
    sklatent.save(VAE(2, **SMALL).fit(X), path)
    status, out, err = shown(capsys, path)
    assert status == 0
    assert not err
    for words in ("a fitted model", "VAE", "n_components", "sklatent 0.", "hash and content"):
        assert words in out


def test_pipeline(path, capsys):
    sklatent.save(make_pipeline(StandardScaler(), VAE(2, **SMALL)).fit(X), path)
    status, out, _ = shown(capsys, path)
    assert status == 0
    assert "StandardScaler" in out
    assert "VAE" in out


def test_model_with_code(path, capsys):
    sklatent.save(VAE(2, callbacks=[Nothing()], **SMALL).fit(X), path)
    status, out, _ = shown(capsys, path)
    assert status == 0
    assert "needs code of its own" in out
    assert "Nothing" in out


class Nothing(Callback):
    """A callback of the user's own."""


def test_points(path, capsys):
    pipeline = make_pipeline(StandardScaler(), PCA(2)).fit(X)
    RosettaPoints.distill(pipeline, X, 5, random_state=0).save(path)
    status, out, _ = shown(capsys, path)
    assert status == 0
    for words in ("Rosetta points", "(5, 4)", "StandardScaler", "center", "hash and content"):
        assert words in out


def test_fingerprints(path, capsys):
    ChannelFingerprints.from_posteriors(X.T, -np.ones_like(X.T)).save(path)
    status, out, _ = shown(capsys, path)
    assert status == 0
    assert "channel fingerprints" in out


def test_damaged(path, capsys, tmp_path):
    sklatent.save(VAE(2, **SMALL).fit(X), path)
    data = bytearray((tmp_path / "a.safetensors").read_bytes())
    data[-1] ^= 1
    for content in (data, data[:50], b"", b"something else that is long enough"):
        (tmp_path / "a.safetensors").write_bytes(bytes(content))
        status, out, err = shown(capsys, path)
        assert status == 1
        assert not out
        assert len(err.strip().splitlines()) == 1
    assert shown(capsys, str(tmp_path / "missing"))[0] == 1


def test_versions(capsys):
    status, out, _ = shown(capsys, "--versions")
    assert status == 0
    assert {"sklatent", "numpy", "torch"} <= {line.split()[0] for line in out.splitlines()}


def test_nothing_asked(capsys):
    assert shown(capsys)[0] == 2

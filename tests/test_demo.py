"""The demo, at a size that takes a moment: data are found, pictures and tables left behind."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from sklatent import RosettaPoints

SCRIPT = Path(__file__).parents[1] / "demo" / "two_labs.py"


@pytest.fixture
def demo(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("two_labs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HERE", tmp_path / "repository" / "demo")
    module.HERE.mkdir(parents=True)
    return module


def test_falls_back_to_bundled_digits(demo, monkeypatch, tmp_path):
    for folder in (None, tmp_path):
        if folder is None:
            monkeypatch.delenv("SKLATENT_DATA", raising=False)
        else:
            monkeypatch.setenv("SKLATENT_DATA", str(folder))
        X, y, image_shape, origin, _ = demo.load_images()
        assert X.shape == (1797, 64)
        assert image_shape == (1, 8, 8)
        assert (X.min(), X.max()) == (0, 1)
        assert set(y) == set(range(10))
        assert origin.startswith("scikit-learn's 8x8 digits (no mnist.npz in ")


@pytest.mark.parametrize("named", [True, False])
def test_finds_mnist(demo, monkeypatch, tmp_path, named):
    folder = tmp_path / ("elsewhere" if named else "shared/data")
    folder.mkdir(parents=True)
    if named:
        monkeypatch.setenv("SKLATENT_DATA", str(folder))
    else:
        monkeypatch.delenv("SKLATENT_DATA", raising=False)
    images = np.random.default_rng(0).integers(0, 256, (30, 28, 28), dtype=np.uint8)
    labels = np.arange(30, dtype=np.uint8) % 10
    np.savez(
        folder / "mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels
    )  # fmt: skip
    X, _, image_shape, origin, _ = demo.load_images()
    np.testing.assert_allclose(X, images.reshape(30, 784) / 255, rtol=1e-6)
    assert image_shape == (1, 28, 28)
    assert origin.startswith("MNIST, the first 30 images")


def test_leaves_pictures_table_and_anchors(demo, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("SKLATENT_DATA", str(tmp_path))
    X, y, image_shape, origin, _ = demo.load_images()
    monkeypatch.setattr(demo, "load_images", lambda: (X[:300], y[:300], image_shape, origin, 2))
    monkeypatch.setattr(demo, "SETTINGS", {**demo.SETTINGS, "n_components": 2})
    monkeypatch.setattr(demo, "N_RUNS", 4)
    demo.main()
    printed = capsys.readouterr().out
    table = (demo.HERE / "two_labs.md").read_text()
    for word in ("LSD on D1", "LSD on D2", "RV", "relative RV", "R-VAE", "beta-VAE"):
        assert word in printed
        assert word in table
    assert origin in printed
    assert len(RosettaPoints.load(demo.HERE / "lab_a.safetensors")) == 64
    assert "R^2 of lab B's latents with lab A's" in table
    assert RosettaPoints.load(demo.HERE / "lab_a_table.safetensors").feature_names is not None
    for name in ("embeddings.png", "reconstructions.png", "table.png"):
        assert image.imread(demo.HERE / name).std() > 0.01

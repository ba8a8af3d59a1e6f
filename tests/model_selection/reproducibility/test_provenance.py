"""Hashes that a reader can take again, and nothing of the machine."""

import hashlib
import re

import numpy as np
import pandas as pd

import sklatent
from sklatent import VAE, ReproducibilityReport, retrain
from tests.model_selection.reproducibility.made import fixed


class TestProvenance:
    def test_hashes_can_be_checked(self, report, runs, X, tmp_path):
        data = report.provenance["data"]
        assert data["hashed"] == "np.ascontiguousarray(X, dtype='<f8')"
        assert data["sha256"] == hashlib.sha256(np.ascontiguousarray(X, dtype="<f8")).hexdigest()
        file = tmp_path / "model.safetensors"
        sklatent.save(runs[0], file)
        with_file = ReproducibilityReport.from_models(runs, X, files=[file])
        (entry,) = with_file.provenance["files"]
        assert entry["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert entry["file"] == "model.safetensors"
        text = with_file.to_html()
        assert entry["sha256"] in text
        assert str(tmp_path) not in text
        from sklatent.persistence._card import card

        assert report.runs[0]["content_hash"] in card(file)

    def test_tables_that_are_not_numbers(self):
        frame = pd.DataFrame({"a": ["x", "y"] * 50, "b": np.arange(100.0)})
        rng = np.random.default_rng(0)
        report = ReproducibilityReport.from_models(fixed(rng.normal(size=(2, 100, 2))), frame)
        assert "comma-separated" in report.provenance["data"]["hashed"]

    def test_code_is_named_and_not_where_it_lies_in_memory(self, X):
        def build(n_features, n_components, image_shape):
            import torch

            return torch.nn.Linear(n_features, 2 * n_components), torch.nn.Linear(
                n_components, n_features
            )

        runs = retrain(VAE(2, architecture=build, max_epochs=1), X, n_runs=2, random_state=0)
        text = ReproducibilityReport.from_models(runs, X).to_html()
        assert "build" in text
        assert not re.search(r"0x[0-9a-f]{6}", text)


def test_memory_maps_are_hashed_in_blocks(tmp_path):
    X = np.random.default_rng(0).normal(size=(5000, 2)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    report = ReproducibilityReport.from_models(fixed([X, X + np.float32(0.1)]), mapped)
    whole = hashlib.sha256(np.ascontiguousarray(X, dtype="<f8")).hexdigest()
    assert report.provenance["data"]["sha256"] == whole

"""The reproducibility report: verdicts, tables, and bad input."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import VAE, ReproducibilityReport, retrain
from tests.model_selection.reproducibility.made import Bare, noisy


def test_real_runs(report, runs, X):
    assert report.level == "coordinates"
    assert report.verdict.startswith("Coordinates agree: R²")
    assert str(report) == repr(report) == report.verdict
    frame = report.to_frame()
    assert frame["level"].tolist() == ["coordinates", "axes", "rigid", "linear", "neighbors"]
    assert (frame["low"] <= frame["value"]).all()
    assert (frame["value"] <= frame["high"]).all()
    assert (frame["floor"] < frame["value"]).all()
    known = report.to_frame("runs")
    assert known["seed"].tolist() == [run.random_state for run in runs]
    assert known["bound"].tolist() == pytest.approx([run.score(X) for run in runs])
    components = report.to_frame("components")
    np.testing.assert_allclose(components["gap"], runs[0].start_gaps_)
    np.testing.assert_allclose(components["sign_stability"], runs[0].start_sign_stability_)


def test_same_runs_give_the_same_page(report, runs, X, page):
    assert ReproducibilityReport.from_models(runs, X).to_html() == page
    other = ReproducibilityReport.from_models(runs, X, random_state=1)
    assert other.table[0]["value"] == pytest.approx(report.table[0]["value"], abs=1e-3)
    assert other.table[3]["value"] != report.table[3]["value"]


def test_pipelines_frames_and_other_estimators(X):
    frame = pd.DataFrame(X).add_prefix("pixel_")
    model = make_pipeline(StandardScaler(), VAE(2, hidden_layer_sizes=(8,), max_epochs=2))
    runs = retrain(model.set_output(transform="pandas"), frame, n_runs=2, random_state=0)
    report = ReproducibilityReport.from_models(runs, frame)
    assert report.runs[0]["model"] == "StandardScaler > VAE"
    report = ReproducibilityReport.from_models([PCA(2).fit(X), PCA(2).fit(X[::2])], X)
    assert report.runs[0]["bound"] is None
    assert report.to_html().startswith("<!DOCTYPE html>")


def test_transformers_of_other_libraries(tmp_path):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(60, 2))
    (tmp_path / "a.txt").write_text("a")
    report = ReproducibilityReport.from_models(
        [Bare(Z), Bare(noisy(rng, Z))], Z, files=tmp_path / "a.txt"
    )
    assert report.provenance["files"][0]["file"] == "a.txt"
    assert "No content hash" in " ".join(report.cautions)
    assert report.to_html().count("<svg") == 3


def test_sparse_rows(runs):
    X = sparse.csr_matrix(load_digits().data[:700] / 16)
    report = ReproducibilityReport.from_models(runs, X)
    assert report.provenance["data"]["rows"] == 700
    assert "CSR" in report.provenance["data"]["hashed"]


def test_global_random_state_is_left_alone(runs, X):
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    ReproducibilityReport.from_models(runs, X, random_state=None)
    assert (np.random.get_state()[1] == before).all()


def test_rows_and_options(runs, X, report):
    with pytest.raises(ValueError, match="pass 20 at least"):
        ReproducibilityReport.from_models(runs, X[:19])
    for options in ({"min_r2": 1.0}, {"confidence": 0}, {"n_neighbors": 0}, {"min_shared": -1}):
        (name,) = options
        with pytest.raises(ValueError, match=f"'{name}' parameter"):
            ReproducibilityReport.from_models(runs, X, **options)
    with pytest.raises(ValueError, match="There is no file"):
        ReproducibilityReport.from_models(runs, X, files=["nowhere.safetensors"])
    with pytest.raises(ValueError, match="table must be one of"):
        report.to_frame("pictures")

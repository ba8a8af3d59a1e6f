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
from tests.model_selection.reproducibility.made import Bare, fixed, noisy


@pytest.mark.parametrize("seed", range(3))
def test_verdict_names_the_strictest_level(seed):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(300, 4)) * [1.4, 1.1, 0.9, 0.6]
    X = np.zeros((300, 2))

    def level(make):
        return ReproducibilityReport.from_models(fixed([make(i) for i in range(4)]), X).level

    def turn():
        return np.linalg.qr(rng.normal(size=(4, 4)))[0]

    assert level(lambda i: noisy(rng, base)) == "coordinates"
    assert level(lambda i: noisy(rng, base)[:, rng.permutation(4)]) == "axes"
    assert level(lambda i: noisy(rng, base) @ turn()) == "rigid"
    assert level(lambda i: noisy(rng, base, 0.02) @ (turn() * [3, 1, 1, 0.4]) @ turn()) == "linear"
    # Clusters that keep their inside, each in another place.
    cluster = np.arange(300) % 12
    inside = 0.05 * noisy(rng, base)
    assert level(lambda i: inside + rng.normal(size=(12, 4))[cluster]) == "neighbors"
    assert level(lambda i: rng.permutation(base)) == "nothing"


def test_what_a_few_runs_cannot_tell_is_said():
    """Good numbers with a wide interval are neither an agreement nor a disagreement."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(200, 3))
    arrays = [noisy(rng, base, share) for share in (0.01, 0.01, 0.35)]
    report = ReproducibilityReport.from_models(fixed(arrays), np.zeros((200, 1)))
    assert report.table[0]["value"] > 0.9 > report.table[0]["low"]
    assert report.level == "nothing"
    assert report.verdict.startswith("Too uncertain to rely on anything: in these runs coordinates")


def test_sentence_says_why_a_stricter_level_fails():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(300, 4))
    turns = [np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(4)]
    X = np.zeros((300, 1))
    told = str(ReproducibilityReport.from_models(fixed([noisy(rng, base) @ Q for Q in turns]), X))
    assert "axes up to order and sign do not (R² 0." in told
    # With two runs of one component, equal signs are a coin's toss.
    two = fixed([noisy(rng, base[:, :1], 0.02) for _ in range(2)])
    told = str(ReproducibilityReport.from_models(two, X))
    assert told.startswith("Axes agree up to order and sign")
    assert "coordinates may (R² 0.99" in told
    assert "but chance reaches 1.000" in told


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


class TestBadInput:
    @pytest.mark.parametrize(
        ("models", "error", "words"),
        [
            (lambda runs: runs[0], TypeError, "must be a list of fitted models"),
            (lambda runs: runs[:1], ValueError, "at least two runs"),
            (lambda runs: [runs[0], VAE], TypeError, r"models\[1\] must be a fitted"),
            (lambda runs: [runs[0], 3], TypeError, r"models\[1\] must be a fitted"),
            (lambda runs: [runs[0], VAE(3)], ValueError, "not fitted"),
            (lambda runs: 3, TypeError, "must be a list"),
        ],
    )
    def test_models(self, runs, X, models, error, words):
        with pytest.raises(error, match=words):
            ReproducibilityReport.from_models(models(runs), X)

    def test_spaces(self, runs, X):
        other = PCA(2).fit(X)
        with pytest.raises(ValueError, match="same number of components"):
            ReproducibilityReport.from_models([runs[0], other], X)
        rng = np.random.default_rng(0)
        Z = rng.normal(size=(100, 2))
        for bad, words in [
            (np.full_like(Z, np.nan), "not finite"),
            (np.ones_like(Z), "collapsed"),
            (Z[:, 0], "not of a table"),
        ]:
            with pytest.raises(ValueError, match=words):
                ReproducibilityReport.from_models(fixed([Z, bad]), np.zeros((100, 1)))

    @pytest.mark.parametrize("scale", [1e-200, 1e150])
    def test_spaces_beyond_squares(self, scale):
        Z = np.random.default_rng(0).normal(size=(100, 2)) * scale
        with pytest.raises(ValueError, match=r"models\[0\] gives"):
            ReproducibilityReport.from_models(fixed([Z, Z]), np.zeros((100, 1)))

    def test_a_place_far_away_is_no_noise(self):
        """Moments are taken about each run's own place."""
        rng = np.random.default_rng(0)
        Z = rng.normal(size=(100, 2)) + 1e9
        report = ReproducibilityReport.from_models(
            fixed([Z, noisy(rng, Z), noisy(rng, Z)]), np.zeros((100, 1))
        )
        assert 0.97 < report.table[3]["value"] < 0.995
        assert report.level == "coordinates"

    def test_latents_that_are_no_numbers(self):
        with pytest.raises(TypeError, match="not real numbers"):
            ReproducibilityReport.from_models(fixed([np.full((50, 2), "a")] * 2), np.zeros((50, 1)))

    def test_rows_and_options(self, runs, X, report):
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


def test_global_random_state_is_left_alone(runs, X):
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    ReproducibilityReport.from_models(runs, X, random_state=None)
    assert (np.random.get_state()[1] == before).all()

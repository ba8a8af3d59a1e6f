"""The reproducibility report: verdicts, cautions, provenance and its page."""

import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklatent
from sklatent import VAE, ReproducibilityReport, retrain
from sklatent.model_selection._report_page import DARK, LIGHT


class Fixed(TransformerMixin, BaseEstimator):
    """A space that was written down."""

    def __init__(self, Z=None, random_state=None):
        self.Z = Z
        self.random_state = random_state

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.asarray(self.Z)[: len(X)]


def fixed(arrays):
    return [Fixed(Z, random_state=seed).fit(None) for seed, Z in enumerate(arrays)]


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:700] / 16


@pytest.fixture(scope="module")
def runs(X):
    return retrain(VAE(3, hidden_layer_sizes=(16,), max_epochs=8), X, n_runs=4, random_state=0)


@pytest.fixture(scope="module")
def report(runs, X):
    return ReproducibilityReport.from_models(runs, X)


@pytest.fixture(scope="module")
def page(report):
    return report.to_html()


def noisy(rng, base, share=0.1):
    return base + share * rng.normal(size=base.shape)


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


class Bare:
    """A transformer of another library, that knows nothing of scikit-learn."""

    def __init__(self, Z):
        self.Z = Z

    def transform(self, X):
        return self.Z


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


def test_memory_maps_are_hashed_in_blocks(tmp_path):
    X = np.random.default_rng(0).normal(size=(5000, 2)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    report = ReproducibilityReport.from_models(fixed([X, X + np.float32(0.1)]), mapped)
    whole = hashlib.sha256(np.ascontiguousarray(X, dtype="<f8")).hexdigest()
    assert report.provenance["data"]["sha256"] == whole


def test_sparse_rows(runs):
    X = sparse.csr_matrix(load_digits().data[:700] / 16)
    report = ReproducibilityReport.from_models(runs, X)
    assert report.provenance["data"]["rows"] == 700
    assert "CSR" in report.provenance["data"]["hashed"]


class TestCautions:
    def said(self, models, X):
        return " ".join(ReproducibilityReport.from_models(models, X).cautions)

    def test_two_runs_copies_seeds_and_parameters(self, runs, X):
        assert "Two runs do not say" in self.said(runs[:2], X)
        assert "Identical to the last bit are runs 1 and 2" in self.said([runs[0]] * 2, X)
        assert "have the seed" in self.said([runs[0]] * 2, X)
        other = VAE(3, hidden_layer_sizes=(8,), max_epochs=8).fit(X)
        told = self.said([*runs, other], X)
        assert "more than their seeds: hidden_layer_sizes" in told
        assert "not to be trained again: runs 5" in told
        assert "Two runs" not in told

    def test_axes_that_the_data_do_not_determine(self):
        """A round cloud has no axes, and one without skew no signs; the model's start knows."""
        X = np.random.default_rng(0).normal(size=(300, 6)) * [3, 3, 1, 1, 0.1, 0.1]
        settings = {"hidden_layer_sizes": (8,), "max_epochs": 2}
        runs = retrain(VAE(2, **settings), X, n_runs=2, random_state=0)
        assert "Not told apart by the data: the starting axes of components 1 and 2" in self.said(
            runs, X
        )
        told = np.random.default_rng(0).exponential(size=(300, 6)) * [3, 1, 1, 1, 0.1, 0.1]
        runs = retrain(VAE(1, **settings), told, n_runs=2, random_state=0)
        assert "Not told apart" not in self.said(runs, told)
        assert "Uncertain sign" not in self.said(runs, told)

    def test_one_run_that_went_elsewhere(self):
        rng = np.random.default_rng(0)
        base = rng.normal(size=(200, 3))
        arrays = [noisy(rng, base) for _ in range(5)]
        arrays[3] = -arrays[3]
        told = self.said(fixed(arrays), np.zeros((200, 1)))
        assert "Without run 4 coordinates would have an R² of 0.9" in told
        assert "Without run 3" not in told

    def test_passive_components(self):
        rng = np.random.default_rng(0)
        base = rng.normal(size=(200, 3)) * [1, 1, 1e-3]
        told = self.said(fixed([noisy(rng, base, 1e-3) for _ in range(3)]), np.zeros((200, 1)))
        assert "of no weight: component 3." in told


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


class Checker(HTMLParser):
    """Notes tags that stay open, names, and what would be fetched."""

    VOID = {"meta", "br", "img", "link", "input", "hr"}

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.fetched, self.targets, self.images = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.note(tag, attrs)

    def handle_startendtag(self, tag, attrs):
        self.note(tag, dict(attrs))

    def note(self, tag, attrs):
        if tag in ("script", "link", "iframe", "object", "img"):
            self.fetched.append(tag)
        for name in ("src", "href", "xlink:href"):
            value = attrs.get(name, "#")
            (self.targets if value.startswith("#") else self.fetched).append(value)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "svg":
            self.images.append(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


class TestPage:
    def test_is_whole_and_fetches_nothing(self, page):
        checker = Checker()
        checker.feed(page)
        assert checker.open == []
        assert checker.fetched == []
        assert not re.search(r"url\((?!#)|@import", page)
        assert len(checker.ids) == len(set(checker.ids)) > 0
        assert {t[1:] for t in checker.targets if t != "#"} <= set(checker.ids)

    def test_pictures_have_words_and_the_page_s_colours(self, page):
        checker = Checker()
        checker.feed(page)
        assert len(checker.images) == 3
        assert all(a["role"] == "img" and len(a["aria-label"]) > 20 for a in checker.images)
        assert "currentColor" in page
        assert "var(--accent)" in page
        assert "#0102" not in page

    def test_says_what_the_report_says(self, page, report):
        assert report.verdict in page
        for row in report.runs:
            assert row["content_hash"] in page
            assert str(row["seed"]) in page
        assert report.provenance["data"]["sha256"] in page
        assert sklatent.__version__ in page
        assert "95% interval" in page

    @pytest.mark.parametrize("colors", [LIGHT, DARK])
    def test_contrast(self, colors):
        def luminance(color):
            parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
            linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
            return linear @ [0.2126, 0.7152, 0.0722]

        ground = luminance(colors["ground"])
        for name in ("ink", "muted", "accent"):
            light, dark = sorted([ground, luminance(colors[name])], reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5

    def test_what_others_named_is_no_markup(self, report):
        """Titles, files and parameters are others' words."""
        bad = "<script>alert('1')</script>"
        spoilt = replace(
            report,
            cautions=[bad],
            provenance=report.provenance
            | {
                "parameters": {bad: bad},
                "files": [{"file": bad, "bytes": 1, "sha256": "0" * 64}],
            },
        )
        text = spoilt.to_html(title=bad)
        assert "<script" not in text
        assert text.count("&lt;script&gt;") == 6

    def test_does_not_depend_on_how_the_caller_draws(self, report, page):
        import matplotlib

        with matplotlib.rc_context({"font.size": 30, "text.color": "red", "axes.grid": True}):
            assert report.to_html() == page

    def test_is_written_to_a_file(self, report, page, tmp_path):
        assert report.to_html(tmp_path / "report.html") is None
        assert (tmp_path / "report.html").read_text(encoding="utf-8") == page
        with pytest.raises(ValueError, match="no folder"):
            report.to_html(tmp_path / "nowhere" / "report.html")
        with pytest.raises(TypeError, match="title must be a string"):
            report.to_html(title=3)

    def test_a_space_far_away_stays_in_the_picture(self):
        rng = np.random.default_rng(0)
        base = rng.normal(size=(100, 1))
        arrays = [base, base + 50, base - 50]
        report = ReproducibilityReport.from_models(fixed(arrays), np.zeros((100, 1)))
        assert report.table[0]["value"] < -100
        assert report.to_html().count("<svg") == 3


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

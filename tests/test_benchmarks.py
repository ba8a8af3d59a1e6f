"""What the benchmarks share, and that each of them can be started."""

import importlib
import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone

import benchmarks
from benchmarks import _common
from benchmarks._common import (
    REMARKS,
    Interval,
    Report,
    data_file,
    kept,
    median_ratio,
    over_seeds,
    paired,
    parser,
    remark,
    time_interleaved,
)
from benchmarks.spaces.held_out_tables import pca_log_likelihood
from sklatent import VAE

ROOT = Path(benchmarks.__file__).parents[1]
SCRIPTS = benchmarks.scripts()


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_is_documented_and_has_options(name, capsys, monkeypatch):
    module = importlib.import_module(SCRIPTS[name])
    assert module.__doc__
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit, match="0"):
        module.main()
    usage = capsys.readouterr().out
    assert all(option in usage for option in ("--quick", "--full", "--out"))


def test_make_bench_runs_all_that_measure_speed():
    assert set(benchmarks.SPEED) <= set(SCRIPTS)
    assert {name for name in SCRIPTS if name.endswith("_speed")} <= set(benchmarks.SPEED)


def test_each_report_is_of_a_script_of_its_name():
    reports = {path.stem for path in (ROOT / "benchmarks" / "reports").glob("*.md")}
    assert reports <= set(SCRIPTS)


def test_a_script_runs_by_its_name():
    def call(*words):
        command = [sys.executable, "-m", "benchmarks", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    found = call("import_time", "--help")
    assert found.returncode == 0
    assert "usage: import_time.py" in found.stdout
    wrong = call("no_such", "--quick")
    assert wrong.returncode == 1
    assert "No benchmark is named no_such. There are:" in wrong.stderr


def test_size_is_quick_or_full_or_neither(capsys):
    found = [parser("Some.").parse_args(words).size for words in ([], ["--quick"], ["--full"])]
    assert found == ["default", "quick", "full"]
    with pytest.raises(SystemExit, match="2"):
        parser("Some benchmark.").parse_args(["--quick", "--full"])
    assert "not allowed with" in capsys.readouterr().err


def test_data_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SKLATENT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="that SKLATENT_DATA names") as caught:
        data_file("mnist.npz")
    assert str(tmp_path) in str(caught.value)
    (tmp_path / "mnist.npz").touch()
    assert data_file("mnist.npz") == tmp_path / "mnist.npz"
    monkeypatch.delenv("SKLATENT_DATA")
    with pytest.raises(FileNotFoundError, match="beside the repository"):
        data_file("no such file")


def test_what_is_kept_is_not_measured_again(tmp_path):
    calls = []

    def measure():
        calls.append(1)
        return [len(calls), [0.5]]

    assert kept(None, "a", measure) == [1, [0.5]]
    file = tmp_path / "results" / "kept.jsonl"
    assert kept(file, "a", measure) == kept(file, "a", measure) == [2, [0.5]]
    assert kept(file, "b\n", measure) == kept(file, "b\n", measure) == [3, [0.5]]
    arrays = {"Z": np.ones((2, 1), dtype=np.float32), "number": np.float32(0.5)}
    assert kept(file, "c", lambda: arrays) == {"Z": [[1.0], [1.0]], "number": 0.5}
    assert kept(file, "d", lambda: {3: (np.pi, 10**9)}) == {"3": [3.14159, 10**9]}
    assert len(file.read_text().splitlines()) == 4


def test_what_is_kept_says_when_it_was_measured(tmp_path):
    file = tmp_path / "kept.jsonl"
    for name in "ab":
        kept(file, name, lambda: 1.0)
    first, second = file.read_text().splitlines()
    content = json.loads(first)
    file.write_text(json.dumps(content | {"measured": "2026-01-02"}) + "\n" + second + "\n")
    report = Report("Title", tmp_path / "report.md")
    assert _common.sittings() == []
    for name in "ab":
        kept(file, name, lambda: 2.0)
    report.write()
    last = (tmp_path / "report.md").read_text().splitlines()[-1]
    assert last == f"Parts measured, by day (UTC): 2026-01-02 (1), {content['measured']} (1)."


def test_a_papers_script_keeps_its_parts_where_they_are_committed():
    parser = _common.parser("Words.", keeps="name")
    assert parser.parse_args([]).keep == Path(benchmarks.__file__).parent / "kept" / "name.jsonl"
    assert parser.parse_args(["--keep", "other"]).keep == Path("other")
    # A run that only sees whether it works leaves nothing behind.
    assert parser.parse_args(["--quick"]).keep is None
    assert _common.parser("Words.", keeps=True).parse_args([]).keep is None


def test_log_likelihood_of_pca_is_that_of_its_normal_distribution():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 5)) @ rng.normal(size=(5, 5))
    variances, axes = np.linalg.eigh(np.cov(X.T, bias=True))
    variances[:3] = variances[:3].mean()
    normal = stats.multivariate_normal(X.mean(axis=0), (axes * variances) @ axes.T)
    rows = rng.normal(size=(7, 5))
    found = pca_log_likelihood(X, rows, 2)
    assert found == pytest.approx(normal.logpdf(rows).mean(), rel=1e-9)


def test_functions_are_timed_in_turn_and_back():
    calls = []
    seconds = time_interleaved(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, repeats=3, warmup=1
    )
    assert calls == ["a", "b", "b", "a"] * 2
    assert {name: times.shape for name, times in seconds.items()} == {"a": (3,), "b": (3,)}


def test_median_ratio_is_of_rounds():
    """Not the ratio of medians: a round in which all is slow counts like any other."""
    assert median_ratio([2, 40, 3], [1, 10, 2]) == Interval(2.0, 1.5, 4.0)


def test_interval_over_seeds():
    values = np.random.default_rng(0).normal(size=10)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = over_seeds(values)
    assert found.middle == pytest.approx(values.mean())
    assert found[1:] == pytest.approx((expected.low, expected.high))
    assert np.isnan(over_seeds([1.0]).low)
    assert f"{Interval(1, 0.5, 2.25):.1f}" == "1.0 [0.5, 2.2]"


def test_report(tmp_path, capsys):
    report = Report("Title", tmp_path / "new" / "report.md")
    report.table(["name", "n", "ratio"], [["a", 3, 0.123456], ["b", 4, Interval(1, 0.5, 2)]])
    report.write()
    text = (tmp_path / "new" / "report.md").read_text()
    assert text.startswith("# Title\n\n* ")
    assert "numpy " + np.__version__ in text
    assert "| name | n | ratio |\n| --- | --- | --- |\n| a | 3 | 0.123 |" in text
    assert "| b | 4 | 1 [0.5, 2] |" in text
    assert capsys.readouterr().out.strip() == text.strip()


def test_a_remark_is_made_only_where_it_holds(capsys):
    assert remark(True, "It holds.") == "It holds."
    assert remark(np.float64(1) > 2, "It holds.") is None
    # Neither a number nor an interval is a condition: what is asserted must be said.
    for loose in (0.3, Interval(1, 0.5, 2), None, np.ones(2)):
        with pytest.raises(TypeError, match="condition must be true or false"):
            remark(loose, "It holds.")
    report = Report("Title")
    report.remarks([remark(True, "One."), remark(False, "Two."), None])
    report.remarks([remark(False, "Two.")])
    text = capsys.readouterr().out
    assert "* One." in text
    assert "Two." not in text
    assert "None of the remarks" in text


def said(remarks):
    return "\n".join(sentence for sentence in remarks if sentence is not None)


class TestRemarksFollowTheNumbers:
    """Each script's remarks, of numbers made up so that they hold and so that they don't."""

    def test_anchors(self):
        from benchmarks.papers.rosetta import claims as script
        from benchmarks.papers.rosetta.study import MNIST

        noise = np.random.default_rng(0).normal(size=(6, 2))

        def results(gain):
            base = dict.fromkeys(("D1 share", "D2 share", "RV D1", "RV D2", "unmapped"), 1.0)
            for a, b in noise:
                one = {m: base | {"RV D1": a} for m in script.METHODS[1:]}
                one["kmeans"] = base | {"RV D1": b}
                for n in MNIST.n_points:
                    drop = gain * (n == 64)
                    one[f"{n} anchors"] = {k: v - drop + a * (n == 64) for k, v in base.items()}
                yield one

        def remarks(gain):
            found = list(results(gain))

            def against(results, name, key, base):
                return paired([r[name][key] for r in results], [r[base][key] for r in results])

            return said(script.remarks_on_anchors(MNIST, found, against))

        assert "64 anchors are not clearly better than 32" in remarks(0.0)
        assert "64 anchors are clearly better than 32 in distortion on D1" in remarks(5.0)
        assert "Ways to choose anchors do not differ" in remarks(0.0)

    def test_all_of_the_first_lab_as_anchors(self):
        from benchmarks.papers.rosetta.claims import remarks_on_everything
        from benchmarks.papers.rosetta.study import ALL, MNIST

        def remarks(more):
            def against(results, name, key, base):
                assert name == f"R-VAE, {ALL}"
                assert base in (f"VAE, {ALL}", f"R-VAE, {MNIST.main_n_points}")
                return Interval(more, more - 1, more + 1)

            return said(remarks_on_everything(MNIST, [], against))

        above = remarks(2.0)
        assert "among its data (2 [1, 3]; published 0.770), as published." in above
        assert "is above that with 64 (2 [1, 3])" in above
        assert "is not told from that of the VAE" in remarks(0.0)
        assert "published 0.770), against the paper" in remarks(-2.0)
        assert "D1 lies nearer" in remarks(-2.0)

    def test_table_2_at_length(self):
        from benchmarks.papers.rosetta.at_length import remarks
        from benchmarks.papers.rosetta.study import MODELS

        def told(lead, n=3):
            rows = [
                {name: dict.fromkeys(("D1", "D2"), 1.0 + k / 100) for name in MODELS}
                for k in range(n)
            ]
            for k, row in enumerate(rows):
                row["R-VAE"] = {"D1": 1.0 - lead + 0.1 * k, "D2": 1.0 + lead + 0.1 * k}
            return said(remarks(rows))

        assert "D1: the distortion of the R-VAE is below the VAE's" in told(1.0)
        assert "D2: the distortion of the R-VAE is above the VAE's" in told(1.0)
        assert "D1: the distortion of the R-VAE is not told from" in told(0.05)
        assert told(1.0, n=1) == ""

    def test_null_is_a_median(self):
        from benchmarks.papers.rosetta.measures import independent_runs

        draws = np.random.default_rng(0).normal(size=(20_000, 8, 2))
        covariances = np.einsum("nij,nik->njk", *[draws - draws.mean(axis=1, keepdims=True)] * 2)
        volumes = np.linalg.slogdet(covariances / 7)[1]
        assert independent_runs(8, 2) == pytest.approx(np.median(volumes), abs=0.03)
        assert np.median(volumes) - volumes.mean() > 0.05

    def test_ensembles(self):
        from benchmarks.papers.ensemble import scores as script

        def found(spread, gain):
            jitter = np.random.default_rng(0).normal(scale=0.01, size=(5, 2))
            plain = {"scores": list(0.5 + jitter), "course": {3: [{"linear": 0.5}] * 5}}
            ours = {
                "scores": list(0.5 + gain + jitter[::-1]),
                "spread": list(spread + jitter),
                "course": {3: [{"linear": 0.9}] * 5},
            }
            return {"VAE": plain, "ensemble of 2, gamma 10": ours}

        alike = said(script.remarks_on_scores(found(spread=0.01, gain=0.0)))
        assert "DCI is not told from the VAE's" in alike
        assert "that members differ less in DCI than separate VAEs do is not shown" in alike
        better = said(script.remarks_on_scores(found(spread=-1.0, gain=0.3)))
        assert "DCI above the VAE's" in better
        assert "members differ less in DCI" in better
        assert "not shown" not in better

        def sizes(change):
            two = {"scores": list(0.5 + np.random.default_rng(0).normal(scale=0.01, size=(5, 2)))}
            five = {"scores": [scores + change for scores in two["scores"]]}
            names = "ensemble of 2, gamma {}", "ensemble of 5, gamma {}"
            return {
                name.format(gamma): model
                for gamma in (1, 10)
                for name, model in zip(names, (two, five), strict=True)
            }

        grown = said(script.remarks_on_size(sizes(0.1)))
        assert "gamma 1: DCI changes by 0.1 [0.1, 0.1]; it rises, as published" in grown
        assert (
            "gamma 10: DCI changes by 0.1 [0.1, 0.1]; that it falls, as published, is not" in grown
        )
        assert "it falls, as published.\n" in said(script.remarks_on_size(sizes(-0.1))) + "\n"

    def test_searches(self):
        from benchmarks.speed.search_speed import remarks

        met = {"faster": 13.0, "limit": 3.9, "halving": 0.4, "behind": 0.001, "least": 0.98}
        met |= {"retrain": 5.5, "set-up": 0.4, "own loop": 0.3, "kernels": 2.0}
        assert "not** met" not in said(remarks(met))
        missed = {"faster": 11.0, "limit": 4.5, "halving": 0.5, "behind": 0.1, "least": 0.9}
        missed |= {"retrain": 4.0, "set-up": 2.0, "own loop": 0.7, "kernels": 2.0}
        text = said(remarks(missed))
        assert text.count("not** met") == 7
        assert "take 2 times the limit" in text
        assert "0.7 ms are scikit-learn's own" in text

    def test_transformations(self):
        from benchmarks.papers.transform import settings
        from benchmarks.papers.transform.models import build
        from benchmarks.papers.transform.remarks import remarks
        from benchmarks.papers.transform.table_1 import PUBLISHED

        def by_key(ahead):
            noise = np.random.default_rng(0).normal(size=3)
            return {
                (dataset, model, 10): [
                    {
                        "affine": 50 + ahead * (model == "T-VAE") + 0.1 * e,
                        "few": 50 + ahead * (model == "VAE+, beta 0.1") + 0.1 * e,
                        "whitened": 50 + 0.1 * e * (1 if model == "T-VAE" else -1),
                        "own": 90 + (e if model == "T-VAE" else -e),
                        "labels": 20 + np.arange(5) + ahead * (model == "T-VAE") + 0.1 * e,
                        "nats": 100 + 20 * (model == "VAE+") + e,
                    }
                    for e in noise
                ]
                for dataset in settings.FILES
                for model in settings.MODELS
            }

        scale = settings.SCALES["quick"]
        assert build(settings.PRINTED, 10, 0, scale).view_divergence_weight == 0.0
        assert build("T-VAE", 10, 0, scale).view_divergence_weight > 0
        assert PUBLISHED[10, settings.PRINTED] == PUBLISHED[10, "T-VAE"]
        far = build("T-VAE" + settings.FAR, 10, 0, scale)
        assert far.transformation is settings.FAR_VIEWS
        assert far.view_divergence_weight > 0
        assert build("VAE+" + settings.FAR, 10, 0, scale).augmentation is settings.FAR_VIEWS
        assert build("VAE+" + settings.OURS, 10, 0, scale).init == "pca"
        assert build("T-VAE" + settings.OURS + settings.BETA, 10, 0, scale).beta == 0.1
        assert build("VAE", 10, 0, scale).augmentation is None
        ahead = said(remarks(by_key(8.0), scale))
        cell = "Under the shift, from MNIST with 10 components, T-VAE is"
        assert f"{cell} ahead of VAE (8.0 [8.0, 8.0]), VAE+ (8.0" in ahead
        assert "nowhere clearly ahead" not in ahead
        assert "10 components: with beta 0.1 VAE+ gains 8.0" in ahead
        assert "Under the shift, T-VAE is clearly ahead of VAE+ in 2 and clearly" in ahead
        assert "in whitened spaces, T-VAE is clearly ahead of VAE+ in 0 and clearly" in ahead
        assert "VAE+ with 10 components is 20.0" in ahead
        behind = said(remarks(by_key(-8.0), scale))
        assert f"{cell} behind VAE (-8.0 [-8.0, -8.0]), VAE+ (-8.0" in behind
        # A change that brings as much as its noise is no gain.
        assert "with beta 0.1 VAE+ gains 0.0 [0.0, 0.0] points, which" in said(
            remarks(by_key(0), scale)
        )
        assert "T-VAE is nowhere clearly ahead of VAE+" in behind

    def test_what_moves_another_digit(self):
        from benchmarks.papers import transform_moving as script

        noise = 0.01 * np.random.default_rng(0).normal(size=3)

        def told(gain):
            by_key = {
                ("rotation", variant): [
                    {
                        "share, other": 0.4 + gain * (variant == "matrix, exchanged") + sign * e,
                        "share, own": 0.8 + sign * e,
                        "correlations": {"rotation": 0.9 - gain, "rotation, null": 0.1 + e},
                    }
                    for e in noise
                ]
                for variant, sign in (("matrix", 1), ("matrix, exchanged", -1), ("additive", -1))
            }
            return said(script.remarks(by_key))

        better = told(0.5)
        assert "(matrix, exchanged beside matrix, rotation) takes another digit's T furth" in better
        assert "is not shown to matter for a row's own T: 0.80 against 0.80" in better
        assert "is not shown to know" not in better
        worse = told(-0.2)
        assert "takes another digit's T less far: 0.20 against 0.40" in worse
        assert "(matrix, rotation) is not shown to know the rotation" in told(0.8)

    def test_channels(self):
        from benchmarks.papers import channels_hue as script
        from benchmarks.papers.channels.settings import SCALES

        drawn = script.ensembles_of(10, 40, 3)
        assert [len(members) for members in drawn] == [10, 10, 10]
        assert len(set(np.concatenate(drawn))) == 30
        assert SCALES["full"].min_samples == 20
        evenness = {
            (metric, n): np.array([1.0, 1.1, 0.9]) / n for metric in script.METRICS for n in (1, 30)
        }
        bits = {key: [2.5 if key[0] != "nmi_printed" else 0.03] for key in evenness}
        told = said(script.remarks_on_synthesis(evenness, bits, 2.6))
        assert "By NMI the synthesis of 30 models is more even" in told
        assert told.count("the shape and not the information") == 1
        worse = {key: 2 - values for key, values in evenness.items()}
        assert "not shown to be more even" in said(script.remarks_on_synthesis(worse, bits, 2.6))

    def test_larger_ensembles_of_channels(self):
        from benchmarks.papers.channels import enough, measures
        from benchmarks.papers.channels.many import hotspots_by_size, in_one, parts
        from benchmarks.papers.channels.settings import SCALES, Scale, min_samples_of
        from sklatent.channels import ChannelFingerprints

        # Each of nine models says the first two things, and one of its own.
        rng = np.random.default_rng(0)
        means = rng.uniform(-2, 2, size=(9, 3, 60))
        means[:, :2] = means[0, :2] + 0.1 * rng.standard_normal((9, 2, 60))
        channels = ChannelFingerprints.from_posteriors(
            means.reshape(27, 60), np.full((27, 60), -3.0), model=np.repeat(np.arange(9), 3)
        )
        assert [len(np.unique(part.model)) for part in parts(channels, 4)] == [4, 4]
        assert min_samples_of(50) == 20
        assert measures.compared_sizes(SCALES["default"]) == [8, 25, 50]
        scale = Scale(3, 2, 0, 0, 60, 1, 0, 0, 0, 0, (3, 9))
        many = {"some, beta 1": channels, "some, beta 2": channels}
        found = dict.fromkeys(many, hotspots_by_size(channels, scale))
        report = Report("Some")
        again, share = enough.number_of_models(report, many, found)
        assert again["some, beta 1", 3] == (4, 4)
        assert again["some, beta 1", 9] is None
        assert share["some, beta 1", 3] == pytest.approx([2 / 3] * 3)
        assert not in_one(found["some, beta 1"][9][0])
        counted, again_at = enough.steepness(report, many, found)
        assert counted["some, beta 1", 9, 0.05] == 2
        told = said(enough.remarks_on_number((again, share), (counted, again_at), found))
        assert "some, beta 1: hotspots that as many other models find again:" in told
        assert "3 models 4 of 4. Nine in ten with 3." in told
        assert "beta 2 the share in hotspots changes by 0 [0, 0]: not told" in told
        assert "the steps are too small" not in told
        fewer = counted | {("some, beta 1", 9, 0.05): 0.0}
        more = again_at | {("some, beta 1", 3, 0.01): (5, 5)}
        told = said(enough.remarks_on_number((again, share), (fewer, more), found))
        assert "the steps are too small, the groups are there" in told
        assert "some, beta 1: at xi 0.01 more are found again with 3 models: " in told
        nowhere = {key: count and (0, 4) for key, count in again.items()}
        told = said(enough.remarks_on_number((nowhere, share), (counted, again_at), found))
        assert "Nowhere nine in ten" in told

        one = {"some, beta 1": channels}
        leads, informative = measures.nmi_beside_vi(report, one, found, scale)
        assert informative == dict.fromkeys(many, True)
        assert leads["some, beta 1", 3][0].tolist() == share["some, beta 1", 3]

        def compared(low, high):
            noise = np.array([0.0, 0.01, -0.01])
            pairs = zip(many, (low, high), strict=True)
            each = {(name, 3): (0.5 + noise, 0.5 + noise[::-1] - lead) for name, lead in pairs}
            return said(measures.remarks_on_measures_of_structure((each, informative)))

        lags = compared(0.4, 0.0)
        assert "3 models NMI puts more channels in hotspots than VI: some, beta 1 (0.4 [" in lags
        assert "not told apart by the share in hotspots: some, beta 2" in lags
        assert lags.endswith("VI lags at low beta.")
        ahead = compared(-0.4, 0.0)
        assert "VI puts more channels in hotspots than NMI: some, beta 1" in ahead
        assert ahead.endswith("not shown to be one of low beta.")

    def test_hotspots_of_mnist(self):
        from benchmarks.papers.channels_mnist import remarks_on_hotspots

        assert (
            "has 7 hotspots of 24 models (min_samples 10), 6.5 informative components a model: "
            in (said(remarks_on_hotspots(7, 6.5, 24)))
        )
        assert said(remarks_on_hotspots(4, 6.5, 24)).endswith("the paper has 7.")

    def test_groups_of_disjoint_ensembles(self):
        from benchmarks.papers.channels.enough import (
            found_again,
            fragments,
            groups_at,
            kept_together,
        )
        from sklatent.channels import ChannelHotspots

        labels = np.array([0, 0, 1, 1, -1])
        similarity = np.full((5, 5), 0.1)
        similarity[:2, :2] = similarity[2:4, 2:4] = 0.8
        groups, within = fragments(labels, similarity)
        assert [group.tolist() for group in groups] == [[0, 1], [2, 3]]
        assert within == pytest.approx([0.8, 0.8])
        assert found_again((groups, within), (groups, within), similarity) == (4, 4)
        assert found_again((groups, within), (groups[:1], within[:1]), similarity) == (2, 3)
        assert found_again((groups, within), (groups, within), 0.8 * similarity) == (0, 4)
        assert found_again((groups, within), fragments(np.full(5, -1), similarity), None) == (0, 2)
        assert kept_together(labels, labels) == 1
        assert kept_together(labels, [0, 0, 0, 0, -1]) == 2 / 6
        assert kept_together([0, 0, -1], [0, 0, 0]) == 1 / 3
        assert np.isnan(kept_together([-1, -1], [-1, -1]))
        one = np.linspace(-2, 2, 60) + 0.01 * np.random.default_rng(0).normal(size=(9, 60))
        alike = ChannelHotspots(min_samples=3).fit(one)
        alike.similarity_ = np.full((9, 9), 0.5)
        assert (groups_at(alike, 0.05) == -1).all()
        alike.min_samples = 10
        assert (groups_at(alike, 0.05) == -1).all()

    def test_speed_of_channels(self):
        from benchmarks.speed import channels_speed as script

        ratios = {
            ("float64", "float32"): Interval(90, 80, 95),
            ("float32", "float32"): Interval(61, 59, 66),
        }
        growth = {(100, 500): 0.35, (400, 500): 1.14, (400, 250): 0.85}
        fingerprints = dict.fromkeys(("fingerprints", "information"), Interval(1.05, 0.9, 1.1))
        found = [ratios, {"float32": 4e-7, "float64": 1e-9}, growth, 208, fingerprints]
        told = said(script.remarks(*found))
        assert "a sixtieth of the time of the published loop: 90 times" in told
        assert "not in each round 60 times as fast as a loop in float32" in told
        assert "A type is outside its bound" in told
        assert "1.1 to 1.1 times is reached; with 100" in told
        assert "Fingerprints cost" not in told

    def test_alignment(self):
        from benchmarks.papers.alignment import table_1 as script

        def errors(*values):
            return [(value / 100, value) for value in values]

        results = {
            "baseline": errors(0.520, 0.521, 0.519),
            "rigid": errors(0.544, 0.546, 0.543),
            "linear": errors(0.536, 0.538, 0.534),
            **{f"stitching k={k}": errors(0.530, 0.531, 0.529) for k in (1, 2, 4)},
        }
        told = said(script.remarks_on_all_rows(10, results))
        assert "rigid is 0.024" in told
        assert "published 0.190" in told
        assert "stitching (k = 4) is clearly better than linear" in told
        assert "not told from the target's own" not in told

    def test_stitching_with_few_anchors(self):
        from benchmarks.papers.alignment.table_3 import PAPER_3, remarks_on_stitching

        def told(less):
            numbers = PAPER_3[10, 50][2:]
            found = {
                f"stitching k={k}": [(0, number - gap + e) for e in (-0.001, 0, 0.001)]
                for k, number, gap in zip((1, 2, 4), numbers, less, strict=True)
            }
            return said(remarks_on_stitching({(10, 50): found}))

        assert "in all 3 cells" in told((0.3, 0.4, 0.2))
        assert "Most of all 0.509" in told((0.3, 0.4, 0.2))
        assert "In 2 of 3 cells" in told((0.3, 0.4, 0.0))
        assert told((0.0, 0.0, 0.0)) == ""

    def test_more_anchors_of_relative_representations(self):
        from benchmarks.papers.alignment.table_2 import remarks_on_more_anchors

        names = [f"{k}, {w}" for k in ("decoder-only", "end to end") for w in ("own", "transfer")]

        def told(gain):
            few = {name: [(0, 0.5 + e) for e in (-0.001, 0, 0.001)] for name in names}
            more = {name: [(0, 0.5 - gain + e) for e in (0.001, 0, -0.001)] for name in names}
            return said(remarks_on_more_anchors({(10, 50): few, (10, 100): more}))

        assert told(0.1).count("better, against the paper") == 4
        assert told(-0.1).count("worse") == 4
        assert told(0.0005).count("no help shown") == 4


def test_searches_by_their_parts_and_their_growth():
    from benchmarks.speed import search_speed as script

    X = np.random.default_rng(0).normal(size=(90, 5))
    model = VAE(2, hidden_layer_sizes=(4,), max_epochs=2, early_stopping=False, random_state=0)
    parts = dict(script.anatomy(X, model, [0.5, 1.0], 1))
    assert list(parts) == ["steps", "inference", "set-up"]
    assert all(milliseconds > 0 for milliseconds in parts.values())
    n_parameters = sum(p.numel() for p in clone(model).fit(X).net_.module_.parameters())
    assert script.flops(model, 5) == 6 * 128 * n_parameters
    assert script.n_steps(X[:60], model) == 2
    rows = list(islice(script.growth("quick"), 2))
    assert [row[:2] for row in rows] == [["K", 1], ["K", 4]]
    assert all(us > limit > 0 for *_, us, limit in rows)


def test_the_gpus_script_runs_where_there_is_none(capsys):
    """A step is one of training, and of each model in the stack the same as alone."""
    from benchmarks.speed import gpu as script

    _, X, model, counts = script.cases("quick")[0]
    assert counts == [1, 2]
    assert all(way(model, X, 2, "cpu") > 0 for way in (script.stacked, script.one_by_one))
    alone, both = (script.Steps(model, X, k, "cpu") for k in (1, 2))
    both.noise = alone.noise.expand(2, -1, -1)
    losses = [[float(step()) for _ in range(5)] for step in (alone, both)]
    assert losses[0][0] > losses[0][-1]
    np.testing.assert_allclose(losses[1], np.multiply(losses[0], 2), rtol=1e-5)
    assert script.seconds_of_steps(alone, "cpu", 2) > 0


def test_interval_is_clear_of_a_value():
    assert Interval(1, 0.5, 2).above()
    assert Interval(1, 0.5, 2).clear()
    assert not Interval(1, 0.5, 2).clear(1.9)
    assert Interval(-1, -2, -0.5).below()
    # A single seed has no interval, and nothing is clear.
    assert not over_seeds([3.0]).clear()
    assert not over_seeds([3.0]).holds(3.0)
    assert not over_seeds([3.0]).not_above()
    assert not over_seeds([-3.0]).not_below()
    assert Interval(1, -0.5, 2).not_above()
    assert Interval(1, -0.5, 2).not_below()
    assert Interval(1, 0.5, 2).holds(1.9)
    assert not Interval(1, 0.5, 2).holds()
    assert paired([1.0, 2.0, 3.0], [0.0, 1.1, 1.9]).above()


def test_remarks_of_a_script_replace_those_by_hand(tmp_path):
    path = tmp_path / "report.md"
    path.write_text(f"Old.\n{REMARKS}\n\nBy hand.\n")
    Report("Title", path, keeps_remarks=False).write()
    assert "By hand." not in path.read_text()


def test_remarks_outlive_a_report_written_again(tmp_path):
    path = tmp_path / "report.md"
    for number in ("1", "2"):
        report = Report("Title", path)
        report.text(f"Run {number}.")
        report.write()
        if number == "1":
            path.write_text(path.read_text() + f"\n{REMARKS}\n\nBy hand.\n")
    assert path.read_text().endswith(f"Run 2.\n\n{REMARKS}\n\nBy hand.\n")
    assert "Run 1." not in path.read_text()

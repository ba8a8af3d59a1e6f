"""What the benchmarks share, and that each of them can be started."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone

import benchmarks
from benchmarks._common import (
    REMARKS,
    Interval,
    Report,
    data_file,
    median_ratio,
    over_seeds,
    paired,
    parser,
    remark,
    time_interleaved,
)
from sklatent import VAE

FOLDER = Path(benchmarks.__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_each_is_documented_and_has_options(name, capsys, monkeypatch):
    module = importlib.import_module(f"benchmarks.{name}")
    assert module.__doc__
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit, match="0"):
        module.main()
    usage = capsys.readouterr().out
    assert all(option in usage for option in ("--quick", "--full", "--out"))


def test_make_bench_runs_all_that_measure_speed():
    assert set(benchmarks.SPEED) <= set(NAMES)
    assert {name for name in NAMES if name.endswith("_speed")} <= set(benchmarks.SPEED)


def test_quick_and_full_exclude_each_other(capsys):
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


def test_functions_are_timed_in_turn():
    calls = []
    seconds = time_interleaved(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, repeats=3, warmup=1
    )
    assert calls == ["a", "b"] * 4
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
        from benchmarks import rosetta_tables as script

        noise = np.random.default_rng(0).normal(size=(6, 2))

        def results(gain):
            base = dict.fromkeys(("D1 share", "D2 share", "RV D1", "RV D2", "unmapped"), 1.0)
            for a, b in noise:
                one = {m: base | {"RV D1": a} for m in script.METHODS[1:]}
                one["kmeans"] = base | {"RV D1": b}
                for n in script.MNIST.n_points:
                    drop = gain * (n == 64)
                    one[f"{n} anchors"] = {k: v - drop + a * (n == 64) for k, v in base.items()}
                yield one

        def remarks(gain):
            found = list(results(gain))

            def against(results, name, key, base):
                return paired([r[name][key] for r in results], [r[base][key] for r in results])

            return said(script.remarks_on_anchors(script.MNIST, found, against))

        assert "64 anchors are not clearly better than 32" in remarks(0.0)
        assert "64 anchors are clearly better than 32 in distortion on D1" in remarks(5.0)
        assert "Ways to choose anchors do not differ" in remarks(0.0)

    def test_null_is_a_median(self):
        from benchmarks.rosetta_tables import independent_runs

        draws = np.random.default_rng(0).normal(size=(20_000, 8, 2))
        covariances = np.einsum("nij,nik->njk", *[draws - draws.mean(axis=1, keepdims=True)] * 2)
        volumes = np.linalg.slogdet(covariances / 7)[1]
        assert independent_runs(8, 2) == pytest.approx(np.median(volumes), abs=0.03)
        assert np.median(volumes) - volumes.mean() > 0.05

    def test_ensembles(self):
        from benchmarks import ensemble_tables as script

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

    def test_transformations(self):
        from benchmarks import transform_tables as script

        def by_key(ahead):
            noise = np.random.default_rng(0).normal(size=3)
            return {
                (dataset, model, 10): [
                    {
                        "affine": 50 + ahead * (model == "T-VAE") + 0.1 * e,
                        "own": 90 + (e if model == "T-VAE" else -e),
                        "labels": 20 + np.arange(5) + ahead * (model == "T-VAE") + 0.1 * e,
                        "nats": 100 + 20 * (model == "VAE+") + e,
                    }
                    for e in noise
                ]
                for dataset in script.FILES
                for model in script.MODELS
            }

        scale = script.SCALES["quick"]
        assert script.build(script.PRINTED, 10, 0, scale).view_divergence_weight == 0.0
        assert script.build("T-VAE", 10, 0, scale).view_divergence_weight > 0
        assert script.PUBLISHED[10, script.PRINTED] == script.PUBLISHED[10, "T-VAE"]
        ahead = said(script.remarks(by_key(8.0), scale))
        assert (
            "Under the shift, from MNIST with 10 components, T-VAE is ahead of VAE+: 8.0" in ahead
        )
        assert "nowhere clearly ahead" not in ahead
        assert "VAE+ with 10 components is 20.0" in ahead
        behind = said(script.remarks(by_key(-8.0), scale))
        assert "T-VAE is behind VAE+: -8.0" in behind
        assert "T-VAE is nowhere clearly ahead of VAE+" in behind

    def test_channels(self):
        from benchmarks import channels_results as script

        drawn, disjoint = script.ensembles_of(10, 30, 3)
        assert disjoint
        assert len(set(np.concatenate(drawn))) == 30
        assert script.ensembles_of(11, 30, 3)[1] is False
        assert script.FULL.min_samples == 20
        evenness = {
            (metric, n): np.array([1.0, 1.1, 0.9]) / n for metric in script.METRICS for n in (1, 30)
        }
        bits = {key: 2.5 if key[0] != "nmi_printed" else 0.03 for key in evenness}
        told = said(script.remarks_on_synthesis(evenness, bits, 2.6))
        assert "By NMI the synthesis of 30 models is more even" in told
        assert told.count("the shape and not the information") == 1
        worse = {key: 2 - values for key, values in evenness.items()}
        assert "not shown to be more even" in said(script.remarks_on_synthesis(worse, bits, 2.6))

    def test_alignment(self):
        from benchmarks import alignment_tables as script

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


def test_searches_by_their_parts_and_stacks_by_their_size():
    """The script of a GPU's table is the same, on whatever device there is."""
    from benchmarks import search_speed as script

    X = np.random.default_rng(0).normal(size=(90, 5))
    model = VAE(2, hidden_layer_sizes=(4,), max_epochs=2, early_stopping=False, random_state=0)
    rows = list(script.growth((1, 3), "cpu", X, model))
    assert [row[0] for row in rows] == [1, 3]
    assert all(row[1] > 0 for row in rows)
    parts = list(script.anatomy(X, model, 2, 1, 1))
    assert [len(part) for part in parts] == [3, 3]
    n_parameters = sum(p.numel() for p in clone(model).fit(X).net_.module_.parameters())
    assert script.flops(model, 5) == 6 * 128 * n_parameters


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

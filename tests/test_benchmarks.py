"""What the benchmarks share, and that each of them can be started."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import benchmarks
from benchmarks._common import (
    REMARKS,
    Interval,
    Report,
    data_file,
    median_ratio,
    over_seeds,
    parser,
    time_interleaved,
)

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

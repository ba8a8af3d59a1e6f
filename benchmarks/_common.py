"""What every benchmark needs: its options, the data, fair timing, and a report to write."""

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
# Results of the papers' scripts, committed, so that a later sitting goes on from them.
KEPT = ROOT / "benchmarks" / "kept"
_MEASURED = Counter()  # parts of the report that is being written, by day
# What stands below this line in a report was written by hand, and stays there.
REMARKS = "<!-- Remarks, kept when the report is written again -->"
# Where the papers' training starts, and how it goes on.
PAPERS = {"init": "random", "activation": "relu", "annealing": 0.0, "early_stopping": False}
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "skorch", "pythae")


class _Parser(argparse.ArgumentParser):
    """Says which of the sizes was asked for: ``options.size`` is quick, default or full."""

    keeps = False

    def parse_args(self, args=None, namespace=None):
        options = super().parse_args(args, namespace)
        options.size = "quick" if options.quick else "full" if options.full else "default"
        if isinstance(self.keeps, str) and options.keep is None and not options.quick:
            options.keep = KEPT / f"{self.keeps}.jsonl"
        return options


def parser(description, keeps=False):
    """Build the parser of the options that all benchmarks share.

    Parameters
    ----------
    description : str
        What the script does.
    keeps : bool or str, default=False
        Whether it has an option for a file of results. A name is the usual one's, in
        ``benchmarks/kept``; a run that only sees whether it works has to be told.

    Returns
    -------
    parser : argparse.ArgumentParser
        With ``size`` among its options, and ``keep`` where it `keeps`.
    """
    result = _Parser(description=description)
    size = result.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="only see that it runs: tiny and fast")
    size.add_argument("--full", action="store_true", help="the paper's own scale")
    result.add_argument("--out", type=Path, help="write the report, as Markdown, to this file")
    if keeps:
        usual = f" (usually benchmarks/kept/{keeps}.jsonl)" * isinstance(keeps, str)
        result.add_argument(
            "--keep", type=Path, help=f"file of results: what is there is not redone{usual}"
        )
        result.keeps = keeps
    return result


def data_file(name):
    """Find a data file, or say where it was looked for.

    Parameters
    ----------
    name : str
        The file's name, such as ``"mnist.npz"``.

    Returns
    -------
    path : pathlib.Path
        In the folder that the environment variable ``SKLATENT_DATA`` names, where it is set, and
        in ``../shared/data`` beside the repository otherwise.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    """
    named = os.environ.get("SKLATENT_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    path = folder / name
    if not path.is_file():
        origin = "that SKLATENT_DATA names" if named else "beside the repository"
        raise FileNotFoundError(
            f"No {name} in {folder}, the folder {origin}. "
            "Set SKLATENT_DATA to the folder that has it."
        )
    return path


class Interval(NamedTuple):
    """A middle value and the range it lies in."""

    middle: float
    low: float
    high: float

    def above(self, value=0.0):
        """Whether all of it is above a value; never so without an interval."""
        return bool(self.low > value)

    def below(self, value=0.0):
        """Whether all of it is below a value; never so without an interval."""
        return bool(self.high < value)

    def clear(self, value=0.0):
        """Whether a value lies outside it."""
        return self.above(value) or self.below(value)

    def not_above(self, value=0.0):
        """Whether it is not shown to be above a value; not said without an interval."""
        return bool(self.low <= value)

    def not_below(self, value=0.0):
        """Whether it is not shown to be below a value; not said without an interval."""
        return bool(self.high >= value)

    def holds(self, value=0.0):
        """Whether a value lies inside it; never so without an interval."""
        return bool(self.low <= value <= self.high)

    def __format__(self, spec):
        spec = spec or ".3g"
        return f"{self.middle:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def over_seeds(values):
    """Summarise one number for each seed: the mean and its 95 percent interval by Student's t."""
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    mean = float(values.mean())
    if values.size < 2:
        return Interval(mean, float("nan"), float("nan"))
    half = t.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
    return Interval(mean, mean - float(half), mean + float(half))


def paired(ours, theirs):
    """Summarise the difference of two numbers of the same seeds."""
    return over_seeds(np.subtract(ours, theirs))


def kept(file, name, measure):
    """Measure once: a run that was interrupted goes on where it was.

    Parameters
    ----------
    file : pathlib.Path or None
        Where results are kept, each in a line of JSON; None keeps nothing.
    name : str
        What is measured, any text.
    measure : callable
        Returns numbers, or lists of them, without arguments.

    Returns
    -------
    object
        What `measure` returned, now or then: where a file keeps it, arrays as lists and numbers
        in six digits.
    """
    if file is None:
        return measure()
    content = _parts(file).get(name)
    if content is None:
        content = {"name": name, "measured": f"{datetime.now(UTC):%Y-%m-%d}"}
        content["result"] = _plain(measure())
        file.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(content, separators=(",", ":")) + "\n"
        # In one call: a run may be stopped at any time, and others go on beside it.
        with file.open("ab", buffering=0) as lines:
            lines.write(line.encode())
    _MEASURED[content["measured"]] += 1
    return content["result"]


def _parts(file):
    """Read what a file keeps, by name."""
    lines = file.read_text().splitlines() if file.is_file() else []
    return {part["name"]: part for part in map(json.loads, lines)}


def sittings():
    """Say on which days the parts of a report were measured, if they are kept."""
    days = ", ".join(f"{day} ({n})" for day, n in sorted(_MEASURED.items()))
    return [f"Parts measured, by day (UTC): {days}."] * bool(days)


def _plain(value):
    """Bring results to what JSON knows, numbers in six digits."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    return float(f"{value:.6g}") if isinstance(value, float) else value


def remark(condition, sentence):
    """Say something of the numbers, if they bear it out.

    A remark stands in the script, beside the condition that it asserts, so that the next run's
    report says it only if it still holds.

    Parameters
    ----------
    condition : bool
        What the sentence asserts, of this run's numbers.
    sentence : str
        The remark.

    Returns
    -------
    sentence : str or None
        The remark, or None where it doesn't hold.
    """
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(f"condition must be true or false, got {condition!r}.")
    return sentence if condition else None


def listed(names):
    """Name several as a sentence does: "a, b and c"."""
    names = [str(name) for name in names]
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])


def time_interleaved(functions, *, repeats=7, warmup=1):
    """Time several functions in turn, so that whatever slows the machine slows all of them.

    Each second round goes backwards, so that none of them always follows the same one.

    Parameters
    ----------
    functions : dict of str to callable
        What to time, without arguments.
    repeats : int, default=7
        How many rounds to time.
    warmup : int, default=1
        How many rounds to run before.

    Returns
    -------
    seconds : dict of str to ndarray of shape (repeats,)
        Wall-clock seconds, round by round.
    """
    seconds = {name: [] for name in functions}
    for i in range(warmup + repeats):
        there = functions.items()
        for name, function in there if i % 2 == 0 else reversed(there):
            start = time.perf_counter()
            function()
            elapsed = time.perf_counter() - start
            if i >= warmup:
                seconds[name].append(elapsed)
    return {name: np.array(values) for name, values in seconds.items()}


def median_ratio(numerator, denominator):
    """Summarise ratios of times taken in the same rounds: the median, smallest and largest."""
    ratios = np.asarray(numerator) / np.asarray(denominator)
    return Interval(float(np.median(ratios)), float(ratios.min()), float(ratios.max()))


def machine():
    """Describe the machine and the versions in a few lines of Markdown."""
    installed = [f"python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            installed.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {cores} cores",
        f"OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'unset')}",
        ", ".join(installed),
    ]
    torch = sys.modules.get("torch")
    if torch is not None:
        lines[1] += f", {torch.get_num_threads()} threads in torch"
        if torch.cuda.is_available():
            lines[0] += f", {torch.cuda.get_device_name()}"
    return "\n".join(f"* {line}" for line in lines)


def _processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


class Report:
    """A Markdown report: printed as it grows, and written to a file where one was asked for.

    Parameters
    ----------
    title : str
        The heading.
    out : pathlib.Path or None
        Where :meth:`write` puts it.
    keeps_remarks : bool, default=True
        Whether :meth:`write` keeps remarks that were written into the file by hand. Not where the
        script has remarks of its own, by :func:`remark`.
    """

    def __init__(self, title, out=None, keeps_remarks=True):
        self.out = out
        self.keeps_remarks = keeps_remarks
        self.parts = []
        _MEASURED.clear()
        self.text(f"# {title}")
        self.text(machine())

    def text(self, paragraph):
        """Add a paragraph, or any other Markdown."""
        self.parts.append(paragraph)
        print(paragraph + "\n", flush=True)

    def table(self, columns, rows):
        """Add a table; numbers and intervals come in three digits unless they are strings."""
        cells = [[cell if isinstance(cell, str) else _cell(cell) for cell in row] for row in rows]
        lines = [columns, ["---"] * len(columns), *cells]
        self.text("\n".join("| " + " | ".join(line) + " |" for line in lines))

    def remarks(self, found, title="What these numbers say"):
        """Add those remarks that hold, as a list."""
        lines = [f"* {sentence}" for sentence in found if sentence is not None]
        nothing = "None of the remarks that this script knows is borne out."
        self.text(f"### {title}\n\n" + ("\n".join(lines) or nothing))

    def write(self):
        """Write what was added so far, if a file was named, and keep the remarks it ends in."""
        if self.out is not None:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            old = self.out.read_text() if self.out.is_file() and self.keeps_remarks else ""
            _, marker, remarks = old.partition(REMARKS)
            parts = [*self.parts, *sittings()]
            self.out.write_text("\n\n".join(parts) + "\n" + (marker and "\n") + marker + remarks)


def _cell(value):
    if isinstance(value, int | np.integer):
        return str(value)
    return f"{value:.3g}"

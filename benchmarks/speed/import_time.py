"""What ``import sklatent`` costs beside ``import sklearn``, each in a fresh interpreter."""

import subprocess
import sys

from benchmarks._common import Report, median_ratio, parser, time_interleaved


def importer(statement):
    """Return a function that runs a statement in a new interpreter."""
    return lambda: subprocess.run([sys.executable, "-c", statement], check=True)


def main(argv=None):
    """Time the imports in turn and report their ratios."""
    options = parser(__doc__).parse_args(argv)
    seconds = time_interleaved(
        {
            "nothing": importer("pass"),
            "sklearn": importer("import sklearn"),
            "sklatent": importer("import sklatent"),
            "sklearn, sklatent": importer("import sklearn, sklatent"),
        },
        repeats=3 if options.quick else 21,
    )
    report = Report("Import time", options.out)
    report.text(
        "Seconds for a fresh interpreter to start, run the statement and end: medians over "
        f"{len(seconds['nothing'])} interleaved rounds, and ratios within a round (median, "
        "smallest, largest). The bound is 1.1."
    )
    report.table(
        ["import", "seconds", "over `import sklearn`"],
        [
            [name, f"{sorted(times)[len(times) // 2]:.3f}", median_ratio(times, seconds["sklearn"])]
            for name, times in seconds.items()
        ],
    )
    modules = (
        "import sys, sklatent; print(sum(name.split('.')[0] == 'torch' for name in sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", modules], check=True, capture_output=True, text=True
    ).stdout.strip()
    report.text(f"Modules of torch that `import sklatent` loads: {loaded}.")
    report.write()


if __name__ == "__main__":
    main()

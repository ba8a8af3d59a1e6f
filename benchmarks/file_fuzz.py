"""Damaged and hostile files by the ten thousand: how many are refused, and every fault."""

import sys
import time
import warnings

from benchmarks._common import Report, parser
from tests.persistence.fuzzing import attack


def main():
    """Read the options, and exit with 1 if there was a fault."""
    options = parser(__doc__)
    options.add_argument("--seed", type=int, default=1)
    arguments = options.parse_args()
    n_files = 300 if arguments.quick else 100_000 if arguments.full else 30_000
    report = Report("Damaged and hostile files", arguments.out)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts, faults = attack(n_files, arguments.seed)
    seconds = time.perf_counter() - began
    report.text(f"{n_files} files, seed {arguments.seed}, {seconds:.0f} s: {counts}")
    report.text("\n".join([f"{len(faults)} faults", *map(str, faults)]))
    report.write()
    sys.exit(len(faults) > 0)


if __name__ == "__main__":
    main()

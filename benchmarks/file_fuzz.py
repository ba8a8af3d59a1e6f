"""Hostile files by the ten thousand: ``python -m benchmarks.file_fuzz [N_FILES [SEED]]``."""

import sys
import time
import warnings

from tests.persistence.fuzzing import attack


def main(n_files=30_000, seed=1):
    """Print how many files were refused, and every fault; returns the number of faults."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts, faults = attack(n_files, seed)
    print(f"{n_files} files, seed {seed}, {time.perf_counter() - began:.0f} s: {counts}")
    print(f"{len(faults)} faults")
    for fault in faults:
        print(fault)
    return len(faults)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)

"""Run benchmarks by name, each in a process of its own, and say which of them failed."""

import subprocess
import sys
from itertools import takewhile

from benchmarks import SPEED, scripts


def main():
    """Run what is named, or all that measures speed, and pass the options on."""
    known = scripts()
    names = list(takewhile(lambda word: not word.startswith("-"), sys.argv[1:]))
    options = sys.argv[1 + len(names) :]
    if not names and options in (["-h"], ["--help"]):
        print("python -m benchmarks [NAME ...] [--quick] [--full] [--out PATH]")
        print("NAME: " + ", ".join(known))
        return
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"No benchmark is named {', '.join(unknown)}. There are: {', '.join(known)}.")
    failed = []
    for name in names or SPEED:
        print(f"\n=== {name}", flush=True)
        command = [sys.executable, "-m", known[name], *options]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()

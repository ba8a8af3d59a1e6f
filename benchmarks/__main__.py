"""Run the speed benchmarks, each in a process of its own, and say which of them failed."""

import subprocess
import sys

from benchmarks import SPEED


def main():
    """Pass the command line on to every benchmark."""
    failed = []
    for name in SPEED:
        print(f"\n=== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *sys.argv[1:]]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()

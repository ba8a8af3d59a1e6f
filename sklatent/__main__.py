"""``python -m sklatent FILE`` says what a file holds; ``--versions`` what a bug report needs."""

import argparse
import sys

from sklatent.persistence._card import card, versions


def main(arguments=None):
    """Print cards of files, or versions; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sklatent", description="Say what a file of sklatent holds, and verify it."
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="models, Pipelines, anchors, ...")
    parser.add_argument("--versions", action="store_true", help="print what a bug report needs")
    given = parser.parse_args(arguments)
    if given.versions:
        sys.stdout.write(f"{versions()}\n")
    elif not given.files:
        parser.print_usage()
        return 2
    status = 0
    for path in given.files:
        try:
            sys.stdout.write(f"{card(path)}\n")
        except (ValueError, OSError) as error:
            sys.stderr.write(" ".join(str(error).split()) + "\n")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())

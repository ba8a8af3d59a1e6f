"""Speed beside peers, the papers' tables done again, and spaces held against one another.

``python -m benchmarks NAME [--quick] [--full] [--out PATH]`` runs one script of a room, several one
after the other; without a name, which is ``make bench``, those of `SPEED`.

* ``speed/``: how long things take and how much memory, beside peers.
* ``papers/``: a script for each report, beside it a folder with a file for each table.
* ``spaces/``: the same space from other seeds, starts, rows and labs; alignment beside its rivals.
"""

from pathlib import Path

SPEED = [
    "import_time",
    "training_speed",
    "stacking_speed",
    "search_speed",
    "memory",
    "transform_speed",
    "metrics_speed",
    "alignment_speed",
    "channels_speed",
]
ROOMS = ("speed", "papers", "spaces")


def scripts():
    """Return each script's module by its name, which is its report's too."""
    here = Path(__file__).parent
    folders = {f"{__name__}.{room}": here / room for room in ROOMS} | {__name__: here}
    return {
        path.stem: f"{package}.{path.stem}"
        for package, folder in folders.items()
        for path in sorted(folder.glob("[!_]*.py"))
    }

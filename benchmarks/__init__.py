"""Speed beside peers, and the papers' tables done again.

Each module runs by itself, ``python -m benchmarks.<name> [--quick] [--full] [--out PATH]``.
``python -m benchmarks``, which is ``make bench``, runs those named in `SPEED` one after the other.
"""

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

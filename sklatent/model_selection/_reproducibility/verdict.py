"""What a reader may rely on, in words."""

import numpy as np

from sklatent.model_selection._reproducibility.agreement import LEVELS

# What each level is called, and what it is that a reader may rely on.
MEANINGS = {
    "coordinates": (
        "coordinates",
        "A sample lies at the same numbers in each run: positions may be quoted as they are.",
    ),
    "axes": (
        "axes up to order and sign",
        "A component means the same in each run, once the order and the signs are set.",
    ),
    "rigid": (
        "shape: distances and angles",
        "Distances, angles and clusters are the same in each run, which a RigidAligner translates.",
    ),
    "linear": (
        "shape, up to a linear map",
        "What a linear model reads from all components together is the same in each run, which a "
        "LinearAligner translates.",
    ),
    "neighbors": (
        "neighbours",
        "Who is near a sample is the same in each run, by the share that was asked for.",
    ),
}
_HOLDS = {
    "coordinates": "Coordinates agree",
    "axes": "Axes agree up to order and sign",
    "rigid": "The shape agrees up to a rotation or reflection",
    "linear": "The spaces agree up to a linear map",
    "neighbors": "Neighbours agree, and no map between the runs is good enough",
    "nothing": "Nothing agrees: neither coordinates nor axes, shape or neighbours may be relied on",
}


def sentence(level, table, n_models, n_rows, confidence):
    told = f", in {n_models} runs on {n_rows:,} rows."
    by_level = {row["level"]: row for row in table}
    near = next((row for row in table if row["value"] >= row["asked"]), None)
    if level == "nothing" and near is not None:
        return (
            f"Too uncertain to rely on anything: in these runs {MEANINGS[near['level']][0]} agree "
            f"({_short(near['value'])}), but the {confidence:.0%} interval for others reaches down "
            f"to {_short(near['low'])}. Train more runs, or find the one that differs{told}"
        )
    if level == "nothing":
        linear, near = by_level["linear"], by_level["neighbors"]
        return (
            f"{_HOLDS[level]} (R² {linear['value']:.2f} of the best linear map, "
            f"{near['value']:.0%} of neighbours in common){told}"
        )
    row = by_level[level]
    if level == "neighbors":
        figures = (
            f"{row['value']:.0%} of the nearest are the same ({confidence:.0%} interval "
            f"{row['low']:.0%} to {row['high']:.0%}; by chance {row['floor']:.0%})"
        )
    else:
        figures = (
            f"R² {_short(row['value'])} ({confidence:.0%} interval {_short(row['low'])} to "
            f"{_short(row['high'])}; by chance {_short(row['floor'])})"
        )
    before = LEVELS[LEVELS.index(level) - 1] if level != "coordinates" else None
    but = ""
    if before is not None and level != "neighbors":
        failed = by_level[before]
        name = MEANINGS[before][0]
        but = f"; {name} do not (R² {_short(failed['value'])})"
        if failed["value"] >= failed["asked"]:
            doubt = f"the interval reaches down to {_short(failed['low'])}"
            if failed["low"] >= failed["asked"]:
                doubt = f"chance reaches {_short(failed['floor'])}"
            but = f"; {name} may (R² {_short(failed['value'])}), but {doubt}"
    return f"{_HOLDS[level]}: {figures}{but}{told}"


def _short(value):
    """Two places, and never a one that isn't."""
    text = f"{value:.2f}" if value < 0.99 else f"{np.floor(value * 1000) / 1000:.3f}"
    text = text if value > -1000 else f"{value:.1e}"
    return text.replace("-", "\N{MINUS SIGN}")

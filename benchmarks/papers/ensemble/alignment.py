"""Figures 2 and 6: how alike members are."""

import numpy as np

from benchmarks._common import remark
from benchmarks.papers.ensemble.measures import (
    EQUIVALENCE,
    apart,
    equivalence_row,
    is_ensemble,
)


def course(report, found):
    """How alike models are as their training goes on."""
    report.text(
        "## Figures 2 and 6: alignment during training\n\nRaw DtO is of the learned maps for an "
        "ensemble, of the least-squares maps between means for separate models, smaller is more "
        "alike. What cannot be faked by shrinking or by passive components is to its right: a DtO "
        "near its floor or near that of random rotations says that nothing is aligned, and R2 by a "
        "signed permutation must come near R2 by a linear map."
    )
    rows = [
        [name, epochs, *equivalence_row(results)]
        for name, result in found.items()
        for epochs, results in result["course"].items()
    ]
    report.table(["model", "epochs", *EQUIVALENCE.values()], rows)


def beside(difference):
    """Say on which side of another's a number is, by the interval of their paired difference."""
    if difference.above():
        return "above"
    return "below" if difference.below() else "not distinguishable from"


def verdicts(report, found):
    """Say in words what the last epoch shows, whichever way it went."""
    last = {name: max(result["course"].items())[1] for name, result in found.items()}
    names = list(EQUIVALENCE)
    rows = {name: dict(zip(names, equivalence_row(r), strict=True)) for name, r in last.items()}
    lines = []
    for name, row in rows.items():
        yardstick = min(row["floor"].middle, row["rotated"].middle)
        shared = "are" if row["distance"].high < yardstick else "are not"
        line = (
            f"* {name}: axes {shared} shown to be shared (DtO on active components "
            f"{row['distance']:.2f}, yardstick {yardstick:.2f})"
        )
        if name != "VAE":
            words = {
                key: beside(apart(last[name], last["VAE"], key))
                for key in ("linear", "permutation", "raw")
            }
            line += (
                f"; beside separate VAEs R2 of a linear map is {words['linear']} theirs, of a "
                f"signed permutation {words['permutation']} theirs, raw DtO {words['raw']} theirs"
            )
        lines.append(line + ".")
    report.text("## What holds, at the last epoch\n\n" + "\n".join(lines))


def remarks_on_terms(found):
    """What each of the ensemble's terms brings to the members' alignment."""
    last = {name: max(result["course"].items())[1] for name, result in found.items()}
    whole = next(name for name in found if is_ensemble(name))
    mean = {name: np.mean([r["linear"] for r in results]) for name, results in last.items()}
    gain = mean[whole] - mean["VAE"]
    parts = {
        told: (mean[name] - mean["VAE"]) / gain
        for told, name in (
            ("the linear term", "of 2, no cross-reconstruction"),
            ("cross-reconstruction", "of 2, no linear transformation"),
        )
    }
    shares = " and ".join(f"{told} {share:.0%}" for told, share in parts.items())
    yield remark(
        bool(gain > 0 and min(parts.values()) > 0.8),
        "Either of the ensemble's terms alone brings nearly all of what both bring to R2 of a "
        f"linear map: {shares}.",
    )
    yield remark(
        bool(gain > 0 and min(parts.values()) <= 0.8),
        f"Of what both terms bring to R2 of a linear map, one alone brings: {shares}.",
    )

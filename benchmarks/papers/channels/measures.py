"""Hotspots by VI beside hotspots by NMI (figure 10)."""

import numpy as np

from benchmarks._common import listed, paired, remark
from benchmarks.papers.channels.many import (
    hotspots_by_size,
    in_one,
    mostly_informative,
)
from benchmarks.papers.channels.settings import objective
from benchmarks.papers.channels.structure import over_ensembles, shares

COLUMNS = [
    "model",
    "models in an ensemble",
    "ensembles",
    "share in hotspots, NMI",
    "VI",
    "NMI less VI",
    "shuffled, NMI",
    "VI",
    "share grouped by OPTICS, NMI",
    "VI",
    "hotspots, NMI",
    "VI",
    "ensembles with all in one, NMI",
    "VI",
]


def compared_sizes(scale):
    """Of the sizes of which there are several ensembles, return the smallest and the last two."""
    several = [size for size in scale.sizes if 2 * size <= scale.sizes[-1]]
    return sorted({several[0], *several[-2:]})


def nmi_beside_vi(report, many, by_nmi, scale):
    """Hold the hotspots by the two measures against each other, ensemble by ensemble."""
    sizes = compared_sizes(scale)
    rows, leads = [], {}
    for name, channels in many.items():
        found = {"nmi": by_nmi[name], "vi": hotspots_by_size(channels, scale, sizes, "vi")}
        null = {kind: hotspots_by_size(channels, scale, sizes, kind, True) for kind in found}
        for size in sizes:
            each = [found[kind][size] for kind in found]
            (nmi, vi), optics = np.transpose([[shares(h) for h in hs] for hs in each], (2, 0, 1))
            leads[name, size] = nmi, vi
            chance = [np.mean([shares(h)[0] for h in null[kind][size]]) for kind in found]
            rows.append(
                [
                    name,
                    size,
                    len(nmi),
                    *map(over_ensembles, (nmi, vi, nmi - vi)),
                    *(f"{share:.2f}" for share in chance),
                    *(f"{share:.2f}" for share in optics.mean(axis=1)),
                    *(over_ensembles([len(h.representatives_) for h in hs]) for hs in each),
                    *(sum(map(in_one, hs)) for hs in each),
                ]
            )
    report.text(
        "## Structure by NMI and by VI (figure 10)\n\nThe same channels, grouped by -log NMI and "
        f"by VI in bits. One ensemble of {scale.sizes[-1]} models of each setting, cut into "
        "disjoint ones; min_samples is two fifths of the models, 20 of 50 as published. Shares are "
        "of informative channels, in hotspots (as above, each measure against its own null) and in "
        "any group of OPTICS, which is what the paper draws. Intervals, and the difference, are "
        "over the ensembles, where there are three or more. Where one group holds all channels, "
        "nothing is told apart, although the share is 1. The paper: NMI finds structure at beta 4 "
        "and 8 that VI doesn't, and both find alike where fragments have settled, at greater "
        "beta. By pixels, its beta 8 is 0.5 here."
    )
    report.table(COLUMNS, rows)
    return leads, {name: mostly_informative(found) for name, found in by_nmi.items()}


def remarks_on_measures_of_structure(found):
    """Where NMI finds more than VI, and whether that depends on beta."""
    leads, informative = found
    sizes = sorted({size for _, size in leads})
    for size in sizes:
        more = {name: paired(*leads[name, size]) for name in informative}
        if not all(len(leads[name, size][0]) > 2 for name in informative):
            continue
        for words, those in (
            ("NMI puts more channels in hotspots than VI", [n for n in more if more[n].above()]),
            ("VI puts more channels in hotspots than NMI", [n for n in more if more[n].below()]),
            (
                "NMI and VI are not told apart by the share in hotspots",
                [n for n in more if more[n].holds()],
            ),
        ):
            cells = listed(
                f"{n} ({more[n]}" + ", few channels informative" * (not informative[n]) + ")"
                for n in those
            )
            yield remark(
                bool(those),
                f"In ensembles of {size} models {words}: {cells}.",
            )
        for group in dict.fromkeys(map(objective, more)):
            low, *_, high = [name for name in more if objective(name) == group] * 2
            if low == high:
                continue
            # Ensembles share their seeds between settings.
            change = paired(*(np.subtract(*leads[name, size]) for name in (high, low)))
            words = f"{size} models: from {low} to {high} NMI's lead over VI changes by {change}"
            yield remark(change.below(), f"{words}: VI lags at low beta.")
            yield remark(change.not_below(), f"{words}: not shown to be one of low beta.")

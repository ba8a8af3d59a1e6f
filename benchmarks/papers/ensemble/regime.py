"""Figure 3: the polarised regime."""

import numpy as np

from benchmarks._common import over_seeds


def regime(report, found):
    """How many components are active and passive, and how much that differs between models."""
    report.text(
        "## Figure 3: the polarised regime\n\nLog relative error per component, sorted: at most -1 "
        "counts as clearly active, at least 0 as passive. The last column is the mean absolute "
        "difference between members' sorted values (for single models, between seeds)."
    )
    rows = []
    for name, result in found.items():
        first = np.array([regimes[0] for regimes in result["regime"]])
        if len(result["regime"][0]) > 1:
            apart = [np.mean(np.abs(np.subtract(*r[:2]))) for r in result["regime"]]
        else:
            apart = np.mean(np.abs(first - np.roll(first, -1, axis=0)), axis=1)
        active, passive = (first < -1).sum(axis=1), (first > 0).sum(axis=1)
        rows.append([name, *map(over_seeds, (active, passive, apart))])
    report.table(["model", "active", "passive", "difference"], rows)

"""What hotspots know, and two objectives channel by channel (figure 4b)."""

import numpy as np

from sklatent.channels import (
    channel_similarity,
)

FACTORS = ["shape", "scale", "orientation", "x", "y"]


def groups_and_factors(report, found, known, which="The first ensemble of each"):
    """Say what the first ensemble's hotspots know."""
    rows = []
    for name, hotspots in found.items():
        similarity = hotspots[0].factor_similarity(known)
        for group, row in enumerate(similarity):
            size = (hotspots[0].labels_ == group).sum()
            rows.append([name, f"{group} ({size})", hotspots[0].group_similarity_[group], *row])
    report.text(
        f"### What the hotspots know\n\n{which}: NMI within the group, and mean "
        "NMI of its channels with each factor as a hard clustering. Factors with many values "
        "cannot reach 1, since a channel of few bits cannot tell all of them."
    )
    report.table(["model", "hotspot (channels)", "NMI within", *FACTORS], rows)


def two_objectives(report, found, channels):
    """Compare two objectives channel by channel (figure 4b)."""
    names = [name for name in found if name.endswith("beta 6")]
    a, b = (found[name][0] for name in names)
    cross = channel_similarity(channels[names[0]][0], channels[names[1]][0])
    null = channel_similarity(channels[names[0]][0].shuffled(0), channels[names[1]][0].shuffled(1))
    rows = []
    for group in range(len(a.representatives_)):
        to_groups = [
            np.nanmean(cross[np.ix_(a.labels_ == group, b.labels_ == other)])
            for other in range(len(b.representatives_))
        ]
        best = int(np.argmax(to_groups)) if to_groups else -1
        rows.append(
            [
                str(group),
                a.group_similarity_[group],
                f"{best}: {to_groups[best]:.2f}" if to_groups else "none",
                b.group_similarity_[best] if to_groups else float("nan"),
            ]
        )
    report.text(
        f"## Two objectives, channel by channel (figure 4b)\n\nHotspots of the {names[0]} and the "
        f"hotspot of the {names[1]} that they are most similar to: mean NMI between the channels "
        "of the two groups. A fragment that both objectives find has as much between the "
        "objectives as within. "
        f"Mean NMI of shuffled channels: {np.nanmean(null):.2f}."
    )
    report.table(["hotspot", "NMI within it", "most similar, NMI", "NMI within that"], rows)

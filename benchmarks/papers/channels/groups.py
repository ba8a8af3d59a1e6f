"""What hotspots know, and two objectives channel by channel (figure 4b)."""

import numpy as np

from benchmarks._common import listed, remark
from benchmarks.papers.channels.enough import found_again, fragments
from benchmarks.papers.channels.resampling import over_models
from benchmarks.papers.channels.structure import over_ensembles
from sklatent.channels import (
    channel_similarity,
)

FACTORS = ["shape", "scale", "orientation", "x", "y"]


def groups_and_factors(report, found, known, which="The first ensemble of each"):
    """Say what the first ensemble's hotspots know."""
    rows = []
    for name, (hotspots, *_) in found.items():
        similarity = hotspots.channel_factor_similarity(known)
        for group, within in enumerate(hotspots.group_similarity_):
            own = hotspots.labels_ == group
            models, by_factor = hotspots.fingerprints_.model[own], similarity[own]
            cells = [
                over_models(models, lambda some, f=f, of=by_factor: of[some, f].mean())
                for f in range(len(FACTORS))
            ]
            rows.append([name, f"{group} ({own.sum()})", within, *cells])
    report.text(
        f"### What the hotspots know\n\n{which}: NMI within the group, and mean "
        "NMI of its channels with each factor as a hard clustering. Factors with many values "
        "cannot reach 1, since a channel of few bits cannot tell all of them. Intervals are by the "
        "bootstrap over the models that the group has channels of: how well such channels know "
        "the factor, the group as found."
    )
    report.table(["model", "hotspot (channels)", "NMI within", *FACTORS], rows)


def best_of_hotspots(report, found, known):
    """Say how much of each factor an ensemble's best hotspot knows, over ensembles."""
    best = {}
    for name, hotspots in found.items():
        each = [h.factor_similarity(known) for h in hotspots]
        best[name] = np.array([of.max(axis=0) if len(of) else [0.0] * len(FACTORS) for of in each])
    report.text(
        "### Whether every ensemble finds them\n\nOf each factor the NMI of that hotspot of an "
        "ensemble which knows most of it, 0 where there is none, over ensembles."
    )
    report.table(
        ["model", "ensembles", *FACTORS],
        [[name, len(of), *map(over_ensembles, of.T)] for name, of in best.items()],
    )
    return {
        name: {factor: over_ensembles(of.T[f]) for f, factor in enumerate(FACTORS)}
        for name, of in best.items()
    }


def remarks_on_fragments(best):
    """Which factors' fragments are found again and again: more of them than of shape."""
    for name, by_factor in best.items():
        if isinstance(by_factor["shape"], str):  # too few ensembles for an interval
            continue
        known = [f for f in FACTORS if by_factor[f].above(by_factor["shape"].high)]
        told = listed(f"{factor} {by_factor[factor]}" for factor in known)
        yield remark(
            bool(known),
            f"{name}: an ensemble's best hotspot knows more of {told} than of shape "
            f"({by_factor['shape']}).",
        )


# Figure 4b's is at the same beta; at that the beta-VAE of this size has collapsed.
PAIRS = (("beta-VAE, beta 6", "beta-TCVAE, beta 6"), ("beta-VAE, beta 2", "beta-TCVAE, beta 6"))


def two_objectives(report, found, ensembles):
    """Compare objectives channel by channel (figure 4b), an ensemble of one with one of another."""
    rows, again = [], {}
    for pair in PAIRS:
        nearest, both = [], []
        for one, other, a, b in zip(
            *(found[name] for name in pair), *(ensembles[name] for name in pair), strict=True
        ):
            between = channel_similarity(a, b)
            groups = [fragments(h.labels_, h.similarity_) for h in (one, other)]
            both.append(found_again(*groups, between))
            nearest += nearest_groups(*groups, between)
        within = [of_one_objective(found[name], ensembles[name]) for name in pair]
        shares = [over_ensembles([n / of for n, of in counts if of]) for counts in (both, *within)]
        again[pair] = shares
        rows.append(
            [
                " and ".join(pair),
                len(both),
                *map(over_ensembles, np.reshape(nearest, (-1, 3)).T),
                *shares,
            ]
        )
    null = channel_similarity(*(ensembles[name][0].shuffled(k) for k, name in enumerate(PAIRS[0])))
    report.text(
        "## Two objectives, channel by channel (figure 4b)\n\nAn ensemble of one objective beside "
        "one of the other: of each hotspot of the first that hotspot of the second which it is "
        "most similar to, by the mean NMI between the channels of the two, and the NMI within "
        "each; means over an ensemble's hotspots, then over pairs of ensembles where both have "
        "any. A fragment that both objectives find has as much between the objectives as within. "
        "Found again: as below, each the other's most similar one and the NMI between nine tenths "
        "of that within; the share of an ensemble's hotspots that are so, between objectives and "
        "between two ensembles of one. "
        f"Mean NMI of shuffled channels: {np.nanmean(null):.2f}."
    )
    report.table(
        [
            "the first and the second",
            "pairs",
            "NMI between",
            "NMI within the first",
            "within the second",
            "found again, between objectives",
            "two ensembles of the first",
            "two of the second",
        ],
        rows,
    )
    return again


def nearest_groups(ours, theirs, between):
    """Return the means of NMI between nearest hotspots, within ours and within those; or none."""
    (a, within_a), (b, within_b) = ours, theirs
    if not a or not b:
        return []
    means = np.array([[between[np.ix_(p, q)].mean() for q in b] for p in a])
    best = means.argmax(axis=1)
    return [(means.max(axis=1).mean(), within_a.mean(), within_b[best].mean())]


def of_one_objective(hotspots, ensembles):
    """Count what is found again of disjoint ensembles of one objective, pair by pair."""
    groups = [fragments(h.labels_, h.similarity_) for h in hotspots]
    return [
        found_again(groups[k], groups[k + 1], channel_similarity(ensembles[k], ensembles[k + 1]))
        for k in range(0, len(groups) - 1, 2)
    ]


def remarks_on_objectives(again):
    """Whether two objectives share fragments, and fewer than two ensembles of one."""
    for (first, second), shares in again.items():
        if any(isinstance(share, str) for share in shares):
            continue
        between, *within = shares
        words = (
            f"{first} and {second}: {between:.2f} of the hotspots are found by both, "
            f"{within[0]:.2f} and {within[1]:.2f} by two ensembles of one objective"
        )
        least = min(within, key=lambda share: share.middle)
        yield remark(between.below(least.low), f"{words}: some fragments are one objective's own.")
        yield remark(not between.below(least.low), f"{words}: not told apart.")

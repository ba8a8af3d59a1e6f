"""Hotspots of ensembles beside those of shuffled channels."""

from itertools import pairwise

import numpy as np

from benchmarks._common import listed, over_seeds, paired, remark
from benchmarks.papers.channels.settings import min_samples_of, objective
from sklatent.channels import (
    ChannelHotspots,
)


def hotspots_of(channels, scale, seed=0, n_models=None, metric="nmi"):
    """Find the groups that exceed the null, of as many models as the scale has by default."""
    hotspots = ChannelHotspots(
        metric=metric,
        min_samples=min_samples_of(n_models or scale.n_models),
        n_shuffles=scale.n_shuffles,
        random_state=seed,
    )
    return hotspots.fit(channels)


def shares(hotspots):
    """Return the shares of informative channels in groups that count, and in any of OPTICS."""
    informative = ~np.isnan(np.diagonal(hotspots.similarity_))
    if not informative.any():
        return 0.0, 0.0
    return tuple(
        float((labels[informative] >= 0).mean())
        for labels in (hotspots.labels_, hotspots.optics_labels_)
    )


def mean_of(values):
    """Return the mean in two digits, or that there is none."""
    return f"{np.mean(values):.2f}" if len(values) else "none"


def over_ensembles(values):
    """Summarise one number for each ensemble: with an interval where there are three or more."""
    if not len(values):
        return "none"
    return over_seeds(values) if len(values) > 2 else f"{np.mean(values):.3g}"


def structure_of(ensembles, scale):
    """Find the hotspots of some ensembles, and what is said of each and of its channels shuffled.

    Returns
    -------
    found : list of ChannelHotspots
        One for each ensemble.
    numbers : dict of str to list
        One number for each ensemble.
    """
    found = [hotspots_of(channels, scale) for channels in ensembles]
    # The same analysis, null and all, of channels that share nothing.
    null = [
        shares(hotspots_of(channels.shuffled(100 + k), scale, seed=k))
        for k, channels in enumerate(ensembles)
    ]
    informative = [int((h.information_ >= h.min_information).sum()) for h in found]
    bits = [float(h.information_[h.information_ >= h.min_information].sum()) for h in found]
    counted, optics = np.transpose([shares(h) for h in found])
    null_counted, null_optics = np.transpose(null)
    return found, {
        "channels": [len(channels) for channels in ensembles],
        "informative": informative,
        "bits": np.divide(bits, np.maximum(informative, 1)),
        "real": counted,
        "null": null_counted,
        "optics": optics,
        "null, optics": null_optics,
        "groups": [len(h.representatives_) for h in found],
        "within": [
            float(h.group_similarity_.mean()) if h.group_similarity_.size else None for h in found
        ],
        "null similarity": [
            float(h.null_similarity_) if np.isfinite(h.null_similarity_) else None for h in found
        ],
    }


def structure_row(name, numbers):
    """Summarise over ensembles what `structure_of` found."""
    within, chance = (
        [value for value in numbers[key] if value is not None]
        for key in ("within", "null similarity")
    )
    return [
        name,
        f"{np.mean(numbers['informative']):.0f} of {numbers['channels'][0]}",
        over_seeds(numbers["bits"]),
        over_seeds(numbers["real"]),
        over_ensembles(numbers["null"]),
        paired(numbers["real"], numbers["null"]),
        f"{np.mean(numbers['optics']):.2f}",
        f"{np.mean(numbers['null, optics']):.2f}",
        over_ensembles(numbers["groups"]),
        over_ensembles(within) if within else "none",
        mean_of(chance),
    ]


STRUCTURE_COLUMNS = [
    "model",
    "informative channels",
    "bits of each",
    "share in hotspots",
    "the same, shuffled",
    "more than shuffled",
    "share grouped by OPTICS",
    "the same, shuffled",
    "hotspots",
    "mean NMI within",
    "null's 99th percentile",
]
STRUCTURE_TEXT = (
    "The share of informative channels (at least 0.01 bits) that lie in hotspots: groups of OPTICS "
    "whose mean NMI exceeds the 99th percentile of the NMI within groups of shuffled channels, and "
    "which are tighter than random sets of as many channels of equal information. "
    "Means over {n_ensembles} ensembles of {n_models} models each, with 95 percent intervals over "
    "ensembles (Student's t); the shuffled columns repeat the whole analysis, null and all, on "
    "channels that share nothing. min_samples is {min_samples}, fingerprints are of {n_samples} "
    "samples."
)


def of_the_same_seeds(some, others):
    """Leave out those of the longer list that the shorter has not."""
    return zip(*zip(some, others, strict=False), strict=True)


def remarks_on_structure(structure):
    """Shares of channels in hotspots: against the null, and over beta within an objective."""
    real = np.concatenate([each["real"] for each in structure.values()])
    null = np.concatenate([each["null"] for each in structure.values()])
    optics = [float(np.mean(each["optics"])) for each in structure.values()]
    yield remark(
        bool(real.min() > null.max()),
        f"Every share of channels in hotspots ({real.min():.2f} or more) is above every one of "
        f"shuffled channels ({null.max():.2f} or less), of which OPTICS alone groups "
        f"{min(optics):.2f} to {max(optics):.2f}.",
    )
    more = {name: paired(each["real"], each["null"]) for name, each in structure.items()}
    told = [name for name in more if more[name].above()]
    cells = listed(f"{name} ({more[name]})" for name in told)
    yield remark(
        bool(told), f"More of the channels are in hotspots than of shuffled ones: {cells}."
    )
    cells = listed(f"{name} ({more[name]})" for name in more if more[name].not_above())
    yield remark(bool(cells), f"That more are than of shuffled ones is not shown: {cells}.")
    names = list(structure)
    for first, last in pairwise(names):
        if objective(first) != objective(last):
            continue
        more = paired(*of_the_same_seeds(structure[last]["real"], structure[first]["real"]))
        yield remark(
            more.clear(),
            f"From {first} to {last} the share in hotspots changes by {more}.",
        )
        yield remark(
            more.holds(),
            f"From {first} to {last} the share in hotspots changes by {more}: the ensembles "
            "do not tell.",
        )

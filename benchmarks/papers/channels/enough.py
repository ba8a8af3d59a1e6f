"""How many models an ensemble needs, and whether others find the same hotspots."""

from itertools import pairwise

import numpy as np
from sklearn.cluster import OPTICS

from benchmarks._common import over_seeds, paired, remark
from benchmarks.papers.channels.many import in_one, mostly_informative, parts
from benchmarks.papers.channels.settings import min_samples_of, objective
from benchmarks.papers.channels.structure import mean_of, over_ensembles, shares
from sklatent.channels import channel_similarity

# OPTICS begins a group where reachability falls by this share from one channel to the next.
STEEPNESSES = (0.05, 0.02, 0.01)
# The mean NMI between two groups that count as one fragment, in parts of that within them.
AS_MUCH = 0.9


def fragments(labels, similarity):
    """Return each group's channels, and the mean NMI between them."""
    groups = [np.flatnonzero(labels == g) for g in range(np.max(labels, initial=-1) + 1)]
    within = []
    for group in groups:
        inside = similarity[np.ix_(group, group)]
        n_pairs = len(group) * (len(group) - 1)
        within.append((inside.sum() - np.trace(inside)) / n_pairs)
    return groups, np.array(within)


def found_again(ours, theirs, between_channels):
    """Say how many groups of two disjoint ensembles are one fragment, and of how many.

    Two are, if each is the other's most similar one and the mean NMI between them is nearly that
    within them.
    """
    (a, within_a), (b, within_b) = ours, theirs
    n = len(a) + len(b)
    if not a or not b:
        return 0, n
    between = np.array([[between_channels[np.ix_(p, q)].mean() for q in b] for p in a])
    enough = between >= AS_MUCH * np.sqrt(np.outer(within_a, within_b))
    best, back = between.argmax(axis=1), between.argmax(axis=0)
    return 2 * sum(bool(enough[i, j] and back[j] == i) for i, j in enumerate(best)), n


def counts_in_pairs(channels, size, found):
    """Count over pairs of disjoint ensembles, pair by pair."""
    pieces = parts(channels, size)
    return [
        found_again(found[k], found[k + 1], channel_similarity(pieces[k], pieces[k + 1]))
        for k in range(0, len(found) - 1, 2)
    ]


def again_in_pairs(channels, size, found):
    """Count over pairs of disjoint ensembles; None where there is one only."""
    return in_all(counts_in_pairs(channels, size, found))


def in_all(counts):
    """Add up what pairs have found again, and of how many; None where there is no pair."""
    return tuple(int(n) for n in np.sum(counts, axis=0)) if counts else None


def by_pair(counts):
    """Summarise the share found again over pairs of ensembles, where there are three or more."""
    shares = [found / n for found, n in counts if n]
    return over_seeds(shares) if len(shares) > 2 else ""


def kept_together(labels, labels_of_more):
    """Return the share of pairs in one group by either analysis that are so by both."""
    first, second = (
        (each[:, None] == each) & (each[:, None] >= 0) & ~np.eye(len(each), dtype=bool)
        for each in (np.asarray(labels), np.asarray(labels_of_more))
    )
    either = int((first | second).sum())
    return float((first & second).sum() / either) if either else float("nan")


def of_all(counts):
    """Print a count of how many."""
    return "" if counts is None else f"{counts[0]} of {counts[1]}"


def number_of_models(report, many, by_size):
    """Show structure over the number of models, of disjoint ensembles."""
    rows, again, share = [], {}, {}
    for name, found in by_size.items():
        for size, each in found.items():
            counts = counts_in_pairs(
                many[name], size, [fragments(h.labels_, h.similarity_) for h in each]
            )
            again[name, size] = in_all(counts)
            share[name, size] = [shares(h)[0] for h in each]
            # Two ensembles are one of twice as many models.
            together = [
                kept_together(h.labels_, more.labels_[part * len(h.labels_) :][: len(h.labels_)])
                for k, more in enumerate(found.get(2 * size, []))
                for part, h in enumerate(each[2 * k : 2 * k + 2])
            ]
            together = [value for value in together if not np.isnan(value)]
            rows.append(
                [
                    name,
                    size,
                    len(each),
                    min_samples_of(size),
                    over_ensembles(share[name, size]),
                    over_ensembles([len(h.representatives_) for h in each]),
                    mean_of([h.group_similarity_.mean() for h in each if h.group_similarity_.size]),
                    sum(map(in_one, each)),
                    of_all(again[name, size]),
                    by_pair(counts),
                    over_ensembles(together) if together else "",
                ]
            )
    report.text(
        "## How many models are enough? (section 5)\n\nDisjoint ensembles of several sizes out of "
        "one, and what they find by NMI. Hotspots of two ensembles that share no model are one "
        "fragment, found again, if each is the other's most similar one and the mean NMI between "
        f"them is {AS_MUCH:g} or more of that within them; ensembles are taken in pairs. Kept "
        "together: of the pairs of channels that are in one hotspot, before or after as many "
        "models are added, the share that is both times. The paper: 50 models are sufficient."
    )
    report.table(
        [
            "model",
            "models in an ensemble",
            "ensembles",
            "min_samples",
            "share in hotspots",
            "hotspots",
            "mean NMI within",
            "ensembles with all in one",
            "found again",
            "share of them, over pairs",
            "kept together",
        ],
        rows,
    )
    return again, share


def groups_at(hotspots, xi):
    """Return OPTICS's label of each channel, one group of everything counting as none."""
    labels = np.full_like(hotspots.labels_, -1)
    informative = np.flatnonzero(~np.isnan(np.diagonal(hotspots.similarity_)))
    if len(informative) < hotspots.min_samples:
        return labels
    similarity = hotspots.similarity_[np.ix_(informative, informative)]
    optics = OPTICS(metric="precomputed", min_samples=hotspots.min_samples, xi=xi)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = optics.fit(np.maximum(-np.log(np.maximum(similarity, 1e-4)), 0.0)).labels_
    if found.any():  # not all of them in group 0
        labels[informative] = found
    return labels


def steepness(report, many, by_size):
    """Count the groups of OPTICS, and those found again, at several steepnesses."""
    rows, counted, again = [], {}, {}
    for name, found in by_size.items():
        for size, each in found.items():
            cells = []
            for xi in STEEPNESSES:
                labels = [groups_at(h, xi) for h in each]
                key = name, size, xi
                counted[key] = float(np.mean([each.max(initial=-1) + 1 for each in labels]))
                informative = [(~np.isnan(np.diagonal(h.similarity_))).sum() for h in each]
                share = [(own >= 0).sum() for own in labels] / np.maximum(informative, 1)
                again[key] = again_in_pairs(
                    many[name],
                    size,
                    [fragments(own, h.similarity_) for own, h in zip(labels, each, strict=True)],
                )
                cells += [f"{counted[key]:.1f} ({share.mean():.2f})", of_all(again[key])]
            rows.append([name, size, *cells])
    report.text(
        "### The steepness that OPTICS asks for\n\nOPTICS begins a group where reachability falls "
        "by a share xi from one channel to the next, 0.05 by default and in the paper. The more "
        "channels there are, the smaller are the steps. Mean number of groups, those of all "
        "channels left out, the share of informative channels in them, and how many are found "
        "again; not held against chance."
    )
    columns = [word for xi in STEEPNESSES for word in (f"groups at xi {xi:g}", "found again")]
    report.table(["model", "models in an ensemble", *columns], rows)
    return counted, again


def remarks_on_number(of_number, of_steepness, by_size):
    """Whether other models find the same, how many it takes, and what more of them change."""
    again, share = of_number
    counted, again_at = of_steepness
    names = [name for name in by_size if mostly_informative(by_size[name])]
    for name in names:
        sizes = [size for size in by_size[name] if again[name, size] and again[name, size][1]]
        if not sizes:
            continue
        told = "; ".join(f"{size} models {of_all(again[name, size])}" for size in sizes)
        nine = [size for size in sizes if again[name, size][0] >= 0.9 * again[name, size][1]]
        words = f"{name}: hotspots that as many other models find again: {told}."
        yield remark(bool(nine), f"{words} Nine in ten with {', '.join(map(str, nine))}.")
        yield remark(not nine, f"{words} Nowhere nine in ten.")
        last, half, xi, low = max(by_size[name]), sizes[-1], STEEPNESSES[0], STEEPNESSES[-1]
        fewer = counted[name, last, xi] < counted[name, half, xi]
        yield remark(
            bool(fewer and counted[name, last, low] > counted[name, last, xi]),
            f"{name}: OPTICS as published tells {counted[name, last, xi]:.1f} groups apart of "
            f"{last} models, fewer than of {half} ({counted[name, half, xi]:.1f}), and at xi "
            f"{low:g} {counted[name, last, low]:.1f} and {counted[name, half, low]:.1f}: the steps "
            "are too small, the groups are there.",
        )
        told = "; ".join(f"{size} models {of_all(again_at[name, size, low])}" for size in sizes)
        yield remark(
            bool(again_at[name, half, low][0] > again[name, half][0]),
            f"{name}: at xi {low:g} more are found again with {half} models: {told}.",
        )
    for low, high in pairwise(names):
        if objective(low) != objective(high):
            continue
        for size in by_size[low]:
            if len(share[low, size]) < 3:
                continue
            # Ensembles share their seeds between settings.
            more = paired(share[high, size], share[low, size])
            words = f"{size} models: from {low} to {high} the share in hotspots changes by {more}"
            yield remark(more.clear(), f"{words}.")
            yield remark(more.holds(), f"{words}: not told.")

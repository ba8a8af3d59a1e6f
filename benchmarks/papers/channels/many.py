"""One larger ensemble of each setting, cut into disjoint ones of several sizes."""

import numpy as np

from benchmarks.papers.channels.structure import hotspots_of


def parts(channels, size):
    """Cut an ensemble into disjoint ones of so many models, in order."""
    starts = range(0, channels.model.max() + 2 - size, size)
    return [
        channels[np.flatnonzero((channels.model >= start) & (channels.model < start + size))]
        for start in starts
    ]


def hotspots_by_size(channels, scale, sizes=None, metric="nmi", shuffled=False):
    """Find the hotspots of each of the disjoint ensembles, by their size.

    Shuffled channels share nothing: the same analysis of them, null and all.
    """
    return {
        size: [
            hotspots_of(part.shuffled(100 + k) if shuffled else part, scale, k, size, metric)
            for k, part in enumerate(parts(channels, size))
        ]
        for size in sizes or scale.sizes
    }


def in_one(hotspots):
    """Whether one hotspot holds all that is informative, so that nothing is told apart."""
    informative = ~np.isnan(np.diagonal(hotspots.similarity_))
    return len(hotspots.representatives_) == 1 and bool((hotspots.labels_[informative] == 0).all())


def mostly_informative(by_size):
    """Whether half of the channels say anything: where few do, few ways are left to differ."""
    (everything,) = by_size[max(by_size)]
    return bool(np.mean(everything.information_ >= everything.min_information) >= 0.5)

"""The papers' start beside our defaults, by which trainings begin alike."""

import numpy as np

from benchmarks._common import listed, over_seeds, remark
from benchmarks.papers.channels.ranking import KINDS, udr_of
from benchmarks.papers.channels.structure import mean_of, over_ensembles, structure_of

PAPER = "the paper's"


def our_start(report, ensembles_of, scale):
    """Show structure and UDR of ensembles from both starts.

    Parameters
    ----------
    report : Report
        Where the table goes.
    ensembles_of : dict of (str, str) to list of ChannelFingerprints
        The ensembles of each setting and start.
    scale : Scale
        What an ensemble has.

    Returns
    -------
    measured : dict of (str, str) to dict
        By setting and start: the numbers of each ensemble.
    """
    rows, measured = [], {}
    for (name, start), ensembles in sorted(ensembles_of.items(), key=lambda item: item[0][0]):
        found, numbers = structure_of(ensembles, scale)
        numbers["udr"] = {
            kind: [np.mean(udr_of(each, scale.n_models, kind)) for each in ensembles]
            for kind in KINDS
        }
        # A component of every model: what is one group if trainings end where they began.
        numbers["whole"] = [
            sum(len(np.unique(h.fingerprints_.model[h.labels_ == g])) == scale.n_models
                for g in range(len(h.representatives_)))
            for h in found
        ]  # fmt: skip
        measured[name, start] = numbers
        rows.append(
            [
                name,
                start,
                f"{np.mean(numbers['informative']):.0f} of {numbers['channels'][0]}",
                over_ensembles(numbers["real"]),
                f"{np.mean(numbers['null']):.2f}",
                over_ensembles(numbers["groups"]),
                over_ensembles(numbers["whole"]),
                mean_of([value for value in numbers["within"] if value is not None]),
                *(over_ensembles(numbers["udr"][kind]) for kind in KINDS),
            ]
        )
    report.text(
        "## Our defaults beside the paper's start\n\nThe same networks and settings, with our "
        "defaults: silu, and for the VAE the start at PCA, where the paper has random starts and "
        "ReLU. A beta-TCVAE starts at random by default. Over "
        f"{scale.n_ensembles} ensembles of {scale.n_models} models each. Where trainings begin "
        "alike, what they have in common says nothing of the objective."
    )
    report.table(
        [
            "model",
            "start",
            "informative channels",
            "share in hotspots",
            "the same, shuffled",
            "hotspots",
            "hotspots that all models have",
            "mean NMI within",
            *(f"UDR by {kind}" for kind in ("lasso", "NMI", "exp(-VI)")),
        ],
        rows,
    )
    return measured


def remarks_on_our_start(measured):
    """Whether hotspots and UDR measure the common start."""
    random = {name: of for (name, start), of in measured.items() if start.startswith(PAPER)}
    pca = {name: of for (name, start), of in measured.items() if "pca" in start}
    for key, said in (
        ("real", "more of the channels are in hotspots, intervals apart"),
        ("whole", "more hotspots are those of all models, components of the common start"),
    ):
        found = {name: [over_seeds(of[name][key]) for of in (pca, random)] for name in pca}
        told = listed(
            f"{name} ({ours} beside {papers})"
            for name, (ours, papers) in found.items()
            if ours.above(papers.high)
        )
        yield remark(bool(told), f"From PCA {said}: {told}.")
    other = {
        name: over_seeds(of["real"])
        for (name, start), of in measured.items()
        if not start.startswith(PAPER) and name not in pca
    }
    told = listed(
        f"{name} ({ours} beside {over_seeds(random[name]['real'])})" for name, ours in other.items()
    )
    yield remark(
        bool(told), f"With silu and random starts, the default of these, the share is: {told}."
    )
    full = listed(name for name, of in pca.items() if np.min(of["real"]) > 0.95)
    yield remark(
        bool(full),
        "From PCA nearly every channel is in a hotspot, and hotspots are components of the common "
        f"start: {full}.",
    )
    for kind, words in zip(KINDS, ("lasso", "NMI", "exp(-VI)"), strict=True):
        most = np.max([of["udr"][kind] for of in random.values()])
        above = listed(name for name, of in pca.items() if np.min(of["udr"][kind]) > most)
        yield remark(
            bool(above),
            f"UDR by {words} from PCA is above that of every ensemble from random starts: {above}. "
            "It measures the common start.",
        )

"""NMI against VI over pairs of channels (figure 12)."""

import numpy as np
from scipy.stats import spearmanr

from benchmarks._common import listed, over_seeds, remark
from sklatent.channels import (
    channel_similarity,
)

LOW = 0.1


def of_ensemble(hotspots):
    """Return the rank correlation of NMI and exp(-VI), the share of low NMI, and VI's span there.

    None where there are too few pairs.
    """
    informative = ~np.isnan(np.diagonal(hotspots.similarity_))
    if informative.sum() < 3:
        return None
    fingerprints = hotspots.fingerprints_[informative]
    pairs = np.triu_indices(len(fingerprints), 1)
    nmi = channel_similarity(fingerprints)[pairs]
    similarity = np.exp(-channel_similarity(fingerprints, metric="vi")[pairs])
    low = similarity[nmi < LOW]
    span = np.percentile(low, [5, 95]) if low.size else [np.nan] * 2
    return float(spearmanr(nmi, similarity).statistic), float(np.mean(nmi < LOW)), *span


def nmi_and_vi(report, found):
    """Hold NMI against VI over pairs of channels (figure 12)."""
    rows, correlations = [], {}
    for name, hotspots in found.items():
        each = [values for values in map(of_ensemble, hotspots) if values is not None]
        if not each:
            continue
        correlation, share, *span = np.transpose(each)
        correlations[name] = over_seeds(correlation)
        told = [np.mean(edge[~np.isnan(edge)]) if (share > 0).any() else np.nan for edge in span]
        rows.append(
            [
                name,
                len(each),
                correlations[name],
                over_seeds(share),
                f"{told[0]:.2f} to {told[1]:.2f}",
            ]
        )
    report.text(
        "## Are NMI and VI interchangeable? (figure 12)\n\nOver the pairs of informative channels "
        "of each ensemble, then over ensembles that have three or more such channels. The paper: "
        "not; where NMI is low for most pairs, VI spans its range."
    )
    report.table(
        [
            "model",
            "ensembles",
            "rank correlation",
            f"share with NMI < {LOW:g}",
            "exp(-VI) of those, 5 to 95 percent",
        ],
        rows,
    )
    return correlations


def remarks_on_measures(correlations):
    """Whether one of NMI and VI stands for the other."""
    apart = {name: value for name, value in correlations.items() if value.below(0.9)}
    told = listed(f"{value:.2f} ({name})" for name, value in apart.items())
    yield remark(
        bool(apart),
        "NMI and VI are not interchangeable, as published: rank correlations over pairs of "
        f"{told}.",
    )
    told = listed(
        f"{correlations[name]:.2f} ({name})" for name in correlations if name not in apart
    )
    yield remark(bool(told), f"Not told from interchangeable: {told}.")

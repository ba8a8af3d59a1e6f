"""NMI against VI over pairs of channels (figure 12)."""

import numpy as np
from scipy.stats import spearmanr

from benchmarks._common import remark
from sklatent.channels import (
    channel_similarity,
)


def nmi_and_vi(report, found):
    """Hold NMI against VI over pairs of channels (figure 12)."""
    rows = []
    for name, hotspots in found.items():
        informative = ~np.isnan(np.diagonal(hotspots[0].similarity_))
        if informative.sum() < 3:
            continue
        fingerprints = hotspots[0].fingerprints_[informative]
        pairs = np.triu_indices(len(fingerprints), 1)
        nmi = channel_similarity(fingerprints)[pairs]
        similarity = np.exp(-channel_similarity(fingerprints, metric="vi")[pairs])
        low = similarity[nmi < 0.1]
        span = np.percentile(low, [5, 95]) if low.size else [float("nan")] * 2
        rows.append(
            [
                name,
                float(spearmanr(nmi, similarity).statistic),
                f"{np.mean(nmi < 0.1):.2f}",
                f"{span[0]:.2f} to {span[1]:.2f}",
            ]
        )
    report.text(
        "## Are NMI and VI interchangeable? (figure 12)\n\nOver the pairs of informative channels "
        "of the first ensembles. The paper: not; where NMI is low for most pairs, VI spans its "
        "range."
    )
    report.table(
        ["model", "rank correlation", "share with NMI < 0.1", "exp(-VI) of those, 5 to 95 percent"],
        rows,
    )
    return [row[1] for row in rows]


def remarks_on_measures(correlations):
    """Whether one of NMI and VI stands for the other."""
    if correlations:
        yield remark(
            max(correlations) < 0.9,
            "NMI and VI are not interchangeable, as published: rank correlations over pairs of "
            f"{min(correlations):.2f} to {max(correlations):.2f}.",
        )

"""Test nats on MNIST."""

import numpy as np

from benchmarks._common import over_seeds
from benchmarks.papers.transform.settings import MILDER, PRINTED

PUBLISHED_NATS = {"VAE": 93, "VAE+": 94, PRINTED: 92, "T-VAE": 92}


def report_nats(report, by_key, scale):
    """The test likelihood, and how far behind the VAE's it is seed by seed."""
    report.text(
        f"## Test nats on MNIST (smaller is better)\n\nImportance-weighted, "
        f"{scale.importance_samples} draws a row, {scale.likelihood_rows} rows. The paper states "
        "neither its draws nor the components. The pixels are grey levels in [0, 1], which a "
        "Bernoulli variable cannot take: these nats, as the paper's, are a cross-entropy and no "
        "likelihood, and compare only with others of the same images."
    )
    tabulate_nats(report, by_key, scale)


def tabulate_nats(report, by_key, scale):
    """Each model's, with what the paper has."""
    rows = []
    for d in scale.components:
        plain = [result["nats"] for result in by_key["MNIST", "VAE", d]]
        for model in (*scale.models, *scale.ours, *MILDER):
            if ("MNIST", model, d) in by_key:
                nats = [result["nats"] for result in by_key["MNIST", model, d]]
                more = f"{over_seeds(np.subtract(nats, plain)):.1f}" if model != "VAE" else ""
                published = str(PUBLISHED_NATS.get(model, ""))
                rows.append([model, d, f"{over_seeds(nats):.1f}", more, published])
    columns = ["model", "components", "nats", "more than the VAE's, same seed", "published"]
    report.table(columns, rows)

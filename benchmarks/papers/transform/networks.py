"""Table 1 with the paper's own networks."""

from benchmarks.papers.transform.nats import tabulate_nats
from benchmarks.papers.transform.table_1 import report_table_1

PAPERS_STEPS = 200 * 600


def report_networks(report, by_key, scale, affine_digits):
    """Report table 1 and the nats of the paper's networks."""
    steps = scale.epochs * scale.rows // 100
    network = ", ".join(f"{name} {value}" for name, value in scale.network.items())
    report.text(
        f"## Table 1 with the paper's networks: percent right (published)\n\n{network}, "
        f"{scale.between} between latents, from random starts; {scale.rows} training rows, "
        f"{scale.epochs} epochs of batches of 100, {scale.seeds} seeds, Adam with a learning rate "
        f"of {scale.learning_rate:g}, halved every quarter of the epochs: {steps} steps, where the "
        f"paper takes {PAPERS_STEPS} with a tenth of that rate. So much was settled before the "
        "first result. All else is as above."
    )
    report_table_1(report, by_key, scale, affine_digits)
    report.text("Test nats on MNIST:")
    tabulate_nats(report, by_key, scale)

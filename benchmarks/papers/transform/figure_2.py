"""Figure 2: few labels."""

import numpy as np

from benchmarks._common import over_seeds
from benchmarks.papers.transform.measures import LABELS
from benchmarks.papers.transform.settings import FILES


def draw_labels(by_key, scale, path):
    """Draw figure 2: accuracy against the number of labels, with intervals over seeds."""
    import matplotlib.pyplot as plt

    shape = len(scale.components), len(FILES)
    figure, axes = plt.subplots(
        *shape, squeeze=False, sharex=True, figsize=(10.5, 3 * shape[0]), layout="constrained"
    )
    for row, d in zip(axes, scale.components, strict=True):
        for ax, dataset in zip(row, FILES, strict=True):
            for model in (*scale.models, *scale.ours):
                curves = np.array([result["labels"] for result in by_key[dataset, model, d]])
                middle, low, high = np.array([over_seeds(column) for column in curves.T]).T
                ax.plot(LABELS, middle, marker=".", label=model)
                ax.fill_between(LABELS, low, high, alpha=0.2)
            ax.set(xscale="log", title=f"from {dataset}, {d} components")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right")
    figure.supxlabel("labelled digits")
    figure.supylabel("percent right on affine digits")
    figure.savefig(path, dpi=80)


def report_few_labels(report, by_key, scale):
    """The numbers of figure 2."""
    report.text(
        "## Figure 2: percent right on affine digits with few labels\n\nNearest neighbour (k = 1), "
        f"mean over {scale.label_draws} draws of the labelled rows, interval over seeds."
    )
    rows = []
    for dataset in FILES:
        for d in scale.components:
            for model in (*scale.models, *scale.ours):
                curves = np.array([result["labels"] for result in by_key[dataset, model, d]])
                cells = [f"{over_seeds(column):.1f}" for column in curves.T]
                rows.append([dataset, d, model, *cells])
    columns = ["encoder from", "components", "model", *(f"{n} labels" for n in LABELS)]
    report.table(columns, rows)

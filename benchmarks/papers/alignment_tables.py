"""Tables 1 to 6 of the direct alignment paper, and what it leaves open about anchors.

Held against Lähner and Moeller, "On the direct alignment of latent spaces", on MNIST (same
architecture) and Fashion-MNIST (convolutional against fully connected).
"""

import time

import numpy as np

from benchmarks._common import parser
from benchmarks.papers.alignment.anchors import how_many_anchors
from benchmarks.papers.alignment.models import Spaces, load
from benchmarks.papers.alignment.ours import ours
from benchmarks.papers.alignment.study import Study
from benchmarks.papers.alignment.table_1 import full_correspondence
from benchmarks.papers.alignment.table_2 import relative
from benchmarks.papers.alignment.table_3 import few_anchors
from benchmarks.papers.alignment.table_4 import class_means
from benchmarks.papers.alignment.tables_5_and_6 import across_architectures


def findings(study):
    """What held, counted over pairs of models and settings."""
    study.heading("Which orders hold")
    study.report.text("Each claim, in plain MSE, over pairs of models and settings.")
    rows = []
    for claim, (paper, found) in study.orders.items():
        held, count = int(np.sum(found)), len(found)
        share = held / count
        verdict = "holds" if share > 0.9 else "mostly holds" if share > 0.5 else "does not hold"
        rows.append([claim, paper, f"{held} of {count}", verdict])
    study.report.table(["claim", "in the paper", "held in", "here"], rows)
    contrary = [
        f"{claim} (paper: {paper})"
        for claim, paper, _, verdict in rows
        if (paper == "yes" and verdict != "holds") or (paper == "no" and verdict == "holds")
    ]
    study.report.text(
        "Where the paper's finding does not hold for us: "
        + ("; ".join(contrary) or "nowhere")
        + "."
    )
    study.report.remarks(study.said)


def main():
    """Run everything."""
    options = parser(__doc__.splitlines()[0], keeps="alignment_tables")
    options.add_argument("--mnist-only", action="store_true", help="without tables 5 and 6")
    arguments = options.parse_args()
    study = Study(arguments)
    scale = study.scale
    study.report.text(
        f"{scale.n_train} training and {scale.n_test} test images, {scale.max_epochs} epochs, "
        f"{len(scale.seeds)} seeds, Adam at {scale.learning_rate:g} with batches of "
        f"{scale.batch_size}, as the paper's; intervals are 95 percent by Student's t "
        f"over {len(scale.seeds)} ordered pairs of models. {scale.note}\n\n"
        "*Plain MSE* is of pixels in [0, 1]. The *probable metric* compares images standardised by "
        "the data set's usual mean and deviation with an output that can't leave [0, 1], which is "
        "how the paper's MNIST numbers are explained best (its table 1 levels off at the floor); "
        "for Fashion-MNIST its numbers are below that floor, so that there it is the plain error "
        "over the squared deviation, with floor 0."
    )
    mnist = load("mnist.npz", scale, 0.1307, 0.3081, clipped=True)
    spaces = Spaces(mnist, scale, scale.mnist)
    full_correspondence(study, spaces)
    class_means(study, spaces)
    how_many_anchors(study, spaces)
    ours(study, Spaces(mnist, scale, scale.mnist, start={}))
    relative(study, spaces)
    few_anchors(study, spaces)
    if not arguments.mnist_only:
        fashion = load("fashion_mnist.npz", scale, 0.2860, 0.3530, clipped=False)
        across_architectures(study, Spaces(fashion, scale, "conv"), Spaces(fashion, scale, "mlp"))
    findings(study)
    print(f"{time.perf_counter() - study.start:.0f} s in all")
    study.report.write()


if __name__ == "__main__":
    main()

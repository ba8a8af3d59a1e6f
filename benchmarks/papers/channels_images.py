"""Channels of beta-VAEs on MNIST and Fashion-MNIST: the channel paper's figure 5."""

from functools import partial

import numpy as np

from benchmarks._common import PAPERS, data_file, kept, remark
from benchmarks.papers.channels.settings import as_dict, reported, train
from benchmarks.papers.channels.structure import (
    STRUCTURE_COLUMNS,
    STRUCTURE_TEXT,
    remarks_on_structure,
    structure_of,
    structure_row,
)
from sklatent import VAE
from sklatent.channels import (
    ChannelFingerprints,
)
from sklatent.datasets import load_npz


def images(report, scale, full, keep=None):
    """Figure 5: hotspots of MNIST and Fashion-MNIST."""
    width = scale.hidden // 2
    report.text(
        ("The networks of appendix E" if full else f"Perceptrons with two layers of {width}")
        + f", 10 components, Bernoulli likelihood on 28 x 28 pixels, {scale.n_rows} training "
        f"images, {scale.max_epochs} epochs; fingerprints of test images. The paper: 50 models, "
        "convolutions, 200,000 steps of 64 images. Beta is the paper's: 8 for MNIST and 4 for "
        "Fashion-MNIST; 1 beside it."
    )
    report.text("## Structure (figure 5)\n\n" + STRUCTURE_TEXT.format_map(as_dict(scale)))
    network = {"hidden_layer_sizes": (width, width), "learning_rate": 2e-3}
    if full:
        network = {"architecture": "conv", "image_shape": (1, 28, 28), "batch_size": 64}
        network["learning_rate"] = 1e-4
    rows, groups, structure = [], [], {}
    for name, file, beta in (
        ("MNIST", "mnist.npz", 1.0),
        ("MNIST", "mnist.npz", 8.0),
        ("Fashion-MNIST", "fashion_mnist.npz", 1.0),
        ("Fashion-MNIST", "fashion_mnist.npz", 4.0),
    ):
        setting = f"{name}, beta {beta:g}"
        measure = partial(of_setting, setting, file, beta, network, scale)
        found = kept(keep, f"channels {setting} {network} {scale}, numbers", measure)
        structure[setting] = found["structure"]
        rows.append(structure_row(setting, structure[setting]))
        groups += found["groups"]
    report.table(STRUCTURE_COLUMNS, rows)
    report.text(
        "### The hotspots of the first ensembles\n\nHow many models they come from, their mean NMI "
        "within, and mean NMI with the class label. The paper found seven on MNIST."
    )
    report.table(["data", "hotspot", "models", "NMI within", "NMI with the class"], groups)
    n_hotspots = sum(group[0] == "MNIST, beta 8" for group in groups)
    report.remarks(
        [
            *remarks_on_structure(structure),
            remark(n_hotspots == 7, "MNIST at beta 8 has seven hotspots, as published."),
            remark(
                n_hotspots != 7,
                f"MNIST at beta 8 has {n_hotspots} hotspots here, seven in the paper.",
            ),
        ]
    )


def of_setting(setting, file, beta, network, scale):
    """Train the ensembles of one setting: its row of the table, and the first one's hotspots."""
    X, test, labels = read_images(file, scale)
    model = VAE(
        10,
        beta=beta,
        **PAPERS | network | {"likelihood": "bernoulli", "max_epochs": scale.max_epochs},
    )
    ensembles = [ChannelFingerprints.from_models(models, test) for models in train(model, X, scale)]
    found, structure = structure_of(ensembles, scale)
    similarity = found[0].factor_similarity(labels)[:, 0]
    models_in = [
        len(np.unique(ensembles[0].model[found[0].labels_ == group]))
        for group in range(len(similarity))
    ]
    groups = [
        [setting, str(g), str(m), float(found[0].group_similarity_[g]), float(similarity[g])]
        for g, m in enumerate(models_in)
    ]
    return {"structure": structure, "groups": groups}


def read_images(file, scale):
    """Read training images, and test images with labels, flat and in [0, 1]."""
    data = load_npz(data_file(file))
    training, test = (
        rows.astype(np.float32) / 255
        for rows in (data.data[: scale.n_rows], data.data_test[: scale.n_samples])
    )
    return training, test, data.target_test[: scale.n_samples]


def main(argv=None):
    """Write the report."""
    reported(
        __doc__,
        "Channels of beta-VAEs on MNIST and Fashion-MNIST",
        images,
        argv,
        keeps="channels_images",
    )


if __name__ == "__main__":
    main()

"""MNIST at the paper's beta with nine times the training steps: the channel paper's figure 5a."""

from dataclasses import replace

import numpy as np

from benchmarks._common import PAPERS, remark
from benchmarks.papers.channels.many import hotspots_by_size, over_ensembles
from benchmarks.papers.channels.settings import min_samples_of, reported
from benchmarks.papers.channels.structure import mean_of, shares
from benchmarks.papers.channels_images import read_images
from sklatent import VAE
from sklatent.channels import ChannelFingerprints
from sklatent.model_selection import retrain

# Beside the other script's: three times the images, for three times the epochs.
MORE = 3
PUBLISHED = 7


def mnist(report, scale, full):
    """Figure 5a: the hotspots of MNIST at beta 8."""
    scale = replace(scale, n_rows=MORE * scale.n_rows, max_epochs=MORE * scale.max_epochs)
    everything = scale.n_models * scale.n_ensembles
    X, test, labels = read_images("mnist.npz", scale)
    width = scale.hidden // 2
    steps = scale.max_epochs * -(-len(X) // 128)
    model = VAE(
        10,
        beta=8.0,
        hidden_layer_sizes=(width, width),
        learning_rate=2e-3,
        likelihood="bernoulli",
        max_epochs=scale.max_epochs,
        **PAPERS,
    )
    channels = ChannelFingerprints.from_models(
        retrain(model, X, n_runs=everything, random_state=0), test
    )
    sizes = (scale.n_models, everything)
    found = hotspots_by_size(channels, scale, sizes)
    null = hotspots_by_size(channels, scale, sizes, shuffled=True)
    report.text(
        f"Perceptrons with two layers of {width}, 10 components, beta 8, Bernoulli likelihood on "
        f"28 x 28 pixels, {len(X)} training images, {scale.max_epochs} epochs of batches of 128, "
        f"{steps} steps at 2e-3; fingerprints of {len(test)} test images. {everything} models, as "
        f"one ensemble and as {scale.n_ensembles}; min_samples is two fifths of the models. The "
        "paper: 50 models, convolutions, 200,000 steps of 64 images at 1e-4, and seven hotspots. "
        "Intervals are over ensembles, where there are three or more."
    )
    report.table(
        [
            "models in an ensemble",
            "ensembles",
            "informative components of a model",
            "bits of each",
            "share in hotspots",
            "the same, shuffled",
            "hotspots",
            "mean NMI within",
        ],
        [
            [
                size,
                len(each),
                over_ensembles([informative(h).sum() / size for h in each]),
                over_ensembles([bits_of_each(h) for h in each]),
                over_ensembles([shares(h)[0] for h in each]),
                f"{np.mean([shares(h)[0] for h in null[size]]):.2f}",
                f"{np.mean([len(h.representatives_) for h in each]):.1f}",
                mean_of([h.group_similarity_.mean() for h in each if h.group_similarity_.size]),
            ]
            for size, each in found.items()
        ],
    )
    (of_all,) = found[everything]
    report.text(
        f"### The hotspots of all {everything} models\n\nHow many models they come from, their "
        "mean NMI within, and mean NMI with the class label."
    )
    similarity = of_all.factor_similarity(labels)[:, 0]
    report.table(
        ["hotspot", "channels", "models", "NMI within", "NMI with the class"],
        [
            [
                g,
                int((of_all.labels_ == g).sum()),
                len(np.unique(channels.model[of_all.labels_ == g])),
                float(of_all.group_similarity_[g]),
                float(similarity[g]),
            ]
            for g in range(len(similarity))
        ],
    )
    report.remarks(
        remarks_on_hotspots(len(similarity), informative(of_all).sum() / everything, everything)
    )


def informative(hotspots):
    """Which channels say anything."""
    return hotspots.information_ >= hotspots.min_information


def bits_of_each(hotspots):
    """The mean information of those that say anything."""
    bits = hotspots.information_[informative(hotspots)]
    return float(bits.sum() / max(len(bits), 1))


def remarks_on_hotspots(n_hotspots, components, n_models):
    """Beside the seven that were published."""
    words = (
        f"MNIST at beta 8 has {n_hotspots} hotspots of {n_models} models (min_samples "
        f"{min_samples_of(n_models)}), {components:.1f} informative components a model"
    )
    yield remark(n_hotspots == PUBLISHED, f"{words}: as many as published.")
    yield remark(n_hotspots != PUBLISHED, f"{words}; the paper has {PUBLISHED}.")


def main(argv=None):
    """Write the report."""
    reported(__doc__, "Channels of beta-VAEs on MNIST, trained longer", mnist, argv)


if __name__ == "__main__":
    main()

"""MNIST at the paper's beta with nine times the training steps: the channel paper's figure 5a."""

from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks._common import PAPERS, Interval, kept, remark
from benchmarks.papers.channels.many import parts
from benchmarks.papers.channels.resampling import over_models
from benchmarks.papers.channels.settings import min_samples_of, reported
from benchmarks.papers.channels.structure import over_ensembles, structure_of
from benchmarks.papers.channels_images import read_images
from sklatent import VAE
from sklatent.channels import ChannelFingerprints
from sklatent.model_selection import retrain

# Beside the other script's: three times the images, for three times the epochs.
MORE = 3
PUBLISHED = 7


STARTS = {"the paper's": PAPERS, "our defaults": {}}


def mnist(report, scale, full, keep=None):
    """Figure 5a: the hotspots of MNIST at beta 8, and of the same models with our defaults."""
    scale = replace(scale, n_rows=MORE * scale.n_rows, max_epochs=MORE * scale.max_epochs)
    everything = scale.n_models * scale.n_ensembles
    found = {
        name: kept(keep, f"channels of MNIST {start} {scale}", partial(of_start, start, scale))
        for name, start in STARTS.items()
    }
    steps = scale.max_epochs * -(-scale.n_rows // 128)
    report.text(
        f"Perceptrons with two layers of {scale.hidden // 2}, 10 components, beta 8, Bernoulli "
        f"likelihood on 28 x 28 pixels, {scale.n_rows} training images, {scale.max_epochs} epochs "
        f"of batches of 128, {steps} steps at 2e-3; fingerprints of {scale.n_samples} test images. "
        f"{everything} models, as one ensemble and as {scale.n_ensembles}; min_samples is two "
        "fifths of the models. The paper: 50 models, convolutions, 200,000 steps of 64 images at "
        "1e-4, and seven hotspots. Intervals are over ensembles, where there are three or more. "
        "With our defaults, silu and the start at PCA, trainings begin alike, and what they have "
        "in common says nothing of the objective."
    )
    report.table(
        [
            "start",
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
            [name, size, len(numbers["real"]), *cells_of_size(numbers)]
            for name, of in found.items()
            for size, numbers in of["sizes"].items()
        ],
    )
    report.text(
        f"### The hotspots of all {everything} models\n\nHow many models they come from, their "
        "mean NMI within, and mean NMI with the class label, with intervals by the bootstrap over "
        "the models that the group has channels of."
    )
    report.table(
        ["start", "hotspot", "channels", "models", "NMI within", "NMI with the class"],
        [
            [name, g, *row[:3], Interval(*row[3])]
            for name, of in found.items()
            for g, row in enumerate(of["hotspots"])
        ],
    )
    for name, of in found.items():
        report.remarks(
            remarks_on_hotspots(
                len(of["hotspots"]), of["sizes"][str(everything)]["components"][0], everything
            ),
            f"What these numbers say, {name}",
        )


def of_start(start, scale):
    """Train all models and find the hotspots of ensembles of both sizes."""
    everything = scale.n_models * scale.n_ensembles
    X, test, labels = read_images("mnist.npz", scale)
    width = scale.hidden // 2
    model = VAE(
        10,
        beta=8.0,
        hidden_layer_sizes=(width, width),
        learning_rate=2e-3,
        likelihood="bernoulli",
        max_epochs=scale.max_epochs,
        **start,
    )
    channels = ChannelFingerprints.from_models(
        retrain(model, X, n_runs=everything, random_state=0), test
    )
    sizes = {}
    for size in (scale.n_models, everything):
        found, sizes[str(size)] = structure_of(parts(channels, size), replace(scale, n_models=size))
        sizes[str(size)]["components"] = np.divide(sizes[str(size)]["informative"], size)
    (of_all,) = found
    by_channel = of_all.channel_factor_similarity(labels)[:, 0]
    hotspots = []
    for g, within in enumerate(of_all.group_similarity_):
        own = of_all.labels_ == g
        models, known = channels.model[own], by_channel[own]
        label = over_models(models, lambda some, of=known: of[some].mean())
        hotspots.append([int(own.sum()), len(np.unique(models)), float(within), list(label)])
    return {"sizes": sizes, "hotspots": hotspots}


def cells_of_size(numbers):
    """Summarise over ensembles of one size."""
    within = [value for value in numbers["within"] if value is not None]
    return [
        over_ensembles(numbers["components"]),
        over_ensembles(numbers["bits"]),
        over_ensembles(numbers["real"]),
        over_ensembles(numbers["null"]),
        over_ensembles(numbers["groups"]),
        over_ensembles(within),
    ]


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
    reported(
        __doc__,
        "Channels of beta-VAEs on MNIST, trained longer",
        mnist,
        argv,
        keeps="channels_mnist",
    )


if __name__ == "__main__":
    main()

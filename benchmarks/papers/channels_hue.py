"""One channel from many, the circle of hues: the channel paper's figure 6."""

from functools import cache

import numpy as np
import torch

from benchmarks._common import PAPERS, kept, over_seeds, paired, remark
from benchmarks.papers.channels.settings import reported
from sklatent import VAE
from sklatent.channels import (
    ChannelFingerprints,
    ChannelSynthesizer,
    neighbor_distance_variability,
)
from sklatent.datasets import make_hue_circle
from sklatent.model_selection import retrain


def tanh_network(width):
    """Make the toy's networks: two layers of tanh each way."""

    def build(n_features, n_components, image_shape):
        def layers(n_in):
            linear, tanh = torch.nn.Linear, torch.nn.Tanh
            return [linear(n_in, width), tanh(), linear(width, width), tanh()]

        encoder = torch.nn.Sequential(*layers(n_features))
        decoder = torch.nn.Sequential(*layers(n_components), torch.nn.Linear(width, n_features))
        return encoder, decoder

    return build


METRICS = {"nmi": "NMI", "vi": "exp(-VI)", "nmi_printed": "NMI, equation 3 as printed"}


def trained(scale, full):
    """Fingerprints of all models on 200 hues."""
    # Evenly spaced: a gap between random points is where all models would tear the circle.
    X, _ = make_hue_circle(2048 if full else 512)
    model = VAE(
        1,
        architecture=tanh_network(width_of(scale, full)),
        beta=0.03,
        max_epochs=scale.hue_epochs,
        likelihood="unit_gaussian",
        **PAPERS,
        batch_size=2048 if full else 128,
        learning_rate=1e-3 if full else 2e-3,
    )
    models = retrain(model, X, n_runs=scale.n_hue_models, random_state=0)
    return ChannelFingerprints.from_models(models, make_hue_circle(200)[0])


def width_of(scale, full):
    """Units of a layer."""
    return scale.hidden if full else scale.hidden // 4


def alone(channels):
    """Evenness and bits of each model by itself."""
    evenness = [neighbor_distance_variability(mean) for mean in channels.blocks[0].mean]
    return {"evenness": evenness, "bits": channels.information}


def synthesized(channels, metric, seed, scale, full):
    """Evenness, bits and mean similarity of a channel made of others."""
    published = {"learning_rate": 3.0} if full else {}
    fit = ChannelSynthesizer(
        2, metric, max_epochs=scale.synthesis_epochs, random_state=seed, **published
    ).fit(channels)
    return {
        "evenness": neighbor_distance_variability(fit.posterior_.mean),
        "bits": fit.fingerprint_.information[0],
        "similarity": fit.similarity_.mean(),
    }


def hue(report, scale, full, keep=None):
    """Figure 6: how evenly the circle is represented, against the size of the ensemble."""
    n_repeats = min(5 if full else 10, scale.n_hue_models // 2)
    sizes = [n for n in (1, 2, 5, 10, 30, 50) if n * n_repeats <= scale.n_hue_models]
    channels = cache(lambda: trained(scale, full))
    name = f"hue {scale.n_hue_models} {width_of(scale, full)} {scale.hue_epochs}"
    single = kept(keep, f"{name} alone", lambda: alone(channels()))

    def measured(metric, n, seed):
        members = ensembles_of(n, scale.n_hue_models, n_repeats)[seed]
        return kept(
            keep,
            f"{name} {scale.synthesis_epochs} {metric} {n} {seed} of {n_repeats}",
            lambda: synthesized(channels()[members], metric, seed, scale, full),
        )

    found = {}
    for metric in METRICS:
        for n in sizes:
            parts = [measured(metric, n, seed) for seed in range(n_repeats)]
            found[metric, n] = {what: [part[what] for part in parts] for what in parts[0]}
    rate = (
        "3, as published," if full else "12, in proportion to the points (the paper: 20,000 at 3)"
    )
    report.text(
        f"{scale.n_hue_models} beta-VAEs with a latent space of one dimension (beta 0.03, two "
        f"layers of {width_of(scale, full)} tanh, {scale.hue_epochs} epochs). Synthesis in two "
        f"dimensions: {scale.synthesis_epochs} steps of SGD at {rate} on all of 200 hues, from "
        f"{n_repeats} ensembles of each size that have no model in common."
    )
    report.text(
        "## Uniformity (figure 6c)\n\nStandard deviation over mean of the distances between the "
        "means of neighbouring hues: 0 for a circle with even spacing, smaller is better; mean and "
        f"95 percent interval over {n_repeats} ensembles (models where each is alone). Beside it, "
        "how many bits the channel carries, and a new channel's mean similarity to its ensemble. "
        "The paper: both measures improve with the size of the ensemble."
    )
    report.table(
        ["channel", "models", "uniformity", "bits", "similarity"],
        [["each model alone", "", *map(over_seeds, (single["evenness"], single["bits"])), ""]]
        + [
            [f"synthesis by {METRICS[metric]}", str(n), *map(over_seeds, of.values())]
            for (metric, n), of in found.items()
        ],
    )
    evenness, bits = ({key: of[what] for key, of in found.items()} for what in ("evenness", "bits"))
    report.remarks(remarks_on_synthesis(evenness, bits, np.mean(single["bits"])))


def ensembles_of(n, n_models, n_repeats):
    """Members of each repeat's ensemble, none of them in two."""
    order = np.random.RandomState(n).permutation(n_models)
    return list(order[: n * n_repeats].reshape(n_repeats, n))


def remarks_on_synthesis(evenness, bits, own_bits):
    """Whether more models make a more even circle, and whether it says anything."""
    sizes = sorted({n for _, n in evenness})
    for metric, name in METRICS.items():
        gain = paired(evenness[metric, sizes[-1]], evenness[metric, sizes[0]])
        told = f"By {name} the synthesis of {sizes[-1]} models"
        yield remark(
            gain.below(), f"{told} is more even than that of {sizes[0]} ({gain}), as published."
        )
        yield remark(
            gain.not_below(),
            f"{told} is not shown to be more even than that of {sizes[0]} ({gain}), against the "
            "paper.",
        )
        least = min(np.mean(bits[metric, n]) for n in sizes)
        yield remark(
            bool(least < 0.1 * own_bits),
            f"By {name} a new channel may carry {least:.2g} bits where the models carry "
            f"{own_bits:.2g}: the shape and not the information.",
        )


def main(argv=None):
    """Write the report."""
    reported(__doc__, "One channel from many: the circle of hues", hue, argv, keeps="channels_hue")


if __name__ == "__main__":
    main()

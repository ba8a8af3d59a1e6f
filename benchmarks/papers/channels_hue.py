"""One channel from many, the circle of hues: the channel paper's figure 6."""

import time

import numpy as np
import torch

from benchmarks._common import PAPERS, over_seeds, paired, remark
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


def hue(report, scale, full):
    """Figure 6: how evenly the circle is represented, against the size of the ensemble."""
    width = scale.hidden if full else scale.hidden // 4
    # Evenly spaced: a gap between random points is where all models would tear the circle.
    X, _ = make_hue_circle(2048 if full else 512)
    model = VAE(
        1,
        architecture=tanh_network(width),
        beta=0.03,
        max_epochs=scale.hue_epochs,
        likelihood="unit_gaussian",
        **PAPERS,
        batch_size=2048 if full else 128,
        learning_rate=1e-3 if full else 2e-3,
    )
    start = time.perf_counter()
    models = retrain(model, X, n_runs=scale.n_hue_models, random_state=0)
    points, _ = make_hue_circle(200)
    channels = ChannelFingerprints.from_models(models, points)
    means = channels.blocks[0].mean
    alone = [neighbor_distance_variability(mean) for mean in means]
    report.text(
        f"{len(models)} beta-VAEs with a latent space of one dimension (beta 0.03, two layers of "
        f"{width} tanh, {scale.hue_epochs} epochs), trained in {time.perf_counter() - start:.0f} "
        f"s, each of {channels.information.mean():.2f} bits (mean) about 200 hues. Synthesis in "
        f"two dimensions: {scale.synthesis_epochs} steps of SGD at "
        + (
            "3, as published,"
            if full
            else "12, in proportion to the points (the paper: 20,000 at 3)"
        )
        + " on all 200 points. Ensembles of different repeats have no model in common where there "
        "are enough; else each is drawn anew and they overlap, as the table says."
    )
    sizes = [n for n in (1, 2, 5, 10, 30, 50) if n <= len(models)]
    n_repeats = 5 if full else 3
    rows = [["each model alone", "", "", over_seeds(alone), channels.information.mean(), ""]]
    evenness, bits = {}, {}
    for metric in METRICS:
        for n in sizes:
            values, information, similarity = [], [], []
            drawn, disjoint = ensembles_of(n, len(models), n_repeats)
            for seed, members in enumerate(drawn):
                chosen = channels[members]
                fit = ChannelSynthesizer(
                    2,
                    metric,
                    max_epochs=scale.synthesis_epochs,
                    random_state=seed,
                )
                if full:
                    fit.set_params(learning_rate=3.0)
                fit.fit(chosen)
                values.append(neighbor_distance_variability(fit.posterior_.mean))
                information.append(fit.fingerprint_.information[0])
                similarity.append(fit.similarity_.mean())
            rows.append(
                [
                    f"synthesis by {METRICS[metric]}",
                    str(n),
                    "yes" if disjoint else "no",
                    over_seeds(values),
                    float(np.mean(information)),
                    f"{np.mean(similarity):.2f}",
                ]
            )
            evenness[metric, n], bits[metric, n] = values, np.mean(information)
    report.text(
        "## Uniformity (figure 6c)\n\nStandard deviation over mean of the distances between the "
        "means of neighbouring hues: 0 for a circle with even spacing, smaller is better; mean and "
        f"95 percent interval over {n_repeats} repeats. Beside it, how many bits the new channel "
        "carries, and its mean similarity to the ensemble. The paper: both measures "
        "improve with the size of the ensemble."
    )
    report.table(["channel", "models", "disjoint", "uniformity", "bits", "similarity"], rows)
    report.remarks(remarks_on_synthesis(evenness, bits, channels.information.mean()))


def ensembles_of(n, n_models, n_repeats):
    """Members of each repeat's ensemble, and whether none is in two of them."""
    rng = np.random.RandomState(n)
    if n * n_repeats <= n_models:
        return list(rng.permutation(n_models)[: n * n_repeats].reshape(n_repeats, n)), True
    return [rng.permutation(n_models)[:n] for _ in range(n_repeats)], False


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
        least = min(bits[metric, n] for n in sizes)
        yield remark(
            bool(least < 0.1 * own_bits),
            f"By {name} a new channel may carry {least:.2g} bits where the models carry "
            f"{own_bits:.2g}: the shape and not the information.",
        )


def main(argv=None):
    """Write the report."""
    reported(__doc__, "One channel from many: the circle of hues", hue, argv)


if __name__ == "__main__":
    main()

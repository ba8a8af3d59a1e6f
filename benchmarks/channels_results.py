"""What ensembles of VAEs have in common: the channel paper's figures, at a size for two cores.

Three parts, each with a report of its own: ``--part sprites`` (figures 3, 4 and 12 to 14),
``--part images`` (figure 5) and ``--part hue`` (figure 6).
"""

import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks._common import PAPERS, Report, data_file, over_seeds, paired, parser, remark
from sklatent import VAE, BetaTCVAE
from sklatent.channels import (
    ChannelFingerprints,
    ChannelHotspots,
    ChannelSynthesizer,
    bhattacharyya_coefficients,
    channel_information,
    channel_similarity,
    monte_carlo_information,
    neighbor_distance_variability,
)
from sklatent.datasets import load_npz, make_hue_circle, make_sprites
from sklatent.metrics import udr_scores
from sklatent.model_selection import retrain

FACTORS = ["shape", "scale", "orientation", "x", "y"]


@dataclass
class Size:
    """How much is trained and compared."""

    n_models: int
    n_ensembles: int
    n_rows: int
    max_epochs: int
    n_samples: int
    n_shuffles: int
    hidden: int
    n_hue_models: int
    hue_epochs: int
    synthesis_epochs: int

    @property
    def min_samples(self):
        """Two fifths of the models, as published is 20 of 50."""
        return max(2, round(0.4 * self.n_models))


QUICK = Size(4, 2, 300, 2, 60, 1, 16, 4, 3, 10)
DEFAULT = Size(8, 3, 3000, 20, 400, 3, 128, 30, 250, 3000)
FULL = Size(50, 3, 60000, 200, 1000, 10, 256, 250, 3000, 20000)


def train(model, X, size):
    """Train ensembles that share nothing but data and settings."""
    return [
        retrain(model, X, n_runs=size.n_models, random_state=seed)
        for seed in range(size.n_ensembles)
    ]


def hotspots_of(channels, size, seed=0):
    """Find the groups that exceed the null."""
    hotspots = ChannelHotspots(
        min_samples=size.min_samples, n_shuffles=size.n_shuffles, random_state=seed
    )
    return hotspots.fit(channels)


def shares(hotspots):
    """Return the shares of informative channels in groups that count, and in any of OPTICS."""
    informative = ~np.isnan(np.diagonal(hotspots.similarity_))
    if not informative.any():
        return 0.0, 0.0
    return tuple(
        float((labels[informative] >= 0).mean())
        for labels in (hotspots.labels_, hotspots.optics_labels_)
    )


def mean_of(values):
    """Return the mean in two digits, or that there is none."""
    return f"{np.mean(values):.2f}" if len(values) else "none"


def structure_row(name, ensembles, size):
    """Summarise the structure of some ensembles, and of the same channels shuffled."""
    found = [hotspots_of(channels, size) for channels in ensembles]
    # The same analysis, null and all, of channels that share nothing.
    null = [
        shares(hotspots_of(channels.shuffled(100 + k), size, seed=k))
        for k, channels in enumerate(ensembles)
    ]
    informative = [(h.information_ >= h.min_information).sum() for h in found]
    bits = [h.information_[h.information_ >= h.min_information].sum() for h in found]
    bits = np.divide(bits, np.maximum(informative, 1))
    counted, optics = np.transpose([shares(h) for h in found])
    null_counted, null_optics = np.transpose(null)
    groups = [len(h.representatives_) for h in found]
    row = [
        name,
        f"{np.mean(informative):.0f} of {len(ensembles[0])}",
        over_seeds(bits),
        over_seeds(counted),
        f"{np.mean(null_counted):.2f}",
        f"{np.mean(optics):.2f}",
        f"{np.mean(null_optics):.2f}",
        f"{np.mean(groups):.1f}",
        mean_of([h.group_similarity_.mean() for h in found if h.group_similarity_.size]),
        mean_of([h.null_similarity_ for h in found if np.isfinite(h.null_similarity_)]),
    ]
    return row, found, {"real": counted, "null": null_counted, "optics": null_optics}


STRUCTURE_COLUMNS = [
    "model",
    "informative channels",
    "bits of each",
    "share in hotspots",
    "the same, shuffled",
    "share grouped by OPTICS",
    "the same, shuffled",
    "hotspots",
    "mean NMI within",
    "null's 99th percentile",
]

STRUCTURE_TEXT = (
    "The share of informative channels (at least 0.01 bits) that lie in hotspots: groups of OPTICS "
    "whose mean NMI exceeds the 99th percentile of the NMI within groups of shuffled channels, and "
    "which are tighter than random sets of as many channels of equal information. "
    "Means over {n_ensembles} ensembles of {n_models} models each, with 95 percent intervals over "
    "ensembles (Student's t); the shuffled columns repeat the whole analysis, null and all, on "
    "channels that share nothing. min_samples is {min_samples}, fingerprints are of {n_samples} "
    "samples."
)


def sprites(report, size):
    """Figures 3, 4a, 4b, 12, 13 and 14 on sprites."""
    X, factors = make_sprites(size.n_rows, random_state=0, image_size=32)
    # 32 x 32 to 16 x 16 by averages, so that parts of a pixel are seen.
    X = X.reshape(-1, 16, 2, 16, 2).mean(axis=(2, 4)).reshape(-1, 256).astype(np.float32)
    samples, known = X[: size.n_samples], factors[: size.n_samples]
    report.text(
        f"Sprites on the dSprites grid, drawn by `make_sprites` at 16 x 16 grey pixels; {len(X)} "
        f"of them; multilayer perceptrons with two layers of {size.hidden}, 6 components, "
        f"Bernoulli likelihood, Adam at 1e-3, batches of 128, {size.max_epochs} epochs. The paper "
        "has the whole of dSprites at 64 x 64, convolutions, 10 components, 300,000 steps and 50 "
        "models. With a sixteenth of the pixels the reconstruction weighs less, so that a beta "
        "here is not the paper's beta."
    )
    common = {
        "hidden_layer_sizes": (size.hidden, size.hidden),
        **PAPERS,
        "likelihood": "bernoulli",
        "max_epochs": size.max_epochs,
    }
    models = {f"beta-VAE, beta {b:g}": VAE(6, beta=b, **common) for b in (0.5, 2.0, 6.0)}
    models |= {f"beta-TCVAE, beta {b:g}": BetaTCVAE(6, beta=b, **common) for b in (2.0, 6.0)}
    trained = {name: train(model, X, size) for name, model in models.items()}
    channels = {
        name: [ChannelFingerprints.from_models(models, samples) for models in ensembles]
        for name, ensembles in trained.items()
    }
    report.text("## Structure over beta (figure 4a)\n\n" + STRUCTURE_TEXT.format_map(as_dict(size)))
    rows, found, structure = [], {}, {}
    for name, ensembles in channels.items():
        row, found[name], structure[name] = structure_row(name, ensembles, size)
        rows.append(row)
    report.table(STRUCTURE_COLUMNS, rows)
    groups_and_factors(report, found, known)
    two_objectives(report, found, channels)
    said = [*remarks_on_structure(structure, size)]
    said += remarks_on_ranking(ranking(report, channels, size))
    said += remarks_on_measures(nmi_and_vi(report, found))
    said += remarks_on_the_bound(bound_and_monte_carlo(report, trained, X, size))
    report.remarks(said)


def remarks_on_structure(structure, size):
    """Shares of channels in hotspots: against the null, and over beta within an objective."""
    real = np.concatenate([each["real"] for each in structure.values()])
    null = np.concatenate([each["null"] for each in structure.values()])
    optics = [float(np.mean(each["optics"])) for each in structure.values()]
    yield remark(
        bool(real.min() > null.max()),
        f"Every share of channels in hotspots ({real.min():.2f} or more) is above every one of "
        f"shuffled channels ({null.max():.2f} or less), of which OPTICS alone groups "
        f"{min(optics):.2f} to {max(optics):.2f}.",
    )
    names = list(structure)
    for first, last in pairwise(names):
        if objective(first) != objective(last):
            continue
        more = paired(structure[last]["real"], structure[first]["real"])
        yield remark(
            more.clear(),
            f"From {first} to {last} the share in hotspots changes by {more}.",
        )
        yield remark(
            more.holds(),
            f"From {first} to {last} the share in hotspots changes by {more}: {size.n_ensembles} "
            "ensembles do not tell.",
        )


def objective(name):
    """The part of a setting's name before its beta."""
    return name.partition(",")[0]


def as_dict(size):
    """Return what the texts quote."""
    return vars(size) | {"min_samples": size.min_samples}


def groups_and_factors(report, found, known):
    """Say what the first ensemble's hotspots know."""
    rows = []
    for name, hotspots in found.items():
        similarity = hotspots[0].factor_similarity(known)
        for group, row in enumerate(similarity):
            size = (hotspots[0].labels_ == group).sum()
            rows.append([name, f"{group} ({size})", hotspots[0].group_similarity_[group], *row])
    report.text(
        "### What the hotspots know\n\nThe first ensemble of each: NMI within the group, and mean "
        "NMI of its channels with each factor as a hard clustering. Factors with many values "
        "cannot reach 1, since a channel of few bits cannot tell all of them."
    )
    report.table(["model", "hotspot (channels)", "NMI within", *FACTORS], rows)


def two_objectives(report, found, channels):
    """Compare two objectives channel by channel (figure 4b)."""
    names = [name for name in found if name.endswith("beta 6")]
    a, b = (found[name][0] for name in names)
    cross = channel_similarity(channels[names[0]][0], channels[names[1]][0])
    null = channel_similarity(channels[names[0]][0].shuffled(0), channels[names[1]][0].shuffled(1))
    rows = []
    for group in range(len(a.representatives_)):
        to_groups = [
            np.nanmean(cross[np.ix_(a.labels_ == group, b.labels_ == other)])
            for other in range(len(b.representatives_))
        ]
        best = int(np.argmax(to_groups)) if to_groups else -1
        rows.append(
            [
                str(group),
                a.group_similarity_[group],
                f"{best}: {to_groups[best]:.2f}" if to_groups else "none",
                b.group_similarity_[best] if to_groups else float("nan"),
            ]
        )
    report.text(
        f"## Two objectives, channel by channel (figure 4b)\n\nHotspots of the {names[0]} and the "
        f"hotspot of the {names[1]} that they are most similar to: mean NMI between the channels "
        "of the two groups. A fragment that both objectives find has as much between the "
        "objectives as within. "
        f"Mean NMI of shuffled channels: {np.nanmean(null):.2f}."
    )
    report.table(["hotspot", "NMI within it", "most similar, NMI", "NMI within that"], rows)


def ranking(report, channels, size):
    """Rank models by UDR with three similarities (figures 3b, 3c, 13, 14)."""
    scores = {kind: {} for kind in ("lasso", "nmi", "vi")}
    for name, ensembles in channels.items():
        for kind, by_name in scores.items():
            by_name[name] = [udr_of(each, size.n_models, kind) for each in ensembles]
    rows = [
        [name, *(over_seeds(np.mean(scores[kind][name], axis=1)) for kind in scores)]
        for name in channels
    ]
    pooled = {
        kind: np.concatenate([np.ravel(v) for v in by_name.values()])
        for kind, by_name in scores.items()
    }
    agreement = {kind: spearmanr(pooled["lasso"], pooled[kind]).statistic for kind in ("nmi", "vi")}
    # By objective, and without settings most of whose channels say nothing: there every ranking is
    # one of noise.
    informative = {
        name: float(np.mean([(each.information >= 0.01).mean() for each in ensembles]))
        for name, ensembles in channels.items()
    }
    kept = [name for name, share in informative.items() if share >= 0.5]
    explained = {
        kind: {
            group: explained_by_setting({n: by_name[n] for n in kept if objective(n) == group})
            for group in dict.fromkeys(map(objective, kept))
        }
        for kind, by_name in scores.items()
    }
    left_out = ", ".join(sorted(set(channels) - set(kept))) or "none"
    report.text(
        "## UDR with lasso, NMI and exp(-VI) (figures 3b, 3c, 13 and 14)\n\nMean UDR of the models "
        "of an ensemble, over ensembles. Rank correlation over all models of UDR by lasso with UDR "
        f"by NMI: {agreement['nmi']:.2f}, by VI: {agreement['vi']:.2f}. Share of the variance of "
        "UDR between models that the setting explains (what the paper calls discerning power), by "
        "objective, settings with less than half of their channels informative left out "
        f"({left_out}): "
        + "; ".join(
            f"{kind} " + ", ".join(f"{value:.2f} ({group})" for group, value in by_group.items())
            for kind, by_group in explained.items()
        )
        + ". The paper: general agreement, and more discerning power by NMI and VI."
    )
    report.table(["model", "UDR by lasso", "by NMI", "by exp(-VI)"], rows)
    return explained


def remarks_on_ranking(explained):
    """Whether NMI and VI tell settings apart better than lasso, by objective."""
    for kind in ("nmi", "vi"):
        for group, lasso in explained["lasso"].items():
            ours = explained[kind][group]
            words = f"UDR by {kind.upper()} of the {group}: the setting explains {ours:.2f} of it"
            yield remark(bool(ours > lasso), f"{words}, more than of lasso's ({lasso:.2f}).")
            yield remark(
                bool(ours <= lasso),
                f"{words}, no more than of lasso's ({lasso:.2f}), against the paper.",
            )


def udr_of(channels, n_models, kind):
    """Return the UDR of each model of one ensemble from its fingerprints."""
    block = channels.blocks[0]
    means, log_vars = (
        a[:, :, 0].reshape(n_models, -1, channels.n_samples).transpose(0, 2, 1)
        for a in (block.mean, block.log_var)
    )
    return udr_scores(means, log_vars=log_vars, similarity=kind)


def explained_by_setting(by_name):
    """Return the between-settings share of the variance."""
    if len(by_name) < 2:
        return float("nan")
    groups = [np.ravel(values) for values in by_name.values()]
    everything = np.concatenate(groups)
    between = sum(len(g) * (g.mean() - everything.mean()) ** 2 for g in groups)
    return between / ((everything - everything.mean()) ** 2).sum()


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


def bound_and_monte_carlo(report, trained, X, size):
    """Hold the bound at several sample sizes against Monte Carlo (figure 3a)."""
    sizes = [n for n in (100, 300, 1000) if n <= len(X)] or [len(X)]
    n_mixture = min(len(X), 2000)
    posteriors = [
        (posterior.mean[:, [c]].astype(float), posterior.log_var[:, [c]].astype(float))
        for ensembles in trained.values()
        for posterior in [
            ensembles[0][0].encode(X[:n_mixture]),
            ensembles[1][0].encode(X[:n_mixture]),
        ]
        for c in range(6)
    ]
    monte_carlo, error, bounds, seconds = [], [], [], np.zeros(len(sizes) + 1)
    for mean, log_var in posteriors:
        start = time.perf_counter()
        value, own = monte_carlo_information(mean, log_var, n_draws=4000, random_state=0)
        seconds[-1] += time.perf_counter() - start
        monte_carlo.append(value)
        error.append(own)
        row = []
        for k, n in enumerate(sizes):
            start = time.perf_counter()
            row.append(channel_information(bhattacharyya_coefficients(mean[:n], log_var[:n])))
            seconds[k] += time.perf_counter() - start
        bounds.append(row)
    monte_carlo, bounds = np.array(monte_carlo), np.array(bounds)
    gap = bounds - monte_carlo[:, None]
    report.text(
        f"## The bound against Monte Carlo (figure 3a)\n\n{len(monte_carlo)} channels of "
        f"{monte_carlo.min():.2f} to {monte_carlo.max():.2f} bits. Monte Carlo: 4,000 draws, the "
        f"mixture over {n_mixture} samples, standard error {np.median(error):.3f} bits (median), "
        f"{1e3 * seconds[-1] / len(monte_carlo):.0f} ms a channel. A bound at N samples is low for "
        "being a bound and for being of N samples."
    )
    report.table(
        ["N", "bound minus Monte Carlo, bits: mean", "smallest, largest", "correlation", "ms"],
        [
            [
                n,
                float(gap[:, k].mean()),
                f"{gap[:, k].min():.2f}, {gap[:, k].max():.2f}",
                f"{np.corrcoef(bounds[:, k], monte_carlo)[0, 1]:.4f}",
                float(1e3 * seconds[k] / len(monte_carlo)),
            ]
            for k, n in enumerate(sizes)
        ],
    )
    return gap, bounds, monte_carlo, sizes


def remarks_on_the_bound(found):
    """Whether it is one, and follows what it bounds."""
    gap, bounds, monte_carlo, sizes = found
    follows = [np.corrcoef(column, monte_carlo)[0, 1] for column in bounds.T]
    yield remark(
        bool((gap < 0).all()),
        f"The bound is below Monte Carlo for every channel, by {-gap.mean():.2f} bits on average "
        f"and {-gap.min():.2f} at most.",
    )
    yield remark(
        bool(min(follows) > 0.99),
        f"It follows Monte Carlo (correlation {min(follows):.4f} or more) from {sizes[0]} samples "
        "on, as published.",
    )


def images(report, size, full):
    """Figure 5: hotspots of MNIST and Fashion-MNIST."""
    width = size.hidden // 2
    report.text(
        ("The networks of appendix E" if full else f"Perceptrons with two layers of {width}")
        + f", 10 components, Bernoulli likelihood on 28 x 28 pixels, {size.n_rows} training "
        f"images, {size.max_epochs} epochs; fingerprints of test images. The paper: 50 models, "
        "convolutions, 200,000 steps of 64 images. Beta is the paper's: 8 for MNIST and 4 for "
        "Fashion-MNIST; 1 beside it."
    )
    report.text("## Structure (figure 5)\n\n" + STRUCTURE_TEXT.format_map(as_dict(size)))
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
        X, test, labels = read_images(file, size)
        settings = PAPERS | network | {"likelihood": "bernoulli", "max_epochs": size.max_epochs}
        model = VAE(10, beta=beta, **settings)
        ensembles = [
            ChannelFingerprints.from_models(models, test) for models in train(model, X, size)
        ]
        setting = f"{name}, beta {beta:g}"
        row, found, structure[setting] = structure_row(setting, ensembles, size)
        rows.append(row)
        similarity = found[0].factor_similarity(labels)[:, 0]
        models_in = [
            len(np.unique(ensembles[0].model[found[0].labels_ == group]))
            for group in range(len(similarity))
        ]
        groups += [
            [f"{name}, beta {beta:g}", str(g), str(m), found[0].group_similarity_[g], similarity[g]]
            for g, m in enumerate(models_in)
        ]
    report.table(STRUCTURE_COLUMNS, rows)
    report.text(
        "### The hotspots of the first ensembles\n\nHow many models they come from, their mean NMI "
        "within, and mean NMI with the class label. The paper found seven on MNIST."
    )
    report.table(["data", "hotspot", "models", "NMI within", "NMI with the class"], groups)
    n_hotspots = sum(group[0] == "MNIST, beta 8" for group in groups)
    report.remarks(
        [
            *remarks_on_structure(structure, size),
            remark(n_hotspots == 7, "MNIST at beta 8 has seven hotspots, as published."),
            remark(
                n_hotspots != 7,
                f"MNIST at beta 8 has {n_hotspots} hotspots here, seven in the paper.",
            ),
        ]
    )


def read_images(file, size):
    """Read training images, and test images with labels, flat and in [0, 1]."""
    data = load_npz(data_file(file))
    training, test = (
        rows.astype(np.float32) / 255
        for rows in (data.data[: size.n_rows], data.data_test[: size.n_samples])
    )
    return training, test, data.target_test[: size.n_samples]


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


def hue(report, size, full):
    """Figure 6: how evenly the circle is represented, against the size of the ensemble."""
    width = size.hidden if full else size.hidden // 4
    # Evenly spaced: a gap between random points is where all models would tear the circle.
    X, _ = make_hue_circle(2048 if full else 512)
    model = VAE(
        1,
        architecture=tanh_network(width),
        beta=0.03,
        max_epochs=size.hue_epochs,
        likelihood="unit_gaussian",
        **PAPERS,
        batch_size=2048 if full else 128,
        learning_rate=1e-3 if full else 2e-3,
    )
    start = time.perf_counter()
    models = retrain(model, X, n_runs=size.n_hue_models, random_state=0)
    points, _ = make_hue_circle(200)
    channels = ChannelFingerprints.from_models(models, points)
    means = channels.blocks[0].mean
    alone = [neighbor_distance_variability(mean) for mean in means]
    report.text(
        f"{len(models)} beta-VAEs with a latent space of one dimension (beta 0.03, two layers of "
        f"{width} tanh, {size.hue_epochs} epochs), trained in {time.perf_counter() - start:.0f} s, "
        f"each of {channels.information.mean():.2f} bits (mean) about 200 hues. Synthesis in two "
        f"dimensions: {size.synthesis_epochs} steps of SGD at "
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
                    max_epochs=size.synthesis_epochs,
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
    """Run one part, or all of them."""
    arguments = parser(__doc__)
    arguments.add_argument("--part", choices=["sprites", "images", "hue"], required=True)
    arguments.add_argument("--note", help="a paragraph to end the report with")
    options = arguments.parse_args(argv)
    size = QUICK if options.quick else FULL if options.full else DEFAULT
    titles = {
        "sprites": "Channels of VAEs on sprites",
        "images": "Channels of beta-VAEs on MNIST and Fashion-MNIST",
        "hue": "One channel from many: the circle of hues",
    }
    report = Report(titles[options.part], options.out, keeps_remarks=False)
    start = time.perf_counter()
    if options.part == "sprites":
        sprites(report, size)
    elif options.part == "images":
        images(report, size, options.full)
    else:
        hue(report, size, options.full)
    report.text(f"All of it took {time.perf_counter() - start:.0f} s.")
    if options.note:
        report.text(options.note)
    report.write()


if __name__ == "__main__":
    main()

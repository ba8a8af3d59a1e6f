"""Channels of VAEs on sprites: the channel paper's figures 3, 4, 10 and 12 to 14."""

from dataclasses import replace

import numpy as np

from benchmarks._common import PAPERS
from benchmarks.papers.channels.bound import bound_and_monte_carlo, remarks_on_the_bound
from benchmarks.papers.channels.cuts import other_cuts, remarks_on_cuts
from benchmarks.papers.channels.enough import number_of_models, remarks_on_number, steepness
from benchmarks.papers.channels.groups import (
    best_of_hotspots,
    groups_and_factors,
    remarks_on_fragments,
    remarks_on_objectives,
    two_objectives,
)
from benchmarks.papers.channels.many import hotspots_by_size, mostly_informative, parts
from benchmarks.papers.channels.measures import nmi_beside_vi, remarks_on_measures_of_structure
from benchmarks.papers.channels.nmi_and_vi import nmi_and_vi, remarks_on_measures
from benchmarks.papers.channels.ours import PAPER, our_start, remarks_on_our_start
from benchmarks.papers.channels.ranking import ranking, remarks_on_ranking
from benchmarks.papers.channels.settings import as_dict, reported, train
from benchmarks.papers.channels.structure import (
    STRUCTURE_COLUMNS,
    STRUCTURE_TEXT,
    remarks_on_structure,
    structure_of,
    structure_row,
)
from sklatent import VAE, BetaTCVAE
from sklatent.channels import (
    ChannelFingerprints,
)
from sklatent.datasets import make_sprites
from sklatent.model_selection import retrain

# Of the larger ensembles, which share no model with the others, and how many train at once.
SEED = 100
STACK = 25
# This one takes twice the time and is in no table of many models: a quarter of them.
SLOW = "beta-TCVAE, beta 2"


def sprites(report, scale, full):
    """Figures 3, 4a, 4b, 10, 12, 13 and 14 on sprites, and how many models it takes."""
    X, factors = make_sprites(scale.n_rows, random_state=0, image_size=32)
    # 32 x 32 to 16 x 16 by averages, so that parts of a pixel are seen.
    X = X.reshape(-1, 16, 2, 16, 2).mean(axis=(2, 4)).reshape(-1, 256).astype(np.float32)
    samples, known = X[: scale.n_samples], factors[: scale.n_samples]
    report.text(
        f"Sprites on the dSprites grid, drawn by `make_sprites` at 16 x 16 grey pixels; {len(X)} "
        f"of them; multilayer perceptrons with two layers of {scale.hidden}, 6 components, "
        f"Bernoulli likelihood, Adam at 1e-3, batches of 128, {scale.max_epochs} epochs. The paper "
        "has the whole of dSprites at 64 x 64, convolutions, 10 components, 300,000 steps and 50 "
        "models. With a sixteenth of the pixels the reconstruction weighs less, so that a beta "
        "here is not the paper's beta."
    )
    models = models_of(PAPERS, scale)
    trained = {name: train(model, X, scale) for name, model in models.items()}
    many = {
        name: ChannelFingerprints.from_models(
            larger(model, X, scale.sizes[-3 if name == SLOW else -1]), samples
        )
        for name, model in models.items()
    }
    few = {
        name: [ChannelFingerprints.from_models(of, samples) for of in ensembles]
        for name, ensembles in trained.items()
    }
    # As many disjoint ensembles as there are: the larger one, cut, besides. The k-th ones of two
    # settings have the same seeds.
    channels = {name: [*few[name], *parts(many[name], scale.n_models)] for name in models}
    all_of_them = replace(scale, n_ensembles=max(map(len, channels.values())))
    report.text(
        "## Structure over beta (figure 4a)\n\n"
        + STRUCTURE_TEXT.format_map(as_dict(all_of_them))
        + f" Of the {SLOW}, there are {len(channels[SLOW])}."
    )
    found, structure = {}, {}
    for name, ensembles in channels.items():
        found[name], structure[name] = structure_of(ensembles, scale)
    report.table(
        STRUCTURE_COLUMNS, [structure_row(name, numbers) for name, numbers in structure.items()]
    )
    groups_and_factors(report, found, known)
    said = [*remarks_on_structure(structure)]
    said += remarks_on_fragments(best_of_hotspots(report, found, known))
    said += remarks_on_objectives(two_objectives(report, found, channels))
    ranked = ranking(report, channels, scale.n_models)
    said += remarks_on_ranking(ranked)
    said += remarks_on_measures(nmi_and_vi(report, found))
    said += remarks_on_the_bound(bound_and_monte_carlo(report, trained, X, scale))
    said += larger_ensembles(report, many, known, scale)
    by_start = {(name, begun(PAPER, models[name])): few[name] for name in models}
    for name, model in models_of({}, scale).items():
        by_start[name, begun("our defaults", model)] = [
            ChannelFingerprints.from_models(of, samples) for of in train(model, X, scale)
        ]
    said += remarks_on_our_start(our_start(report, by_start, scale))
    report.remarks(said)


def models_of(start, scale):
    """The settings, with the papers' start or, where that is empty, our defaults."""
    common = {
        "hidden_layer_sizes": (scale.hidden, scale.hidden),
        **start,
        "likelihood": "bernoulli",
        "max_epochs": scale.max_epochs,
    }
    models = {f"beta-VAE, beta {b:g}": VAE(6, beta=b, **common) for b in (0.5, 2.0, 6.0)}
    return models | {f"beta-TCVAE, beta {b:g}": BetaTCVAE(6, beta=b, **common) for b in (2.0, 6.0)}


def begun(words, model):
    """Name where a model's training starts."""
    return f"{words}: {model.init}, {model.activation}"


def larger_ensembles(report, many, known, scale):
    """Figure 10, and the number of models, on one larger ensemble of each setting."""
    many = {name: channels for name, channels in many.items() if name != SLOW}
    found = {name: hotspots_by_size(channels, scale) for name, channels in many.items()}
    said = [*remarks_on_measures_of_structure(nmi_beside_vi(report, many, found, scale))]
    said += remarks_on_number(
        number_of_models(report, many, found), steepness(report, many, found), found
    )
    some = {name: many[name] for name, by_size in found.items() if mostly_informative(by_size)}
    said += remarks_on_cuts(other_cuts(report, some, scale))
    size = scale.sizes[-2]
    groups_and_factors(
        report,
        {name: by_size[size] for name, by_size in found.items()},
        known,
        f"The first {size} models of each",
    )
    return said


def larger(model, X, n_models):
    """Train so many models, in stacks that the caches can hold."""
    return [
        each
        for start in range(0, n_models, STACK)
        for each in retrain(
            model, X, n_runs=min(STACK, n_models - start), random_state=SEED + start
        )
    ]


def main(argv=None):
    """Write the report."""
    reported(__doc__, "Channels of VAEs on sprites", sprites, argv)


if __name__ == "__main__":
    main()

"""Ensembles of two different objectives (section 6)."""

from functools import partial

import numpy as np
from sklearn.base import clone

from benchmarks._common import PAPERS, kept, over_seeds, paired, remark
from benchmarks.papers.ensemble.measures import METRICS, apart, compare, disentanglement
from benchmarks.papers.ensemble.training import JUDGED, models_of
from sklatent import VAEEnsemble

PLAIN = "ensemble of 2, gamma 10"
SEEDS = 3
# Which models of table 1 are joined. A beta-TCVAE of beta 1 has a VAE's objective.
JOINED = {
    "VAE and beta-TCVAE (beta 4)": (
        ("VAE", "beta-TCVAE (beta 4)"),
        {"objective": "beta_tc", "beta": [1.0, 4.0]},
    ),
    "VAE and beta-VAE (beta 4)": (("VAE", "beta-VAE (beta 4)"), {"beta": [1.0, 4.0]}),
}


def of_joined(options, X, factors, scale):
    """Train an ensemble of two for each seed: scores of each member, and how alike they are."""
    network = {**PAPERS, **scale.network, "likelihood": "bernoulli", "max_epochs": scale.epochs[-1]}
    found = {"scores": [], "alike": []}
    for seed in range(scale.seeds):
        ensemble = VAEEnsemble(
            n_estimators=2, gamma=10.0, random_state=seed, **network, **options
        ).fit(X)
        members = ensemble.estimators_
        found["scores"].append([disentanglement(m, X, factors, scale.trees, seed) for m in members])
        found["alike"].append(compare(members, judged(X), ensemble.linear_maps_))
    return found


def of_separate(names, X, scale):
    """How alike a model is to the next seed's of the other kind, seed by seed."""
    models = models_of(scale)
    one, other = (
        [
            clone(models[name]).set_params(random_state=seed, max_epochs=scale.epochs[-1]).fit(X)
            for seed in range(scale.seeds)
        ]
        for name in names
    )
    pairs = zip(one, other[1:] + other[:1], strict=True)
    return [compare(pair, judged(X)) for pair in pairs]


def judged(X):
    """The rows on which latent spaces are compared."""
    return X[np.random.default_rng(0).permutation(len(X))[:JUDGED]]


def joined(report, found, X, factors, scale, keep=None):
    """Section 6: members of other objectives, beside the same models on their own.

    Parameters
    ----------
    report : Report
        Where the table goes.
    found : dict of str to dict
        What `study` found of the models of table 1.
    X, factors : ndarray
        The sprites.
    scale : Scale
        How much is trained.
    keep : pathlib.Path or None, default=None
        Folder of results.

    Returns
    -------
    measured : dict of str to dict
        Of each ensemble: ``scores`` of shape (seed, member, metric) and ``alike``, and of the
        same models on their own ``alone`` and ``apart``.
    """
    # Of the other models, those of the same seeds.
    scale = scale._replace(seeds=min(SEEDS, scale.seeds))
    last = {name: max(of["course"].items())[1][: scale.seeds] for name, of in found.items()}
    scores = {name: of["scores"][: scale.seeds] for name, of in found.items()}
    measured, rows = {}, []
    for name, (members, options) in JOINED.items():
        if not set(members) <= set(found):
            continue
        key = f"{name} {scale.network} {scale.sprites} {scale.epochs[-1]} {scale.seeds} "
        ours = kept(
            keep, f"joined {key}{scale.trees}", partial(of_joined, options, X, factors, scale)
        )
        separate = kept(keep, f"separate {key}", partial(of_separate, members, X, scale))
        alone = np.stack([scores[member] for member in members], axis=1)
        measured[name] = {**ours, "alone": alone, "apart": separate}
        rows.append([name, "joined", *score_cells(ours["scores"]), *alike_cells(ours["alike"])])
        rows.append([name, "separate", *score_cells(alone), *alike_cells(separate)])
    plain = [over_seeds(of) for of in np.transpose(scores[PLAIN])]
    rows.append(["two VAEs", "joined", plain[0], "", plain[1], "", *alike_cells(last[PLAIN])])
    alone = [over_seeds(of) for of in np.transpose(scores["VAE"])]
    rows.append(["two VAEs", "separate", alone[0], "", alone[1], "", *alike_cells(last["VAE"])])
    report.text(
        "## Other objectives, joined (section 6)\n\nThe paper says that other objectives may be "
        "joined. Ensembles of two at gamma 10 with members of two different ones beside the same "
        f"models of table 1 on their own, over {scale.seeds} seeds; separate models are compared "
        "with the other kind's of the next seed."
    )
    report.table(
        [
            "models",
            "trained",
            "FactorVAE metric, first",
            "second",
            "DCI, first",
            "second",
            "R2, linear",
            "R2, signed permutation",
        ],
        rows,
    )
    return measured


def score_cells(scores):
    """The FactorVAE metric of both members, then DCI; scores are by seed, member and metric."""
    return [over_seeds(of) for metric in np.transpose(scores, (2, 1, 0)) for of in metric]


def alike_cells(results):
    """How alike two models are, up to a linear map and up to a signed permutation."""
    return [over_seeds([r[key] for r in results]) for key in ("linear", "permutation")]


def remarks_on_joined(measured):
    """Whether joining makes different objectives alike, and what it does to their scores."""
    for name, of in measured.items():
        for key, words in (("linear", "a linear map"), ("permutation", "a signed permutation")):
            more = apart(of["alike"], of["apart"], key)
            ours = over_seeds([r[key] for r in of["alike"]])
            told = f"{name}, joined: R2 of {words} between them is {ours}"
            yield remark(more.above(), f"{told}, {more} more than on their own.")
            yield remark(more.below(), f"{told}, less than on their own ({more}).")
            yield remark(more.holds(), f"{told}, not told from that on their own ({more} more).")
        scores = (np.transpose(of[kind], (2, 1, 0)) for kind in ("scores", "alone"))
        for metric, ours, alone in zip(METRICS, *scores, strict=True):
            for member, joined_scores, own in zip(("first", "second"), ours, alone, strict=True):
                more = paired(joined_scores, own)
                words = f"{name}: {metric} of the {member} changes by {more} where they are joined"
                yield remark(more.clear(), f"{words}.")
                yield remark(more.holds(), f"{words}: not told.")

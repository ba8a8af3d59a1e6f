"""The VAE ensemble's tables and figures on sprites, and its central claim where nothing fakes it.

The claim: members become equal up to signed permutations of their components. The paper's measure
of that, DtO of the learned maps, is 1/n for a zero matrix, so that shrinking latents and passive
components pass for alignment. Beside it stand three measures that they cannot fake, all of the
least-squares map between members' means, on active components scaled to unit variance.
"""

import time
from itertools import permutations

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier

from benchmarks._common import PAPERS, Report, over_seeds, paired, parser, remark
from sklatent import DIPVAE, VAE, BetaTCVAE, FactorVAE, VAEEnsemble
from sklatent.datasets import make_sprites
from sklatent.metrics import (
    consistency_score,
    dci_scores,
    distance_to_signed_permutation,
    factor_vae_score,
    polarized_regime,
    signed_permutation_report,
)

SMALL_SPRITES = {
    "orientation": 0,
    "position_x": list(range(0, 32, 2)),
    "position_y": list(range(0, 32, 2)),
}
SMALL_NETWORK = {
    "n_components": 10,
    "hidden_layer_sizes": (128, 128),
    "batch_size": 64,
    "learning_rate": 2e-3,
}
SETTINGS = {
    "quick": {
        "sprites": {"factors": {**SMALL_SPRITES, "shape": 1}, "n_samples": 500, "image_size": 32},
        "network": SMALL_NETWORK,
        "epochs": (1, 2),
        "seeds": 2,
        "trees": 2,
        "gammas": (10.0,),
        "sizes": (2,),
        "conditions": {"epochs": (20, 40), "seeds": 2},
    },
    "default": {
        "sprites": {"factors": SMALL_SPRITES, "n_samples": 2000, "image_size": 32},
        "network": SMALL_NETWORK,
        "epochs": (3, 10, 25, 60),
        "seeds": 5,
        "trees": 10,
        "gammas": (10.0,),
        "sizes": (2, 3),
        "conditions": {"epochs": (200, 1000, 4000), "seeds": 3},
    },
    "full": {
        "sprites": {},
        "network": {
            "n_components": 10,
            "architecture": "conv64",
            "image_shape": (1, 64, 64),
            "batch_size": 64,
            "learning_rate": 1e-4,
        },
        "epochs": (1, 5, 10, 26),  # 26 epochs of the whole grid are 300,000 steps
        "seeds": 10,
        "trees": 100,
        "gammas": (1.0, 5.0, 10.0),
        "sizes": (2, 3, 4, 5),
        "conditions": {"epochs": (250, 1500, 6000), "seeds": 10},
    },
}
SCORED = 800  # rows on which DCI's trees are grown and tested
JUDGED = 5000  # rows on which latent spaces are compared


# Measures


def unit_active(means):
    """Active components at unit variance, by the rule of `signed_permutation_report`."""
    variance = means.var(axis=0)
    active = means[:, variance > 0.01 * variance.max()]
    return (active - active.mean(axis=0)) / active.std(axis=0)


def equivalence(source, target):
    """How far one latent space is from being the other up to a linear map or a permutation."""
    report = signed_permutation_report(source, target)
    scaled = [unit_active(source), unit_active(target)]
    return {
        "distance": report.distance,
        "floor": report.floor,
        "rotated": report.rotated,
        "linear": report.r2,
        "permutation": consistency_score(scaled, maps="signed_permutation"),
        "active": (report.n_active + report.n_active_target) / 2,
    }


def least_squares_map(source, target):
    """Map between means as they are, of all components: the paper's for separate models."""
    return np.linalg.lstsq(source, target, rcond=None)[0].T


def compare(members, X, linear_maps=None):
    """Mean over ordered pairs of models of every measure."""
    means = [np.asarray(member.transform(X), dtype=float) for member in members]
    found = []
    for i, j in permutations(range(len(members)), 2):
        raw = least_squares_map(means[i], means[j]) if linear_maps is None else linear_maps[i, j]
        pair = equivalence(means[i], means[j])
        found.append({"raw": distance_to_signed_permutation(raw), **pair})
    return {name: np.mean([pair[name] for pair in found]) for name in found[0]}


def compare_separate(models, X):
    """Each model beside the next, so that there is one pair for each seed."""
    pairs = zip(models, models[1:] + models[:1], strict=True)
    return [compare(pair, X) for pair in pairs]


EQUIVALENCE = {
    "raw": "raw DtO",
    "distance": "DtO, active, unit variance",
    "floor": "its floor 1/k",
    "rotated": "DtO of random rotations",
    "linear": "R2, linear",
    "permutation": "R2, signed permutation",
    "active": "active",
}


def equivalence_row(results):
    """Intervals over seeds of what `compare` returned."""
    return [over_seeds([result[name] for result in results]) for name in EQUIVALENCE]


def disentanglement(model, X, factors, trees, seed):
    """The FactorVAE metric and DCI disentanglement of one model."""
    codes = model.transform(X)
    some = np.random.default_rng(0).choice(len(X), min(SCORED, len(X)), replace=False)
    estimator = GradientBoostingClassifier(n_estimators=trees, random_state=0)
    dci = dci_scores(codes[some], factors[some], estimator=estimator, random_state=seed)
    return factor_vae_score(codes, factors, random_state=seed), dci.disentanglement


# Training


def stages(model, X, epochs):
    """Train up to each number of epochs in turn, yielding the model there."""
    model = clone(model).set_params(warm_start=True)
    done = 0
    for total in epochs:
        model.set_params(max_epochs=total - done).fit(X)
        done = total
        yield total, model


def models_of(settings, size):
    """Every model of tables 1 and 2 by name."""
    network = {**PAPERS, **settings["network"], "likelihood": "bernoulli"}
    found = {"VAE": VAE(**network), "beta-TCVAE (beta 4)": BetaTCVAE(**network, beta=4.0)}
    if size == "full":
        found |= {
            "beta-VAE (beta 4)": VAE(**network, beta=4.0),
            "FactorVAE (gamma 40)": FactorVAE(
                **network, gamma=40.0, discriminator_layer_sizes=(1000,) * 6
            ),
            "DIP-VAE-I": DIPVAE(**network, kind="i", lambda_od=5.0, lambda_d=50.0),
            "DIP-VAE-II": DIPVAE(**network, kind="ii", lambda_od=5.0, lambda_d=5.0),
        }
    found |= {
        f"ensemble of {n}, gamma {gamma:g}": VAEEnsemble(**network, n_estimators=n, gamma=gamma)
        for n in settings["sizes"]
        for gamma in settings["gammas"]
    }
    two = VAEEnsemble(**network, n_estimators=2, gamma=settings["gammas"][-1])
    found["of 2, no cross-reconstruction"] = clone(two).set_params(cross_reconstruction=False)
    found["of 2, no linear transformation"] = clone(two).set_params(linear_transformation=False)
    return found


def study(model, X, factors, settings):
    """Train one model over seeds; what the tables need of it, by stage."""
    judged = X[np.random.default_rng(0).permutation(len(X))[:JUDGED]]
    found = {"course": {}, "scores": [], "spread": [], "regime": []}
    trained = {}
    for seed in range(settings["seeds"]):
        seeded = clone(model).set_params(random_state=seed)
        for epochs, stage in stages(seeded, X, settings["epochs"]):
            if isinstance(stage, VAEEnsemble):
                result = compare(stage.estimators_, judged, stage.linear_maps_)
                found["course"].setdefault(epochs, []).append(result)
            else:
                trained.setdefault(epochs, []).append(Snapshot(stage, judged))
        members = getattr(stage, "estimators_", [stage])
        scores = [disentanglement(m, X, factors, settings["trees"], seed) for m in members]
        found["scores"].append(scores[0])
        found["spread"].append(np.std(scores, axis=0))
        found["regime"].append([np.sort(polarized_regime(m.encode(judged))) for m in members])
    for epochs, snapshots in trained.items():
        found["course"][epochs] = compare_separate(snapshots, judged)
    return found


class Snapshot:
    """The latents of a model as it now is, since its training goes on."""

    def __init__(self, model, X):
        self.latents = model.transform(X)

    def transform(self, X):
        """Return them: X is what they are of."""
        return self.latents


# When are linearly equivalent models permutation-equivalent?


def linear_data(deviations, n_samples=500, n_features=6, seed=0):
    """Gaussian factors of these deviations in a random subspace, under unit noise."""
    generator = np.random.default_rng(seed)
    axes = np.linalg.qr(generator.normal(size=(n_features, len(deviations))))[0]
    factors = generator.normal(size=(n_samples, len(deviations))) * deviations
    return factors @ axes.T + generator.normal(size=(n_samples, n_features))


CONDITIONS = {
    "distinct strengths, diagonal": ((6.0, 3.0, 1.5), "diagonal"),
    "equal strengths, diagonal": ((3.0, 3.0, 3.0), "diagonal"),
    "distinct strengths, full": ((6.0, 3.0, 1.5), "full"),
}


def conditions(report, settings):
    """Linear networks on Gaussian factors, where theory says what should happen."""
    report.text(
        "## When members are permutation-equivalent\n\nLinear networks on three Gaussian factors "
        "in six dimensions under unit noise, where theory is complete: with a diagonal posterior "
        "and factors of distinct strength the optimum is the principal axes, which identifies the "
        "latents up to signed permutations; with equal strengths, or with a full posterior, every "
        "rotation is an optimum. Ensembles of 2 at gamma 1 and pairs of separate VAEs."
    )
    rows, found = [], {}
    for name, (deviations, posterior) in CONDITIONS.items():
        X = linear_data(np.array(deviations))
        network = {
            **PAPERS,
            "likelihood": "unit_gaussian",
            "n_components": 3,
            "hidden_layer_sizes": (),
            "posterior": posterior,
            "batch_size": len(X),
            "learning_rate": 3e-2,
        }
        courses = {"separate": {}, "ensemble": {}}
        for seed in range(settings["seeds"]):
            one = VAE(**network, random_state=seed)
            both = VAEEnsemble(**network, n_estimators=2, gamma=1.0, random_state=seed)
            for epochs, stage in stages(one, X, settings["epochs"]):
                courses["separate"].setdefault(epochs, []).append(Snapshot(stage, X))
            for epochs, stage in stages(both, X, settings["epochs"]):
                result = compare(stage.estimators_, X, stage.linear_maps_)
                courses["ensemble"].setdefault(epochs, []).append(result)
        for epochs in settings["epochs"]:
            alone = compare_separate(courses["separate"][epochs], X)
            rows.append([name, "separate", epochs, *equivalence_row(alone)])
            together = courses["ensemble"][epochs]
            rows.append([name, "ensemble", epochs, *equivalence_row(together)])
            found[name] = {"separate": alone, "ensemble": together}  # at the last number of steps
    report.table(["factors, posterior", "models", "steps", *EQUIVALENCE.values()], rows)
    return found


# The report


def random_projections(settings, X, factors):
    """Scores of random directions in pixel space: the null of table 1."""
    found = []
    for seed in range(settings["seeds"]):
        axes = np.random.default_rng(seed).normal(size=(X.shape[1], 10)) / np.sqrt(X.shape[1])
        found.append(disentanglement(Projection(axes), X, factors, settings["trees"], seed))
    return np.array(found)


class Projection:
    """A linear encoder."""

    def __init__(self, axes):
        self.axes = axes

    def transform(self, X):
        """Project."""
        return X @ self.axes


def main(argv=None):
    """Train, measure and report."""
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", type=int, help="how many seeds, where not the usual number")
    arguments.add_argument("--epochs", type=int, help="stop there")
    options = arguments.parse_args(argv)
    size = "quick" if options.quick else "full" if options.full else "default"
    settings = dict(SETTINGS[size])
    settings["seeds"] = options.seeds or settings["seeds"]
    if options.epochs:
        stops = [epochs for epochs in settings["epochs"] if epochs < options.epochs]
        settings["epochs"] = (*stops, options.epochs)
    start = time.perf_counter()
    report = Report("VAE ensembles on sprites", options.out, keeps_remarks=False)
    X, factors = make_sprites(random_state=0, **settings["sprites"])
    factors = factors[:, factors.min(axis=0) < factors.max(axis=0)]
    X = X.astype(np.float32) if size != "full" else X
    network = ", ".join(f"{name} {value}" for name, value in settings["network"].items())
    report.text(
        f"{len(X)} sprites of {factors.shape[1]} factors, {X.shape[1]} pixels; {network}; "
        f"Bernoulli likelihood; {settings['epochs'][-1]} epochs; seeds 0 to "
        f"{settings['seeds'] - 1}; DCI by {settings['trees']} trees. Entries are means with 95 "
        "percent intervals over seeds (Student's t). Separate models are compared "
        "seed by seed with the next."
    )
    found = {}
    for name, model in models_of(settings, size).items():
        found[name] = study(model, X, factors, settings)
        print(f"{name}: {time.perf_counter() - start:.0f} s", found[name], flush=True)
    tables(report, found, random_projections(settings, X, factors))
    verdicts(report, found)
    sizes = latent_sizes(report, X, settings)
    limits = conditions(report, settings["conditions"])
    report.remarks(
        [*remarks_on_scores(found), *remarks_on_maps(found, sizes), *remarks_on_limits(limits)]
    )
    report.text(f"In all {(time.perf_counter() - start) / 60:.0f} minutes.")
    report.write()


def latent_sizes(report, X, settings):
    """Figure 7, on sprites: an ensemble of two with more and more components."""
    rows, found = [], {}
    for n_components in (10, 16, 32):
        network = {
            **PAPERS,
            **settings["network"],
            "n_components": n_components,
            "likelihood": "bernoulli",
        }
        network["max_epochs"] = settings["epochs"][-1]
        ensembles = [
            VAEEnsemble(n_estimators=2, gamma=10.0, random_state=seed, **network).fit(X)
            for seed in range(settings["seeds"])
        ]
        together = [compare(e.estimators_, X[:JUDGED], e.linear_maps_) for e in ensembles]
        models = [VAE(random_state=s, **network).fit(X) for s in range(settings["seeds"])]
        separate = compare_separate(models, X[:JUDGED])
        rows.append([n_components, "ensemble of 2", *equivalence_row(together)])
        rows.append([n_components, "separate", *equivalence_row(separate)])
        found[n_components] = {"ensemble": together, "separate": separate}
    report.text(
        "## Figure 7: number of components\n\nThe paper's is of CelebA: raw DtO falls as "
        "components are added. So does that of the zero matrix, which is 1/n: 0.1, 0.0625, 0.031."
    )
    report.table(["components", "models", *EQUIVALENCE.values()], rows)
    return found


PUBLISHED = {
    "VAE": ("0.635 +- 0.083", "0.143 +- 0.033"),
    "beta-TCVAE (beta 4)": ("0.808 +- 0.079", "0.303 +- 0.052"),
    "beta-VAE (beta 4)": ("0.665 +- 0.089", "0.198 +- 0.076"),
    "FactorVAE (gamma 40)": ("0.764 +- 0.075", "0.253 +- 0.072"),
    "DIP-VAE-I": ("0.638 +- 0.108", "0.049 +- 0.017"),
    "DIP-VAE-II": ("0.676 +- 0.122", "0.106 +- 0.032"),
    "ensemble of 2, gamma 10": ("0.741 +- 0.086", "0.201 +- 0.037"),
    "ensemble of 3, gamma 10": ("0.821 +- 0.066", "0.311 +- 0.060"),
}


def tables(report, found, null):
    """Tables 1 and 2, the course of training, the polarised regime and the ablation."""
    report.text(
        "## Table 1, and the ablation of figures 4 and 8\n\nThe first member's. The null is "
        "ten random projections of the pixels. Published are dSprites, 64x64: mean and "
        "deviation of 10 runs."
    )
    rows = [["random projections", *map(over_seeds, null.T), *[""] * 4]]
    plain = np.array(found["VAE"]["scores"]).T
    for name, result in found.items():
        scores = np.array(result["scores"]).T
        more = [f"{paired(a, b):.3g}" for a, b in zip(scores, plain, strict=True)]
        more = ["", ""] if name == "VAE" else more
        rows.append([name, *map(over_seeds, scores), *more, *PUBLISHED.get(name, ("", ""))])
    report.table(
        [
            "model",
            "FactorVAE metric",
            "DCI",
            "more than the VAE's of the same seed",
            "the same, DCI",
            "published",
            "published DCI",
        ],
        rows,
    )
    report.text(
        "## Table 2\n\nStandard deviation of each score between the members of an ensemble, and "
        "as its null between separate VAEs of different seeds. Published: 0.006 and 0.0013 for an "
        "ensemble of 2 at gamma 10, 0.0046 and 0.0024 for one of 3."
    )
    seeds = np.array(found["VAE"]["scores"])
    pairs = np.std([seeds, np.roll(seeds, -1, axis=0)], axis=0)
    rows = [["pairs of VAEs", *map(over_seeds, pairs.T)]]
    for name, result in found.items():
        if len(result["regime"][0]) > 1:
            rows.append([name, *map(over_seeds, np.array(result["spread"]).T)])
    report.table(["model", "FactorVAE metric", "DCI"], rows)
    report.text(
        "## Figures 2 and 6: alignment during training\n\nRaw DtO is of the learned maps for an "
        "ensemble, of the least-squares maps between means for separate models, smaller is more "
        "alike. What cannot be faked by shrinking or by passive components is to its right: a DtO "
        "near its floor or near that of random rotations says that nothing is aligned, and R2 by a "
        "signed permutation must come near R2 by a linear map."
    )
    rows = [
        [name, epochs, *equivalence_row(results)]
        for name, result in found.items()
        for epochs, results in result["course"].items()
    ]
    report.table(["model", "epochs", *EQUIVALENCE.values()], rows)
    report.text(
        "## Figure 3: the polarised regime\n\nLog relative error per component, sorted: at most -1 "
        "counts as clearly active, at least 0 as passive. The last column is the mean absolute "
        "difference between members' sorted values (for single models, between seeds)."
    )
    rows = []
    for name, result in found.items():
        first = np.array([regimes[0] for regimes in result["regime"]])
        if len(result["regime"][0]) > 1:
            apart = [np.mean(np.abs(r[0] - r[1])) for r in result["regime"]]
        else:
            apart = np.mean(np.abs(first - np.roll(first, -1, axis=0)), axis=1)
        active, passive = (first < -1).sum(axis=1), (first > 0).sum(axis=1)
        rows.append([name, *map(over_seeds, (active, passive, apart))])
    report.table(["model", "active", "passive", "difference"], rows)


def beside(difference):
    """Say on which side of another's a number is, by the interval of their paired difference."""
    if difference.above():
        return "above"
    return "below" if difference.below() else "not distinguishable from"


def apart(results, others, key):
    """Paired difference of a measure that `compare` returned for the same seeds."""
    return paired([r[key] for r in results], [r[key] for r in others])


def verdicts(report, found):
    """Say in words what the last epoch shows, whichever way it went."""
    last = {name: max(result["course"].items())[1] for name, result in found.items()}
    names = list(EQUIVALENCE)
    rows = {name: dict(zip(names, equivalence_row(r), strict=True)) for name, r in last.items()}
    lines = []
    for name, row in rows.items():
        yardstick = min(row["floor"].middle, row["rotated"].middle)
        shared = "are" if row["distance"].high < yardstick else "are not"
        line = (
            f"* {name}: axes {shared} shown to be shared (DtO on active components "
            f"{row['distance']:.2f}, yardstick {yardstick:.2f})"
        )
        if name != "VAE":
            words = {
                key: beside(apart(last[name], last["VAE"], key))
                for key in ("linear", "permutation", "raw")
            }
            line += (
                f"; beside separate VAEs R2 of a linear map is {words['linear']} theirs, of a "
                f"signed permutation {words['permutation']} theirs, raw DtO {words['raw']} theirs"
            )
        lines.append(line + ".")
    report.text("## What holds, at the last epoch\n\n" + "\n".join(lines))


METRICS = ("FactorVAE metric", "DCI")


def is_ensemble(name):
    """Whether a model of table 1 is an ensemble as the paper has it, without ablation."""
    return name.startswith("ensemble")


def remarks_on_scores(found):
    """Tables 1 and 2; differences are paired by seed."""
    plain = np.array(found["VAE"]["scores"]).T
    seeds = np.array(found["VAE"]["scores"])
    separate = np.std([seeds, np.roll(seeds, -1, axis=0)], axis=0).T
    for name in filter(is_ensemble, found):
        scores = np.array(found[name]["scores"]).T
        for metric, ours, theirs in zip(METRICS, scores, plain, strict=True):
            more = paired(ours, theirs)
            yield remark(more.above(), f"{name}: {metric} above the VAE's, by {more}.")
            yield remark(
                more.holds(),
                f"{name}: {metric} is not told from the VAE's ({more} more), against the paper.",
            )
        spread = np.array(found[name]["spread"]).T
        for metric, ours, theirs in zip(METRICS, spread, separate, strict=True):
            more = paired(ours, theirs)
            yield remark(
                more.below(),
                f"{name}: members differ less in {metric} than separate VAEs do ({more}).",
            )
            yield remark(
                more.not_below(),
                f"{name}: that members differ less in {metric} than separate VAEs do is not shown "
                f"({more}); the paper says that they do.",
            )


def remarks_on_maps(found, sizes):
    """Alignment, its ablation, and the number of components."""
    last = {name: max(result["course"].items())[1] for name, result in found.items()}
    whole = next(name for name in found if is_ensemble(name))
    mean = {name: np.mean([r["linear"] for r in results]) for name, results in last.items()}
    gain = mean[whole] - mean["VAE"]
    parts = {
        told: (mean[name] - mean["VAE"]) / gain
        for told, name in (
            ("the linear term", "of 2, no cross-reconstruction"),
            ("cross-reconstruction", "of 2, no linear transformation"),
        )
    }
    shares = " and ".join(f"{told} {share:.0%}" for told, share in parts.items())
    yield remark(
        bool(gain > 0 and min(parts.values()) > 0.8),
        "Either of the ensemble's terms alone brings nearly all of what both bring to R2 of a "
        f"linear map: {shares}.",
    )
    yield remark(
        bool(gain > 0 and min(parts.values()) <= 0.8),
        f"Of what both terms bring to R2 of a linear map, one alone brings: {shares}.",
    )
    for n_components, pairs in sizes.items():
        rotated = apart_from(pairs["ensemble"], "distance", "rotated")
        yield remark(
            rotated.not_below(),
            f"{n_components} components: members' distance on active components is not below that "
            f"of random rotations ({rotated}); their axes are not shown to be shared.",
        )
        yield remark(
            rotated.below(),
            f"{n_components} components: members' distance on active components is below that of "
            f"random rotations ({rotated}).",
        )
    fewest, most = min(sizes), max(sizes)
    falls = [
        apart(sizes[most][kind], sizes[fewest][kind], "raw") for kind in ("ensemble", "separate")
    ]
    yield remark(
        all(fall.below() for fall in falls),
        f"Raw DtO falls from {fewest} to {most} components, as published, and so it does for "
        f"separate models ({falls[0]} and {falls[1]}).",
    )


def apart_from(results, key, yardstick):
    """How far a measure is from its yardstick."""
    return paired([r[key] for r in results], [r[yardstick] for r in results])


def remarks_on_limits(limits):
    """Where axes are shared by theory."""
    for condition, pairs in limits.items():
        away = {kind: apart_from(results, "distance", "rotated") for kind, results in pairs.items()}
        figures = ", ".join(f"{kind} {d}" for kind, d in away.items())
        yield remark(
            all(d.below() for d in away.values()),
            f"{condition}: axes are nearer than random rotations, for separate models and members "
            f"alike ({figures}).",
        )
        yield remark(
            all(d.not_below() for d in away.values()),
            f"{condition}: neither separate models nor members come nearer than random rotations "
            f"({figures}).",
        )


if __name__ == "__main__":
    main()

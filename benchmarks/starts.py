"""What becomes of the papers' claims when training starts at PCA? Each model under both starts.

"ours" are our defaults (a linear path from probabilistic PCA, SiLU, annealing), "random" is the
papers' start with ReLU. Where the start alone does what anchors or an ensemble promise, the tables
show it, and where it hurts what a model is for. One part a run, each with a report of its own.
"""

from itertools import combinations, permutations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from benchmarks._common import PAPERS, Report, over_seeds, parser, remark
from sklatent import (
    DIPVAE,
    VAE,
    BetaTCVAE,
    FactorVAE,
    RosettaPoints,
    RosettaVAE,
    TransformVAE,
    VAEEnsemble,
)
from sklatent.channels import ChannelFingerprints, ChannelHotspots
from sklatent.datasets import make_sprites
from sklatent.metrics import consistency_score, mutual_information_gap, udr_scores
from sklatent.model_selection import retrain
from sklatent.transformations import RandomAffine

OURS = {"init": "pca"}
STARTS = {"ours": OURS, "random": PAPERS}
SHAPE = (1, 8, 8)
VIEWS = RandomAffine(rotation=20, shear=0.2, scale=(0.7, 1.3), translation=1)
AFFINE = RandomAffine(rotation=20, shear=0.2, scale=(0.8, 1.2), translation=1)


def digits(seed):
    """Digits in [0, 1], in two halves and held-out rows, with labels."""
    X, y = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, random_state=seed)
    return np.array_split(train, 2), test, y_train, y_test


def linear_r2(Z, target):
    """R^2 of the best linear map, fitted on one half of the rows and scored on the other."""
    half = len(Z) // 2
    return r2_score(
        target[half:], LinearRegression().fit(Z[:half], target[:half]).predict(Z[half:])
    )


def between(spaces):
    """Means over ordered pairs: coordinates as they are, axes up to sign and order, linear maps."""
    pairs = list(permutations(spaces, 2))
    return [
        np.mean([r2_score(b, a) for a, b in pairs]),
        consistency_score(list(spaces), maps="signed_permutation"),
        np.mean([linear_r2(a, b) for a, b in pairs]),
    ]


def anchors_and_ensembles(report, quick):
    """Two labs, with and without anchors; members of an ensemble, and models of two seeds."""
    n_seeds, epochs = (1, 1) if quick else (3, 40)
    labs, members = {}, {}
    for start, parameters in STARTS.items():
        shared = {
            "n_components": 8,
            "likelihood": "bernoulli",
            "max_epochs": epochs,
            "hidden_layer_sizes": (128, 128),
            **parameters,
        }
        for seed in range(n_seeds):
            (A, B), test, *_ = digits(seed)
            lab_a = VAE(**shared, random_state=100 + seed).fit(A)
            points = RosettaPoints.distill(lab_a, A, n_points=32, random_state=0)
            for name, model in {
                "VAE": VAE(**shared),
                "RosettaVAE": RosettaVAE(**shared, rosetta_points=points),
            }.items():
                model.set_params(random_state=seed).fit(B)
                Z, theirs = model.transform(test), lab_a.transform(test)
                labs.setdefault((name, start), []).append(
                    [r2_score(theirs, Z), linear_r2(Z, theirs), model.score(test)]
                )
            train = np.concatenate([A, B])
            separate = retrain(VAE(**shared), train, n_runs=2, random_state=seed)
            ensemble = VAEEnsemble(**shared, n_estimators=2, random_state=seed).fit(train)
            for name, models in (
                ("two VAEs", separate),
                ("VAEEnsemble of 2", ensemble.estimators_),
            ):
                members.setdefault((name, start), []).append(
                    [
                        *between([model.transform(test) for model in models]),
                        np.mean([model.score(test) for model in models]),
                    ]
                )
    report.text(
        f"## Anchors: does the start alone do it?\n\nDigits, 8 components, Bernoulli, {epochs} "
        f"epochs, {n_seeds} splits into lab A, lab B and held-out rows. Lab B has lab A's 32 "
        "anchors, or (VAE) nothing at all. R^2 with lab A's coordinates on held-out rows. A "
        "component that a random start leaves unused has hardly any variance, and the R^2 of "
        "coordinates counts it like any other."
    )
    columns = ["lab B's model", "start", "R^2 of coordinates", "R^2, best linear map", "bound"]
    report.table(columns, _rows(labs))
    report.text(
        "## Ensembles: do members agree more than models of two seeds?\n\nThe same digits, both "
        "labs' rows together. Means over pairs of models, on held-out rows."
    )
    columns = ["models", "start", "R^2 of coordinates", "R^2, signed permutation"]
    report.table([*columns, "R^2, best linear map", "bound"], _rows(members))


def _rows(results):
    """One row for each key, an interval over seeds for each column."""
    return [
        [*key, *(over_seeds(column) for column in np.transpose(values))]
        for key, values in results.items()
    ]


def views(report, quick):
    """The transformation-aware VAE, with and without a divergence of its views' posteriors."""
    n_seeds, epochs = (1, 1) if quick else (3, 40)
    results = {}
    for start, parameters in STARTS.items():
        for seed in range(n_seeds):
            X, y = load_digits(return_X_y=True)
            train, test, y_train, y_test = train_test_split(
                X / 16, y, test_size=0.4, random_state=seed
            )
            seen = AFFINE.sample(np.tile(train, (3, 1)), 10, SHAPE)[0]
            asked = AFFINE.sample(test, 11, SHAPE)[0]
            shared = {
                "n_components": 8,
                "image_shape": SHAPE,
                "likelihood": "bernoulli",
                "max_epochs": epochs,
                "hidden_layer_sizes": (128, 128),
                "random_state": seed,
                **parameters,
            }
            aware = {**shared, "transformation": VIEWS, "latent_layer_sizes": (128,)}
            for name, model in {
                "VAE+": VAE(**shared, augmentation=VIEWS),
                "T-VAE, weight 0 (as printed)": TransformVAE(**aware, view_divergence_weight=0.0),
                "T-VAE, weight 1": TransformVAE(**aware),
            }.items():
                model.fit(train)
                posterior, Z = model.encode(asked), model.transform(seen)
                spectrum = np.linalg.eigvalsh(np.cov(Z.T))
                whiten = PCA(whiten=True).fit(Z)
                labels = np.tile(y_train, 3)
                spaces = [(Z, posterior.mean)]
                spaces.append(tuple(whiten.transform(space) for space in spaces[0]))
                results.setdefault((name, start), []).append(
                    [
                        np.sqrt(posterior.variance).mean(),
                        posterior.kl_per_component().sum(axis=1).mean(),
                        spectrum.sum() ** 2 / (spectrum**2).sum(),
                        *(
                            100 * KNeighborsClassifier(5).fit(a, labels).score(b, y_test)
                            for a, b in spaces
                        ),
                        model.score(asked),
                        model.score(test),
                    ]
                )
    report.text(
        f"## A divergence of the views' posteriors\n\nDigits, 8 components, Bernoulli, {epochs} "
        f"epochs, {n_seeds} splits. All but the last column are of digits under affine maps, "
        "which look like views: the posterior's mean deviation, its divergence from the prior in "
        "nats, the effective dimension of the means (the participation ratio of their spectrum), "
        "percent of rows whose five neighbours among the training rows say their label, in "
        "coordinates as they are and whitened, and the bound in nats. VAE+ is trained on views."
    )
    columns = ["model", "start", "deviation", "divergence", "effective dimension"]
    columns += ["neighbours", "neighbours, whitened", "bound, affine", "bound, digits"]
    report.table(columns, _rows(results))


def factors(report, quick):
    """Models that are to find factors: MIG, UDR and hotspots."""
    n_models, epochs = (2, 1) if quick else (5, 30)
    X, labels = make_sprites(
        200 if quick else 2000,
        {"orientation": 0, "shape": [0, 1], "scale": [1, 5]},
        random_state=0,
        image_size=16,
    )
    X = X / 1.0
    varied = labels[:, labels.std(axis=0) > 0]
    shared = {
        "n_components": 6,
        "likelihood": "bernoulli",
        "max_epochs": epochs,
        "hidden_layer_sizes": (128, 128),
    }
    models = {
        "VAE, beta 1": VAE(**shared),
        "VAE, beta 4": VAE(**shared, beta=4.0),
        "VAE, beta 8": VAE(**shared, beta=8.0),
        "BetaTCVAE, beta 4": BetaTCVAE(**shared, beta=4.0),
        "BetaTCVAE, beta 8": BetaTCVAE(**shared, beta=8.0),
        "FactorVAE, gamma 10": FactorVAE(**shared, discriminator_layer_sizes=(64, 64)),
        "DIPVAE": DIPVAE(**shared),
    }
    table, scores, hotspots = [], {}, []
    rows = np.random.default_rng(0).permutation(len(X))[:300]
    for name, model in models.items():
        for start, parameters in STARTS.items():
            runs = retrain(model.set_params(**parameters), X, n_runs=n_models, random_state=0)
            posteriors = [run.encode(X) for run in runs]
            means = [posterior.mean for posterior in posteriors]
            gaps = [mutual_information_gap(mean, varied) for mean in means]
            log_vars = [posterior.log_var for posterior in posteriors]
            by_kind = {
                kind: udr_scores(means, log_vars=log_vars, similarity=kind)
                for kind in ("lasso", "spearman")
            }
            small = [mean[rows] for mean in means], [log_var[rows] for log_var in log_vars]
            by_kind["nmi"] = udr_scores(small[0], log_vars=small[1], similarity="nmi")
            agreement = np.mean([r2_score(b, a) for a, b in combinations(means, 2)])
            active = np.mean([(p.kl_per_component().mean(axis=0) > 0.01).sum() for p in posteriors])
            scores[name, start] = by_kind
            table.append(
                [
                    name,
                    start,
                    over_seeds(gaps),
                    over_seeds([run.score(X) for run in runs]),
                    f"{active:.1f}",
                    f"{agreement:.2f}",
                    *(f"{by_kind[kind].mean():.2f}" for kind in ("lasso", "spearman", "nmi")),
                ]
            )
            if name in ("VAE, beta 4", "BetaTCVAE, beta 4"):
                hotspots.append([name, start, *_hotspots(*small, varied[rows])])
    report.text(
        f"## Factors\n\n{len(X)} sprites of 16 x 16 pixels ({varied.shape[1]} factors), 6 "
        f"components, {epochs} epochs, {n_models} seeds: MIG and the bound (both greater is "
        "better), active components (over 0.01 nats), R^2 of coordinates between seeds, and the "
        "mean UDR of the seeds. Trained and measured on the same rows."
    )
    columns = ["model", "start", "MIG", "bound", "active", "R^2 between seeds"]
    report.table([*columns, "UDR, lasso", "UDR, Spearman", "UDR, NMI"], table)
    _discerning(report, scores, table)
    report.text(
        f"## Hotspots\n\nGroups of channels of the {n_models} models (at least 4 channels), held "
        "against chance, and the largest NMI of each group with one factor."
    )
    columns = ["model", "start", "groups", "largest p", "share of channels in groups"]
    report.table([*columns, "NMI with the nearest factor"], hotspots)
    report.remarks(_remarks_on_factors(table, hotspots, shared["n_components"]))


def _remarks_on_factors(table, hotspots, n_components):
    """What the numbers of `factors` say, where they do."""
    gaps = {(row[0], row[1]): row[2] for row in table}
    names = list(dict.fromkeys(row[0] for row in table))
    ahead = [name for name in names if gaps[name, "ours"].low > gaps[name, "random"].high]
    behind = [name for name in names if gaps[name, "ours"].high < gaps[name, "random"].low]
    yield remark(bool(ahead), f"MIG is higher from PCA, intervals apart, for {'; '.join(ahead)}.")
    yield remark(bool(behind), f"MIG is lower from PCA, intervals apart, for {'; '.join(behind)}.")
    yield remark(
        all(int(row[2]) == n_components for row in hotspots if row[1] == "ours"),
        "From PCA every component is a hotspot of its own, the ones that are near no factor "
        "included: that many trainings find it is evidence of their common start, and hotspots say "
        "something of the objective only from random starts.",
    )
    ranked = {
        start: [float(row[6]) for row in table if row[1] == start] for start in ("ours", "random")
    }
    yield remark(
        min(ranked["ours"]) > max(ranked["random"]),
        "UDR (lasso) of every model from PCA is above that of every model from random starts: it, "
        "too, measures the common start.",
    )


def _hotspots(means, log_vars, labels):
    model = np.repeat(np.arange(len(means)), means[0].shape[1])
    channels = ChannelFingerprints.from_posteriors(
        np.hstack(means).T, np.hstack(log_vars).T, model=model
    )
    found = ChannelHotspots(min_samples=4, n_shuffles=2, random_state=0).fit(channels)
    n_groups = len(found.representatives_)
    if not n_groups:
        return "0", "", "0", ""
    near = found.factor_similarity(labels).max(axis=1)
    return (
        str(n_groups),
        f"{found.p_values_.max():.3f}",
        f"{(found.labels_ >= 0).mean():.2f}",
        ", ".join(f"{value:.2f}" for value in near),
    )


def _discerning(report, scores, table):
    """How much of UDR's variance between models the setting explains, by objective."""
    active = {(row[0], row[1]): float(row[4]) for row in table}
    families = {
        "beta-VAE": ("VAE, beta 1", "VAE, beta 4", "VAE, beta 8"),
        "beta-TCVAE": ("BetaTCVAE, beta 4", "BetaTCVAE, beta 8"),
    }
    rows = []
    for family, names in families.items():
        for start in STARTS:
            kept = [name for name in names if active[name, start] >= 2]
            left_out = ", ".join(name for name in names if name not in kept)
            cells = []
            for kind in ("lasso", "spearman", "nmi"):
                groups = [scores[name, start][kind] for name in kept]
                cells.append(f"{_explained(groups):.2f}" if len(kept) > 1 else "")
            rows.append([family, start, *cells, left_out])
    report.text(
        "Share of the variance of UDR between models that the setting explains (the paper's "
        "discerning power), by objective; settings with fewer than two active components "
        "are left out, since UDR of one component says nothing of axes."
    )
    report.table(["objective", "start", "lasso", "Spearman", "NMI", "left out"], rows)


def _explained(groups):
    """Share of the total variance that lies between groups."""
    everything = np.concatenate(groups)
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    return 1.0 - within / ((everything - everything.mean()) ** 2).sum()


PARTS = {"digits": anchors_and_ensembles, "views": views, "factors": factors}


def main():
    """Read the options and write the report of one part, or of all."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--part", choices=PARTS, help="only one of the parts")
    arguments = options.parse_args()
    report = Report("Two starts", arguments.out)
    for name, part in PARTS.items():
        if arguments.part in (None, name):
            part(report, arguments.quick)
    report.write()


if __name__ == "__main__":
    main()

"""What the latent transformation has learned: does it know the parameters, and can it be moved?

Three measures that the paper lacks, on held-out digits: the correlation of T with the true
parameters; the error of a digit moved by its own T; and by another digit's. For both forms of T
and both readings of the discrepancy, and for the things that might help to move another digit.
"""

from typing import NamedTuple

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.linear_model import RidgeCV

from benchmarks._common import Report, over_seeds, parser
from benchmarks.transform_tables import PAPER_NETWORK, SHAPE, SMALL_NETWORK, images, scale_of
from benchmarks.transform_tables import network as shared_parameters
from sklatent import TransformVAE
from sklatent.transformations import RandomAffine, RandomRotation

FAMILIES = {
    "rotation": RandomRotation(45),
    "affine": RandomAffine(rotation=20, shear=0.2, scale=(0.8, 1.2)),
}
FORMS = {
    "additive": {},
    "additive, batch": {"discrepancy": "batch"},
    "matrix": {"latent_transformation": "matrix"},
    "matrix, batch": {"latent_transformation": "matrix", "discrepancy": "batch"},
}
TRIALS = {
    "matrix, twice as long": {"latent_transformation": "matrix", "epochs": 2},
}
VARIANTS = {"rotation": FORMS | TRIALS, "affine": FORMS}
LENDERS = (1, 10, 100)  # digits whose T, for one and the same transformation, is averaged


class Scale(NamedTuple):
    """How much of everything."""

    rows: int
    epochs: int
    seeds: int
    test_rows: int
    shared: int


SCALES = {
    "quick": Scale(300, 1, 1, 200, 1),
    "default": Scale(4_000, 15, 2, 1_000, 3),
    "full": Scale(60_000, 200, 5, 10_000, 50),
}


def squared_error(model, X, T, views):
    """Mean squared error per pixel of rows moved forwards and backwards from their true views."""
    errors = [
        np.mean((model.apply_transformation(X, T, inverse=backwards) - view) ** 2)
        for view, backwards in zip(views, (False, True), strict=True)
    ]
    return float(np.mean(errors))


def same_views(transformation, X, seed):
    """Views of all rows under one and the same transformation: a seed serves row after row."""
    pairs = [transformation.sample(x[None], seed, image_shape=SHAPE) for x in X]
    return [np.vstack(views) for views in zip(*pairs, strict=True)]


def correlations(T, drawn):
    """Correlate what a straight line makes of T with each true parameter, on the other half."""
    T = T.reshape(len(T), -1)
    half = len(T) // 2
    found = {}
    for name, values in drawn.items():
        if values.ndim == 1 and np.ptp(values) > 0:
            line = RidgeCV(np.logspace(-3, 3, 7)).fit(T[:half], values[:half])
            found[name] = np.corrcoef(line.predict(T[half:]), values[half:])[0, 1]
            shuffled = np.random.RandomState(0).permutation(values)
            null = RidgeCV(np.logspace(-3, 3, 7)).fit(T[:half], shuffled[:half])
            predicted = null.predict(T[half:])
            spread = predicted.std() > 1e-12
            found[f"{name}, null"] = np.corrcoef(predicted, values[half:])[0, 1] if spread else 0.0
    return found


def evaluate(family, variant, seed, scale, full):
    """Train one model and take all measures."""
    torch.set_num_threads(1)
    digits, transformation = images("MNIST"), FAMILIES[family]
    rows = np.random.RandomState(seed).permutation(len(digits.data))[: scale.rows]
    parameters = shared_parameters(scale, seed, full)
    settings = dict(VARIANTS[family][variant])
    parameters["max_epochs"] *= settings.pop("epochs", 1)
    if not full:
        settings["latent_layer_sizes"] = (300, 300)
    model = TransformVAE(10, transformation=transformation, **settings, **parameters)
    model.fit(digits.data[rows])

    lenders, movers = np.array_split(digits.data_test[: scale.test_rows], 2)
    # The same seed and number of rows: the i-th of both undergo the same transformation.
    of_lenders = transformation.sample(lenders, 1, image_shape=SHAPE, return_parameters=True)
    of_movers = transformation.sample(movers, 1, image_shape=SHAPE)
    T_lent = model.infer_transformation(*of_lenders[:2])
    T_own = model.infer_transformation(*of_movers)
    unmoved = model.inverse_transform(model.transform(movers))
    seen = [model.inverse_transform(model.transform(view)) for view in of_movers]
    result = {
        "key": (family, variant),
        "nothing": np.mean([np.mean((movers - view) ** 2) for view in of_movers]),
        "unmoved": np.mean([np.mean((unmoved - view) ** 2) for view in of_movers]),
        "floor": np.mean([np.mean((a - b) ** 2) for a, b in zip(seen, of_movers, strict=True)]),
        "own": squared_error(model, movers, T_own, of_movers),
        "other": squared_error(model, movers, T_lent, of_movers),
        "correlations": correlations(T_lent, of_lenders[2]),
        "nats": -model.score(digits.data_test[: scale.test_rows]),
    }
    shared = {n: [] for n in LENDERS}
    for draw in range(scale.shared):
        T = model.infer_transformation(*same_views(transformation, lenders[: max(LENDERS)], draw))
        views = same_views(transformation, movers[:100], draw)
        for n in LENDERS:
            # One lender after the other, so that chance does not pick a good one.
            T_n = T[:100] if n == 1 else T[:n].mean(axis=0)
            shared[n].append(squared_error(model, movers[:100], T_n[: len(views[0])], views))
    result["shared"] = {n: float(np.mean(errors)) for n, errors in shared.items()}
    return result


def main():
    """Train, measure and report."""
    arguments = parser(__doc__.splitlines()[0]).parse_args()
    name = scale_of(arguments)
    scale, full = SCALES[name], name == "full"
    report = Report("The transformation-aware VAE: what T has learned", arguments.out)
    report.text(
        f"Scale `{name}`: MNIST, {scale.rows} training rows, {scale.epochs} epochs of batches of "
        f"100, 10 components, {scale.seeds} seeds; {PAPER_NETWORK if full else SMALL_NETWORK}. "
        f"Measured on {scale.test_rows} test digits, half of which lend their T to the other half. "
        "Errors are mean squares per pixel, averaged over the forward and the inverse view. Where "
        "no weight is named it is 10, and no reading, per datum. Intervals are 95 percent, by "
        "Student's t over seeds."
    )
    jobs = [
        (family, variant, seed)
        for seed in range(scale.seeds)
        for family in FAMILIES
        for variant in VARIANTS[family]
    ]
    results = Parallel(n_jobs=2)(delayed(evaluate)(*job, scale, full) for job in jobs)
    by_key = {}
    for result in results:
        by_key.setdefault(result["key"], []).append(result)
    for family, transformation in FAMILIES.items():
        tabulate(report, family, transformation, by_key)
    report.write()


def tabulate(report, family, transformation, by_key):
    """Report one family of transformations."""
    report.text(f"## Views by `{transformation}`")
    nothing = by_key[family, "additive"][0]["nothing"]
    report.text(
        f"Doing nothing: {nothing:.4f}. *Unmoved*: encoded and decoded where it is, which blurs "
        "and so already gains. *Floor*: the true view, encoded and decoded. *Share* is how far "
        "another digit's T goes from unmoved (0) to the floor (1). *Lent by 10, 100*: the mean T "
        "of so many digits under one and the same transformation."
    )
    rows = []
    for variant in VARIANTS[family]:
        found = by_key[family, variant]
        cells = [
            f"{over_seeds([result[what] for result in found]):.4f}"
            for what in ("unmoved", "floor", "own", "other")
        ]
        share = [
            (result["unmoved"] - result["other"]) / (result["unmoved"] - result["floor"])
            for result in found
        ]
        lent = [f"{np.mean([result['shared'][n] for result in found]):.4f}" for n in LENDERS]
        nats = f"{over_seeds([result['nats'] for result in found]):.1f}"
        rows.append([variant, *cells, f"{over_seeds(share):.2f}", *lent, nats])
    columns = ["T", "unmoved", "floor", "own T", "other's T", "share"]
    columns += [f"lent by {n}" for n in LENDERS]
    report.table([*columns, "-ELBO, nats"], rows)
    report.text("Correlation of T with the true parameters, and with shuffled ones (null):")
    names = list(by_key[family, "additive"][0]["correlations"])
    rows = [
        [
            variant,
            *(
                f"{over_seeds([r['correlations'][name] for r in by_key[family, variant]]):.2f}"
                for name in names
            ),
        ]
        for variant in VARIANTS[family]
    ]
    report.table(["T", *names], rows)


if __name__ == "__main__":
    main()

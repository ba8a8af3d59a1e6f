"""Noise in two labs: how well the map holds at the rho that the scorer chooses.

Lab A has a random half of the rows and distils anchors with default parameters; lab B has the
other half, and chooses rho by ``make_rosetta_scorer`` in a search over three folds. Counts of
single cells, log-normalised; a simulated table of counts; and digits as zeros and ones.
"""

from functools import partial

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score

from benchmarks._common import Report, kept, over_seeds, parser
from benchmarks.spaces.same_space import counts
from sklatent import VAE, LinearAligner, RosettaPoints, RosettaVAE
from sklatent.metrics import make_rosetta_scorer
from sklatent.model_selection import FusedGridSearchCV

RHOS = (0.1, 1.0, 10.0)


def simulated():
    """Counts of 600 rows and 150 features, four latents."""
    rng = np.random.default_rng(0)
    rates = 0.5 * rng.normal(size=(600, 4)) @ rng.normal(size=(4, 150)) + 0.3
    return rng.poisson(np.exp(rates)).astype(float)


def zeros_and_ones():
    """800 digits, each pixel drawn by its grey."""
    X = load_digits().data[:800] / 16
    return (np.random.default_rng(0).random(X.shape) < X).astype(float)


def case(name):
    """Data, and the likelihood."""
    if name == "cells, log counts":
        return counts(), "gaussian"
    if name == "simulated counts":
        return simulated(), "negative_binomial"
    return zeros_and_ones(), "bernoulli"


# And by default how many seeds.
CASES = {"cells, log counts": 6, "simulated counts": 6, "digits as zeros and ones": 3}


def run(name, seed, epochs):
    """R^2 on A's rows and on B's for each rho, and of a plain model behind an aligner.

    And which rho is chosen, and what the anchors' inputs are.
    """
    X, likelihood = case(name)
    of_a = np.random.default_rng(seed).permutation(len(X)) < len(X) // 2
    A, B = X[of_a], X[~of_a]
    settings = {"n_components": 8, "hidden_layer_sizes": (128,), "max_epochs": epochs}
    settings["likelihood"] = likelihood
    lab_a = VAE(**settings, random_state=seed).fit(A)
    points = RosettaPoints.distill(lab_a, A, random_state=seed)
    model = RosettaVAE(**settings, rosetta_points=points, random_state=seed + 100)
    search = FusedGridSearchCV(
        model, {"rho": list(RHOS)}, cv=3, scoring=make_rosetta_scorer(points), refit=False
    ).fit(B)
    rows = []
    for rho in RHOS:
        model.set_params(rho=rho).fit(B)
        rows.append([r2_score(lab_a.transform(part), model.transform(part)) for part in (A, B)])
    plain = VAE(**settings, random_state=seed + 100).fit(B)
    aligner = LinearAligner(alpha="loo").fit(plain.transform(points.X), points.encoded)
    aligned = [aligner.transform(plain.transform(part)) for part in (A, B)]
    floor = [r2_score(lab_a.transform(p), z) for p, z in zip((A, B), aligned, strict=True)]
    return [rows, RHOS.index(search.best_params_["rho"]), floor, points.inputs]


def main(argv=None):
    """Read the options and write the report."""
    options = parser(__doc__, keeps=True)
    arguments = options.parse_args(argv)
    epochs = 2 if arguments.quick else 60
    report = Report("The rho that is chosen, on noisy tables", arguments.out)
    report.text(
        f"Halves; one layer of 128, {epochs} epochs, 8 components, else default parameters. R^2 of "
        "lab B's coordinates with lab A's, without any map: mean and 95 percent interval, and the "
        "least of the seeds. The last row is the floor: a plain VAE of lab B, and the ridge map "
        "through the same anchors. The bars on the cells, at the chosen rho, are 0.95 on A's rows "
        "and 0.92 on B's."
    )
    for name, default in CASES.items():
        n_seeds = 2 if arguments.quick else 12 if arguments.full else default
        runs = [
            kept(arguments.keep, f"{name} {seed} {epochs}", partial(run, name, seed, epochs))
            for seed in range(n_seeds)
        ]
        cases = {f"rho {rho:g}": [found[0][k] for found in runs] for k, rho in enumerate(RHOS)}
        cases["chosen"] = [found[0][found[1]] for found in runs]
        cases["plain VAE, LinearAligner"] = [found[2] for found in runs]
        table = []
        for called, values in cases.items():
            a, b = np.transpose(values)
            table.append([called, over_seeds(a), f"{a.min():.3f}", over_seeds(b), f"{b.min():.3f}"])
        report.text(f"## {name}, {n_seeds} seeds")
        report.table(["rho", "A's rows", "least", "B's rows", "least"], table)
        chosen = ", ".join(f"{RHOS[found[1]]:g}" for found in runs)
        inputs = ", ".join(sorted({found[3] for found in runs}))
        report.text(f"Chosen: {chosen}. Inputs of anchors: {inputs}.")
    report.write()


if __name__ == "__main__":
    main()

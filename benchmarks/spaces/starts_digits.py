"""Does the start alone do what anchors or an ensemble promise? On digits, under both starts."""

from itertools import permutations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

from benchmarks.spaces._starts import STARTS, reported, rows_of
from sklatent import (
    VAE,
    RosettaPoints,
    RosettaVAE,
    VAEEnsemble,
)
from sklatent.metrics import consistency_score
from sklatent.model_selection import retrain


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
    report.table(columns, rows_of(labs))
    report.text(
        "## Ensembles: do members agree more than models of two seeds?\n\nThe same digits, both "
        "labs' rows together. Means over pairs of models, on held-out rows."
    )
    columns = ["models", "start", "R^2 of coordinates", "R^2, signed permutation"]
    report.table([*columns, "R^2, best linear map", "bound"], rows_of(members))


def main():
    """Write the report."""
    reported(__doc__, anchors_and_ensembles)


if __name__ == "__main__":
    main()

"""Is ``VAE().fit(X)`` in two places one space? Rounding, seeds, rows and labs, with defaults.

R^2 compares coordinates as they are, without any map. Each figure of ours stands beside the one of
a start at random with ReLU, as in the papers.
"""

import os
import subprocess
import sys
import tempfile
from functools import partial
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.metrics import r2_score
from sklearn.preprocessing import minmax_scale

from benchmarks._common import PAPERS, Report, data_file, kept, over_seeds, parser
from benchmarks.spaces import _peers as peers
from benchmarks.spaces import _same_space_remarks as say
from benchmarks.spaces._shapes import shapes
from sklatent import VAE, LinearAligner, RosettaPoints, RosettaVAE
from sklatent.model_selection import retrain

MACHINES = {
    "as it is": {},
    "AVX2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "SSE": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Nehalem",
    },
    "two threads": {"OMP_NUM_THREADS": "2"},
}
CONVOLUTIONS = {
    "n_components": 10,
    "likelihood": "bernoulli",
    "architecture": "conv",
    "image_shape": (1, 28, 28),
    "max_epochs": 8,
}


def digits():
    """Digits, in [0, 1]."""
    return load_digits().data / 16


def mnist(n_rows):
    """MNIST's first rows, in [0, 1]."""
    with np.load(data_file("mnist.npz"), allow_pickle=False) as file:
        return (file["x_train"][:n_rows].reshape(n_rows, -1) / 255).astype(np.float32)


def raw_counts():
    """Counts of single cells."""
    with np.load(data_file("pbmc_counts.npz"), allow_pickle=False) as file:
        return file["counts"].astype(float)


def counts():
    """The same, log-normalised and standardised."""
    X = raw_counts()
    total = X.sum(axis=1, keepdims=True)
    X = np.log1p(X / total * np.median(total))
    return (X - X.mean(axis=0)) / X.std(axis=0)


def in_deviations(Z, other):
    """Largest difference of coordinates, in deviations of a component."""
    return float((np.abs(Z - other) / Z.std(axis=0)).max())


def rounding(report, epochs):
    """The same seed on other instruction sets and threads, in stacks, and from rounded inputs."""
    X = digits()
    rows = []
    for name, parameters in (("ours", {}), ("random, ReLU", PAPERS)):
        model = VAE(8, max_epochs=epochs, random_state=0, **parameters)
        Z = elsewhere(model, {})
        row = [name, f"{in_deviations(Z, model.fit(X * (1 + 1e-7)).transform(X)):.1e}"]
        seeds = np.random.RandomState(0).randint(2**31 - 1, size=2)
        stacked = retrain(model, X, n_runs=2, random_state=0)[0]
        alone = model.set_params(random_state=int(seeds[0])).fit(X)
        row.append(f"{in_deviations(alone.transform(X), stacked.transform(X)):.1e}")
        model.set_params(random_state=0)
        for setting in list(MACHINES.values())[1:]:
            row.append(f"{in_deviations(Z, elsewhere(model, setting)):.1e}")
        rows.append(row)
    report.text(
        f"## Rounding\n\nDigits, 8 components, {epochs} epochs, one seed, float32: the largest "
        "difference of any coordinate, in deviations of its component. The promise is 1e-4."
    )
    columns = ["inputs changed by 1e-7", "in a stack", *list(MACHINES)[1:]]
    report.table(["start", *columns], rows)
    return say.remarks_on_rounding(columns, rows)


def elsewhere(model, environment):
    """Coordinates of the digits from a process with other settings of its libraries."""
    program = (
        "import sys, numpy as np; from sklearn.datasets import load_digits; "
        "from sklatent import VAE; "
        "X = load_digits().data / 16; "
        f"np.save(sys.argv[1], VAE(**{model.get_params(deep=False)!r}).fit(X).transform(X))"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Z.npy"
        subprocess.run(
            [sys.executable, "-c", program, str(path)],
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        )
        return np.load(path)


def split(X, seed):
    """Rows to train on, and a fifth to hold out."""
    order = np.random.default_rng(seed).permutation(len(X))
    return np.split(X[order], [int(0.8 * len(X))])


def pair(X, parameters, seed):
    """Two seeds on one split: R^2 of held-out coordinates, and the mean held-out bound."""
    train, test = split(X, seed)
    models = [VAE(**parameters, random_state=2 * seed + k).fit(train) for k in range(2)]
    Z = [model.transform(test) for model in models]
    return r2_score(*Z), float(np.mean([model.score(test) for model in models]))


def pairs(name, X, parameters, start, n_pairs, keep):
    """R^2 and bound of each split, as two arrays."""
    runs = [
        kept(keep, f"seeds {name} {start} {seed}", partial(pair, X, parameters | start, seed))
        for seed in range(n_pairs)
    ]
    return np.transpose(runs)


def same_network(report, cases, n_pairs, keep):
    """Bounds of the very same smooth network, started at random: what the start alone does."""
    rows = []
    for name, X, parameters in cases:
        bounds = [
            pairs(name, X, parameters, start, n_pairs, keep)[1]
            for start in ({}, {"init": "random"})
        ]
        rows.append([name, *map(over_seeds, bounds), over_seeds(np.subtract(*bounds))])
    report.text(
        "The random starts above are the papers', with ReLU. The bound of the same smooth network "
        "at random, on the same splits:"
    )
    report.table(["data", "bound, ours", "bound, random, silu", "ours ahead by"], rows)
    return say.remarks_on_same_network(rows)


def seeds(report, cases, n_pairs, keep):
    """Two seeds on each of several splits: coordinates and bound, with both starts."""
    rows = []
    for name, X, parameters in cases:
        row, bounds = [name], []
        for start in ({}, PAPERS):
            agreement, bound = pairs(name, X, parameters, start, n_pairs, keep)
            row += [over_seeds(agreement), over_seeds(bound)]
            bounds.append(bound)
        rows.append([*row, over_seeds(np.subtract(*bounds))])
    report.text(
        "## Seeds\n\nR^2 of coordinates of rows held out between two seeds, and the held-out bound "
        f"in nats (greater is better): mean and 95 percent interval over {n_pairs} splits into "
        "rows to train on and rows to hold out, each with its own pair of seeds. The last column "
        "is how far ahead our bound is, split by split: of a small table another fifth held out "
        "changes both bounds by more than they differ."
    )
    columns = ["data", "R^2, ours", "bound, ours", "R^2, random", "bound, random", "ours ahead by"]
    report.table(columns, rows)
    return rows


def all_pairs(name, X, parameters, n_seeds, keep):
    """R^2 of every pair of seeds on one whole table, and the bound of each seed."""

    def measured():
        models = [VAE(**parameters, random_state=seed).fit(X) for seed in range(n_seeds)]
        Z = [model.transform(X) for model in models]
        found = [r2_score(a, b) for a, b in combinations(Z, 2)]
        return [min(found), float(np.median(found)), *(model.score(X) for model in models)]

    return kept(keep, f"all pairs {name} {n_seeds}", measured)


def many_seeds(report, cases, n_seeds, keep):
    """What pairs of seeds that were not chosen have: the median and the worst of all."""
    rows = []
    for name, X, parameters in cases:
        least, middle, *bounds = all_pairs(name, X, parameters, n_seeds, keep)
        rows.append(
            [name, f"{middle:.3f}", f"{least:.3f}", f"{min(bounds):.4g} to {max(bounds):.4g}"]
        )
    report.text(
        f"{n_seeds} seeds on one and the same whole table, our defaults: R^2 of the coordinates of "
        f"its rows for all {n_seeds * (n_seeds - 1) // 2} pairs of seeds, and the bounds."
    )
    report.table(["data", "R^2, median", "R^2, least", "bounds"], rows)
    return say.remarks_on_many_seeds(rows)


def others(report, epochs, quick, keep):
    """The same two seeds with models that people use today."""
    cases = [
        ("digits, 8", "pythae", peers.pythae_latents, digits(), 8, epochs),
        ("digits, 2", "umap", peers.umap_latents, digits(), 2, None),
    ]
    if not quick:
        cases.append(("counts, 8", "scvi", peers.scvi_latents, raw_counts(), 8, epochs))
    rows = []
    for data, package, latents, X, n_components, n_epochs in cases:
        if not peers.installed(package):
            rows.append([data, package, "not installed", ""])
            continue

        def measured(seed, X=X, latents=latents, size=(n_components, n_epochs)):
            Z = [latents(*split(X, seed), 2 * seed + k, *size) for k in range(2)]
            mapped = LinearAligner().fit(*Z)
            return r2_score(*Z[::-1]), r2_score(Z[1], mapped.transform(Z[0]))

        runs = [
            kept(keep, f"others {data} {package} {seed} {n_epochs}", partial(measured, seed))
            for seed in range(1 if quick else 3)
        ]
        rows.append([data, package, *(over_seeds(found) for found in np.transpose(runs))])
    report.text(
        "## Others\n\nThe same with other packages: R^2 of held-out rows' coordinates between two "
        "seeds as they come, and after the best linear map, which was fitted to these very rows."
    )
    report.table(["data", "package", "R^2", "R^2 after a map"], rows)
    return rows


def changed_rows(report, epochs):
    """Another table with the same names of rows: permuted, shortened, appended to."""
    X, y = load_digits(return_X_y=True)
    frame = pd.DataFrame(X / 16)
    rng = np.random.default_rng(0)
    n = len(frame)
    changes = {
        "permuted": frame.iloc[rng.permutation(n)],
        "one row dropped": frame.drop(index=17),
        "1 percent dropped": frame.drop(index=rng.choice(n, n // 100, replace=False)),
        "10 percent dropped": frame.drop(index=rng.choice(n, n // 10, replace=False)),
        "the nines left out": frame[y != 9],
    }
    rows = []
    for name, parameters in (("ours", {}), ("random, silu", {"init": "random"})):
        model = VAE(8, max_epochs=epochs, random_state=0, **parameters)
        Z = model.fit(frame).transform(frame)
        found = [model.fit(changed).transform(frame) for changed in changes.values()]
        rows.append([name, *(f"{r2_score(Z, other):.4f}" for other in found)])
        if name == "ours":
            identical = np.array_equal(Z, found[0])
    report.text(
        "## Rows\n\nDigits as a frame, one seed: R^2 with the coordinates of the whole table. "
        f"Permuted rows give the same bits: {'yes' if identical else 'no'}."
    )
    report.table(["start", *changes], rows)
    return say.remarks_on_rows(changes, rows)


def agreement(Z, other):
    """R^2 of coordinates: the mean over components, and of all their variance together."""
    return [r2_score(Z, other, multioutput=way) for way in ("uniform_average", "variance_weighted")]


def of_lab_a(name, seed):
    """Which of the digits lab A has."""
    y = load_digits().target
    if name == "digits in halves":
        return np.random.default_rng(seed).permutation(len(y)) < len(y) // 2
    return y < 5


def two_labs(likelihood, name, epochs, seed):
    """For each kind of lab B's model: both R^2 on lab A's rows and on its own, and its bound."""
    X, of_a = digits(), of_lab_a(name, seed)
    A, B = X[of_a], X[~of_a]
    parameters = {"n_components": 8, "likelihood": likelihood, "max_epochs": epochs}
    lab_a = VAE(**parameters, random_state=2 * seed).fit(A)
    points = RosettaPoints.distill(lab_a, A, n_points=64, random_state=seed)
    parameters["random_state"] = 2 * seed + 1
    models = {
        "plain VAE": VAE(**parameters),
        "start at the anchors": VAE(**parameters, init=points),
    }
    for rho in (0.1, 1.0, 10.0):
        models[f"RosettaVAE, rho {rho:g}"] = RosettaVAE(
            **parameters, rosetta_points=points, rho=rho
        )
    # Equation 1 as printed: real rows on both sides, and squared distances of weight 1.
    papers = RosettaPoints.distill(lab_a, A, n_points=64, inputs="data", random_state=seed)
    for rho in (0.1, 1.0, 10.0):
        models[f"the paper's terms, rho {rho:g}"] = RosettaVAE(
            **parameters, rosetta_points=papers, rho=rho, encoder_weight=1.0
        )
    found = {}
    for kind, model in models.items():
        model.fit(B)
        there, own = (agreement(lab_a.transform(rows), model.transform(rows)) for rows in (A, B))
        found[kind] = [*there, *own, model.score(B)]
    return found


def labs(report, epochs, n_pairs, keep):
    """Lab B has other rows, and lab A's 64 anchors."""
    rows = []
    names = ("digits in halves", "digits 0-4 and 5-9")
    for likelihood, name in product(("gaussian", "bernoulli"), names):
        runs = [
            kept(
                keep,
                f"labs {likelihood} {name} {epochs} {seed}",
                partial(two_labs, likelihood, name, epochs, seed),
            )
            for seed in range(n_pairs)
        ]
        for kind in runs[0]:
            columns = np.transpose([run[kind] for run in runs])
            rows.append([f"{name}, {likelihood}", kind, *map(over_seeds, columns)])
    report.text(
        "## Labs\n\nR^2 with lab A's coordinates, on lab A's rows, which lab B never saw, and on "
        "its own; and the bound of lab B's model on its own rows. The mean over components, which "
        "a component that says little counts in like any other; and of all variance together, in "
        f"which it counts by its own. Means over {n_pairs} pairs of labs (halves at random, or "
        "seeds), with 95 percent intervals."
    )
    columns = ["R^2 on A's rows", "of all", "on B's rows", "of all", "bound on B"]
    report.table(["data", "lab B's model", *columns], rows)
    return say.remarks_on_labs(rows)


def main():
    """Read the options and write the report."""
    arguments = parser(__doc__, keeps="same_space").parse_args()
    quick, keep = arguments.quick, arguments.keep
    epochs, n_pairs = (3, 1) if quick else (100, 3)
    report = Report("The same space", arguments.out, keeps_remarks=False)
    tables = {"iris": load_iris, "wine": load_wine, "breast cancer": load_breast_cancer}
    case = partial(dict, max_epochs=epochs)
    cases = [
        ("digits, 8 components", digits(), case(n_components=8)),
        ("digits, 2 components", digits(), case(n_components=2)),
        ("digits, 8, Bernoulli", digits(), case(n_components=8, likelihood="bernoulli")),
        ("digits, 2, Bernoulli", digits(), case(n_components=2, likelihood="bernoulli")),
        *(
            (f"{name} in [0, 1], 2", minmax_scale(load().data), case(n_components=2))
            for name, load in tables.items()
        ),
    ]
    for name, X in shapes().items():
        n_components = min(X.shape[1], 4)
        cases.append((f"{name}, {n_components}", X, case(n_components=n_components)))
    if not quick:
        brief = {"n_components": 10, "likelihood": "bernoulli", "max_epochs": 20}
        cases += [
            ("MNIST, 12,500 rows, 10", mnist(12_500), {"n_components": 10, "max_epochs": 20}),
            ("MNIST, 5,000 rows, 10, held out", mnist(5_000), case(n_components=10)),
            ("MNIST, 12,500 rows, 10, Bernoulli", mnist(12_500), brief),
            ("MNIST, 5,000 rows, 10, convolutions", mnist(6_250), CONVOLUTIONS),
            ("counts, 8", counts(), case(n_components=8)),
            (
                "counts as negative binomial, 8",
                raw_counts(),
                case(n_components=8, likelihood="negative_binomial"),
            ),
        ]
    said = [
        *rounding(report, epochs),
        *changed_rows(report, epochs),
        *labs(report, epochs, n_pairs, keep),
    ]
    ours = seeds(report, cases, n_pairs, keep)
    said += say.remarks_on_seeds(ours)
    small = [case for case in cases if len(case[1]) < 2000 and "counts" not in case[0]]
    said += many_seeds(report, small, 2 if quick else 8, keep)
    said += same_network(report, cases, n_pairs, keep)
    said += say.remarks_on_others(others(report, epochs, quick, keep), ours)
    report.remarks(said)
    report.text(say.BY_HAND)
    report.write()


if __name__ == "__main__":
    main()

"""What anchors hold a map best: noise of their inputs, how many there are, and rho.

Lab A distils anchors; lab B, with other rows, is held by them. Inputs are real rows, what lab A
decodes, or several draws from lab A's likelihood around what it decodes, with where lab A encodes
each draw; the anchors' whole weight is the same for all. Beside are the aligner through the same
anchors, and the start at them without a fit (0 epochs beyond it): the floors.
"""

from functools import partial
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_wine
from sklearn.metrics import r2_score
from sklearn.preprocessing import scale

from benchmarks._common import Report, kept, listed, over_seeds, parser, remark
from benchmarks.spaces.same_space import raw_counts
from sklatent import VAE, LinearAligner, RosettaPoints, RosettaVAE

RHOS = (0.1, 1.0, 10.0)
NUMBERS = (16, 64, 256)
DRAWS = {"real rows": 0, "decoded": 0, "1 draw": 1, "4 draws": 4}
N_GENES = 200  # those that vary most between cells


def counts(n_genes):
    """Log-normalised, of the genes whose logarithms vary most, each standardised."""
    X = raw_counts()
    total = X.sum(axis=1, keepdims=True)
    X = np.log1p(X / total * np.median(total))
    return scale(X[:, np.sort(np.argsort(-X.std(axis=0))[:n_genes])])


def case(name, seed):
    """Rows of lab A, rows of lab B, rows of lab B that nothing is trained on, and settings."""
    settings = {"n_components": 8, "hidden_layer_sizes": (64,), "max_epochs": 20}
    if name == "counts, halves":
        X = counts(N_GENES)
        of_a = np.random.default_rng(seed).permutation(len(X)) < len(X) // 2
    elif name == "digits 0-4, then 5-9":
        X, y = load_digits(return_X_y=True)
        X, of_a = X / 16, y < 5
        settings |= {"likelihood": "bernoulli", "max_epochs": 10}
    else:
        X, y = load_wine(return_X_y=True)
        X, of_a = scale(X), y < 2
        settings |= {"n_components": 4}
    rest = X[~of_a]
    order = np.random.default_rng(seed).permutation(len(rest))
    n = len(rest) // 5
    return X[of_a], rest[order[n:]], rest[order[:n]], settings


def made(lab_a, A, n_points, inputs, seed):
    """Anchors of one kind, and by how much their weight is shared out."""
    kind = "data" if inputs == "real rows" else "decoded"
    points = RosettaPoints.distill(lab_a, A, n_points, inputs=kind, random_state=seed)
    n = DRAWS[inputs]
    if not n:
        return points, 1
    rng = np.random.RandomState(seed)
    X = np.vstack([lab_a._draw_around(points.Z, points.X, rng) for _ in range(n)])
    drawn = RosettaPoints(
        X,
        np.tile(points.Z, (n, 1)),
        encoded=lab_a.transform(X),
        decoded=np.tile(points.X, (n, 1)),
        held_out=points.held_out,
    )
    return drawn, n


def labs(name, seed, epochs):
    """Lab A's model, both labs' rows, held-out ones, settings, and a measure of agreement."""
    A, B, held, settings = case(name, seed)
    settings["max_epochs"] = min(epochs, settings["max_epochs"])
    lab_a = VAE(**settings, random_state=seed).fit(A)
    there = [lab_a.transform(part) for part in (A, B)]

    def agreement(place):
        return [r2_score(z, place(part)) for z, part in zip(there, (A, B), strict=True)]

    return lab_a, A, B, held, settings, agreement


def numbers(name):
    """How many anchors: up to a half of lab A's rows."""
    return NUMBERS if name.startswith("digits") else NUMBERS[:2]


def run(name, seed, epochs):
    """For each number, kind and rho: R^2 on A's rows and on B's, and the bound."""
    lab_a, A, B, held, settings, agreement = labs(name, seed, epochs)
    found = {}
    for n_points in numbers(name):
        for inputs, n_draws in DRAWS.items():
            if n_points * n_draws > 256:
                continue
            points, n = made(lab_a, A, n_points, inputs, seed)
            for rho in RHOS:
                model = RosettaVAE(
                    **settings, rosetta_points=points, rho=rho / n, random_state=seed + 100
                ).fit(B)
                row = [*agreement(model.transform), model.score(held)]
                found[f"{n_points}|{inputs}|{rho:g}"] = row
    return found


def floors(name, seed, epochs):
    """The same of a plain model behind an aligner, and of the start at the anchors."""
    lab_a, A, B, held, settings, agreement = labs(name, seed, epochs)
    plain, found = VAE(**settings, random_state=seed + 100).fit(B), {}
    for n_points in numbers(name):
        points, _ = made(lab_a, A, n_points, "decoded", seed)
        aligner = LinearAligner(alpha="loo")
        aligner.fit(plain.transform(points.X), points.encoded)
        row = agreement(lambda part, a=aligner: a.transform(plain.transform(part)))
        found[f"{n_points}|decoded|aligner"] = [*row, plain.score(held)]
        start = VAE(**settings | {"max_epochs": 1, "learning_rate": 1e-30}, init=points).fit(B)
        row = [*agreement(start.transform), start.score(held)]
        found[f"{n_points}|decoded|start"] = row
    return found


def remarks(name, rows):
    """Which inputs, how many of them and which rho place B's rows nearest; of one case."""
    found = {tuple(row[:3]): row[3:] for row in rows}
    cells = [(n, rho) for n, inputs, rho in found if inputs == "decoded" and rho[0].isdigit()]
    for other in ("real rows", "1 draw", "4 draws"):
        pairs = [
            [found[n, inputs, rho] for inputs in ("decoded", other)]
            for n, rho in cells
            if (n, other, rho) in found
        ]
        nearer = sum(ours[1].above(theirs[1].high) for ours, theirs in pairs)
        farther = sum(ours[1].below(theirs[1].low) for ours, theirs in pairs)
        yield remark(
            nearer + farther > 0,
            f"{name}: on B's rows decoded inputs are nearer than {other}, intervals apart, in "
            f"{nearer} of {len(pairs)} cells, and farther in {farther}.",
        )
        lost = [ours[2].middle - theirs[2].middle for ours, theirs in pairs]
        apart = sum(ours[2].above(theirs[2].high) for ours, theirs in pairs)
        yield remark(
            apart > 0,
            f"{name}: {other} cost bound beside decoded inputs, intervals apart, in {apart} of "
            f"{len(pairs)} cells; the difference is {min(lost, default=0):.2g} to "
            f"{max(lost, default=0):.2g} nats.",
        )
    for what, column in (("R^2 on B's rows", 1), ("the bound", 2)):
        ends = {
            f"{n} of {inputs}": (found[n, inputs, "0.1"][column], found[n, inputs, "10"][column])
            for n, inputs, rho in found
            if rho == "0.1"
        }
        raised = {cell: pair for cell, pair in ends.items() if pair[1].above(pair[0].high)}
        lowered = {cell: pair for cell, pair in ends.items() if pair[1].below(pair[0].low)}
        for verb, moved in (("raises", raised), ("lowers", lowered)):
            told = [f"{a.middle:.3g} to {b.middle:.3g} ({cell})" for cell, (a, b) in moved.items()]
            yield remark(
                bool(told),
                f"{name}: a rho of 10 in place of 0.1 {verb} {what}, intervals apart: "
                f"{listed(told)}.",
            )
    yield from remarks_on_floors(name, found)


def remarks_on_floors(name, found):
    """What the start at the anchors has already, beside an aligner and trained models."""
    for n in dict.fromkeys(n for n, *_ in found):
        start, aligner = (found[n, "decoded", kind] for kind in ("start", "aligner"))
        numbers = f"{start[1]} against {aligner[1]}"
        yield remark(
            start[1].above(aligner[1].high),
            f"{name}: where training starts, at {n} anchors, B's rows are nearer than behind an "
            f"aligner through the same ones: {numbers}.",
        )
        trained = found[n, "decoded", "1"]
        yield remark(
            trained[2].above(start[2].high),
            f"{name}: training from there at rho 1 gains bound, {start[2].middle:.3g} to "
            f"{trained[2].middle:.3g} with {n} anchors; R^2 on B's rows goes from "
            f"{start[1].middle:.3g} to {trained[1].middle:.3g}.",
        )
    more, fewer = (found.get((n, "decoded", "1")) for n in ("256", "64"))
    if more is not None:
        yield remark(
            more[1].below(fewer[1].low),
            f"{name}: 256 decoded anchors are farther on B's rows than 64, at rho 1: {more[1]} "
            f"against {fewer[1]}.",
        )


def main(argv=None):
    """Read the options and write the report."""
    options = parser(__doc__)
    options.add_argument("--keep", type=Path, help="file of results: what is there is not redone")
    arguments = options.parse_args(argv)
    epochs, n_seeds = (1, 1) if arguments.quick else (60, 8) if arguments.full else (60, 3)
    report = Report("Curves of anchors", arguments.out, keeps_remarks=False)
    report.text(
        f"One hidden layer of 64, {n_seeds} seeds: mean and 95 percent interval of R^2 of lab B's "
        "coordinates with lab A's, without any map, on all of A's rows and on B's, and of the "
        "bound on rows of B that nothing was trained on, in nats. Draws share the anchors' weight. "
        "`aligner`: a plain VAE of lab B behind the ridge map through the same anchors; `start`: "
        "the ridge maps through the anchors alone, as training begins. Noisy inputs (rows, "
        f"draws) that are fewer than the features, as of the counts' {N_GENES} genes, leave a "
        "linear map open."
    )
    said = []
    names = ("wine, kinds 0 and 1, then 2", "digits 0-4, then 5-9", "counts, halves")
    for name in names[:1] if arguments.quick else names:
        runs = []
        for seed in range(n_seeds):
            found = {}
            for kind, measure in (("curves", run), ("floors", floors)):
                key = f"{kind} {name} {seed} {epochs}"
                found |= kept(arguments.keep, key, partial(measure, name, seed, epochs))
            runs.append(found)
        rows = [
            [*key.split("|"), *(over_seeds([found[key][k] for found in runs]) for k in range(3))]
            for key in runs[0]
        ]
        report.text(f"## {name}")
        columns = ["anchors", "inputs", "rho", "R^2 on A's rows", "on B's rows", "bound, held out"]
        report.table(columns, rows)
        said += remarks(name, rows)
    report.remarks(said)
    report.write()


if __name__ == "__main__":
    main()

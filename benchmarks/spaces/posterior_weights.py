"""Do posterior variances help an aligner as weights? On counts, where rows differ in depth.

Two models of disjoint halves of the cells encode all cells. Some cells are anchors, the map is
judged on all others. Rows are weighed by one over their posterior variance (both sides' together),
plainly or damped by what an unweighted map leaves; or the map corrects for errors in its variables
(the source's posterior variances are taken off its second moments).
"""

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks._common import Report, data_file, kept, over_seeds, parser, remark
from sklatent import VAE
from sklatent.alignment import LinearAligner, RigidAligner

ANCHORS = (8, 32, 128)
LIKELIHOODS = ("negative_binomial", "gaussian")
WAYS = ("linear, weighed", "linear, damped", "linear, errors in variables", "rigid, weighed")
N_DRAWS = 50


def spaces(likelihood, seed, max_epochs):
    """Posterior means and variances of all cells by two models, each of its own half."""
    counts = np.load(data_file("pbmc_counts.npz"), allow_pickle=False)["counts"].astype(float)
    if likelihood == "gaussian":
        depth = counts.sum(axis=1, keepdims=True)
        counts = np.log1p(counts / depth * np.median(depth))
    halves = np.array_split(np.random.RandomState(seed).permutation(len(counts)), 2)
    for number, half in enumerate(halves):
        model = VAE(
            4,
            hidden_layer_sizes=(64,),
            init="random",
            likelihood=likelihood,
            max_epochs=max_epochs,
            batch_size=64,
            learning_rate=2e-3,
            random_state=seed + 1000 * number,
        )
        posterior = model.fit(counts[half]).encode(counts)
        yield posterior.mean.astype(float), np.exp(posterior.log_var.astype(float))


def in_error(X, Y, variances):
    """Least squares of Y on X with X's error variances taken off its second moments."""
    x_mean, y_mean = X.mean(axis=0), Y.mean(axis=0)
    x, y = X - x_mean, Y - y_mean
    moments = x.T @ x - np.diag(variances.sum(axis=0))
    # What is left must have a variance in every direction.
    values, axes = np.linalg.eigh(moments)
    values = np.maximum(values, 0.05 * np.linalg.eigvalsh(x.T @ x))
    matrix = axes @ ((axes.T @ (x.T @ y)) / values[:, None])
    return lambda rows: (rows - x_mean) @ matrix + y_mean


def gains(likelihood, seed, max_epochs, n_draws):
    """Gain in R^2 of each way over the same map unweighted, by anchors; and R^2 itself."""
    (X, x_variance), (Y, y_variance) = spaces(likelihood, seed, max_epochs)
    noise = x_variance.mean(axis=1) + y_variance.mean(axis=1)
    found = {"spread": float(np.quantile(noise, 0.9) / np.quantile(noise, 0.1))}
    rng = np.random.default_rng(seed)
    for n in ANCHORS:
        rows = []
        for _ in range(n_draws):
            order = rng.permutation(len(X))
            anchors, rest = order[:n], order[n:]
            pair = X[anchors], Y[anchors]
            plain = LinearAligner(alpha="loo").fit(*pair)
            left = np.mean((plain.transform(pair[0]) - pair[1]) ** 2)
            weights = {"weighed": 1 / noise[anchors], "damped": 1 / (left + noise[anchors])}
            judged = X[rest], Y[rest]
            linear, rigid = plain.score(*judged), RigidAligner().fit(*pair).score(*judged)
            row = [linear, rigid]
            for weight in weights.values():
                weighed = LinearAligner(alpha="loo").fit(
                    *pair, sample_weight=weight / weight.mean()
                )
                row.append(weighed.score(*judged) - linear)
            missed = Y[rest] - in_error(*pair, x_variance[anchors])(X[rest])
            total = np.sum((Y[rest] - Y[rest].mean(axis=0)) ** 2)
            row.append(1 - np.sum(missed**2) / total - linear)
            weighed = RigidAligner().fit(*pair, sample_weight=weights["weighed"])
            row.append(weighed.score(*judged) - rigid)
            rows.append(row)
        found[str(n)] = np.mean(rows, axis=0).tolist()
    return found


def main():
    """Compare, and write the report."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--keep", type=Path, help="file of results: what is there is not redone")
    options = options.parse_args()
    n_seeds, max_epochs, n_draws = (2, 5, 5) if options.quick else (5, 40, N_DRAWS)
    report = Report("Posterior variances as an aligner's weights", options.out, keeps_remarks=False)
    report.text(
        "Counts of cells; two VAEs with 4 components from random starts, each of its own half, "
        f"encode all of them. Gains in R^2 on cells that are no anchors over the same map without "
        f"weights, means of {n_draws} draws of anchors, with 95 percent intervals over {n_seeds} "
        "pairs of models. Weighed: by one over the posterior variance, both sides' together. "
        "Damped: what an unweighted map leaves is added to the variance. Errors in variables: the "
        "source's variances are taken off its second moments."
    )
    rows, helps, hurts = [], [], []
    for likelihood in LIKELIHOODS:
        found = [
            kept(
                options.keep,
                f"weights {likelihood} {seed} {max_epochs} {n_draws}",
                partial(gains, likelihood, seed, max_epochs, n_draws),
            )
            for seed in range(n_seeds)
        ]
        spread = np.mean([one["spread"] for one in found])
        for n in ANCHORS:
            values = np.array([one[str(n)] for one in found]).T
            changes = [over_seeds(column) for column in values[2:]]
            for way, change in zip(WAYS, changes, strict=True):
                told = f"{way}, {n} anchors, {likelihood}: {change:.3f}"
                helps += [told] if change.above() else []
                hurts += [told] if change.below() else []
            rows.append(
                [
                    likelihood,
                    f"{spread:.1f}",
                    n,
                    *(f"{np.mean(column):.3f}" for column in values[:2]),
                    *(f"{change:+.3f}" for change in changes),
                ]
            )
    report.table(
        ["likelihood", "variance, 90 over 10 percent", "anchors", "linear", "rigid", *WAYS], rows
    )
    cells = len(rows) * len(WAYS)
    report.remarks(
        [
            f"Clearly better in {len(helps)} of {cells} cells, clearly worse in {len(hurts)}.",
            remark(bool(helps), "Better: " + "; ".join(helps) + "."),
            remark(bool(hurts), "Worse: " + "; ".join(hurts) + "."),
        ]
    )
    report.write()


if __name__ == "__main__":
    main()

"""How often alignment_report's intervals hold, and its verdicts and error by kind on real data."""

import warnings

import numpy as np
from scipy.stats import ortho_group
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, FactorAnalysis

from benchmarks._common import Report, data_file, parser
from sklatent.alignment import LinearAligner, RigidAligner, alignment_report

FAMILIES = ("normal", "t with 4 df", "rows of t with 4 df", "copies", "bent")
ALIGNERS = {"linear": LinearAligner(alpha="loo"), "rigid": RigidAligner()}


def simulate(n, width, family, rng, *, truth="linear", noise=None):
    """Draw anchors, and what R^2 on fresh rows is computed from.

    Parameters
    ----------
    n, width : int
        Anchors and dimensions on both sides.
    family : str
        One of FAMILIES.
    rng : Generator
        Of numpy.
    truth : {"linear", "rigid"}
        What the target is of the source, noise apart.
    noise : float, default=None
        Deviation of the noise in units of the source's; None draws it between 0.1 and 1.5.

    Returns
    -------
    X, Y : ndarray of shape (n, width)
        Anchors.
    fresh : callable
        From a number of rows to such X and Y; None where `moments` say all.
    moments : tuple of (matrix, covariance, noise) or None
        Population: Y is X @ matrix plus noise of that deviation in each column.
    """
    scale = np.exp(0.5 * rng.normal(size=width))
    matrix = rng.normal(size=(width, width)) / np.sqrt(width)
    if truth == "rigid":
        matrix = np.linalg.qr(rng.normal(size=(width, width)))[0]
    bend = rng.normal(size=(width, width)) / np.sqrt(width) if family == "bent" else None
    heavy = "4 df" in family
    variance = 2.0 if heavy else 1.0
    size = np.exp(rng.uniform(np.log(0.1), np.log(1.5))) if noise is None else noise
    sigma = size * np.sqrt(variance * np.mean(scale**2))

    def draw(rows):
        if family == "t with 4 df":
            X = rng.standard_t(4, size=(rows, width)) * scale
        else:
            X = rng.normal(size=(rows, width)) * scale
        if family.startswith("rows"):
            X /= np.sqrt(rng.chisquare(4, size=(rows, 1)) / 4)
        errors = rng.normal(size=(rows, width))
        if heavy:
            errors = rng.standard_t(4, size=(rows, width)) / np.sqrt(2)
        Y = X @ matrix + sigma * errors
        return X, Y if bend is None else Y + 0.5 * np.abs(X @ bend)

    X, Y = draw(n)
    if family == "copies":
        rows = np.r_[np.arange(n // 2), rng.integers(0, n // 2, size=n - n // 2)]
        X, Y = X[rows], Y[rows]
    return X, Y, draw, None if bend is not None else (matrix, variance * scale**2, sigma)


def true_r2(aligner, fresh, moments, width):
    """R^2 of a fitted map over the population, or over 20,000 fresh rows."""
    if moments is None:
        return aligner.score(*fresh(20_000))
    matrix, variances, sigma = moments
    fitted = getattr(aligner, "coef_", None)
    fitted = aligner.rotation_ if fitted is None else fitted.T
    gap = matrix - fitted
    noise = sigma**2 * width
    error = variances @ (gap**2).sum(axis=1) + aligner.intercept_ @ aligner.intercept_ + noise
    return 1 - error / (variances @ (matrix**2).sum(axis=1) + noise)


def coverage(n, width, family, kind, n_simulations, seed=0):
    """Share of simulated alignments whose R^2 on fresh rows is in the report's 90% interval."""
    rng = np.random.default_rng([seed, n, width, FAMILIES.index(family), len(kind)])
    below, above = 0, 0
    for _ in range(n_simulations):
        truth = "rigid" if kind == "rigid" and rng.random() < 0.5 else "linear"
        X, Y, fresh, moments = simulate(n, width, family, rng, truth=truth)
        low, high = alignment_report(X, Y, kinds=(kind,), random_state=0).interval
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = true_r2(ALIGNERS[kind].fit(X, Y), fresh, moments, width)
        below, above = below + (found < low), above + (found > high)
    return 1 - (below + above) / n_simulations, below / n_simulations, above / n_simulations


def verdicts(n_simulations, seed=0):
    """Verdicts on cases that are clearly one or the other."""
    rng = np.random.default_rng(seed)
    rows = []
    for name, right in (("good", "align"), ("half", "retrain"), ("unrelated", "refuse")):
        hits = 0
        for case in range(n_simulations):
            n, width = int(rng.integers(60, 257)), int(rng.integers(2, 21))
            X = rng.normal(size=(n, width))
            Y = X @ ortho_group.rvs(width, random_state=case) if name != "unrelated" else 0
            Y = Y + {"good": 0.2, "half": 1.0, "unrelated": 1.0}[name] * rng.normal(size=X.shape)
            report = alignment_report(X, Y, kinds=("identity", "rigid", "scaled", "linear"))
            hits += report.verdict == right
        rows.append([name, right, f"{hits} of {n_simulations}"])
    return rows


def pairs():
    """Pairs of spaces of three data sets."""
    digits = load_digits(return_X_y=True)[0]
    data = {"digits": digits}
    with np.load(data_file("mnist.npz")) as file:
        data["MNIST"] = file["x_train"][:4000].reshape(4000, -1) / 255.0
    with np.load(data_file("pbmc_counts.npz"), allow_pickle=False) as file:
        key = max(file.files, key=lambda name: np.size(file[name]) if file[name].ndim == 2 else 0)
        counts = file[key][:4000].astype(float)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        data["counts"] = np.log1p(1e4 * share[:, counts.var(axis=0).argsort()[::-1][:500]])
    for name, X in data.items():
        source = PCA(10, random_state=0).fit_transform(X)
        target = FactorAnalysis(10, random_state=0).fit_transform(X)
        yield name, source, target


def error_by_anchors(sizes):
    """R^2 of each kind on rows that are no anchors, over numbers of anchors; and reports."""
    kinds = {
        "rigid": RigidAligner(),
        "scaled": RigidAligner(scaling=True),
        "linear, alpha=0": LinearAligner(),
        "linear, alpha=loo": LinearAligner(alpha="loo"),
    }
    rows = []
    for name, source, target in pairs():
        order = np.random.default_rng(0).permutation(len(source))
        fitting = [size for size in sizes if size <= len(source) // 2]
        rest = order[max(fitting) :]
        for size in fitting:
            anchors = order[:size]
            row = [name, size]
            for aligner in kinds.values():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)
                    aligner.fit(source[anchors], target[anchors])
                row.append(f"{aligner.score(source[rest], target[rest]):.2f}")
            report = alignment_report(
                source[anchors], target[anchors], kinds=("identity", "rigid", "scaled", "linear")
            )
            row += [report.kind, "{:.2f} to {:.2f}".format(*report.interval), report.verdict]
            rows.append(row)
    return ["data", "anchors", *kinds, "report", "90% interval", "verdict"], rows


def main():
    """Simulate, judge, and write the report."""
    options = parser(__doc__).parse_args()
    n_simulations = 20 if options.quick else 1000 if options.full else 100
    report = Report("What an alignment report is worth", options.out)
    report.text(
        f"Share of {n_simulations} simulated alignments a cell (seeded) whose R^2 on fresh rows, "
        "of the map fitted to all anchors, lies in the 90 percent interval. Linear maps are judged "
        "and fitted by leave-one-out ridge. Targets are linear images of the source or, for half "
        "the rigid maps, turned ones, with noise of 0.1 to 1.5 times the source's deviation; "
        "t with 4 degrees of freedom has squares of infinite variance; copies are half the rows."
    )
    rows, pooled, families = [], {}, {}
    for kind in ALIGNERS:
        for n in (20, 64, 256):
            for family in FAMILIES:
                row = [kind, n, family]
                for width in (2, 10, 50):
                    held = coverage(n, width, family, kind, n_simulations)[0]
                    pooled.setdefault((kind, n), []).append(held)
                    families.setdefault((family, n), []).append(held)
                    row.append(f"{held:.0%}")
                rows.append(row)
                print(row, flush=True)
    report.table(["kind", "anchors", "family", "2 dims", "10 dims", "50 dims"], rows)
    report.text("All families and dimensions together:")
    report.table(
        ["kind", "anchors", "held"],
        [[kind, n, f"{np.mean(held):.1%}"] for (kind, n), held in pooled.items()],
    )
    report.text("Both kinds and all dimensions together:")
    report.table(
        ["family", "20 anchors", "64 anchors", "256 anchors"],
        [
            [family, *(f"{np.mean(families[family, n]):.1%}" for n in (20, 64, 256))]
            for family in FAMILIES
        ],
    )
    cells = np.concatenate(list(pooled.values()))
    noise = np.sqrt(0.9 * 0.1 / n_simulations)
    beyond = np.sqrt(max(np.mean((cells - 0.9) ** 2) - noise**2, 0.0))
    report.text(
        f"Single cells differ from 90 percent by {np.std(cells - 0.9):.1%} (root mean square), of "
        f"which {noise:.1%} are chance and {beyond:.1%} are theirs."
    )
    report.text("Verdicts on 60 to 256 anchors in 2 to 20 dimensions, of clear cases:")
    report.table(["case", "right", "found"], verdicts(20 if options.quick else 100))
    report.text(
        "R^2 on the rows that are no anchors, PCA's ten coordinates to factor analysis' ten, and "
        "what the report said from the anchors alone:"
    )
    report.table(*error_by_anchors((8, 64) if options.quick else (4, 16, 64, 256, 1024)))
    report.write()


if __name__ == "__main__":
    main()

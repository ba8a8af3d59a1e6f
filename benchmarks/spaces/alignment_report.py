"""How often alignment_report's intervals hold, and its verdicts and error by kind on real data."""

import warnings
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from scipy.stats import binom, ortho_group, spearmanr
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.metrics import roc_auc_score

from benchmarks._common import Report, data_file, kept, parser, remark
from sklatent.alignment import LinearAligner, RigidAligner, alignment_report
from sklatent.alignment._held_out import duplicate_groups
from sklatent.alignment._kinds import held_out_r2

FAMILIES = ("normal", "t with 4 df", "rows of t with 4 df", "copies", "bent")
ALIGNERS = {"linear": LinearAligner(alpha="loo"), "rigid": RigidAligner()}
ANCHORS = (20, 64, 256)
WIDTHS = (2, 10, 50)
SEED = 2  # of the tables: no interval was calibrated on it


@dataclass
class Truth:
    """What target rows are of source rows: ``X @ matrix + 0.5 |X @ bend|``, and noise.

    Parameters
    ----------
    matrix : ndarray of shape (width, width)
        The linear part.
    variances : ndarray of shape (width,)
        Of the source's columns, which are independent of mean zero.
    noise : float
        Deviation of the noise in each column of the target.
    bend : ndarray of shape (width, width)
        Of normal sources; zero elsewhere.
    """

    matrix: np.ndarray
    variances: np.ndarray
    noise: float
    bend: np.ndarray

    def r2(self, aligner):
        """R^2 of a fitted map over the population, in closed form."""
        fitted = getattr(aligner, "coef_", None)
        fitted = aligner.rotation_ if fitted is None else fitted.T
        # Half the absolute value of a normal variable of deviation s has mean s / sqrt(2 pi) and
        # mean square s^2 / 4, and is uncorrelated with what is linear in X.
        bends = np.sqrt(self.variances @ self.bend**2)
        means, squares = bends / np.sqrt(2 * np.pi), bends**2 / 4
        noise = self.noise**2 * len(bends)
        left = np.sum(squares - 2 * aligner.intercept_ * means + aligner.intercept_**2)
        left += self.variances @ ((self.matrix - fitted) ** 2).sum(axis=1) + noise
        total = np.sum(squares - means**2)
        total += self.variances @ (self.matrix**2).sum(axis=1) + noise
        return 1 - left / total


def simulate(n, width, family, rng, *, truth="linear", noise=None):
    """Draw anchors, and say what they are.

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
    truth : Truth
        The population.
    """
    scale = np.exp(0.5 * rng.normal(size=width))
    matrix = rng.normal(size=(width, width)) / np.sqrt(width)
    if truth == "rigid":
        matrix = np.linalg.qr(rng.normal(size=(width, width)))[0]
    bend = np.zeros((width, width))
    if family == "bent":
        bend = rng.normal(size=(width, width)) / np.sqrt(width)
    heavy = "4 df" in family
    variance = 2.0 if heavy else 1.0
    size = np.exp(rng.uniform(np.log(0.1), np.log(1.5))) if noise is None else noise
    sigma = size * np.sqrt(variance * np.mean(scale**2))
    if family == "t with 4 df":
        X = rng.standard_t(4, size=(n, width)) * scale
    else:
        X = rng.normal(size=(n, width)) * scale
    if family.startswith("rows"):
        X /= np.sqrt(rng.chisquare(4, size=(n, 1)) / 4)
    errors = rng.normal(size=(n, width))
    if heavy:
        errors = rng.standard_t(4, size=(n, width)) / np.sqrt(2)
    Y = X @ matrix + sigma * errors + 0.5 * np.abs(X @ bend)
    if family == "copies":
        rows = np.r_[np.arange(n // 2), rng.integers(0, n // 2, size=n - n // 2)]
        X, Y = X[rows], Y[rows]
    return X, Y, Truth(matrix, variance * scale**2, sigma, bend)


def coverage(n, width, family, kind, n_simulations, seed=0):
    """Share of simulated alignments whose R^2 on fresh rows is in the report's 90% interval.

    The interval is computed as `alignment_report` does, without its other parts.

    Parameters
    ----------
    n, width : int
        Anchors and dimensions.
    family, kind : str
        One of FAMILIES, and "linear" or "rigid".
    n_simulations, seed : int
        How many, and from which seed.

    Returns
    -------
    held, below, above : float
        Shares inside, below and above the interval.
    """
    rng = np.random.default_rng([seed, n, width, FAMILIES.index(family), len(kind)])
    below, above = 0, 0
    for _ in range(n_simulations):
        truth = "rigid" if kind == "rigid" and rng.random() < 0.5 else "linear"
        X, Y, population = simulate(n, width, family, rng, truth=truth)
        folds = np.random.RandomState(0)
        (*_, low, high), _, _ = held_out_r2(kind, X, Y, duplicate_groups(X), folds, 0.9)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = population.r2(ALIGNERS[kind].fit(X, Y))
        below, above = below + (found < low), above + (found > high)
    return 1 - (below + above) / n_simulations, below / n_simulations, above / n_simulations


def cell(kind, n, family, width, n_simulations, keep=None):
    """Coverage in one cell of the tables, measured once."""
    name = f"coverage {kind} {n} {family} {width} {n_simulations} {SEED}"
    return kept(keep, name, partial(coverage, n, width, family, kind, n_simulations, SEED))


def coverage_tables(report, n_simulations, keep):
    """Write the cells and their means.

    Returns
    -------
    held : dict
        The share that was held, by kind, anchors, family and width.
    """
    held, rows = {}, []
    for kind in ALIGNERS:
        for n in ANCHORS:
            for family in FAMILIES:
                for width in WIDTHS:
                    found = cell(kind, n, family, width, n_simulations, keep)
                    held[kind, n, family, width] = found[0]
                shares = [held[kind, n, family, width] for width in WIDTHS]
                rows.append([kind, n, family, *(f"{share:.1%}" for share in shares)])
    report.table(["kind", "anchors", "family", *(f"{width} dims" for width in WIDTHS)], rows)

    def mean(**wanted):
        names = ("kind", "n", "family", "width")
        rows = [dict(zip(names, key, strict=True)) | {"held": held[key]} for key in held]
        alike = [row for row in rows if all(row[name] == wanted[name] for name in wanted)]
        return f"{np.mean([row['held'] for row in alike]):.1%}"

    report.text("All families together:")
    report.table(
        ["kind", "anchors", *(f"{width} dims" for width in WIDTHS), "all"],
        [
            [kind, n, *(mean(kind=kind, n=n, width=w) for w in WIDTHS), mean(kind=kind, n=n)]
            for kind in ALIGNERS
            for n in ANCHORS
        ],
    )
    report.text("Both kinds and all dimensions together:")
    report.table(
        ["family", *(f"{n} anchors" for n in ANCHORS)],
        [[family, *(mean(family=family, n=n) for n in ANCHORS)] for family in FAMILIES],
    )
    return held


def coverage_remarks(held, n_simulations):
    """What the cells say, where they do."""
    shares = np.array(list(held.values()))
    chance = np.sqrt(0.9 * 0.1 / n_simulations)
    own = np.sqrt(max(np.mean((shares - 0.9) ** 2) - chance**2, 0.0))
    inside = np.mean((shares >= 0.88) & (shares <= 0.92))
    n = n_simulations
    exact = np.mean(
        binom.cdf(np.floor(0.92 * n), n, 0.9) - binom.cdf(np.ceil(0.88 * n) - 1, n, 0.9)
    )
    by_size = {}
    for (kind, anchors, _, width), share in held.items():
        by_size.setdefault((kind, anchors, width), []).append(share)
    means = {key: np.mean(values) for key, values in by_size.items()}
    worst = max(means, key=lambda key: abs(means[key] - 0.9))
    told = "{} maps from {} anchors in {} dimensions".format(*worst)
    yield (
        f"{inside:.0%} of the {len(shares)} cells lie between 88 and 92 percent; of intervals that "
        f"hold exactly 90 percent it would be {exact:.0%}. Cells differ from 90 percent by "
        f"{np.sqrt(np.mean((shares - 0.9) ** 2)):.1%} (root mean square), of which {chance:.1%} "
        f"are chance and {own:.1%} their own; the extremes are {shares.min():.1%} and "
        f"{shares.max():.1%}."
    )
    yield remark(
        all(0.88 <= value <= 0.92 for value in means.values()),
        "Over families, each kind, number of anchors and of dimensions holds 88 to 92 percent; "
        f"the furthest from 90 are {told}, {means[worst]:.1%}.",
    )
    yield remark(
        not all(0.88 <= value <= 0.92 for value in means.values()),
        "Over families not every kind, number of anchors and of dimensions holds 88 to 92 "
        f"percent: {told} hold {means[worst]:.1%}.",
    )


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


@cache
def pairs():
    """Pairs of spaces of three data sets, with their names."""
    digits = load_digits(return_X_y=True)[0]
    data = {"digits": digits}
    with np.load(data_file("mnist.npz")) as file:
        data["MNIST"] = file["x_train"][:4000].reshape(4000, -1) / 255.0
    with np.load(data_file("pbmc_counts.npz"), allow_pickle=False) as file:
        key = max(file.files, key=lambda name: np.size(file[name]) if file[name].ndim == 2 else 0)
        counts = file[key][:4000].astype(float)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        data["counts"] = np.log1p(1e4 * share[:, counts.var(axis=0).argsort()[::-1][:500]])
    return [
        (
            name,
            PCA(10, random_state=0).fit_transform(X),
            FactorAnalysis(10, random_state=0).fit_transform(X),
        )
        for name, X in data.items()
    ]


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


def support_of_shifted_rows(n_seeds):
    """Rank correlation of support with the map's error on rows that lie elsewhere.

    Simulated rows have their own scale and mean, through a map that bends. Of data, anchors are 200
    rows of the lower half by one direction at random, and all others are mapped.
    """
    found = {"simulated": []}
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        Q = ortho_group.rvs(6, random_state=seed)
        X = rng.normal(size=(200, 6))
        new = rng.normal(size=(400, 6)) * np.exp(0.6 * rng.normal(size=(400, 1))) + 0.5
        found["simulated"].append(_correlation(X, np.tanh(X @ Q), new, np.tanh(new @ Q)))
    for name, source, target in pairs():
        found[name] = []
        for seed in range(n_seeds):
            rng = np.random.default_rng(seed)
            along = (source / source.std(axis=0)) @ rng.normal(size=source.shape[1])
            low = rng.permutation(np.flatnonzero(along < np.median(along)))[:200]
            rest = np.setdiff1d(np.arange(len(source)), low)
            found[name].append(_correlation(source[low], target[low], source[rest], target[rest]))
    return found


def _correlation(X, Y, new, images):
    report = alignment_report(X, Y, X_new=new, kinds=("linear",))
    errors = LinearAligner(alpha="loo").fit(X, Y).transform(new) - images
    return float(spearmanr(-report.support, np.linalg.norm(errors, axis=1))[0])


def digits_without_anchors(n_seeds):
    """Area under the curve by which support tells digits 0-4, of which anchors are, from 5-9."""
    X, labels = load_digits(return_X_y=True)
    source, target = PCA(10).fit_transform(X), PCA(10).fit_transform(np.sqrt(X))
    low = labels < 5
    found = []
    for seed in range(n_seeds):
        order = np.random.default_rng(seed).permutation(np.flatnonzero(low))
        anchors = order[: len(order) // 2]
        rest = np.setdiff1d(np.arange(len(X)), anchors)
        report = alignment_report(
            source[anchors], target[anchors], X_new=source[rest], kinds=("linear",)
        )
        found.append(roc_auc_score(low[rest], report.support))
    return found


def main():
    """Simulate, judge, and write the report."""
    options = parser(__doc__)
    options.add_argument("--keep", type=Path, help="file of results: what is there is not redone")
    options = options.parse_args()
    n_simulations = 20 if options.quick else 1000 if options.full else 200
    n_seeds = 2 if options.quick else 20
    report = Report("What an alignment report is worth", options.out, keeps_remarks=False)
    report.text(
        f"Share of {n_simulations} simulated alignments a cell, of seeds that no interval was "
        "calibrated on, whose R^2 on fresh rows, "
        "of the map fitted to all anchors, lies in the 90 percent interval. Linear maps are judged "
        "and fitted by leave-one-out ridge. Targets are linear images of the source or, for half "
        "the rigid maps, turned ones, with noise of 0.1 to 1.5 times the source's deviation; "
        "t with 4 degrees of freedom has squares of infinite variance; copies are half the rows."
    )
    held = coverage_tables(report, n_simulations, options.keep)
    report.remarks(coverage_remarks(held, n_simulations))
    report.text("Verdicts on 60 to 256 anchors in 2 to 20 dimensions, of clear cases:")
    report.table(["case", "right", "found"], verdicts(20 if options.quick else 100))
    report.text(
        "Rank correlation (Spearman) of support, turned round, with the linear map's error, on "
        "rows that lie elsewhere than its 200 anchors: simulated ones, and those of data whose "
        f"anchors are all of one half by a direction at random; {n_seeds} seeds. Last, the area "
        "under the curve by which support tells digits 5-9 from 0-4, where all anchors are of 0-4:"
    )
    rows = support_of_shifted_rows(n_seeds) | {"digits 5-9": digits_without_anchors(n_seeds)}
    report.table(
        ["rows", "mean", "smallest", "largest"],
        [[name, np.mean(found), min(found), max(found)] for name, found in rows.items()],
    )
    report.text(
        "R^2 on the rows that are no anchors, PCA's ten coordinates to factor analysis' ten, and "
        "what the report said from the anchors alone:"
    )
    report.table(*error_by_anchors((8, 64) if options.quick else (4, 16, 64, 256, 1024)))
    report.write()


if __name__ == "__main__":
    main()

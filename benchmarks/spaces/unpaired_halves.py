"""UnpairedAligner on a hundred disjoint halves of data: what it accepts, and whether it is right.

Each half is embedded by a model of its own; the second space is also rotated, reflected and moved.
No row is on both sides. The map that is found is judged on all rows, embedded by both models, which
it has not seen. Beside it a rigid map from all pairs, the best there is, and POT's
LinearGWTransport (with the extra package POT). Of solvable halves that are refused, the margin that
the right map has if it is handed over: where that is small too, no search would do. Then clouds
that have no answer.
"""

import time
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import ortho_group
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from benchmarks._common import Report, data_file, kept, parser, remark
from sklatent import VAE
from sklatent.alignment import RigidAligner, UnpairedAligner
from sklatent.alignment._unpaired_judgement import _DIFFERENT, _N_FOLDS, _Fold, _standard_errors
from sklatent.alignment._unpaired_search import agreement, neighbours

RandomVAE = partial(VAE, init="random")

# Halves of each kind: the table, components, by PCA or a VAE. VAEs start at PCA by default, which
# brings their spaces near to each other; from a random start only the data do.
HALVES = {
    "digits, PCA 6": ("digits", 6, PCA, 15),
    "digits, VAE 4": ("digits", 4, VAE, 10),
    "digits, VAE 8": ("digits", 8, VAE, 10),
    "iris, PCA 3": ("iris", 3, PCA, 15),
    "wine, PCA 4": ("wine", 4, PCA, 15),
    "blobs, PCA 4": ("blobs", 4, PCA, 15),
    "counts, PCA 5": ("counts", 5, PCA, 10),
    "counts, VAE 4": ("counts", 4, VAE, 10),
    "digits, VAE 4, random start": ("digits", 4, RandomVAE, 6),
    "digits, VAE 8, random start": ("digits", 8, RandomVAE, 6),
    "counts, VAE 4, random start": ("counts", 4, RandomVAE, 6),
}
FIRST_SEED = 1000
# A pair of spaces is solvable where a rigid map from all pairs explains this much.
SOLVABLE = 0.7
WRONG = 0.5


def counts():
    """Cells as logarithms of their genes' shares, at the median depth."""
    raw = np.load(data_file("pbmc_counts.npz"), allow_pickle=False)["counts"].astype(float)
    depth = raw.sum(axis=1, keepdims=True)
    return np.log1p(raw / depth * np.median(depth))


def blobs(rng):
    """Four to eight Gaussian groups of unequal size and width."""
    n_groups = rng.randint(4, 9)
    shares = rng.dirichlet(np.full(n_groups, 5.0))
    label = rng.choice(n_groups, size=600, p=shares)
    widths = rng.uniform(0.3, 1.2, size=n_groups)
    centres = 3 * rng.normal(size=(n_groups, 4))
    return centres[label] + rng.normal(size=(600, 4)) * widths[label, None]


TABLES = {
    "digits": lambda rng: load_digits().data / 16,
    "iris": lambda rng: StandardScaler().fit_transform(load_iris().data),
    "wine": lambda rng: StandardScaler().fit_transform(load_wine().data),
    "counts": lambda rng: counts(),
    "blobs": blobs,
}


def model(kind, n_components, seed):
    """An embedding, its seed its own."""
    if kind is PCA:
        return PCA(n_components)
    return kind(
        n_components=n_components,
        hidden_layer_sizes=(64,),
        max_epochs=40,
        batch_size=64,
        learning_rate=2e-3,
        beta=0.3,
        random_state=seed,
    )


def halves(name, seed):
    """Latents of either half by its own model, and of all rows by both."""
    table, n_components, kind, _ = HALVES[name]
    rng = np.random.RandomState(seed)
    X = TABLES[table](rng)
    order = rng.permutation(len(X))
    first, second = order[: len(X) // 2], order[len(X) // 2 :]
    source = model(kind, n_components, seed).fit(X[first])
    target = model(kind, n_components, seed + 10_000).fit(X[second])
    rotation = ortho_group.rvs(n_components, random_state=seed)
    images = target.transform(X) @ rotation + rng.normal(size=n_components)
    everything = np.asarray(source.transform(X), dtype=float)
    return everything[first], images[second], everything, images


def r2(found, images):
    """R^2 of a map, weighted by variance."""
    return 1 - np.sum((found - images) ** 2) / np.sum((images - images.mean(axis=0)) ** 2)


def by_gromov_wasserstein(X, Y, everything):
    """Linear Gromov-Wasserstein transport between Gaussians, by POT; None without it."""
    try:
        from ot.da import LinearGWTransport
    except ImportError:
        return None
    return LinearGWTransport().fit(Xs=X, Xt=Y).transform(Xs=everything)


def right_margin(X, Y, everything, images, max_samples=450):
    """How clearly held-out density tells the right map from it with axes turned or exchanged.

    Parameters
    ----------
    X, Y : ndarray of shape (n_x, d) and (n_y, d)
        The halves.
    everything, images : ndarray of shape (n, d)
        All rows in both spaces; the right map is the rigid one between them.
    max_samples : int
        Rows of either half that are used, as many as UnpairedAligner does.

    Returns
    -------
    margin : float
        In standard errors; negative where a wrong map fits better.
    """
    unit = max(np.abs(Z).max() for Z in (X, Y))
    aligner = RigidAligner().fit(everything / unit, images / unit)
    right = aligner.rotation_, aligner.intercept_
    X, Y = X[:max_samples] / unit, Y[:max_samples] / unit
    folds = [_Fold(X, Y, number) for number in range(_N_FOLDS)]
    wrong = [map_ for map_ in neighbours(right, X) if agreement(map_, right, X) < _DIFFERENT]
    first, *others = (
        np.concatenate([fold.rows(fold.refined(map_)) for fold in folds])
        for map_ in [right, *wrong]
    )
    return min(_standard_errors(first - other) for other in others)


def pair(name, seed, n_init):
    """One pair of halves.

    Returns
    -------
    row : list
        R^2 by a rigid map from all pairs, whether UnpairedAligner accepts its map, R^2 by that,
        R^2 by transport, margin, seconds of processor time, and of solvable halves that are
        refused the margin of the right map.
    """
    X, Y, everything, images = halves(name, seed)
    paired = r2(RigidAligner().fit(everything, images).transform(everything), images)
    started = time.process_time()
    aligner = UnpairedAligner(n_init=n_init, strict=False, random_state=0).fit(X, Y)
    seconds = time.process_time() - started
    transported = by_gromov_wasserstein(X, Y, everything)
    found = r2(aligner.transform(everything), images)
    transport = np.nan if transported is None else r2(transported, images)
    told = np.nan
    if paired >= SOLVABLE and not aligner.accepted_:
        told = right_margin(X, Y, everything, images)
    return [paired, aligner.accepted_, found, transport, aligner.margin_, seconds, told]


def study(name, n, n_init, keep=None):
    """Every pair of halves, measured once."""
    return [
        kept(keep, f"halves {name} {seed} {n_init}", partial(pair, name, seed, n_init))
        for seed in range(FIRST_SEED, FIRST_SEED + n)
    ]


def symmetric(kind, n, rng):
    """A cloud that has no answer."""
    if kind == "circle":
        points = rng.normal(size=(n, 2))
        return points / np.linalg.norm(points, axis=1, keepdims=True)
    if kind == "isotropic Gaussian":
        return rng.normal(size=(n, 3))
    return rng.normal(size=(n, 3)) + 5.0 * np.eye(3)[0] * rng.choice([-1, 1], size=(n, 1))


def judged(X, Y, n_init, seed):
    """Whether the map between two clouds is accepted, and its margin."""
    aligner = UnpairedAligner(n_init=n_init, random_state=seed).fit(X, Y)
    return aligner.accepted_, aligner.margin_


def remarks(by_name, clouds):
    """What the numbers say, where they do."""

    def accepted_of(names):
        solvable = [row for name in names for row in by_name[name] if row[0] >= SOLVABLE]
        return sum(bool(row[1]) for row in solvable), len(solvable)

    every = [row for rows in by_name.values() for row in rows]
    random = [name for name in by_name if "random start" in name]
    accepted, solvable = accepted_of(random)
    told = f"Of solvable halves from random starts {accepted} of {solvable} are accepted"
    enough = 3 * accepted >= 2 * solvable
    yield remark(enough, f"{told}, at least two thirds as elsewhere.")
    yield remark(not enough, f"{told}, less than two thirds.")
    few = []
    for name in by_name:
        accepted, solvable = accepted_of([name])
        if 3 * accepted < 2 * solvable:
            few.append(f"{name} ({accepted} of {solvable})")
    yield remark(bool(few), f"Less than two thirds of the solvable: {', '.join(few)}.")
    for name, rows in by_name.items():
        told = np.array([row[6] for row in rows])
        told = told[np.isfinite(told)]
        yield remark(
            3 * len(told) > len(rows) and len(told) > 0 and told.max() < 4,
            f"{name}: even handed over, the right map has margins of at most "
            f"{max(told, default=0):.1f} there, like clouds without an answer: the halves have too "
            "few rows for their shape, and no search nor threshold could accept them safely.",
        )
    wrong = [row[4] for row in every if row[2] < WRONG]
    unsolvable = max([float(row[3]) for row in clouds])
    right = [row[4] for row in every if row[2] >= SOLVABLE]
    yield remark(
        bool(wrong and right),
        f"Margins of best maps that are wrong (R^2 under {WRONG}) are at most "
        f"{max(wrong, default=0):.1f} in {len(wrong)}, of clouds without an answer "
        f"{unsolvable:.1f}; of those that are right {np.mean(np.array(right) >= 4):.0%} have 4 or "
        "more. Right maps below that are refused: they can't be told from these.",
    )


def main():
    """Run and report."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--keep", type=Path, help="file of results: what is there is not redone")
    arguments = options.parse_args()
    share, n_init = (0.1, 6) if arguments.quick else (3, 30) if arguments.full else (1, 30)
    report = Report("Unpaired alignment of disjoint halves", arguments.out, keeps_remarks=False)
    report.text(
        "R^2 over all rows, embedded by both models, weighted by variance: of a rigid map from all "
        "pairs, of UnpairedAligner whether it accepted its map or not (medians), and the smallest "
        f"of an accepted one. Solvable: the rigid map from all pairs has at least {SOLVABLE}. "
        "Margins in standard errors, seconds of one core. Last, of solvable halves that were "
        "refused, the margin of the right map over itself with axes turned over or exchanged, "
        "when it is handed over: median, and largest. Seeds here were not looked at while the "
        "thresholds were chosen."
    )
    every, table, by_name = [], [], {}
    for name, (*_, n) in HALVES.items():
        by_name[name] = rows = study(name, max(1, round(share * n)), n_init, arguments.keep)
        every += rows
        paired, accepted, found, transported, margin, seconds, told = map(
            np.array, zip(*rows, strict=True)
        )
        told = told[np.isfinite(told)]
        table.append(
            [
                name,
                len(rows),
                int(np.sum(paired >= SOLVABLE)),
                int(accepted.sum()),
                int(np.sum(accepted & (found < WRONG))),
                float(np.median(paired)),
                float(np.median(found)),
                float(found[accepted].min()) if accepted.any() else "-",
                float(np.median(transported)),
                f"{np.median(margin):.1f}",
                float(np.median(seconds)),
                f"{np.median(told):.1f} (to {told.max():.1f})" if len(told) else "-",
            ]
        )
    report.table(
        [
            "halves", "n", "solvable", "accepted", f"accepted under {WRONG}", "R2, all pairs",
            "R2, unpaired", "smallest accepted", "R2, LinearGWTransport", "margin", "seconds",
            "right map's margin where refused",
        ],
        table,
    )  # fmt: skip
    paired, accepted, found, transported, *_ = map(np.array, zip(*every, strict=True))
    solvable = paired >= SOLVABLE
    wrong = int(np.sum(accepted & (found < WRONG)))
    report.text(
        f"Wanted: none accepted under {WRONG}, found {wrong} of {len(every)}; at least two thirds "
        f"of the solvable accepted, found {int(np.sum(accepted & solvable))} of "
        f"{int(solvable.sum())}. Refused maps whose R2 was at least {SOLVABLE} all the same: "
        f"{int(np.sum(~accepted & (found >= SOLVABLE)))}; refused maps under {WRONG}: "
        f"{int(np.sum(~accepted & (found < WRONG)))}. LinearGWTransport under {WRONG}: "
        f"{int(np.sum(transported < WRONG))}."
    )
    rng = np.random.default_rng(0)
    rows = []
    for kind in ("circle", "isotropic Gaussian", "two equal groups"):
        n = 2 if arguments.quick else 20
        clouds = [(symmetric(kind, 200, rng), symmetric(kind, 200, rng)) for _ in range(n)]
        fits = [
            kept(
                arguments.keep,
                f"cloud {kind} {seed} {n_init}",
                partial(judged, *both, n_init, seed),
            )
            for seed, both in enumerate(clouds)
        ]
        accepted, margins = zip(*fits, strict=True)
        rows.append([kind, n, sum(accepted), f"{max(margins):.1f}"])
    report.text("Clouds that have no answer, 200 rows a side:")
    report.table(["cloud", "n", "accepted", "largest margin"], rows)
    report.remarks(remarks(by_name, rows))
    report.write()


if __name__ == "__main__":
    main()

"""Our aligners beside other libraries' on the same anchors, in and out of the anchors' region.

Beside them, where they are installed: fmralign, latentis, netrep, POT and brainiak. Libraries that
take no translation are given centred rows, and their images are moved back.
"""

import time
import warnings
from functools import partial

import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score

from benchmarks._common import Report, listed, parser, remark
from benchmarks.spaces.alignment_report import pairs
from sklatent.alignment import GroupAligner, LinearAligner, RigidAligner, StitchingAligner

_STEPS = 800  # of a network, whatever the number of anchors
BY_HAND = (
    "By hand, of the run of 2026-11-27: fmralign 0.0.6, latentis 0.0.8, POT 0.9.7.post1, netrep at "
    "0186b8a, brainiak's `srm.py` at 123f6e1 in one process, with a stand-in for MPI."
)


def ours(aligner, X, Y):
    """Fit one of our aligners."""
    return aligner.fit(X, Y).transform


def network(X, Y):
    """Fit a stitching network."""
    epochs = -(-_STEPS // -(-len(X) // 128))
    return ours(StitchingAligner(learning_rate=3e-3, max_epochs=epochs, random_state=0), X, Y)


def centred(fit, X, Y):
    """Fit another library's map, without translation, to centred rows."""
    x_mean, y_mean = X.mean(axis=0), Y.mean(axis=0)
    mapped = fit(X - x_mean, Y - y_mean)
    return lambda Z: np.asarray(mapped(Z - x_mean)) + y_mean


def fmralign(name, X, Y):
    """Procrustes with a scale, or ridge regression by cross-validation."""
    from fmralign import methods

    return getattr(methods, name)().fit(X, Y).transform


def latentis(name, X, Y):
    """Least squares, or orthogonal Procrustes, by its functions of torch tensors."""
    import torch
    from latentis.transform.translate import functional

    state = getattr(functional, name)(torch.as_tensor(X), torch.as_tensor(Y))
    return lambda Z: Z @ state["matrix"].numpy()


def netrep(X, Y):
    """Its rotation-invariant metric, which turns both sides: here all the way from one to other."""
    from netrep.metrics import LinearMetric

    metric = LinearMetric(alpha=1.0).fit(X, Y)
    return lambda Z: metric._transform_X(Z) @ np.linalg.pinv(metric.Wy_) + metric.my_


def pot(X, Y):
    """Optimal transport between Gaussians, which does not look at who is whose partner."""
    from ot.da import LinearTransport

    transport = LinearTransport(reg=1e-6).fit(Xs=X, Xt=Y)
    return lambda Z: transport.transform(Xs=Z)


MAPS = {
    "rigid": partial(ours, RigidAligner()),
    "scaled": partial(ours, RigidAligner(scaling=True)),
    "linear, loo": partial(ours, LinearAligner(alpha="loo")),
    "network": network,
    "netrep, rotation": netrep,
    "latentis, SVD": partial(centred, partial(latentis, "svd_align_state")),
    "fmralign, Procrustes": partial(centred, partial(fmralign, "Procrustes")),
    "latentis, lstsq": partial(centred, partial(latentis, "lstsq_align_state")),
    "fmralign, ridge": partial(centred, partial(fmralign, "RidgeAlignment")),
    "POT, Gaussians": pot,
}


def error(name, X, Y, tests):
    """R^2 of one map on several sets of rows, as text; a dash where it isn't there."""
    if name == "network" and len(X) < 64:
        return ["-"] * len(tests)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mapped = MAPS[name](X, Y)
            images = [np.asarray(mapped(Z)) for Z, _ in tests]
    except ImportError:
        return ["-"] * len(tests)
    except Exception as failure:  # another library's own limits are a finding
        return [type(failure).__name__] * len(tests)
    scores = [
        r2_score(target, image, multioutput="variance_weighted")
        for image, (_, target) in zip(images, tests, strict=True)
    ]
    return [f"{score:.2f}" if np.isfinite(score) else "nan" for score in scores]


def by_anchors(sizes):
    """Rows of the table of pairs: anchors from the lower half of the source's first coordinate."""
    rows = []
    for data, source, target in pairs():
        order = np.random.default_rng(0).permutation(len(source))
        low = source[order, 0] < np.median(source[:, 0])
        inside, outside = order[low], order[~low]
        fitting = [size for size in sizes if size <= 3 * len(inside) // 4]
        rest = inside[max(fitting) :]
        for size in fitting:
            anchors = inside[:size]
            tests = [(source[part], target[part]) for part in (rest, outside)]
            found = [error(name, source[anchors], target[anchors], tests) for name in MAPS]
            for place, column in (("inside", 0), ("outside", 1)):
                rows.append([data, size, place, *(scores[column] for scores in found)])
            print(rows[-2], rows[-1], flush=True)
    return rows


def our_group(kind, spaces):
    """Fit our aligner of many spaces."""
    group = GroupAligner(kind=kind).fit(spaces)
    return lambda Z, k: group.transform(Z, space=k)


def fmralign_group(spaces):
    """Its group alignment by Procrustes with scales."""
    from fmralign import GroupAlignment

    means = [space.mean(axis=0) for space in spaces]
    named = {str(k): space - means[k] for k, space in enumerate(spaces)}
    group = GroupAlignment(method="procrustes").fit(named)
    return lambda Z, k: group.transform({str(k): Z - means[k]})[str(k)]


def brainiak_group(spaces):
    """Its deterministic shared response model."""
    from brainiak.funcalign.srm import DetSRM

    means = [space.mean(axis=0) for space in spaces]
    model = DetSRM(n_iter=20, features=min(space.shape[1] for space in spaces))
    model.fit([(space - mean).T for space, mean in zip(spaces, means, strict=True)])
    return lambda Z, k: (Z - means[k]) @ model.w_[k]


def netrep_group(spaces):
    """Its Frechet mean under rotations; each space then turned to it."""
    from netrep.multiset import frechet_mean

    means = [space.mean(axis=0) for space in spaces]
    moved = [space - mean for space, mean in zip(spaces, means, strict=True)]
    middle = frechet_mean(moved, group="orth", method="full_batch", tol=1e-9, random_state=0)
    turns = [orthogonal_procrustes(space, middle)[0] for space in moved]
    return lambda Z, k: (Z - means[k]) @ turns[k]


GROUPS = {
    "GroupAligner, rigid": partial(our_group, "rigid"),
    "GroupAligner, linear": partial(our_group, "linear"),
    "fmralign, Procrustes": fmralign_group,
    "brainiak, DetSRM": brainiak_group,
    "netrep, Frechet mean": netrep_group,
}


STRETCHED = "turned and stretched"


def many_spaces(sizes, n_spaces=6):
    """Rows of the table of groups: how far spaces agree on rows that none was brought in by."""
    X = load_digits().data
    rows = []
    for stretched in (False, True):
        rng = np.random.default_rng(0)
        spaces = []
        for k in range(n_spaces):
            half = rng.permutation(len(X))[: len(X) // 2]
            turned = PCA(10).fit(X[half]).transform(X) @ ortho_group.rvs(10, random_state=k)
            scales = np.exp(0.7 * rng.normal(size=10)) if stretched else 1.0
            spaces.append(turned * scales + k)
        order = rng.permutation(len(X))
        for size in sizes:
            fitting, rest = order[:size], order[max(sizes) :]
            for name, fit in GROUPS.items():
                start = time.perf_counter()
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        mapped = fit([space[fitting] for space in spaces])
                except ImportError:
                    continue
                seconds = time.perf_counter() - start
                images = np.array([mapped(space[rest], k) for k, space in enumerate(spaces)])
                apart = np.sum((images - images.mean(axis=0)) ** 2)
                agreed = 1 - apart / np.sum((images - images.mean(axis=(0, 1))) ** 2)
                kind = STRETCHED if stretched else "turned"
                rows.append([kind, size, name, f"{agreed:.3f}", f"{seconds:.3f}"])
    return rows


def remarks_on_pairs(rows, width=10):
    """Where others' maps are ours, where the ridge helps, and when a network pays."""
    maps = list(MAPS)
    scores = {
        (data, int(size), place): {
            name: float(cell) for name, cell in zip(maps, cells, strict=True) if is_number(cell)
        }
        for data, size, place, *cells in rows
    }

    def apart(theirs, ours, keys):
        return [
            abs(scores[key][theirs] - scores[key][ours]) for key in keys if theirs in scores[key]
        ]

    enough = [key for key in scores if key[1] > width]
    for theirs, ours in (
        ("netrep, rotation", "rigid"),
        ("latentis, SVD", "rigid"),
        ("fmralign, Procrustes", "scaled"),
    ):
        found = apart(theirs, ours, enough)
        yield remark(
            bool(found) and max(found) < 0.005,
            f'With more anchors than dimensions "{theirs}" has the same figures as "{ours}".',
        )
    found = apart("fmralign, ridge", "linear, loo", scores)
    yield remark(
        bool(found) and max(found) <= 0.05,
        f'"fmralign, ridge", by 4-fold cross-validation, lies within {max(found, default=0):.2f} '
        'of "linear, loo" everywhere.',
    )
    few = min(key[1] for key in enough)
    lost = {
        place: max(
            (
                found["linear, loo"] - found["latentis, lstsq"]
                for key, found in scores.items()
                if key[1:] == (few, place) and "latentis, lstsq" in found
            ),
            default=0.0,
        )
        for place in ("inside", "outside")
    }
    yield remark(
        min(lost.values()) > 0.1,
        f'At {few} anchors plain least squares ("latentis, lstsq") is behind "linear, loo" by up '
        f"to {lost['inside']:.2f} inside and {lost['outside']:.2f} outside.",
    )
    for theirs in ("scaled", "fmralign, Procrustes"):
        pairs = [
            (key, found["linear, loo"], found[theirs])
            for key, found in scores.items()
            if key[1] <= width and key[2] == "inside" and theirs in found
        ]
        yield remark(
            bool(pairs) and all(ours > other for _, ours, other in pairs),
            f'With no more anchors than dimensions "linear, loo" is ahead of "{theirs}" inside: '
            + listed(f"{ours:.2f} against {other:.2f} ({key[0]})" for key, ours, other in pairs)
            + ".",
        )
    yield from remarks_on_networks(scores)


def is_number(cell):
    """Whether a cell has a figure, in place of a dash or another library's failure."""
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def remarks_on_networks(scores):
    """From how many anchors a network is the best inside, and ahead of the linear map outside."""
    for data in dict.fromkeys(data for data, *_ in scores):
        sizes = sorted({size for name, size, _ in scores if name == data})
        ahead = {"inside": [], "outside": []}
        for size in sizes:
            for place, found in ((p, scores[data, size, p]) for p in ahead):
                rivals = found if place == "inside" else ("linear, loo",)
                others = [found[name] for name in rivals if name != "network"]
                if "network" in found and found["network"] > max(others):
                    ahead[place].append(size)
        yield remark(
            bool(ahead["inside"]),
            f"{data}: a network is the best inside with {listed(ahead['inside'])} anchors, and "
            f'outside ahead of "linear, loo" with {listed(ahead["outside"]) or "none"}.',
        )
        yield remark(not ahead["inside"], f"{data}: a network is the best inside at no number.")
        most = scores[data, sizes[-1], "outside"]
        yield remark(
            most["scaled"] > most["linear, loo"],
            f'{data}: outside, "scaled" is ahead of "linear, loo" even with {sizes[-1]} anchors: '
            f"{most['scaled']:.2f} against {most['linear, loo']:.2f}.",
        )


def remarks_on_groups(rows):
    """Whether rigid groups agree, and what brings stretched spaces together."""
    found = {(kind, int(size), name): float(cell) for kind, size, name, cell, _ in rows}
    rigid, linear = "GroupAligner, rigid", "GroupAligner, linear"
    for theirs in ("brainiak, DetSRM", "netrep, Frechet mean"):
        apart = [
            abs(score - found[kind, size, rigid])
            for (kind, size, name), score in found.items()
            if name == theirs
        ]
        yield remark(
            bool(apart) and max(apart) < 0.005,
            f'Six spaces: "{rigid}" agrees with "{theirs}" to {max(apart, default=0):.3f}.',
        )
    most = max(size for _, size, _ in found)
    last = {name: v for (kind, size, name), v in found.items() if (kind, size) == (STRETCHED, most)}
    others = {name: score for name, score in last.items() if name != linear}
    yield remark(
        last[linear] > max(others.values()) + 0.05,
        f'Six spaces that are stretched too: only "{linear}" brings them together, '
        f"{last[linear]:.3f} with {most} rows against "
        + listed(f"{score:.3f} ({name})" for name, score in others.items())
        + ".",
    )


def main():
    """Fit everything to the same anchors, and write the report."""
    options = parser(__doc__.splitlines()[0]).parse_args()
    sizes = (16, 64) if options.quick else (4, 16, 64, 256, 512, 1024)
    report = Report("Aligners beside other libraries'", options.out, keeps_remarks=False)
    report.text(
        "PCA's ten coordinates to factor analysis' ten. Anchors have a first coordinate below its "
        "median; R^2, weighted by variance, on other rows from there (inside) and from above "
        "(outside). Kinds that have no scale of their own are far off, since factor analysis has "
        "another one. POT's map does not use pairs. A dash: not installed, or too few anchors. "
        "The digits have rows for 512 anchors, the counts for 256: a quarter is left to judge on. "
        "With fewer anchors than dimensions the rigid kinds warn and leave in place the directions "
        "that nothing determines, where fmralign's Procrustes drops them; `alignment_report` "
        "refuses there."
    )
    pairs_rows = by_anchors(sizes)
    report.table(["data", "anchors", "rows", *MAPS], pairs_rows)
    report.text(
        "Six spaces of the digits, PCA on random halves, turned at random, brought into one by "
        "some rows and judged on others: one minus the share of variance that lies between "
        "spaces (1 is perfect). netrep's and brainiak's rigid maps are our kind \"rigid\"; "
        '"linear" is meant for spaces that differ by more than a turn. Seconds are of one fit '
        "each: read them as orders of magnitude."
    )
    group_sizes = (16, 64) if options.quick else (16, 64, 256, 1024)
    groups_rows = many_spaces(group_sizes)
    report.table(["spaces", "rows", "method", "agreement", "seconds"], groups_rows)
    report.remarks([*remarks_on_pairs(pairs_rows), *remarks_on_groups(groups_rows)])
    report.text(BY_HAND)
    report.write()


if __name__ == "__main__":
    main()

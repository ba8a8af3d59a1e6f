"""Beyond the paper: how many anchors, and which."""

from functools import partial

import numpy as np

from benchmarks._common import over_seeds
from benchmarks.papers.alignment.study import fit
from sklatent import RosettaPoints
from sklatent.alignment import (
    LinearAligner,
    RigidAligner,
)


def of_number(spaces, width, n_anchors, alphas):
    """Errors of every map through so many anchors, pair by pair."""
    results = {"minimum norm": [], "ridge": [], "rigid": [], "Rosetta points, ridge": []}
    for pair, (a, b) in enumerate(spaces.pairs(width)):
        A, B = spaces.latents(width, a), spaces.latents(width, b)
        random = np.random.default_rng(100 + pair).permutation(len(A))[:n_anchors]
        points = RosettaPoints.distill(
            spaces.model(width, a), spaces.data.train, n_points=n_anchors, random_state=pair
        )
        rosetta = spaces.rows_of(points.X)
        candidates = {
            "minimum norm": fit(LinearAligner(), A[random], B[random]),
            "ridge": best_ridge(A[random], B[random], alphas),
            "rigid": fit(RigidAligner(), A[random], B[random]),
            "Rosetta points, ridge": best_ridge(A[rosetta], B[rosetta], alphas),
        }
        for name, aligner in candidates.items():
            results[name].append(spaces.error(width, a, b, aligner)[0])
    return results


def how_many_anchors(study, spaces):
    """Beyond the paper: the under-determined corner, and which anchors to take."""
    width = 50 if 50 in study.scale.widths else study.scale.widths[-1]
    study.heading(f"Beyond the paper: how many anchors, and which ({width} components, MNIST)")
    alphas = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
    rows = []
    for n_anchors in study.scale.anchor_counts:
        measure = partial(of_number, spaces, width, n_anchors, alphas)
        results = study.measured(f"anchors, {width}, {n_anchors}", measure)
        study.expect("ridge below minimum norm", results["ridge"], results["minimum norm"])
        study.expect(
            "Rosetta points below random anchors",
            results["Rosetta points, ridge"],
            results["ridge"],
        )
        cells = [f"{over_seeds(1000 * np.array(errors)):.2f}" for errors in results.values()]
        rows.append([n_anchors, *cells])
    study.report.text(
        "Plain MSE x 1000 on test images. Ridge: alpha in units of the source latents' variance, "
        f"chosen from {alphas} by leave-one-out over the anchors alone. Rosetta points: the "
        "training images nearest to the k-means centroids of the source's latents, equally many."
    )
    study.report.table(["anchors", *results], rows)


def best_ridge(A, B, alphas):
    """Ridge by the anchors' own leave-one-out error, in closed form from the hat matrix."""
    scale = float((A - A.mean(0)).var())
    losses = []
    for alpha in alphas:
        aligner = LinearAligner(alpha=alpha * scale).fit(A, B)
        centred = np.asarray(A - A.mean(0), np.float64)
        gram = centred.T @ centred + alpha * scale * np.eye(A.shape[1])
        leverage = 1 / len(A) + np.einsum("ij,ji->i", centred, np.linalg.solve(gram, centred.T))
        residuals = (B - aligner.transform(A)) / (1 - leverage)[:, None]
        losses.append((residuals**2).mean())
    return LinearAligner(alpha=alphas[int(np.argmin(losses))] * scale).fit(A, B)

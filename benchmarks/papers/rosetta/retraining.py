"""Retraining variability, and the number of anchors: tables 1, 3 and 4."""

import numpy as np

from benchmarks.papers.rosetta.measures import column, differences, independent_runs, volumes
from benchmarks.papers.rosetta.study import MODELS
from sklatent import VAE, RosettaPoints, RosettaVAE
from sklatent.model_selection import retrain


def reproducibility(study, rows, model, seed):
    """Section 3.1: a template on all data, then every model again and again on the same data.

    Each model is trained at each number of anchors, whose inputs are data to all of them.
    """
    X = rows.X
    template = VAE(**model, random_state=seed).fit(X)

    def trained(candidate, points):
        data = np.concatenate([X, points.X])
        runs = retrain(candidate, data, n_runs=study.n_runs, random_state=seed)
        return volumes(np.stack([run.transform(rows.held) for run in runs]))

    results = {}
    for n in study.n_points:
        points = RosettaPoints.distill(template, X, n, inputs="data", random_state=seed)
        candidates = {
            "VAE": VAE(**model),
            "beta-VAE": VAE(**model, beta=study.beta),
            "R-VAE": RosettaVAE(rosetta_points=points, rho=study.rho, **model),
        }
        for name, candidate in candidates.items():
            results[f"{name}, {n}"] = trained(candidate, points)
    for name in MODELS:
        results[name] = results[f"{name}, {study.main_n_points}"]
    return results


def report_reproducibility(report, study, results):
    """Tables 1, 3 and 4."""
    null = independent_runs(study.n_runs, study.settings["n_components"])
    report.text(
        f"Null: latents that {study.n_runs} trainings draw independently, as Gaussians of "
        f"{study.settings['n_components']} active components, would have a relative RV of "
        f"{null:.1f}, since the log determinant of a covariance from few runs is biased down."
    )
    report.text(f"### Retraining variability (table 1), {study.main_n_points} anchors")
    report.table(
        ["model", "RV - VAE", "published", "relative RV", "IQR of RV over samples"],
        [
            [
                name,
                differences(results, name, "RV"),
                study.published["RV"][name],
                column(results, name, "relative"),
                column(results, name, "iqr"),
            ]
            for name in MODELS
        ],
    )
    report.text(
        "### Number of anchors (tables 3 and 4): RV less that of the VAE that has the same anchors "
        "among its data"
    )
    report.table(
        [
            "anchors",
            "beta-VAE",
            "R-VAE",
            "published R-VAE",
            "relative RV, VAE",
            "beta-VAE",
            "R-VAE",
        ],
        [
            [
                n,
                differences(results, f"beta-VAE, {n}", "RV", f"VAE, {n}"),
                differences(results, f"R-VAE, {n}", "RV", f"VAE, {n}"),
                study.published["RV by n"][n],
                *(column(results, f"{name}, {n}", "relative") for name in MODELS),
            ]
            for n in study.n_points
        ],
    )

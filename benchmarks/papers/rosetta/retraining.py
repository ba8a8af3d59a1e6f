"""Retraining variability, and the number of anchors: tables 1, 3 and 4, figure 2."""

import numpy as np

from benchmarks.papers.rosetta.measures import column, differences, independent_runs, volumes
from benchmarks.papers.rosetta.study import MODELS, candidates
from sklatent import VAE, RosettaPoints
from sklatent.model_selection import retrain

DRAWN = 150  # held-out rows whose latents figures show


def reproducibility(study, rows, model, seed, *, shown=False):
    """Section 3.1: a template on all data, then every model again and again on the same data.

    Each model is trained at each number of anchors, whose inputs are data to all of them.
    """
    X = rows.X
    template = VAE(**model, random_state=seed).fit(X)
    results, drawn = {}, {"template": template.transform(rows.held[:DRAWN])}
    for n in study.n_points:
        points = RosettaPoints.distill(template, X, n, inputs="data", random_state=seed)
        data = np.concatenate([X, points.X])
        for name, candidate in candidates(study, model, points).items():
            runs = retrain(candidate, data, n_runs=study.n_runs, random_state=seed)
            Z = np.stack([run.transform(rows.held) for run in runs])
            results[f"{name}, {n}"] = volumes(Z)
            if n == study.main_n_points:
                drawn[name] = Z[0, :DRAWN]
    for name in MODELS:
        results[name] = results[f"{name}, {study.main_n_points}"]
    if shown:
        results["shown"] = {name: np.round(Z, 3) for name, Z in drawn.items()}
    return results


def report_reproducibility(report, study, results, ours):
    """Tables 1, 3 and 4; `ours` are results with our defaults, or none."""
    null = independent_runs(study.n_runs, study.settings["n_components"])
    report.text(
        f"Null: latents that {study.n_runs} trainings draw independently, as Gaussians of "
        f"{study.settings['n_components']} active components, would have a relative RV of "
        f"{null:.1f}, since the log determinant of a covariance from few runs is biased down."
    )
    report.text(f"### Retraining variability (table 1), {study.main_n_points} anchors")
    n = study.main_n_points
    published = dict(zip(MODELS, ("0", *study.published["RV by n"][n]), strict=True))
    report.table(
        ["model", "RV - VAE", "published", "relative RV", "IQR of RV over samples"],
        [
            [
                name + told,
                differences(found, name, "RV"),
                published[name] if found is results else "",
                column(found, name, "relative"),
                column(found, name, "iqr"),
            ]
            for found, told in ((results, ""), (ours, ", our defaults"))
            if found
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
            "published",
            "R-VAE",
            "published",
            "relative RV, VAE",
            "beta-VAE",
            "R-VAE",
        ],
        [
            [
                n,
                differences(results, f"beta-VAE, {n}", "RV", f"VAE, {n}"),
                study.published["RV by n"][n][0],
                differences(results, f"R-VAE, {n}", "RV", f"VAE, {n}"),
                study.published["RV by n"][n][1],
                *(column(results, f"{name}, {n}", "relative") for name in MODELS),
            ]
            for n in study.n_points
        ],
    )

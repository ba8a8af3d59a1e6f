"""Two labs in sequence: tables 2, 6, 7, 9 and 10, figures 4 to 7."""

import numpy as np

from benchmarks.papers.rosetta.measures import column, differences, flatness, summary, volumes
from benchmarks.papers.rosetta.retraining import DRAWN
from benchmarks.papers.rosetta.study import ALL, METHODS, MODELS, candidates
from sklatent import VAE, RosettaPoints
from sklatent.model_selection import retrain, sequential_study
from sklatent.model_selection._sequential_study import _runs_table

FEW_RUNS = 3  # with all of D1 as anchors, which each batch carries along


def sequential(study, data, model, seed, part="models", *, shown=False):
    """Section 3.2 and appendices D to F, in three parts that a run can do apart.

    "models" are the three of table 2, "anchors" those with other numbers of them, and "variants"
    those with anchors chosen otherwise and with other architectures. Lab A's model and the joint
    one are the same in all.
    """
    X, in_first, held, held_in_first = data
    main = study.main_n_points
    done = sequential_study(
        VAE(**model), X[in_first], X[~in_first], n_points=main, rho=study.rho, beta=study.beta,
        n_runs=study.n_runs if part == "models" else 2, random_state=seed,
    )  # fmt: skip
    X_all = np.concatenate([held[held_in_first], held[~held_in_first]])
    rows = np.arange(len(X_all)) < held_in_first.sum()
    target = done.joint.transform(X_all)
    there = done.first.transform(held[held_in_first])

    def judge(models):
        Z = np.stack([each.transform(X_all) for each in models])
        table = _runs_table({"": Z}, target, rows)
        result = {"spectrum": table.filter(like="eigenvalue").median().to_numpy()}
        for name in ("D1", "D2", "distance", "bias"):
            result[name] = table[name].median()
        result["D1 share"] = result["D1"] / target[rows].var(axis=0).sum()
        result["D2 share"] = result["D2"] / target[~rows].var(axis=0).sum()
        errors = ((Z[:, rows] - there) ** 2).sum(axis=-1).mean(axis=-1)
        result["unmapped"] = np.median(errors) / there.var(axis=0).sum()
        if len(Z) > Z.shape[-1]:  # what RV is defined for
            result["RV D1"] = volumes(Z[:, rows])["RV"]
            result["RV D2"] = volumes(Z[:, ~rows])["RV"]
            result["relative"] = volumes(Z)["relative"]
        return result

    def trained(name, points, n_runs=study.n_runs, **changed):
        candidate = candidates(study, model | changed, points)[name]
        data = np.concatenate([X[~in_first], points.X])
        return judge(retrain(candidate, data, n_runs=n_runs, random_state=seed))

    def distilled(n, method="kmeans"):
        return RosettaPoints.distill(
            done.first, X[in_first], n, method, inputs="data", random_state=seed
        )

    if part == "models":
        results = {name: judge(models) for name, models in done.models.items()}
        some = np.random.RandomState(0).permutation(len(X_all))[:DRAWN]
        if shown:
            drawn = {
                "joint model": target,
                **{n: m[0].transform(X_all) for n, m in done.models.items()},
            }
            results["shown"] = {name: np.round(Z[some], 3) for name, Z in drawn.items()}
            results["shown"]["in_first"] = rows[some]
        return results
    if part == "anchors":
        results = {
            f"{name}, {n}": trained(name, distilled(n))
            for n in study.n_points
            if n != main
            for name in MODELS
        }
        everything = RosettaPoints(X[in_first], done.first.transform(X[in_first]))
        for name in MODELS:
            results[f"{name}, {ALL}"] = trained(name, everything, FEW_RUNS)
        return results
    results = {method: trained("R-VAE", distilled(main, method)) for method in METHODS[1:]}
    for name, changed in study.other_architectures.items():
        results[name] = trained("R-VAE", done.points, **changed)
    return results


def joined(study, models, anchors, variants):
    """One repeat's results by the names that the tables have; `variants` may be None."""
    results = models | anchors
    for name in MODELS:
        results[f"{name}, {study.main_n_points}"] = models[name]
    for n in study.n_points:
        results[f"{n} anchors"] = results[f"R-VAE, {n}"]
    if variants is not None:
        results |= variants
        for name in ("kmeans", "same architecture"):
            results[name] = models["R-VAE"]
    return results


def report_sequential(report, study, results, ours):
    """Tables 2, 6, 7, 9 and 10, figures 6 and 7; `ours` are results with our defaults, or none."""
    report.text(f"### Distortion to the joint model (table 2), {study.main_n_points} anchors")
    report.table(
        ["model", "D1 - VAE", "published", "D2 - VAE", "published", "D1, share of variance",
         "D2, share of variance", "D1 from lab A's, unmapped"],
        [
            [
                name + told,
                differences(found, name, "D1"),
                study.published["D1"][name] if found is results else "",
                differences(found, name, "D2"),
                study.published["D2"][name] if found is results else "",
                column(found, name, "D1 share"),
                column(found, name, "D2 share"),
                column(found, name, "unmapped"),
            ]
            for found, told in ((results, ""), (ours, ", our defaults"))
            if found
            for name in MODELS
        ],
    )  # fmt: skip
    report.text(
        "### Distortion by number of anchors (tables 6 and 7), less that of the VAE that has the "
        f"same anchors among its data\n\nPublished is one number, which is table 2's of D1. With "
        f"{ALL} as anchors {FEW_RUNS} trainings of each model."
    )
    report.table(
        ["anchors", "D1, beta-VAE", "published", "D1, R-VAE", "published", "D2, beta-VAE",
         "D2, R-VAE", "R-VAE, D1 share", "R-VAE, D1 unmapped"],
        [
            [
                str(n),
                differences(results, f"beta-VAE, {n}", "D1", f"VAE, {n}"),
                study.published["D1 by n"][n][0],
                differences(results, f"R-VAE, {n}", "D1", f"VAE, {n}"),
                study.published["D1 by n"][n][1],
                differences(results, f"beta-VAE, {n}", "D2", f"VAE, {n}"),
                differences(results, f"R-VAE, {n}", "D2", f"VAE, {n}"),
                column(results, f"R-VAE, {n}", "D1 share"),
                column(results, f"R-VAE, {n}", "unmapped"),
            ]
            for n in (*study.n_points, ALL)
        ],
    )  # fmt: skip
    groups = {
        "Number of anchors, the Rosetta VAE alone": [f"{n} anchors" for n in study.n_points],
        "How anchors are chosen (table 9)": METHODS,
        "Architecture of lab B (table 10)": ["same architecture", *study.other_architectures],
    }
    groups = {title: names for title, names in groups.items() if names[-1] in results[0]}
    for title, names in groups.items():
        base = names[0]
        report.text(f"### {title}, RV as a difference from the first row")
        report.table(
            ["", "D1, share", "D2, share", "RV on D1", "RV on D2", "relative RV",
             "D1 from lab A's, unmapped"],
            [
                [
                    name,
                    column(results, name, "D1 share"),
                    column(results, name, "D2 share"),
                    differences(results, name, "RV D1", base),
                    differences(results, name, "RV D2", base),
                    column(results, name, "relative"),
                    column(results, name, "unmapped"),
                ]
                for name in names
            ],
        )  # fmt: skip
    report.text("### The maps to the joint model (figures 6 and 7)")
    n_components = study.settings["n_components"]
    report.table(
        ["model", "distance from the identity", "norm of the bias", "least / greatest eigenvalue",
         *[f"eigenvalue {i + 1}" for i in range(n_components)]],
        [
            [
                name,
                column(results, name, "distance"),
                column(results, name, "bias"),
                summary([flatness(r[name]) for r in results]),
                *np.mean([r[name]["spectrum"] for r in results], axis=0),
            ]
            for name in MODELS
        ],
    )  # fmt: skip

"""What the paper says, counted over repeats, and what the numbers say."""

from benchmarks._common import over_seeds, paired, remark
from benchmarks.papers.rosetta.measures import flatness, independent_runs
from benchmarks.papers.rosetta.study import ALL, METHODS, MODELS


def claim(results, text, holds):
    """One line: in how many repeats something holds."""
    n = sum(bool(holds(result)) for result in results)
    return f"* {text}: in {n} of {len(results)}."


def remarks(study, first, second):
    """What the numbers of one data set say, where they do; differences are paired by repeat."""

    def against(results, name, key, base="VAE"):
        return paired([r[name][key] for r in results], [r[base][key] for r in results])

    null = independent_runs(study.n_runs, study.settings["n_components"])
    relative = against(first, "R-VAE", "relative")
    plain = over_seeds([r["VAE"]["relative"] for r in first])
    yield remark(
        relative.below(),
        f"The Rosetta VAE's trainings agree more than the VAE's: relative RV {relative} apart.",
    )
    yield remark(
        plain.holds(null),
        f"Plain VAEs trained again have nothing in common: relative RV {plain}, null {null:.1f}.",
    )
    for part in ("D1", "D2"):
        ours, beta = (against(second, name, part) for name in ("R-VAE", "beta-VAE"))
        published = study.published[part]
        yield remark(
            ours.below(),
            f"Distortion of the R-VAE on {part} is below the VAE's ({ours}; published "
            f"{published['R-VAE']}).",
        )
        yield remark(
            ours.holds(),
            f"Distortion on {part} does not tell the R-VAE from the VAE ({ours}; published "
            f"{published['R-VAE']}).",
        )
        yield remark(
            beta.clear() and beta.middle * float(published["beta-VAE"]) < 0,
            f"The beta-VAE's distortion on {part} is on the other side of the VAE's than published "
            f"({beta}; published {published['beta-VAE']}). The paper does not say which beta it "
            "chose.",
        )
    yield from remarks_on_anchors(study, second, against)
    yield from remarks_on_everything(study, second, against)
    names = [name for name in study.other_architectures if name in second[0]]
    worse = [name for name in names if against(second, name, "unmapped", "R-VAE").above()]
    yield remark(
        bool(worse),
        f"Lab B's architecture matters: {', '.join(worse)} hold the unseen half clearly less well.",
    )
    level = [name for name in names if against(second, name, "unmapped", "R-VAE").holds()]
    yield remark(
        bool(level),
        f"In the unmapped error lab A's own architecture is not told from {', '.join(level)}.",
    )
    unmapped = over_seeds([r["R-VAE"]["unmapped"] for r in second])
    yield remark(
        unmapped.below(0.5),
        f"The unseen half lies within {unmapped} of its variance of where lab A has it.",
    )


def remarks_on_anchors(study, second, against):
    """Their number, and the ways to choose them."""
    measures = {
        "D1 share": "distortion on D1",
        "D2 share": "distortion on D2",
        "RV D1": "RV on D1",
        "RV D2": "RV on D2",
        "unmapped": "the unmapped error",
    }
    for few, more in zip(study.n_points, study.n_points[1:], strict=False):
        found = {
            told: against(second, f"{more} anchors", key, f"{few} anchors")
            for key, told in measures.items()
        }
        better = [f"{told} ({d})" for told, d in found.items() if d.below()]
        open_ = [told for told, d in found.items() if d.holds()]
        yield remark(
            bool(better),
            f"{more} anchors are clearly better than {few} in {', '.join(better)}"
            + (f"; not told apart in {', '.join(open_)}." if open_ else "."),
        )
        yield remark(
            not better and bool(open_),
            f"{more} anchors are not clearly better than {few}: the paired intervals of "
            f"{', '.join(open_)} contain 0.",
        )
    if "kmeans" not in second[0]:
        return
    others = [against(second, method, "RV D1", "kmeans") for method in METHODS[1:]]
    yield remark(
        all(d.holds() for d in others),
        "Ways to choose anchors do not differ in RV on D1 beyond the noise between repeats; the "
        "paper, on birdsong, has k-means far ahead.",
    )
    yield remark(
        all(d.above() for d in others),
        "K-means has the smallest RV on D1 of the four ways to choose anchors, as published.",
    )


def remarks_on_everything(study, second, against):
    """All of D1 as anchors: the paper's own negative result on MNIST."""
    main = study.main_n_points
    everything = f"R-VAE, {ALL}"
    published = study.published["D1 by n"][ALL][1]
    less = against(second, everything, "D1", f"VAE, {ALL}")
    told = (
        f"With {ALL} as anchors the R-VAE's distortion on D1 is {{}} that of the VAE which has D1"
    )
    told += f" among its data ({less}; published {published})"
    as_published = less.middle * float(published) > 0
    side = "as published" if as_published else "against the paper"
    yield remark(less.above(), told.format("above") + f", {side}.")
    yield remark(less.below(), told.format("below") + f", {side}.")
    yield remark(less.holds(), told.format("not told from") + ".")
    change = against(second, everything, "D1", f"R-VAE, {main}")
    told = f"Distortion on D1 with {ALL} as anchors is {{}} that with {main} ({change})."
    yield remark(change.above(), told.format("above"))
    yield remark(change.below(), told.format("below"))
    yield remark(change.holds(), told.format("not told from"))
    nearer = against(second, everything, "unmapped", f"R-VAE, {main}")
    yield remark(
        nearer.below(),
        f"With {ALL} as anchors D1 lies nearer to where lab A has it, without a map ({nearer}).",
    )


def remarks_on_defaults(study, first, second, ours_first, ours_second):
    """What anchors add where training starts at PCA."""
    null = independent_runs(study.n_runs, study.settings["n_components"])
    plain = over_seeds([r["VAE"]["relative"] for r in ours_first])
    yield remark(
        plain.below(null),
        f"With our defaults VAEs trained again agree without anchors: relative RV {plain}, null "
        f"{null:.1f}.",
    )
    for told, papers, ours in (
        ("relative RV", [r["R-VAE"]["relative"] for r in first], plain),
        ("unmapped error", [r["R-VAE"]["unmapped"] for r in second], None),
    ):
        if ours is None:
            ours = over_seeds([r["VAE"]["unmapped"] for r in ours_second])
        more = ours.middle - over_seeds(papers).middle
        yield remark(
            bool(ours.above(over_seeds(papers).high)),
            f"A VAE with our defaults does not replace anchors in {told}: {ours}, {more:.3g} more "
            "than the Rosetta VAE's of the papers' settings.",
        )


def report_claims(report, study, first, second):
    """What the paper says and METHODS asks for, counted over repeats."""
    few, more = (f"R-VAE, {n}" for n in study.n_points[:2])
    most = f"R-VAE, {study.n_points[-1]}"
    lines = [
        claim(
            first,
            "RV of the R-VAE below those of VAE and beta-VAE",
            lambda r: r["R-VAE"]["RV"] < min(r["VAE"]["RV"], r["beta-VAE"]["RV"]),
        ),
        claim(
            first,
            "the same in relative RV",
            lambda r: r["R-VAE"]["relative"] < min(r[m]["relative"] for m in MODELS[:2]),
        ),
        *(
            claim(
                second,
                f"distortion on {part} of the R-VAE below the VAE's",
                lambda r, part=part: r["R-VAE"][part] < r["VAE"][part],
            )
            for part in ("D1", "D2")
        ),
        claim(
            second,
            "D1, never seen, within 8 percent of where lab A has it, without any map",
            lambda r: r["R-VAE"]["unmapped"] < 0.08,
        ),
        claim(
            second,
            "the map of the R-VAE has the flattest spectrum (least over greatest eigenvalue)",
            lambda r: flatness(r["R-VAE"]) > max(flatness(r["VAE"]), flatness(r["beta-VAE"])),
        ),
        claim(
            second,
            "its linear part is nearest to the identity",
            lambda r: r["R-VAE"]["distance"] < min(r[m]["distance"] for m in MODELS[:2]),
        ),
    ]
    if "kmeans" in second[0]:
        lines.append(
            claim(
                second,
                "k-means anchors have the smallest RV on D1 of the four ways to choose",
                lambda r: r["kmeans"]["RV D1"] <= min(r[m]["RV D1"] for m in METHODS),
            )
        )
    if len(study.n_points) > 2:
        lines[2:2] = [
            claim(
                first,
                f"{study.n_points[1]} anchors bring at least two thirds of the fall in RV of "
                f"{study.n_points[-1]}",
                lambda r: r["VAE"]["RV"] - r[more]["RV"] > 2 / 3 * (r["VAE"]["RV"] - r[most]["RV"]),
            ),
            claim(
                first,
                f"{study.n_points[0]} anchors bring less than two thirds of it",
                lambda r: r["VAE"]["RV"] - r[few]["RV"] < 2 / 3 * (r["VAE"]["RV"] - r[most]["RV"]),
            ),
        ]
    report.text("### What holds, in how many repeats")
    report.text("\n".join(lines))

"""Table 1: all training rows are pairs."""

from functools import partial

from benchmarks._common import paired, remark
from benchmarks.papers.alignment.study import KINDS, errors_of, fit, probable, stitching
from sklatent.alignment import LinearAligner

# Table 1: baseline, rigid, linear, stitching with k = 1, 2, 4.
PAPER_1 = {
    2: (0.646, 0.899, 0.795, 0.803, 0.721, 0.704),
    10: (0.514, 0.704, 0.549, 0.552, 0.538, 0.531),
    30: (0.483, 0.535, 0.492, 0.499, 0.495, 0.493),
    50: (0.476, 0.536, 0.485, 0.491, 0.486, 0.486),
    100: (0.473, 0.508, 0.476, 0.481, 0.481, 0.484),
    150: (0.472, 0.487, 0.474, 0.479, 0.481, 0.490),
}


def all_rows(study, spaces, width):
    """Errors of every map through all training rows."""
    # In the order of the pairs' targets, so that differences are of the same decoder.
    results = {"baseline": [spaces.baseline(width, b) for _, b in spaces.pairs(width)]}
    for name, kind in KINDS.items():
        results[name] = spaces.each_pair(width, lambda a, b, pair, kind=kind: fit(kind(), a, b))
    results["linear, no translation"] = spaces.each_pair(
        width, lambda a, b, pair: fit(LinearAligner(fit_intercept=False), a, b)
    )
    for k in (1, 2, 4):
        results[f"stitching k={k}"] = spaces.each_pair(
            width,
            lambda a, b, pair, k=k: stitching(study.scale.stitching_steps, k, pair, a, b),
        )
    return results


def full_correspondence(study, spaces):
    """Table 1: all training rows as pairs."""
    study.heading("Table 1: all training rows correspond (MNIST)")
    sections = []
    for width in study.scale.widths:
        results = study.measured(f"table 1, {width}", partial(all_rows, study, spaces, width))
        paper = PAPER_1.get(width, (None,) * 6)
        sections.append((f"{width} components", results, (*paper[:3], paper[2], *paper[3:])))
        study.said += remarks_on_all_rows(width, results)
        study.expect(
            "linear below rigid, all rows",
            errors_of(results, "linear"),
            errors_of(results, "rigid"),
            paper="yes",
        )
        study.expect(
            "linear below stitching (k = 2), all rows",
            errors_of(results, "linear"),
            errors_of(results, "stitching k=2"),
            paper="from 30 components",
        )
    study.table(spaces.data, sections)


def remarks_on_all_rows(width, results):
    """Table 1: how far the maps are from the target's own reconstruction."""
    gap = paired(probable(results, "rigid"), probable(results, "baseline"))
    if width in PAPER_1:
        published = PAPER_1[width][1] - PAPER_1[width][0]
        yield remark(
            not gap.holds(published),
            f"All rows, {width} components: rigid is {gap:.3f} above the target's own "
            f"reconstruction in the probable metric, published {published:.3f}.",
        )
    for k in (1, 2, 4):
        more = paired(errors_of(results, "linear"), errors_of(results, f"stitching k={k}"))
        yield remark(
            more.above(),
            f"All rows, {width} components: stitching (k = {k}) is clearly better than linear.",
        )
    left = paired(errors_of(results, "linear"), errors_of(results, "baseline"))
    yield remark(
        left.holds(),
        f"All rows, {width} components: linear is not told from the target's own reconstruction.",
    )

"""Table 4: class means, and ICP."""

from functools import partial

from benchmarks._common import paired, remark
from benchmarks.papers.alignment.study import KINDS, errors_of, fit, probable
from sklatent.alignment import (
    ICPAligner,
    class_mean_anchors,
)

# Table 4: means rigid, means linear, means and ICP rigid, means and ICP linear.
PAPER_4 = {
    2: (0.887, 0.801, 0.937, 0.958),
    10: (0.707, 0.702, 0.956, 1.062),
    30: (0.730, 0.659, 0.957, 0.976),
    50: (0.660, 0.747, 0.950, 0.987),
}


def remarks_on_class_means(width, results):
    """Table 4: which of the maps through class means is better, and what ICP does to it."""
    published = PAPER_4.get(width)
    rigid, linear = (probable(results, f"means, {kind}") for kind in KINDS)
    order = paired(linear, rigid)
    if published is not None:
        told = f"Class means, {width} components: linear less rigid is {order:.3f}"
        paper = published[1] - published[0]
        yield remark(
            order.clear() and order.middle * paper < 0,
            f"{told}, the other way round in the paper ({paper:+.3f}).",
        )
        yield remark(order.holds(), f"{told}, which tells nothing (published {paper:+.3f}).")
    for title in ("classical", "guarded"):
        for kind in KINDS:
            change = paired(
                probable(results, f"means and {title} ICP, {kind}"),
                probable(results, f"means, {kind}"),
            )
            told = f"{width} components: {title} ICP, {kind}, changes class means' error by"
            yield remark(change.below(), f"{told} {change:.3f}: clearly better.")
            yield remark(
                change.above(), f"{told} {change:.3f}: clearly worse, as the paper has it."
            )


def without_pairs(study, spaces, width):
    """Errors of maps through class means, and of ICP from there."""
    labels = spaces.data.labels
    half = study.scale.n_train // 2
    here, there = slice(0, half), slice(half, 2 * half)
    results = {}
    for name, kind in KINDS.items():
        results[f"means, {name}"] = spaces.each_pair(
            width,
            lambda a, b, pair, kind=kind: fit(
                kind(),
                class_mean_anchors(a[here], labels[here]),
                class_mean_anchors(b[there], labels[there]),
            ),
        )
    for title, settings in {
        "classical": {"matching": "nearest", "keep_best": False},
        "guarded": {},
    }.items():
        for name in KINDS:
            aligner = ICPAligner(kind=name, max_iter=study.scale.icp_iterations, **settings)
            results[f"means and {title} ICP, {name}"] = spaces.each_pair(
                width,
                lambda a, b, pair, aligner=aligner: fit(
                    aligner,
                    a[here],
                    b[there],
                    source_labels=labels[here],
                    target_labels=labels[there],
                ),
            )
    return results


def class_means(study, spaces):
    """Table 4: no pairs, only classes."""
    study.heading("Table 4: class means, and ICP (MNIST, no pairs)")
    study.report.text(
        "The two models' latents are of different training images, so no point has a partner. "
        "*Classical* is the paper's: nearest neighbours of source points within their class, last "
        "iterate kept. *Guarded* is ours: neighbours both ways, best iterate kept."
    )
    sections = []
    # The paper's widths; others where none is there.
    for width in [w for w in study.scale.widths if w in PAPER_4] or study.scale.widths:
        measure = partial(without_pairs, study, spaces, width)
        results = study.measured(f"table 4, {width}", measure)
        paper = PAPER_4.get(width, (None,) * 4)
        sections.append((f"{width} components", results, (*paper, None, None)))
        study.said += remarks_on_class_means(width, results)
        for name in KINDS:
            means = errors_of(results, f"means, {name}")
            for title in ("classical", "guarded"):
                study.expect(
                    f"{title} ICP below class means alone, {name}",
                    errors_of(results, f"means and {title} ICP, {name}"),
                    means,
                    paper="no" if title == "classical" else "not tried",
                )
    study.table(spaces.data, sections)

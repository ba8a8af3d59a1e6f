"""Table 2: relative representations."""

from functools import partial

import numpy as np

from benchmarks._common import paired, remark
from benchmarks.papers.alignment.study import errors_of, fit, probable
from benchmarks.papers.alignment.table_1 import PAPER_1
from sklatent.alignment import (
    LinearAligner,
)

# Table 2: decoder-only without and with transfer, end to end without and with transfer.
PAPER_2 = {
    (2, 10): (0.698, 0.845, 0.751, 0.821),
    (2, 50): (0.698, 0.848, 0.665, 0.700),
    (10, 50): (0.522, 0.616, 0.528, 0.548),
    (10, 100): (0.521, 0.618, 0.529, 0.577),
    (30, 100): (0.484, 0.575, 0.494, 0.505),
    (30, 300): (0.485, 0.548, 0.494, 0.504),
    (50, 100): (0.479, 0.839, 0.488, 0.498),
    (50, 200): (0.479, 0.813, 0.488, 0.499),
    (100, 200): (0.477, 0.498, 0.485, 0.491),
    (100, 300): (0.478, 0.496, 0.489, 0.495),
}


def remarks_on_relative(width, n_anchors, results, plain):
    """Table 2: what relative representations cost without any transfer."""
    plain = [error for _, error in plain]
    published = PAPER_2.get((width, n_anchors))
    for kind, article, place in (("decoder-only", "a", 0), ("end to end", "an", 2)):
        cost = paired(probable(results, f"{kind}, own"), plain)
        paper = "-" if published is None else f"{published[place] - PAPER_1[width][0]:.3f}"
        yield remark(
            cost.above(),
            f"{width} components, {n_anchors} anchors: {article} {kind} relative autoencoder's own "
            f"reconstruction is {cost:.3f} above the plain one's in the probable metric "
            f"(published {paper}).",
        )


def remarks_on_more_anchors(found):
    """Table 2: whether more anchors help, width by width; the paper says that they do not."""
    for width in dict.fromkeys(width for width, _ in found):
        counts = sorted(n for w, n in found if w == width)
        if len(counts) < 2:
            continue
        few, more = (found[width, n] for n in (counts[0], counts[-1]))
        for kind in ("decoder-only", "end to end"):
            for what in ("own", "transfer"):
                gain = paired(*(probable(r, f"{kind}, {what}") for r in (more, few)))
                words = (
                    f"Relative, {kind}, {what}, {width} components: {counts[-1]} anchors in place "
                    f"of {counts[0]} change the probable metric by {gain:.3f}"
                )
                yield remark(gain.below(), f"{words}: better, against the paper.")
                yield remark(gain.above(), f"{words}: worse.")
                yield remark(gain.holds(), f"{words}: no help shown, as the paper has it.")


def same_anchors(study, spaces, width, n_anchors):
    """Errors of relative representations, of a linear map, and of the models themselves."""
    rows = np.random.default_rng(0).permutation(study.scale.n_train)[:n_anchors]
    return spaces.relative_results(width, rows) | {
        "linear": spaces.each_pair(
            width, lambda a, b, pair: fit(LinearAligner(), a[rows], b[rows])
        ),
        "plain": [spaces.baseline(width, a) for a, _ in spaces.pairs(width)],
    }


def relative(study, spaces):
    """Table 2: relative representations, decoder-only and end to end."""
    study.heading("Table 2: relative representations (MNIST)")
    sections, found = [], {}
    for width, n_anchors in study.scale.relative_settings:
        measure = partial(same_anchors, study, spaces, width, n_anchors)
        results = study.measured(f"table 2, {width}, {n_anchors}", measure)
        direct, plain = results.pop("linear"), results.pop("plain")
        paper = PAPER_2.get((width, n_anchors), (None,) * 4)
        found[width, n_anchors] = results
        sections.append((f"{width} components, {n_anchors} anchors", results, paper))
        study.said += remarks_on_relative(width, n_anchors, results, plain)
        study.expect(
            "linear below decoder-only relative, same anchors",
            [error for error, _ in direct],
            errors_of(results, "decoder-only, transfer"),
            paper="mostly",
        )
        study.expect(
            "linear below end-to-end relative, same anchors and architecture",
            [error for error, _ in direct],
            errors_of(results, "end to end, transfer"),
            paper="in half",
        )
    study.table(spaces.data, sections)
    study.said += remarks_on_more_anchors(found)

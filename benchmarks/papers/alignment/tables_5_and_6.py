"""Tables 5 and 6: a convolutional network and a fully connected one."""

from functools import partial

import numpy as np

from benchmarks.papers.alignment.figures import draw_transfer
from benchmarks.papers.alignment.study import KINDS, errors_of, fit

# Tables 5 and 6, conv to MLP and back: rigid, linear, decoder-only, end to end.
PAPER_5 = {
    (50, 100): ((1.805, 0.241, 4.00, 0.298), (0.558, 0.217, 1.363, 0.288)),
    (100, 200): ((0.355, 0.162, 0.712, 0.249), (0.713, 0.141, 0.745, 0.304)),
}


def both_ways(width, anchors, source, target):
    """Errors from one architecture to the other, and of the other's own reconstruction."""
    results = {}
    for name, kind in KINDS.items():
        results[name] = source.each_pair(
            width,
            lambda a, b, pair, kind=kind, rows=anchors: fit(kind(), a[rows], b[rows]),
            target=target,
        )
    both = source.relative_results(width, anchors, target=target)
    results["decoder-only relative"] = both["decoder-only, transfer"]
    results["end-to-end relative"] = both["end to end, transfer"]
    seeds = [b for _, b in source.pairs(width)]
    return results | {"baseline": [target.baseline(width, seed) for seed in seeds]}


def across_architectures(study, convolutional, connected):
    """Tables 5 and 6: a convolutional network and a fully connected one."""
    study.heading("Tables 5 and 6: convolutional and fully connected (Fashion-MNIST)")
    sections = []
    for width, n_anchors in study.scale.fashion_settings:
        anchors = np.random.default_rng(0).permutation(study.scale.n_train)[:n_anchors]
        published = PAPER_5.get((width, n_anchors), ((None,) * 4,) * 2)
        for direction, source, target, numbers in (
            ("conv to MLP", convolutional, connected, published[0]),
            ("MLP to conv", connected, convolutional, published[1]),
        ):
            measure = partial(both_ways, width, anchors, source, target)
            results = study.measured(f"{direction}, {width}, {n_anchors}", measure)
            base = {"baseline": results.pop("baseline")}
            setting = f"{direction}, {width} components, {n_anchors} anchors"
            sections.append((setting, results, numbers))
            for other in ("rigid", "decoder-only relative", "end-to-end relative"):
                study.expect(
                    f"linear below {other}, across architectures",
                    errors_of(results, "linear"),
                    errors_of(results, other),
                    paper="yes",
                )
            sections.append((setting, base, (None,)))
    study.table(convolutional.data, sections)
    draw_transfer(study, convolutional, connected)

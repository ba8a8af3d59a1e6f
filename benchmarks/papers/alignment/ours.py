"""Tables 1 and 3 where training starts at PCA, as is the library's default."""

from functools import partial

import numpy as np

from benchmarks._common import over_seeds, paired, remark
from benchmarks.papers.alignment.study import KINDS, errors_of, fit


def with_our_defaults(spaces, width, n_anchors):
    """Errors with no map at all, and with direct ones through all rows and through anchors."""

    def chosen(pair):
        return np.random.default_rng(pair).permutation(spaces.scale.n_train)[:n_anchors]

    results = {"baseline": [spaces.baseline(width, b) for _, b in spaces.pairs(width)]}
    results["no map"] = spaces.each_pair(width, lambda a, b, pair: Nothing())
    for name, kind in KINDS.items():
        results[name] = spaces.each_pair(width, lambda a, b, pair, kind=kind: fit(kind(), a, b))
        results[f"{name}, anchors"] = spaces.each_pair(
            width, lambda a, b, pair, kind=kind: fit(kind(), a[chosen(pair)], b[chosen(pair)])
        )
    return results


class Nothing:
    """The map that leaves latents where they are."""

    def transform(self, Z):
        """Return them."""
        return Z


def ours(study, spaces):
    """Both tables' direct maps, beside none."""
    study.heading("Tables 1 and 3 with our defaults (MNIST)")
    study.report.text(
        "The same networks, images and epochs, but training starts at PCA, with smooth activations "
        "and a learning rate that falls, as is the default here. Plain MSE x 1000; anchors are as "
        "many as in table 3, the fewer of its two numbers."
    )
    rows, names = [], ()
    for width in study.scale.widths:
        anchors = min([n for w, n in study.scale.anchor_settings if w == width], default=3 * width)
        measure = partial(with_our_defaults, spaces, width, anchors)
        results = study.measured(f"ours, {width}, {anchors}", measure)
        names = tuple(results)
        cells = [f"{over_seeds(1000 * np.array(errors_of(results, n))):.2f}" for n in names]
        rows.append([width, anchors, *cells])
        study.said += remarks_on_ours(width, results)
    study.report.table(["components", "anchors", *names], rows)


def remarks_on_ours(width, results):
    """Whether a space needs a map at all, from a start at PCA."""
    gap = paired(*(1000 * np.array(errors_of(results, n)) for n in ("no map", "baseline")))
    told = f"From PCA, {width} components: without any map another model's decoder is {gap:.2f}"
    yield remark(gap.below(2.0), f"{told} above its own encoder (plain MSE x 1000).")
    yield remark(gap.not_below(2.0), f"{told} above: a map is wanted there (plain MSE x 1000).")
    more = paired(*(1000 * np.array(errors_of(results, n)) for n in ("linear", "rigid")))
    yield remark(
        more.below(),
        f"From PCA, {width} components: linear is still better than rigid, by {more:.2f}.",
    )

"""What the numbers say, where they do."""

import numpy as np

from benchmarks._common import Interval, over_seeds, paired, remark
from benchmarks.papers.transform.measures import LABELS, lead
from benchmarks.papers.transform.settings import CHANGES, FILES, OURS, rivals
from benchmarks.papers.transform.table_1 import PUBLISHED

WHERE = {
    "affine": "Under the shift",
    "few": "Under the shift, neighbours among few",
    "whitened": "Under the shift, in whitened spaces",
    "own": "Without a shift",
}


def remarks(by_key, scale):
    """What the numbers say, where they do."""
    for d in scale.components:
        plain = over_seeds([result["own"] for result in by_key["MNIST", "VAE", d]])
        published = PUBLISHED[d, "VAE"][1]
        yield remark(
            plain.below(published - 10),
            f"With {d} components the VAE is far from trained: its neighbours say the label of "
            f"unmoved digits {plain:.1f} times of 100 (published {published}). Leads at this scale "
            "neither bear the paper's out nor contradict them.",
        )
    for what in ("affine", "whitened", "own"):
        for leader, others in rivals(scale):
            yield from _remarks_on_leads(by_key, scale, what, leader, others)
    for d in scale.components:
        for dataset in FILES:
            curves = {
                model: np.array([result["labels"] for result in by_key[dataset, model, d]])
                for model in (*scale.models, *scale.ours)
            }
            few = {
                (leader, model): [
                    paired(curves[leader][:, i], curves[model][:, i]) for i in range(3)
                ]
                for leader, others in rivals(scale)
                for model in others
                if model in ("VAE", "VAE+", "VAE" + OURS, "VAE+" + OURS)
            }
            where = f"With few labels (up to {LABELS[2]}), from {dataset} with {d} components,"
            for (leader, model), leads in few.items():
                yield remark(
                    all(points.not_above() for points in leads),
                    f"{where} {leader} is nowhere clearly ahead of {model}: "
                    f"{', '.join(f'{points:.1f}' for points in leads)}.",
                )
                yield remark(
                    all(points.above() for points in leads),
                    f"{where} {leader} is ahead of {model}.",
                )
    for d in scale.components:
        for leader, others in rivals(scale):
            plain = others[0]
            for model in (plain.replace("VAE", "VAE+", 1), leader):
                more = lead(by_key, "MNIST", d, "nats", plain, of=model)
                yield remark(
                    more.above(2.0),
                    f"{model} with {d} components is {more:.1f} nats behind {plain}, more than "
                    "the one or two published.",
                )
                yield remark(
                    more.holds(),
                    f"{model} and {plain} with {d} components are level in nats: {more:.1f}.",
                )
    yield from remarks_on_variants(by_key, scale)


def _remarks_on_leads(by_key, scale, what, leader, others):
    """Which models T-VAE is ahead of, cell by cell and over all cells."""
    cells = [(dataset, d) for d in scale.components for dataset in FILES]
    told = WHERE[what]
    for dataset, d in cells:
        leads = {model: lead(by_key, dataset, d, what, model, leader) for model in others}
        parts = []
        for verdict, holds in (
            ("ahead of", Interval.above),
            ("behind", Interval.below),
            ("not told from", Interval.holds),
        ):
            found = [f"{model} ({points:.1f})" for model, points in leads.items() if holds(points)]
            parts += [f"{verdict} {', '.join(found)}"] if found else []
        where = f"{told}, from {dataset} with {d} components, {leader} is"
        yield remark(bool(parts), f"{where} {'; '.join(parts)}.")
    for model in others:
        leads = [lead(by_key, *cell, what, model, leader) for cell in cells]
        ahead, behind = (sum(getattr(p, side)() for p in leads) for side in ("above", "below"))
        on_average = sum(bool(points.middle > 0) for points in leads)
        yield remark(
            not any(np.isnan(points.low) for points in leads),
            f"{told}, {leader} is clearly ahead of {model} in {ahead} and clearly behind in "
            f"{behind} of {len(cells)} cells; ahead on average in {on_average}.",
        )


def remarks_on_variants(by_key, scale):
    """Other starts, beta, views and a prior of T: what they bring, and whether T-VAE leads."""
    d = scale.components[0]

    def less(ours, theirs, what):
        found = [by_key["MNIST", name, d] for name in (ours, theirs)]
        return paired(*([r[what] for r in results] for results in found))

    there = [name for name in scale.variants if ("MNIST", name, d) in by_key]
    for what in ("few", "whitened"):
        where = f"{WHERE[what]}, from MNIST with {d} components"
        for name in there:
            model, _, change = name.partition(", ")
            gain = less(name, model, what)
            words = f"{where}: with {change} {model} gains {gain:.1f} points"
            yield remark(gain.clear(), words + ".")
            yield remark(gain.holds(), words + ", which tells nothing.")
        for change in ("", *CHANGES):
            if all(("MNIST", model + change, d) in by_key for model in ("T-VAE", "VAE+")):
                points = less("T-VAE" + change, "VAE+" + change, what)
                cell = f"{where}{change}, T-VAE is"
                yield remark(points.above(), f"{cell} ahead of VAE+ so trained: {points:.1f}.")
                yield remark(points.below(), f"{cell} behind VAE+ so trained: {points:.1f}.")
                yield remark(points.holds(), f"{cell} not told from VAE+ so trained: {points:.1f}.")

"""What the numbers say, where they do."""

import numpy as np

from benchmarks._common import over_seeds, paired, remark
from benchmarks.papers.transform.measures import LABELS, lead
from benchmarks.papers.transform.settings import CHANGES, FILES, SMALL_BETA
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
        told = WHERE[what]
        for d in scale.components:
            for dataset in FILES:
                cell = f"{told}, from {dataset} with {d} components, T-VAE is"
                for model in scale.models[:-1]:
                    points = lead(by_key, dataset, d, what, model)
                    yield remark(points.above(), f"{cell} ahead of {model}: {points:.1f}.")
                    yield remark(points.below(), f"{cell} behind {model}: {points:.1f}.")
                unclear = [
                    m for m in scale.models[:-1] if lead(by_key, dataset, d, what, m).holds()
                ]
                yield remark(bool(unclear), f"{cell} not told from {', '.join(unclear)}.")
        cells = [(dataset, d) for d in scale.components for dataset in FILES]
        for model in ("VAE+", SMALL_BETA):
            leads = [lead(by_key, *cell, what, model) for cell in cells]
            ahead, behind = (sum(getattr(p, side)() for p in leads) for side in ("above", "below"))
            on_average = sum(bool(points.middle > 0) for points in leads)
            yield remark(
                not any(np.isnan(points.low) for points in leads),
                f"{told}, T-VAE is clearly ahead of {model} in {ahead} and clearly behind in "
                f"{behind} of {len(cells)} cells; ahead on average in {on_average}.",
            )
    for d in scale.components:
        for dataset in FILES:
            curves = {
                model: np.array([result["labels"] for result in by_key[dataset, model, d]])
                for model in scale.models
            }
            few = {
                model: [paired(curves["T-VAE"][:, i], curves[model][:, i]) for i in range(3)]
                for model in ("VAE", "VAE+")
            }
            where = f"from {dataset} with {d} components"
            for model, leads in few.items():
                yield remark(
                    all(points.not_above() for points in leads),
                    f"With few labels (up to {LABELS[2]}), {where}, T-VAE is nowhere clearly ahead "
                    f"of {model}: {', '.join(f'{points:.1f}' for points in leads)}.",
                )
                yield remark(
                    all(points.above() for points in leads),
                    f"With few labels (up to {LABELS[2]}), {where}, T-VAE is ahead of {model}.",
                )
    for d in scale.components:
        for model in ("VAE+", "T-VAE"):
            more = lead(by_key, "MNIST", d, "nats", "VAE", of=model)
            yield remark(
                more.above(2.0),
                f"{model} with {d} components is {more:.1f} nats behind the VAE, more than the one "
                "or two published.",
            )
            yield remark(
                more.holds(), f"{model} and VAE with {d} components are level in nats: {more:.1f}."
            )
    yield from remarks_on_variants(by_key, scale)


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

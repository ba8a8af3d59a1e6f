"""What the numbers say, where they do."""

import numpy as np

from benchmarks._common import paired, remark
from benchmarks.papers.transform.measures import LABELS, lead
from benchmarks.papers.transform.settings import FILES, MODELS


def remarks(by_key, scale):
    """What the numbers say, where they do."""
    for what, told in (("affine", "Under the shift"), ("own", "Without a shift")):
        for d in scale.components:
            for dataset in FILES:
                cell = f"{told}, from {dataset} with {d} components, T-VAE is"
                for model in MODELS[:-1]:
                    points = lead(by_key, dataset, d, what, model)
                    yield remark(points.above(), f"{cell} ahead of {model}: {points:.1f}.")
                    yield remark(points.below(), f"{cell} behind {model}: {points:.1f}.")
                unclear = [m for m in MODELS[:-1] if lead(by_key, dataset, d, what, m).holds()]
                yield remark(bool(unclear), f"{cell} not told from {', '.join(unclear)}.")
    for d in scale.components:
        for dataset in FILES:
            curves = {
                model: np.array([result["labels"] for result in by_key[dataset, model, d]])
                for model in MODELS
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

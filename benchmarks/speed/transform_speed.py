"""What views, their discrepancies and the further networks add to a step of training.

All in one process, in turn, at the paper's batch of 100, with its network (``"conv_tvae"``) and
the larger ``"conv"``.
"""

from functools import partial

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks._common import (
    PAPERS,
    Report,
    median_ratio,
    parser,
    remark,
    time_interleaved,
)
from sklatent import VAE, TransformVAE
from sklatent.nn.discrepancies import batch_discrepancy, paired_discrepancy
from sklatent.nn.training.data import Batch
from sklatent.transformations import Compose, RandomAffine, RandomCrop, RandomRotation

BATCH = 100
SHAPE = (1, 28, 28)
VIEWS = {
    "RandomRotation": RandomRotation(45),
    "RandomAffine": RandomAffine(rotation=20, shear=0.2, scale=(0.8, 1.2), translation=2),
    "Compose of rotation and crop": Compose([RandomRotation(45), RandomCrop(0.8)]),
}
REPEATED = 20  # calls of what is much shorter than a step, so that a timer sees it


def make_step(model, X):
    """Build one step of training: zero, loss, backward, update, as the net does it."""
    model.fit(X)
    module, optimizer = model.net_.module_, model.net_.optimizer_
    run_hyper = {name: getattr(model, name) for name in model._loss_hyperparameters}
    step = type("Step", (), {})()
    step.hyper, step.streams, step.constants = run_hyper, model.net_.streams, {}
    x = torch.from_numpy(X)
    keys = np.arange(len(X), dtype=np.uint64)
    module.train()

    def one_step():
        step.streams.begin_epoch(keys, 1)
        step.streams.begin_batch()
        optimizer.zero_grad(set_to_none=True)
        sum(model._objective(module, Batch(x), step).values()).backward()
        optimizer.step()

    return one_step


def repeat(function):
    """Call a short function several times."""
    for _ in range(REPEATED):
        function()


def n_operations(step):
    """Count the floating-point operations of a step's products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def discrepancies(a, b, prior):
    """Compute the three discrepancies of a batch, and their gradient."""
    a, b = a.requires_grad_(), b.requires_grad_()
    pairs = sum(paired_discrepancy(x[None], y[None]) for x, y in ((a, b), (b, a)))
    (pairs + batch_discrepancy(a, prior)).backward()


def remarks(rows):
    """Which parts are within their bars, and what is not, beside its arithmetic."""
    for what in ("a step", "two views", "three discrepancies"):
        found = [row for row in rows if row[0].startswith(what)]
        bar = float(found[0][6].removeprefix("< "))
        most = max(row[4].middle for row in found)
        beyond = [row for row in found if row[4].middle >= bar]
        yield remark(
            not beyond,
            f"{what}: under the bar of {bar:g} in each of {len(found)} cases, {most:.3g} at most.",
        )
        cases = "; ".join(
            f"{row[0]}, {row[1]}, {row[2]} components, {row[4]}"
            + (f" (arithmetic {row[5]})" if row[5] else "")
            for row in beyond
        )
        yield remark(
            bool(beyond),
            f"{what}: **not under the bar of {bar:g}** in {len(beyond)} of {len(found)} cases: "
            f"{cases}.",
        )


def main():
    """Time the parts in turn and report medians of their ratios."""
    arguments = parser(__doc__.splitlines()[0]).parse_args()
    report = Report(
        "The transformation-aware VAE: what a step costs", arguments.out, keeps_remarks=False
    )
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(BATCH, 784, generator=generator)
    common = {
        "image_shape": SHAPE,
        **PAPERS,
        "likelihood": "bernoulli",
        "batch_size": BATCH,
        "max_epochs": 1,
        "random_state": 0,
    }
    rows = []
    make = partial(make_step, X=X.numpy())
    for architecture, n_components in (("conv_tvae", 10), ("conv_tvae", 100), ("conv", 10)):
        common["architecture"] = architecture
        models = {
            kind: TransformVAE(
                n_components,
                transformation=VIEWS["RandomAffine"],
                latent_transformation=kind,
                **common,
            )
            for kind in ("additive", "matrix")
        }
        steps = {"VAE": make(VAE(n_components, **common))}
        steps |= {kind: make(model) for kind, model in models.items()}
        a, b, prior = torch.randn(3, BATCH, n_components, generator=generator)
        steps["discrepancies"] = partial(repeat, partial(discrepancies, a, b, prior))
        for name, transformation in VIEWS.items():
            draw = partial(transformation.sample, X, generator, image_shape=SHAPE)
            steps[name] = partial(repeat, draw)
        seconds = time_interleaved(steps, repeats=5 if arguments.quick else 25, warmup=2)
        case = [architecture, n_components]
        for name in ("discrepancies", *VIEWS):
            seconds[name] = seconds[name] / REPEATED
        for kind in models:
            ratio = median_ratio(seconds[kind], seconds["VAE"])
            bound = n_operations(steps[kind]) / n_operations(steps["VAE"])
            rows.append([f"a step, {kind}", *case, "a VAE's step", ratio, f"{bound:.2f}", "< 3.5"])
        for name in VIEWS:
            ratio = median_ratio(seconds[name], seconds["VAE"])
            rows.append([f"two views, {name}", *case, "a VAE's step", ratio, "", "< 0.15"])
        ratio = median_ratio(seconds["discrepancies"], seconds["additive"])
        rows.append(["three discrepancies", *case, "a step, additive", ratio, "", "< 0.05"])
    report.text(
        f"Batches of {BATCH} images of 28 x 28, float32. Each number is the median, with the "
        "smallest and largest, of the ratio of times taken in the same round. *Arithmetic* is the "
        "same ratio of floating-point operations in products and convolutions, forwards and "
        "backwards: a step encodes three batches and decodes three where a VAE's does one of each, "
        "and two networks of 1000 x 1000 weights each come on top; a matrix of 100 x 100 needs a "
        "layer of 1000 x 10,000 weights. Half of a batch is decoded from z_0 and half from z. On a "
        "CPU batches are encoded and decoded in turn, because the maps of one batch fit its caches."
    )
    columns = ["what", "network", "components", "as a part of", "ratio", "arithmetic", "bar"]
    report.table(columns, rows)
    report.remarks(remarks(rows))
    report.write()


if __name__ == "__main__":
    main()

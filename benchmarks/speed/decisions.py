"""What the decisions in docs/decisions.rst rest on, where no other report has it."""

import copy
import time
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F

from benchmarks._common import Report, median_ratio, parser, time_interleaved
from sklatent import VAE
from sklatent.nn.architectures import ACTIVATIONS
from sklatent.nn.stacking.modules import stack_modules
from sklatent.nn.training.randomness import RandomStreams
from sklatent.transformations._warps import affine_matrices, warp_images

BATCH = 128
# Rows, columns and components of tables to start on.
TABLES = [(20_000, 100, 10), (100_000, 50, 10), (5_000, 2_000, 10), (20_000, 784, 50)]


def networks():
    """Two networks by name, each with the shape of a row and how many are stacked."""
    mlp = [5, 32, 32, 4]
    layers = [part for a, b in pairwise(mlp) for part in (nn.Linear(a, b), nn.SiLU())]
    conv = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.SiLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.SiLU(),
        nn.Flatten(), nn.Linear(32 * 49, 10),
    )  # fmt: skip
    return {
        "MLP, 5 inputs, 2x32": (nn.Sequential(*layers), (5,), 16),
        "convolutions, 28x28": (conv, (1, 28, 28), 4),
    }


def ways_to_stack(network, shape, n_members):
    """Steps forth and back of K networks: one after the other, by vmap, and as our stack."""
    modules = [copy.deepcopy(network) for _ in range(n_members)]
    x = torch.randn(n_members, BATCH, *shape)
    stacked = stack_modules(modules)
    parameters, buffers = stack_module_state(modules)
    skeleton = copy.deepcopy(network).to("meta")

    def one(own, kept, rows):
        return functional_call(skeleton, (own, kept), (rows,))

    def by_vmap():
        vmap(one)(parameters, buffers, x).square().mean((1, 2)).sum().backward()

    def as_stack():
        stacked(x).square().mean((1, 2)).sum().backward()

    def in_turn():
        for module, rows in zip(modules, x, strict=True):
            module(rows).square().mean().backward()

    return {"in turn": in_turn, "vmap": by_vmap, "our stack": as_stack}


def ways_to_draw(width):
    """An epoch of noise: for rows by their keys, and in the order of a generator's state."""
    n_rows = 1800
    streams = RandomStreams([0], torch.float32, "cpu")
    keys = np.arange(n_rows, dtype=np.uint64)
    generator = torch.Generator().manual_seed(0)
    n_batches = -(-n_rows // BATCH)

    def by_key():
        _, sizes = streams.begin_epoch(keys, n_batches, 1)
        for size in sizes[0].tolist():
            streams.begin_batch(size)
            streams.normal(size, width)

    def by_state():
        torch.randperm(n_rows, generator=generator)
        for _ in range(n_batches):
            torch.randn(BATCH, width, generator=generator)

    return {"for keys": by_key, "a generator's": by_state}


def ways_to_warp():
    """A batch of images, each by its own matrix: by torch's grids, and by ours."""
    X = torch.rand(BATCH, 28 * 28)
    angle, zero, one = torch.rand(BATCH) * 90 - 45, torch.zeros(BATCH), torch.ones(BATCH)
    matrices = affine_matrices(angle, zero, one, one, zero, zero)

    def grids():
        grid = F.affine_grid(matrices[:, :2], (BATCH, 1, 28, 28), align_corners=False)
        F.grid_sample(X.view(BATCH, 1, 28, 28), grid, align_corners=False)

    return {"affine_grid": grids, "ours": lambda: warp_images(X, matrices, (1, 28, 28))}


class Timed(VAE):
    """A model that notes how long its start took."""

    def _start(self, *args):
        begun = time.perf_counter()
        super()._start(*args)
        self.start_seconds_ = time.perf_counter() - begun


def starts(tables, repeats):
    """Seconds of the start at PCA and of an epoch, and its percentage of 10 and 100 epochs."""
    rows = []
    for n_rows, n_columns, n_components in tables:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(n_rows, 20)) @ rng.normal(size=(20, n_columns))
        X = (X + rng.normal(size=X.shape)).astype(np.float32)
        model = Timed(n_components, max_epochs=1, batch_size=BATCH, early_stopping=False)
        found = []
        for _ in range(repeats):
            begun = time.perf_counter()
            model.fit(X)
            found.append((model.start_seconds_, time.perf_counter() - begun))
        start, fit = np.median(found, axis=0)
        epoch = fit - start
        shape = f"{n_rows} x {n_columns}, {n_components}"
        shares = [100 * start / (start + n_epochs * epoch) for n_epochs in (10, 100)]
        rows.append([shape, start, epoch, *shares])
    return rows


def epochs_by_activation(epochs):
    """Fits of a digit-like table by each activation, from the same start."""
    X = np.random.default_rng(0).uniform(size=(1800, 64))
    settings = {"n_components": 8, "batch_size": BATCH, "max_epochs": epochs, "random_state": 0}
    settings |= {"early_stopping": False}
    return {name: partial(VAE(**settings, activation=name).fit, X) for name in ACTIVATIONS}


def main(argv=None):
    """Time each pair of ways in turn."""
    options = parser(__doc__).parse_args(argv)
    repeats = 3 if options.quick else 101 if options.full else 41
    torch.manual_seed(0)
    report = Report("What the decisions rest on", options.out)
    report.text(
        f"Medians over {repeats} rounds in turn, and ratios within a round (median, smallest, "
        f"largest). Batches of {BATCH} rows."
    )
    rows = []
    for name, setting in networks().items():
        seconds = time_interleaved(ways_to_stack(*setting), repeats=repeats, warmup=3)
        rows += [
            [name, str(setting[2]), way, 1e3 * np.median(s), median_ratio(seconds["in turn"], s)]
            for way, s in seconds.items()
        ]
    report.text("## K networks, one step forth and back")
    report.table(["network", "K", "way", "ms", "times as fast as in turn"], rows)
    rows = []
    for width in (8, 64):
        seconds = time_interleaved(ways_to_draw(width), repeats=repeats, warmup=3)
        rows += [
            [str(width), way, 1e3 * np.median(s), median_ratio(s, seconds["a generator's"])]
            for way, s in seconds.items()
        ]
    report.text("## Order and noise of an epoch of 1,800 rows")
    report.table(["numbers for a row", "drawn", "ms", "over a generator's"], rows)
    seconds = time_interleaved(ways_to_warp(), repeats=repeats, warmup=3)
    report.text("## Images of 28 x 28, each turned by its own angle")
    report.table(
        ["way", "ms", "times as fast"],
        [
            [way, 1e3 * np.median(s), median_ratio(seconds["affine_grid"], s)]
            for way, s in seconds.items()
        ],
    )
    shrink = 50 if options.quick else 1
    report.text(
        "## The start at PCA\n\nSeconds of the start and of an epoch, default networks: medians "
        f"over {min(repeats, 5)} fits. An epoch includes what comes before and behind the loop."
    )
    report.table(
        [
            "rows x columns, components",
            "start, s",
            "epoch, s",
            "% of 10 epochs",
            "% of 100, the default",
        ],
        starts([(n // shrink, d, k) for n, d, k in TABLES], min(repeats, 5)),
    )
    epochs = 1 if options.quick else 5
    seconds = time_interleaved(epochs_by_activation(epochs), repeats=min(repeats, 15), warmup=1)
    report.text("## Activations, an epoch of 1,800 rows by 64-256-256-8")
    report.table(
        ["activation", "ms", "times silu's"],
        [
            [name, 1e3 * np.median(s) / epochs, median_ratio(s, seconds["silu"])]
            for name, s in seconds.items()
        ],
    )
    report.write()


if __name__ == "__main__":
    main()

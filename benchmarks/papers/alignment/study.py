"""The report as it grows, and what all tables fit."""

import time
import warnings

import numpy as np

from benchmarks._common import Report, kept, over_seeds
from benchmarks.papers.alignment.settings import SCALES
from sklatent.alignment import (
    LinearAligner,
    RigidAligner,
    StitchingAligner,
)

KINDS = {"rigid": RigidAligner, "linear": LinearAligner}


def fit(aligner, *data, **labels):
    """Fit without the warnings about too few anchors, which are half the point here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return aligner.fit(*data, **labels)


def stitching(steps, k, seed, A, B):
    """Fit the network of equation 3 for a number of steps.

    Few anchors are repeated, so that an epoch has several batches: what is drawn is the same, and
    an epoch's own cost, which is several batches', is not paid for each step.
    """
    repeats = max(1, 1024 // len(A))
    A, B = (np.tile(each, (repeats, 1)) for each in (A, B))
    aligner = StitchingAligner(width_factor=k, random_state=seed)
    epochs = -(-steps // -(-len(A) // aligner.batch_size))
    return fit(aligner.set_params(max_epochs=epochs), A, B)


class Study:
    """The report, and how often an expected order was found."""

    def __init__(self, arguments):
        self.scale = SCALES[arguments.size]
        self.keep = arguments.keep
        self.report = Report("Direct alignment: tables 1 to 6", arguments.out, keeps_remarks=False)
        self.orders = {}
        self.said = []
        self.start = time.perf_counter()

    def measured(self, name, measure):
        """Errors by method of one setting: measured now, or read from where they are kept."""
        scale = self.scale
        network = (scale.n_train, scale.n_test, scale.max_epochs, scale.learning_rate)
        key = f"alignment {name} {network} {scale.batch_size} {list(scale.seeds)} {scale.mnist}"
        key += f" {scale.conv == 'conv'} {scale.hidden_layer_sizes} {scale.stitching_steps}"
        return kept(self.keep, key, measure)

    def expect(self, claim, smaller, larger, paper="not tried"):
        """Count in how many pairs of models one error is below the other."""
        held = np.asarray(smaller) < np.asarray(larger)
        self.orders.setdefault(claim, (paper, []))[1].extend(held)

    def heading(self, text):
        """Start a section, and say how long everything took so far."""
        self.report.text(f"## {text}")
        print(f"[{time.perf_counter() - self.start:.0f} s]", flush=True)
        self.report.write()

    def cells(self, data, results, published):
        """Plain error, error in the paper's metric, and the published number, for each method."""
        rows = []
        for (method, errors), number in zip(results.items(), published, strict=True):
            plain = np.array([1000 * error for error, _ in errors])
            probable = np.array([error for _, error in errors])
            published_cell = "-" if number is None else f"{number:.3f}"
            rows.append(
                [method, f"{over_seeds(plain):.2f}", f"{over_seeds(probable):.3f}", published_cell]
            )
        return rows

    def table(self, data, sections):
        """One table of several settings; the floor of the paper's metric in its heading."""
        columns = [
            "setting",
            "method",
            "plain MSE x 1000",
            f"probable metric (floor {data.floor:.3f})",
        ]
        rows = [
            [setting, *cells]
            for setting, results, published in sections
            for cells in self.cells(data, results, published)
        ]
        self.report.table([*columns, "paper"], rows)


def errors_of(results, method):
    """Plain errors of a method, pair by pair."""
    return [plain for plain, _ in results[method]]


def probable(results, method):
    """The paper's metric of a method, pair by pair."""
    return [error for _, error in results[method]]

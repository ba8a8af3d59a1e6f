"""How much is trained and compared, the training, and the report around it."""

import time
from dataclasses import dataclass

from benchmarks._common import Report, parser
from sklatent.model_selection import retrain


@dataclass
class Scale:
    """How much is trained and compared."""

    n_models: int
    n_ensembles: int
    n_rows: int
    max_epochs: int
    n_samples: int
    n_shuffles: int
    hidden: int
    n_hue_models: int
    hue_epochs: int
    synthesis_epochs: int
    sizes: tuple

    @property
    def min_samples(self):
        """What a hotspot of one of the ensembles must have."""
        return min_samples_of(self.n_models)


# How many models an ensemble has where their number is asked for; the last is cut into the others.
SIZES = (8, 16, 25, 50, 100)
SCALES = {
    "quick": Scale(4, 2, 300, 2, 60, 1, 16, 4, 3, 10, (2, 4, 8)),
    "default": Scale(8, 3, 3000, 20, 400, 3, 128, 300, 250, 3000, SIZES),
    "full": Scale(50, 3, 60000, 200, 1000, 10, 256, 250, 3000, 20000, SIZES),
}


def min_samples_of(n_models):
    """Two fifths of the models, as published is 20 of 50."""
    return max(2, round(0.4 * n_models))


def train(model, X, scale):
    """Train ensembles that share nothing but data and settings."""
    return [
        retrain(model, X, n_runs=scale.n_models, random_state=seed)
        for seed in range(scale.n_ensembles)
    ]


def reported(description, title, write, argv=None, keeps=False):
    """Read the options, write one figure's report and say how long it took.

    What `keeps` its parts is told the folder: ``write(report, scale, full, keep=folder)``.
    """
    options = parser(description, keeps).parse_args(argv)
    report = Report(title, options.out, keeps_remarks=False)
    start = time.perf_counter()
    where = {"keep": options.keep} if keeps else {}
    write(report, SCALES[options.size], options.size == "full", **where)
    report.text(f"All of it took {time.perf_counter() - start:.0f} s.")
    report.write()


def objective(name):
    """The part of a setting's name before its beta."""
    return name.partition(",")[0]


def as_dict(scale):
    """Return what the texts quote."""
    return vars(scale) | {"min_samples": scale.min_samples}

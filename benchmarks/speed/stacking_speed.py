"""K models trained as one stack beside the same K trained one after the other, by our own fit.

Small networks leave a machine idle: a step costs what its operations cost to start, however little
they compute. Stacked, K networks start them once.
"""

from functools import partial

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV

from benchmarks._common import Report, median_ratio, parser, time_interleaved
from sklatent import VAE
from sklatent.datasets import make_eight_gaussians
from sklatent.model_selection import FusedGridSearchCV, retrain

MLP = {"hidden_layer_sizes": (32, 32)}
BIG = {"hidden_layer_sizes": (1024, 1024)}
CONV = {"architecture": "conv", "image_shape": (1, 28, 28)}


def images(n_rows, seed=0):
    """Rows of 784 values in [0, 1]; what they show does not matter for time."""
    return np.random.default_rng(seed).uniform(size=(n_rows, 784)).astype(np.float32)


def cases(size, gpu):
    """Name, data, parameters, number of models and the bound on the ratio, for each comparison."""
    n_rows, epochs = {"quick": (640, 1), "default": (6400, 5), "full": (12_800, 10)}[size]
    small, _ = make_eight_gaussians(n_rows, random_state=0)
    few = images(256 if size == "quick" else 1280)
    mlp = {"n_components": 2, "max_epochs": epochs, **MLP}
    big = {"n_components": 10, "max_epochs": 1, **BIG}
    conv = {"n_components": 10, "max_epochs": 1, **CONV}
    found = [
        ("8 Gaussians, 5 inputs, 2x32", small, mlp, 16, "at least 3"),
        ("784 inputs, 2x1024", few, big, 4, "at least 0.9"),
        ("conv, 28x28", few, conv, 4, "at least 0.9"),
    ]
    if gpu:
        found += [("8 Gaussians, 5 inputs, 2x32", small, mlp, k, "") for k in (10, 50, 200)]
    return found


def compare(X, parameters, n_models, repeats):
    """Seconds of each way, round by round."""
    model = VAE(**parameters, batch_size=128)
    return time_interleaved(
        {
            "separate": lambda: retrain(model, X, n_runs=n_models, fused=False, random_state=0),
            "stacked": lambda: retrain(model, X, n_runs=n_models, fused=True, random_state=0),
        },
        repeats=repeats,
    )


def searches(size):
    """Name, data, parameters and grid of each search that is compared."""
    epochs, rows = {"quick": (1, 600), "default": (5, 6000), "full": (20, 12_000)}[size]
    small, _ = make_eight_gaussians(rows, random_state=0)
    few = images(300 if size == "quick" else 1500)
    betas = [0.1, 0.3, 1.0, 3.0]
    return [
        (
            "8 Gaussians, 5 inputs, 2x32",
            small,
            {"n_components": 2, "max_epochs": epochs, **MLP},
            betas,
        ),
        ("784 inputs, 2x256", few, {"n_components": 10, "max_epochs": 1}, betas),
    ]


def compare_searches(X, parameters, betas, repeats):
    """Seconds of scikit-learn's search and of the fused one, without the refit, round by round."""
    model = VAE(**parameters, batch_size=128, random_state=0)
    kinds = {"separate": GridSearchCV, "stacked": FusedGridSearchCV}

    def search(kind):
        return kind(model, {"beta": betas}, cv=3, refit=False).fit(X)

    return time_interleaved(
        {way: partial(search, kind) for way, kind in kinds.items()}, repeats=repeats
    )


def main(argv=None):
    """Time both ways in turn and report their ratios."""
    arguments = parser(__doc__)
    arguments.add_argument("--repeats", type=int, help="rounds, where not the usual number")
    options = arguments.parse_args(argv)
    size = options.size
    gpu = torch.cuda.is_available()
    report = Report("Stacked training", options.out)
    repeats = options.repeats or {"quick": 1, "default": 5, "full": 7}[size]
    report.text(
        f"Seconds to train K VAEs by `retrain`, `fused=False` and `fused=True`: medians over "
        f"{repeats} interleaved rounds. The ratio is separate over stacked within a round (median, "
        "smallest, largest): how many times faster stacked is. Batches of 128, "
        f"{'a GPU' if gpu else 'no GPU was to be had'}. A ratio of one is the null: nothing gained."
    )
    rows = []
    for name, X, parameters, n_models, bound in cases(size, gpu):
        seconds = compare(X, parameters, n_models, repeats)
        print({way: times.round(2).tolist() for way, times in seconds.items()}, flush=True)
        rows.append(
            [
                name,
                n_models,
                float(np.median(seconds["separate"])),
                float(np.median(seconds["stacked"])),
                median_ratio(seconds["separate"], seconds["stacked"]),
                bound,
            ]
        )
    report.table(["network", "K", "separate, s", "stacked, s", "ratio", "bound"], rows)
    report.text(
        "`FusedGridSearchCV` beside `GridSearchCV`: four values of beta, three folds, scoring "
        "included, no refit."
    )
    rows = []
    for name, X, parameters, betas in searches(size):
        seconds = compare_searches(X, parameters, betas, repeats)
        print({way: times.round(2).tolist() for way, times in seconds.items()}, flush=True)
        medians = [float(np.median(seconds[way])) for way in ("separate", "stacked")]
        ratio = median_ratio(seconds["separate"], seconds["stacked"])
        rows.append([name, 3 * len(betas), *medians, ratio])
    report.table(["network", "fits", "GridSearchCV, s", "fused, s", "ratio"], rows)
    report.write()


if __name__ == "__main__":
    main()

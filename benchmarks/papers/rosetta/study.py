"""The two data sets, and how each is studied."""

from typing import NamedTuple

import numpy as np

from benchmarks._common import data_file
from sklatent import VAE, RosettaVAE
from sklatent.datasets import load_npz, make_eight_gaussians

METHODS = ("kmeans", "agglomerative", "gmm", "random")
MODELS = ("VAE", "beta-VAE", "R-VAE")
ALL = "all of D1"  # as anchors


class Study(NamedTuple):
    """One data set and how it is studied."""

    name: str
    settings: dict
    other_architectures: dict
    n_points: tuple
    main_n_points: int
    rho: float
    beta: float
    n_runs: int
    published: dict


GAUSSIANS = Study(
    name="8 Gaussians",
    settings={"n_components": 2, "hidden_layer_sizes": (32, 32), "posterior": "full"},
    other_architectures={
        "simpler (16)": {"hidden_layer_sizes": (16,)},
        "deeper (48, 48, 48)": {"hidden_layer_sizes": (48, 48, 48)},
    },
    n_points=(2, 4, 8, 16),
    main_n_points=8,
    rho=3.0,
    beta=2.5,
    n_runs=8,
    published={
        "RV": {"VAE": "0", "beta-VAE": "-1.2", "R-VAE": "-16.4"},
        "D1": {"VAE": "0.00", "beta-VAE": "-0.056", "R-VAE": "-0.049"},
        "D2": {"VAE": "0.00", "beta-VAE": "-0.060", "R-VAE": "-0.303"},
        "RV by n": {
            2: ("-1.225", "-1.412"),
            4: ("-1.021", "-14.656"),
            8: ("-1.204", "-16.425"),
            16: ("-0.934", "-17.116"),
        },
        "D1 by n": {
            2: ("0.143", "0.435"),
            4: ("0.00", "0.015"),
            8: ("-0.056", "-0.049"),
            16: ("-0.042", "-0.029"),
            ALL: ("-0.046", "-0.007"),
        },
    },
)
MNIST = Study(
    name="MNIST",
    settings={
        "n_components": 8,
        "hidden_layer_sizes": (128, 128),
        "posterior": "full",
        "likelihood": "bernoulli",
    },
    other_architectures={
        "simpler (64)": {"hidden_layer_sizes": (64,)},
        "residual": {"architecture": "residual"},
    },
    n_points=(32, 64),
    main_n_points=64,
    rho=10.5,
    beta=2.5,
    n_runs=10,
    published={
        "RV": {"VAE": "0", "beta-VAE": "-5.7", "R-VAE": "-46.2"},
        "D1": {"VAE": "0.00", "beta-VAE": "0.989", "R-VAE": "-0.749"},
        "D2": {"VAE": "0.00", "beta-VAE": "0.913", "R-VAE": "-0.982"},
        "RV by n": {32: ("-5.776", "-32.083"), 64: ("-5.671", "-46.241")},
        "D1 by n": {
            32: ("0.904", "-0.725"),
            64: ("0.989", "-0.749"),
            ALL: ("1.217", "0.770"),
        },
    },
)


def candidates(study, model, points):
    """The three models that every table compares, untrained; all see the anchors' inputs."""
    return {
        "VAE": VAE(**model),
        "beta-VAE": VAE(**model, beta=study.beta),
        "R-VAE": RosettaVAE(rosetta_points=points, rho=study.rho, **model),
    }


class Scale(NamedTuple):
    """How much is computed of one data set, and how often everything is repeated."""

    rows: int
    epochs: int
    repeats: int


SCALES = {
    "quick": {"8 Gaussians": Scale(200, 3, 1), "MNIST": Scale(400, 1, 1)},
    "default": {"8 Gaussians": Scale(1000, 60, 3), "MNIST": Scale(2000, 20, 3)},
    "full": {"8 Gaussians": Scale(4000, 200, 10), "MNIST": Scale(60_000, 200, 5)},
}


class Rows(NamedTuple):
    """Rows of both labs, to train on and to judge on, and which are of D1."""

    X: np.ndarray
    in_first: np.ndarray
    held: np.ndarray
    held_in_first: np.ndarray


def load(study, n_rows, seed):
    """Rows of D1 and of D2: half-planes, or digits 0-4 and 5-9; a third as many are held out."""
    n_held = n_rows // 3
    if study.name == "8 Gaussians":
        X, y = make_eight_gaussians(n_rows + n_held, random_state=seed)
        X = X.astype(np.float32)
        return Rows(X[:n_rows], y[:n_rows] < 4, X[n_rows:], y[n_rows:] < 4)
    data = load_npz(data_file("mnist.npz"))
    random = np.random.RandomState(seed)
    rows = random.permutation(len(data.data))[:n_rows]
    held = random.permutation(len(data.data_test))[:n_held]
    return Rows(
        data.data[rows].astype(np.float32) / 255,
        data.target[rows] < 5,
        data.data_test[held].astype(np.float32) / 255,
        data.target_test[held] < 5,
    )

"""What several test files share: the papers' settings, and a batch outside training."""

import numpy as np
import torch

from sklatent.nn.training.data import Batch
from sklatent.nn.training.randomness import RandomStreams

# Where the papers' training starts, and what it is trained by.
PAPERS = {
    "activation": "relu",
    "init": "random",
    "likelihood": "unit_gaussian",
    "annealing": 0.0,
    "early_stopping": False,
}


def streams_for(n_rows, seed=5, dtype=torch.float64):
    """Random streams for one batch of rows named by their positions."""
    streams = RandomStreams([seed], dtype, "cpu")
    keys = np.arange(n_rows, dtype=np.uint64)
    streams = streams.for_validation(keys, np.array([n_rows]))
    streams.begin_batch()
    return streams


def batch_of(X):
    """All rows of X as one batch."""
    return Batch(torch.as_tensor(X))

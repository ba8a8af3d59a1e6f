"""What every test and doctest runs under, whether it lies in tests/ or in a docstring."""

import os
import random
import sys

os.environ.setdefault("MPLBACKEND", "Agg")
# scikit-learn's battery checks estimators under array API dispatch too, where scipy allows it.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def _the_same_random_numbers():
    """Give each test the same global random states, so that one that fails fails again."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the global state is what it is about
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _close_figures():
    """Close the figures that a test leaves open, without importing matplotlib for it."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")

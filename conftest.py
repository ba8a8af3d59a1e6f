"""What every test and doctest runs under, whether it lies in tests/ or in a docstring."""

import os
import sys

os.environ.setdefault("MPLBACKEND", "Agg")
# scikit-learn's battery checks estimators under array API dispatch too, where scipy allows it.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import pytest


@pytest.fixture(autouse=True)
def _close_figures():
    """Close the figures that a test leaves open, without importing matplotlib for it."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")

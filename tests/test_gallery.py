"""Each example of the gallery runs, draws, and takes less than a minute of one processor."""

import runpy
import time
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "docs" / "examples").glob("plot_*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_runs(path):
    import matplotlib.pyplot as plt

    start = time.process_time()
    runpy.run_path(str(path), run_name="__main__")
    assert time.process_time() - start < 60
    assert plt.get_fignums()


def test_there_are_twelve():
    assert len(EXAMPLES) >= 12

"""A few thousand hostile files; `python -m benchmarks.file_fuzz` reads as many as one likes."""

import time

import numpy as np
import pytest

from tests.persistence.fuzzing import attack


@pytest.mark.filterwarnings("ignore")
def test_hostile_files():
    began = time.process_time()
    states = np.random.get_state()[1].copy()
    counts, faults = attack(2000, seed=0)
    assert not faults, "\n".join([f"{len(faults)} faults", *faults[:40]])
    assert counts["refused"] > 0.6 * 2000
    assert counts["accepted"] > 0
    np.testing.assert_array_equal(np.random.get_state()[1], states)
    assert time.process_time() - began < 60

"""The hue circle."""

import numpy as np
import pytest

from sklatent.datasets import make_hue_circle


@pytest.mark.parametrize("evenly_spaced", [True, False])
def test_points_lie_on_the_circle_at_their_hue(evenly_spaced):
    X, hue = make_hue_circle(50, evenly_spaced=evenly_spaced, random_state=0)
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1.0)
    np.testing.assert_allclose(np.arctan2(X[:, 1], X[:, 0]) % (2 * np.pi), hue, atol=1e-12)
    assert ((hue >= 0) & (hue < 2 * np.pi)).all()
    gaps = np.diff(np.sort(hue))
    assert np.ptp(gaps) < 1e-12 if evenly_spaced else np.ptp(gaps) > 0.1


def test_random_hues_are_uniform_and_repeat():
    _, hue = make_hue_circle(4000, evenly_spaced=False, random_state=0)
    counts = np.histogram(hue, bins=8, range=(0, 2 * np.pi))[0]
    assert np.abs(counts - 500).max() < 4 * np.sqrt(500)
    _, again = make_hue_circle(4000, evenly_spaced=False, random_state=0)
    np.testing.assert_array_equal(again, hue)
    before = np.random.get_state()[1].copy()
    make_hue_circle(3, evenly_spaced=False)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_bad_input():
    with pytest.raises(ValueError, match="n_samples"):
        make_hue_circle(0)

"""Units, missing values, whole numbers: one test for each fault that was found."""

import numpy as np
import pytest

from sklatent.metrics import latent_space_distortion, mutual_information_gap, procrustes_distance

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(2000, 3))


def test_units_decide_nothing():
    target = Z @ RNG.normal(size=(3, 2)) + 0.1 * RNG.normal(size=(2000, 2))
    expected = latent_space_distortion(Z, target)
    for scale in ([1, 1e10, 1], [1e-200, 1, 1e200]):
        assert latent_space_distortion(Z * scale, target) == pytest.approx(expected, rel=1e-9)
    distance = procrustes_distance(Z[:, :2], target)
    assert procrustes_distance(1e200 * Z[:, :2], target) == pytest.approx(distance, rel=1e-9)


@pytest.mark.parametrize("top", [360, 10_000])
def test_whole_numbers_that_measure_are_not_discrete(top):
    factors = RNG.integers(top, size=(2000, 2))
    with pytest.raises(ValueError, match="not discrete"):
        mutual_information_gap(factors.astype(float), factors)


@pytest.mark.parametrize("missing", [None, np.nan, np.datetime64("NaT")])
def test_missing_is_no_class(missing):
    factors = np.array(["a", "b"], dtype=object)[RNG.integers(2, size=(100, 2))]
    factors[3, 0] = missing
    with pytest.raises(ValueError, match="missing"):
        mutual_information_gap(RNG.normal(size=(100, 2)), factors)

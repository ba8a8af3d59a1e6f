"""Runs that are none, and spaces that can't be compared."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from sklatent import VAE, ReproducibilityReport
from tests.model_selection.reproducibility.made import fixed, noisy


class TestBadInput:
    @pytest.mark.parametrize(
        ("models", "error", "words"),
        [
            (lambda runs: runs[0], TypeError, "must be a list of fitted models"),
            (lambda runs: runs[:1], ValueError, "at least two runs"),
            (lambda runs: [runs[0], VAE], TypeError, r"models\[1\] must be a fitted"),
            (lambda runs: [runs[0], 3], TypeError, r"models\[1\] must be a fitted"),
            (lambda runs: [runs[0], VAE(3)], ValueError, "not fitted"),
            (lambda runs: 3, TypeError, "must be a list"),
        ],
    )
    def test_models(self, runs, X, models, error, words):
        with pytest.raises(error, match=words):
            ReproducibilityReport.from_models(models(runs), X)

    def test_spaces(self, runs, X):
        other = PCA(2).fit(X)
        with pytest.raises(ValueError, match="same number of components"):
            ReproducibilityReport.from_models([runs[0], other], X)
        rng = np.random.default_rng(0)
        Z = rng.normal(size=(100, 2))
        for bad, words in [
            (np.full_like(Z, np.nan), "not finite"),
            (np.ones_like(Z), "collapsed"),
            (Z[:, 0], "not of a table"),
        ]:
            with pytest.raises(ValueError, match=words):
                ReproducibilityReport.from_models(fixed([Z, bad]), np.zeros((100, 1)))

    @pytest.mark.parametrize("scale", [1e-200, 1e150])
    def test_spaces_beyond_squares(self, scale):
        Z = np.random.default_rng(0).normal(size=(100, 2)) * scale
        with pytest.raises(ValueError, match=r"models\[0\] gives"):
            ReproducibilityReport.from_models(fixed([Z, Z]), np.zeros((100, 1)))

    def test_a_place_far_away_is_no_noise(self):
        """Moments are taken about each run's own place."""
        rng = np.random.default_rng(0)
        Z = rng.normal(size=(100, 2)) + 1e9
        report = ReproducibilityReport.from_models(
            fixed([Z, noisy(rng, Z), noisy(rng, Z)]), np.zeros((100, 1))
        )
        assert 0.97 < report.table[3]["value"] < 0.995
        assert report.level == "coordinates"

    def test_latents_that_are_no_numbers(self):
        with pytest.raises(TypeError, match="not real numbers"):
            ReproducibilityReport.from_models(fixed([np.full((50, 2), "a")] * 2), np.zeros((50, 1)))

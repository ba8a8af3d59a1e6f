"""What limits a verdict is said."""

import numpy as np

from sklatent import VAE, ReproducibilityReport, retrain
from tests.model_selection.reproducibility.made import fixed, noisy


class TestCautions:
    def said(self, models, X):
        return " ".join(ReproducibilityReport.from_models(models, X).cautions)

    def test_two_runs_copies_seeds_and_parameters(self, runs, X):
        assert "Two runs do not say" in self.said(runs[:2], X)
        assert "Identical to the last bit are runs 1 and 2" in self.said([runs[0]] * 2, X)
        assert "have the seed" in self.said([runs[0]] * 2, X)
        other = VAE(3, hidden_layer_sizes=(8,), max_epochs=8).fit(X)
        told = self.said([*runs, other], X)
        assert "more than their seeds: hidden_layer_sizes" in told
        assert "not to be trained again: runs 5" in told
        assert "Two runs" not in told

    def test_axes_that_the_data_do_not_determine(self):
        """A round cloud has no axes, and one without skew no signs; the model's start knows."""
        X = np.random.default_rng(0).normal(size=(300, 6)) * [3, 3, 1, 1, 0.1, 0.1]
        settings = {"hidden_layer_sizes": (8,), "max_epochs": 2}
        runs = retrain(VAE(2, **settings), X, n_runs=2, random_state=0)
        assert "Not told apart by the data: the starting axes of components 1 and 2" in self.said(
            runs, X
        )
        told = np.random.default_rng(0).exponential(size=(300, 6)) * [3, 1, 1, 1, 0.1, 0.1]
        runs = retrain(VAE(1, **settings), told, n_runs=2, random_state=0)
        assert "Not told apart" not in self.said(runs, told)
        assert "Uncertain sign" not in self.said(runs, told)

    def test_one_run_that_went_elsewhere(self):
        rng = np.random.default_rng(0)
        base = rng.normal(size=(200, 3))
        arrays = [noisy(rng, base) for _ in range(5)]
        arrays[3] = -arrays[3]
        told = self.said(fixed(arrays), np.zeros((200, 1)))
        assert "Without run 4 coordinates would have an R² of 0.9" in told
        assert "Without run 3" not in told

    def test_passive_components(self):
        rng = np.random.default_rng(0)
        base = rng.normal(size=(200, 3)) * [1, 1, 1e-3]
        told = self.said(fixed([noisy(rng, base, 1e-3) for _ in range(3)]), np.zeros((200, 1)))
        assert "of no weight: component 3." in told

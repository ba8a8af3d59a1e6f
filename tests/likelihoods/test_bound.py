"""Likelihoods inside a network: the numbers that they are given."""

import numpy as np
import torch

from sklatent import VAE
from sklatent.likelihoods import Gaussian, Likelihood, NegativeBinomial
from sklatent.likelihoods._bound import BoundLikelihood, differ_in_numbers, fixed_numbers
from sklatent.model_selection import FusedGridSearchCV


class Halved(Gaussian):
    """Takes what a density took before numbers were given to it."""

    def log_prob(self, x, output):
        """Half of the log density."""
        return 0.5 * super().log_prob(x, output)


class Doubled(Gaussian):
    """Has given numbers of its own."""

    def fixed(self, n_features):
        """Twice the deviation."""
        return {"log_var": torch.full((1, 1), 2 * np.log(2 * self.scale), dtype=torch.float64)}


class Plain(Likelihood):
    """A class by itself."""

    def log_prob(self, x, output):
        """Squared errors."""
        return -(x - output).square().sum(-1)


def test_a_density_of_the_users_own_is_given_no_numbers():
    x, output = torch.zeros(4, 3, dtype=torch.float64), torch.ones(4, 3, dtype=torch.float64)
    assert list(fixed_numbers(Gaussian(scale=2.0), 3)) == ["log_var"]
    assert list(fixed_numbers(Doubled(scale=2.0), 3)) == ["log_var"]
    assert fixed_numbers(Halved(scale=2.0), 3) == {} == fixed_numbers(Plain(), 3)
    whole = BoundLikelihood(Gaussian(scale=2.0), 3).log_prob(x, output)
    torch.testing.assert_close(BoundLikelihood(Halved(scale=2.0), 3).log_prob(x, output), whole / 2)
    wide = BoundLikelihood(Gaussian(scale=4.0), 3).log_prob(x, output)
    torch.testing.assert_close(BoundLikelihood(Doubled(scale=2.0), 3).log_prob(x, output), wide)


def test_what_a_stack_has_one_number_each_of():
    assert differ_in_numbers(Gaussian(scale=1.0), Gaussian(scale=2.0))
    assert differ_in_numbers(NegativeBinomial(dispersion=1.0), NegativeBinomial(dispersion=2.0))
    assert not differ_in_numbers(Halved(scale=1.0), Halved(scale=2.0))
    assert not differ_in_numbers(Gaussian(scale=1.0), Gaussian(scale="shared"))


def test_a_density_of_the_users_own_in_a_search():
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = VAE(2, hidden_layer_sizes=(4,), max_epochs=2, random_state=0)
    grid = {"likelihood": [Halved(scale=1.0), Halved(scale=3.0)]}
    search = FusedGridSearchCV(model, grid, cv=2).fit(X)
    alone = VAE(
        2, hidden_layer_sizes=(4,), max_epochs=2, random_state=0, likelihood=Halved(scale=3.0)
    )
    found = search.cv_results_["split0_test_score"][1]
    assert np.isclose(found, alone.fit(X[30:]).score(X[:30]), rtol=1e-6)

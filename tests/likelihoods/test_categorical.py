"""One-hot columns against scipy's."""

import numpy as np
import pytest
import torch
from scipy import special, stats

from sklatent.likelihoods import Categorical

GROUPS = [[2, 3], [[0, 1], [2, 3, 4]], [slice(0, 2), slice(2, 5)]]


def one_hot(n=6):
    rng = np.random.default_rng(0)
    return np.hstack([np.eye(2)[rng.integers(0, 2, n)], np.eye(3)[rng.integers(0, 3, n)]])


@pytest.fixture
def logits():
    return np.random.default_rng(1).normal(size=(6, 5))


@pytest.mark.parametrize("groups", GROUPS)
def test_log_prob_and_mean(logits, groups):
    x, likelihood = one_hot(), Categorical(groups=groups)
    p = np.hstack([special.softmax(part, axis=1) for part in np.split(logits, [2], axis=1)])
    expected = sum(
        stats.multinomial.logpmf(x[:, part], 1, p[:, part]) for part in (slice(2), slice(2, 5))
    )
    found = likelihood.log_prob(torch.tensor(x), torch.tensor(logits))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(likelihood.mean(torch.tensor(logits)), p)
    deviance = likelihood.deviance(torch.tensor(x), torch.tensor(logits))
    np.testing.assert_allclose(deviance, -2 * expected)


def test_columns_of_a_group_need_not_be_neighbours(logits):
    mixed = Categorical(groups=[[1, 3], [2, 0, 4]])
    straight = Categorical(groups=[[0, 1], [2, 3, 4]])
    x, order = one_hot(), [1, 3, 2, 0, 4]
    y, out = np.empty_like(x), np.empty_like(logits)
    y[:, order], out[:, order] = x, logits
    found = mixed.log_prob(torch.tensor(y), torch.tensor(out))
    expected = straight.log_prob(torch.tensor(x), torch.tensor(logits))
    torch.testing.assert_close(found, expected)
    means = mixed.mean(torch.tensor(out)).numpy()[:, order]
    np.testing.assert_allclose(means, straight.mean(torch.tensor(logits)))


def test_start_is_tangent_to_the_link():
    mean, loadings = np.array([0.3, 0.7]), np.array([[0.5], [-0.5]])
    center, weight = Categorical().start_output(mean, loadings)
    moved = special.softmax(center + 1e-6 * weight[:, 0])
    np.testing.assert_allclose((moved - mean) / 1e-6, loadings[:, 0], rtol=1e-4)


def test_sample(logits):
    likelihood = Categorical(groups=[2, 3])
    generator = torch.Generator().manual_seed(0)
    draws = likelihood.sample(torch.tensor(logits).expand(4000, 6, 5), generator)
    likelihood.check(draws[0].numpy(), "draws")
    np.testing.assert_allclose(draws.mean(0), likelihood.mean(torch.tensor(logits)), atol=0.04)


def test_bad_groups():
    x = one_hot()
    x[4, 3] = 1 - x[4, 3]
    with pytest.raises(ValueError, match="Group 1 .* not one-hot in row 4 of X"):
        Categorical(groups=[2, 3]).check(x, "X")
    with pytest.raises(ValueError, match="with the sum 5"):
        Categorical(groups=[2, 2]).check(x, "X")
    with pytest.raises(ValueError, match=r"columns \[4\] are not named"):
        Categorical(groups=[[0, 1], [2, 3]]).check(x, "X")
    with pytest.raises(ValueError, match=r"columns \[1\] are named twice"):
        Categorical(groups=[[0, 1], [1, 2, 3, 4]]).check(x, "X")
    with pytest.raises(ValueError, match="'red' is a name"):
        Categorical(groups=[["red"], [1, 2, 3, 4]]).check(x, "X")
    with pytest.raises(ValueError, match="7 is no column"):
        Categorical(groups=[[7], [1, 2, 3, 4]]).check(x, "X")

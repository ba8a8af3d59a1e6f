"""Kernel alignment from the features, against kernels of samples by samples."""

import numpy as np
import pytest

from sklatent.metrics import linear_cka
from tests.metrics.test_similarity import few, make_pair, rotation, seeds


def hsic(K, L, debiased):
    """HSIC from n x n kernels, as Song et al. write it."""
    n = len(K)
    if not debiased:
        H = np.eye(n) - 1 / n
        return np.trace(K @ H @ L @ H)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    one = np.ones(n)
    return (
        np.trace(K @ L)
        + (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
        - 2 / (n - 2) * (one @ K @ L @ one)
    )


@few
@seeds
def test_cka_from_features_is_cka_from_kernels(seed):
    X, Y = make_pair(seed)
    K, L = X @ X.T, Y @ Y.T
    for debiased in (False, True):
        parts = [hsic(A, B, debiased) for A, B in ((K, L), (K, K), (L, L))]
        expected = parts[0] / np.sqrt(parts[1] * parts[2])
        assert linear_cka(X, Y, debiased=debiased) == pytest.approx(expected, abs=1e-9)


@few
@seeds
@pytest.mark.parametrize("debiased", [False, True])
def test_cka_invariances(debiased, seed):
    X, Y = make_pair(seed)
    score = linear_cka(X, Y, debiased=debiased)
    moved = 1e-3 * X @ rotation(4, seed) + 5
    assert linear_cka(moved, Y, debiased=debiased) == pytest.approx(score, abs=1e-8)
    assert linear_cka(Y, X, debiased=debiased) == pytest.approx(score)
    assert linear_cka(X, moved, debiased=debiased) == pytest.approx(1)
    assert -1 <= score <= 1


def test_debiased_cka_of_independent_spaces_is_unbiased():
    rng = np.random.RandomState(0)
    draws = [rng.normal(size=(2, 30, 15)) for _ in range(300)]
    scores = np.array([linear_cka(X, Y) for X, Y in draws])
    assert abs(scores.mean()) < 5 * scores.std() / np.sqrt(len(scores))
    biased = np.mean([linear_cka(X, Y, debiased=False) for X, Y in draws])
    assert biased > 0.25


def test_cka_of_a_space_in_which_one_sample_differs():
    X = np.zeros((6, 2))
    X[0] = 1
    with pytest.raises(ValueError, match="single sample"):
        linear_cka(X, X)
    assert linear_cka(X, X, debiased=False) == pytest.approx(1)


def test_cka_of_three_samples():
    X, Y = make_pair(n_samples=3)
    with pytest.raises(ValueError, match="minimum of 4"):
        linear_cka(X, Y)

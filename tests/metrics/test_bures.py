"""The distance of posteriors: closed forms, and the public algorithm written anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes, sqrtm
from scipy.stats import ortho_group

from sklatent._posterior import Posterior
from sklatent.metrics import bures_distance


def diagonal(seed, n=12, d=3, scale=1.0):
    rng = np.random.default_rng(seed)
    return Posterior(scale * rng.normal(size=(n, d)), log_var=rng.normal(-1, 1, size=(n, d)))


def full(seed, n=12, d=3):
    rng = np.random.default_rng(seed)
    factors = np.tril(rng.normal(size=(n, d, d)))
    index = np.arange(d)
    factors[:, index, index] = np.abs(factors[:, index, index]) + 0.3
    return Posterior(rng.normal(size=(n, d)), scale_tril=factors)


def wasserstein(a, b, rotation):
    """The root mean square over samples, by matrix square roots."""
    total = 0.0
    for m, S, n, T in zip(a.mean, a.covariance, b.mean @ rotation, b.covariance, strict=True):
        T = rotation.T @ T @ rotation
        root = sqrtm(S)
        total += np.sum((m - n) ** 2) + np.trace(S + T - 2 * np.real(sqrtm(root @ T @ root)))
    return np.sqrt(total / len(a.mean))


def public_algorithm(a, b, n_iterations=100):
    """Alternating Procrustes problems on stacked rows, as netrep's metric does it."""
    roots_a = [np.real(sqrtm(S)) for S in a.covariance]
    roots_b = [np.real(sqrtm(S)) for S in b.covariance]
    rotation = orthogonal_procrustes(b.mean, a.mean)[0]
    for _ in range(n_iterations):
        turns = [
            orthogonal_procrustes(rotation.T @ sb, sa)[0]
            for sa, sb in zip(roots_a, roots_b, strict=True)
        ]
        stacked_b = np.vstack([b.mean, *[Q.T @ sb for Q, sb in zip(turns, roots_b, strict=True)]])
        rotation = orthogonal_procrustes(stacked_b, np.vstack([a.mean, *roots_a]))[0]
    return wasserstein(a, b, rotation)


@pytest.mark.parametrize("make", [diagonal, full])
@pytest.mark.parametrize("seed", range(3))
def test_against_the_public_algorithm(make, seed):
    a, b = make(seed), make(seed + 100)
    assert bures_distance(a, b) == pytest.approx(public_algorithm(a, b), abs=1e-6)
    assert bures_distance(a, b, align=False) == pytest.approx(
        wasserstein(a, b, np.eye(3)), abs=1e-6
    )


def test_closed_form_of_diagonal_posteriors():
    a, b = diagonal(0), diagonal(1)
    deviations = np.exp(0.5 * a.log_var) - np.exp(0.5 * b.log_var)
    expected = np.sqrt(np.mean(np.sum((a.mean - b.mean) ** 2 + deviations**2, axis=1)))
    assert bures_distance(a, b, align=False) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-100, 1e100))
def test_what_it_ignores_and_what_not(seed, scale):
    a = full(seed)
    rotation = ortho_group.rvs(3, random_state=seed)
    turned = Posterior(
        a.mean @ rotation, scale_tril=np.linalg.cholesky(rotation.T @ a.covariance @ rotation)
    )
    assert bures_distance(a, turned) == pytest.approx(0.0, abs=1e-6)
    assert bures_distance(a, a) == pytest.approx(0.0, abs=1e-10)
    # Only the certainty differs: metrics of means see nothing.
    surer = Posterior(a.mean, scale_tril=0.5 * a.scale_tril)
    half = np.sqrt(np.mean(np.trace(a.covariance, axis1=1, axis2=2)) / 4)
    assert bures_distance(a, surer) == pytest.approx(half, rel=1e-6)
    larger = [Posterior(scale * p.mean, scale_tril=scale * p.scale_tril) for p in (a, surer)]
    assert bures_distance(*larger) == pytest.approx(scale * bures_distance(a, surer), rel=1e-6)


def test_symmetric_and_padded():
    a, b = diagonal(0, d=2), diagonal(1, d=4)
    assert bures_distance(a, b) == pytest.approx(bures_distance(b, a), rel=1e-5)
    wide = Posterior(
        np.pad(a.mean, ((0, 0), (0, 2))),
        log_var=np.pad(a.log_var, ((0, 0), (0, 2)), constant_values=-80),
    )
    assert bures_distance(a, b) == pytest.approx(bures_distance(wide, b), rel=1e-9)


def test_the_minimum_is_no_worse_than_other_rotations():
    a, b = diagonal(3), diagonal(4)
    found = bures_distance(a, b)
    for seed in range(50):
        assert found <= wasserstein(a, b, ortho_group.rvs(3, random_state=seed)) + 1e-9


@pytest.mark.parametrize(
    ("a", "b", "options", "error", "message"),
    [
        (np.eye(3), diagonal(0), {}, TypeError, "mean and log_var"),
        (diagonal(0), diagonal(0)[:5], {}, ValueError, "12 and 5"),
        (diagonal(0), diagonal(1), {"align": "yes"}, TypeError, "align must be"),
        (diagonal(0), diagonal(1), {"max_iter": 0}, ValueError, "max_iter"),
    ],
)
def test_bad_input(a, b, options, error, message):
    with pytest.raises(error, match=message):
        bures_distance(a, b, **options)

"""Bhattacharyya coefficients against quadrature, closed forms and brute force."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from sklatent.channels import ChannelFingerprints, bhattacharyya_coefficients


def brute_force(mean, covariance):
    """Compute equation by equation, pair by pair, what the definition says of full covariances."""
    n = len(mean)
    bc = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            S = (covariance[i] + covariance[j]) / 2
            d = mean[i] - mean[j]
            distance = d @ np.linalg.inv(S) @ d / 8 + 0.5 * np.log(
                np.linalg.det(S)
                / np.sqrt(np.linalg.det(covariance[i]) * np.linalg.det(covariance[j]))
            )
            bc[i, j] = np.exp(-distance)
    return bc


def covariances(rng, n, d):
    L = rng.normal(size=(n, d, d))
    return L @ L.transpose(0, 2, 1) + 0.1 * np.eye(d)


def test_is_the_integral_of_the_root_of_the_product():
    mean, deviation = np.array([0.3, -1.0, 2.5]), np.array([1.0, 0.4, 2.0])
    bc = bhattacharyya_coefficients(mean[:, None], 2 * np.log(deviation)[:, None])
    for i in range(3):
        for j in range(3):
            p, q = norm(mean[i], deviation[i]), norm(mean[j], deviation[j])
            expected, _ = quad(lambda u, p=p, q=q: np.sqrt(p.pdf(u) * q.pdf(u)), -20, 20, limit=200)
            assert bc[i, j] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_diagonal_and_full_agree_with_brute_force(d):
    rng = np.random.default_rng(d)
    mean, log_var = rng.normal(size=(8, d)), rng.normal(size=(8, d))
    diagonal = np.exp(log_var)[:, :, None] * np.eye(d)
    expected = brute_force(mean, diagonal)
    np.testing.assert_allclose(bhattacharyya_coefficients(mean, log_var), expected, atol=1e-13)
    by_matrix = bhattacharyya_coefficients(mean, covariance=diagonal)
    np.testing.assert_allclose(by_matrix, expected, atol=1e-13)
    full = covariances(rng, 8, d)
    np.testing.assert_allclose(
        bhattacharyya_coefficients(mean, covariance=full), brute_force(mean, full), atol=1e-12
    )


def test_log_variances_from_minus_30_to_30_keep_their_precision():
    rng = np.random.default_rng(0)
    log_var = rng.uniform(-30, 30, size=(30, 1))
    log_var[:2, 0] = -30, 30
    mean = rng.normal(size=(30, 1)) * np.exp(log_var / 2)
    with mpmath.workdps(50):

        def exact(i, j):
            vi, vj = mpmath.exp(float(log_var[i, 0])), mpmath.exp(float(log_var[j, 0]))
            d = mpmath.mpf(float(mean[i, 0])) - mpmath.mpf(float(mean[j, 0]))
            factor = mpmath.sqrt(2 * mpmath.sqrt(vi * vj) / (vi + vj))
            return float(factor * mpmath.exp(-(d**2) / (4 * (vi + vj))))

        expected = np.array([[exact(i, j) for j in range(30)] for i in range(30)])
    bc = bhattacharyya_coefficients(mean, log_var)
    np.testing.assert_allclose(bc, expected, rtol=1e-9)
    covariance = np.exp(log_var)[:, :, None]
    np.testing.assert_allclose(
        bhattacharyya_coefficients(mean, covariance=covariance), expected, rtol=1e-9
    )
    # The narrow type of the fast path, on the same extremes.
    rows = np.empty((1, 30), np.float32)
    fill = ChannelFingerprints.from_posteriors(mean[None], log_var[None]).rows(np.float32)
    for sample in range(30):
        fill(sample, rows)
        np.testing.assert_allclose(rows[0], expected[sample], rtol=2e-4, atol=1e-30)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(2, 6),
    st.floats(-30, 30),
    st.floats(-1e3, 1e3),
    st.integers(0, 2**32 - 1),
)
def test_properties(d, n, log_scale, shift, seed):
    rng = np.random.default_rng(seed)
    mean, log_var = rng.normal(size=(n, d)), rng.uniform(-4, 4, size=(n, d))
    bc = bhattacharyya_coefficients(mean, log_var)
    assert (bc >= 0).all()
    assert (bc <= 1).all()
    np.testing.assert_array_equal(bc, bc.T)
    np.testing.assert_array_equal(np.diagonal(bc), 1.0)
    # A Gram matrix of square roots of densities has no negative eigenvalue.
    assert np.linalg.eigvalsh(bc).min() > -1e-12
    # Shifting and scaling the axes changes nothing; flipping neither.
    moved = bhattacharyya_coefficients(-(mean + shift) * np.exp(log_scale / 2), log_var + log_scale)
    np.testing.assert_allclose(moved, bc, atol=1e-9)
    # Dimensions multiply.
    product = np.prod(
        [bhattacharyya_coefficients(mean[:, [k]], log_var[:, [k]]) for k in range(d)], axis=0
    )
    np.testing.assert_allclose(bc, product, atol=1e-13)


@pytest.mark.parametrize(
    ("mean", "keywords", "message"),
    [
        (np.zeros(3), {"log_var": np.zeros(3)}, "shape"),
        (np.zeros((3, 1)), {"log_var": np.zeros((2, 1))}, "log_var must have shape"),
        (np.zeros((3, 1)), {}, "neither"),
        (
            np.zeros((3, 1)),
            {"log_var": np.zeros((3, 1)), "covariance": np.ones((3, 1, 1))},
            "both",
        ),
        (np.full((3, 1), np.nan), {"log_var": np.zeros((3, 1))}, "mean contains NaN"),
        (np.zeros((3, 1)), {"log_var": np.full((3, 1), np.inf)}, "log_var contains NaN or inf"),
        (np.zeros((3, 1)), {"log_var": np.full((3, 1), -np.inf)}, "log_var contains NaN or inf"),
        (np.zeros((2, 1)), {"log_var": [[0.0], [200.0]]}, "logarithms of variances"),
        (np.zeros((3, 1)), {"covariance": -np.ones((3, 1, 1))}, "positive definite"),
        (np.zeros((3, 1)), {"covariance": np.full((3, 1, 1), np.inf)}, "covariance contains NaN"),
        (np.zeros((1, 2)), {"covariance": [[[1.0, 0.5], [0.0, 1.0]]]}, "symmetric"),
        (np.zeros((0, 1)), {"log_var": np.zeros((0, 1))}, "at least one sample"),
        (np.array([["a"]]), {"log_var": np.zeros((1, 1))}, "real numbers"),
    ],
)
def test_bad_input(mean, keywords, message):
    with pytest.raises(ValueError, match=message):
        bhattacharyya_coefficients(mean, **keywords)

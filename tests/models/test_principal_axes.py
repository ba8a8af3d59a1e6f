"""Principal axes of data of any shape, against the singular value decomposition."""

import numpy as np
import pytest

from sklatent.models import _principal_axes
from sklatent.models._principal_axes import principal_axes

rng = np.random.default_rng(0)


def data(n_rows, n_features, rank=6):
    scales = 2.0 ** -np.arange(rank)
    latent = rng.standard_t(8, size=(n_rows, rank)) * scales
    return latent @ rng.normal(size=(rank, n_features)) + 0.01 * rng.normal(
        size=(n_rows, n_features)
    )


def axes_of(X, n_axes):
    def blocks(size):
        return (X[start : start + size] for start in range(0, len(X), size))

    return principal_axes(blocks, *X.shape, n_axes)


@pytest.mark.parametrize("exact", [2048, 4])
@pytest.mark.parametrize("shape", [(300, 12), (15, 40), (60, 60)])
def test_against_the_singular_value_decomposition(shape, exact, monkeypatch):
    """By the Gram matrix of features or of rows, and by subspace iteration."""
    monkeypatch.setattr(_principal_axes, "_EXACT", exact)
    X = data(*shape)
    found = axes_of(X, 3)
    _, s, axes = np.linalg.svd(X - X.mean(0), full_matrices=False)
    np.testing.assert_allclose(found.mean, X.mean(0), atol=1e-12)
    np.testing.assert_allclose(found.variances, s[:3] ** 2 / len(X), rtol=1e-6)
    np.testing.assert_allclose(np.abs((found.axes * axes[:3]).sum(1)), 1.0, rtol=1e-6)
    np.testing.assert_allclose(found.feature_variances, X.var(0), rtol=1e-9)
    variances = s**2 / len(X)
    gaps = [min(abs(np.delete(variances, k) - v)) / v for k, v in enumerate(variances[:3])]
    np.testing.assert_allclose(found.gaps, gaps, rtol=1e-5)


def test_signs_do_not_depend_on_the_solver_or_the_rows_order():
    X = data(400, 10)
    first = axes_of(X, 4)
    again = axes_of(X[rng.permutation(len(X))], 4)
    np.testing.assert_allclose(first.axes, again.axes, atol=1e-8)
    turned = axes_of(-X, 4)
    np.testing.assert_allclose(np.abs(turned.axes), np.abs(first.axes), atol=1e-8)


def test_signs_that_are_called_stable_are():
    """Left out a tenth of the rows, twenty times: no sign of stability above 2 turns over."""
    X = data(500, 8)
    whole = axes_of(X, 5)
    stable = whole.sign_stability > 2
    assert stable.any()
    for _ in range(20):
        part = axes_of(X[rng.random(len(X)) > 0.1], 5)
        agreement = (part.axes * whole.axes).sum(1)
        assert (agreement[stable] > 0.9).all()


def test_data_of_fewer_dimensions_have_fewer_axes():
    X = np.outer(rng.normal(size=30), np.ones(5))
    found = axes_of(X, 3)
    assert found.axes.shape == (1, 5)
    assert np.isfinite(found.gaps).all()

"""Inference in blocks, in the input's own float type, row by row."""

import numpy as np
import pytest
import torch

from sklatent import VAE
from sklatent.models import _in_blocks
from sklatent.models._in_blocks import block_slices, require_finite
from sklatent.models._inference import elbo_noise

X = np.random.default_rng(0).random((40, 5))


@pytest.fixture(scope="module")
def model():
    return VAE(2, hidden_layer_sizes=(6,), max_epochs=2, random_state=0).fit(X)


def test_results_do_not_depend_on_the_blocks(model, monkeypatch):
    """Nor does the memory grow with the rows: a block has so many bytes."""
    whole = model.encode(X), model.score_samples(X)
    monkeypatch.setattr(_in_blocks, "_BLOCK_BYTES", 7 * 5 * 8)
    found = model.encode(X), model.score_samples(X)
    np.testing.assert_allclose(found[0].mean, whole[0].mean, rtol=1e-12)
    np.testing.assert_allclose(found[0].log_var, whole[0].log_var, rtol=1e-12)
    np.testing.assert_allclose(found[1], whole[1], rtol=1e-12)
    assert max(s.stop - s.start for s in block_slices(40, 40)) == 7
    assert [s.stop - s.start for s in block_slices(2, 1 << 40)] == [1, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_model_itself_stays_as_it_is(model, dtype):
    """Its weights are cast in a copy, and its mode is put back."""
    model.net_.module_.train()
    assert model.transform(X.astype(dtype)).dtype == dtype
    assert model.net_.module_.training
    model.net_.module_.eval()
    assert next(model.net_.module_.parameters()).dtype == torch.float32


@pytest.mark.parametrize("d", [1, 3, 8, 20])
def test_noise_of_the_bound_has_the_moments_of_a_normal(d):
    """Mean and, up to eight dimensions, covariance to the last digit; every norm is sqrt(d)."""
    noise = elbo_noise(d)
    np.testing.assert_allclose(noise.mean(axis=0), 0.0, atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(noise, axis=1), np.sqrt(d), rtol=1e-12)
    if d <= 8:
        np.testing.assert_allclose(noise.T @ noise / len(noise), np.eye(d), atol=1e-12)
    assert len(noise) == 2 * min(d, 8)


def test_a_row_without_a_score_is_named():
    with pytest.raises(ValueError, match="1 of 3 rows .* first of them row 2"):
        require_finite(np.array([0.0, 1.0, np.nan]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_of_images_change_last_digits_alone(dtype, monkeypatch):
    """Convolutions in float64 see a few images at a time, since torch unfolds them all."""
    X = np.random.default_rng(0).uniform(size=(20, 64)).astype(dtype)
    shape = {"architecture": "conv", "image_shape": (1, 8, 8)}
    model = VAE(2, max_epochs=1, random_state=0, **shape).fit(X)
    sizes = []
    found = _in_blocks.row_slices
    monkeypatch.setattr(_in_blocks, "row_slices", lambda n, k: sizes.append(k) or found(n, k))
    Z, bounds = model.transform(X), model.score_samples(X)
    assert set(sizes) == ({8} if dtype == np.float64 else {1024})
    monkeypatch.setattr(_in_blocks, "_MOST_UNFOLDED", 1024)
    exact = {"rtol": 1e-9} if dtype == np.float64 else {"rtol": 0}
    np.testing.assert_allclose(model.transform(X), Z, **exact, atol=1e-9)
    np.testing.assert_allclose(model.score_samples(X), bounds, **exact)

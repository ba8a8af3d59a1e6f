"""Dask arrays: what models say of them, before it is computed and after, and inside dask-ml."""

import numpy as np
import pytest
from sklearn.decomposition import IncrementalPCA

from sklatent import VAE, Autoencoder, VAEEnsemble

da = pytest.importorskip("dask.array")

SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 1, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return (rng.normal(size=(200, 3)) @ rng.normal(size=(3, 6))).astype(np.float32)


@pytest.mark.parametrize(
    "model",
    [VAE(2, **SMALL), Autoencoder(2, **SMALL), VAEEnsemble(2, n_estimators=2, **SMALL)],
    ids=lambda model: type(model).__name__,
)
def test_a_dask_array_gives_what_its_rows_give(X, model):
    """Columns in two chunks, rows in uneven ones; shapes and types are known beforehand."""
    model.fit(X)
    rows = da.from_array(X, chunks=((90, 90, 20), (4, 2)))
    Z = model.transform(rows)
    back = model.inverse_transform(Z)
    for lazy, plain in (
        (Z, model.transform(X)),
        (back, model.inverse_transform(model.transform(X))),
    ):
        assert (lazy.shape, lazy.dtype) == (plain.shape, plain.dtype)
        np.testing.assert_allclose(lazy.compute(scheduler="synchronous"), plain, atol=1e-5)
        assert lazy.chunks[0] == (90, 90, 20)
    assert model.score(rows) == pytest.approx(model.score(X), rel=1e-6)


def test_nothing_is_computed_beforehand(X):
    asked = []

    def read(block):
        asked.append(len(block))
        return block

    model = VAE(2, **SMALL).fit(X)
    rows = da.from_array(X, chunks=(50, 6)).map_blocks(read, dtype=X.dtype, meta=X[:0])
    scores = model.score_samples(rows)
    assert scores.shape == (200,)
    assert not asked
    scores[:60].compute(scheduler="synchronous")
    assert asked == [50, 50]
    assert hasattr(model, "net_")


def test_covariates_for_all_blocks(X):
    model = VAE(2, covariates=[0], **SMALL).fit(X)
    Z = model.transform(da.from_array(X, chunks=(50, 6)))
    for covariates in (None, [1.5]):
        found = model.inverse_transform(Z, covariates=covariates).compute(scheduler="synchronous")
        expected = model.inverse_transform(model.transform(X), covariates=covariates)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(ValueError, match=r"one row of covariates for all, of shape \(1,\)"):
        model.inverse_transform(Z, covariates=X[:, :1])


def test_unfitted_is_said_at_once(X):
    rows = da.from_array(X, chunks=(50, 6))
    for method in ("transform", "inverse_transform", "score_samples"):
        with pytest.raises(Exception, match="not fitted"):
            getattr(VAE(2), method)(rows)


def test_inside_dask_ml(X):
    """Its real wrappers: blocks train, passes go on, scores and latents come back in blocks."""
    wrappers = pytest.importorskip("dask_ml.wrappers")
    rows = da.from_array(X, chunks=(50, 6))
    start = IncrementalPCA(2)
    for block in rows.blocks:
        start.partial_fit(block.compute())
    stream = wrappers.Incremental(VAE(2, init=start, **SMALL), random_state=0).fit(rows)
    for _ in range(2):
        stream.partial_fit(rows)
    model = stream.estimator_
    assert model.n_epochs_ == len(model.history_) == 12
    assert stream.score(rows, None) == pytest.approx(model.score(X), rel=1e-6)
    np.testing.assert_allclose(stream.transform(rows).compute(), model.transform(X), atol=1e-5)
    assert model.transform(rows).shape == (200, 2)
    after = wrappers.ParallelPostFit(VAE(2, **SMALL)).fit(X)
    assert after.score(rows, None) == pytest.approx(after.estimator.score(X), rel=1e-6)

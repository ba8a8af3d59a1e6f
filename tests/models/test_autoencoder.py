"""Autoencoder and RelativeAutoencoder, end to end and with a frozen encoder."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklatent import (
    Autoencoder,
    LatentStitcher,
    LinearAligner,
    RelativeAutoencoder,
    load,
    save,
)
from sklatent.alignment import RelativeProjection
from sklatent.nn.autoencoder import cosines, euclidean_distances
from sklatent.transformations import RandomShift

QUICK = {
    "hidden_layer_sizes": (32,),
    "max_epochs": 15,
    "batch_size": 32,
    "learning_rate": 1e-2,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:600] / 16


@pytest.fixture(scope="module")
def encoder(X):
    return Autoencoder(6, **QUICK).fit(X)


@pytest.fixture(scope="module")
def relative(X):
    return RelativeAutoencoder(6, anchors=np.arange(20), **QUICK).fit(X)


def error(model, X):
    return ((model.inverse_transform(model.transform(X)) - X) ** 2).mean()


def learned_variance(model):
    """Variance of X around the output, from the module's own parameters."""
    likelihood = model.net_.module_.likelihood
    least, above = likelihood.least_log_var.item(), likelihood.log_var.item()
    return np.exp(least + np.logaddexp(0, above - least))


class TestAutoencoder:
    def test_learns(self, encoder, X):
        assert error(encoder, X) < 0.5 * X.var(axis=0).mean()
        assert encoder.history_[-1]["train_loss"] < encoder.history_[0]["train_loss"]
        assert encoder.transform(X).shape == (600, 6)

    def test_score_is_the_log_likelihood_of_the_reconstruction(self, encoder, X):
        residual = encoder.inverse_transform(encoder.transform(X)) - X
        variance = float(learned_variance(encoder))
        expected = -0.5 * (residual**2 / variance).sum(axis=1) - 32 * np.log(2 * np.pi * variance)
        assert_allclose(encoder.score_samples(X), expected, rtol=1e-10)
        assert encoder.score(X) == pytest.approx(expected.mean())

    def test_loss_is_the_negative_score(self, X):
        """One batch, no step taken yet: the first loss is that of the initial weights."""
        settings = {**QUICK, "max_epochs": 1, "learning_rate": 1e-12, "precision": "float64"}
        settings["early_stopping"] = False
        model = Autoencoder(3, **{**settings, "batch_size": 600}).fit(X)
        assert model.history_[0]["train_loss"] == pytest.approx(-model.score(X), rel=1e-6)

    def test_bernoulli(self, X):
        model = Autoencoder(6, likelihood="bernoulli", **QUICK).fit(X)
        p = model.inverse_transform(model.transform(X))
        assert ((p > 0) & (p < 1)).all()
        expected = (X * np.log(p) + (1 - X) * np.log(1 - p)).sum(axis=1)
        assert_allclose(model.score_samples(X), expected, rtol=1e-6)

    def test_has_neither_posterior_nor_prior(self, encoder):
        for name in ("encode", "sample", "log_likelihood"):
            assert not hasattr(encoder, name)
        with pytest.raises(AttributeError, match=r"no prior\. Use VAE"):
            encoder.sample(3)
        assert not {"beta", "posterior"} & set(encoder.get_params())

    def test_convolutions_and_float32(self, X):
        model = Autoencoder(4, architecture="conv", image_shape=(1, 8, 8), max_epochs=1)
        Z = model.fit(X[:64].astype(np.float32)).transform(X[:8].astype(np.float32))
        assert Z.dtype == np.float32
        assert model.inverse_transform(Z).shape == (8, 64)

    def test_search_and_partial_fit(self, X):
        scores = cross_val_score(Autoencoder(4, **{**QUICK, "max_epochs": 2}), X, cv=2)
        assert np.isfinite(scores).all()
        model = Autoencoder(4, **QUICK)
        for _ in range(3):
            model.partial_fit(X)
        assert model.n_epochs_ == 3

    def test_stacks(self, X):
        """Several seeds at once are what they are one by one."""
        from sklatent.models._fit_together import can_stack, fit_models

        settings = {**QUICK, "max_epochs": 2, "precision": "float64"}
        models = [Autoencoder(3, **{**settings, "random_state": seed}) for seed in range(3)]
        assert can_stack(models)
        fit_models(models, X)
        for seed, model in enumerate(models):
            alone = Autoencoder(3, **{**settings, "random_state": seed}).fit(X)
            assert_allclose(model.transform(X), alone.transform(X), rtol=1e-8, atol=1e-10)


class TestFitDecoder:
    def test_decodes_anyones_latents(self, X):
        pca = make_pipeline(FunctionTransformer(np.sqrt), PCA(6)).fit(X)
        model = Autoencoder(2, **QUICK).fit_decoder(pca, X)
        assert_array_equal(model.transform(X), pca.transform(X))
        assert model.n_components_ == 6
        assert model.encoder_ is pca
        assert error(model, X) < 0.5 * X.var(axis=0).mean()

    def test_encoder_is_left_as_it_is(self, encoder, X):
        before = {k: v.clone() for k, v in encoder.net_.module_.state_dict().items()}
        model = Autoencoder(6, **QUICK).fit_decoder(encoder, X)
        for name, tensor in encoder.net_.module_.state_dict().items():
            assert torch.equal(tensor, before[name])
        assert_array_equal(model.transform(X), encoder.transform(X))
        residual = model.inverse_transform(model.transform(X)) - X
        variance = float(learned_variance(model))
        expected = -0.5 * (residual**2 / variance).sum(axis=1) - 32 * np.log(2 * np.pi * variance)
        assert_allclose(model.score_samples(X), expected, rtol=1e-10)

    def test_fit_forgets_the_encoder(self, encoder, X):
        model = Autoencoder(4, **{**QUICK, "max_epochs": 2}).fit_decoder(encoder, X).fit(X)
        assert model.encoder_ is None
        assert model.transform(X).shape == (600, 4)
        fresh = Autoencoder(4, **{**QUICK, "max_epochs": 2}).fit(X)
        assert_array_equal(model.transform(X), fresh.transform(X))

    def test_clone_and_pickle(self, encoder, X):
        model = Autoencoder(6, **QUICK).fit_decoder(encoder, X)
        Z = model.transform(X)
        restored = pickle.loads(pickle.dumps(model))
        assert_array_equal(restored.inverse_transform(Z), model.inverse_transform(Z))
        assert not hasattr(clone(model), "encoder_")

    @pytest.mark.parametrize("cls", [Autoencoder, RelativeAutoencoder])
    @pytest.mark.parametrize("decoder_only", [False, True])
    def test_save_and_load(self, cls, decoder_only, encoder, X, tmp_path):
        model = cls(4, **{**QUICK, "max_epochs": 1})
        model = model.fit_decoder(encoder, X) if decoder_only else model.fit(X)
        save(model, tmp_path / "model")
        loaded = load(tmp_path / "model")
        assert_array_equal(loaded.transform(X), model.transform(X))
        Z = model.transform(X[:5])
        assert_array_equal(loaded.inverse_transform(Z), model.inverse_transform(Z))
        assert_array_equal(loaded.score_samples(X), model.score_samples(X))

    def test_bad_input(self, encoder, X):
        with pytest.raises(TypeError, match="must have a transform"):
            Autoencoder(2).fit_decoder(object(), X)
        with pytest.raises(ValueError, match="not fitted"):
            Autoencoder(2).fit_decoder(PCA(), X)
        with pytest.raises(ValueError, match="augmentation"):
            Autoencoder(2, augmentation=RandomShift(0.1)).fit_decoder(encoder, X)
        model = Autoencoder(6, **QUICK).fit_decoder(encoder, X)
        with pytest.raises(ValueError, match="trained by fit_decoder"):
            model.partial_fit(X)
        with pytest.raises(ValueError, match="features"):
            model.fit_decoder(encoder, X[:, :10])


class TestRelativeAutoencoder:
    def test_representation_is_equation_4(self, relative, X):
        module = relative.net_.module_.double()
        with torch.no_grad():
            z = module.latents(torch.as_tensor(X)).numpy()
        module.float()
        assert z.shape == (600, 6)
        assert_allclose(relative.transform(X), cdist(z, z[:20]), rtol=1e-6, atol=1e-7)
        assert_allclose(np.diag(relative.transform(X[:20])), 0, atol=1e-12)

    def test_learns(self, relative, X):
        assert error(relative, X) < 0.5 * X.var(axis=0).mean()
        assert relative.transform(X).shape == (600, 20)
        assert relative.n_components_ == 6
        assert len(relative.get_feature_names_out()) == 20

    def test_gradients_reach_the_encoder(self, X):
        # Off the start, where the networks' last layers are zero and let no gradient through.
        settings = {**QUICK, "max_epochs": 1, "early_stopping": False}
        model = RelativeAutoencoder(3, n_anchors=10, **settings).fit(X)
        module, batch = model.net_.module_, torch.as_tensor(X[:50], dtype=torch.float32)
        module.decode(module.encode(batch)).sum().backward()
        assert all(p.grad.abs().sum() > 0 for p in module.encoder.parameters() if p.ndim > 1)
        assert all(torch.isfinite(p.grad).all() for p in module.parameters())

    @pytest.mark.parametrize("kind", ["euclidean", "cosine"])
    def test_similarities_are_those_of_the_projection(self, kind):
        rng = np.random.default_rng(0)
        Z = rng.normal(size=(30, 4))
        expected = RelativeProjection(anchors=np.arange(5), similarity=kind).fit_transform(Z)
        function = {"euclidean": euclidean_distances, "cosine": cosines}[kind]
        found = function(torch.as_tensor(Z), torch.as_tensor(Z[:5])).numpy()
        assert_allclose(found, expected, atol=1e-12)

    def test_models_that_share_anchors_understand_each_other(self, X):
        """Far better than plain latents of two random starts, taken for each other's."""
        settings = {**QUICK, "max_epochs": 25, "init": "random"}
        a, b = (
            RelativeAutoencoder(6, anchors=X[:40], **{**settings, "random_state": seed}).fit(X)
            for seed in range(2)
        )
        transfer = ((b.inverse_transform(a.transform(X)) - X) ** 2).mean()
        plain_a, plain_b = (
            Autoencoder(6, **{**settings, "random_state": seed}).fit(X) for seed in range(2)
        )
        nothing = ((plain_b.inverse_transform(plain_a.transform(X)) - X) ** 2).mean()
        assert transfer < 0.7 * nothing
        aligned = LatentStitcher(plain_a, LinearAligner(), plain_b).fit(X).predict(X)
        assert ((aligned - X) ** 2).mean() < 0.7 * nothing

    def test_anchors_by_number_are_those_rows(self, X):
        settings = {**QUICK, "max_epochs": 1}
        by_number = RelativeAutoencoder(3, anchors=[5, 2, 9], **settings).fit(X)
        by_rows = RelativeAutoencoder(3, anchors=X[[5, 2, 9]], **settings).fit(X)
        assert_array_equal(by_number.transform(X), by_rows.transform(X))
        assert list(by_number.anchor_indices_) == [5, 2, 9]
        assert by_rows.anchor_indices_ is None

    def test_drawn_anchors(self, X):
        settings = {**QUICK, "max_epochs": 1}
        first, second = (RelativeAutoencoder(3, n_anchors=12, **settings).fit(X) for _ in range(2))
        assert_array_equal(first.anchor_indices_, second.anchor_indices_)
        with pytest.warns(UserWarning, match="n_anchors=100 is more than the 30 rows"):
            RelativeAutoencoder(3, **settings).fit(X[:30])

    def test_anchors_are_drawn_for_the_rows_names(self, X):
        settings = {**QUICK, "max_epochs": 1, "n_anchors": 12}
        frame = pd.DataFrame(X[:200], index=[f"row {i}" for i in range(200)])
        model = RelativeAutoencoder(3, **settings).fit(frame)
        order = np.random.default_rng(0).permutation(200)
        for moved, names in ((frame.iloc[order], None), (X[:200][order], frame.index[order])):
            other = RelativeAutoencoder(3, **settings).fit(moved, sample_ids=names)
            assert_array_equal(other.transform(X), model.transform(X))
            assert_array_equal(order[other.anchor_indices_], model.anchor_indices_)
        spared = np.setdiff1d(np.arange(200), model.anchor_indices_)[:20]
        fewer = RelativeAutoencoder(3, **settings).fit(frame.drop(index=frame.index[spared]))
        assert_array_equal(fewer.anchors_, model.anchors_)
        other = RelativeAutoencoder(3, **{**settings, "random_state": 1}).fit(frame)
        assert set(other.anchor_indices_) != set(model.anchor_indices_)

    def test_a_decoder_alone_is_trained_for_the_rows_names_too(self, encoder, X):
        settings = {**QUICK, "max_epochs": 1, "n_anchors": 12}
        order = np.random.default_rng(0).permutation(600)
        one, other = (
            RelativeAutoencoder(3, **settings).fit_decoder(encoder, X[rows], sample_ids=rows)
            for rows in (np.arange(600), order)
        )
        R = one.transform(X)
        assert_array_equal(other.transform(X), R)
        assert_allclose(other.inverse_transform(R), one.inverse_transform(R), atol=1e-6)

    def test_continuing_keeps_the_anchors(self, X):
        model = RelativeAutoencoder(3, n_anchors=12, hidden_layer_sizes=(8,), random_state=None)
        anchors = model.partial_fit(X).anchors_
        assert model.partial_fit(X).anchors_ is anchors

    def test_decoder_only(self, encoder, X):
        model = RelativeAutoencoder(2, anchors=np.arange(40), **QUICK).fit_decoder(encoder, X)
        Z = encoder.transform(X)
        assert_allclose(model.transform(X), cdist(Z, Z[:40]), atol=1e-12)
        assert model.n_components_ == 6
        assert error(model, X) < 0.5 * X.var(axis=0).mean()

    def test_callable_similarity(self, X):
        model = RelativeAutoencoder(
            3, anchors=[0, 1], similarity=lambda z, a: z @ a.transpose(-1, -2), **QUICK
        ).fit(X)
        assert model.transform(X).shape == (600, 2)

    def test_bad_anchors(self, X):
        with pytest.raises(ValueError, match="outside the data"):
            RelativeAutoencoder(3, anchors=[600]).fit(X)
        with pytest.raises(ValueError, match="anchors has 10 columns and X has 64"):
            RelativeAutoencoder(3, anchors=X[:4, :10]).fit(X)
        model = RelativeAutoencoder(3, anchors=[0, 1], **{**QUICK, "max_epochs": 1}).fit(X)
        with pytest.raises(ValueError, match="latent dimensions"):
            model.inverse_transform(np.zeros((2, 3)))

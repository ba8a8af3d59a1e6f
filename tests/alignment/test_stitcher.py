"""LatentStitcher: trained parts, kept trained."""

import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklatent.alignment import LatentStitcher, LinearAligner, RigidAligner


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:400]


@pytest.fixture(scope="module")
def models(X):
    """Two models of the same data with different axes, of which any linear map makes the other."""
    return PCA(6).fit(X), PCA(6, whiten=True).fit(X)


def by_hand(encoder, aligner, decoder, X):
    return decoder.inverse_transform(aligner.transform(encoder.transform(X)))


class TestComposition:
    def test_is_encoder_aligner_decoder(self, X, models):
        source, target = models
        aligner = LinearAligner().fit(source.transform(X), target.transform(X))
        stitcher = LatentStitcher(source, aligner, target).fit(X)
        expected = by_hand(source, aligner, target, X)
        assert_allclose(stitcher.transform(X), expected)
        assert_allclose(stitcher.predict(X), expected)
        assert stitcher.n_targets_ == 64
        assert stitcher.aligner_ is aligner

    def test_fits_an_aligner_that_is_not_fitted(self, X, models):
        source, target = models
        aligner = LinearAligner()
        stitcher = LatentStitcher(source, aligner, target).fit(X[:200])
        expected = LinearAligner().fit(source.transform(X[:200]), target.transform(X[:200]))
        assert_allclose(stitcher.aligner_.coef_, expected.coef_)
        assert not hasattr(aligner, "coef_")
        # Both span the same space, so that the linear map loses nothing.
        assert_allclose(
            stitcher.predict(X), source.inverse_transform(source.transform(X)), atol=1e-6
        )

    def test_needs_no_fit_when_all_parts_are_fitted(self, X, models):
        source, target = models
        aligner = LinearAligner().fit(source.transform(X), target.transform(X))
        stitcher = LatentStitcher(source, aligner, target)
        assert_allclose(stitcher.predict(X), by_hand(source, aligner, target, X))
        with pytest.raises(NotFittedError):
            LatentStitcher(source, LinearAligner(), target).predict(X)
        with pytest.raises(NotFittedError):
            LatentStitcher(PCA(6), aligner, target).predict(X)

    def test_back(self, X, models):
        source, target = models
        stitcher = LatentStitcher(source, None, target).fit(X)
        Y = stitcher.predict(X)
        assert_allclose(stitcher.inverse_transform(Y), Y, atol=1e-6)

    def test_models_of_different_inputs(self, X, models):
        source, _ = models
        Y = X[:, :30] ** 2
        target = make_pipeline(StandardScaler(), PCA(4)).fit(Y)
        stitcher = LatentStitcher(source, LinearAligner(), target).fit(X, Y)
        assert stitcher.predict(X).shape == Y.shape
        assert 0.3 < stitcher.score(X, Y) < 1

    def test_parts_that_are_not_fitted_are(self, X):
        encoder = make_pipeline(MinMaxScaler(), PCA(5))
        stitcher = LatentStitcher(encoder, RigidAligner(), PCA(5)).fit(X)
        assert not hasattr(encoder[-1], "components_")
        plain = make_pipeline(MinMaxScaler(), PCA(5)).fit(X)
        assert_allclose(stitcher.encoder_[-1].components_, plain[-1].components_)
        assert stitcher.predict(X).shape == X.shape

    def test_no_parts_is_an_aligner(self, X):
        stitcher = LatentStitcher().fit(X[:, 20:25], X[:, 30:33])
        expected = LinearAligner().fit(X[:, 20:25], X[:, 30:33])
        assert_allclose(stitcher.predict(X[:, 20:25]), expected.predict(X[:, 20:25]))


class TestClone:
    def test_keeps_parts_fitted(self, X, models):
        source, target = models
        aligner = LinearAligner().fit(source.transform(X), target.transform(X))
        copy = clone(LatentStitcher(source, aligner, target))
        for name in ("encoder", "aligner", "decoder"):
            assert isinstance(getattr(copy, name), FrozenEstimator)
        assert_allclose(copy.fit(X[:50]).predict(X), by_hand(source, aligner, target, X))
        again = clone(copy)
        assert again.encoder is copy.encoder
        assert not hasattr(clone(copy), "aligner_")

    def test_leaves_unfitted_parts_unfitted(self, X, models):
        copy = clone(LatentStitcher(models[0], LinearAligner(alpha=2), PCA(6)))
        assert isinstance(copy.encoder, FrozenEstimator)
        assert copy.aligner.alpha == 2
        assert isinstance(copy.decoder, PCA)

    def test_cross_val_score_trains_only_the_aligner(self, X, models):
        source, target = models
        before = source.components_.copy()
        scores = cross_val_score(LatentStitcher(source, LinearAligner(), target), X, X, cv=3)
        expected = [
            r2_score(
                X[test],
                source.inverse_transform(source.transform(X[test])),
                multioutput="variance_weighted",
            )
            for _, test in KFold(3).split(X)
        ]
        assert_allclose(scores, expected, atol=1e-6)
        assert_array_equal(source.components_, before)
        # Without y as well: the target is X itself.
        assert_allclose(
            cross_val_score(LatentStitcher(source, LinearAligner(), target), X, cv=3), scores
        )

    def test_grid_search_over_the_aligner(self, X, models):
        source, target = models
        search = GridSearchCV(
            LatentStitcher(source, LinearAligner(), target),
            {"aligner": [LinearAligner(), RigidAligner()]},
            cv=3,
        ).fit(X, X)
        assert isinstance(search.best_params_["aligner"], LinearAligner)


class TestBadInput:
    def test_decoder_of_another_width(self, X, models):
        source, _ = models
        aligner = LinearAligner().fit(source.transform(X), X[:, 20:24])
        with pytest.raises(ValueError, match="maps to 4 latents, but the decoder takes 5"):
            LatentStitcher(source, aligner, PCA(5).fit(X)).fit(X)
        decoder = make_pipeline(StandardScaler(), PCA(5)).fit(X)
        with pytest.raises(ValueError, match="maps to 4 latents, but the decoder takes 5"):
            LatentStitcher(source, aligner, decoder).fit(X)

    def test_encoder_of_another_width(self, X, models):
        source, target = models
        aligner = LinearAligner().fit(X[:, 20:24], target.transform(X))
        with pytest.raises(ValueError, match="gives 6 latents, but the aligner was fitted on 4"):
            LatentStitcher(source, aligner, target).fit(X)

    def test_parts_that_cannot_do_their_part(self, X, models):
        source, _ = models
        with pytest.raises(ValueError, match="'decoder' parameter"):
            LatentStitcher(source, LinearAligner(), LinearRegression()).fit(X)
        with pytest.raises(ValueError, match="'encoder' parameter"):
            LatentStitcher(5, LinearAligner()).fit(X)

    def test_lengths(self, X, models):
        with pytest.raises(ValueError, match="inconsistent"):
            LatentStitcher(models[0], LinearAligner(), models[1]).fit(X, X[:-1])

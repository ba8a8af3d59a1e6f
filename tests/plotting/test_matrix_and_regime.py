"""PolarizedRegimeDisplay and SimilarityMatrixDisplay: what is drawn is what was given."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent._posterior import Posterior
from sklatent.channels import ChannelFingerprints, ChannelHotspots, channel_similarity
from sklatent.metrics import polarized_regime
from sklatent.plotting import PolarizedRegimeDisplay, SimilarityMatrixDisplay


@pytest.fixture(autouse=True)
def agg():
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    yield plt
    plt.close("all")


class Encoder(PCA):
    """A PCA with posteriors of growing variance."""

    def encode(self, X):
        mean = self.transform(X) / 3
        return Posterior(mean, log_var=np.tile(np.linspace(-4, -0.1, mean.shape[1]), (len(X), 1)))


class Ensemble(Encoder):
    """Encoders on parts of the data."""

    def fit(self, X, y=None):
        super().fit(X)
        self.estimators_ = [Encoder(self.n_components).fit(X[i::2]) for i in range(2)]
        return self


@pytest.fixture(scope="module")
def X():
    rng = np.random.RandomState(0)
    return rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))


def heights(display):
    return [line.get_ydata() for line in display.lines_]


def test_regime_of_a_model_in_a_pipeline(X):
    pipeline = make_pipeline(StandardScaler(), Encoder(3)).fit(X)
    expected = polarized_regime(pipeline[-1].encode(pipeline[0].transform(X)))
    display = PolarizedRegimeDisplay.from_estimator(pipeline, X, sort=False)
    np.testing.assert_allclose(heights(display), [expected])
    assert display.ax_.get_legend() is None
    assert display.infinite_ == []
    assert "log" in display.ax_.get_ylabel()


def test_regime_of_several_models_is_sorted_by_activity(X):
    models = [Encoder(3).fit(X), Encoder(3).fit(X[::-1][:30])]
    display = PolarizedRegimeDisplay.from_estimator(models, X, names=["ours", "theirs"])
    for height, model in zip(heights(display), models, strict=True):
        np.testing.assert_allclose(height, np.sort(polarized_regime(model.encode(X))))
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["ours", "theirs"]


def test_regime_of_an_ensemble_is_its_members(X):
    scaled = StandardScaler().fit_transform(X)
    pipeline = make_pipeline(StandardScaler(), Ensemble(3)).fit(X)
    display = PolarizedRegimeDisplay.from_estimator(pipeline, X, sort=False)
    expected = [polarized_regime(each.encode(scaled)) for each in pipeline[-1].estimators_]
    np.testing.assert_allclose(heights(display), expected)


def test_components_equal_to_the_prior_stand_at_the_top(agg):
    posterior = Posterior(np.zeros((5, 2)), log_var=np.array([[-3.0, 0.0]] * 5))
    _, ax = agg.subplots()
    display = PolarizedRegimeDisplay.from_predictions(posterior, ax=ax)
    assert display.ax_ is ax
    (height,) = heights(display)
    assert np.isfinite(height[0])
    assert np.isnan(height[1])
    ((position, top),) = display.infinite_[0].get_offsets()
    assert position == 1
    assert top > np.nanmax(height)
    np.testing.assert_array_equal(display.log_error[0, 1], np.inf)


def test_regime_draws_again_and_takes_line_settings(X):
    display = PolarizedRegimeDisplay.from_estimator(Encoder(2).fit(X), X)
    first = display.ax_
    again = display.plot(line_kwargs={"marker": "s", "color": "red"})
    assert again is display
    assert display.ax_ is not first
    assert display.lines_[0].get_marker() == "s"


def test_bad_regimes(X):
    posterior = Encoder(2).fit(X).encode(X)
    with pytest.raises(ValueError, match="2 names for 1"):
        PolarizedRegimeDisplay.from_predictions(posterior, names=["a", "b"])
    with pytest.raises(ValueError, match="same number of components"):
        PolarizedRegimeDisplay.from_predictions([posterior, Encoder(3).fit(X).encode(X)])
    with pytest.raises(ValueError, match="no posteriors"):
        PolarizedRegimeDisplay.from_predictions([])
    with pytest.raises(TypeError, match="no method `encode`"):
        PolarizedRegimeDisplay.from_estimator(PCA(2).fit(X), X)


def test_matrix_is_drawn_in_order_with_groups_framed():
    similarity = np.arange(16).reshape(4, 4) / 16
    display = SimilarityMatrixDisplay.from_predictions(
        similarity, order=[2, 0, 3], groups=[1, -1, 1, 0], names=list("abcd")
    )
    shown = np.asarray(display.image_.get_array())
    np.testing.assert_allclose(shown, similarity[np.ix_([2, 0, 3], [2, 0, 3])])
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["c", "a", "d"]
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == labels
    boxes = [(f.get_x(), f.get_y(), f.get_width(), f.get_height()) for f in display.frames_]
    assert boxes == [(-0.5, -0.5, 2, 2), (1.5, 1.5, 1, 1)]
    assert display.image_.get_clim() == (0, 1)
    assert display.colorbar_.ax.get_ylabel() == "similarity"


def test_rectangular_matrix_beyond_one(agg):
    _, ax = agg.subplots()
    display = SimilarityMatrixDisplay.from_predictions(
        [[0.1, 1.2], [np.nan, 0.4], [0.0, 0.3]], column_names=["x", "y"], ax=ax, colorbar=False
    )
    assert display.ax_ is ax
    assert display.colorbar_ is None
    assert display.image_.get_clim() == (0, 1.2)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["x", "y"]
    assert list(ax.get_yticklabels()) == []
    assert np.ma.getmaskarray(display.image_.get_array())[1, 0]
    again = display.plot(imshow_kwargs={"vmax": 5.0, "cmap": "magma"})
    assert again.image_.get_clim() == (0, 5)


def test_matrix_of_the_components_of_models(X):
    models = [Encoder(2).fit(X), Encoder(3).fit(X[::2])]
    encoded = [model.encode(X) for model in models]
    fingerprints = ChannelFingerprints.from_posteriors(
        np.hstack([each.mean for each in encoded]).T,
        np.hstack([each.log_var for each in encoded]).T,
    )
    for metric in ("nmi", "vi"):
        expected = channel_similarity(fingerprints, metric=metric)
        expected = expected if metric == "nmi" else np.exp(-expected)
        display = SimilarityMatrixDisplay.from_estimator(models, X, metric=metric)
        np.testing.assert_allclose(display.similarity, expected)
        assert [frame.get_width() for frame in display.frames_] == [2, 3]
        assert display.names == ["0.z0", "0.z1", "1.z0", "1.z1", "1.z2"]
    ensemble = Ensemble(2).fit(X)
    assert SimilarityMatrixDisplay.from_estimator(ensemble, X).similarity.shape == (4, 4)


def test_matrix_of_hotspots():
    rng = np.random.RandomState(0)
    means = np.repeat(rng.uniform(-2, 2, size=(2, 60)), 6, axis=0)
    means = np.vstack([means + 0.05 * rng.normal(size=means.shape), np.zeros((1, 60))])
    log_vars = np.full_like(means, -3.0)
    log_vars[-1] = 0
    channels = ChannelFingerprints.from_posteriors(means, log_vars)
    hotspots = ChannelHotspots(min_samples=4).fit(channels)
    display = SimilarityMatrixDisplay.from_estimator(hotspots)
    # The channel that says nothing is left out; the two fragments are two blocks.
    assert np.asarray(display.image_.get_array()).shape == (12, 12)
    assert len(display.frames_) == 2
    assert display.similarity_name == "NMI"


@pytest.mark.parametrize(
    ("similarity", "options", "message"),
    [
        (np.zeros(3), {}, "must be a matrix"),
        (np.zeros((2, 3)), {"order": [0, 1]}, "square matrices"),
        (np.zeros((2, 3)), {"groups": [0, 1]}, "square matrices"),
        (np.eye(2), {"order": [0, 0]}, "once"),
        (np.eye(2), {"order": [0, 2]}, "indices of the 2 rows"),
        (np.eye(2), {"groups": [0]}, "groups must have length 2"),
        (np.eye(2), {"names": ["a"]}, "names must have length 2"),
        (np.zeros((2, 3)), {"column_names": ["a", "b"]}, "column_names must have length 3"),
    ],
)
def test_bad_matrices(similarity, options, message):
    with pytest.raises(ValueError, match=message):
        SimilarityMatrixDisplay.from_predictions(similarity, **options)


def test_models_need_data(X):
    with pytest.raises(ValueError, match="pass the data X"):
        SimilarityMatrixDisplay.from_estimator([Encoder(2).fit(X)])

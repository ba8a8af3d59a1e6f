"""ReachabilityDisplay: what is drawn is what was found."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from sklatent._posterior import Posterior
from sklatent.channels import ChannelFingerprints, ChannelHotspots
from sklatent.plotting import ReachabilityDisplay


@pytest.fixture(autouse=True)
def agg():
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    yield plt
    plt.close("all")


class Encoder(PCA):
    """A PCA with posteriors."""

    image_shape = (1, 2, 3)

    def encode(self, X):
        mean = 3 * self.transform(X)
        return Posterior(mean, log_var=np.full_like(mean, -1.0))


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2)) @ rng.normal(size=(2, 6)) + 0.01 * rng.normal(size=(80, 6))
    models = [Encoder(2).fit(X[rng.permutation(80)[:60]]) for _ in range(8)]
    channels = ChannelFingerprints.from_models(models, X)
    silent = ChannelFingerprints.from_posteriors(np.zeros((1, 80)), np.zeros((1, 80)))
    return X, models, ChannelHotspots(min_samples=4).fit(channels + silent)


def test_profile_matrix_and_strip_show_what_was_found(found):
    X, _, hotspots = found
    display = ReachabilityDisplay.from_estimator(
        hotspots, factors=X[:, :3] > 0, factor_names=["a", "b", "c"]
    )
    shown = hotspots.ordering_[:-1]
    np.testing.assert_array_equal(display.order, shown)
    np.testing.assert_array_equal(
        display.matrix_.image_.get_array(), hotspots.similarity_[np.ix_(shown, shown)]
    )
    bars = display.reachability_ax_.patches[: len(shown)]
    heights = np.array([bar.get_height() for bar in bars])
    finite = np.isfinite(hotspots.reachability_[shown])
    np.testing.assert_allclose(heights[finite], hotspots.reachability_[shown][finite])
    assert not finite[0]
    assert heights[0] == heights.max()
    strip = display.factor_ax_.images[0].get_array()
    np.testing.assert_allclose(
        strip, hotspots.channel_factor_similarity(X[:, :3] > 0)[shown], equal_nan=True
    )
    assert [t.get_text() for t in display.factor_ax_.get_xticklabels()] == ["a", "b", "c"]
    assert display.traversal_ax_ is None
    assert len(display.matrix_.frames_) == len(hotspots.representatives_)


def test_traversals_move_the_representatives(found, agg):
    _, models, hotspots = found
    _, ax = agg.subplots()
    display = ReachabilityDisplay.from_estimator(hotspots, models=models, n_values=5, ax=ax)
    assert display.ax_ is ax
    assert display.traversals.shape == (len(hotspots.representatives_), 5, 6)
    channel = hotspots.representatives_[0]
    Z = np.zeros((5, 2))
    component = hotspots.fingerprints_.component[channel]
    Z[:, component] = np.linspace(-2, 2, 5)
    expected = models[hotspots.fingerprints_.model[channel]].inverse_transform(Z)
    np.testing.assert_allclose(display.traversals[0], expected)
    assert display.image_shape == (1, 2, 3)
    labels = [text.get_text() for text in display.traversal_ax_.get_yticklabels()]
    assert labels == [f"group {k}" for k in range(len(hotspots.representatives_))]
    display.figure_.canvas.draw()


def test_without_groups_or_factors():
    display = ReachabilityDisplay.from_predictions([np.inf, 0.1, 0.4], np.eye(3))
    assert display.matrix_.frames_ == []
    assert display.factor_ax_ is None
    assert display.plot() is display


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"similarity": np.eye(2)}, "n_channels"),
        ({"order": []}, "no channel to draw"),
        ({"factor_similarity": np.zeros((2, 2))}, "factor_similarity must have shape"),
        ({"factor_similarity": np.zeros((3, 2)), "factor_names": ["a"]}, "1 names for 2"),
        ({"traversals": np.zeros((2, 3, 4)), "groups": [0, 0, -1]}, "n_groups=1"),
    ],
)
def test_bad_input(arguments, message):
    arguments = {"reachability": np.ones(3), "similarity": np.eye(3)} | arguments
    with pytest.raises(ValueError, match=message):
        ReachabilityDisplay.from_predictions(**arguments)


def test_models_that_are_not_the_channels(found):
    _, models, hotspots = found
    with pytest.raises(ValueError, match="is no component of the 0 models given"):
        ReachabilityDisplay.from_estimator(hotspots, models=[])
    assert len(models) == 8

"""LinearMapDisplay: what is drawn is what was given."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import polar
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sklatent.alignment import ICPAligner, LinearAligner, RigidAligner, StitchingAligner
from sklatent.plotting import LinearMapDisplay


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    return X, X @ rng.normal(size=(4, 4)) + 0.1 * rng.normal(size=(80, 4))


@pytest.mark.parametrize(
    "aligner", [LinearAligner(), RigidAligner(scaling=True), ICPAligner()], ids=str
)
def test_draws_the_map_of_an_aligner(pair, aligner):
    X, Y = pair
    display = LinearMapDisplay.from_estimator(aligner.fit(X, Y))
    assert_allclose(X @ display.matrix.T + aligner.intercept_, aligner.transform(X))
    assert_array_equal(display.images_[0].get_array(), display.matrix)
    assert_array_equal(display.images_[1].get_array(), display.permutation)
    assert_array_equal(display.line_.get_ydata(), display.spectrum)
    assert len(display.axes_) == 3


def test_spectrum_is_that_of_the_polar_factor(pair):
    display = LinearMapDisplay.from_estimator(LinearAligner().fit(*pair))
    stretch = polar(display.matrix)[1]
    assert_allclose(display.spectrum, np.linalg.eigvalsh(stretch)[::-1])
    rigid = LinearMapDisplay.from_estimator(RigidAligner().fit(*pair))
    assert_allclose(rigid.spectrum, 1)


def test_pipeline_ends_in_the_aligner(pair):
    X, Y = pair
    pipeline = make_pipeline(PCA(), LinearAligner()).fit(X, Y)
    display = LinearMapDisplay.from_estimator(pipeline)
    assert_array_equal(display.matrix, pipeline[-1].coef_)


def test_signed_permutation_is_its_own_nearest():
    P = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    display = LinearMapDisplay.from_predictions(P)
    assert_array_equal(display.permutation, P)
    assert display.distance == 0
    # Source axes run along the columns, as in matrix @ z.
    assert display.axes_[0].get_xlabel() == "source axis"


def test_without_a_square_there_is_no_permutation(pair):
    X, Y = pair
    display = LinearMapDisplay.from_estimator(LinearAligner().fit(X, Y[:, :2]))
    assert display.permutation is None
    assert len(display.axes_) == 2
    assert display.matrix.shape == (2, 4)


def test_given_axes_and_settings(pair):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3)
    display = LinearMapDisplay.from_predictions(np.eye(3), ax=axes, imshow_kwargs={"cmap": "gray"})
    assert display.figure_ is figure
    assert display.images_[0].get_cmap().name == "gray"
    with pytest.raises(ValueError, match="ax must be 3 axes, got 1"):
        LinearMapDisplay.from_predictions(np.eye(3), ax=axes[0])


def test_bad_input(pair):
    with pytest.raises(NotFittedError):
        LinearMapDisplay.from_estimator(LinearAligner())
    with pytest.raises(ValueError, match="finite"):
        LinearMapDisplay.from_predictions([[np.nan]])
    bent = StitchingAligner(max_epochs=1).fit(*pair)
    with pytest.raises(TypeError, match="no matrix to draw"):
        LinearMapDisplay.from_estimator(bent)

"""TransformationDisplay: the grid holds what the model's own methods return."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sklatent import VAE, TransformVAE
from sklatent.plotting import TransformationDisplay
from sklatent.transformations import RandomRotation, RandomShift

SHAPE = (1, 8, 8)
SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 1, "random_state": 0, "likelihood": "bernoulli"}


@pytest.fixture(autouse=True)
def agg():
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    yield plt
    plt.close("all")


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:200] / 16


@pytest.fixture(scope="module", params=["additive", "matrix"])
def model(X, request):
    return TransformVAE(
        3,
        transformation=RandomRotation(45),
        latent_transformation=request.param,
        image_shape=SHAPE,
        latent_layer_sizes=(8,),
        **SMALL,
    ).fit(X)


def test_transfer_takes_t_from_the_first_and_moves_the_others(model, X):
    display = TransformationDisplay.from_estimator(model, X[:5], random_state=3)
    forward, inverse = model.transformation.sample(X[:1], 3, SHAPE)
    T = model.infer_transformation(forward, inverse)[0]
    np.testing.assert_array_equal(display.images[0], X[:5])
    for row, view, backwards in ((1, forward, False), (2, inverse, True)):
        np.testing.assert_array_equal(display.images[row, 0], view[0])
        moved = model.apply_transformation(X[1:5], T, inverse=backwards)
        np.testing.assert_array_equal(display.images[row, 1:], moved)
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == display.row_labels
    assert len(display.guides_) == 5
    assert display.figure_ is display.ax_.figure
    picture = display.image_.get_array()
    assert picture.shape == (3 * 8 + 2, 5 * 8 + 4)
    np.testing.assert_allclose(picture[9:17, 9:17], display.images[1, 1].reshape(8, 8))
    # Every guide runs through the middle of its image.
    assert [line.get_xdata()[0] for line in display.guides_] == [3.5 + 9 * k for k in range(5)]


def test_transfer_of_given_views(model, X, agg):
    views = X[:1] ** 2, X[:1] ** 3
    _, ax = agg.subplots()
    display = TransformationDisplay.from_estimator(model, X[:4], views=views, ax=ax)
    np.testing.assert_array_equal(display.images[1:, 0], np.vstack(views))
    assert display.ax_ is ax


def test_interpolation_beside_other_models(model, X):
    vae = VAE(3, **SMALL).fit(X)
    display = TransformationDisplay.from_estimator(
        model, X[:6], kind="interpolation", compare={"VAE": vae}, random_state=0
    )
    assert display.row_labels == ["x", "view", "inverse view", "TransformVAE", "VAE"]
    forward, inverse = model.transformation.sample(X[:6], 0, SHAPE)
    np.testing.assert_array_equal(display.images[1], forward)
    np.testing.assert_array_equal(display.images[3], model.interpolate(forward, inverse))
    between = (vae.transform(forward) + vae.transform(inverse)) / 2
    np.testing.assert_array_equal(display.images[4], vae.inverse_transform(between))
    assert display.guides_ == []


def test_vectors_are_heat_maps():
    X = np.random.RandomState(0).normal(size=(100, 5))
    model = TransformVAE(
        2,
        transformation=RandomShift(1.0),
        latent_layer_sizes=(8,),
        batch_size=50,
        **SMALL | {"likelihood": "gaussian"},
    ).fit(X)
    display = TransformationDisplay.from_estimator(model, X[:4], random_state=0)
    assert display.images.shape == (3, 4, 5)
    assert display.guides_ == []


def test_bad_input(model, X):
    with pytest.raises(ValueError, match="kind='figure 3' is unknown"):
        TransformationDisplay.from_estimator(model, X, kind="figure 3")
    with pytest.raises(ValueError, match="there must be others"):
        TransformationDisplay.from_estimator(model, X[:1])
    with pytest.raises(ValueError, match="compare is for"):
        TransformationDisplay.from_estimator(model, X[:3], compare={"VAE": model})
    with pytest.raises(ValueError, match="same shape"):
        TransformationDisplay.from_predictions([X[:3], X[:2]], ["a", "b"])
    with pytest.raises(ValueError, match="2 rows of images have 1 labels"):
        TransformationDisplay.from_predictions([X[:3], X[:3]], ["a"])
    given = TransformVAE(3, latent_layer_sizes=(8,), **SMALL).fit_triplets(X, X, X)
    with pytest.raises(ValueError, match="pass views"):
        TransformationDisplay.from_estimator(given, X[:3])

"""Displays: the artists hold the data; matplotlib is imported only to draw."""

import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklatent import RosettaPoints
from sklatent.plotting import (
    EmbeddingDisplay,
    LatentTraversalDisplay,
    ReconstructionDisplay,
    SearchDisplay,
)
from sklatent.plotting._drawing import mosaic, to_images


@pytest.fixture(autouse=True)
def agg():
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    yield plt
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return X[:200], y[:200]


@pytest.fixture(scope="module")
def model(data):
    return PCA(n_components=4, random_state=0).fit(data[0])


class Anchored(PCA):
    """A PCA with a model's own parameters."""

    rosetta_points = None
    image_shape = (1, 8, 8)


def offsets(scatter):
    return np.asarray(scatter.get_offsets())


# --- EmbeddingDisplay -------------------------------------------------------------------------


def test_embedding_of_two_components_is_drawn_as_it_is(data):
    X, y = data
    Z = PCA(2).fit_transform(X)
    display = EmbeddingDisplay.from_predictions(Z, y)
    assert [s.get_label() for s in display.scatters_] == [str(i) for i in range(10)]
    for label, scatter in enumerate(display.scatters_):
        np.testing.assert_allclose(offsets(scatter), Z[y == label])
    colors = {tuple(s.get_facecolor()[0]) for s in display.scatters_}
    assert len(colors) == 10
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("z0", "z1")
    assert display.anchors_ is None
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == list("0123456789")


def test_embedding_of_more_components_by_pca(data, model):
    X, _ = data
    Z = model.transform(X)
    display = EmbeddingDisplay.from_estimator(model, X)
    # Latents of a PCA are their own principal components, up to sign.
    np.testing.assert_allclose(np.abs(offsets(display.scatters_[0])), np.abs(Z[:, :2]), atol=1e-8)
    share = 100 * Z[:, 0].var() / Z.var(axis=0).sum()
    assert display.ax_.get_xlabel() == f"PC 1 ({share:.0f} % of variance)"
    assert display.ax_.get_legend() is None


def test_embedding_of_chosen_components(data, model):
    X, _ = data
    display = EmbeddingDisplay.from_estimator(model, X, projection=(3, -3))
    np.testing.assert_allclose(offsets(display.scatters_[0]), model.transform(X)[:, [3, 1]])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("z3", "z1")


def test_embeddings_on_the_same_axes(data, model):
    """One fitted projection for several displays: equal latents land on equal places."""
    X, _ = data
    Z = model.transform(X)
    projection = PCA(2).fit(Z)
    first = EmbeddingDisplay.from_predictions(Z, projection=projection)
    second = EmbeddingDisplay.from_predictions(Z[:50], projection=projection)
    np.testing.assert_allclose(offsets(second.scatters_[0]), offsets(first.scatters_[0])[:50])


def test_embedding_marks_anchors(data, model):
    X, y = data
    points = RosettaPoints.distill(model, X, 7, random_state=0)
    for anchors in (points, points.Z):
        display = EmbeddingDisplay.from_estimator(model, X, y, anchors=anchors, projection=(0, 2))
        np.testing.assert_allclose(offsets(display.anchors_), points.Z[:, [0, 2]])
        assert display.ax_.get_legend().get_texts()[-1].get_text() == "anchors"


def test_embedding_finds_the_models_own_anchors(data):
    X, _ = data
    pipeline = make_pipeline(StandardScaler(), Anchored(3)).fit(X)
    assert EmbeddingDisplay.from_estimator(pipeline, X).anchors_ is None
    pipeline[-1].rosetta_points = RosettaPoints.distill(pipeline, X, 5)
    assert len(offsets(EmbeddingDisplay.from_estimator(pipeline, X).anchors_)) == 5
    assert EmbeddingDisplay.from_estimator(pipeline, X, anchors=None).anchors_ is None


def test_embedding_coloured_by_numbers(data, model):
    X, _ = data
    display = EmbeddingDisplay.from_estimator(model, X, X.mean(axis=1))
    (scatter,) = display.scatters_
    np.testing.assert_allclose(scatter.get_array(), X.mean(axis=1))
    assert len(display.figure_.axes) == 2  # the colour bar


@pytest.mark.parametrize(
    ("y", "n_scatters"),
    [
        (np.arange(200) % 3, 3),
        (np.arange(200) % 20, 20),
        (np.arange(200), 1),
        (np.arange(200) % 3 / 2, 1),
        (np.array(["a", "b"] * 100), 2),
        (np.array(["a", None] * 100, dtype=object).astype(str), 2),
        (np.arange(200) > 3, 2),
        (pd.Series(["a", "b"] * 100, dtype="category"), 2),
    ],
)
def test_which_labels_are_classes(data, model, y, n_scatters):
    display = EmbeddingDisplay.from_estimator(model, data[0], y)
    assert len(display.scatters_) == n_scatters


def test_embedding_on_given_axes(data, model, agg):
    figure, ax = agg.subplots()
    display = EmbeddingDisplay.from_estimator(
        model, data[0], data[1], ax=ax, scatter_kwargs={"s": 3}, anchor_kwargs={"s": 99},
        anchors=np.zeros((1, 4)),
    )  # fmt: skip
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert display.scatters_[0].get_sizes()[0] == 3
    assert display.anchors_.get_sizes()[0] == 99
    assert display.plot(ax=ax, legend=False) is display


def test_embedding_of_frames(data):
    X, y = data
    frame = pd.DataFrame(X, columns=[f"p{i}" for i in range(64)])
    model = PCA(2).set_output(transform="pandas").fit(frame)
    display = EmbeddingDisplay.from_estimator(model, frame, pd.Series(y))
    assert len(display.scatters_) == 10


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"Z": np.zeros((5, 1))}, "needs two"),
        ({"Z": np.zeros(5)}, "Z must have shape"),
        ({"y": [1, 2]}, r"one label for each of the 5 rows"),
        ({"anchors": np.zeros((2, 3))}, "3 components, but Z has 4"),
        ({"projection": (0, 4)}, "two components out of 4"),
        ({"projection": (0, 1, 2)}, "two components out of 4"),
        ({"projection": "tsne"}, "two components out of 4"),
        ({"projection": PCA(3).fit(np.eye(4))}, "must map to two columns, but maps to 3"),
    ],
)
def test_embedding_of_bad_input(kwargs, message):
    with pytest.raises(ValueError, match=message):
        EmbeddingDisplay.from_predictions(**({"Z": np.zeros((5, 4))} | kwargs))


def test_embedding_of_bad_estimators(data, model):
    with pytest.raises(ValueError, match='anchors must be "auto"'):
        EmbeddingDisplay.from_estimator(model, data[0], anchors="none")
    with pytest.raises(NotFittedError):
        EmbeddingDisplay.from_estimator(PCA(), data[0])
    with pytest.raises(TypeError, match="real numbers"):
        EmbeddingDisplay.from_predictions([["a", "b"]])


def test_collapsed_latents_are_drawn():
    display = EmbeddingDisplay.from_predictions(np.ones((5, 4)))
    assert display.ax_.get_xlabel() == "PC 1 (0 % of variance)"


# --- mosaics ----------------------------------------------------------------------------------


def test_mosaic_puts_each_image_in_its_place():
    images = np.random.RandomState(0).uniform(size=(2, 6, 3, 4, 1))
    picture, rows, columns = mosaic(images, gap=2, block=3)
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            np.testing.assert_array_equal(
                picture[top : top + 3, left : left + 4], images[i, j, ..., 0]
            )
    assert np.isfinite(picture).sum() == images.size
    assert list(np.diff(columns)) == [6, 6, 10, 6, 6]
    assert picture.shape == (rows[-1] + 3, columns[-1] + 4)


def test_to_images_reads_channels_first():
    image = np.random.RandomState(0).uniform(size=(3, 4, 5))
    np.testing.assert_array_equal(
        to_images(image.reshape(1, -1), (3, 4, 5))[0], np.moveaxis(image, 0, 2)
    )


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 9), (2, 4, 8), (1, 1, 8, 8)])
def test_bad_image_shape(shape):
    with pytest.raises(ValueError, match=r"image_shape must be \(channels, height, width\)"):
        to_images(np.zeros((2, 64)), shape)


# --- ReconstructionDisplay --------------------------------------------------------------------


def test_reconstructions_stand_below_their_inputs(data, model):
    X = data[0][:6]
    display = ReconstructionDisplay.from_estimator(model, X, image_shape=(1, 8, 8))
    picture = np.asarray(display.image_.get_array())
    assert picture.shape == (17, 6 * 9 - 1)
    np.testing.assert_array_equal(picture[:8, 9:17], X[1].reshape(8, 8))
    expected = model.inverse_transform(model.transform(X))[5].reshape(8, 8)
    np.testing.assert_allclose(picture[9:, -8:], expected)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["input", "reconstruction"]
    error = ((X - model.inverse_transform(model.transform(X))) ** 2).mean()
    assert display.ax_.get_xlabel() == f"mean squared error {error:.3g}"


def test_reconstruction_takes_the_models_image_shape(data):
    X = data[0]
    pipeline = make_pipeline(FunctionTransformer(), Anchored(3)).fit(X)
    assert ReconstructionDisplay.from_estimator(pipeline, X[:3]).image_shape == (1, 8, 8)


def test_reconstruction_of_data_that_are_no_images(data, model, agg):
    _, ax = agg.subplots()
    display = ReconstructionDisplay.from_estimator(model, data[0][:5], ax=ax)
    picture = np.asarray(display.image_.get_array())
    assert display.ax_ is ax
    np.testing.assert_array_equal(picture[:5], data[0][:5])
    assert picture.shape == (11, 64)


def test_reconstruction_in_colour():
    X = np.random.RandomState(0).uniform(-0.5, 1.5, size=(4, 75))
    display = ReconstructionDisplay.from_predictions(X, X, image_shape=(3, 5, 5))
    picture = np.asarray(display.image_.get_array())
    np.testing.assert_array_equal(picture[:5, :5], np.clip(to_images(X, (3, 5, 5))[0], 0, 1))
    np.testing.assert_array_equal(picture[5], 1.0)


def test_reconstruction_of_bad_input():
    with pytest.raises(ValueError, match=r"same shape, got \(2, 64\) and \(3, 64\)"):
        ReconstructionDisplay.from_predictions(np.zeros((2, 64)), np.zeros((3, 64)))


def test_imshow_kwargs_win(data, model):
    display = ReconstructionDisplay.from_estimator(
        model, data[0][:3], image_shape=(1, 8, 8), imshow_kwargs={"cmap": "magma", "vmax": 3}
    )
    assert display.image_.get_cmap().name == "magma"
    assert display.image_.get_clim()[1] == 3
    norm = mpl.colors.LogNorm(1, 16)
    assert display.plot(imshow_kwargs={"norm": norm}).image_.norm is norm


# --- LatentTraversalDisplay -------------------------------------------------------------------


def test_traversal_moves_one_component_at_a_time(data, model):
    X = data[0][:3]
    display = LatentTraversalDisplay.from_estimator(
        model, X, components=[2, 0], n_values=5, value_range=(-9, 9), image_shape=(1, 8, 8)
    )
    assert display.images.shape == (3, 2, 5, 64)
    for i, code in enumerate(model.transform(X)):
        for j, component in enumerate([2, 0]):
            for k, value in enumerate(np.linspace(-9, 9, 5)):
                moved = code.copy()
                moved[component] = value
                expected = model.inverse_transform(moved[None])[0]
                np.testing.assert_allclose(display.images[i, j, k], expected, atol=1e-9)
    picture = np.asarray(display.image_.get_array())
    # Rows are values; columns are the input and the components, for each input.
    labels = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert labels == ["input", "z2", "z0"] * 3
    lefts = (display.ax_.get_xticks() - 3.5).astype(int)
    tops = (display.ax_.get_yticks() - 3.5).astype(int)
    assert len(tops) == 5
    for i in range(3):
        left = lefts[3 * i]
        np.testing.assert_array_equal(picture[tops[2] :, left:][:8, :8], X[i].reshape(8, 8))
        assert np.isnan(picture[tops[0] : tops[1], left : left + 8]).all()
        for j in range(2):
            for k in range(5):
                shown = picture[tops[k] :, lefts[3 * i + 1 + j] :][:8, :8]
                np.testing.assert_array_equal(shown.ravel(), display.images[i, j, k])


def test_traversal_of_all_components_of_a_pipeline(data):
    pipeline = make_pipeline(StandardScaler(), Anchored(3)).fit(data[0])
    display = LatentTraversalDisplay.from_estimator(pipeline, data[0][:2])
    assert display.images.shape == (2, 3, 7, 64)
    assert display.image_shape == (1, 8, 8)
    assert list(display.values[[0, 3, 6]]) == [-2, 0, 2]


def test_traversal_of_data_that_are_no_images(model, data, agg):
    _, ax = agg.subplots()
    display = LatentTraversalDisplay.from_estimator(model, data[0][:1], components=[1], ax=ax)
    assert display.ax_ is ax
    picture = np.asarray(display.image_.get_array())
    np.testing.assert_array_equal(picture[:, -64:], display.images[0, 0])


def test_traversal_without_inputs():
    images = np.random.RandomState(0).uniform(size=(1, 2, 3, 16))
    display = LatentTraversalDisplay.from_predictions(images, [0, 1, 2], image_shape=(1, 4, 4))
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["z0", "z1"]
    assert np.asarray(display.image_.get_array()).shape == (14, 9)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"components": [4]}, "indices from 0 to 3"),
        ({"components": []}, "at least one"),
        ({"n_values": 1}, "n_values must be at least 2"),
        ({"image_shape": (1, 4, 4)}, "image_shape must be"),
    ],
)
def test_traversal_of_bad_input(model, data, kwargs, message):
    with pytest.raises(ValueError, match=message):
        LatentTraversalDisplay.from_estimator(model, data[0][:2], **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"values": [0, 1]}, "images must have shape"),
        ({"images": np.zeros((2, 3, 16))}, "images must have shape"),
        ({"inputs": np.zeros((2, 16))}, r"inputs must have shape \(1, 16\)"),
        ({"component_names": ["a"]}, "1 names for 2 components"),
    ],
)
def test_traversal_of_bad_predictions(kwargs, message):
    given = {"images": np.zeros((1, 2, 3, 16)), "values": [0, 1, 2]} | kwargs
    with pytest.raises(ValueError, match=message):
        LatentTraversalDisplay.from_predictions(**given)


# --- SearchDisplay ----------------------------------------------------------------------------


class Scored(BaseEstimator):
    """Its score is a known function of its parameters and the fold."""

    def __init__(self, a=1, b=1, kind="x"):
        self.a = a
        self.b = b
        self.kind = kind

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def score(self, X, y=None):
        bonus = 100 if isinstance(self.kind, str) and self.kind == "y" else 0
        return self.a + 10 * self.b + bonus + X[0, 0]


X_SEARCH = np.repeat(np.arange(3.0), 2)[:, None]  # three folds, whose scores are 0, 1, 2 apart


def search(grid, **kwargs):
    return GridSearchCV(Scored(), grid, cv=3, **kwargs).fit(X_SEARCH)


def test_search_over_one_parameter():
    display = SearchDisplay.from_estimator(search({"a": [3, 1, 2]}))
    (line,) = display.lines_
    np.testing.assert_allclose(line[0].get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(line[0].get_ydata(), [12, 13, 14])
    half = stats.t.ppf(0.975, 2) * 1.0 / np.sqrt(3)
    segments = np.array(line[2][0].get_segments())
    np.testing.assert_allclose(np.diff(segments[:, :, 1]).ravel(), 2 * half)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("a", "mean test score")
    assert display.ax_.get_legend() is None


def test_interval_is_scipys():
    scores = np.random.RandomState(0).standard_normal(5)
    results = search({"a": [1]}).cv_results_
    for i in range(3):
        results[f"split{i}_test_score"] = scores[[i]]
    display = SearchDisplay.from_predictions(results, parameters="a", confidence=0.8)
    low, high = stats.t.interval(0.8, 2, scores[:3].mean(), stats.sem(scores[:3]))
    np.testing.assert_allclose(display.scores - display.half_widths, low)
    np.testing.assert_allclose(display.scores + display.half_widths, high)


def test_search_over_two_parameters_of_a_pipeline():
    pipeline = make_pipeline(FunctionTransformer(), Scored())
    grid = {"scored__a": [1, 2], "scored__b": [0, 5, 7]}
    fitted = GridSearchCV(pipeline, grid, cv=3).fit(X_SEARCH)
    display = SearchDisplay.from_estimator(fitted, parameters=["scored__b", "scored__a"])
    assert display.ax_.get_xlabel() == "b"
    assert display.ax_.get_legend().get_title().get_text() == "a"
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == ["1", "2"]
    np.testing.assert_allclose(display.scores, [[2, 52, 72], [3, 53, 73]])
    for line, scores in zip(display.lines_, display.scores, strict=True):
        np.testing.assert_allclose(line[0].get_ydata(), scores)


def test_other_parameters_stay_at_the_best():
    grid = {"a": [1, 2], "b": [1, 2], "kind": ["x", "y"]}
    fitted = search(grid)
    display = SearchDisplay.from_estimator(fitted, parameters="a")
    np.testing.assert_allclose(display.scores, [[1 + 20 + 100 + 1, 2 + 20 + 100 + 1]])
    with pytest.raises(ValueError, match=r"3 parameters vary.*Choose one or two"):
        SearchDisplay.from_estimator(fitted)


def test_parameters_that_do_not_vary_are_left_out():
    display = SearchDisplay.from_estimator(search({"a": [1, 2], "b": [3], "kind": ["y"]}))
    assert display.parameter == "a"
    assert display.line_parameter is None


def test_values_that_are_not_numbers():
    grid = {"kind": ["y", "x"], "a": [1.0, 2.0]}
    display = SearchDisplay.from_estimator(search(grid), parameters=["kind", "a"])
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["y", "x"]
    np.testing.assert_allclose(display.scores, [[112, 12], [113, 13]])
    display = SearchDisplay.from_estimator(search({"kind": [None, (1, 2), np.ones(2), True, 1]}))
    assert len(display.values) == 5


def test_factors_get_a_logarithmic_axis():
    display = SearchDisplay.from_estimator(search({"a": [0.1, 1, 10]}))
    assert display.ax_.get_xscale() == "log"
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["0.1", "1", "10"]
    assert SearchDisplay.from_estimator(search({"a": [0, 1, 10]})).ax_.get_xscale() == "linear"


def test_several_metrics():
    scoring = {"plus": lambda e, X, y=None: e.a, "minus": lambda e, X, y=None: -e.a}
    fitted = search({"a": [1, 2]}, scoring=scoring, refit="plus")
    display = SearchDisplay.from_estimator(fitted, metric="minus")
    np.testing.assert_allclose(display.scores, [[-1, -2]])
    assert display.ax_.get_ylabel() == "mean test minus"
    with pytest.raises(ValueError, match=r"metric must be one of \['plus', 'minus'\], got None"):
        SearchDisplay.from_estimator(fitted)


def test_grids_with_holes_and_single_folds():
    fitted = search([{"a": [1, 2], "b": [1]}, {"a": [3], "b": [2]}])
    scores = SearchDisplay.from_estimator(fitted).scores
    np.testing.assert_array_equal(np.isnan(scores), [[False, False, True], [True, True, False]])
    one = GridSearchCV(Scored(), {"a": [1, 2]}, cv=[(np.arange(4), np.arange(4, 6))]).fit(X_SEARCH)
    display = SearchDisplay.from_estimator(one)
    assert np.isnan(display.half_widths).all()
    assert not display.lines_[0].has_yerr


def test_list_of_grids_that_share_no_parameter():
    fitted = search([{"a": [1, 2]}, {"b": [5]}])
    display = SearchDisplay.from_estimator(fitted, parameters="a")
    assert display.values == [1, 2]


def test_search_of_bad_input():
    fitted = search({"a": [1, 2], "b": [1, 2]})
    with pytest.raises(TypeError, match="fitted search with cv_results_"):
        SearchDisplay.from_estimator(PCA())
    for parameters in ("c", ["a", "a"], [], ["a", "b", "c"]):
        with pytest.raises(ValueError, match=r"one or two of \['a', 'b'\]"):
            SearchDisplay.from_estimator(fitted, parameters=parameters)
    for confidence in (0, 1, 95):
        with pytest.raises(ValueError, match="between 0 and 1"):
            SearchDisplay.from_estimator(fitted, confidence=confidence)


# --- the package ------------------------------------------------------------------------------


def test_matplotlib_is_imported_only_to_draw():
    code = (
        "import sys, numpy as np\n"
        "from sklatent.plotting import EmbeddingDisplay, LatentTraversalDisplay\n"
        "from sklatent.plotting import ReconstructionDisplay, SearchDisplay\n"
        "EmbeddingDisplay(np.zeros((3, 2)))\n"
        "assert 'matplotlib' not in sys.modules\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_global_random_state_is_left_alone(data, model):
    before = np.random.get_state()[1].copy()
    EmbeddingDisplay.from_estimator(model, *data)
    ReconstructionDisplay.from_estimator(model, data[0][:3])
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_a_halving_search_is_drawn_as_learning_curves():
    results = {
        "params": [{"a": 1, "epochs": 1}, {"a": 2, "epochs": 1}, {"a": 2, "epochs": 3}],
        "n_resources": [1, 1, 3],
        "split0_test_score": np.array([0.1, 0.2, 0.5]),
        "split1_test_score": np.array([0.2, 0.3, 0.6]),
        "mean_test_score": np.array([0.15, 0.25, 0.55]),
        "rank_test_score": np.array([3, 2, 1]),
    }
    search = SimpleNamespace(cv_results_=results, resource="epochs")
    display = SearchDisplay.from_estimator(search)
    assert display.parameter == "epochs"
    assert display.values == [1, 3]
    assert display.line_values == [1, 2]
    np.testing.assert_allclose(display.scores, [[0.15, np.nan], [0.25, 0.55]])
    # In another order if it is asked for, and along the resource alone.
    assert SearchDisplay.from_estimator(search, parameters=["a", "epochs"]).parameter == "a"
    results["params"] = [{"epochs": 1}, {"epochs": 2}, {"epochs": 3}]
    assert SearchDisplay.from_estimator(search).parameter == "epochs"

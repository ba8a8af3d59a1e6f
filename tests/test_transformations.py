import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.base import clone

from sklatent import transformations
from sklatent.transformations import (
    Compose,
    FunctionPair,
    RandomAffine,
    RandomCrop,
    RandomRotation,
    RandomScaling,
    RandomShift,
)

SHAPE = (1, 9, 12)


@pytest.fixture
def blobs():
    """Smooth images that fade out towards the border, so that little is lost beyond it."""
    rows, columns = np.mgrid[:28, :28] - 13.5
    widths = np.array([8.0, 12.0, 16.0])[:, None, None]
    images = np.exp(-((rows + 3) ** 2) / widths - (columns - 1) ** 2 / (4 * widths))
    return images.reshape(3, -1)


def scipy_warp(image, matrix):
    """Warp by scipy, a pixel's source found by the inverse of `matrix` acting on (x, y, 1)."""
    source = np.linalg.inv(matrix)
    swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]])  # scipy counts (row, column)
    source = swap @ source @ swap
    centre = (np.array(image.shape) - 1) / 2
    offset = source[:2, 2] + centre - source[:2, :2] @ centre
    return ndimage.affine_transform(image, source[:2, :2], offset, order=1, mode="grid-constant")


def affine_by_hand(rotation, shear, scale, translation):
    """The map of RandomAffine's documentation, step by step, in (x right, y down)."""
    flip = np.diag([1.0, -1.0])  # angles and leaning are spoken of with y upwards
    angle = np.deg2rad(rotation)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    lean = np.array([[1, shear], [0, 1.0]])
    matrix = np.eye(3)
    matrix[:2, :2] = flip @ turn @ lean @ flip * scale
    matrix[:2, 2] = translation
    return matrix


@pytest.mark.parametrize("image_shape", [(1, 9, 12), (2, 7, 7), (3, 8, 5)])
def test_affine_equals_scipy_both_ways(image_shape):
    rng = np.random.RandomState(1)
    X = rng.uniform(size=(5, np.prod(image_shape)))
    affine = RandomAffine(rotation=70, shear=0.4, scale=(0.6, 1.5), translation=2.5)
    forward, inverse, drawn = affine.sample(X, 3, image_shape, return_parameters=True)
    for i in range(len(X)):
        matrix = affine_by_hand(
            drawn["rotation"][i], drawn["shear"][i], drawn["scale"][i], drawn["translation"][i]
        )
        for views, by_hand in ((forward, matrix), (inverse, np.linalg.inv(matrix))):
            for channel, seen in zip(
                X[i].reshape(image_shape), views[i].reshape(image_shape), strict=True
            ):
                np.testing.assert_allclose(seen, scipy_warp(channel, by_hand), atol=1e-9)


def test_rotation_is_counter_clockwise_and_exact_at_right_angles(monkeypatch):
    X = np.random.RandomState(0).uniform(size=(2, 49))

    def always_the_most(random_state, n):
        return lambda k: torch.ones(n, k, dtype=torch.float64)

    monkeypatch.setattr("sklatent.transformations._base._uniform_source", always_the_most)
    forward, inverse = RandomRotation(90).sample(X, 0, (1, 7, 7))
    for image, turned, back in zip(X, forward, inverse, strict=True):
        np.testing.assert_allclose(turned.reshape(7, 7), np.rot90(image.reshape(7, 7)), atol=1e-9)
        np.testing.assert_allclose(back.reshape(7, 7), np.rot90(image.reshape(7, 7), -1), atol=1e-9)
    forward, inverse = RandomAffine(translation=2).sample(X, 0, (1, 7, 7))
    for image, moved in zip(X.reshape(-1, 7, 7), forward.reshape(-1, 7, 7), strict=True):
        np.testing.assert_allclose(moved[2:, 2:], image[:-2, :-2], atol=1e-9)
        np.testing.assert_allclose(moved[:2], 0, atol=1e-9)


def test_rotation_equals_affine_rotation():
    X = np.random.RandomState(0).uniform(size=(50, 108))
    rotation = RandomRotation(60).sample(X, 0, SHAPE, return_parameters=True)
    assert rotation[2]["rotation"].shape == (50,)
    for i in range(5):
        matrix = affine_by_hand(rotation[2]["rotation"][i], 0.0, 1.0, 0.0)
        np.testing.assert_allclose(
            rotation[0][i].reshape(9, 12), scipy_warp(X[i].reshape(9, 12), matrix), atol=1e-9
        )


@pytest.mark.parametrize(
    "transformation",
    [
        RandomRotation(45),
        RandomAffine(rotation=20, shear=0.2, scale=(0.9, 1.1), translation=1.5),
        Compose([RandomRotation(30), RandomAffine(shear=0.2, scale=0.1)]),
    ],
)
def test_views_are_each_others_inverse(blobs, transformation):
    """Warping the forward view by the inverse's parameters comes back, but for blurring."""
    forward, _ = transformation.sample(blobs, 0, (1, 28, 28))
    _, back = transformation.sample(forward, 0, (1, 28, 28))
    error = np.sum((back - blobs) ** 2)
    moved = np.sum((forward - blobs) ** 2)
    assert error < 0.04 * moved


@pytest.mark.parametrize(("size", "window"), [(5, 5), (0.5, (4.5, 6.0))])
def test_crop_is_a_window_enlarged(size, window):
    X = np.random.RandomState(0).uniform(size=(20, 108))
    forward, inverse, drawn = RandomCrop(size).sample(X, 0, SHAPE, return_parameters=True)
    height, width = np.broadcast_to(window, 2)
    assert np.all(drawn["corner"] >= 0)
    assert np.all(drawn["corner"] <= [12 - width, 9 - height])
    assert drawn["corner"].std(0).min() > 0.5
    for i in range(5):
        left, top = drawn["corner"][i]
        # Window coordinates to image coordinates, edges to edges, written out for scipy.
        rows = top + (np.arange(9) + 0.5) * height / 9 - 0.5
        columns = left + (np.arange(12) + 0.5) * width / 12 - 0.5
        image = X[i].reshape(9, 12)
        grid = np.meshgrid(rows, columns, indexing="ij")
        expected = ndimage.map_coordinates(image, grid, order=1, mode="grid-constant")
        np.testing.assert_allclose(forward[i].reshape(9, 12), expected, atol=1e-9)
        rows = (np.arange(9) + 0.5 - top) * 9 / height - 0.5
        columns = (np.arange(12) + 0.5 - left) * 12 / width - 0.5
        grid = np.meshgrid(rows, columns, indexing="ij")
        expected = ndimage.map_coordinates(image, grid, order=1, mode="grid-constant")
        np.testing.assert_allclose(inverse[i].reshape(9, 12), expected, atol=1e-9)


def test_compose_warps_once_by_the_product():
    X = np.random.RandomState(0).uniform(size=(8, 108))
    steps = [RandomRotation(40), RandomAffine(shear=0.3, scale=(0.7, 1.3), translation=1)]
    forward, inverse, (first, second) = Compose(steps).sample(X, 5, SHAPE, return_parameters=True)
    for i in range(len(X)):
        matrix = affine_by_hand(
            second["rotation"][i], second["shear"][i], second["scale"][i], second["translation"][i]
        ) @ affine_by_hand(first["rotation"][i], 0.0, 1.0, 0.0)
        image = X[i].reshape(9, 12)
        np.testing.assert_allclose(forward[i].reshape(9, 12), scipy_warp(image, matrix), atol=1e-9)
        np.testing.assert_allclose(
            inverse[i].reshape(9, 12), scipy_warp(image, np.linalg.inv(matrix)), atol=1e-9
        )


def test_compose_undoes_in_reverse_order():
    X = np.random.RandomState(0).uniform(size=(4, 6))
    views = Compose([RandomScaling(3.0), RandomShift(1.0), FunctionPair(np.exp, np.log)])
    forward, inverse, drawn = views.sample(np.exp(X), 0, return_parameters=True)
    factor, shift = drawn[0]["factor"][:, None], drawn[1]["shift"]
    np.testing.assert_allclose(forward, np.exp(np.exp(X) * factor + shift))
    np.testing.assert_allclose(inverse, (X - shift) / factor)
    assert drawn[2] == {}


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 20),
    width=st.integers(1, 7),
    largest=st.floats(0, 100),
    factor=st.floats(1, 50),
    seed=st.integers(0, 2**31),
)
def test_vector_transformations_undo_themselves(n, width, largest, factor, seed):
    X = np.random.RandomState(seed).normal(size=(n, width))
    for transformation in (RandomShift(largest), RandomScaling(factor)):
        forward, inverse, drawn = transformation.sample(X, seed, return_parameters=True)
        np.testing.assert_allclose(
            transformation.sample(forward, seed)[1], X, atol=1e-12 * (1 + largest), rtol=1e-12
        )
        if "shift" in drawn:
            assert np.abs(drawn["shift"]).max() <= largest
            np.testing.assert_allclose(forward - inverse, 2 * drawn["shift"], atol=1e-12)
        else:
            assert np.all(drawn["factor"] <= factor * (1 + 1e-12))
            assert np.all(drawn["factor"] >= (1 - 1e-12) / factor)
            np.testing.assert_allclose(forward, X * drawn["factor"][:, None])
            np.testing.assert_allclose(inverse * drawn["factor"][:, None], X)


def test_draws_are_uniform_over_their_ranges():
    X = np.zeros((20_000, 4))
    affine = RandomAffine(rotation=20, shear=0.2, scale=(0.8, 1.2), translation=3)
    drawn = affine.sample(X, 0, (1, 2, 2), return_parameters=True)[2]
    ranges = {
        "rotation": (-20, 20),
        "shear": (-0.2, 0.2),
        "scale": (0.8, 1.2),
        "translation": (-3, 3),
    }
    for name, (low, high) in ranges.items():
        unit = (drawn[name] - low) / (high - low)
        assert unit.min() >= 0
        assert unit.max() <= 1
        # The mean's standard error is 0.29 / sqrt(20,000) = 0.002, a decile's 0.0021.
        assert abs(unit.mean(0) - 0.5).max() < 0.011
        deciles = np.histogram(unit, bins=10, range=(0, 1))[0] / unit.size
        assert abs(deciles - 0.1).max() < 0.011
    assert abs(np.corrcoef(np.column_stack(list(drawn.values())).T) - np.eye(5)).max() < 0.04
    factors = RandomScaling(4.0).sample(X, 0, return_parameters=True)[2]["factor"]
    assert abs(np.log(factors).mean()) < 0.03
    assert abs(np.log(factors).std() - np.log(4) / np.sqrt(3)) < 0.02


ALL = [
    RandomRotation(30),
    RandomAffine(10, 0.1, (0.9, 1.1), 1),
    RandomCrop(0.7),
    RandomShift(0.5),
    RandomScaling(1.5),
    Compose([RandomRotation(10), RandomShift(0.1), RandomCrop(5)]),
    FunctionPair(np.negative, np.negative),
]


def test_all_are_tested():
    assert {type(transformation).__name__ for transformation in ALL} == set(transformations.__all__)


@pytest.mark.parametrize("transformation", ALL, ids=lambda t: type(t).__name__)
class TestEveryTransformation:
    def test_seeds_kinds_and_types(self, transformation):
        X = np.random.RandomState(0).uniform(size=(5, 108))
        kept = X.copy()
        numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()
        for dtype in (np.float32, np.float64):
            forward, inverse = transformation.sample(X.astype(dtype), 7, SHAPE)
            assert forward.dtype == inverse.dtype == dtype
            assert forward.shape == inverse.shape == X.shape
            for same_seed in (7, np.random.RandomState(7)):
                again = transformation.sample(X.astype(dtype), same_seed, SHAPE)
                np.testing.assert_array_equal(again[0], forward)
                np.testing.assert_array_equal(again[1], inverse)
            tensors = transformation.sample(torch.from_numpy(X.astype(dtype)), 7, SHAPE)
            for tensor, array in zip(tensors, (forward, inverse), strict=True):
                assert isinstance(tensor, torch.Tensor)
                np.testing.assert_array_equal(tensor.numpy(), array)
        integers = transformation.sample((X * 9).astype(int), 7, SHAPE)[0]
        assert integers.dtype == np.float64
        np.testing.assert_array_equal(X, kept)
        np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
        assert torch.equal(torch.get_rng_state(), torch_state)

    def test_torch_generators(self, transformation):
        X = torch.rand(5, 108, generator=torch.Generator().manual_seed(0))
        torch_state = torch.get_rng_state()
        first = transformation.sample(X, torch.Generator().manual_seed(1), SHAPE)
        second = transformation.sample(X, torch.Generator().manual_seed(1), SHAPE)
        assert torch.equal(first[0], second[0])
        assert torch.equal(first[1], second[1])
        assert torch.equal(torch.get_rng_state(), torch_state)

    def test_different_seeds_and_rows_differ(self, transformation):
        if isinstance(transformation, FunctionPair):
            return
        X = np.tile(np.random.RandomState(0).uniform(size=(1, 108)), (4, 1))
        forward = transformation.sample(X, 0, SHAPE)[0]
        assert not np.allclose(forward, transformation.sample(X, 1, SHAPE)[0])
        assert not np.allclose(transformation.sample(X, None, SHAPE)[0], forward)
        assert not np.allclose(forward[0], forward[1])

    def test_clone_repr_and_pickle(self, transformation):
        X = np.random.RandomState(0).uniform(size=(3, 108))
        expected = transformation.sample(X, 0, SHAPE)[0]
        for copy in (clone(transformation), pickle.loads(pickle.dumps(transformation))):
            assert copy is not transformation
            assert repr(copy) == repr(transformation)
            np.testing.assert_array_equal(copy.sample(X, 0, SHAPE)[0], expected)
        assert type(transformation).__name__ in repr(transformation)

    def test_parameters_have_a_row_for_each_row(self, transformation):
        X = np.random.RandomState(0).uniform(size=(3, 108))
        drawn = transformation.sample(X, 0, SHAPE, return_parameters=True)[2]
        for step in drawn if isinstance(drawn, list) else [drawn]:
            for value in step.values():
                assert isinstance(value, np.ndarray)
                assert len(value) == 3

    def test_wrong_rows(self, transformation):
        with pytest.raises(ValueError, match="NaN"):
            transformation.sample(np.full((2, 108), np.nan), 0, SHAPE)
        with pytest.raises(ValueError, match="2D array"):
            transformation.sample(np.zeros(108), 0, SHAPE)
        with pytest.raises(ValueError, match="Flatten images"):
            transformation.sample(torch.zeros(2, 1, 9, 12), 0, SHAPE)
        with pytest.raises(ValueError, match="random_state|seed"):
            transformation.sample(np.zeros((2, 108)), "seed", SHAPE)


@pytest.mark.parametrize(
    "transformation", [RandomRotation(), RandomAffine(), RandomCrop(), Compose([RandomRotation()])]
)
def test_images_need_a_fitting_image_shape(transformation):
    X = np.zeros((2, 108))
    with pytest.raises(ValueError, match=r"pass image_shape=\(channels, height, width\)"):
        transformation.sample(X, 0)
    with pytest.raises(ValueError, match=r"image_shape=\(1, 9, 9\) does not fit rows of 108"):
        transformation.sample(X, 0, (1, 9, 9))
    with pytest.raises(ValueError, match="does not fit"):
        transformation.sample(X, 0, (9, 12))


@pytest.mark.parametrize(
    ("transformation", "message"),
    [
        (RandomRotation(-1), "max_angle"),
        (RandomRotation("45"), "max_angle"),
        (RandomAffine(shear=-0.1), "shear"),
        (RandomAffine(scale=(1.2, 0.8)), "scale"),
        (RandomAffine(scale=(0.0, 1.0)), "scale"),
        (RandomAffine(scale=1.5), "scale"),
        (RandomAffine(translation=-1), "translation"),
        (RandomCrop(0), "size"),
        (RandomCrop(1.5), "size"),
        (RandomCrop(10), "larger than images of 9 x 12"),
        (RandomShift(-1.0), "max_shift"),
        (RandomShift([1.0, 2.0]), "108 numbers"),
        (RandomScaling(0.5), "max_factor"),
        (FunctionPair(np.exp, None), "inverse"),
        (Compose([]), "at least one"),
        (Compose(RandomRotation()), "transformations"),
    ],
)
def test_wrong_parameters_are_named(transformation, message):
    with pytest.raises(ValueError, match=message):
        transformation.sample(np.zeros((2, 108)), 0, SHAPE)


def test_compose_takes_transformations_only():
    with pytest.raises(TypeError, match="Wrap functions in FunctionPair"):
        Compose([np.exp]).sample(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda X: X[:, :2], r"shape \(2, 2\), expected that of its input, \(2, 3\)"),
        (lambda X: X[:1], r"shape \(1, 3\)"),
        (lambda X: np.full_like(X, np.nan), "NaN"),
        (lambda X: X / 0 if X.any() else X + np.inf, "infinity"),
        (lambda X: X.astype(str), "not numbers"),
    ],
)
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_functions_that_return_nonsense(function, message, kind):
    X = kind(np.zeros((2, 3)))
    for pair, name in (
        (FunctionPair(function, np.abs), "forward"),
        (FunctionPair(np.abs, function), "inverse"),
    ):
        with pytest.raises(ValueError, match=f"The {name} function of FunctionPair.*{message}"):
            pair.sample(X, 0)


def test_functions_cannot_change_the_rows():
    def in_place(X):
        X += 1
        return X

    X = torch.zeros(2, 3)
    forward, _ = FunctionPair(in_place, in_place).sample(X)
    assert torch.equal(X, torch.zeros(2, 3))
    assert torch.equal(forward, torch.ones(2, 3))


def test_parameters_of_steps_are_searchable():
    views = Compose([RandomRotation(30), RandomCrop(0.5)])
    assert views.get_params()["0__max_angle"] == 30
    views.set_params(**{"0__max_angle": 10, "1__size": 0.9})
    assert views.transformations[0].max_angle == 10
    assert views.transformations[1].size == 0.9
    views.set_params(**{"1": RandomShift(2.0), "1__max_shift": 3.0})
    assert views.transformations[1].max_shift == 3.0
    with pytest.raises(ValueError, match="Invalid parameter"):
        views.set_params(**{"2": RandomShift()})
    with pytest.raises(ValueError, match="Invalid parameter"):
        views.set_params(angle=3)


def test_float_scale_is_a_range_about_one():
    assert RandomAffine(scale=0.2)._scale_range() == (0.8, 1.2)


def test_import_does_not_import_torch():
    code = (
        "import sys, sklatent.transformations as t; t.Compose([t.RandomRotation()]);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

import numpy as np
import pytest
from scipy import ndimage
from sklearn.datasets import load_digits

from sklatent.datasets import make_affine_digits
from sklatent.datasets._affine_digits import area_average


@pytest.fixture(scope="module")
def strokes():
    """Images of 28 x 28 with ink in the middle 20 x 20, as MNIST's."""
    rng = np.random.RandomState(0)
    images = np.zeros((40, 28, 28))
    images[:, 4:24, 4:24] = ndimage.gaussian_filter(rng.uniform(size=(40, 20, 20)), (0, 1, 1)) ** 4
    return images.reshape(40, -1)


def by_scipy(image, rotation, shear, scale, translation):
    """Pad to 40 x 40, warp about the middle, average down to 28 x 28."""
    flip = np.diag([1.0, -1.0])
    angle = np.deg2rad(rotation)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    forward = flip @ turn @ np.array([[1, shear], [0, 1.0]]) @ flip @ np.diag(scale)
    swap = np.array([[0, 1], [1, 0.0]])
    source = np.linalg.inv(swap @ forward @ swap)
    middle = np.array([19.5, 19.5])
    offset = middle - source @ (middle + translation[::-1])
    canvas = np.pad(image, 6)
    warped = ndimage.affine_transform(canvas, source, offset, order=1, mode="grid-constant")
    fine = np.kron(warped, np.ones((7, 7)))  # 40 * 7 = 28 * 10
    return fine.reshape(28, 10, 28, 10).mean(axis=(1, 3))


def test_equal_to_scipy(strokes):
    X, drawn = make_affine_digits(strokes, 0, return_parameters=True)
    for i in range(len(strokes)):
        expected = by_scipy(
            strokes[i].reshape(28, 28),
            drawn["rotation"][i],
            drawn["shear"][i],
            drawn["scale"][i],
            drawn["translation"][i],
        )
        np.testing.assert_allclose(X[i].reshape(28, 28), expected, atol=1e-10)


def test_ranges_and_that_all_ink_stays_on_the_canvas(strokes):
    many = np.tile(strokes, (50, 1))
    X, drawn = make_affine_digits(many, 0, return_parameters=True)
    for name, (low, high) in {
        "rotation": (-20, 20),
        "shear": (-0.2, 0.2),
        "scale": (0.8, 1.2),
    }.items():
        unit = (drawn[name] - low) / (high - low)
        assert unit.min() >= 0
        assert unit.max() <= 1
        assert abs(unit.mean(0) - 0.5).max() < 0.04  # six standard errors
    # Area grows by the determinant; bilinear interpolation keeps the sum to a few percent.
    growth = X.sum(1) * (40 / 28) ** 2 / many.sum(1) / drawn["scale"].prod(1)
    assert growth.min() > 0.97
    assert growth.max() < 1.03
    assert np.abs(drawn["translation"]).max() > 8  # a 20-pixel digit has up to 12 to go


def test_seeds_types_and_units(strokes):
    before = np.random.get_state()[1].copy()
    X = make_affine_digits(strokes, 1)
    np.testing.assert_array_equal(X, make_affine_digits(strokes, np.random.RandomState(1)))
    assert not np.allclose(X, make_affine_digits(strokes, 2))
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert X.dtype == np.float64
    pixels = (255 * strokes / strokes.max()).astype(np.uint8)
    X8 = make_affine_digits(pixels, 1)
    assert X8.dtype == np.float32
    reference = make_affine_digits(pixels.astype(np.float64), 1)
    np.testing.assert_allclose(X8, reference, atol=1e-3)
    assert X8.min() >= 0
    assert 100 < X8.max() <= 255.001


def test_rows_do_not_depend_on_blocks(strokes, monkeypatch):
    X = make_affine_digits(strokes, 0)
    monkeypatch.setattr("sklatent.datasets._affine_digits.BLOCK_ROWS", 7)
    np.testing.assert_allclose(make_affine_digits(strokes, 0), X, atol=1e-12)


def test_other_sizes_blank_images_and_ink_up_to_the_border():
    X = load_digits().data[:50]
    assert make_affine_digits(X, 0).shape == (50, 64)
    shape = (3, 10, 6)
    rng = np.random.RandomState(0)
    colour = rng.uniform(size=(20, 180))
    moved, drawn = make_affine_digits(colour, 0, image_shape=shape, return_parameters=True)
    assert moved.shape == (20, 180)
    assert np.all(np.isfinite(moved))
    one, two = (
        make_affine_digits(np.tile(colour[:, 60 * c : 60 * c + 60], 3), 0, image_shape=shape)
        for c in (0, 1)
    )
    np.testing.assert_allclose(moved[:, :60], one[:, :60], atol=1e-12)
    np.testing.assert_allclose(moved[:, 60:120], two[:, :60], atol=1e-12)
    blank, drawn = make_affine_digits(np.zeros((5, 784)), 0, return_parameters=True)
    np.testing.assert_array_equal(blank, 0)
    assert np.abs(drawn["translation"]).max() <= 20
    full, drawn = make_affine_digits(np.ones((200, 784)), 0, return_parameters=True)
    assert np.all(np.isfinite(full))


@pytest.mark.parametrize(("n_in", "n_out"), [(40, 28), (12, 8), (7, 7), (5, 3)])
def test_area_average(n_in, n_out):
    weights = area_average(n_in, n_out)
    np.testing.assert_allclose(weights.sum(1), 1)
    line = np.random.RandomState(0).uniform(size=n_in)
    expected = np.kron(line, np.ones(n_out)).reshape(n_out, n_in).mean(1)
    np.testing.assert_allclose(weights @ line, expected)


def test_bad_input():
    with pytest.raises(ValueError, match="no square images"):
        make_affine_digits(np.zeros((2, 50)))
    with pytest.raises(ValueError, match="does not fit rows of 784"):
        make_affine_digits(np.zeros((2, 784)), image_shape=(1, 28, 27))
    with pytest.raises(ValueError, match="NaN"):
        make_affine_digits(np.full((2, 784), np.nan))
    with pytest.raises(ValueError, match="random_state"):
        make_affine_digits(np.zeros((2, 784)), "seed")

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklatent.datasets import load_dsprites, make_sprites

SIZES = (3, 6, 40, 32, 32)


def images_of(factors, image_size=64):
    X, _ = make_sprites(factors=factors, image_size=image_size)
    return X.reshape(-1, image_size, image_size)


def brute_force(factors, image_size):
    """One pixel at a time, with the shapes as inequalities in sprite coordinates."""
    shape, scale, orientation, px, py = (int(v) for v in factors)
    zoom = image_size / 64
    radius = 15 * zoom * (0.5 + 0.1 * scale)
    angle = 2 * np.pi * orientation / 39
    image = np.zeros((image_size, image_size), dtype=np.uint8)
    for row in range(image_size):
        for column in range(image_size):
            dx = column + 0.5 - zoom * (16.5 + px)
            dy = -(row + 0.5 - zoom * (16.5 + py))
            point = (dx + 1j * dy) * np.exp(-1j * angle) / radius
            x, y = point.real, point.imag
            if shape == 0:
                inside = abs(x) <= 0.68 and abs(y) <= 0.68
            elif shape == 1:
                inside = x**2 / 0.97**2 + y**2 / 0.53**2 <= 1
            else:
                u, v = x / 0.72, y / 0.72 + 0.11
                inside = (u**2 + v**2 - 1) ** 3 - u**2 * v**3 <= 0
            image[row, column] = inside
    return image


@pytest.mark.parametrize("image_size", [16, 28, 32, 64])
def test_equal_to_brute_force(image_size):
    rng = np.random.RandomState(image_size)
    factors = np.column_stack([rng.randint(0, size, 6) for size in SIZES])
    factors[:, 0] = [0, 1, 2, 0, 1, 2]
    factors[0, 3:], factors[1, 3:] = 0, 31
    for image, row in zip(images_of(factors, image_size), factors, strict=True):
        np.testing.assert_array_equal(image, brute_force(row, image_size))


def test_whole_sub_grid_in_order_and_any_row_by_itself():
    X, factors = make_sprites(factors={"shape": [2, 0], "scale": 5, "position_x": [1, 30]})
    assert X.shape == (2 * 40 * 2 * 32, 64 * 64)
    assert X.dtype == np.uint8
    assert set(np.unique(X)) == {0, 1}
    keys = np.ravel_multi_index(factors.T, SIZES)
    assert np.all(np.diff(keys) > 0)
    some = [4000, 7, 3000, 7]
    X_some, factors_some = make_sprites(factors=factors[some])
    np.testing.assert_array_equal(X_some, X[some])
    np.testing.assert_array_equal(factors_some, factors[some])


def test_one_position_step_is_one_pixel_at_64():
    images = images_of([[2, 3, 7, 10, 20], [2, 3, 7, 11, 20], [2, 3, 7, 10, 21]])
    np.testing.assert_array_equal(images[1], np.roll(images[0], 1, axis=1))
    np.testing.assert_array_equal(images[2], np.roll(images[0], 1, axis=0))


def test_no_sprite_is_cut_off():
    corners = [0, 31]
    for image_size in (16, 28, 32, 64):
        X, _ = make_sprites(
            factors={"scale": 5, "position_x": corners, "position_y": corners},
            image_size=image_size,
        )
        images = X.reshape(-1, image_size, image_size)
        # Moving every sprite one pixel off the border would lose nothing at 64; at any size the
        # area in the corners is the area in the middle, up to the pixels of the outline.
        X_mid, _ = make_sprites(
            factors={"scale": 5, "position_x": 16, "position_y": 16}, image_size=image_size
        )
        area = images.sum((1, 2)).reshape(3, 40, 4)
        middle = X_mid.sum(1).reshape(3, 40, 1)
        outline = 4 * 30 * image_size / 64
        assert np.all(np.abs(area.astype(int) - middle.astype(int)) < 0.35 * outline)


def test_areas_grow_with_the_square_of_scale():
    X, _ = make_sprites(factors={"position_x": 16, "position_y": 16})
    area = X.sum(1).reshape(3, 6, 40).mean(2)  # over orientations, pixels average out
    # 3.66197 is the area of the heart's curve.
    exact = np.array([4 * 0.68**2, np.pi * 0.97 * 0.53, 0.72**2 * 3.66197])[:, None]
    np.testing.assert_allclose(area, exact * (15 * np.linspace(0.5, 1, 6)) ** 2, rtol=0.03)


def test_orientation_turns_counter_clockwise_and_closes():
    images = images_of([[2, 5, k, 16, 16] for k in (0, 39, 3)])
    np.testing.assert_array_equal(images[0], images[1])
    rows, columns = np.nonzero(images[0])
    lowest = columns[rows == rows.max()].mean()
    assert abs(lowest - 32) <= 1  # the heart's tip points down
    rows, columns = np.nonzero(images[2])
    assert columns[rows == rows.max()].mean() > 34  # and moves to the right as the heart turns


@settings(max_examples=20, deadline=None)
@given(n_samples=st.integers(1, 60), seed=st.integers(0, 2**31))
def test_draws_without_replacement_by_seed(n_samples, seed):
    factors = {"shape": 1, "orientation": range(4), "position_x": [0, 9, 31], "position_y": 5}
    X, drawn = make_sprites(n_samples, factors, random_state=seed, image_size=16)
    X2, drawn2 = make_sprites(n_samples, factors, random_state=seed, image_size=16)
    np.testing.assert_array_equal(drawn, drawn2)
    np.testing.assert_array_equal(X, X2)
    assert len(np.unique(drawn, axis=0)) == n_samples
    assert np.all(drawn[:, 0] == 1)
    assert np.all(np.isin(drawn[:, 3], [0, 9, 31]))
    np.testing.assert_array_equal(images_of(drawn, 16).reshape(n_samples, -1), X)


def test_draws_spread_over_the_whole_grid():
    before = np.random.get_state()[1].copy()
    _, factors = make_sprites(3000, random_state=0, image_size=16)
    for column, size in zip(factors.T, SIZES, strict=True):
        counts = np.bincount(column, minlength=size)
        expected = 3000 / size
        assert np.all(np.abs(counts - expected) < 5 * np.sqrt(expected))
    np.testing.assert_array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"colour": 1}, "unknown names"),
        ({"shape": 3}, "must lie in 0 to 2"),
        ({"shape": []}, "one or several integer"),
        ({"scale": 0.5}, "one or several integer"),
        ([[0, 0, 0, 0]], "shape"),
        ([[0, 0, 40, 0, 0]], "below the sizes"),
        ([[0, 0, -1, 0, 0]], "not below 0"),
        ([[0.0, 0, 0, 0, 0]], "float64"),
    ],
)
def test_wrong_factors(factors, message):
    with pytest.raises(ValueError, match=message):
        make_sprites(5, factors)


def test_too_many_samples_and_wrong_size():
    with pytest.raises(ValueError, match="more than the 6 sprites there are"):
        make_sprites(7, {"shape": 0, "orientation": 0, "position_x": 0, "position_y": 0})
    with pytest.raises(ValueError, match="image_size"):
        make_sprites(5, image_size=8)


@pytest.fixture(scope="module")
def dsprites_file(tmp_path_factory):
    """A small file with the arrays of the real one, the pickled metadata included."""
    path = tmp_path_factory.mktemp("dsprites") / "dsprites.npz"
    X, factors = make_sprites(
        factors={"scale": [0, 5], "orientation": [0, 3], "position_x": [2, 8]}
    )
    np.savez_compressed(
        path,
        imgs=X.reshape(-1, 64, 64),
        latents_classes=np.pad(factors, ((0, 0), (1, 0))),
        latents_values=np.zeros((len(X), 6)),
        metadata=np.array({"title": "dSprites"}, dtype=object),
    )
    return path, X, factors


def test_load_dsprites_whole(dsprites_file):
    path, X, factors = dsprites_file
    dataset = load_dsprites(path)
    np.testing.assert_array_equal(dataset.data, X)
    np.testing.assert_array_equal(dataset.target, factors)
    assert dataset.image_shape == (1, 64, 64)
    assert dataset.target_names[3] == "position_x"


@pytest.mark.parametrize("block_rows", [1, 7, 10_000])
def test_load_dsprites_chooses_as_make_sprites_does(dsprites_file, monkeypatch, block_rows):
    monkeypatch.setattr("sklatent.datasets._dsprites.BLOCK_BYTES", block_rows * 64 * 64)
    path, _, all_factors = dsprites_file
    factors = {"shape": [0, 2], "scale": 5, "orientation": [0, 3], "position_x": 8}
    X, target = load_dsprites(path, 20, factors, random_state=5, return_X_y=True)
    X_made, target_made = make_sprites(20, factors, random_state=5)
    np.testing.assert_array_equal(target, target_made)
    np.testing.assert_array_equal(X, X_made)
    explicit = all_factors[[9, 3, 3, -1]]
    X, target = load_dsprites(path, factors=explicit, return_X_y=True)
    np.testing.assert_array_equal(target, explicit)
    np.testing.assert_array_equal(X, make_sprites(factors=explicit)[0])


def test_load_dsprites_keeps_only_what_was_asked_for(tmp_path):
    import tracemalloc

    path = tmp_path / "large.npz"
    n = 20_000  # 82 MB of images
    grid = np.column_stack(np.unravel_index(np.arange(n), (1, *SIZES)))
    np.savez_compressed(path, imgs=np.zeros((n, 64, 64), np.uint8), latents_classes=grid)
    tracemalloc.start()
    dataset = load_dsprites(path, 10, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert dataset.data.shape == (10, 4096)
    assert peak < 60e6


def test_load_dsprites_refuses_other_files(tmp_path, dsprites_file):
    path = tmp_path / "other.npz"
    np.savez(path, x=np.zeros(3))
    with pytest.raises(ValueError, match="lacks the arrays"):
        load_dsprites(path)
    np.savez(path, imgs=np.zeros((2, 4, 4), np.uint8), latents_classes=np.zeros((2, 3), int))
    with pytest.raises(ValueError, match=r"expected \(n, 6\)"):
        load_dsprites(path)
    np.savez(path, imgs=np.zeros((2, 4, 4), np.uint8), latents_classes=np.full((2, 6), 50))
    with pytest.raises(ValueError, match="leaves the grid"):
        load_dsprites(path)
    np.savez(path, imgs=np.zeros((3, 4, 4), np.uint8), latents_classes=np.zeros((2, 6), int))
    with pytest.raises(ValueError, match="expected uint8 of shape"):
        load_dsprites(path)
    whole = dsprites_file[0].read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="not a NumPy .npz archive, or it ends early"):
        load_dsprites(path)
    damaged = bytearray(whole)
    damaged[400:420] = bytes(20)
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match="not a whole dSprites file"):
        load_dsprites(path)


def test_load_dsprites_names_factors_that_are_not_there(dsprites_file):
    path = dsprites_file[0]
    with pytest.raises(ValueError, match=r"\[0, 1, 0, 2, 0\] are not in this file"):
        load_dsprites(path, factors=[[0, 1, 0, 2, 0]])
    with pytest.raises(ValueError, match="No sprite has these factors"):
        load_dsprites(path, factors={"scale": 1})

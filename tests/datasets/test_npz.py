import numpy as np
import pytest

from sklatent.datasets import load_npz


@pytest.fixture
def arrays():
    rng = np.random.RandomState(0)
    return {
        "x_train": rng.randint(0, 256, (7, 4, 5)).astype(np.uint8),
        "y_train": rng.randint(0, 10, 7).astype(np.uint8),
        "x_test": rng.randint(0, 256, (3, 4, 5)).astype(np.uint8),
        "y_test": rng.randint(0, 10, 3).astype(np.uint8),
    }


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("case", [str, str.upper])
def test_all_four_arrays(tmp_path, arrays, save, case):
    path = tmp_path / "data.npz"
    save(path, **{case(name): array for name, array in arrays.items()})
    dataset = load_npz(path)
    np.testing.assert_array_equal(dataset.data, arrays["x_train"].reshape(7, 20))
    np.testing.assert_array_equal(dataset.target, arrays["y_train"])
    np.testing.assert_array_equal(dataset.data_test, arrays["x_test"].reshape(3, 20))
    np.testing.assert_array_equal(dataset.target_test, arrays["y_test"])
    assert dataset.data.dtype == np.uint8
    assert dataset.image_shape == (1, 4, 5)
    data, target = load_npz(path, return_X_y=True)
    np.testing.assert_array_equal(data, dataset.data)
    np.testing.assert_array_equal(target, dataset.target)


@pytest.mark.parametrize(
    ("shape", "image_shape"), [((6, 8), None), ((6, 2, 4), (1, 2, 4)), ((6, 3, 2, 4), (3, 2, 4))]
)
def test_x_and_y_alone_and_image_shapes(tmp_path, shape, image_shape):
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(6))
    dataset = load_npz(str(tmp_path / "data.npz"))
    np.testing.assert_array_equal(dataset.data, x.reshape(6, -1))
    assert dataset.image_shape == image_shape
    assert dataset.data_test is None
    assert dataset.target_test is None


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.array([{"a": 1}], dtype=object), y=np.arange(1))
    with pytest.raises(ValueError, match="never unpickled"):
        load_npz(tmp_path / "data.npz")


def test_damaged_and_foreign_files(tmp_path, arrays):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **arrays)
    whole = path.read_bytes()

    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="not a NumPy .npz archive, or it ends early"):
        load_npz(path)

    middle = bytearray(whole)
    middle[60:70] = bytes(10)
    path.write_bytes(middle)
    with pytest.raises(ValueError, match="'x_train' can't be read"):
        load_npz(path)

    path.write_text("something else")
    with pytest.raises(ValueError, match="not a NumPy .npz archive"):
        load_npz(path)


def test_missing_file_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_npz(tmp_path / "nowhere.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": None, "y_train": None}, r"holds the arrays \['x_test', 'y_test'\], expected"),
        ({"y_train": np.arange(6)}, "7 rows and 'y_train' 6"),
        ({"x_test": np.zeros((3, 4, 4))}, "20 values each and test images 16"),
        ({"x_train": np.zeros(7)}, "'x_train' has shape"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, arrays, change, message):
    arrays = {name: array for name, array in {**arrays, **change}.items() if array is not None}
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        load_npz(tmp_path / "data.npz")

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklatent.datasets import load_idx

CODES = {
    "uint8": 0x08,
    "int8": 0x09,
    "int16": 0x0B,
    "int32": 0x0C,
    "float32": 0x0D,
    "float64": 0x0E,
}


def idx_bytes(array):
    """Write IDX by the book: struct, element by element."""
    header = struct.pack(">BBBB", 0, 0, CODES[array.dtype.name], array.ndim)
    header += struct.pack(f">{array.ndim}I", *array.shape)
    letter = {"uint8": "B", "int8": "b", "int16": "h", "int32": "i", "float32": "f", "float64": "d"}
    return header + struct.pack(f">{array.size}{letter[array.dtype.name]}", *array.ravel().tolist())


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    dtype=st.sampled_from(sorted(CODES)),
    shape=hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4),
    zipped=st.booleans(),
)
def test_round_trip(tmp_path_factory, data, dtype, shape, zipped):
    array = data.draw(
        hnp.arrays(dtype, shape, elements={"allow_nan": False} if "f" in dtype else None)
    )
    path = tmp_path_factory.mktemp("idx") / "array"
    raw = idx_bytes(array)
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    loaded = load_idx(path)
    np.testing.assert_array_equal(loaded, array)
    assert loaded.dtype == np.dtype(dtype)
    assert loaded.dtype.isnative
    assert loaded.flags.writeable


@pytest.fixture
def labels(tmp_path):
    return tmp_path / "labels-idx1-ubyte", idx_bytes(np.arange(10, dtype=np.uint8))


@pytest.mark.parametrize("length", [0, 1, 3])
def test_too_short_for_a_magic_number(labels, length):
    path, raw = labels
    path.write_bytes(raw[:length])
    with pytest.raises(ValueError, match="not an IDX file"):
        load_idx(path)


def test_truncated_header(labels):
    path, raw = labels
    path.write_bytes(raw[:6])
    with pytest.raises(ValueError, match="ends within its header"):
        load_idx(path)


def test_truncated_elements(labels):
    path, raw = labels
    path.write_bytes(raw[:-1])
    with pytest.raises(ValueError, match="ends early.*needs 18 bytes, the file has 17"):
        load_idx(path)


def test_trailing_bytes(labels):
    path, raw = labels
    path.write_bytes(raw + b"\0")
    with pytest.raises(ValueError, match="goes on after its last element"):
        load_idx(path)


@pytest.mark.parametrize("keep", [5, -9, -3])
def test_truncated_gzip(labels, keep):
    path, raw = labels
    path.write_bytes(gzip.compress(raw)[:keep])
    with pytest.raises(ValueError, match="gzip file that ends early or is damaged"):
        load_idx(path)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04rest", b"\x93NUMPY", b"\0\0\x0a\x01", b"\0\0\x08\0"]
)
def test_foreign_files(labels, content):
    path, _ = labels
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not an IDX file"):
        load_idx(path)


def test_missing_file_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_idx(tmp_path / "nowhere")

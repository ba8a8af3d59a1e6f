"""Files damaged in every way that comes to mind: a ValueError, before anything large is made."""

import gzip
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from sklatent.datasets import load_dsprites, load_idx, load_npz


def npy(array=None, shape=None, dtype="<f8", header=None):
    """A .npy file, perhaps of another header than its array's."""
    if header is None:
        file = io.BytesIO()
        np.save(file, array if array is not None else np.zeros(3))
        data = file.getvalue()
        if shape is None:
            return data
        header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
        return magic(header) + data[128:]
    return magic(header)


def magic(header):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode("latin1")


# What stands in place of the array of images.
HEADERS = {
    "more than is there": npy(shape=(10**6, 4)),
    "more than there can be": npy(shape=(10**9, 10**9)),
    "more than an integer holds": npy(shape=(2**62, 2**62)),
    "negative": npy(shape=(-5, 3)),
    "no type": npy(header="{'descr': 'nonsense', 'fortran_order': False, 'shape': (3,), }"),
    "objects": npy(header="{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"),
    "a bracket open": npy(header="{'descr': '<f8', 'fortran_order': False, 'shape': (3,"),
    "a string open": npy(header="{'descr': '<f8, 'fortran_order': False, 'shape': (3,), }"),
    "a call": npy(header="__import__('os').system('true')"),
    "brackets": npy(header="(" * 9000),
    "another version": b"\x93NUMPY\x09\x09" + npy()[8:],
    "nothing": b"",
    "text": b"images",
}


def archive(images, name, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as zipped:
        zipped.writestr(f"{name}.npy", images)
        labels = np.zeros((3, 6), int) if name == "imgs" else np.zeros(3)
        zipped.writestr("latents_classes.npy" if name == "imgs" else "y.npy", npy(labels))
    return file.getvalue()


@pytest.mark.parametrize("kind", HEADERS)
@pytest.mark.parametrize(("load", "name"), [(load_npz, "x"), (load_dsprites, "imgs")])
def test_headers(tmp_path, load, name, kind):
    path = tmp_path / "file.npz"
    path.write_bytes(archive(HEADERS[kind], name))
    with pytest.raises(ValueError, match=r"file\.npz"):
        load(path)


@pytest.mark.parametrize("load", [load_npz, load_dsprites])
@pytest.mark.filterwarnings("ignore")
def test_flipped_bytes(tmp_path, load):
    """Of what is compressed, of names, sizes and places in the archive."""
    rng = np.random.default_rng(0)
    name = "imgs" if load is load_dsprites else "x"
    whole = archive(npy(np.zeros((3, 4, 4), np.uint8)), name, zipfile.ZIP_DEFLATED)
    path, refused = tmp_path / "file.npz", 0
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(len(whole), size=rng.integers(1, 4)):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(len(whole))] if rng.integers(8) == 0 else damaged)
        try:
            load(path)
        except ValueError:
            refused += 1
    assert refused > 200


def idx(shape, data=b""):
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data


@pytest.mark.parametrize("shape", [(2**31,), (2**32 - 1,) * 8, (1,) * 40, (2**20, 2**10)])
def test_idx_that_announces_what_it_has_not(tmp_path, shape):
    for data in (idx(shape), gzip.compress(idx(shape))):
        path = tmp_path / "file"
        path.write_bytes(data)
        with pytest.raises(ValueError, match="file"):
            load_idx(path)


@pytest.mark.filterwarnings("ignore")
def test_flipped_bytes_of_gzip(tmp_path):
    rng = np.random.default_rng(0)
    whole = gzip.compress(idx((50,), bytes(rng.integers(256, size=50).tolist())))
    path, refused = tmp_path / "file", 0
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            load_idx(path)
        except ValueError:
            refused += 1
    assert refused > 200


def test_what_expands_far_beyond_its_header_is_not_expanded(tmp_path):
    """100 MB of zeros in 100 kB, behind a header of a few bytes."""
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(idx((10,), bytes(10**8)), compresslevel=1))
    early = tmp_path / "early"
    early.write_bytes(gzip.compress(idx((2 * 10**8,), bytes(10**8)), compresslevel=1))
    with zipfile.ZipFile(tmp_path / "file.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
        z.writestr("x.npy", npy() + bytes(10**8))
        z.writestr("y.npy", npy())
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="goes on after its last element"):
            load_idx(path)
        with pytest.raises(ValueError, match="ends early"):
            load_idx(early)
        with pytest.raises(ValueError, match="header announces"):
            load_npz(tmp_path / "file.npz")
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()

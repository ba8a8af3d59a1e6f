"""The shared file layer: what is written comes back, and each way of being wrong is named."""

import json
import pickle
import struct

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklatent._utils.files import read_file, write_file

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([True, False])}
METADATA = {"words": ["ä", None, 1, 2.5], "nested": {"x": [1]}}


def write(path, arrays=ARRAYS, metadata=METADATA, kind="things", schema_version=1):
    return write_file(path, arrays, metadata, kind=kind, schema_version=schema_version)


def read(path, kind="things", schema_version=1):
    return read_file(path, kind=kind, schema_version=schema_version)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file.safetensors"
    write(path)
    return path


def rewrite_envelope(path, edit, rehash=False):
    """Edit the envelope as someone with a safetensors library could."""
    with safetensors.safe_open(path, "numpy") as file:
        envelope = json.loads(file.metadata()["sklatent"])
    arrays = safetensors.numpy.load_file(path)
    edit(envelope, arrays)
    safetensors.numpy.save_file(arrays, path, metadata={"sklatent": json.dumps(envelope)})


def test_round_trip(path):
    arrays, envelope = read(path)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
        assert arrays[name].flags.writeable
    assert envelope["metadata"] == METADATA
    assert envelope["kind"] == "things"
    assert envelope["schema_version"] == 1
    assert envelope["versions"].keys() >= {"sklatent", "numpy", "python"}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hnp.arrays(
        st.one_of(
            hnp.boolean_dtypes(),
            hnp.integer_dtypes(endianness="?"),
            hnp.unsigned_integer_dtypes(endianness="?"),
            hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
        ),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
def test_round_trip_of_any_array(tmp_path, array):
    path = tmp_path / "any"
    write(path, {"array": array.T})
    back = read(path)[0]["array"]
    np.testing.assert_array_equal(back, array.T)
    assert back.shape == array.T.shape
    assert back.dtype == array.dtype.newbyteorder("=")


def test_same_content_gives_the_same_bytes_and_hash(tmp_path):
    hashes = {write(tmp_path / str(i), dict(reversed(ARRAYS.items()))) for i in range(5)}
    assert hashes == {write(tmp_path / "other")}
    assert len({(tmp_path / str(i)).read_bytes() for i in range(5)}) == 1


def test_hash_depends_on_all_content(tmp_path):
    hashes = [
        write(tmp_path / "0"),
        write(tmp_path / "1", {**ARRAYS, "a": ARRAYS["a"].T}),
        write(tmp_path / "2", {**ARRAYS, "a": ARRAYS["a"].astype("float32")}),
        write(tmp_path / "3", {"c": ARRAYS["a"], "b": ARRAYS["b"]}),
        write(tmp_path / "4", metadata={**METADATA, "words": []}),
        write(tmp_path / "5", kind="other things"),
        write(tmp_path / "6", schema_version=2),
    ]
    assert len(set(hashes)) == len(hashes)
    assert read(tmp_path / "0")[1]["content_hash"] == hashes[0]


def test_numpy_scalars_are_stored_as_plain_numbers(tmp_path):
    write(tmp_path / "f", metadata={"a": np.float32(0.5), "b": np.int8(3), "c": np.bool_(True)})
    metadata = read(tmp_path / "f")[1]["metadata"]
    assert metadata == {"a": 0.5, "b": 3, "c": True}


def test_every_truncation_is_named(path):
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(ValueError, match="is truncated"):
            read(path)


def test_extra_bytes_are_tampering(path):
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ValueError, match=r"tampered.*1 bytes follow"):
        read(path)


def test_no_changed_byte_passes(path):
    """Each byte is changed in turn: always a ValueError, never other content or another error."""
    data = path.read_bytes()
    for i in range(len(data)):
        changed = bytearray(data)
        changed[i] ^= 0x04
        path.write_bytes(bytes(changed))
        with pytest.raises(ValueError, match=r"tampered|foreign|truncated|newer"):
            read(path)


def test_changed_array_or_metadata_is_tampering(path):
    def change_array(envelope, arrays):
        arrays["a"] = arrays["a"] + 1e-9

    def change_metadata(envelope, arrays):
        envelope["metadata"]["nested"] = {}

    def change_version(envelope, arrays):
        envelope["versions"]["sklatent"] = "0.0"

    def add_array(envelope, arrays):
        arrays["c"] = np.zeros(1)

    def drop_hash(envelope, arrays):
        del envelope["content_hash"]

    original = path.read_bytes()
    for edit in (change_array, change_metadata, change_version, add_array, drop_hash):
        path.write_bytes(original)
        rewrite_envelope(path, edit)
        with pytest.raises(ValueError, match=r"tampered.*content hash"):
            read(path)


@pytest.mark.parametrize("field", ["kind", "schema_version", "versions", "metadata"])
@pytest.mark.parametrize("value", [None, True, [1]])
def test_malformed_envelope_is_tampering(path, field, value):
    rewrite_envelope(path, lambda envelope, arrays: envelope.update({field: value}))
    with pytest.raises(ValueError, match=r"tampered.*wrong type"):
        read(path)


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"a": np.arange(30)}),
        b"a,b\n" + b"1,2\n" * 50,
        b'{"json": [' + b"1, " * 50 + b"1]}",
        b"PK\x03\x04" + bytes(100),
        bytes(100),
        safetensors.numpy.save({"weight": np.zeros((3, 3))}),
        safetensors.numpy.save({"weight": np.zeros(3)}, metadata={"format": "pt"}),
    ],
    ids=["pickle", "csv", "json", "zip", "zeros", "safetensors", "safetensors_with_metadata"],
)
def test_foreign_file(tmp_path, data):
    path = tmp_path / "foreign"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"foreign.*does not hold things saved by sklatent"):
        read(path)


def test_header_that_is_no_table_of_arrays(tmp_path):
    path = tmp_path / "odd"
    for header in (b'{"a": 1}', b'{"a": {"data_offsets": 3}}', b"{" + b"[" * 5000, b"{nonsense"):
        path.write_bytes(struct.pack("<Q", len(header)) + header)
        with pytest.raises(ValueError, match=r"tampered.*header"):
            read(path)


def test_other_kind_is_foreign(path):
    with pytest.raises(ValueError, match="foreign here: it holds things, not fish"):
        read(path, kind="fish")


def test_newer_schema(tmp_path):
    path = tmp_path / "newer"
    write(path, schema_version=3)
    with pytest.raises(ValueError, match=r"newer schema version 3.*reads up to 2.*Upgrade"):
        read(path, schema_version=2)
    assert read(path, schema_version=3)[1]["schema_version"] == 3
    assert read(path, schema_version=4)[1]["schema_version"] == 3


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing")


def test_failed_write_leaves_the_old_file_and_no_debris(path, monkeypatch):
    before = path.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write(path, {"other": np.zeros(3)})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("array", [np.array([object()]), np.array(["a"]), np.array([1j])])
def test_array_of_unsupported_dtype(tmp_path, array):
    with pytest.raises(TypeError, match=r"'a' has dtype.*cast it"):
        write(tmp_path / "f", {"a": array})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_metadata_that_json_cannot_hold(tmp_path, value):
    with pytest.raises((TypeError, ValueError), match="JSON"):
        write(tmp_path / "f", metadata={"a": value})
    assert list(tmp_path.iterdir()) == []

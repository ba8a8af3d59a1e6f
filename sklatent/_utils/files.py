"""One safetensors file with JSON beside the arrays: what people exchange instead of pickles.

Layout: the file is an ordinary safetensors file. Its metadata has the single key ``"sklatent"``,
whose value is a JSON object, the envelope::

    {"kind": ..., "schema_version": ..., "versions": {...}, "metadata": {...}, "content_hash": ...}

One key and not several, because safetensors writes its metadata in no fixed order and the same
content should give the same bytes. The content hash covers all arrays and the rest of the envelope.
It finds accidents and careless edits; it is not a signature. Reading never executes anything, so
that a malicious file can be wrong, but not harmful.
"""

import errno
import hashlib
import json
import os
import platform
import secrets
import stat
import struct
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from sklatent._version import __version__

_KEY = "sklatent"
_ENVELOPE = {"kind": str, "schema_version": int, "versions": dict, "metadata": dict}
# The format's own limit on the JSON header. A larger one means that the file is something else.
_MAX_HEADER = 100_000_000
_DTYPES = {"bool", "float16", "float32", "float64"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def write_file(path, arrays, metadata, *, kind, schema_version):
    """Write arrays and metadata to one file, atomically.

    Parameters
    ----------
    path : str, path-like or file-like
        The file to write. An existing one is replaced; see :func:`put`.
    arrays : dict of str to array-like
        Booleans, integers and floats of at most 64 bits.
    metadata : dict
        Anything that strict JSON can hold (no NaN, no infinities) and NumPy scalars.
    kind : str
        What the file holds, in words that fit an error message, such as ``"Rosetta points"``.
    schema_version : int
        The version of this kind's layout.

    Returns
    -------
    content_hash : str
        The SHA-256 of the content, in hexadecimal.
    """
    data, digest = to_bytes(arrays, metadata, kind=kind, schema_version=schema_version)
    put(path, data)
    return digest


def to_bytes(arrays, metadata, *, kind, schema_version):
    """What :func:`write_file` writes, as bytes, and its content hash."""
    arrays = {name: _storable(name, array) for name, array in arrays.items()}
    envelope = {
        "kind": kind,
        "schema_version": schema_version,
        "versions": _versions(),
        "metadata": metadata,
    }
    # Through JSON once, so that what is hashed is what a reader will see.
    envelope = json.loads(_dump(envelope))
    envelope["content_hash"] = content_hash(arrays, envelope)
    return safetensors.numpy.save(arrays, metadata={_KEY: _dump(envelope)}), envelope[
        "content_hash"
    ]


def put(path, data):
    """Put bytes where a user wants them.

    A file appears under its name whole or not at all: it is written beside it and renamed. It keeps
    the mode of a file that it replaces, and a link goes on pointing to it. What is no file (a pipe,
    a device, an open file) is written into.

    Parameters
    ----------
    path : str, path-like or file-like
        A name, or an object that bytes can be written to.
    data : bytes
        What to write.

    Raises
    ------
    ValueError
        If there can't be a file of that name. The message says why.
    """
    if hasattr(path, "write"):
        path.write(data)
        return
    target = Path(os.path.realpath(as_path(path)))
    try:
        _replace(target, data)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ValueError(f"The name {target.name!r} is too long for a file here.") from error
        raise


def _replace(target, data):
    if target.is_dir():
        raise ValueError(f"{str(target)!r} is a folder; give the name of a file in it.")
    if not target.parent.is_dir():
        raise ValueError(
            f"There is no folder {str(target.parent)!r} to write {target.name!r} into; make it "
            "first."
        )
    mode = target.stat().st_mode if target.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        target.write_bytes(data)
        return
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def read_file(path, *, kind, schema_version):
    """Read a file written by :func:`write_file`.

    Parameters
    ----------
    path : str, path-like or file-like
        The file to read.
    kind : str
        What the file must hold, as it was written.
    schema_version : int
        The newest layout that the caller understands.

    Returns
    -------
    arrays : dict of str to ndarray
        The arrays, each writable and owning its memory.
    envelope : dict
        ``"kind"``, ``"schema_version"``, ``"versions"``, ``"metadata"``, ``"content_hash"``.

    Raises
    ------
    ValueError
        If the file is truncated, foreign (not one of ours, or of another kind), written in a newer
        layout, or tampered with. The message says which.
    FileNotFoundError
        If there is no such file.
    """
    path, data = take(path)
    envelope = _envelope(path, data, kind)
    if envelope["kind"] != kind:
        raise ValueError(f"{str(path)!r} is foreign here: it holds {envelope['kind']}, not {kind}.")
    if envelope["schema_version"] > schema_version:
        written_by = envelope["versions"].get("sklatent", "unknown")
        raise ValueError(
            f"{str(path)!r} has the newer schema version {envelope['schema_version']}, written by "
            f"sklatent {written_by}; this sklatent reads up to {schema_version}. Upgrade sklatent, "
            "or save the file again with an older version."
        )
    return _arrays(path, data, envelope), envelope


def take(path):
    """A name for errors, and the bytes: of a file, or of what can be read from."""
    if hasattr(path, "read"):
        return getattr(path, "name", "<file>"), path.read()
    if as_path(path).is_dir():
        raise ValueError(f"{str(path)!r} is a folder; give the name of a file in it.")
    return path, Path(path).read_bytes()


def as_path(path):
    """The name of a file that a user gave, or an error that says what else it is."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"The name of a file must be a str or path-like object, got a {type(path).__name__}."
        )
    return Path(path)


def read_any(path):
    """Read a file of whatever kind, newer ones included, for a description of it.

    Parameters
    ----------
    path : str, path-like or file-like
        The file to read.

    Returns
    -------
    arrays : dict of str to ndarray
        The arrays.
    envelope : dict
        As of :func:`read_file`.

    Raises
    ------
    ValueError
        If the file is truncated, foreign, or tampered with.
    """
    path, data = take(path)
    envelope = _envelope(path, data, "anything")
    return _arrays(path, data, envelope), envelope


def _arrays(path, data, envelope):
    """The arrays, each writable and owning its memory, after comparing the content hash."""
    if envelope["schema_version"] < 1:
        raise _tampered(path, f"its schema version is {envelope['schema_version']}")
    try:
        arrays = safetensors.numpy.load(data)
        arrays = {name: array.copy() for name, array in arrays.items()}
        digest = content_hash(arrays, envelope)
    except (
        safetensors.SafetensorError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
        AttributeError,
    ) as error:
        raise _tampered(path, f"its table of arrays is inconsistent ({error})") from error
    if digest != envelope.get("content_hash"):
        raise _tampered(path, "its content does not match its content hash")
    return arrays


def _envelope(path, data, kind):
    """The envelope out of the file's header, the file's length and header checked on the way."""
    foreign = f"{str(path)!r} is a foreign file: it does not hold {kind} saved by sklatent."
    truncated = f"{str(path)!r} is truncated: {{}}. Copy or download it again."
    if len(data) < 9:
        raise ValueError(truncated.format(f"it has only {len(data)} bytes"))
    (length,) = struct.unpack("<Q", data[:8])
    if length > _MAX_HEADER or data[8:9] != b"{":
        raise ValueError(foreign)
    if len(data) < 8 + length:
        raise ValueError(truncated.format(f"its header should have {length} bytes"))
    try:
        header = json.loads(data[8 : 8 + length])
        ends = [item["data_offsets"][1] for name, item in header.items() if name != "__metadata__"]
        missing = 8 + length + max(ends, default=0) - len(data)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise _tampered(path, "its header is not that of a safetensors file") from error
    envelope = header.get("__metadata__")
    if not isinstance(envelope, dict) or _KEY not in envelope:
        raise ValueError(foreign)
    if missing > 0:
        raise ValueError(truncated.format(f"{missing} bytes are missing at its end"))
    if missing < 0:
        raise _tampered(path, f"{-missing} bytes follow its last array")
    try:
        envelope = json.loads(envelope[_KEY])
        whole = all(type(envelope[name]) is expected for name, expected in _ENVELOPE.items())
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _tampered(path, "its metadata cannot be read") from error
    if not whole:
        raise _tampered(path, "its metadata has fields of the wrong type")
    return envelope


def _tampered(path, why):
    return ValueError(
        f"{str(path)!r} was tampered with or damaged: {why}. Ask for the file again where it came "
        "from."
    )


def _storable(name, array):
    """An array that safetensors can hold: a plain dtype, little-endian, in C order."""
    array = np.asarray(array, order="C")
    if array.dtype.name not in _DTYPES:
        raise TypeError(
            f"The array {name!r} has dtype {array.dtype}, which a safetensors file cannot hold; "
            f"cast it to one of {sorted(_DTYPES)}."
        )
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def content_hash(arrays, envelope):
    """SHA-256 of the envelope without the hash, then each array's name, dtype, shape and bytes."""
    digest = hashlib.sha256()
    digest.update(_dump({k: v for k, v in envelope.items() if k != "content_hash"}).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(_dump([name, array.dtype.name, list(array.shape)]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _dump(value):
    return json.dumps(value, sort_keys=True, allow_nan=False, default=_plain)


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} objects cannot be stored as JSON: {value!r}")


def _versions():
    return {
        "sklatent": __version__,
        "numpy": np.__version__,
        "safetensors": safetensors.__version__,
        "python": platform.python_version(),
    }

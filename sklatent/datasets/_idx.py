"""The IDX file format, in which MNIST and its relatives are distributed."""

import gzip
import math
import zlib

import numpy as np

from sklatent._utils.files import as_path

# The third byte of the file names the element type; elements are big-endian.
IDX_DTYPES = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
GZIP_MAGIC = b"\x1f\x8b"
MAX_DIMS = 32
# Deflate can't shrink anything to less than a thousandth or so.
MAX_RATIO = 1040
PIECE = 1 << 20
# From this size on a zipped file's length is counted before anything is kept.
LARGE = 1 << 26


def _open(path):
    """Open a file, through gzip where its content says so."""
    with path.open("rb") as stream:
        zipped = stream.read(2) == GZIP_MAGIC
    return gzip.open(path, "rb") if zipped else path.open("rb")


def _pieces(stream, n_bytes):
    """Yield what follows in a stream, at most so many bytes."""
    while n_bytes and (piece := stream.read(min(PIECE, n_bytes))):
        n_bytes -= len(piece)
        yield piece


def _check_length(path, shape, dtype, start, found):
    n_bytes = math.prod(shape) * dtype.itemsize
    if found != n_bytes:
        early = found < n_bytes
        raise ValueError(
            f"{path} {'ends early' if early else 'goes on after its last element'}: shape {shape} "
            f"of {dtype.name} needs {start + n_bytes} bytes, the file has "
            f"{start + found if early else 'more'}. Fetch it again from where it came."
        )


def _read(stream, path):
    """Read the array; never more than one byte beyond what the header announces."""
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in IDX_DTYPES or head[3] == 0:
        raise ValueError(
            f"{path} is not an IDX file: it begins with {head.hex(' ') or 'nothing'}, expected "
            "two zero bytes, an element type (08, 09, 0b, 0c, 0d or 0e) and a number of "
            "dimensions. Archives of NumPy are read by `load_npz`."
        )
    dtype, n_dims = IDX_DTYPES[head[2]], head[3]
    start = 4 + 4 * n_dims
    sizes = stream.read(4 * n_dims)
    if len(sizes) < 4 * n_dims:
        raise ValueError(
            f"{path} ends within its header: {n_dims} dimensions need {start} bytes, the file has "
            f"{4 + len(sizes)}. Fetch it again from where it came."
        )
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_dims > MAX_DIMS or n_bytes > MAX_RATIO * path.stat().st_size:
        raise ValueError(
            f"{path} announces {n_dims} dimensions and {n_bytes} bytes, which is more than a file "
            f"of {path.stat().st_size} bytes can hold. Fetch it again from where it came."
        )
    if n_bytes > LARGE and isinstance(stream, gzip.GzipFile):
        found = sum(map(len, _pieces(stream, n_bytes + 1)))
        _check_length(path, shape, dtype, start, found)
        stream.seek(start)
    raw = bytearray()
    for piece in _pieces(stream, n_bytes + 1):
        raw += piece
    _check_length(path, shape, dtype, start, len(raw))
    return np.frombuffer(raw, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def load_idx(path):
    """Load an array from a file in the IDX format.

    IDX is the format of the original MNIST files (`train-images-idx3-ubyte` and so on):
    two zero bytes, a byte for the element type, a byte for the number of dimensions,
    each dimension as a big-endian 32-bit integer, then the elements in C order.

    Parameters
    ----------
    path : str or path-like
        The file; gzipped files are recognised by their content, whatever their name.

    Returns
    -------
    array : ndarray
        The array with the file's own shape, for MNIST images `(n_samples, 28, 28)`, in
        the machine's byte order. It is writable and owns its memory.

    Raises
    ------
    ValueError
        If the file is not IDX, ends early or goes on after the last element.

    See Also
    --------
    load_npz : Load a labelled image data set from one NumPy archive.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
       digits", section "The IDX file format".

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from sklatent.datasets import load_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "labels-idx1-ubyte"
    ...     _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     load_idx(file)
    array([7, 2, 1], dtype=uint8)
    """
    path = as_path(path)
    try:
        with _open(path) as stream:
            return _read(stream, path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is a gzip file that ends early or is damaged ({error}). "
            "Fetch it again from where it came."
        ) from error

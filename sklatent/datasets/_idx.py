"""The IDX file format, in which MNIST and its relatives are distributed."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

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


def _read_bytes(path):
    """Return the content of a file, unpacked where it is gzipped."""
    raw = path.read_bytes()
    if not raw.startswith(GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{path} is a gzip file that ends early or is damaged ({error}). "
            "Fetch it again from where it came."
        ) from error


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
    path = Path(path)
    raw = _read_bytes(path)
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in IDX_DTYPES or raw[3] == 0:
        raise ValueError(
            f"{path} is not an IDX file: it begins with {raw[:4].hex(' ') or 'nothing'}, expected "
            "two zero bytes, an element type (08, 09, 0b, 0c, 0d or 0e) and a number of "
            "dimensions. Archives of NumPy are read by `load_npz`."
        )
    dtype, n_dims = IDX_DTYPES[raw[2]], raw[3]
    start = 4 + 4 * n_dims
    if len(raw) < start:
        raise ValueError(
            f"{path} ends within its header: {n_dims} dimensions need {start} bytes, the file has "
            f"{len(raw)}. Fetch it again from where it came."
        )
    shape = tuple(int(size) for size in np.frombuffer(raw, ">u4", n_dims, offset=4))
    expected = start + math.prod(shape) * dtype.itemsize
    if len(raw) != expected:
        fault = "ends early" if len(raw) < expected else "goes on after its last element"
        raise ValueError(
            f"{path} {fault}: shape {shape} of {dtype.name} needs {expected} bytes, the file has "
            f"{len(raw)}. Fetch it again from where it came."
        )
    elements = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    return elements.astype(dtype.newbyteorder("="))

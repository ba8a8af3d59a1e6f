"""Labelled image data sets kept in one NumPy archive."""

import lzma
import math
import struct
import tokenize
import zipfile
import zlib

import numpy as np
from sklearn.utils import Bunch

from sklatent._utils.files import as_path
from sklatent._utils.options import check_options

# Training names first, test names second, as archives in use spell them (any case).
LAYOUTS = ((("x_train", "y_train"), ("x_test", "y_test")), (("x", "y"), None))


HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
MAX_RATIO = 1040  # deflate can't shrink anything to less than a thousandth or so
# What zipfile, the decompressors, and the parser of numpy's headers say of damaged files.
DAMAGE = (
    ValueError,
    TypeError,
    OSError,
    EOFError,
    KeyError,
    IndexError,
    AttributeError,
    SyntaxError,
    MemoryError,
    RecursionError,
    OverflowError,
    RuntimeError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


def open_npz(path):
    """Open a NumPy archive without pickle, or say what the file is instead."""
    path = as_path(path)
    with path.open("rb"):  # a missing or unreadable file is its own, clearer, error
        pass
    try:
        if zipfile.is_zipfile(path):
            return np.load(path, allow_pickle=False)
    except DAMAGE as error:
        raise ValueError(
            f"{path} is a damaged archive ({error}). Fetch it again from where it came."
        ) from error
    raise ValueError(
        f"{path} is not a NumPy .npz archive, or it ends early. Write one with "
        "`numpy.savez_compressed`, or fetch the file again from where it came."
    )


def read_header(stream):
    """Return shape, order and type of an uncompressed .npy stream."""
    version = np.lib.format.read_magic(stream)
    if version not in HEADER_READERS:
        raise ValueError(f"unknown version {version} of the .npy format")
    shape, fortran_order, dtype = HEADER_READERS[version](stream)
    if any(size < 0 for size in shape):
        raise ValueError(f"negative shape {shape}")
    return shape, fortran_order, dtype


def check_size(archive, name):
    """Compare what a member's header announces with what the member holds, before building it."""
    entry = archive.getinfo(f"{name}.npy")
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        raise ValueError(f"{entry.compress_size} bytes can't unpack to {entry.file_size}")
    with archive.open(entry) as stream:
        shape, _, dtype = read_header(stream)
        announced = math.prod(shape) * dtype.itemsize + stream.tell()
    if not dtype.hasobject and announced != entry.file_size:
        raise ValueError(
            f"its header announces {announced} bytes and the archive holds {entry.file_size}"
        )


def read_member(archive, name, path):
    """Read one array of an open archive, naming it where it is damaged or pickled."""
    try:
        if f"{name}.npy" in archive.zip.namelist():
            check_size(archive.zip, name)
        array = archive[name]
    except DAMAGE as error:
        raise ValueError(
            f"{path}: the array {name!r} can't be read ({error}). Arrays of Python objects are "
            "never unpickled; for a damaged file, fetch it again from where it came."
        ) from error
    if not isinstance(array, np.ndarray):  # any other file inside the zip comes as bytes
        raise ValueError(f"{path}: the member {name!r} is not a NumPy array.")
    return array


def _flatten(images):
    """Return rows `(n, n_features)` and `image_shape`, None where rows were flat already."""
    image_shape = {3: (1, *images.shape[1:]), 4: images.shape[1:]}.get(images.ndim)
    return images.reshape(len(images), math.prod(images.shape[1:])), image_shape


def _read_pair(archive, names, path):
    """Read rows and labels of the same length."""
    images, target = (read_member(archive, name, path) for name in names)
    if target.ndim == 0:
        raise ValueError(f"{path}: {names[1]!r} is a single value, expected a label for each row.")
    if images.ndim not in (2, 3, 4):
        raise ValueError(
            f"{path}: {names[0]!r} has shape {images.shape}, expected (n, n_features), "
            "(n, height, width) or (n, channels, height, width)."
        )
    if len(images) != len(target):
        raise ValueError(
            f"{path}: {names[0]!r} has {len(images)} rows and {names[1]!r} {len(target)}, "
            "expected a label for each row."
        )
    return *_flatten(images), target


@check_options()
def load_npz(path, *, return_X_y=False):
    """Load a labelled image data set from a NumPy archive.

    The archive holds `x_train`, `y_train`, `x_test` and `y_test` (the layout in which
    MNIST and Fashion-MNIST are passed around), or only `x` and `y`; upper case is
    accepted. Images come back flattened, as estimators take them, with their values and
    type as stored: divide 8-bit pixels by 255 for a Bernoulli likelihood.

    Parameters
    ----------
    path : str or path-like
        The `.npz` file. Nothing in it is ever unpickled.

    return_X_y : bool, default=False
        If True, return `(data, target)`, the training rows and labels alone, and leave
        the test arrays unread.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_samples, n_features)
            Training images, one flattened image a row.
        target : ndarray of shape (n_samples, ...)
            Training labels.
        data_test : ndarray of shape (n_test_samples, n_features) or None
            Test images, None where the archive holds only `x` and `y`.
        target_test : ndarray of shape (n_test_samples, ...) or None
            Test labels, None where the archive holds only `x` and `y`.
        image_shape : tuple (channels, height, width) or None
            What a row was before it was flattened, None where it was flat. Pass it on
            to estimators with a convolutional architecture.

    (data, target) : tuple if `return_X_y` is True
        The training rows and labels.

    Raises
    ------
    ValueError
        If the file is no NumPy archive, lacks the arrays, or they do not fit together.

    See Also
    --------
    load_idx : Load one array from a file in the IDX format.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> from sklatent.datasets import load_npz
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "tiny.npz"
    ...     images = np.zeros((5, 28, 28), dtype=np.uint8)
    ...     np.savez_compressed(file, x=images, y=np.arange(5))
    ...     dataset = load_npz(file)
    >>> dataset.data.shape, dataset.image_shape
    ((5, 784), (1, 28, 28))
    """
    with open_npz(path) as archive:
        stored = {name.lower(): name for name in archive.files}
        for train, test in LAYOUTS:
            if all(name in stored for name in train + (test or ())):
                break
        else:
            raise ValueError(
                f"{path} holds the arrays {sorted(archive.files)}, expected 'x_train', 'y_train', "
                "'x_test' and 'y_test', or 'x' and 'y'."
            )
        data, image_shape, target = _read_pair(archive, [stored[name] for name in train], path)
        if return_X_y:
            return data, target
        data_test = target_test = None
        if test is not None:
            data_test, _, target_test = _read_pair(archive, [stored[name] for name in test], path)
            if data_test.shape[1] != data.shape[1]:
                raise ValueError(
                    f"{path}: training images have {data.shape[1]} values each and test images "
                    f"{data_test.shape[1]}, expected the same."
                )
    return Bunch(
        data=data,
        target=target,
        data_test=data_test,
        target_test=target_test,
        image_shape=image_shape,
    )

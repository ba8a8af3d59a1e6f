"""The original dSprites archive, read without holding the whole of it."""

import zipfile
from collections.abc import Mapping

import numpy as np
from sklearn.utils import Bunch

from sklatent._utils.options import COUNT, check_options
from sklatent.datasets._npz import DAMAGE, check_size, open_npz, read_header, read_member
from sklatent.datasets._sprites import FACTOR_NAMES, FACTOR_SIZES, select_rows

IMAGES, CLASSES = "imgs", "latents_classes"
BLOCK_BYTES = 1 << 24


def _read_factors(archive, path):
    """Return the five factors' indices of each image; the sixth, colour, is constant."""
    missing = [name for name in (IMAGES, CLASSES) if name not in archive.files]
    if missing:
        raise ValueError(
            f"{path} lacks the arrays {missing} of a dSprites file; it holds "
            f"{sorted(archive.files)}."
        )
    classes = read_member(archive, CLASSES, path)
    if classes.ndim != 2 or classes.shape[1] != len(FACTOR_SIZES) + 1:
        raise ValueError(
            f"{path}: {CLASSES!r} has shape {classes.shape}, expected (n, 6): colour, "
            f"{', '.join(FACTOR_NAMES)}."
        )
    if classes.dtype.kind not in "iu":
        raise ValueError(f"{path}: {CLASSES!r} is {classes.dtype}, expected integers.")
    factors = classes[:, 1:].astype(np.int64)
    if np.any(factors < 0) or np.any(factors >= FACTOR_SIZES):
        raise ValueError(f"{path}: {CLASSES!r} leaves the grid {FACTOR_SIZES} of dSprites.")
    return factors


def _stream_rows(stream, rows, n_images):
    """Return the chosen images of an uncompressed .npy stream, a block at a time."""
    shape, fortran_order, dtype = read_header(stream)
    if fortran_order or dtype != np.uint8 or len(shape) != 3 or shape[0] != n_images:
        raise ValueError(
            f"{IMAGES!r} is {dtype} of shape {shape}, expected uint8 of shape "
            f"({n_images}, height, width) in C order"
        )
    row_bytes = shape[1] * shape[2]
    if row_bytes == 0:
        raise ValueError(f"{IMAGES!r} has images without pixels, of shape {shape}")
    order = np.argsort(rows, kind="stable")
    wanted = rows[order]
    images = np.empty((len(rows), row_bytes), dtype=np.uint8)
    block_rows = max(1, BLOCK_BYTES // row_bytes)
    for start in range(0, int(wanted[-1]) + 1, block_rows):
        length = min(block_rows, n_images - start)
        raw = stream.read(length * row_bytes)
        if len(raw) < length * row_bytes:
            raise EOFError(f"{IMAGES!r} ends early")
        first, last = np.searchsorted(wanted, [start, start + length])
        block = np.frombuffer(raw, dtype=np.uint8).reshape(length, row_bytes)
        images[order[first:last]] = block[wanted[first:last] - start]
    return images, (1, *shape[1:])


@check_options(n_samples=[*COUNT, None], factors=[Mapping, "array-like", None])
def load_dsprites(path, n_samples=None, factors=None, random_state=None, *, return_X_y=False):
    """Load sprites from the original dSprites archive.

    The archive's 737,280 images take 3 GB once unpacked. They are read through in blocks
    and only the chosen ones are kept, so that memory grows with what is asked for.

    Parameters
    ----------
    path : str or path-like
        `dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz`, or a file with the same arrays.
        Its pickled metadata is never opened.

    n_samples : int or None, default=None
        How many images to draw at random and without replacement from those that
        `factors` allows. None gives all of them in the file's order.

    factors : dict, array-like of shape (n, 5) or None, default=None
        Which images there are to choose from, as in :func:`make_sprites`.

    random_state : int, RandomState instance or None, default=None
        Seed or generator of the choice. With the same arguments :func:`make_sprites`
        chooses the same factors in the same order.

    return_X_y : bool, default=False
        If True, return `(data, target)` in place of a Bunch.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_samples, 4096), dtype=uint8
            Flattened images of zeros and ones.
        target : ndarray of shape (n_samples, 5)
            Index of each factor's value: shape, scale, orientation, position_x and
            position_y.
        target_names : list of str
            The factors' names.
        image_shape : tuple (channels, height, width)
            What a row was before it was flattened.

    (data, target) : tuple if `return_X_y` is True
        The images and their factors.

    Raises
    ------
    ValueError
        If the file is no dSprites archive, is damaged, or has no image of these factors.

    See Also
    --------
    make_sprites : The same grid drawn by our own code, with no file needed.

    References
    ----------
    .. [1] L. Matthey, I. Higgins, D. Hassabis, A. Lerchner, "dSprites: Disentanglement
       testing sprites dataset", 2017.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> from sklatent.datasets import load_dsprites, make_sprites
    >>> X, factors = make_sprites(20, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "few_sprites.npz"
    ...     classes = np.pad(factors, ((0, 0), (1, 0)))
    ...     np.savez_compressed(file, imgs=X.reshape(-1, 64, 64), latents_classes=classes)
    ...     dataset = load_dsprites(file)
    >>> dataset.data.shape, dataset.image_shape
    ((20, 4096), (1, 64, 64))
    """
    with open_npz(path) as archive:
        table = _read_factors(archive, path)
    rows = select_rows(table, n_samples, factors, random_state)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{IMAGES}.npy") as stream:
            check_size(archive, IMAGES)
            images, image_shape = _stream_rows(stream, rows, len(table))
    except DAMAGE as error:
        raise ValueError(f"{path} is not a whole dSprites file: {error}.") from error
    if return_X_y:
        return images, table[rows]
    return Bunch(
        data=images,
        target=table[rows],
        target_names=list(FACTOR_NAMES),
        image_shape=image_shape,
    )

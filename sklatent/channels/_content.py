"""Fingerprints as arrays and JSON, and back: nothing that was read is believed unseen."""

import re

import numpy as np

from sklatent.channels._arrays import as_floats
from sklatent.channels._coefficients import (
    DiagonalChannels,
    FullChannels,
    LabelChannels,
    check_factors,
    gaussian_channels,
)

_SHA256 = re.compile("[0-9a-f]{64}")


def to_content(fingerprints):
    """Take fingerprints apart.

    Parameters
    ----------
    fingerprints : ChannelFingerprints
        What is to be kept.

    Returns
    -------
    arrays : dict of str to ndarray
        The arrays.

    metadata : dict
        What JSON can hold.
    """
    arrays = {"model": fingerprints.model, "component": fingerprints.component}
    for number, block in enumerate(fingerprints.blocks):
        arrays |= {f"block{number}.{name}": a for name, a in block.arrays().items()}
    metadata = {
        "names": fingerprints.names,
        "sample_hash": fingerprints.sample_hash,
        "blocks": [block.kind for block in fingerprints.blocks],
    }
    return arrays, metadata


def from_content(arrays, metadata):
    """Check every piece of what `to_content` made, and give the arguments to make it again.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The arrays.

    metadata : dict
        What was in JSON.

    Returns
    -------
    arguments : dict
        Blocks, numbers of models and components, names and hash.

    Raises
    ------
    ValueError
        If something is missing, is too much, contradicts something else or is out of its range.
    """
    if not isinstance(arrays, dict) or not isinstance(metadata, dict):
        raise _damaged("they are no arrays with metadata")
    _check_names(metadata, {"names", "sample_hash", "blocks"}, "metadata")
    kinds, names, hash_ = metadata["blocks"], metadata["names"], metadata["sample_hash"]
    if not isinstance(kinds, list) or not kinds or not all(k in _READERS for k in map(str, kinds)):
        raise _damaged(f"their kinds of channels must be among {sorted(_READERS)}")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _damaged("their names must be a list of strings")
    if hash_ is not None and not (isinstance(hash_, str) and _SHA256.fullmatch(hash_)):
        raise _damaged("their sample hash is no SHA-256")
    expected = {"model", "component"}
    for number, kind in enumerate(kinds):
        expected |= {f"block{number}.{name}" for name in _READERS[kind][0]}
    _check_names(arrays, expected, "arrays")
    blocks = [
        _READERS[kind][1](*(np.asarray(arrays[f"block{number}.{n}"]) for n in _READERS[kind][0]))
        for number, kind in enumerate(kinds)
    ]
    lengths = {block.n_samples for block in blocks}
    if len(lengths) > 1:
        raise _damaged(f"their blocks speak about {sorted(lengths)} samples at once")
    n_channels = sum(len(block) for block in blocks)
    numbers = {name: np.asarray(arrays[name]) for name in ("model", "component")}
    for name, array in numbers.items():
        if array.shape != (n_channels,) or array.dtype.kind not in "iu":
            raise _damaged(
                f"{name} must hold {n_channels} integers, got shape {array.shape} of {array.dtype}"
            )
    if len(names) != n_channels:
        raise _damaged(f"there are {len(names)} names for {n_channels} channels")
    return {"blocks": blocks, "names": names, "sample_hash": hash_, **numbers}


def _damaged(why):
    return ValueError(
        f"These are no channel fingerprints: {why}. Ask for the file again where it came from."
    )


def _check_names(found, expected, what):
    if set(found) != expected:
        raise _damaged(
            f"their {what} must be {sorted(expected)}, got {sorted(map(str, found))[:20]}"
        )


def _floats(array, name, ndim):
    if array.ndim != ndim or not array.size or array.dtype.kind != "f":
        raise _damaged(
            f"{name} must hold floats in {ndim} dimensions, got shape {array.shape} of "
            f"{array.dtype}"
        )
    return as_floats(array, name)


def _diagonal(mean, log_var):
    return gaussian_channels(_floats(mean, "mean", 3), _floats(log_var, "log_var", 3), None)


def _full(mean, scale_tril):
    mean, scale_tril = _floats(mean, "mean", 3), _floats(scale_tril, "scale_tril", 4)
    check_factors(mean, scale_tril)
    return FullChannels(mean, scale_tril)


def _labels(labels):
    if labels.ndim != 2 or not labels.size or labels.dtype.kind not in "iu":
        raise _damaged(
            f"labels must be integers in 2 dimensions, got shape {labels.shape} of {labels.dtype}"
        )
    return LabelChannels(labels.astype(np.int64, copy=False))


# What a block of each kind is made of, and what makes it.
_READERS = {
    DiagonalChannels.kind: (("mean", "log_var"), _diagonal),
    FullChannels.kind: (("mean", "scale_tril"), _full),
    LabelChannels.kind: (("labels",), _labels),
}

"""What a report was made of: the runs, the data, files and versions, each with a hash."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from scipy import sparse

from sklatent._utils.arrays import listed
from sklatent._utils.files import read_any, take
from sklatent._utils.pipelines import last_step
from sklatent._utils.sparse import contents
from sklatent.persistence import save

_BLOCK = 4096
# Parts have entries of their own; a folder is a place on one machine's disk.
_NOT_SHOWN = {"steps", "memory", "verbose", "checkpoint_dir"}


def describe_data(X):
    """Shape and SHA-256 of a table: of its numbers as little-endian doubles, row by row.

    Parameters
    ----------
    X : array-like or CSR matrix of shape (n_samples, n_features)
        The table. One that is not all numbers is hashed as comma-separated text, a CSR matrix by
        its shape, row pointers, columns and values.

    Returns
    -------
    description : dict
        ``rows``, ``features``, ``sha256`` and ``hashed``, which says what was.
    """
    rows, features = np.shape(X)
    digest = hashlib.sha256()
    if sparse.issparse(X):
        hashed = "shape, row pointers, columns (int64) and values (float64) of the CSR matrix"
        *places, values = contents(X.tocsr())
        for part in (*places, values.astype("<f8")):
            digest.update(part.tobytes())
    else:
        numbers = np.asarray(X)
        try:
            hashed = "np.ascontiguousarray(X, dtype='<f8')"
            for start in range(0, rows, _BLOCK):  # a memory map is never read whole
                digest.update(np.ascontiguousarray(numbers[start : start + _BLOCK], dtype="<f8"))
        except (TypeError, ValueError):
            import pandas as pd

            hashed = "the table as comma-separated text, without its index"
            digest = hashlib.sha256(pd.DataFrame(X).to_csv(index=False).encode())
    return {"rows": rows, "features": features, "sha256": digest.hexdigest(), "hashed": hashed}


def describe_files(files):
    """Name, size and SHA-256 of each file, the name without its folder."""
    found = []
    if isinstance(files, str | bytes | os.PathLike) or hasattr(files, "read"):
        files = [files]
    for file in listed(files, "files", "names of files"):
        try:
            name, data = take(file)
        except OSError as error:
            raise ValueError(
                f"There is no file {str(file)!r} that can be read: {error}."
            ) from error
        found.append(
            {
                "file": Path(str(name)).name,
                "bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        )
    return found


def describe_model(model):
    """Class, seed, epochs and content hash of a fitted model; None where there is none."""
    last, steps = last_step(model)
    return {
        "model": " > ".join(type(part).__name__ for part in (*steps, last)),
        "seed": getattr(last, "random_state", None),
        "epochs": getattr(last, "n_epochs_", None),
        "content_hash": _content_hash(model),
    }


def _content_hash(model):
    """The hash that ``python -m sklatent`` prints of the model's file, if it can have one."""
    file = io.BytesIO()
    try:
        save(model, file)
    except (TypeError, ValueError):
        return None
    return read_any(io.BytesIO(file.getvalue()))[1]["content_hash"]


def describe_parameters(models):
    """The models' parameters in words, and the names of those in which they differ.

    Parameters
    ----------
    models : list of estimators
        The runs.

    Returns
    -------
    parameters : dict of str to str
        Of the first run; without steps and nested estimators themselves.
    differing : list of str
        Names of parameters that are not equal in all runs, the seeds aside.
    """
    described = [
        {
            name: _in_words(value)
            for name, value in sorted(_parameters(model).items())
            if name not in _NOT_SHOWN and not hasattr(value, "get_params")
        }
        for model in models
    ]
    first = described[0]
    differing = [
        name
        for name in sorted(set().union(*described))
        if name.rpartition("__")[2] != "random_state"
        and any(each.get(name) != first.get(name) for each in described[1:])
    ]
    return {name: value[:200] for name, value in first.items()}, differing


def _parameters(model):
    return model.get_params() if hasattr(model, "get_params") else {}


def _in_words(value):
    """A value on one line, code by its name: where it lies in memory is no one's business."""
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return " ".join(repr(value).split())

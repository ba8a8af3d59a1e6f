"""Which rows are trained on, and which are held out to stop by."""

import numpy as np

from sklatent.nn.training.randomness import validation_split

_ENOUGH = 20  # rows, by which early_stopping="auto" can tell when to stop


def split_rows(model, X, rows, keys, holds_out):
    """Training rows and validation rows, or None, each as indices and keys in the keys' order.

    Keys are None where they are positions, and indices where they are all rows. Indices have an
    axis of models in front if `rows` has.

    Parameters
    ----------
    model : LatentModel
        One of those that are trained, which are alike in what is asked here.
    X : array or CSR matrix of shape (n_samples, n_features)
        Data.
    rows : ndarray of shape (K, n_rows) or None
        Each model's own; None is all.
    keys : ndarray of uint64 of shape (n_samples,) or None
        Of the rows of X.
    holds_out : bool
        Whether rows are held out. Which they are is drawn for their names and for no seed, so that
        models of two seeds start at the same axes and stop alike.
    """
    if keys is None and not holds_out:
        return (rows if rows is None else _of_one(rows)[0], None), None
    everything = np.arange(X.shape[0])[None] if rows is None else rows
    # What a model's rows are called where they have no names: their places among its own.
    own_keys = np.arange(everything.shape[1], dtype=np.uint64)[None]
    own_keys = np.broadcast_to(own_keys, everything.shape) if keys is None else keys[everything]
    order = np.argsort(own_keys, axis=1, kind="stable")
    everything, own_keys = (np.take_along_axis(a, order, 1) for a in (everything, own_keys))
    if not holds_out:
        return _of_one(everything, own_keys), None
    n = everything.shape[1]
    n_valid = max(1, round(model.validation_fraction * n))
    if model.early_stopping == "auto":
        # They come back in the end, so that more may be asked of few.
        n_valid = max(n_valid, min(_ENOUGH, n // 2))
    if n_valid >= n:
        raise ValueError(
            f"validation_fraction={model.validation_fraction} leaves no training rows of {n}. "
            "Lower it or give more rows."
        )
    chosen = [validation_split(own, n_valid) for own in own_keys]
    train, valid = (np.stack(part) for part in zip(*chosen, strict=True))

    def take(part):
        return _of_one(*(np.take_along_axis(array, part, 1) for array in (everything, own_keys)))

    return take(train), take(valid)


def _of_one(*arrays):
    """Without the axis of models where it has one entry: the one model's, or shared by all."""
    return tuple(array[0] if len(array) == 1 else array for array in arrays)

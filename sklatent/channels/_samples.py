"""Which samples do fingerprints speak about, and what do models say of them?"""

import hashlib
import numbers

import numpy as np
from scipy import sparse

from sklatent._utils.arrays import is_missing, to_array
from sklatent._utils.pipelines import last_step
from sklatent.channels._arrays import as_floats
from sklatent.channels._coefficients import gaussian_channels

# Numbers that are converted together, so that a memory map is never copied whole.
_BLOCK_ELEMENTS = 1 << 20


def hash_samples(X, n_samples=None):
    """Compute the SHA-256 of samples by value.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The samples. The same numbers in another float type, layout, frame or sparse matrix hash
        alike.

    n_samples : int, default=None
        How many there must be.

    Returns
    -------
    hash_ : str
        In hexadecimal.
    """
    X = X.tocsr() if sparse.issparse(X) else _unmasked(X)
    if n_samples is not None and X.shape[0] != n_samples:
        raise ValueError(f"X has {X.shape[0]} samples, but the channels speak about {n_samples}.")
    digest = hashlib.sha256(repr(X.shape).encode())
    step = max(1, _BLOCK_ELEMENTS // max(1, int(np.prod(X.shape[1:]))))
    for start in range(0, X.shape[0], step):
        rows = X[start : start + step]
        digest.update(_bytes_by_value(rows.toarray() if sparse.issparse(rows) else rows))
    return digest.hexdigest()


def _unmasked(X):
    if not np.ma.is_masked(X):
        return to_array(X, "X")
    return np.ma.getdata(X).astype(np.float64) + np.where(np.ma.getmaskarray(X), np.nan, 0.0)


def _bytes_by_value(rows):
    """Bytes that depend on the values alone: float64 where that holds them all."""
    if rows.dtype.kind in "biuf":
        floats = rows.astype(np.float64)
        if rows.dtype.kind in "bf" or np.abs(floats).max(initial=0.0) < 2.0**53:
            return _float_bytes(floats)
        rows = rows.astype(object)
    words = [_word(value) for value in rows.flat]
    if all(isinstance(word, float) for word in words):
        return _float_bytes(np.array(words))
    return repr(words).encode()


def _float_bytes(floats):
    # All kinds of NaN are one, and so are both zeros.
    return np.ascontiguousarray(np.where(np.isnan(floats), np.nan, floats + 0.0)).tobytes()


def _word(value):
    """A number as a float, where it is one, and anything else as text that names its value."""
    if is_missing(value):
        return float("nan")
    if isinstance(value, (numbers.Real, np.bool_)):
        # Whole numbers that float64 would round stay what they are.
        exact = not isinstance(value, numbers.Integral) or abs(int(value)) < 2**53
        return float(value) if exact else str(int(value))
    if isinstance(value, (str, bytes, numbers.Number, np.generic)) or hasattr(value, "isoformat"):
        return f"{value!s}"
    raise ValueError(
        f"X holds a {type(value).__name__}, which has no value to tell samples by. Samples are "
        "rows of numbers, strings or dates."
    )


def check_same_samples(a, b):
    """Refuse two sets of fingerprints that do not speak about the same samples.

    Parameters
    ----------
    a, b : ChannelFingerprints
        Fingerprints that are to be joined or compared.

    Raises
    ------
    ValueError
        If lengths or hashes of the samples differ.
    """
    if a.n_samples != b.n_samples:
        raise ValueError(
            f"Fingerprints of different lengths cannot be compared: {a.n_samples} and "
            f"{b.n_samples} samples. Take both over the same samples, in the same order."
        )
    if a.sample_hash and b.sample_hash and a.sample_hash != b.sample_hash:
        raise ValueError(
            "Fingerprints over different samples cannot be compared: the sample hashes differ "
            f"({a.sample_hash[:12]} and {b.sample_hash[:12]}). Take both over the same samples, in "
            "the same order."
        )


def encode_channels(estimator, X, whole, number):
    """A fitted model's posteriors of samples as channels.

    Parameters
    ----------
    estimator : estimator
        With a method `encode`, at its end where it is a Pipeline or a search.
    X : array-like of shape (n_samples, n_features)
        The samples.
    whole : bool
        Whether the latent space is one channel, and not each of its components.
    number : int
        What the model is called in messages.

    Returns
    -------
    block : DiagonalChannels or FullChannels
        One channel, or one for each component.

    Raises
    ------
    TypeError
        If it has no posteriors.
    """
    posterior = _posterior_of(estimator, X)
    # (n_channels, n_samples, width)
    mean = posterior.mean[None] if whole else posterior.mean.T[:, :, None]
    mean = as_floats(mean, f"The posterior mean of model {number}")
    if whole and not posterior.is_diagonal:
        return gaussian_channels(mean, None, posterior.covariance.astype(np.float64)[None])
    log_var = posterior.log_var[None] if whole else posterior.log_var.T[:, :, None]
    log_var = as_floats(log_var, f"The posterior log-variance of model {number}")
    return gaussian_channels(mean, log_var, None)


def _posterior_of(estimator, X):
    ends_in_one = hasattr(estimator, "best_estimator_") or hasattr(estimator, "steps")
    model, steps = last_step(estimator) if ends_in_one else (estimator, [])
    if isinstance(model, (type, str, bytes)) or not hasattr(model, "encode"):
        name = model.__name__ if isinstance(model, type) else type(model).__name__
        raise TypeError(
            f"{name} {'is a class' if isinstance(model, type) else 'has no method encode'}, so it "
            "has no posteriors. Give fitted models such as VAE, or use "
            "ChannelFingerprints.from_posteriors."
        )
    for step in steps:
        X = step.transform(X)
    posterior = model.encode(X)
    if not all(hasattr(posterior, name) for name in ("mean", "log_var", "is_diagonal")):
        raise TypeError(
            f"The method encode of {type(model).__name__} returned a {type(posterior).__name__}, "
            "not a posterior. Use ChannelFingerprints.from_posteriors with its arrays."
        )
    return posterior

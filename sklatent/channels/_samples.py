"""Which samples do fingerprints speak about, and what do models say of them?"""

import hashlib

import numpy as np
from sklearn.pipeline import Pipeline


def hash_samples(X, n_samples=None):
    """SHA-256 of samples by value: the same numbers in another float type or layout hash alike."""
    X = np.asarray(X)
    if n_samples is not None and len(X) != n_samples:
        raise ValueError(f"X has {len(X)} samples, but the channels speak about {n_samples}.")
    if X.dtype.kind in "biuf":
        X = X.astype(np.float64)
    digest = hashlib.sha256(repr(X.shape).encode())
    digest.update(np.ascontiguousarray(X).tobytes())
    return digest.hexdigest()


def check_same_samples(a, b):
    """Refuse two sets of fingerprints that do not speak about the same samples."""
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


def encode_samples(estimator, X):
    """Posteriors of samples by a fitted model, or by a Pipeline that ends in one."""
    if isinstance(estimator, Pipeline):
        X = estimator[:-1].transform(X) if len(estimator) > 1 else X
        return encode_samples(estimator[-1], X)
    if not hasattr(estimator, "encode"):
        raise TypeError(
            f"{type(estimator).__name__} has no method encode, so it has no posteriors. Give "
            "fitted models such as VAE, or use ChannelFingerprints.from_posteriors."
        )
    return estimator.encode(X)

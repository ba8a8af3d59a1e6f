"""Spaces that were written down, and noise."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class Fixed(TransformerMixin, BaseEstimator):
    """A space that was written down."""

    def __init__(self, Z=None, random_state=None):
        self.Z = Z
        self.random_state = random_state

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.asarray(self.Z)[: len(X)]


def fixed(arrays):
    return [Fixed(Z, random_state=seed).fit(None) for seed, Z in enumerate(arrays)]


class Bare:
    """A transformer of another library, that knows nothing of scikit-learn."""

    def __init__(self, Z):
        self.Z = Z

    def transform(self, X):
        return self.Z


def noisy(rng, base, share=0.1):
    return base + share * rng.normal(size=base.shape)

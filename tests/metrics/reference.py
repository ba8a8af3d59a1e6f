"""Codes and factors on which the public implementation's values are known."""

import numpy as np

FACTOR_SIZES = (3, 4, 6, 10)


def make_reference():
    """Return 3,000 samples of 7 codes and 4 factors, drawn from numpy's frozen generator.

    The values that tests compare with were computed on these arrays by the functions of
    google-research/disentanglement_lib at commit 86a644d (sklearn-only parts: mig, sap_score,
    modularity_explicitness, irs, dci, udr), with 20 bins where it bins.
    """
    rng = np.random.RandomState(0)
    factors = np.column_stack([rng.randint(size, size=3000) for size in FACTOR_SIZES])
    weights = rng.normal(size=(4, 7)) * (rng.random_sample((4, 7)) < 0.4)
    codes = factors @ weights + 0.5 * rng.normal(size=(3000, 7))
    codes[:, 6] = 0.5 * rng.normal(size=3000)
    return codes, factors


def full_grid(*sizes):
    """Return every combination of factor values, as integers."""
    return np.indices(sizes).reshape(len(sizes), -1).T

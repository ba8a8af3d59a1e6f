"""Curved shapes, which no linear model gets right: is a start at PCA a trap?"""

import numpy as np
from sklearn.datasets import make_swiss_roll


def shapes(n=1250, noise=0.05):
    """Points on curved shapes, with noise around them.

    Parameters
    ----------
    n : int, default=1250
        Number of points of each.
    noise : float, default=0.05
        Deviation of the noise, where shapes are about 1 to 3 in size.

    Returns
    -------
    dict of str to ndarray of shape (n, n_features)
        By name.
    """
    rng = np.random.default_rng(0)
    t = rng.uniform(size=n)
    turn = 2 * np.pi * t
    ball = rng.normal(size=(n, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    wound, radius = 1.5 * turn, 0.3 + t
    # Unequal axes: of equal ones, no component is anyone's.
    clean = {
        "circle": np.column_stack([np.cos(turn), 0.9 * np.sin(turn)]),
        "spiral": np.column_stack([radius * np.cos(wound), radius * np.sin(wound)]),
        "helix": np.column_stack([np.cos(3 * turn), np.sin(3 * turn), 3 * t]),
        "rolled sheet": make_swiss_roll(n, random_state=0)[0] / 10,
        "sphere": ball * [1, 0.9, 0.8],
        "twelve clusters": (3 * rng.normal(size=(12, 10)))[rng.integers(12, size=n)],
    }
    deviations = {"twelve clusters": 1.0}  # which lie 3 apart
    return {
        name: X + deviations.get(name, noise) * rng.normal(size=X.shape)
        for name, X in clean.items()
    }

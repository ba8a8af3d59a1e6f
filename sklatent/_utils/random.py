"""Randomness that never comes from, nor goes to, numpy's global state."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state


def local_random_state(random_state):
    """Make a RandomState of ``random_state``.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        ``None`` gives a fresh generator, where scikit-learn's own function gives the global one.

    Returns
    -------
    generator : RandomState
        To draw from.

    Examples
    --------
    >>> from sklatent._utils.random import local_random_state
    >>> int(local_random_state(0).randint(100))
    44
    """
    if random_state is None:
        return np.random.RandomState()
    if isinstance(random_state, Integral) and not 0 <= random_state < 2**32:
        raise ValueError(f"random_state={random_state} must lie in 0 to 2**32 - 1, or be None.")
    return check_random_state(random_state)

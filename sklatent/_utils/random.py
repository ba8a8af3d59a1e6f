"""Randomness that never comes from, nor goes to, numpy's global state."""

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
    return np.random.RandomState() if random_state is None else check_random_state(random_state)

"""Random states that are nobody else's."""

import numpy as np

from sklatent._utils.random import local_random_state


def test_none_is_a_fresh_generator():
    """Not numpy's global one, as in scikit-learn."""
    before = np.random.get_state()[1].copy()
    a, b = local_random_state(None).random(8), local_random_state(None).random(8)
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_a_seed_and_a_generator():
    assert local_random_state(3).randint(1000) == np.random.RandomState(3).randint(1000)
    own = np.random.RandomState(0)
    assert local_random_state(own) is own

import numpy as np
import pytest

from sklatent.datasets import make_affine_digits, make_eight_gaussians, make_sprites


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_eight_gaussians(20)[0],
        lambda: make_sprites(20, image_size=16)[0],
        lambda: make_affine_digits(np.tile(np.arange(64.0), (3, 1))),
    ],
)
def test_without_a_seed_draws_differ_and_the_global_state_stays(make):
    before = np.random.get_state()[1:3]
    assert not np.array_equal(make(), make())
    after = np.random.get_state()[1:3]
    np.testing.assert_array_equal(before[0], after[0])
    assert before[1] == after[1]

"""Rows keep their batches when rows or batches come and go, and batches are of like size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklatent.nn.training.batches import _owners, batch_numbers, joined


def numbers_of(n_rows, n_batches, *seeds, epoch=0):
    keys = np.broadcast_to(np.arange(n_rows, dtype=np.uint64), (len(seeds), n_rows))
    return batch_numbers(keys, np.array(seeds, dtype=np.uint32), n_batches, epoch)


@given(
    n=st.integers(2, 3000),
    n_batches=st.integers(1, 70),
    seed=st.integers(0, 1000),
    epoch=st.integers(0, 1000),
)
def test_one_batch_more_takes_its_rows_from_all_and_moves_no_other(n, n_batches, seed, epoch):
    before = numbers_of(n, n_batches, seed, epoch=epoch)
    after = numbers_of(n, n_batches + 1, seed, epoch=epoch)
    assert before.max() < n_batches
    assert (after[before != after] == n_batches).all()


@pytest.mark.parametrize("batch_size", [32, 64, 128, 512])
def test_consecutive_keys_make_batches_of_like_size(batch_size):
    found = []
    for n in np.random.default_rng(0).integers(2 * batch_size, 60 * batch_size, size=20):
        n_batches = -(-n // batch_size)
        sizes = np.bincount(numbers_of(n, n_batches, 3)[0], minlength=n_batches)
        found.append(sizes.std() / sizes.mean())
        assert sizes.max() < 1.4 * batch_size
    assert np.mean(found) < 0.5 / np.sqrt(batch_size)  # half of what rows drawn singly have


@given(n=st.integers(2, 500), n_batches=st.integers(1, 40), epoch=st.integers(0, 100))
def test_models_of_a_stack_have_batches_of_the_same_sizes(n, n_batches, epoch):
    """So that stacks need no padding, though their rows are shuffled differently."""
    numbers = numbers_of(n, n_batches, 1, 2, 3, epoch=epoch)
    sizes = [np.bincount(own, minlength=n_batches) for own in numbers]
    assert (np.array(sizes) == sizes[0]).all()


@given(n_batches=st.integers(1, 600))
@settings(max_examples=20)
def test_batches_have_like_numbers_of_slots(n_batches):
    shares = np.bincount(_owners(n_batches), minlength=n_batches)
    assert np.ptp(shares) <= 1
    assert shares.min() >= 16
    assert shares.max() <= 32


@pytest.mark.parametrize(("n_rows", "n_batches"), [(416, 4), (320, 3), (1000, 17)])
def test_rows_meet_in_a_batch_as_chance_would_have_it(n_rows, n_batches):
    n_epochs = 400
    together = np.zeros((n_rows, n_rows))
    for epoch in range(n_epochs):
        own = numbers_of(n_rows, n_batches, 0, epoch=epoch)[0]
        together += own[:, None] == own
    rates = together[np.triu_indices(n_rows, 1)] / n_epochs
    chance = 1 / n_batches
    assert abs(rates.mean() - chance) < 0.005
    assert rates.std() < 1.1 * np.sqrt(chance * (1 - chance) / n_epochs)
    near = together[np.arange(n_rows - 1), np.arange(1, n_rows)] / n_epochs
    assert abs(near.mean() - chance) < 0.15 * chance


def test_seeds_and_epochs_shuffle_rows_anew():
    """Two orders agree on a row's batch little more often than chance has it."""
    orders = [
        numbers_of(2000, 16, 1)[0],
        numbers_of(2000, 16, 2)[0],
        numbers_of(2000, 16, 1, epoch=1)[0],
    ]
    for first, second in [(0, 1), (0, 2)]:
        assert abs((orders[first] == orders[second]).mean() - 1 / 16) < 0.06


def test_keys_of_names_make_batches_too():
    keys = np.sort(np.random.default_rng(0).integers(2**63, size=5000).astype(np.uint64))
    numbers = batch_numbers(keys[None], np.zeros(1, dtype=np.uint32), 40, 0)[0]
    sizes = np.bincount(numbers, minlength=40)
    assert abs(sizes.mean() - 125) < 1e-9
    assert 0.6 * np.sqrt(125) < sizes.std() < 1.5 * np.sqrt(125)  # as if each row were drawn
    fewer = batch_numbers(np.delete(keys, 17)[None], np.zeros(1, dtype=np.uint32), 40, 0)[0]
    assert np.array_equal(np.delete(numbers, 17), fewer)


def test_small_batches_join_the_next():
    numbers = np.array([0, 0, 1, 2, 2, 3])
    assert joined(numbers, 4, 1).tolist() == numbers.tolist()
    sizes = np.bincount(joined(numbers, 4, 2))
    assert sizes[sizes > 0].min() >= 2
    assert sizes.sum() == 6

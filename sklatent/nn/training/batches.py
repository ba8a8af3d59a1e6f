"""Which batch a row is in: drawn for its key, and the same whatever other rows there are."""

from collections import deque
from functools import lru_cache

import numpy as np

from sklatent.nn.training.counter import random_words

_CELLS = 16  # that a batch has at least: it has as many as others to a sixteenth
_BITS = 5  # of a key that are drawn at a time
_DIGIT = np.uint32((1 << _BITS) - 1)


def batch_numbers(keys, seeds, n_batches, epoch, purpose=0):
    """Which batch each row is in.

    A row's key and the epoch give it a slot, whatever the number of batches: consecutive keys
    (positions, a running index) take each slot equally often. Batches share the slots, and one
    batch more takes an even part of each other's and leaves the rest. So a row that comes or goes
    moves no other (behind the last row perhaps the 31 before it), nor does a batch that comes with
    it move more than fill it; and batches are of like size, to a few percent, the same sizes for
    all models of a stack.

    Parameters
    ----------
    keys : ndarray of uint64 of shape (K, n_rows)
        In ascending order.
    seeds : ndarray of uint32 of shape (K,)
        One for each model.
    n_batches : int
        How many.
    epoch : int
        The epoch.
    purpose : int, default=0
        What else the draws are told by.

    Returns
    -------
    ndarray of integers of shape (K, n_rows)
        From 0 to ``n_batches - 1``.
    """
    owners = _owners(n_batches)
    slots = np.zeros(keys.shape, dtype=np.uint32)
    for shift in range(0, (len(owners) - 1).bit_length(), _BITS):
        digits = (keys >> np.uint64(shift)).astype(np.uint32) & _DIGIT
        blocks = keys >> np.uint64(shift + _BITS)
        words = _words(blocks, seeds if shift == 0 else None, epoch, shift, purpose)
        slots |= _shuffled(digits, words) << np.uint32(shift)
    return owners[slots & np.uint32(len(owners) - 1)]


def _words(blocks, seeds, epoch, shift, purpose):
    """One random word for each block of keys.

    Keys that differ in their last digit only are shuffled by each model for itself, which leaves
    the slots that a block has; all else is shuffled alike. The last block may not be whole, and is
    shuffled alike too: the slots taken are then the same for all models.
    """
    own = np.zeros((len(blocks), 1), dtype=np.uint32)
    if seeds is not None:
        own = np.where(blocks == blocks[:, -1:], np.uint32(0), seeds[:, None])
    first = np.ones(blocks.shape, dtype=bool)
    first[:, 1:] = blocks[:, 1:] != blocks[:, :-1]
    own = np.broadcast_to(own, blocks.shape)[first]
    words = random_words(blocks[first], own, 1, epoch=epoch, call=2 + shift, purpose=purpose)
    return words[:, 0][np.cumsum(first) - 1].reshape(blocks.shape)


def _shuffled(digits, words):
    """Numbers below 32 in one of many orders: where two go together is all but chance."""
    digits = (digits * (words | 1) + (words >> 5)) & _DIGIT
    digits ^= digits >> 3
    digits = (digits * (words >> 10 | 1) + (words >> 15)) & _DIGIT
    digits ^= digits >> 2
    return (digits * (words >> 20 | 1)) & _DIGIT


@lru_cache(maxsize=8)
def _owners(n_batches):
    """Each slot's batch; there are 16 to 32 times as many slots as batches, a power of two.

    Batches come one after the other, and each takes one slot at a time, at random, from those that
    have most. Where slots become too few they are doubled, each half as before.
    """
    generator = np.random.RandomState(0)
    slots, n_slots = [list(range(_CELLS))], _CELLS
    order = deque([0])  # those with more slots come first
    for number in range(1, n_batches):
        if number & (number - 1) == 0:
            slots = [own + [slot + n_slots for slot in own] for own in slots]
            n_slots *= 2
        taken = []
        for place in generator.random_sample(n_slots // (number + 1)):
            order.append(order.popleft())
            own = slots[order[-1]]
            chosen = int(place * len(own))
            own[chosen], own[-1] = own[-1], own[chosen]
            taken.append(own.pop())
        slots.append(taken)
        order.append(number)
    owners = np.empty(n_slots, dtype=np.int64)
    for number, own in enumerate(slots):
        owners[own] = number
    owners.setflags(write=False)
    return owners


def joined(numbers, n_batches, least):
    """Batch numbers with batches of fewer than ``least`` rows taken into the next that has rows."""
    while True:
        sizes = np.bincount(numbers, minlength=n_batches)
        small = np.flatnonzero((sizes > 0) & (sizes < least))
        others = np.flatnonzero(sizes)
        if not len(small) or len(others) == 1:
            return numbers
        following = others[(np.searchsorted(others, small[0]) + 1) % len(others)]
        numbers = np.where(numbers == small[0], following, numbers)

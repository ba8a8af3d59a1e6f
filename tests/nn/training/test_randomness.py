"""Streams are local, and those of a stack are those of its members."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sklatent.nn.training.randomness import (
    RandomStreams,
    _sorted,
    draw_seed,
    drawn_order,
    seeded_initialisation,
    split_seed,
    validation_split,
)


def test_initialisation_is_seeded_and_leaves_the_global_state():
    before = torch.get_rng_state()
    with seeded_initialisation(3):
        first = torch.nn.Linear(4, 4).weight
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(10)
    with seeded_initialisation(3):
        second = torch.nn.Linear(4, 4).weight
    assert torch.equal(first, second)


def test_initialisation_puts_the_state_back_after_an_error():
    before = torch.get_rng_state()
    try:
        with seeded_initialisation(3):
            torch.rand(1)
            raise RuntimeError
    except RuntimeError:
        pass
    assert torch.equal(torch.get_rng_state(), before)


def test_drawing_a_seed_of_none_leaves_numpys_global_state():
    before = np.random.get_state()[1].copy()
    assert draw_seed(None) != draw_seed(None)
    assert np.array_equal(np.random.get_state()[1], before)
    assert draw_seed(7) == draw_seed(7)


def test_streams_of_a_seed_differ():
    assert len(set(split_seed(0).values())) == 3
    assert split_seed(0) != split_seed(1)


@pytest.mark.parametrize("name", ["float64", "meta"])
def test_initialisation_does_not_depend_on_others_defaults(name):
    """Neither the default type nor the default device of the process matters."""
    with seeded_initialisation(3):
        expected = torch.nn.Linear(4, 4).weight
    dtype = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64) if name == "float64" else torch.set_default_device(
            name
        )
        with seeded_initialisation(3):
            found = torch.nn.Linear(4, 4).weight
    finally:
        torch.set_default_dtype(dtype)
        torch.set_default_device(None)
    assert torch.equal(found, expected)
    assert found.device.type == "cpu"


def epoch_of(streams, keys, n_batches, width=3):
    """All batches of an epoch: rows' keys and their noise, one after the other."""
    order, sizes = streams.begin_epoch(keys, n_batches)
    order = order if streams.stacked else order[None]
    keys = np.broadcast_to(keys, (len(order), keys.shape[-1]))
    batches = []
    for number in range(sizes.shape[1]):
        streams.begin_batch()
        noise = streams.normal(int(sizes[:, number].max()), width)
        noise = noise if streams.stacked else noise[None]
        for k, own in enumerate(sizes):
            start = own[:number].sum()
            rows = order[k, start : start + own[number]].numpy()
            batches.append((k, number, keys[k][rows], noise[k, : own[number]].numpy()))
    return batches


def by_key(batches):
    """For each row's key its batch and its noise."""
    return {
        key: (number, noise.tolist())
        for _, number, keys, noises in batches
        for key, noise in zip(keys.tolist(), noises, strict=True)
    }


def streams_of(*seeds, stacked=False, dtype=torch.float64):
    return RandomStreams(list(seeds), dtype, "cpu", stacked)


def test_a_stack_draws_what_its_members_would_draw():
    keys = np.arange(103, dtype=np.uint64)
    stacked = streams_of(5, 6, 7, stacked=True)
    singles = [streams_of(seed) for seed in (5, 6, 7)]
    for _ in range(3):
        together = epoch_of(stacked, keys, 4)
        for k, single in enumerate(singles):
            own = [batch[1:] for batch in together if batch[0] == k]
            alone = [batch[1:] for batch in epoch_of(single, keys, 4)]
            for a, b in zip(own, alone, strict=True):
                assert a[0] == b[0]
                assert np.array_equal(a[1], b[1])
                assert np.array_equal(a[2], b[2])


def test_a_dropped_row_moves_no_other():
    keys = np.arange(1000, dtype=np.uint64)
    whole, less = streams_of(3), streams_of(3)
    kept = np.delete(keys, [17, 400])
    for _ in range(2):
        before, after = by_key(epoch_of(whole, keys, 8)), by_key(epoch_of(less, kept, 8))
        assert all(before[key] == after[key] for key in kept.tolist())


def test_order_within_a_batch_is_chance():
    keys = np.arange(64, dtype=np.uint64)
    streams = streams_of(0)
    first = [epoch_of(streams, keys, 1, width=1)[0][2][0] for _ in range(300)]
    assert len(set(first)) > 50


def test_copies_of_the_batch_have_noise_of_their_own():
    streams = streams_of(0)
    streams.begin_epoch(np.arange(10, dtype=np.uint64), 1)
    streams.begin_batch()
    z = streams.normal(30, 2)
    assert len(torch.unique(z)) == 60
    assert streams.normal(3, 10, 2).shape == (3, 10, 2)
    assert streams.uniform(10, 2).min() > 0
    with pytest.raises(ValueError, match="no whole number of draws"):
        streams.normal(11, 2)


def test_chunks_of_several_batches_change_nothing(monkeypatch):
    keys = np.random.default_rng(0).permutation(5000)[:700].astype(np.uint64)
    keys.sort()
    expected = by_key(epoch_of(streams_of(1), keys, 9))
    monkeypatch.setattr("sklatent.nn.training.randomness._AHEAD", 200)
    assert by_key(epoch_of(streams_of(1), keys, 9)) == expected


def test_state_pickle_and_members_resume_the_streams():
    keys = np.arange(50, dtype=np.uint64)
    streams = streams_of(5, 6, stacked=True)
    epoch_of(streams, keys, 3)
    resumed = streams_of(0, 0, stacked=True)
    resumed.set_state(streams.state())
    others = [resumed, pickle.loads(pickle.dumps(streams))]
    member = streams.member(1)
    expected = epoch_of(streams, keys, 3)
    for other in others:
        for a, b in zip(epoch_of(other, keys, 3), expected, strict=True):
            assert np.array_equal(a[3], b[3])
    own = [batch for batch in expected if batch[0] == 1]
    for a, b in zip(epoch_of(member, keys, 3), own, strict=True):
        assert np.array_equal(a[3], b[3])


def test_validation_noise_is_the_same_at_every_epoch():
    keys = np.arange(50, dtype=np.uint64)
    streams = streams_of(5)
    draws = []
    for _ in range(2):
        epoch_of(streams, keys, 3)
        validation = streams.for_validation(keys[:7], np.array([4, 3]))
        validation.begin_batch()
        draws.append(validation.normal(4, 2))
    assert torch.equal(*draws)


def test_an_order_is_drawn_for_the_rows_themselves():
    keys = np.random.default_rng(0).integers(2**63, size=300).astype(np.uint64)
    order = drawn_order(keys, 3)
    assert np.array_equal(np.sort(order), np.arange(300))
    assert np.array_equal(keys[::-1][drawn_order(keys[::-1], 3)], keys[order])
    fewer = np.delete(keys, order[100])
    assert np.array_equal(fewer[drawn_order(fewer, 3)], np.delete(keys[order], 100))
    assert not np.array_equal(drawn_order(keys, 4), order)
    # Each row is as likely in each place as in any other.
    first = np.array([drawn_order(np.arange(4, dtype=np.uint64), seed)[0] for seed in range(400)])
    assert np.all(np.abs(np.bincount(first) - 100) < 35)


def test_validation_split_is_drawn_for_the_rows_themselves():
    keys = np.arange(500, dtype=np.uint64)
    train, valid = validation_split(keys, 50)
    assert np.array_equal(np.sort(np.concatenate([train, valid])), np.arange(500))
    _, fewer = validation_split(np.delete(keys, 100), 50)
    assert len(set(keys[valid]) & set(np.delete(keys, 100)[fewer])) >= 49


@given(
    n=st.integers(1, 300),
    n_batches=st.sampled_from([1, 2, 7, 100, 2**20]),
    seed=st.integers(0, 1000),
)
def test_rows_are_sorted_by_batch_and_within_one_by_chance(n, n_batches, seed):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(n_batches, size=(2, n))
    words = rng.integers(2**32, size=(2, n)).astype(np.uint32)
    expected = [np.lexsort((own, batch)) for own, batch in zip(words, numbers, strict=True)]
    assert np.array_equal(_sorted(numbers, words, n_batches), expected)


def test_of_millions_of_rows_the_order_within_a_batch_goes_by_fewer_bits():
    rng = np.random.default_rng(0)
    numbers = rng.integers(40_000, size=(1, 2_000_000))
    words = rng.integers(2**32, size=numbers.shape).astype(np.uint32)
    order = _sorted(numbers, words, 40_000)[0]
    assert np.array_equal(np.sort(order), np.arange(2_000_000))
    assert (np.diff(numbers[0][order]) >= 0).all()
    assert (order == np.lexsort((words[0], numbers[0]))).mean() > 0.999

"""Streams are local, and those of a stack are those of its members."""

import pickle

import numpy as np
import torch

from sklatent.nn.training.randomness import (
    RandomStreams,
    draw_seed,
    seeded_initialisation,
    split_seed,
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
    assert len(set(split_seed(0).values())) == 4
    assert split_seed(0) != split_seed(1)


def draws(streams, k=None):
    out = [streams.order(11), streams.normal(3, 2), streams.uniform(4)]
    out += [streams.normal(40_000), streams.normal(5)]
    return out if k is None else [each[k] for each in out]


def test_a_stack_draws_what_its_members_would_draw():
    stacked = draws(RandomStreams([5, 6, 7], torch.float64, "cpu", stacked=True))
    for k, seed in enumerate([5, 6, 7]):
        single = draws(RandomStreams([seed], torch.float64, "cpu"))
        for a, b in zip(stacked, single, strict=True):
            assert torch.equal(a[k], b)


def test_a_member_continues_where_the_stack_is():
    stacked = RandomStreams([5, 6], torch.float32, "cpu", stacked=True)
    draws(stacked)
    member = stacked.member(1)
    stacked.reset()
    assert torch.equal(stacked.normal(9)[1], member.normal(9))


def test_state_and_pickle_resume_the_streams():
    streams = RandomStreams([5], torch.float32, "cpu")
    draws(streams)
    streams.reset()
    state, copy = streams.state(), pickle.loads(pickle.dumps(streams))
    expected = draws(streams)
    streams.set_state(state)
    for resumed in (streams, copy):
        for a, b in zip(draws(resumed), expected, strict=True):
            assert torch.equal(a, b)


def test_noise_is_standard_normal_and_not_repeated():
    streams = RandomStreams([0], torch.float64, "cpu")
    z = torch.cat([streams.normal(1000) for _ in range(200)])
    assert abs(z.mean()) < 0.01
    assert abs(z.std() - 1) < 0.01
    assert len(torch.unique(z)) == len(z)

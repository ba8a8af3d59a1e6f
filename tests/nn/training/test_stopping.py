"""When training ends: losses that stop falling, or are not finite."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sklatent.nn.stacking.modules import stack_modules
from sklatent.nn.training.stopping import (
    FiniteGuard,
    FixedEpochs,
    NonFiniteLossError,
    Stopper,
    is_stop_signal,
)


class History(list):
    """Rows that are read as skorch's are."""

    def __getitem__(self, at):
        return (
            super().__getitem__(at[0])[at[1]] if isinstance(at, tuple) else super().__getitem__(at)
        )


def net_of(patience, n_members=None):
    modules = [torch.nn.Linear(1, 1) for _ in range(n_members or 1)]
    module = stack_modules(modules) if n_members else modules[0]
    return SimpleNamespace(
        module_=module, n_members=n_members, patience=patience, history=History()
    )


def train(net, losses, warmup_epochs=0):
    """Weights say which epoch they are of."""
    stopper = Stopper(net, warmup_epochs)
    for epoch, loss in enumerate(losses):
        if stopper.finished:
            break
        torch.nn.init.constant_(net.module_.weight, float(epoch))
        net.history.append({"valid_loss": loss})
        stopper.update(net)
    stopper.finish(net)
    return stopper


def test_it_ends_and_returns_to_the_best():
    net = net_of(patience=2)
    stopper = train(net, [5.0, 3.0, 4.0, 3.5, 1.0])
    assert stopper.finished
    assert len(net.history) == 4
    assert net.module_.weight.item() == 1.0


def test_nothing_counts_before_the_warm_up_is_over():
    net = net_of(patience=2)
    train(net, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], warmup_epochs=3)
    assert len(net.history) == 5


def test_each_of_a_stack_ends_by_itself():
    """What comes after a member's own end does not count for it."""
    net = net_of(patience=1, n_members=2)
    losses = np.array([[5.0, 5.0], [6.0, 4.0], [1.0, 3.0], [0.5, 9.0]])
    stopper = train(net, list(losses))
    assert stopper.n_epochs.tolist() == [2, 4]
    assert stopper.best_epochs.tolist() == [1, 3]
    assert [state["weight"].item() for state in net.best_states_] == [0.0, 2.0]
    assert stopper.finished


def test_without_patience_it_never_ends():
    net = net_of(patience=None)
    assert not train(net, [1.0] + [9.0] * 20).finished
    assert net.module_.weight.item() == 20.0


def test_each_of_a_stack_ends_after_its_own_number_of_epochs():
    net = net_of(patience=None, n_members=3)
    torch.nn.init.constant_(net.module_.weight, -1.0)
    stopper = FixedEpochs(net, [2, 0, 3])
    for epoch in range(9):
        if stopper.finished:
            break
        torch.nn.init.constant_(net.module_.weight, float(epoch))
        net.history.append({})
        stopper.update(net)
    stopper.finish(net)
    assert len(net.history) == 3
    assert net.n_epochs_.tolist() == [2, 0, 3]
    assert [state["weight"].item() for state in net.best_states_] == [1.0, -1.0, 2.0]


def test_weights_from_before_a_loss_that_is_no_number_return():
    """Also where the step that spoilt them was the last of the epoch before."""
    net = net_of(patience=None)
    guard, weight = FiniteGuard(net.module_), net.module_.weight
    for value in (1.0, 2.0):
        torch.nn.init.constant_(weight, value)
        guard.remember()
        guard.check({"kl": 1.0}, net, "training")
    torch.nn.init.constant_(weight, float("nan"))
    guard.remember()
    with pytest.raises(NonFiniteLossError, match="term 'kl' is nan"):
        guard.check({"kl": np.nan}, net, "training")
    assert weight.item() == 2.0


def test_a_callback_s_interrupt_is_no_key():
    with pytest.raises(KeyboardInterrupt) as caught:
        raise KeyboardInterrupt
    assert is_stop_signal(caught.value)

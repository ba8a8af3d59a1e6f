"""Adam's steps by the kernel alone, beside torch's own."""

import pytest
import torch
from torch import nn

from sklatent.nn.training.quick_adam import QuickAdam


def network(**settings):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 7), nn.SiLU(), nn.Linear(7, 3))
    return net, torch.optim.Adam(net.parameters(), **{"fused": True, "eps": 1e-3} | settings)


def trained(net, optimizer, taking, n_steps=12):
    """Weights after some steps at falling rates."""
    x = torch.randn(16, 5, generator=torch.Generator().manual_seed(1))
    for k in range(n_steps):
        optimizer.param_groups[0]["lr"] = 0.1 / (1 + k)
        optimizer.zero_grad(set_to_none=True)
        net(x).square().sum().backward()
        taking(optimizer).step()
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def kept(make=QuickAdam):
    """One QuickAdam for all steps."""
    found = []
    return lambda optimizer: found[0] if found else found.append(make(optimizer)) or found[0]


@pytest.mark.parametrize("settings", [{}, {"weight_decay": 0.1, "betas": (0.5, 0.9)}])
def test_bits_and_state_are_torchs_own(settings, monkeypatch):
    ours, theirs = network(**settings), network(**settings)
    expected = trained(*theirs, lambda optimizer: optimizer)
    calls = []
    step = torch.optim.Adam.step
    monkeypatch.setattr(torch.optim.Adam, "step", lambda *a: calls.append(1) or step(*a))
    torch.testing.assert_close(trained(*ours, kept()), expected, rtol=0, atol=0)
    assert len(calls) == 1  # the first, which makes the state
    states = [optimizer.state_dict()["state"] for _, optimizer in (ours, theirs)]
    for k, state in states[1].items():
        for name, value in state.items():
            torch.testing.assert_close(states[0][k][name], value, rtol=0, atol=0)
    # What others have trained may be gone on with.
    again = trained(*ours, kept(), 3), trained(*theirs, lambda optimizer: optimizer, 3)
    torch.testing.assert_close(*again, rtol=0, atol=0)


def test_what_is_not_plain_is_left_to_torch(monkeypatch):
    net, scheduled = network()
    torch.optim.lr_scheduler.StepLR(scheduled, 2)
    hooked = network()[1]
    hooked.register_step_post_hook(lambda *a: None)
    cases = [scheduled, hooked, network(amsgrad=True)[1], network(fused=False)[1]]
    cases += [torch.optim.AdamW(net.parameters(), fused=True), torch.optim.SGD(net.parameters())]
    assert not any(QuickAdam(optimizer).plain for optimizer in cases)
    assert QuickAdam(network()[1]).plain


def test_a_missing_gradient_is_passed_over_as_by_torch():
    found = []
    for make in (QuickAdam, lambda optimizer: optimizer):
        net, optimizer = network()
        taking = make(optimizer)
        for k in range(4):
            optimizer.zero_grad(set_to_none=True)
            net(torch.ones(2, 5)).sum().backward()
            if k == 2:
                net[0].weight.grad = None
            taking.step()
        found.append(torch.cat([p.detach().flatten() for p in net.parameters()]))
    torch.testing.assert_close(*found, rtol=0, atol=0)

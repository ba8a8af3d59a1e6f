"""Weights that lie column by column while they train."""

import numpy as np
import pytest
import torch
from torch import nn

from sklatent import VAE
from sklatent.nn.training.layout import turned


class Own(nn.Module):
    """A user's network, which reads its weight's memory row by row."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 5)

    def forward(self, x):
        return x @ self.layer.weight.view(-1).view(5, 2).T


def network(dtype=torch.float32):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(100, 2), nn.Linear(2, 90), nn.SiLU(), nn.Linear(90, 100)).to(
        dtype
    )


def by_columns(weight):
    return weight.T.is_contiguous() and not weight.is_contiguous()


def trained(around, dtype, n_steps=9, **settings):
    """A network and its optimizer after steps, some before, some within and some after."""
    net = network(dtype)
    optimizer = torch.optim.Adam(net.parameters(), **{"lr": 0.01, "eps": 1e-3} | settings)
    x = torch.randn(16, 100, generator=torch.Generator().manual_seed(1)).to(dtype)

    def steps():
        for _ in range(n_steps):
            optimizer.zero_grad(set_to_none=True)
            net(x).square().sum().backward()
            optimizer.step()

    steps()
    if around:
        with turned(net, [optimizer]):
            steps()
    else:
        steps()
    steps()
    return net, optimizer


@pytest.mark.parametrize("settings", [{}, {"amsgrad": True, "weight_decay": 0.1}])
@pytest.mark.parametrize("fused", [True, False])
def test_training_is_the_same(fused, settings):
    results = [trained(around, torch.float64, fused=fused, **settings) for around in (True, False)]
    for (name, ours), theirs in zip(
        results[0][0].named_parameters(), results[1][0].parameters(), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12, msg=name)
        for ours_state, theirs_state in zip(
            results[0][1].state[ours].values(), results[1][1].state[theirs].values(), strict=True
        ):
            torch.testing.assert_close(ours_state, theirs_state, rtol=1e-9, atol=1e-12)


def test_only_narrow_weights_are_turned_and_all_come_back():
    net, optimizer = trained(False, torch.float32)
    before = [p.detach().clone() for p in net.parameters()]
    narrow, others = net[1].weight, [net[0].weight, net[3].weight]
    with turned(net, [optimizer]):
        assert by_columns(narrow)
        assert by_columns(narrow.grad)
        assert all(by_columns(optimizer.state[narrow][n]) for n in ("exp_avg", "exp_avg_sq"))
        assert all(weight.is_contiguous() for weight in others)
        for ours, theirs in zip(net.parameters(), before, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    for ours, theirs in zip(net.parameters(), before, strict=True):
        assert ours.is_contiguous()
        assert ours.grad.is_contiguous()
        assert all(value.is_contiguous() for value in optimizer.state[ours].values())
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_an_error_leaves_them_where_they_were():
    layer = nn.Linear(2, 20)
    weight, place = layer.state_dict()["weight"], layer.weight.data_ptr()

    @torch.no_grad()
    def fails():
        layer.weight += 1
        raise KeyError

    with pytest.raises(KeyError), turned(layer, []):
        fails()
    assert layer.weight.is_contiguous()
    assert layer.weight.data_ptr() == place
    torch.testing.assert_close(weight, layer.weight.data, rtol=0, atol=0)


def test_shared_weights_and_one_column():
    layer, one = nn.Linear(3, 20), nn.Linear(1, 20)
    with turned(nn.Sequential(layer, nn.Linear(20, 3), layer, one), []):
        assert by_columns(layer.weight)
        assert one.weight.is_contiguous()
    assert layer.weight.is_contiguous()


def test_networks_of_users_are_left_alone():
    own = Own()
    with turned(nn.Sequential(own, nn.Linear(5, 9)), []):
        assert own.layer.weight.is_contiguous()
        own(torch.ones(4, 2))


def test_a_model_trains_so_and_ends_contiguous(monkeypatch):
    X = np.random.default_rng(0).random((60, 9), np.float32)
    settings = {"hidden_layer_sizes": (16,), "max_epochs": 3, "batch_size": 20, "random_state": 0}
    seen = []

    class Watch(torch.optim.Adam):
        def step(self, *args, **kwargs):
            seen.append(sum(by_columns(p) for group in self.param_groups for p in group["params"]))
            return super().step(*args, **kwargs)

    VAE(2, optimizer=Watch, **settings).fit(X)
    # The first layers of both networks and the linear path.
    assert set(seen) == {3}
    model = VAE(2, **settings).fit(X)
    assert all(p.is_contiguous() for p in model.net_.module_.parameters())
    monkeypatch.setattr("sklatent.nn.training.layout._WIDE", 0)
    np.testing.assert_allclose(
        model.transform(X), VAE(2, **settings).fit(X).transform(X), atol=1e-5
    )

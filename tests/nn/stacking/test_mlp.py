"""All layers of stacked networks in one node: values and gradients against plain layers."""

import copy
from itertools import pairwise

import pytest
import torch
from torch import nn

from sklatent.nn.stacking.mlp import StackedMLP, in_one, is_mlp
from sklatent.nn.stacking.modules import stack_modules, unstack_module

K, B = 3, 20
ACTIVATIONS = [nn.SiLU(), nn.ReLU(), nn.Tanh(), nn.GELU(), nn.GELU("tanh"), nn.Softplus(2.0, 5.0)]
# Narrow and wide on either side of what products are turned round for, and without activations
# at the end or with.
SIZES = [(5, 20, 17, 4), (2, 20, 20), (18, 3, 18, 18)]


def network(sizes, activation, ends_linear=True, bias=True):
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out, bias=bias), copy.deepcopy(activation)]
    return nn.Sequential(*layers[: -1 if ends_linear else None])


def stacks(sizes, activation, n_beside=2, **settings):
    """Networks, heads and layers beside them, each stacked, in float64."""
    torch.manual_seed(0)
    members = [network(sizes, activation, **settings) for _ in range(K)]
    heads = [nn.Linear(sizes[-1], 6) for _ in range(K)]
    beside = [nn.Linear(sizes[0], n_beside, bias=False) for _ in range(K)]
    return [stack_modules(some).double() for some in (members, heads, beside)]


def one_by_one(x, stacked, head=None, beside=None):
    """What `in_one` stands for, member by member and layer by layer."""
    outputs = []
    for k in range(K):
        own = unstack_module(stacked, k)(x[k])
        if head is not None:
            own = unstack_module(head, k)(own)
        if beside is not None:
            added = unstack_module(beside, k)(x[k])
            own = torch.cat([own[:, : added.shape[1]] + added, own[:, added.shape[1] :]], 1)
        outputs.append(own)
    return torch.stack(outputs)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_values_and_gradients_are_those_of_the_layers(sizes, activation):
    """Against finite differences, with regard to rows and to all parameters."""
    stacked, head, beside = stacks(sizes, activation, ends_linear=False)
    assert type(stacked) is StackedMLP
    x = torch.randn(K, B, sizes[0], dtype=torch.float64)
    with torch.no_grad():
        found = in_one(x, stacked, head, beside)
        torch.testing.assert_close(found, one_by_one(x, stacked, head, beside))
    parts = nn.ModuleList([stacked, head, beside])
    names = [name for name, _ in parts.named_parameters()]

    def function(x, *tensors):
        return torch.func.functional_call(
            _Together(parts), {f"parts.{n}": t for n, t in zip(names, tensors, strict=True)}, (x,)
        )

    given = [x.requires_grad_(), *parts.parameters()]
    if sizes == SIZES[0]:  # the slow one, of the others the first is enough
        assert torch.autograd.gradcheck(function, given, fast_mode=True)
    expected = torch.autograd.grad(_by_autograd(x, stacked, head, beside).square().sum(), given)
    own = torch.autograd.grad(in_one(x, stacked, head, beside).square().sum(), given)
    for one, other in zip(own, expected, strict=True):
        torch.testing.assert_close(one, other)


class _Together(nn.Module):
    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    def forward(self, x):
        return in_one(x, *self.parts)


def _by_autograd(x, stacked, head, beside):
    """Layer by layer, with autograd's own gradient of each."""
    h = x
    for layer in stacked:
        h = layer(h) if not hasattr(layer, "weight") else _plain(h, layer)
    h = _plain(h, head)
    width = beside.weight.shape[1]
    return torch.cat([h[..., :width] + _plain(x, beside), h[..., width:]], -1)


def _plain(x, layer):
    product = torch.einsum("kbi,koi->kbo", x, layer.weight)
    return product if layer.bias is None else product + layer.bias.unsqueeze(1)


def test_a_gradient_of_the_gradient():
    """As a penalty on gradients asks for."""
    stacked, head, beside = stacks((5, 20, 17), nn.SiLU(), ends_linear=False)
    x = torch.randn(K, B, 5, dtype=torch.float64, requires_grad=True)
    found = []
    for function in (in_one, _by_autograd):
        slope = torch.autograd.grad(function(x, stacked, head, beside).sum(), x, create_graph=True)
        found.append(torch.autograd.grad(slope[0].square().sum(), [x, *stacked.parameters()]))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_the_callers_gradient_is_left_as_it_was():
    """An activation at the end works on a copy of it."""
    stacked, *_ = stacks((5, 4), nn.SiLU(), ends_linear=False)
    x = torch.randn(K, B, 5, dtype=torch.float64)
    gradient = torch.ones(K, B, 4, dtype=torch.float64)
    stacked(x).backward(gradient)
    assert (gradient == 1).all()


def test_frozen_layers_get_no_gradient():
    stacked, head, _ = stacks((5, 20, 17), nn.SiLU(), ends_linear=False)
    stacked[0].requires_grad_(False)
    in_one(torch.randn(K, B, 5, dtype=torch.float64), stacked, head).sum().backward()
    assert stacked[0].weight.grad is None
    assert stacked[2].weight.grad is not None


def test_what_has_to_be_called_one_by_one():
    """Under autocast, with other layers beside, or rows of more axes: then plain layers answer."""
    stacked, head, beside = stacks((5, 20, 17), nn.SiLU(), ends_linear=False)
    x = torch.randn(K, B, 5, dtype=torch.float64)
    assert in_one(x, stacked, stacked[1]) is None
    assert in_one(x, stacked, beside=beside) is None  # there is no last layer to add to
    assert in_one(x, nn.Sequential(*stacked), head) is None
    with torch.autocast("cpu", torch.bfloat16):
        assert in_one(x, stacked, head) is None
    torch.testing.assert_close(stacked(x.unflatten(1, (4, -1))).flatten(1, 2), stacked(x))


@pytest.mark.parametrize(
    ("layers", "answer"),
    [
        ([nn.Linear(2, 3), nn.SiLU()], True),
        ([nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)], True),
        ([nn.Linear(2, 3)], False),
        ([nn.SiLU(), nn.Linear(2, 3)], False),
        ([nn.Linear(2, 3), nn.Linear(3, 2)], False),
        ([nn.Linear(2, 3), nn.ReLU(inplace=True), nn.Linear(3, 2)], False),
        ([nn.Linear(2, 3), nn.Dropout(), nn.Linear(3, 2)], False),
    ],
)
def test_which_networks_are_of_the_kind(layers, answer):
    assert is_mlp(nn.Sequential(*layers)) is answer


def test_unstacked_it_is_an_ordinary_network_again():
    stacked, *_ = stacks((5, 20, 4), nn.SiLU())
    member = unstack_module(stacked, 1)
    assert type(member) is nn.Sequential
    x = torch.randn(K, B, 5, dtype=torch.float64)
    torch.testing.assert_close(member(x[1]), stacked(x)[1])

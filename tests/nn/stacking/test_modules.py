import copy
import pickle

import pytest
import torch
from torch import nn

from sklatent.nn.architectures import build_networks
from sklatent.nn.named_networks import Residual
from sklatent.nn.stacking.layers import taken
from sklatent.nn.stacking.modules import (
    copy_module,
    n_stacked,
    select_members,
    stack_modules,
    stack_varied,
    unstack_module,
)
from sklatent.nn.stacking.one_by_one import LoopedModules, StackedConvNet

K = 3


class HandWritten(nn.Module):
    """A user's module: parameters of its own, and a forward nobody can see through."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.scale = nn.Parameter(torch.randn(n_out))

    def forward(self, x):
        assert x.ndim == 2
        return torch.relu(self.linear(x)) * self.scale


class Flattened(nn.Module):
    """A user's module that counts on rows one behind the other."""

    def forward(self, x):
        assert x.is_contiguous()
        return x.view(-1).view(len(x), -1) * 2.0


class Gated(nn.Module):
    """A container that promises to stand any leading axes."""

    stackable = True

    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Sequential(nn.Linear(width, width), nn.Sigmoid())
        self.scale = nn.Parameter(torch.randn(()))
        self.missing = None
        self.register_buffer("shift", torch.randn(()))

    def forward(self, x):
        # Own tensors are scalars here: the axis of members is theirs alone.
        shape = (-1,) + (1,) * (x.ndim - 1) if self.scale.ndim else ()
        scale, shift = self.scale.reshape(shape), self.shift.reshape(shape)
        return self.first(x) * self.second(x) * scale + shift


class Tied(nn.Module):
    """The same weights at both ends."""

    def __init__(self):
        super().__init__()
        self.there = nn.Linear(5, 5)
        self.back = nn.Linear(5, 5)
        self.back.weight = self.there.weight

    def forward(self, x):
        return self.back(torch.tanh(self.there(x)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTM(1, 4, batch_first=True)

    def forward(self, x):
        return self.cell(x.unsqueeze(-1))[0].flatten(1)


def network(architecture, n_features, image_shape=None, sizes=(8, 6)):
    def make():
        encoder, decoder, width = build_networks(
            architecture, n_features, 2, image_shape, hidden_layer_sizes=sizes
        )
        return nn.Sequential(encoder, nn.Linear(width, 2), decoder)

    return make, (n_features,)


def shared_layer():
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.Tanh(), layer)


CASES = {
    "mlp": network("mlp", 5),
    "linear": network("mlp", 5, sizes=()),
    "residual, vectors": network("residual", 5),
    "residual, images": network("residual", 81, (1, 9, 9)),
    "conv": network("conv", 64, (1, 8, 8)),
    "conv_tvae": network("conv_tvae", 128, (2, 8, 8)),
    "conv64": network("conv64", 4096, (1, 64, 64)),
    "hand-written": (lambda: HandWritten(5, 3), (5,)),
    "hand-written inside": (
        lambda: nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Sequential(HandWritten(4, 3))),
        (5,),
    ),
    "stackable container": (lambda: nn.Sequential(nn.Linear(5, 4), Gated(4), nn.ELU()), (5,)),
    "container of the unknown": (lambda: Residual(HandWritten(5, 5)), (5,)),
    "residual alone": (lambda: Residual(nn.Conv2d(2, 2, 3, padding=1)), (2, 4, 4)),
    "no bias": (lambda: nn.Linear(5, 3, bias=False), (5,)),
    "linear over an inner axis": (lambda: nn.Linear(5, 3), (2, 4, 5)),
    "tied": (lambda: nn.Sequential(Tied(), nn.Linear(5, 2)), (5,)),
    "shared layer": (shared_layer, (4,)),
    "recurrent": (Recurrent, (5,)),
    "conv1d": (lambda: nn.Conv1d(2, 3, 2), (2, 5)),
    "grouped, dilated": (lambda: nn.Conv2d(4, 6, 2, groups=2, dilation=2, bias=False), (4, 6, 6)),
    "transposed, grouped": (
        lambda: nn.ConvTranspose2d(4, 6, 3, groups=2, stride=2, output_padding=1),
        (4, 3, 3),
    ),
    "circular": (lambda: nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), (1, 5, 5)),
    "pooling and padding": (
        lambda: nn.Sequential(
            nn.Unflatten(1, (1, 6, 6)),
            nn.ReflectionPad2d(1),
            nn.Conv2d(1, 3, 3),
            nn.MaxPool2d(2),
            nn.Upsample(scale_factor=2),
            nn.AvgPool2d(3),
            nn.Flatten(1, 2),
            nn.Flatten(-2),
        ),
        (36,),
    ),
    "parametrised": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(5, 3)),
        (5,),
    ),
    "batch norm": (
        lambda: nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(inplace=True)),
        (5,),
    ),
    "batch norm, no statistics, no weights": (
        lambda: nn.BatchNorm1d(5, track_running_stats=False, affine=False),
        (5,),
    ),
    "batch norm, cumulative": (lambda: nn.BatchNorm1d(5, momentum=None), (5,)),
    "batch norm of maps": (
        lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU()),
        (1, 5, 5),
    ),
    "layer norm": (lambda: nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4)), (5,)),
}


@pytest.fixture(params=CASES)
def case(request):
    """K modules in double precision, and the shape of a row."""
    make, shape = CASES[request.param]
    state = torch.get_rng_state()
    torch.manual_seed(0)
    modules = [make().double() for _ in range(K)]
    X = torch.randn(K, 4, *shape, dtype=torch.float64)
    torch.set_rng_state(state)
    return modules, X


@pytest.fixture(params=["one by one", "batched"])
def route(request, monkeypatch):
    """Both of a convolutional network's routes, whatever the device."""
    if request.param == "batched":
        monkeypatch.setattr(StackedConvNet, "forward", lambda self, x: self.stacked(x))


def separate_steps(modules, X, n_steps=3):
    """Outputs and input gradients of the last of some steps of gradient descent."""
    results = []
    for module, rows in zip(modules, X, strict=True):
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-2) if has_weights(module) else None
        for _ in range(n_steps):
            module.zero_grad()
            rows = rows.detach().clone().requires_grad_()
            output = module(rows)
            output.square().mean().backward()
            if optimizer is not None:
                optimizer.step()
        results.append((output.detach(), rows.grad))
    return [torch.stack(column) for column in zip(*results, strict=True)]


def has_weights(module):
    return next(module.parameters(), None) is not None


def test_stacked_training_equals_separate_training(case, route):
    """Outputs, input gradients, Adam's steps and buffers agree to rounding in float64."""
    modules, X = case
    stacked = stack_modules(modules)
    outputs, gradients = separate_steps(modules, X)

    optimizer = torch.optim.Adam(stacked.parameters(), lr=1e-2) if has_weights(stacked) else None
    for _ in range(3):
        stacked.zero_grad()
        rows = X.clone().requires_grad_()
        output = stacked(rows)
        output.square().flatten(1).mean(1).sum().backward()
        if optimizer is not None:
            optimizer.step()
    torch.testing.assert_close(output.detach(), outputs, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(rows.grad, gradients, rtol=1e-9, atol=1e-12)
    for k, module in enumerate(modules):
        found = unstack_module(stacked, k).state_dict()
        for name, value in module.state_dict().items():
            # Adam divides by a gradient's own size, which amplifies rounding.
            torch.testing.assert_close(found[name], value, rtol=1e-6, atol=1e-8, msg=name)


def test_members_see_nothing_of_each_other(case, route):
    """One member's loss gives the others no gradient, and NaN in one stays there."""
    modules, X = case
    stacked = stack_modules(modules)
    X[1] = torch.nan
    outputs = stacked(X)
    assert outputs[1].isnan().any()
    assert outputs[0].isfinite().all()
    assert outputs[2].isfinite().all()
    if has_weights(stacked):
        outputs[0].sum().backward()
        for parameter in stacked.parameters():
            assert parameter.grad[0].isfinite().all()
            assert (parameter.grad[2] == 0).all()


def test_shared_input(case, route):
    """An expanded view gives what K copies give, outputs and gradients."""
    modules, X = case
    first, second = stack_modules(modules), stack_modules(modules)
    shared = X[0].expand(K, *X.shape[1:])
    outputs = first(shared), second(shared.contiguous())
    torch.testing.assert_close(*outputs, rtol=1e-10, atol=1e-12)
    if has_weights(first):
        for output in outputs:
            output.square().mean().backward()
        for a, b in zip(first.parameters(), second.parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.grad, rtol=1e-9, atol=1e-12)


def test_shared_input_that_needs_a_gradient(case):
    modules, X = case
    row = X[0].clone().requires_grad_()
    stack_modules(modules)(row.expand(K, *row.shape)).square().sum().backward()
    expected = X[0].clone().requires_grad_()
    sum(module(expected).square().sum() for module in modules).backward()
    torch.testing.assert_close(row.grad, expected.grad, rtol=1e-9, atol=1e-12)


def test_unstacking_gives_the_modules_back_bit_for_bit(case):
    modules, X = case
    stacked = stack_modules(modules)
    assert n_stacked(stacked) == K
    for k in (*range(K), -1):
        member, original = unstack_module(stacked, k), modules[k]
        assert type(member) is type(original)
        assert str(member) == str(original)
        expected, found = original.state_dict(), member.state_dict()
        assert list(found) == list(expected)
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        assert len(list(member.parameters())) == len(list(original.parameters()))
        with pytest.raises(ValueError, match="is not a stacked module"):
            n_stacked(member)
        torch.testing.assert_close(member.eval()(X[k]), copy.deepcopy(original).eval()(X[k]))
        # It trains by itself, and so may be stacked again.
        again = stack_modules([unstack_module(stacked, k)] * 2)
        torch.testing.assert_close(
            again.eval()(X[k].expand(2, *X[k].shape))[0], original.eval()(X[k])
        )


def test_stacked_and_members_share_nothing(case):
    modules, _ = case
    stacked = stack_modules(modules)
    member = unstack_module(stacked, 0)
    before = {name: value.clone() for name, value in stacked.state_dict().items()}
    with torch.no_grad():
        for module in (modules[0], member):
            for tensor in module.state_dict().values():
                tensor.fill_(7)
    for name, value in stacked.state_dict().items():
        assert torch.equal(value, before[name])


def test_every_tensor_has_the_axis_of_members(case):
    """What optimisers, early stopping and checkpoints rely on."""
    modules, X = case
    stacked = stack_modules(modules)
    n_values = sum(value.numel() for value in modules[0].parameters())
    assert sum(value.numel() for value in stacked.parameters()) == K * n_values
    assert all(len(value) == K for value in stacked.state_dict().values())
    # The values in the state are the ones that compute: setting them in place sets the outputs.
    other = stack_modules(modules[::-1])
    with torch.no_grad():
        for name, value in stacked.state_dict().items():
            value.copy_(other.state_dict()[name])
    torch.testing.assert_close(stacked.eval()(X), other.eval()(X), rtol=0, atol=0)


def test_copies_and_pickles_compute_the_same(case):
    modules, X = case
    stacked = stack_modules(modules).eval()
    expected = stacked(X)
    others = [copy.deepcopy(stacked)]
    if not any(nn.utils.parametrize.is_parametrized(module) for module in modules):
        others.append(pickle.loads(pickle.dumps(stacked)))  # torch pickles no parametrised module
    for other in others:
        assert n_stacked(other) == K
        assert torch.equal(other(X), expected)
        unstack_module(other, 1)


def test_evaluation_mode_reaches_every_layer(case):
    modules, X = case
    stacked = stack_modules(modules)
    stacked(X)
    for module, rows in zip(modules, X, strict=True):
        module(rows)
        module.eval()
    stacked.eval()
    for _ in range(2):
        expected = torch.stack([m(rows) for m, rows in zip(modules, X, strict=True)])
        torch.testing.assert_close(stacked(X), expected, rtol=1e-9, atol=1e-12)
    assert not unstack_module(stacked, 0).training


def layers_of(module):
    return {type(child).__name__ for child in module.modules()}


def test_linear_gradients_against_finite_differences():
    stacked = stack_modules([nn.Linear(3, 2).double() for _ in range(K)])
    X = torch.randn(K, 4, 3, dtype=torch.float64, requires_grad=True)
    weight, bias = stacked.weight.detach(), stacked.bias.detach()
    inputs = (X, weight.requires_grad_(), bias.requires_grad_())

    def layer(x, weight, bias):
        return torch.func.functional_call(stacked, {"weight": weight, "bias": bias}, (x,))

    assert torch.autograd.gradcheck(layer, inputs)
    assert torch.autograd.gradgradcheck(layer, inputs)


@pytest.mark.parametrize("name", ["mlp", "residual, vectors", "stackable container", "batch norm"])
def test_known_layers_are_batched(name):
    stacked = stack_modules([CASES[name][0]() for _ in range(K)])
    assert not any(
        isinstance(child, (LoopedModules, StackedConvNet)) for child in stacked.modules()
    )
    # One parameter of the stack for each of a member: few, large kernels.
    assert "StackedLinear" in layers_of(stacked)


@pytest.mark.parametrize(
    "name", ["conv", "conv_tvae", "conv64", "residual, images", "pooling and padding"]
)
def test_convolutional_networks_have_a_batched_route(name):
    stacked = stack_modules([CASES[name][0]() for _ in range(K)])
    assert {"StackedConvNet", "StackedConv"} <= layers_of(stacked)
    assert "LoopedModules" not in layers_of(stacked)


def test_only_the_unknown_part_is_looped():
    def make():
        return nn.Sequential(
            nn.Linear(6, 36), HandWritten(36, 36), nn.Unflatten(1, (1, 6, 6)), nn.Conv2d(1, 2, 3)
        )

    stacked = stack_modules([make() for _ in range(K)])
    kinds = [type(child).__name__ for child in stacked]
    assert kinds == ["StackedLinear", "LoopedModules", "StackedReshape", "StackedConvNet"]
    assert stacked(torch.randn(K, 4, 6)).shape == (K, 4, 2, 4, 4)


def test_dropout_is_drawn_for_each_member():
    stacked = stack_modules([nn.Sequential(nn.Linear(3, 50), nn.Dropout(0.5)) for _ in range(2)])
    with torch.no_grad():
        stacked[0].weight.zero_()
        stacked[0].bias.fill_(1.0)
    state = torch.get_rng_state()
    torch.manual_seed(0)
    output = stacked(torch.zeros(2, 4, 3))
    torch.manual_seed(0)
    expected = torch.stack([nn.functional.dropout(torch.ones(4, 50)) for _ in range(2)])
    torch.set_rng_state(state)
    assert torch.equal(output, expected)
    assert torch.equal(stacked.eval()(torch.zeros(2, 4, 3)), torch.ones(2, 4, 50))


def test_hooks_run():
    """A module with a hook is not what its class says, and is called as it is."""
    modules = [nn.Linear(3, 3) for _ in range(2)]
    for module in modules:
        module.register_forward_hook(lambda module, inputs, output: output * 2)
    X = torch.randn(2, 4, 3)
    expected = torch.stack([m(rows) for m, rows in zip(modules, X, strict=True)])
    torch.testing.assert_close(stack_modules(modules)(X), expected)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("n_rows", torch.zeros(()))
        self.register_buffer("n_calls", torch.zeros(()))
        self.calls = 0

    def forward(self, x):
        self.n_rows = self.n_rows + len(x)
        self.n_calls += 1
        self.calls += 1
        return x * self.n_calls


def test_buffers_of_looped_modules_are_kept_however_they_are_set():
    modules = [Counting(), Counting()]
    modules[1].n_calls.fill_(10)
    stacked = stack_modules(modules)
    X = torch.ones(2, 4, 1)
    stacked(X)
    assert stacked(X)[:, 0, 0].tolist() == [2, 12]
    member = unstack_module(stacked, 1)
    assert (member.n_rows.item(), member.n_calls.item(), member.calls) == (8, 12, 2)
    assert modules[1].calls == 0


def test_modules_that_work_in_place_on_their_input():
    class InPlace(nn.Module):
        def forward(self, x):
            return x.mul_(2)

    def make():
        return nn.Sequential(nn.Linear(3, 3), InPlace())

    modules = [make() for _ in range(K)]
    X = torch.randn(K, 4, 3)
    expected = torch.stack([m(rows) for m, rows in zip(modules, X, strict=True)])
    output = stack_modules(modules)(X)
    output.sum().backward()
    torch.testing.assert_close(output, expected)


def test_frozen_parameters_stay_frozen():
    modules = [CASES["mlp"][0]() for _ in range(K)]
    for module in modules:
        module[1].weight.requires_grad_(False)
    stacked = stack_modules(modules)
    assert not stacked[1].weight.requires_grad
    assert stacked[1].bias.requires_grad
    assert not unstack_module(stacked, 2)[1].weight.requires_grad


def test_one_module_may_be_stacked():
    module = nn.Linear(3, 2)
    X = torch.randn(1, 4, 3)
    torch.testing.assert_close(stack_modules([module])(X)[0], module(X[0]))


@pytest.mark.parametrize("name", ["mlp", "conv", "residual, vectors"])
def test_bfloat16_autocast(name, route):
    make, shape = CASES[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        modules = [make() for _ in range(K)]
        X = torch.rand(K, 4, *shape)
    stacked = stack_modules(modules)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = torch.stack([m(rows) for m, rows in zip(modules, X, strict=True)])
        found = stacked(X)
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.02)
    found.float().square().sum().backward()
    expected.float().square().sum().backward()
    for k, module in enumerate(modules):
        for a, b in zip(stacked.parameters(), module.parameters(), strict=True):
            assert a.grad.dtype == torch.float32
            # Rounding to eight bits turns a kink here and there: over 40 draws of weights the
            # convolutions' gradients differ by 0.04 in the middle and 0.24 at most.
            assert (a.grad[k] - b.grad).norm() <= 0.4 * b.grad.norm()


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ([], "no modules to stack"),
        ([nn.Linear(3, 2), nn.Linear(3, 4)], r"out_features=2.*module 1 has.*out_features=4"),
        ([nn.Linear(3, 2), nn.Linear(3, 2), nn.ReLU()], "module 2 has itself: ReLU"),
        ([nn.LeakyReLU(0.1), nn.LeakyReLU(0.2)], "0.1.* module 1 has .*0.2"),
        ([HandWritten(3, 2), HandWritten(4, 2)], "in_features=3.*in_features=4"),
        ([nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU(), nn.Tanh())],
         "module 0 has nothing more where module 1 has 1: Tanh"),
        ([nn.Linear(3, 2), nn.Linear(3, 2).double()], "float32.* module 1 has .*float64"),
        ([nn.Linear(3, 2), nn.Linear(3, 2).requires_grad_(False)], "shape .2, 3., trained"),
    ],
)  # fmt: skip
def test_different_architectures_are_named(modules, message):
    with pytest.raises(ValueError, match=message):
        stack_modules(modules)


def test_members_that_are_not_there():
    stacked = stack_modules([nn.Linear(2, 2)] * 2)
    for k in (2, -3):
        with pytest.raises(IndexError, match="2 modules are stacked"):
            unstack_module(stacked, k)
    with pytest.raises(ValueError, match="Linear is not a stacked module"):
        unstack_module(nn.Linear(2, 2), 0)


def test_a_copy_shares_nothing_and_keeps_ties():
    tied = nn.Linear(3, 3)
    module = nn.Sequential(tied, nn.SiLU(), nn.BatchNorm1d(3), tied, nn.Linear(3, 2, bias=False))
    module[4].weight.requires_grad_(False)
    copied = copy_module(module.eval())
    assert str(copied) == str(module)
    assert copied[0] is copied[3]
    assert not copied.training
    assert [p.requires_grad for p in copied.parameters()] == [
        p.requires_grad for p in module.parameters()
    ]
    state, expected = copied.state_dict(), module.state_dict()
    assert state.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(state[name], tensor)
        assert state[name].data_ptr() != tensor.data_ptr()
    copied.register_forward_hook(lambda *_: None)
    assert not module._forward_hooks


@pytest.mark.parametrize(("n_in", "n_out"), [(3, 40), (40, 3), (40, 40), (3, 2)])
def test_gradients_of_narrow_and_wide_layers(n_in, n_out):
    """Products are taken the way round that is faster; the numbers are those of each layer."""
    torch.manual_seed(0)
    layers = [nn.Linear(n_in, n_out).double() for _ in range(3)]
    stacked = stack_modules(layers)
    x = torch.randn(3, 20, n_in, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 20, n_out, dtype=torch.float64)
    (stacked(x) * weights).sum().backward()
    for k, layer in enumerate(layers):
        own = x[k].detach().requires_grad_()
        (layer(own) * weights[k]).sum().backward()
        torch.testing.assert_close(x.grad[k], own.grad)
        torch.testing.assert_close(stacked.weight.grad[k], layer.weight.grad)
        torch.testing.assert_close(stacked.bias.grad[k], layer.bias.grad)


def test_varied_copies_are_as_if_each_were_copied():
    def networks():
        torch.manual_seed(0)
        return [nn.Sequential(nn.Linear(3, 4), nn.SiLU(), nn.Linear(4, 2)) for _ in range(2)]

    def vary(k, module):
        if k != 2:
            with torch.no_grad():
                module[2].weight[0, 0] += k

    a, b = networks()
    stacked = stack_varied([a, a, b, b], vary)
    for k, module in enumerate((a, a, b, b)):
        alone = copy.deepcopy(module)
        vary(k, alone)
        assert_same_state(unstack_module(stacked, k), alone)
    for module, untouched in zip((a, b), networks(), strict=True):
        assert_same_state(module, untouched)


def test_varied_copies_may_have_parts_replaced():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 2))

    def vary(k, module):
        module[0] = nn.Linear(3, 2)
        nn.init.constant_(module[0].weight, k)

    stacked = stack_varied([module] * 3, vary)
    assert stacked[0].weight[:, 0, 0].tolist() == [0, 1, 2]


def test_some_members_are_a_stack_of_their_own():
    torch.manual_seed(0)
    modules = [nn.Sequential(nn.Linear(3, 4), nn.Tanh()) for _ in range(4)]
    stacked = stack_modules(modules)
    some = select_members(stacked, [3, 1])
    assert n_stacked(some) == 2
    for k, member in enumerate((3, 1)):
        assert_same_state(unstack_module(some, k), modules[member])
    with torch.no_grad():
        some[0].weight.zero_()
    assert stacked[0].weight.abs().sum() > 0
    assert select_members(stack_modules([nn.Dropout(0.5)] * 2), [0]) is None


def assert_same_state(module, other):
    expected = other.state_dict()
    assert module.state_dict().keys() == expected.keys()
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, expected[name])


def test_what_is_taken_for_members_lies_by_columns():
    """Where these are few; whatever there is behind members still finds its rows in order."""
    values, which = torch.randn(2, 6, 3), torch.tensor([1, 0, 1])
    for chosen in (which, None):
        found = taken(values, chosen)
        assert torch.equal(found, values if chosen is None else values[chosen])
        assert found.mT.is_contiguous()
    wide, flat = torch.randn(2, 6, 40), torch.arange(12).view(2, 6)
    for whole in (wide, flat):
        assert torch.equal(taken(whole, which), whole[which])
        assert taken(whole) is whole
    stacked = stack_modules([Flattened(), Flattened(), Flattened()])
    torch.testing.assert_close(stacked(taken(values, which)), 2.0 * values[which])

"""Learning rates of stacked models: each is where an optimizer of its own would have brought it."""

import numpy as np
import pytest
import torch

from sklatent.models._fit_together import _ELEMENTWISE, _steps_as_is
from sklatent.nn.training.rates import Rates, set_rates

RATES = [1e-3, 1e-2, 4e-3]
SETTINGS = {
    torch.optim.Adam: {"amsgrad": True, "weight_decay": 0.1},
    torch.optim.AdamW: {"weight_decay": 0.1},
    torch.optim.Adagrad: {"lr_decay": 0.1},
    torch.optim.NAdam: {"weight_decay": 0.1, "decoupled_weight_decay": True},
    torch.optim.RMSprop: {"momentum": 0.9, "centered": True},
    torch.optim.Rprop: {"step_sizes": (2e-3, 8e-3)},
    torch.optim.SGD: {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
}


def walk(kind, start, gradients, rate, relative=None):
    """Parameters after some steps along given gradients, the last of them slowed."""
    parameter = torch.nn.Parameter(torch.tensor(start))
    optimizer = kind([parameter], lr=rate, **SETTINGS.get(kind, {}))
    rates = Rates([optimizer], 0.5, relative)
    for number, gradient in enumerate(gradients):
        parameter.grad = torch.tensor(gradient)
        rates.slow(number / len(gradients))
        rates.step(optimizer)
        rates.restore()
    assert optimizer.param_groups[0]["lr"] == rate
    return parameter.detach().numpy()


@pytest.mark.parametrize("kind", _ELEMENTWISE, ids=lambda kind: kind.__name__)
def test_stacked_steps_are_those_of_optimizers_with_their_own_rates(kind):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(3, 2, 4)), rng.normal(size=(10, 3, 2, 4))
    relative = torch.tensor(RATES, dtype=torch.float64) / max(RATES)
    stacked = walk(kind, start, gradients, max(RATES), relative)
    alone = [walk(kind, start[k], gradients[:, k], rate) for k, rate in enumerate(RATES)]
    # Those whose steps are no multiples of the rate really are none, and are not stacked.
    assert np.allclose(stacked, alone, rtol=1e-12) == (not _steps_as_is(kind))
    assert not np.allclose(stacked, start)


def test_stacked_runs_of_different_length_slow_each_for_itself():
    lengths, share = [4, 10, 7], 0.5
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(3, 2)), rng.normal(size=(10, 3, 2))
    first, second = (torch.nn.Parameter(torch.tensor(start)) for _ in range(2))
    optimizers = [torch.optim.Adam([first], lr=1e-2), torch.optim.Adam([second], lr=1e-3)]
    relative = torch.tensor(RATES, dtype=torch.float64) / max(RATES)
    rates = Rates(optimizers, share, relative)
    found = []
    for number, gradient in enumerate(gradients):
        first.grad = second.grad = torch.tensor(gradient)
        rates.slow(number / np.array(lengths))
        rates.step(optimizers[0])
        rates.step_beside(optimizers[1])
        rates.restore()
        found.append([first.detach().numpy().copy(), second.detach().numpy().copy()])
    for k, n in enumerate(lengths):
        # The second has a rate of its own, which is nobody's but falls as well.
        for which, rate in enumerate([1e-2 * RATES[k] / max(RATES), 1e-3]):
            parameter = torch.nn.Parameter(torch.tensor(start[k]))
            optimizer = torch.optim.Adam([parameter], lr=rate)
            for number in range(n):
                parameter.grad = torch.tensor(gradients[number, k])
                optimizer.param_groups[0]["lr"] = rate * min(1.0, (1 - number / n) / share)
                optimizer.step()
            alone = parameter.detach().numpy()
            np.testing.assert_allclose(found[n - 1][which][k], alone, rtol=1e-12)
            np.testing.assert_array_equal(found[-1][which][k], found[n - 1][which][k])


def test_without_differences_a_step_is_the_optimizers_own():
    start, gradients = np.ones((3, 2)), np.ones((4, 3, 2))
    same = walk(torch.optim.Adam, start, gradients, 1e-2, torch.ones(3, dtype=torch.float64))
    np.testing.assert_array_equal(same, walk(torch.optim.Adam, start, gradients, 1e-2))


def test_groups_go_as_many_times_as_is_their_own():
    first, second = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    groups = [{"params": [first], "times": 4.0}, {"params": [second]}]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    set_rates(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [2.0, 0.5]


@pytest.mark.parametrize("relative", [None, [1.0, 0.5]])
def test_slower_parameters_go_as_those_of_an_optimizer_of_lower_rate(relative):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(2, 3)), rng.normal(size=(6, 2, 3))
    slow, other, by_itself = (torch.nn.Parameter(torch.tensor(start)) for _ in range(3))
    together, alone = torch.optim.Adam([slow, other], lr=1e-2), torch.optim.Adam([by_itself], 4e-3)
    relative = None if relative is None else torch.tensor(relative, dtype=torch.float64)
    rates, slowly = Rates([together], 0.0, relative, [(slow, 0.4)]), Rates([alone], 0.0, relative)
    for gradient in gradients:
        for parameter in (slow, other, by_itself):
            parameter.grad = torch.tensor(gradient)
        rates.step(together)
        slowly.step(alone)
    np.testing.assert_allclose(slow.detach(), by_itself.detach(), rtol=1e-12)
    assert (other - slow).abs().min() > 1e-3

"""The module that a variational model trains."""

import numpy as np
import pytest
import torch

from sklatent import VAE
from sklatent.nn.modules import VariationalModule, as_rows, full_precision
from sklatent.nn.stacking.modules import stack_modules

SMALL = {"hidden_layer_sizes": (6,)}


def build(**settings):
    torch.manual_seed(0)
    return VariationalModule.build(VAE(2, **SMALL, **settings), 5).double()


@pytest.mark.parametrize("posterior", ["diagonal", "full"])
@pytest.mark.parametrize("init", ["pca", "random"])
def test_stacked_it_is_each_of_its_members(posterior, init):
    modules = [build(posterior=posterior, init=init) for _ in range(3)]
    for k, module in enumerate(modules):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(0.1 * (k + 1) * torch.randn_like(parameter))
    x = torch.randn(3, 7, 5, dtype=torch.float64)
    stacked = stack_modules(modules)
    for k, module in enumerate(modules):
        both = stacked.encode(x).as_arrays(), module.encode(x[k]).as_arrays()
        for name in both[1]:
            torch.testing.assert_close(both[0][name][k], both[1][name])
        torch.testing.assert_close(stacked(x)[k], module(x[k]))


def test_at_the_start_the_networks_add_nothing():
    """Beside a linear path: means are the path's, and variances what they are set to."""
    module = build()
    log_var = np.array([-1.0, -2.0])
    module.start(log_var)
    x = torch.randn(4, 5, dtype=torch.float64)
    posterior = module.encode(x)
    torch.testing.assert_close(posterior.mean, module.path.encoder(module.path.standardise(x)))
    torch.testing.assert_close(posterior.log_var, torch.as_tensor(log_var).expand(4, 2))
    z = torch.randn(4, 2, dtype=torch.float64)
    nothing = torch.zeros(4, 5, dtype=torch.float64)
    torch.testing.assert_close(module.decode(z), module.path.output(z, nothing))


def test_without_a_path_there_is_none():
    assert build(init="random").path is None


def test_shapes_and_types_that_densities_need():
    x = torch.zeros(3, 4, 6)
    assert as_rows(torch.zeros(3, 4, 2, 5), x).shape == (3, 4, 10)
    assert full_precision(torch.zeros(2, dtype=torch.bfloat16)).dtype == torch.float32
    assert full_precision(torch.zeros(2, dtype=torch.float64)).dtype == torch.float64

"""Linear maps between the members of an ensemble."""

import numpy as np
import pytest
import torch

from sklatent import VAE
from sklatent.nn.ensemble import EnsembleModule, map_error, translate
from sklatent.nn.modules import VariationalModule


@pytest.fixture(params=[2, 3, 4])
def module(request):
    torch.manual_seed(0)
    model = VAE(2, hidden_layer_sizes=(4,))
    modules = [VariationalModule.build(model, 5) for _ in range(request.param)]
    return EnsembleModule(modules, list(range(request.param)))


def test_maps_stand_where_their_numbers_say(module):
    """From a member to itself nothing is moved; every other map is a parameter of its own."""
    maps, n = module.linear_maps().detach().numpy(), module.n_members
    assert maps.shape == (n, n, 2, 2)
    own = module.between.detach().numpy()
    expected = iter(own)
    for i in range(n):
        for j in range(n):
            np.testing.assert_array_equal(maps[i, j], np.eye(2) if i == j else next(expected))
    module.start()
    assert (module.linear_maps() == torch.eye(2)).all()


def test_translations_and_their_error(module):
    n = module.n_members
    maps, z = module.linear_maps(), torch.randn(n, 6, 2)
    translated = translate(maps, z)
    error = 0.0
    for i in range(n):
        for j in range(n):
            there = z[i] @ maps[i, j].T
            torch.testing.assert_close(translated[j, i], there)
            error += float((z[j] - there).detach().square().sum(-1).mean()) if i != j else 0.0
    assert map_error(z, translated).item() == pytest.approx(error, rel=1e-5)

"""The linear model beside the networks: its closed form, and networks that begin at zero."""

import numpy as np
import torch

from sklatent.nn.linear_path import Gate, LinearPath
from sklatent.nn.stacking.modules import stack_modules

rng = np.random.default_rng(0)


def started():
    path = LinearPath(4, 2, 4, 2).double()
    center, scale, W = rng.normal(size=4), 2.5, rng.normal(size=(2, 4))
    path.start_encoder(center, scale, W)
    V = rng.normal(size=(4, 2))
    path.start_decoder(center, scale, V)
    return path, center, scale, W, V


def test_both_sides_are_the_maps_that_they_were_set_to():
    """Whatever the scale is that rows are brought to and back from."""
    path, center, scale, W, V = started()
    X, Z = rng.normal(size=(5, 4)), rng.normal(size=(5, 2))
    standard = path.standardise(torch.as_tensor(X))
    np.testing.assert_allclose(standard.numpy(), (X - center) / scale, rtol=1e-12)
    z = path.encoder(standard).detach().numpy()
    np.testing.assert_allclose(z, (X - center) @ W.T, rtol=1e-12)
    nothing = torch.zeros(5, 4, dtype=torch.float64)
    output = path.output(torch.as_tensor(Z), nothing).detach().numpy()
    np.testing.assert_allclose(output, center + Z @ V.T, rtol=1e-12)


def test_what_the_network_adds_is_in_the_standardised_unit():
    path, _, scale, *_ = started()
    z, nonlinear = torch.zeros(3, 2).double(), torch.ones(3, 4).double()
    added = path.output(z, nonlinear) - path.output(z, 0 * nonlinear)
    torch.testing.assert_close(added, torch.full((3, 4), scale, dtype=torch.float64))


def test_a_gate_begins_at_zero_and_opens():
    """And stacks like any layer."""
    network = torch.nn.Linear(2, 3)
    gate = Gate(network, 3)
    z = torch.randn(4, 2)
    assert (gate(z) == 0).all()
    gate(z).sum().backward()
    assert (gate.gain.grad != 0).all()
    with torch.no_grad():
        gate.gain.fill_(2.0)
    torch.testing.assert_close(gate(z), 2 * network(z))
    stacked = stack_modules([gate, Gate(network, 3)])
    found = stacked(z.expand(2, 4, 2))
    torch.testing.assert_close(found[0], gate(z))
    assert (found[1] == 0).all()

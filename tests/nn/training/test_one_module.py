"""Training of a module that is no model's, against gradient descent by hand."""

import numpy as np
import torch

from sklatent.nn.training.data import Rows
from sklatent.nn.training.one_module import train_module

X = np.random.default_rng(0).normal(size=(12, 3))


def objective(module, batch, step):
    return {"error": batch.mean((module(batch.x) - batch.x).square().sum(-1))}


def trained(seed=0, **settings):
    settings = {
        "seed": seed, "epochs": 3, "batch_size": 12, "learning_rate": 0.1, "device": "cpu",
        "precision": "float64", "optimizer": torch.optim.SGD,
    } | settings  # fmt: skip
    rows = Rows(X, None, None, torch.float64, "cpu")
    return train_module(lambda: torch.nn.Linear(3, 3), rows, objective, **settings)


def test_steps_are_those_of_gradient_descent():
    module, history = trained()
    start, _ = trained(learning_rate=1e-30)
    weight, bias = start.weight.detach().numpy(), start.bias.detach().numpy()
    for row in history:
        residual = X @ weight.T + bias - X
        np.testing.assert_allclose(row["train_loss"], (residual**2).sum(1).mean(), rtol=1e-12)
        weight = weight - 0.1 * 2 * residual.T @ X / len(X)
        bias = bias - 0.1 * 2 * residual.mean(0)
    np.testing.assert_allclose(module.weight.detach().numpy(), weight, rtol=1e-12)
    assert len(history) == 3


def test_the_seed_is_all_that_chance_comes_from():
    """And torch's own generator is left where it was."""
    before = torch.get_rng_state()
    a, b, c = trained(batch_size=5)[0], trained(batch_size=5)[0], trained(seed=1)[0]
    assert torch.equal(a.weight, b.weight)
    assert not torch.equal(a.weight, c.weight)
    assert torch.equal(torch.get_rng_state(), before)

"""Weights that lie in memory, for an epoch, as their gradients are made in the least time."""

from contextlib import contextmanager

import torch
from torch import nn

# Inputs of a layer from which on turning its weight round gains nothing.
_WIDE = 64


@contextmanager
def turned(module, optimizers):
    """Within, weights of layers with few inputs lie column by column on a CPU.

    A weight's gradient, and that of what the layer saw, are made by products as wide as it has
    inputs, and behind a handful of latents those take three times as long as the same products
    turned round. Numbers, shapes and names stay as they are.

    Parameters
    ----------
    module : torch.nn.Module
        A model's own; networks of a user's are left alone, which may look at memory.
    optimizers : iterable of torch.optim.Optimizer
        Its state lies like the weights: torch's fused kernels take that for granted.
    """
    optimizers = list(optimizers)
    # Where they were they come back to: others may hold the same memory, as of a state_dict.
    places = {weight: weight.data for weight in _narrow_weights(module)}
    for weight, place in places.items():
        weight.data = _by_columns(place)
        _lay_beside(weight, optimizers, _by_columns)
    try:
        yield
    finally:
        for weight, place in places.items():
            weight.data = place.copy_(weight.data)
            _lay_beside(weight, optimizers, torch.Tensor.contiguous)


def _narrow_weights(module):
    if type(module) is nn.Linear:
        n_outputs, n_inputs = module.weight.shape
        if 1 < n_inputs < min(n_outputs, _WIDE) and module.weight.device.type == "cpu":
            yield module.weight
    for child in module.children():
        if type(child).__module__.split(".")[0] in ("sklatent", "torch"):
            yield from _narrow_weights(child)


def _by_columns(value):
    return value.T.contiguous().T


def _lay_beside(weight, optimizers, laid):
    """Bring a weight's gradient and what optimizers keep of it into an order."""
    if weight.grad is not None:
        weight.grad = laid(weight.grad)
    for optimizer in optimizers:
        state = optimizer.state.get(weight, {})
        for name, value in state.items():
            if torch.is_tensor(value) and value.shape == weight.shape:
                state[name] = laid(value)

"""K multilayer perceptrons as one, all layers in one node of autograd's graph.

For small networks most of a step goes to what autograd and Python do between two products, and to
arrays that are made anew for each of them. Here an encoder with its head, or a decoder, and the
linear map beside either, are one function with its gradient by hand.
"""

import torch
from torch import nn

from sklatent._utils.by_hand import differentiated
from sklatent.nn.stacking.layers import StackedLinear, affine, product

_aten = torch.ops.aten
# Turns the gradient `g` behind an activation, in place, into the one before it, where it saw `x`.
_SLOPES = {
    nn.SiLU: lambda g, x, layer: _aten.silu_backward.grad_input(g, x, grad_input=g),
    nn.ReLU: lambda g, x, layer: _aten.threshold_backward.grad_input(g, x, 0, grad_input=g),
    nn.Tanh: lambda g, x, layer: _aten.tanh_backward.grad_input(g, torch.tanh(x), grad_input=g),
    nn.GELU: lambda g, x, layer: _aten.gelu_backward.grad_input(
        g, x, approximate=layer.approximate, grad_input=g
    ),
    nn.Softplus: lambda g, x, layer: _aten.softplus_backward.grad_input(
        g, x, layer.beta, layer.threshold, grad_input=g
    ),
}
# Activations in place, where nothing is kept for a gradient.
_IN_PLACE = {nn.SiLU: _aten.silu_, nn.ReLU: _aten.relu_, nn.Tanh: _aten.tanh_}


def is_mlp(network):
    """Whether a network is linear layers and activations in turn, a linear layer first."""
    if type(network) is not nn.Sequential:
        return False
    kinds = [type(layer) for layer in network]
    return (
        len(kinds) > 1
        and all(kind is nn.Linear for kind in kinds[::2])
        and all(kind in _SLOPES for kind in kinds[1::2])
        and not any(getattr(layer, "inplace", False) for layer in network)
    )


class StackedMLP(nn.Sequential):
    """Networks that `is_mlp` knows, stacked layer by layer."""

    def forward(self, x):
        """Apply the k-th network to the k-th slice.

        Parameters
        ----------
        x : torch.Tensor of shape (K, ..., n_inputs)
            At least three axes.

        Returns
        -------
        torch.Tensor of shape (K, ..., n_outputs)
            The networks' outputs.
        """
        found = in_one(x, self)
        # What follows may work in place, which views of a function's own are not for.
        return super().forward(x) if found is None else found.contiguous()


def in_one(x, network, head=None, beside=None):
    """Stacked networks as one function, ``head(network(x)) + beside(x)``.

    Parameters
    ----------
    x : torch.Tensor of shape (K, B, n_inputs)
        Rows.
    network : torch.nn.Module
        The network.
    head : torch.nn.Module, default=None
        A linear layer behind it.
    beside : torch.nn.Module, default=None
        A linear layer whose output is added to as many of the first columns as it has.

    Returns
    -------
    torch.Tensor of shape (K, B, n_outputs) or None
        None where they have to be called one by one, as a single network's are: torch's own graph
        of a few layers takes less time than ours.
    """
    if type(network) is not StackedMLP or x.ndim != 3:
        return None
    if torch.is_autocast_enabled(x.device.type):
        return None  # each casts by itself
    layers = list(network._modules.values())
    linear, activations = layers[::2], layers[1::2]
    if head is not None:
        linear.append(head)
    if len(linear) == len(activations) and beside is not None:
        return None
    linear += [] if beside is None else [beside]
    if any(type(layer) is not StackedLinear for layer in linear):
        return None
    keep = torch.is_grad_enabled()
    tensors = [t for layer in linear for t in (layer.weight, layer.bias)]
    return _InOne.apply(activations, beside is not None, keep, x, *tensors)


class _InOne(torch.autograd.Function):
    """Linear layers with activations between them, and perhaps one more beside them all."""

    @staticmethod
    def forward(ctx, activations, has_beside, keep, x, *tensors):
        kept = [] if keep else None
        out = _run(activations, has_beside, x, tensors, kept)
        if keep:
            ctx.activations, ctx.has_beside = activations, has_beside
            ctx.save_for_backward(x, *tensors, *kept)
        return out

    @staticmethod
    def backward(ctx, gradient):
        needed, n = ctx.needs_input_grad[3:], len(ctx.needs_input_grad) - 3
        saved = ctx.saved_tensors
        if torch.is_grad_enabled():  # someone differentiates the gradient

            def run(x, *tensors):
                return _run(ctx.activations, ctx.has_beside, x, tensors)

            return None, None, None, *differentiated(run, saved[:n], needed, gradient)
        x, weights, kept = saved[0], saved[1:n:2], list(saved[n:])
        number, found, for_x = len(weights) - 1, [None] * n, None
        if ctx.has_beside:
            own = gradient.narrow(-1, 0, weights[number].shape[1])
            _note(found, needed, number, own, x)
            for_x = product(own, weights[number]) if needed[0] else None
            number -= 1
        g = gradient
        while number >= 0:
            if number < len(ctx.activations):
                layer = ctx.activations[number]
                if g is gradient:  # which may be someone else's, too
                    g = g.clone()
                _SLOPES[type(layer)](g, kept.pop(), layer)
            _note(found, needed, number, g, kept.pop() if number else x)
            if number:
                g = product(g, weights[number])
            elif needed[0]:
                g = product(g, weights[0])
                found[0] = g if for_x is None else g + for_x
            number -= 1
        return None, None, None, *found


def _note(found, needed, number, g, h):
    """Gradients of a layer's weight and bias, from its output's and from what it saw."""
    if needed[1 + 2 * number]:
        found[1 + 2 * number] = product(g.mT, h)
    if needed[2 + 2 * number]:
        found[2 + 2 * number] = g.sum(1)


def _run(activations, has_beside, x, tensors, kept=None):
    """The output; what the gradient needs of the way there goes to ``kept``."""
    layers = [*zip(tensors[::2], tensors[1::2], strict=True)]
    beside = layers.pop() if has_beside else None
    for_good, h = kept is None and not torch.is_grad_enabled(), x
    for number, (weight, bias) in enumerate(layers):
        if kept is not None and number:
            kept.append(h)
        h = affine(h, weight, bias)
        if number < len(activations):
            if kept is not None:
                kept.append(h)
            layer = activations[number]
            h = (_IN_PLACE.get(type(layer), layer) if for_good else layer)(h)
    if beside is not None:
        width = beside[0].shape[1]
        if width == h.shape[-1]:
            return h + affine(x, *beside)
        h.narrow(-1, 0, width).add_(affine(x, *beside))
    return h

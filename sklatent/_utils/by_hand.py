"""What functions whose gradient is written by hand have in common."""

import torch


def differentiated(function, inputs, needed, gradients):
    """Gradients of a function as what autograd can differentiate once more.

    A gradient by hand is made of numbers. Where someone differentiates it, as a penalty on
    gradients does, the function runs again, and autograd makes its gradient.

    Parameters
    ----------
    function : callable
        Of the inputs, in differentiable steps.
    inputs : sequence of torch.Tensor
        As they were saved.
    needed : sequence of bool
        For which of them a gradient is asked.
    gradients : torch.Tensor or tuple of torch.Tensor
        Of what the function returns.

    Returns
    -------
    list of (torch.Tensor or None)
        A gradient for each input, None where none is needed.
    """
    outputs = function(*inputs)
    wanted = [tensor for tensor, own in zip(inputs, needed, strict=True) if own]
    found = iter(torch.autograd.grad(outputs, wanted, gradients, create_graph=True))
    return [next(found) if own else None for own in needed]

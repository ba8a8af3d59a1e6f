"""Gradients of gradients, where a gradient is written by hand."""

import torch

from sklatent._utils.by_hand import differentiated


def test_gradients_can_be_differentiated_again():
    """Against the closed form of x^3 y: its gradient in x, and that one's gradient."""
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    y = torch.tensor([5.0, 7.0], requires_grad=True)
    weight = torch.tensor([1.0, 2.0])
    for_x, for_y, nothing = differentiated(
        lambda x, y, other: x**3 * y, (x, y, None), (True, False, False), weight
    )
    assert for_y is None
    assert nothing is None
    torch.testing.assert_close(for_x, 3 * x.detach() ** 2 * y.detach() * weight)
    again = torch.autograd.grad(for_x.sum(), [x, y])
    torch.testing.assert_close(again[0], 6 * x.detach() * y.detach() * weight)
    torch.testing.assert_close(again[1], 3 * x.detach() ** 2 * weight)

"""Rows as maps: the values of Unflatten, whatever the layout."""

import pytest
import torch
from torch import nn

from sklatent.nn.channels_last import ToMaps, channels_last_pays


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 6, 6), (2, 1, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("lead", [(), (3,)])
def test_values_are_those_of_unflatten(shape, dtype, lead):
    """And so are gradients."""
    n_features = shape[0] * shape[1] * shape[2]
    x = torch.randn(*lead, 2, n_features, dtype=dtype, requires_grad=True)
    maps = ToMaps(shape)(x)
    assert torch.equal(maps, x.unflatten(-1, shape))
    weights = torch.randn_like(maps)
    (gradient,) = torch.autograd.grad((maps * weights).sum(), x)
    assert torch.equal(gradient, weights.flatten(-3))


def test_the_layout_stays_through_convolutions():
    maps = ToMaps((3, 8, 8))(torch.randn(4, 192))
    if not channels_last_pays(maps):
        pytest.skip(
            "this processor convolves no faster with channels last, so that maps keep theirs"
        )
    assert maps.is_contiguous(memory_format=torch.channels_last)
    after = nn.Conv2d(3, 5, 3)(maps)
    assert after.is_contiguous(memory_format=torch.channels_last)
    assert not channels_last_pays(maps.double())

"""Numbers set in a tensor, or in the places of some models."""

import numpy as np
import torch

from sklatent._utils.places import set_places


def test_a_tensor_and_the_places_of_models():
    target = torch.zeros(3, 1, 2)
    set_places(target, np.arange(6.0))
    assert target.flatten().tolist() == [0, 1, 2, 3, 4, 5]
    places = torch.tensor([2, 0])
    set_places(target, np.array([[10.0, 11.0], [20.0, 21.0]]), places)
    assert target[:, 0].tolist() == [[20, 21], [2, 3], [10, 11]]
    set_places(target, [7.0, 8.0], places)  # the same for all
    assert target[:, 0].tolist() == [[7, 8], [2, 3], [7, 8]]

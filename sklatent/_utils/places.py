"""Numbers set in a tensor, or in the places of some models in a stacked one."""

import torch


def set_places(target, values, places=...):
    """Set a tensor, or the places of some models in a stacked one.

    Parameters
    ----------
    target : torch.Tensor of shape (...) or (K, ...)
        Changed in place.
    values : array
        As many numbers as the tensor has, or as each place has: for each model its own, or the
        same for all.
    places : torch.Tensor of int or Ellipsis, default=Ellipsis
        Which models; Ellipsis is the whole tensor.
    """
    shape = target.shape if places is ... else (-1, *target.shape[1:])
    target[places] = torch.as_tensor(values, dtype=target.dtype).reshape(shape)

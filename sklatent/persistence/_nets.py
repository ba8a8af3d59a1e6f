"""Nets out of files: sizes are compared with the arrays that are there before anything is built."""

import math

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from sklatent.models._nets import make_net
from sklatent.nn.stacking.modules import stack_modules
from sklatent.nn.training.devices import DTYPES, resolve_device
from sklatent.nn.training.randomness import RandomStreams, seeded_initialisation

# Functions of torch that make a tensor of the size that they are told.
_MAKERS = {
    torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.randint,
    torch.eye, torch.arange, torch.linspace, torch.tensor, torch.randperm,
}  # fmt: skip


class Budget(TorchFunctionMode):
    """Within, networks may become a few times as large as the file's arrays, and no larger.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The file's arrays.
    generous : bool, default=False
        Whether the network is code of the reader's own, which may need room beside its weights.
    """

    def __init__(self, arrays, generous=False):
        super().__init__()
        factor = 64 if generous else 4
        self._elements = factor * (sum(array.size for array in arrays.values()) + (1 << 18))
        self._calls = factor * (200 * len(arrays) + 2000)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Count a call, and what it makes, before it is made."""
        kwargs = kwargs or {}
        self._calls -= 1
        if func in _MAKERS:
            self._elements -= _size(func, args, kwargs)
        if self._calls < 0 or self._elements < 0:
            raise ValueError(
                "the parameters describe a network that is much larger than the file's weights"
            )
        return func(*args, **kwargs)


def _size(func, args, kwargs):
    size = kwargs.get("size")
    if size is None:
        nested = [arg for arg in args if isinstance(arg, (list, tuple))]
        size = nested[0] if nested else [arg for arg in args if isinstance(arg, int)]
        if func is torch.randint and not nested:
            return 1
    if func is torch.tensor:
        return np.size(args[0]) if args else 1
    size = [n for n in size if isinstance(n, int)]
    return max(0, math.prod(size)) ** (2 if func is torch.eye else 1)


def build_net(model, saved, decode, arrays):
    """Rebuild a model's net around its weights; its optimiser starts anew.

    Parameters
    ----------
    model : LatentModel
        With its parameters, and what it learned beside the net.
    saved : dict
        The encoded net.
    decode : callable
        Decodes values in it.
    arrays : dict of str to ndarray
        The file's arrays.

    Returns
    -------
    net : LatentNet
        On the model's device.
    """
    n_members = saved["n_members"]
    if n_members is not None and (type(n_members) is not int or n_members < 1):
        raise ValueError(f"{n_members!r} is no number of members")
    n_modules = n_members or 1
    for name, value in model.get_params(deep=False).items():
        if name.endswith("layer_sizes") and np.size(value) > len(arrays):
            raise ValueError(f"{name} are more layers than there are weights")
    dtype, device = DTYPES[model.precision], resolve_device(model.device)
    weights = decode(saved["weights"])
    with seeded_initialisation(0), Budget(arrays, generous=callable(model.architecture)):
        n_modelled = model.n_features_in_ - model._n_covariates
        modules = [model._build_module(n_modelled).to(dtype) for _ in range(n_modules)]
        module = modules[0] if n_members is None else stack_modules(modules)
    load_weights(module, weights)
    streams = RandomStreams([0] * n_modules, dtype, device, n_members is not None)
    _restore_streams(streams, decode(saved["streams"]))
    net = make_net(model, module, streams, device, n_members)
    history = decode(saved["history"])
    _check_history(history, model.history_)
    for row in history:
        net.history.new_epoch()
        for name, value in row.items():
            net.history.record(name, value)
    net.module_.eval()
    return net


def load_weights(module, weights):
    """Copy weights into a module, after checking names, shapes and values."""
    own = module.state_dict()
    unlike = [
        name
        for name in sorted(own.keys() | weights.keys())
        if name not in own or name not in weights or own[name].shape != weights[name].shape
    ]
    if unlike:
        raise ValueError(
            "the weights do not fit the network that the parameters describe "
            f"({', '.join(unlike[:4])}); if the architecture was passed in, it is another one "
            "than was saved"
        )
    for name, tensor in weights.items():
        if own[name].is_floating_point() != tensor.is_floating_point():
            raise ValueError(f"the weights {name} are of {tensor.dtype}, not {own[name].dtype}")
        if not torch.isfinite(tensor).all():
            raise ValueError(f"the weights {name} are not all finite")
    module.load_state_dict(weights)


def _restore_streams(streams, states):
    """Random streams go on where they were, unless they were of another version or device."""
    fresh = streams.state()
    if not isinstance(states, list) or not all(isinstance(s, np.ndarray) for s in states):
        raise ValueError("the states of its random streams are no arrays")
    alike = [(s.dtype, s.shape) for s in states] == [(s.dtype, s.shape) for s in fresh]
    if alike:
        streams.set_state(states)


def _check_history(history, published):
    """A net's history says of each epoch what the model's own does, and more."""
    if not isinstance(history, list) or not all(isinstance(row, dict) for row in history):
        raise ValueError("the net's history is no list of epochs")
    if len(history) != len(published):
        raise ValueError("the net's history and history_ are of different numbers of epochs")
    for row, shown in zip(history, published, strict=True):
        if any(name not in row or not _same(row[name], shown[name]) for name in shown):
            raise ValueError("the net's history and history_ differ")
        if not all(isinstance(name, str) for name in row):
            raise ValueError("the net's history has columns without a name")


def _same(a, b):
    return type(a) is type(b) and (a == b or (a != a and b != b))

"""Networks that are stacked by their tensors alone, and run member by member."""

import copy

import torch
from torch import nn
from torch.func import functional_call

from sklatent.nn.stacking.layers import stack_tensors, unstack_tensors


class LoopedModules(nn.Module):
    """Modules of any kind, one after the other, on slices of stacked parameters and buffers.

    Parameters
    ----------
    modules : list of torch.nn.Module
        One per member, alike; they are copied, with whatever else they keep.
    memo : dict
        As in `sklatent.nn.stacking.layers.stack_tensors`.
    """

    def __init__(self, modules, memo):
        super().__init__()
        self.stacked = _stack_storage(modules, memo)
        self._members = tuple(_Caller(copy.deepcopy(module).to("meta")) for module in modules)

    def forward(self, x):
        """Apply each member to its slice.

        Parameters
        ----------
        x : torch.Tensor of shape (K, B, ...)
            One slice per member.

        Returns
        -------
        torch.Tensor of shape (K, B, ...)
            The members' outputs.
        """
        outputs = []
        slices = _slices(self.stacked, len(self._members), "module.")
        for k, (member, tensors) in enumerate(zip(self._members, slices, strict=True)):
            member.train(self.training)
            # x[k], not unbind's: a member may work in place on its input.
            outputs.append(functional_call(member, dict(tensors), (x[k].contiguous(),)))
            for name, buffer in self.stacked.named_buffers():
                found = member.buffers_after[name]
                if found is not tensors[f"module.{name}"]:  # assigned anew, not in place
                    buffer[k] = found.detach()
            member.buffers_after = {}
        return torch.stack(outputs)

    def member(self, k, memo):
        """Copy the k-th module, tied to others as `memo` says."""
        result = copy.deepcopy(self._members[k].module)
        for name, part in self.stacked.named_modules(remove_duplicate=False):
            unstack_tensors(part, result.get_submodule(name), k, memo)
        return result.train(self.training)


class StackedConvNet(nn.Module):
    """A stacked network with convolutions, which a CPU runs member by member.

    One grouped convolution over K networks is what a GPU wants. On a CPU one network's
    convolutions fill the machine and its maps fit the caches, while a grouped one takes up to three
    times as long as K calls; so there the members go through the whole network one after the other,
    on slices of the same stacked parameters.

    Parameters
    ----------
    stacked : torch.nn.Module
        The networks, of known layers, as one.
    network : torch.nn.Module
        The first of them, which is copied.
    """

    def __init__(self, stacked, network):
        super().__init__()
        self.stacked = stacked
        self._network = (copy.deepcopy(network).to("meta"),)

    def forward(self, x):
        """Apply the k-th network to the k-th slice.

        Parameters
        ----------
        x : torch.Tensor of shape (K, B, ...)
            One slice per member.

        Returns
        -------
        torch.Tensor of shape (K, B, ...)
            The networks' outputs.
        """
        if x.device.type != "cpu":
            return self.stacked(x)
        network = self._network[0].train(self.training)
        members = enumerate(_slices(self.stacked, len(x)))
        outputs = [functional_call(network, own, (x[k].contiguous(),)) for k, own in members]
        return torch.stack(outputs)


class _Caller(nn.Module):
    """Calls a module and notes what its buffers are after that."""

    def __init__(self, module):
        super().__init__()
        self.module = module
        self.buffers_after = {}

    def forward(self, x):
        output = self.module(x)
        self.buffers_after = dict(self.module.named_buffers())
        return output


def _slices(stacked, n_members, prefix=""):
    """Each member's tensors by name."""
    # unbind's gradient is one stack of K; that of K slices would be K arrays of zeros, added up.
    columns = {
        prefix + name: tensor.unbind(0)
        for tensors in (stacked.named_parameters, stacked.named_buffers)
        for name, tensor in tensors(remove_duplicate=False)
    }
    return [{name: column[k] for name, column in columns.items()} for k in range(n_members)]


def _stack_storage(modules, memo):
    """Keep the modules' tensors, stacked, under their names; not made to be called."""
    key = ("storage", id(modules[0]))
    if key in memo:
        return memo[key]
    result = memo[key] = nn.Module()
    for name, child in modules[0]._modules.items():
        children = [module._modules[name] for module in modules]
        result.add_module(name, None if child is None else _stack_storage(children, memo))
    stack_tensors(result, modules, memo)
    return result

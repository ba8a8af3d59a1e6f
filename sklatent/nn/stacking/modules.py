"""K networks of one architecture as one: parameters stacked, kernels batched.

`stack_modules` turns K modules `(B, ...) -> (B, ...)` into one `(K, B, ...) -> (K, B, ...)` all of
whose parameters and buffers have a new leading axis of length K, under their old names but for a
prefix. The results are those of the K modules, to rounding; `unstack_module` takes one of them out
again, bit for bit.

What is batched: linear and convolutional layers, batch normalisation, activations, reshapes,
pooling and padding, `torch.nn.Sequential`, and containers that declare ``stackable = True``, a
promise that their methods are made of their children and parameters and do not mind leading axes.
Everything else, dropout and the user's own modules included, runs as a loop over members.
"""

import copy

import torch
from torch import nn

from sklatent.nn.stacking.kinds import (
    ELEMENTWISE,
    STACKED,
    check_same_architecture,
    is_container,
    is_conv_net,
    is_known,
)
from sklatent.nn.stacking.layers import (
    copy_tensors,
    select_tensors,
    stack_tensors,
    strip_tensors,
    unstack_tensors,
)
from sklatent.nn.stacking.mlp import StackedMLP, is_mlp
from sklatent.nn.stacking.one_by_one import LoopedModules, StackedConvNet


def stack_modules(modules):
    """Run K modules of one architecture as a single module.

    Parameters
    ----------
    modules : list of torch.nn.Module
        K modules with the same layers and shapes, each mapping ``(B, ...)`` to ``(B, ...)``. They
        are copied.

    Returns
    -------
    torch.nn.Module
        Maps ``(K, B, ...)`` to ``(K, B, ...)``, the k-th module applied to the k-th slice. An
        input that all members share may be an expanded view, ``X.expand(K, *X.shape)``.

    Raises
    ------
    ValueError
        If there are no modules or they differ in layers, shapes or data types.

    Examples
    --------
    >>> import torch
    >>> from sklatent.nn.stacking.modules import n_stacked, stack_modules, unstack_module
    >>> modules = [torch.nn.Linear(3, 2) for _ in range(4)]
    >>> stacked = stack_modules(modules)
    >>> n_stacked(stacked), stacked.weight.shape
    (4, torch.Size([4, 2, 3]))
    >>> X = torch.ones(5, 3)
    >>> stacked(X.expand(4, 5, 3)).shape
    torch.Size([4, 5, 2])
    >>> torch.equal(unstack_module(stacked, 1).weight, modules[1].weight)
    True
    """
    modules = list(modules)
    if not modules:
        raise ValueError("There are no modules to stack: give at least one.")
    check_same_architecture(modules)
    return _stack(modules, {}, outermost=True)


def stack_varied(modules, vary):
    """Stack modules that may occur several times, each occurrence as `vary` leaves it.

    As copies of them all, varied and stacked, with as many copies as there are different modules.

    Parameters
    ----------
    modules : list of torch.nn.Module
        Of one architecture; they are left as they were found.
    vary : callable
        ``vary(k, module)`` changes the k-th module in place.

    Returns
    -------
    torch.nn.Module
        As of `stack_modules`.
    """
    distinct = list({id(module): module for module in modules}.values())
    check_same_architecture(distinct)
    trial = copy_module(modules[0])
    tensors = _tensors(trial)
    vary(0, trial)
    if any(a is not b for a, b in zip(tensors, _tensors(trial), strict=False)):
        # Parameters are replaced by others, of which no place in the stack is known.
        copies = [trial, *(copy_module(module) for module in modules[1:])]
        for k, module in enumerate(copies[1:], start=1):
            vary(k, module)
        return stack_modules(copies)
    memo = {}
    result = _stack(modules, memo, outermost=True)
    places = [memo[id(tensor)].detach() for tensor in _tensors(modules[0])]
    scratch = {}
    for module in distinct:
        own = copy_module(module)
        values = [tensor.detach() for tensor in _tensors(own)]
        scratch[id(module)] = own, [*zip(values, places, _tensors(module), strict=True)]
    for k, module in enumerate(modules):
        own, pairs = scratch[id(module)]
        before = [tensor._version for tensor, _, _ in pairs]
        vary(k, own)
        for (tensor, place, original), version in zip(pairs, before, strict=True):
            if tensor._version != version:
                place[k] = tensor
                tensor.copy_(original.detach())
    return result


def _tensors(module):
    return [*module.parameters(), *module.buffers()]


def select_members(stacked, members):
    """Stack some of a stack's members by themselves.

    Parameters
    ----------
    stacked : torch.nn.Module
        Made by `stack_modules`.
    members : list of int
        Which.

    Returns
    -------
    torch.nn.Module or None
        With copies of their parameters and buffers; None where members run one after the other, so
        that nothing is gained by having them together.
    """
    one_by_one = (LoopedModules, StackedConvNet)
    if any(isinstance(part, one_by_one) for part in stacked.modules()):
        return None
    return _select(stacked, torch.as_tensor(members), {})


def _select(stacked, members, memo):
    if id(stacked) not in memo:
        result = memo[id(stacked)] = strip_tensors(stacked)
        for name, child in stacked._modules.items():
            result._modules[name] = None if child is None else _select(child, members, memo)
        select_tensors(stacked, result, members, memo)
        result._n_stacked = len(members)
    return memo[id(stacked)]


def n_stacked(module):
    """Count the modules that a stacked module is made of.

    Parameters
    ----------
    module : torch.nn.Module
        Made by `stack_modules`.

    Returns
    -------
    int
        The number of members, K.

    Raises
    ------
    ValueError
        If the module was not made by `stack_modules`.
    """
    n_members = getattr(module, "_n_stacked", None)
    if n_members is None:
        raise ValueError(
            f"{type(module).__name__} is not a stacked module; make one by stack_modules."
        )
    return n_members


def unstack_module(stacked, k):
    """Take one member out of a stacked module.

    Parameters
    ----------
    stacked : torch.nn.Module
        Made by `stack_modules`.
    k : int
        Which member, from 0; negative numbers count from the end.

    Returns
    -------
    torch.nn.Module
        A module of the original class with copies of the k-th parameters and buffers, bit for bit,
        on their present device. It shares nothing with `stacked`.

    Raises
    ------
    ValueError
        If the module was not made by `stack_modules`.
    IndexError
        If there is no k-th member.
    """
    n_members = n_stacked(stacked)
    if not -n_members <= k < n_members:
        raise IndexError(f"There is no member {k}: {n_members} modules are stacked.")
    return _unstack(stacked, k, {})


def copy_module(module):
    """Copy a module as `copy.deepcopy` does, known ones in a fraction of its time.

    Parameters
    ----------
    module : torch.nn.Module
        Any.

    Returns
    -------
    torch.nn.Module
        Shares nothing with it.
    """
    return _copy(module, {}) if is_known(module) else copy.deepcopy(module)


def _copy(module, memo):
    if id(module) not in memo:
        result = memo[id(module)] = strip_tensors(module)
        for name, child in module._modules.items():
            result._modules[name] = None if child is None else _copy(child, memo)
        copy_tensors(module, result, memo)
    return memo[id(module)]


# From K modules to one


def _stack(modules, memo, outermost):
    """Convert; `outermost` is False inside a StackedConvNet, which runs its parts by itself.

    `memo` holds what was made for the first module's parts, so that shared parts stay shared.
    """
    first = modules[0]
    if id(first) in memo:
        return memo[id(first)]
    if not is_container(first) and not is_known(first):
        result = LoopedModules(modules, memo)
    elif outermost and is_conv_net(first):
        result = StackedConvNet(_stack(modules, memo, outermost=False), first)
    elif type(first) in ELEMENTWISE:
        result = copy.deepcopy(first)
    elif type(first) in STACKED:
        result = STACKED[type(first)](modules, memo)
    else:
        result = _stack_container(modules, memo, outermost)
        if is_mlp(first):
            result.__class__ = StackedMLP
    result._n_stacked = len(modules)
    result.training = first.training
    memo[id(first)] = result
    return result


def _stack_container(modules, memo, outermost):
    """Copy the container, its children stacked and its own tensors too."""
    result = strip_tensors(modules[0])
    for name, child in modules[0]._modules.items():
        children = [module._modules[name] for module in modules]
        result._modules[name] = None if child is None else _stack(children, memo, outermost)
    stack_tensors(result, modules, memo)
    return result


def _unstack(stacked, k, memo):
    if id(stacked) in memo:
        return memo[id(stacked)]
    if isinstance(stacked, StackedConvNet):
        result = _unstack(stacked.stacked, k, memo)
    elif hasattr(stacked, "member"):
        result = stacked.member(k, memo)
    else:
        result = strip_tensors(stacked)
        if type(stacked) is StackedMLP:
            result.__class__ = nn.Sequential
        for name, child in stacked._modules.items():
            result._modules[name] = None if child is None else _unstack(child, k, memo)
        unstack_tensors(stacked, result, k, memo)
        del result._n_stacked
    memo[id(stacked)] = result
    return result

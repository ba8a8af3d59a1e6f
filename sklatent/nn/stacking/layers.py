"""Layers that are K layers: parameters with a leading axis of members, kernels batched."""

import copy

import torch
from torch import nn
from torch.nn.functional import batch_norm, conv2d, conv_transpose2d


def strip_tensors(module):
    """Copy a module's class and settings without its children, parameters and buffers."""
    result = object.__new__(type(module))
    own = {"_parameters": {}, "_buffers": {}, "_modules": {}}
    settings, others = {}, {}
    for name, value in module.__dict__.items():
        if name in own:
            continue
        if isinstance(value, _CONSTANT):
            settings[name] = value
        elif isinstance(value, (dict, set)) and not value:  # hooks, of which there are none
            settings[name] = type(value)()
        else:
            others[name] = value
    # Once for all of them, so that what they share stays shared.
    result.__dict__ = settings | copy.deepcopy(others) | own
    return result


# Deep copies of these are themselves, and looking that up takes most of a small module's time.
_CONSTANT = (int, float, str, type(None), torch.Size, torch.dtype, torch.device)


def stack_tensors(result, modules, memo):
    """Give ``result`` the modules' own parameters and buffers, stacked.

    Parameters
    ----------
    result : torch.nn.Module
        Where to register them.
    modules : list of torch.nn.Module
        Alike; children are left alone.
    memo : dict
        Stacked tensor by the id of the first module's tensor, so that tied ones stay tied.
    """
    first = modules[0]
    for name, value in first._parameters.items():
        if value is not None and id(value) not in memo:
            values = _stacked([module._parameters[name] for module in modules])
            memo[id(value)] = nn.Parameter(values, requires_grad=value.requires_grad)
        result.register_parameter(name, memo.get(id(value)))
    for name, value in first._buffers.items():
        if value is not None and id(value) not in memo:
            memo[id(value)] = _stacked([module._buffers[name] for module in modules])
        persistent = name not in first._non_persistent_buffers_set
        result.register_buffer(name, memo.get(id(value)), persistent=persistent)


@torch.no_grad()
def _stacked(tensors):
    """One above the other; often they are one and the same, of models of one seed."""
    first = tensors[0]
    if all(tensor is first for tensor in tensors):
        copies = first.expand(len(tensors), *first.shape)
        return copies.clone(memory_format=torch.contiguous_format)
    return torch.stack(tensors)


def unstack_tensors(stacked, result, k, memo):
    """Give ``result`` copies of the k-th of the stacked module's own parameters and buffers.

    Parameters
    ----------
    stacked, result : torch.nn.Module
        From where, and where to register them.
    k : int
        Which member.
    memo : dict
        New tensor by the id of the stacked one, so that tied ones stay tied.
    """
    _register(stacked, result, lambda value: value[k], memo)


def select_tensors(stacked, result, members, memo):
    """Give ``result`` copies of some members' tensors, stacked; arguments as above."""
    _register(stacked, result, lambda value: value[members], memo)


def copy_tensors(module, result, memo):
    """Give ``result`` copies of a module's own parameters and buffers; arguments as above."""
    _register(module, result, lambda value: value, memo)


def _register(source, result, chosen, memo):
    for name, value in source._parameters.items():
        if value is None:
            result.register_parameter(name, None)
            continue
        if id(value) not in memo:
            copied = chosen(value.detach()).clone()
            memo[id(value)] = nn.Parameter(copied, requires_grad=value.requires_grad)
        # Not register_parameter: recurrent layers keep a list that only assignment updates.
        setattr(result, name, memo[id(value)])
    for name, value in source._buffers.items():
        if value is not None and id(value) not in memo:
            memo[id(value)] = chosen(value).clone()
        persistent = name not in source._non_persistent_buffers_set
        result.register_buffer(name, memo.get(id(value)), persistent=persistent)


class StackedLayer(nn.Module):
    """A layer's parameters and buffers for K members, under the layer's own names.

    Parameters
    ----------
    modules : list of torch.nn.Module
        K layers of one class, alike.
    memo : dict
        As in `stack_tensors`.
    """

    def __init__(self, modules, memo):
        super().__init__()
        stack_tensors(self, modules, memo)
        # What remains of the layer, its class and settings; in a tuple, so that it is no child.
        self._layer = (strip_tensors(modules[0]),)

    @property
    def layer(self):
        """The layer without its tensors: class and settings."""
        return self._layer[0]

    def member(self, k, memo):
        """Copy the k-th layer, tied to others as `memo` says."""
        layer = strip_tensors(self.layer)
        unstack_tensors(self, layer, k, memo)
        layer.training = self.training
        return layer


class StackedLinear(StackedLayer):
    """K linear layers: ``weight`` is (K, out_features, in_features), ``bias`` (K, out_features)."""

    def forward(self, x):
        """Apply the k-th layer to the k-th slice.

        Parameters
        ----------
        x : torch.Tensor of shape (K, ..., in_features)
            At least three axes.

        Returns
        -------
        torch.Tensor of shape (K, ..., out_features)
            The layers' outputs.
        """
        if x.ndim != 3:
            return self(x.flatten(1, -2)).unflatten(1, x.shape[1:-1])
        tensors = (x, self.weight, self.bias)
        if torch.is_autocast_enabled(x.device.type) and x.dtype != torch.float64:
            # Here rather than inside, so that the backward pass has the same type.
            dtype = torch.get_autocast_dtype(x.device.type)
            tensors = (None if tensor is None else tensor.to(dtype) for tensor in tensors)
        return _BatchedLinear.apply(*tensors)


class _BatchedLinear(torch.autograd.Function):
    """`x @ weight.mT + bias` for K members.

    Torch's own gradient of `weight.mT` is a transposed array, which is then copied: a tenth of the
    time of a wide layer. This one comes in the weights' layout.
    """

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        # What follows may work in place, which views of a function's own are not for.
        return affine(x, weight, bias).contiguous()

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            product(gradient, weight) if for_x else None,
            product(gradient.mT, x) if for_weight else None,
            gradient.sum(1) if for_bias else None,
        )


_NARROW = 16  # columns below which a product is several times faster turned round


def taken(values, which=None):
    """`values[which]`, with few columns one behind the other in memory.

    So what is done with a number for each row, or to a row's few numbers, takes whole vectors of
    rows at a time and not a row: a fifth of the time with five columns.

    Parameters
    ----------
    values : torch.Tensor of shape (n, B, columns)
        Whatever there is for rows.
    which : torch.Tensor of shape (K,), integer, default=None
        The number of each member's; None are all of them.

    Returns
    -------
    torch.Tensor of shape (K, B, columns)
        With strides (_, 1, B) where columns are few.
    """
    if values.ndim == 3 and values.shape[-1] < _NARROW:
        columns = values.mT.contiguous()
        return (columns if which is None else columns.index_select(0, which)).mT
    return values if which is None else values.index_select(0, which)


def affine(x, weight, bias):
    """`x @ weight.mT + bias` for K members, perhaps a view: see `taken`."""
    if bias is None:
        return product(x, weight.mT)
    if weight.shape[1] < _NARROW:
        return torch.baddbmm(bias.unsqueeze(2), weight, x.mT).mT
    return torch.baddbmm(bias.unsqueeze(1), x, weight.mT)


def product(a, b):
    """`a @ b` for K members, however narrow `b` is; perhaps a view."""
    if b.shape[-1] < _NARROW <= a.shape[-2]:
        # Of three rows or fewer MKL takes a third less time where they lie one after the other.
        few = b.mT if b.shape[-1] > 3 else b.mT.contiguous()
        return torch.bmm(few, a.mT).mT
    return torch.bmm(a, b)


class StackedConv(StackedLayer):
    """K convolutions or transposed convolutions as one with K times the groups."""

    def forward(self, x):
        """Apply the k-th layer to the k-th slice.

        Parameters
        ----------
        x : torch.Tensor of shape (K, B, channels, height, width)
            Images or maps.

        Returns
        -------
        torch.Tensor of shape (K, B, out_channels, out_height, out_width)
            The layers' outputs.
        """
        layer, n_members = self.layer, len(self.weight)
        bias = None if self.bias is None else self.bias.flatten()
        weight = self.weight.flatten(0, 1)
        maps = x.transpose(0, 1).flatten(1, 2)
        groups = n_members * layer.groups
        if isinstance(layer, nn.Conv2d):
            maps = conv2d(maps, weight, bias, layer.stride, layer.padding, layer.dilation, groups)
        else:
            maps = conv_transpose2d(
                maps,
                weight,
                bias,
                layer.stride,
                layer.padding,
                layer.output_padding,
                groups,
                layer.dilation,
            )
        return maps.unflatten(1, (n_members, -1)).transpose(0, 1)


class StackedBatchNorm(StackedLayer):
    """K batch normalisations as one over K times the channels."""

    def forward(self, x):
        """Apply the k-th layer to the k-th slice.

        Parameters
        ----------
        x : torch.Tensor of shape (K, B, channels, ...)
            Features or maps.

        Returns
        -------
        torch.Tensor of shape (K, B, channels, ...)
            Normalised by each member's own statistics.
        """
        layer = self.layer
        momentum = layer.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # the members have seen equally many batches
                momentum = 1.0 / float(self.num_batches_tracked[0])
        flat = [
            None if tensor is None else tensor.view(-1)
            for tensor in (self.running_mean, self.running_var, self.weight, self.bias)
        ]
        use_batch = self.training or self.running_mean is None
        channels = x.transpose(0, 1).flatten(1, 2)
        result = batch_norm(channels, *flat, use_batch, momentum or 0.0, layer.eps)
        return result.unflatten(1, x.shape[:1] + x.shape[2:3]).transpose(0, 1)


class StackedRowwise(StackedLayer):
    """A layer without parameters that treats each row alike: members and rows share an axis."""

    def forward(self, x):
        """Apply the layer to every row of every slice.

        Parameters
        ----------
        x : torch.Tensor of shape (K, B, ...)
            Rows.

        Returns
        -------
        torch.Tensor of shape (K, B, ...)
            The layer's output for each.
        """
        return self.layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class StackedReshape(StackedLayer):
    """`torch.nn.Flatten` or `torch.nn.Unflatten` of each slice, as a view where it can be."""

    def forward(self, x):
        """Reshape each slice.

        Parameters
        ----------
        x : torch.Tensor of shape (K, B, ...)
            Slices.

        Returns
        -------
        torch.Tensor of shape (K, B, ...)
            The same values.
        """
        layer = self.layer
        if isinstance(layer, nn.Flatten):
            return x.flatten(_after_members(layer.start_dim), _after_members(layer.end_dim))
        return x.unflatten(_after_members(layer.dim), layer.unflattened_size)


def _after_members(dim):
    """Index of a member's axis when the axis of members stands before it."""
    return dim if dim < 0 else dim + 1

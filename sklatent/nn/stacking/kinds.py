"""Which modules have a batched form, and which are of one architecture."""

from torch import nn

from sklatent.nn.stacking.layers import (
    StackedBatchNorm,
    StackedConv,
    StackedLinear,
    StackedReshape,
    StackedRowwise,
)

# Elementwise: they take any leading axes as they are.
ELEMENTWISE = {
    nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh,
    nn.Identity, nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.ReLU, nn.ReLU6, nn.SELU, nn.Sigmoid,
    nn.SiLU, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold,
}  # fmt: skip
# Row by row without parameters: members and rows may share one axis.
_ROWWISE = {
    nn.AdaptiveAvgPool2d, nn.AvgPool2d, nn.MaxPool2d, nn.PixelShuffle, nn.PixelUnshuffle,
    nn.ReflectionPad2d, nn.ReplicationPad2d, nn.Upsample, nn.UpsamplingBilinear2d,
    nn.UpsamplingNearest2d, nn.ZeroPad2d,
}  # fmt: skip
CONVOLUTIONS = {nn.Conv2d, nn.ConvTranspose2d}
STACKED = {
    nn.Linear: StackedLinear,
    nn.BatchNorm1d: StackedBatchNorm,
    nn.BatchNorm2d: StackedBatchNorm,
    nn.Flatten: StackedReshape,
    nn.Unflatten: StackedReshape,
    **dict.fromkeys(CONVOLUTIONS, StackedConv),
    **dict.fromkeys(_ROWWISE, StackedRowwise),
}


def is_container(module):
    """Whether a module is no more than its children and their tensors."""
    return type(module) is nn.Sequential or getattr(module, "stackable", False) is True


def is_known(module):
    """Whether a module and all it contains have a batched form."""
    if any((module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)):
        return False
    if type(module) in CONVOLUTIONS:
        return module.padding_mode == "zeros"
    if is_container(module):
        return all(is_known(child) for child in module.children())
    return type(module) in ELEMENTWISE or type(module) in STACKED


def is_conv_net(module):
    """Whether a StackedConvNet may stand for it: known through and through, with convolutions."""
    if type(module) not in {nn.Sequential} | CONVOLUTIONS or not is_known(module):
        return False
    return any(type(child) in CONVOLUTIONS for child in module.modules())


def check_same_architecture(modules):
    expected = _describe(modules[0])
    for k, module in enumerate(modules[1:], start=1):
        found = _describe(module)
        if found != expected:
            pairs = zip([*expected, "nothing more"], [*found, "nothing more"], strict=False)
            here, there = next(pair for pair in pairs if pair[0] != pair[1])
            raise ValueError(
                "Only modules of one architecture can be stacked, but module 0 has "
                f"{here} where module {k} has {there}."
            )


def _describe(module):
    """List the layers, their settings, and all tensors' names, shapes and data types."""
    lines = []
    for name, child in module.named_modules():
        # A user's own extra_repr may say anything; torch's says what the layer does.
        settings = child.extra_repr() if type(child).__module__.startswith("torch.nn") else ""
        lines.append(f"{name or 'itself'}: {type(child).__qualname__}({settings})")
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        trained = ", trained" if tensor.requires_grad else ""
        lines.append(f"{name}: {tensor.dtype} of shape {tuple(tensor.shape)}{trained}")
    return lines

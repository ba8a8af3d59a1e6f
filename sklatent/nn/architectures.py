"""Encoders and decoders by name, or from the user's own factory.

Every encoder maps flattened rows `(batch, n_features)` to `(batch, n_encoder_features)`; the
posterior's head, one linear layer, is put on top by the model. Every decoder maps latents
`(batch, n_components)` to flattened means or Bernoulli logits `(batch, n_features)`, without a
final nonlinearity. Only plain layers, ``Residual`` and ``ToMaps`` are used, so that
:mod:`sklatent.nn.stacking.modules` can run many such networks as one.
"""

from math import prod
from numbers import Integral

from torch import nn

from sklatent.nn.named_networks import (
    conv,
    conv64,
    conv_tvae,
    mlp,
    residual_images,
    residual_vectors,
)
from sklatent.nn.user_networks import activation_factory, networks_from_factory, try_out

ARCHITECTURES = ("mlp", "conv", "conv_tvae", "conv64", "residual")
_IMAGE_ONLY = ("conv", "conv_tvae", "conv64")
_MIN_IMAGE_SIZE = 4


ACTIVATIONS = {
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
    "relu": nn.ReLU,
}


def build_networks(
    architecture,
    n_features,
    n_components,
    image_shape=None,
    hidden_layer_sizes=(256, 256),
    activation="relu",
    n_outputs=None,
):
    """Build the encoder and the decoder of a model.

    Weights are torch's default initialisation, drawn from torch's global generator: the caller
    seeds and restores it.

    Parameters
    ----------
    architecture : {"mlp", "conv", "conv_tvae", "conv64", "residual"} or callable
        - ``"mlp"``: linear layers of widths `hidden_layer_sizes`, mirrored in the decoder.
        - ``"conv"``: the network of [1]_, appendix E, for images of any size from 4x4.
        - ``"conv_tvae"``: the network of [2]_, appendix B: five convolutions with 4x4 filters, the
          last of which is the model's linear head (see Notes).
        - ``"conv64"``: the network of [3]_, table 3 (that of the original beta-VAE), for 64x64
          images.
        - ``"residual"``: in the manner of [4]_, figure 3: linear layers each followed by a residual
          block for vectors; strided convolutions each followed by a residual block, then linear
          layers, for images (when `image_shape` is given).
        - a callable ``(n_features, n_components, image_shape) -> (encoder, decoder)`` that returns
          two :class:`torch.nn.Module`. The encoder's output may have any shape
          ``(batch, ...)``, and the decoder's any that flattens to ``(batch, n_features)``.
    n_features : int
        Number of columns of the data.
    n_components : int
        Number of latent dimensions.
    image_shape : tuple of int (channels, height, width), default=None
        Shape of one row as an image; the convolutional networks need it.
    hidden_layer_sizes : sequence of int, default=(256, 256)
        Widths of the linear layers of ``"mlp"`` and ``"residual"``, in the encoder's order. The
        widths of the other networks are their papers'.
    activation : {"silu", "gelu", "tanh", "softplus", "relu"} or callable, default="relu"
        What follows each layer but the last, by name or as a factory of modules. The papers' is
        ReLU; smooth ones do not turn a rounding error into another network.
    n_outputs : int, default=None
        What the decoder returns for each row; None is `n_features`.

    Returns
    -------
    encoder : torch.nn.Module
        Maps ``(batch, n_features)`` to ``(batch, n_encoder_features)``.
    decoder : torch.nn.Module
        Maps ``(batch, n_components)`` to ``(batch, n_outputs)``.
    n_encoder_features : int
        Width of the encoder's output.

    Raises
    ------
    ValueError
        If the name is unknown, or `image_shape` is missing, does not multiply to `n_features` or
        does not suit the network, or if a callable's modules do not fit the data.
    TypeError
        If a callable returns anything but two modules.

    Notes
    -----
    Where the papers leave room, the readings are these. "Same" padding halves a size upwards: 28,
    14, 7, 4, 2, 1. In ``"conv_tvae"`` the fifth convolution then meets a 2x2 map, of which it makes
    one pixel, which is what a linear layer over the flattened map does (the other 12 of its 16 taps
    only ever meet padding): that layer is the posterior's head. Its decoder's first convolution, on
    a 1x1 map, is likewise a linear layer, and the two transposed convolutions with stride 1 have no
    padding, so that sizes go 1, 4, 7, 14, 28. Figure 3 of [4]_ is lost in the text we have: it says
    that fully connected, convolutional and residual layers are used, that residual layers differ in
    their number of hidden filters and that decoders mirror encoders.

    References
    ----------
    .. [1] Murphy, Dillavou & Bassett, Comparing information content of representation spaces for
       disentanglement with VAE ensembles, appendix E.
    .. [2] Giannone, Masci & Osendorfer, No representation without transformation, appendix B.
    .. [3] Improving the unsupervised disentangled representation learning with VAE ensemble,
       table 3.
    .. [4] Martinez & Pearson, Reproducible, incremental representation learning with Rosetta VAE,
       appendix C.

    Examples
    --------
    >>> import torch
    >>> from sklatent.nn.architectures import build_networks
    >>> encoder, decoder, width = build_networks("conv", 64, 2, image_shape=(1, 8, 8))
    >>> encoder(torch.zeros(5, 64)).shape, width
    (torch.Size([5, 256]), 256)
    >>> decoder(torch.zeros(5, 2)).shape
    torch.Size([5, 64])
    """
    image_shape = _check_image_shape(image_shape, n_features)
    n_outputs = n_features if n_outputs is None else n_outputs
    if callable(architecture):
        return networks_from_factory(architecture, n_features, n_components, image_shape, n_outputs)
    if not isinstance(architecture, str) or architecture not in ARCHITECTURES:
        raise ValueError(
            f"Unknown architecture {architecture!r}. Use one of {', '.join(ARCHITECTURES)}, or a "
            "callable (n_features, n_components, image_shape) -> (encoder, decoder)."
        )
    sizes = _check_hidden_layer_sizes(hidden_layer_sizes)
    of_images = takes_images(architecture, image_shape)
    if of_images:
        _check_image_suits(architecture, image_shape, n_features)
    own = not isinstance(activation, str)
    made_by = activation_factory(activation) if own else ACTIVATIONS[activation]
    if of_images:
        _check_maps(image_shape, n_outputs)
        n_maps = n_outputs // prod(image_shape[1:])
    if not of_images:
        build = mlp if architecture == "mlp" else residual_vectors
        networks = build(n_features, n_components, sizes, made_by, n_outputs)
    elif architecture == "residual":
        networks = residual_images(image_shape, n_components, sizes, made_by, n_maps)
    else:
        build = {"conv": conv, "conv_tvae": conv_tvae, "conv64": conv64}[architecture]
        networks = build(image_shape, n_components, made_by, n_maps)
    if own:
        try_out(*networks[:2], n_features, n_components)
    return networks


def takes_images(architecture, image_shape):
    """Whether an encoder of that name sees rows as maps."""
    if callable(architecture):
        return False
    return architecture in _IMAGE_ONLY or (architecture == "residual" and image_shape is not None)


# Checks


def _check_image_shape(image_shape, n_features):
    if image_shape is None:
        return None
    shape = tuple(image_shape) if isinstance(image_shape, tuple | list) else image_shape
    if (
        not isinstance(shape, tuple)
        or len(shape) != 3
        or not all(isinstance(size, Integral) and size >= 1 for size in shape)
    ):
        raise ValueError(
            "image_shape must be three positive integers (channels, height, width), got "
            f"{image_shape!r}."
        )
    shape = tuple(int(size) for size in shape)
    if prod(shape) != n_features:
        raise ValueError(
            f"image_shape={shape} has {prod(shape)} values, but X has {n_features} features. Give "
            "the (channels, height, width) that each row of X was flattened from."
        )
    return shape


def _check_image_suits(architecture, image_shape, n_features):
    if image_shape is None:
        raise ValueError(
            f"architecture={architecture!r} works on images and needs "
            f"image_shape=(channels, height, width) with {n_features} values in all; for data that "
            'are not images use architecture="mlp".'
        )
    size = image_shape[1:]
    if architecture == "conv64" and size != (64, 64):
        raise ValueError(
            f'architecture="conv64" is made for 64x64 images, but image_shape={image_shape}. '
            'Resize or pad the images to 64x64, or use architecture="conv", which takes any size.'
        )
    if min(size) < _MIN_IMAGE_SIZE:
        raise ValueError(
            f"architecture={architecture!r} needs images of at least "
            f"{_MIN_IMAGE_SIZE}x{_MIN_IMAGE_SIZE} pixels, but image_shape={image_shape}. Use "
            'architecture="mlp" for such small images.'
        )


def _check_maps(image_shape, n_outputs):
    if n_outputs % prod(image_shape[1:]):
        raise ValueError(
            f"The likelihood needs {n_outputs} outputs a row, which are no whole number of maps of "
            f'image_shape={image_shape}. Use architecture="mlp".'
        )


def _check_hidden_layer_sizes(hidden_layer_sizes):
    if isinstance(hidden_layer_sizes, Integral):
        hidden_layer_sizes = (hidden_layer_sizes,)
    sizes = tuple(hidden_layer_sizes)
    if not all(isinstance(size, Integral) and size >= 1 for size in sizes):
        raise ValueError(
            "hidden_layer_sizes must be positive integers, one per hidden layer, got "
            f"{hidden_layer_sizes!r}."
        )
    return tuple(int(size) for size in sizes)

"""The papers' networks that `build_networks` knows by name, and the pieces they are made of.

Each returns the encoder, the decoder and the width of the encoder's output.
"""

from math import prod

from torch import nn

from sklatent.nn.channels_last import ToMaps


class Residual(nn.Module):
    """Sum of the input and a branch of layers applied to it.

    Parameters
    ----------
    branch : torch.nn.Module
        Maps its input to an output of the same shape.
    """

    # The forward works with any number of leading axes as long as the branch does.
    stackable = True

    def __init__(self, branch):
        super().__init__()
        self.branch = branch

    def forward(self, x):
        """Add the branch's output to its input, of any shape that the branch takes."""
        return x + self.branch(x)


# Pieces


def _dense(n_in, sizes, activation):
    """Linear layers, an activation after each."""
    layers = []
    for size in sizes:
        layers += [nn.Linear(n_in, size), activation()]
        n_in = size
    return layers


def _halved(size):
    """Height and width after one stride-2 convolution with "same" padding."""
    return tuple((side + 1) // 2 for side in size)


def _down(n_in, n_out, size):
    """4x4 convolution with stride 2 from `size` to `_halved(size)`."""
    # Padding 1 halves an even side exactly, padding 2 rounds an odd one up.
    return nn.Conv2d(n_in, n_out, 4, stride=2, padding=tuple(1 + side % 2 for side in size))


def _up(n_in, n_out, size):
    """4x4 transposed convolution with stride 2 from `_halved(size)` to `size`."""
    odd = tuple(side % 2 for side in size)
    padding = tuple(1 + rest for rest in odd)
    return nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=padding, output_padding=odd)


# Networks


def mlp(n_features, n_components, sizes, activation, n_outputs):
    encoder = nn.Sequential(*_dense(n_features, sizes, activation))
    widths = (n_components, *reversed(sizes))
    hidden = _dense(n_components, widths[1:], activation)
    decoder = nn.Sequential(*hidden, nn.Linear(widths[-1], n_outputs))
    return encoder, decoder, (n_features, *sizes)[-1]


def conv(image_shape, n_components, activation, n_maps):
    channels, *full = image_shape
    half = _halved(full)
    quarter = _halved(half)
    encoder = nn.Sequential(
        ToMaps(image_shape),
        _down(channels, 32, full),
        activation(),
        _down(32, 64, half),
        activation(),
        nn.Flatten(),
        *_dense(64 * prod(quarter), [256], activation),
    )
    decoder = nn.Sequential(
        *_dense(n_components, [32 * prod(quarter)], activation),
        ToMaps((32, *quarter)),
        _up(32, 64, half),
        activation(),
        _up(64, 32, full),
        activation(),
        # A transposed convolution with stride 1 is a convolution with the kernel turned round;
        # "same" for 4x4 filters crops 1 before and 2 after, that is, pads 2 before and 1 after.
        nn.ZeroPad2d((2, 1, 2, 1)),
        nn.Conv2d(32, n_maps, 4),
        nn.Flatten(),
    )
    return encoder, decoder, 256


def conv_tvae(image_shape, n_components, activation, n_maps):
    channels, *size = image_shape
    encoder = [ToMaps(image_shape)]
    n_in = channels
    sizes = [tuple(size)]
    for n_out in (32, 32, 64, 128):
        encoder += [_down(n_in, n_out, sizes[-1]), activation()]
        sizes.append(_halved(sizes[-1]))
        n_in = n_out
    encoder.append(nn.Flatten())

    full, half, quarter = sizes[:3]
    # Two unpadded 4x4 transposed convolutions with stride 1 add 6 to a side: 1, 4, 7 for 28x28.
    # Bigger images start from more than one pixel, smaller ones pad, from 1 or 2 by parity.
    start = tuple(max(side - 6, 2 - side % 2) for side in quarter)
    surplus = tuple((first + 6 - side) // 2 for first, side in zip(start, quarter, strict=True))
    first_padding = tuple(excess // 2 for excess in surplus)
    second_padding = tuple(excess - excess // 2 for excess in surplus)
    decoder = nn.Sequential(
        *_dense(n_components, [128 * prod(start)], activation),
        ToMaps((128, *start)),
        nn.ConvTranspose2d(128, 64, 4, padding=first_padding),
        activation(),
        nn.ConvTranspose2d(64, 32, 4, padding=second_padding),
        activation(),
        _up(32, 32, half),
        activation(),
        _up(32, n_maps, full),
        nn.Flatten(),
    )
    return nn.Sequential(*encoder), decoder, 128 * prod(sizes[-1])


def conv64(image_shape, n_components, activation, n_maps):
    channels = image_shape[0]
    encoder = [ToMaps(image_shape)]
    side, n_in = 64, channels
    for n_out in (32, 32, 64, 64):
        encoder += [_down(n_in, n_out, (side, side)), activation()]
        side, n_in = side // 2, n_out
    encoder += [nn.Conv2d(64, 256, 4), activation(), nn.Flatten()]

    decoder = [*_dense(n_components, [256], activation), ToMaps((256, 1, 1))]
    decoder += [nn.ConvTranspose2d(256, 64, 4)]
    n_in = 64
    for n_out in (64, 32, 32, n_maps):
        side *= 2
        decoder += [activation(), _up(n_in, n_out, (side, side))]
        n_in = n_out
    return nn.Sequential(*encoder), nn.Sequential(*decoder, nn.Flatten()), 256


def _residual_linear(width, activation):
    layers = [nn.Linear(width, width), activation(), nn.Linear(width, width)]
    return Residual(nn.Sequential(*layers))


def _residual_conv(channels, activation):
    return Residual(
        nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            activation(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
    )


def residual_vectors(n_features, n_components, sizes, activation, n_outputs):
    def layers(n_in, widths):
        result = []
        for width in widths:
            result += [nn.Linear(n_in, width), activation(), _residual_linear(width, activation)]
            n_in = width
        return result

    widths = (n_components, *reversed(sizes))
    encoder = nn.Sequential(*layers(n_features, sizes))
    hidden = layers(n_components, widths[1:])
    decoder = nn.Sequential(*hidden, nn.Linear(widths[-1], n_outputs))
    return encoder, decoder, (n_features, *sizes)[-1]


def residual_images(image_shape, n_components, sizes, activation, n_maps):
    channels, *full = image_shape
    half = _halved(full)
    quarter = _halved(half)
    n_map = 64 * prod(quarter)
    encoder = nn.Sequential(
        ToMaps(image_shape),
        _down(channels, 32, full),
        activation(),
        _residual_conv(32, activation),
        _down(32, 64, half),
        activation(),
        _residual_conv(64, activation),
        nn.Flatten(),
        *_dense(n_map, sizes, activation),
    )
    decoder = nn.Sequential(
        *_dense(n_components, (*reversed(sizes), n_map), activation),
        ToMaps((64, *quarter)),
        _residual_conv(64, activation),
        _up(64, 32, half),
        activation(),
        _residual_conv(32, activation),
        _up(32, n_maps, full),
        nn.Flatten(),
    )
    return encoder, decoder, (n_map, *sizes)[-1]

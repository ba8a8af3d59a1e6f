import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import conv_transpose2d

from sklatent.nn.architectures import ARCHITECTURES, build_networks
from sklatent.nn.named_networks import Residual


def n_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def linear(n_in, n_out):
    return n_in * n_out + n_out


def conv(n_in, n_out, kernel=4):
    return n_in * n_out * kernel**2 + n_out


def check_shapes(networks, n_features, n_components):
    encoder, decoder, width = networks
    X = torch.rand(3, n_features)
    features = encoder(X)
    assert features.shape == (3, width)
    decoded = decoder(torch.randn(3, n_components))
    assert decoded.shape == (3, n_features)
    # Every parameter takes part: no layer is dead or left out of the forward pass.
    (features.square().sum() + decoded.square().sum()).backward()
    for module in (encoder, decoder):
        assert all(parameter.grad is not None for parameter in module.parameters())


@pytest.mark.parametrize("architecture", ["mlp", "residual"])
@pytest.mark.parametrize("sizes", [(), (7,), (8, 5, 6)])
def test_vector_networks_have_the_right_shapes(architecture, sizes):
    networks = build_networks(architecture, 5, 2, hidden_layer_sizes=sizes)
    check_shapes(networks, 5, 2)
    assert networks[2] == (5, *sizes)[-1]


@pytest.mark.parametrize(
    ("architecture", "image_shape"),
    [(name, shape) for name in ("conv", "conv_tvae", "residual")
     for shape in [(1, 28, 28), (3, 8, 8), (1, 9, 14), (2, 33, 21), (1, 4, 5), (1, 64, 64)]]
    + [("conv64", (1, 64, 64)), ("conv64", (3, 64, 64)), ("mlp", (1, 4, 4))],
)  # fmt: skip
def test_image_networks_have_the_right_shapes(architecture, image_shape):
    n_features = image_shape[0] * image_shape[1] * image_shape[2]
    check_shapes(build_networks(architecture, n_features, 3, image_shape), n_features, 3)


@settings(max_examples=25, deadline=None)
@given(
    architecture=st.sampled_from(["conv", "conv_tvae", "residual"]),
    height=st.integers(4, 70),
    width=st.integers(4, 70),
)
def test_image_networks_take_any_size(architecture, height, width):
    encoder, decoder, n_encoder_features = build_networks(
        architecture, height * width, 1, (1, height, width), hidden_layer_sizes=(4,)
    )
    with torch.no_grad():
        assert encoder(torch.zeros(1, height * width)).shape == (1, n_encoder_features)
        assert decoder(torch.zeros(1, 1)).shape == (1, height * width)


def test_mlp_layers():
    encoder, decoder, _ = build_networks("mlp", 20, 3, hidden_layer_sizes=(8, 6))
    assert [type(layer) for layer in encoder] == [nn.Linear, nn.ReLU] * 2
    assert [type(layer) for layer in decoder] == [nn.Linear, nn.ReLU] * 2 + [nn.Linear]
    widths = [(layer.in_features, layer.out_features) for layer in [*encoder, *decoder][::2]]
    assert widths == [(20, 8), (8, 6), (3, 6), (6, 8), (8, 20)]


def test_conv_is_appendix_e_of_the_channel_paper():
    encoder, decoder, width = build_networks("conv", 784, 10, (1, 28, 28))
    head = linear(width, 20)
    assert n_parameters(encoder) + head == (
        conv(1, 32) + conv(32, 64) + linear(7 * 7 * 64, 256) + linear(256, 20)
    )
    assert n_parameters(decoder) == (
        linear(10, 7 * 7 * 32) + conv(32, 64) + conv(64, 32) + conv(32, 1)
    )


def test_conv_ends_with_a_same_padded_transposed_convolution():
    """The last layer is TensorFlow's Conv2DTranspose(1, 4, strides=1, padding="same")."""
    decoder = build_networks("conv", 64, 2, (1, 8, 8))[1].double()
    pad, last = decoder[-3], decoder[-2]
    maps = torch.randn(2, 32, 8, 8, dtype=torch.float64)
    kernel = last.weight.flip(-1, -2).transpose(0, 1)
    full = conv_transpose2d(maps, kernel, last.bias)
    assert full.shape[-2:] == (11, 11)
    torch.testing.assert_close(last(pad(maps)), full[..., 1:9, 1:9])


def test_conv_tvae_is_appendix_b_of_the_transformation_paper():
    encoder, decoder, width = build_networks("conv_tvae", 784, 10, (1, 28, 28))
    # The fifth convolution is the head; its taps outside the 2x2 map are left out.
    assert width == 2 * 2 * 128
    assert n_parameters(encoder) == conv(1, 32) + conv(32, 32) + conv(32, 64) + conv(64, 128)
    # The decoder's first convolution sees a 1x1 map: one tap of its filters counts.
    assert n_parameters(decoder) == (
        linear(10, 128) + conv(128, 64) + conv(64, 32) + conv(32, 32) + conv(32, 1)
    )
    strides = [layer.stride for layer in decoder if isinstance(layer, nn.ConvTranspose2d)]
    assert strides == [(1, 1), (1, 1), (2, 2), (2, 2)]


def test_conv_tvae_head_is_its_fifth_convolution():
    encoder = build_networks("conv_tvae", 784, 3, (1, 28, 28))[0].double()
    fifth = nn.Conv2d(128, 6, 4, stride=2, padding=1, dtype=torch.float64)
    head = nn.Linear(512, 6, dtype=torch.float64)
    with torch.no_grad():
        head.weight.copy_(fifth.weight[:, :, 1:3, 1:3].flatten(1))
        head.bias.copy_(fifth.bias)
    X = torch.rand(4, 784, dtype=torch.float64)
    torch.testing.assert_close(head(encoder(X)), fifth(encoder[:-1](X)).flatten(1))


@pytest.mark.parametrize("channels", [1, 3])
def test_conv64_is_table_3_of_the_ensemble_paper(channels):
    encoder, decoder, width = build_networks("conv64", channels * 64**2, 10, (channels, 64, 64))
    assert n_parameters(encoder) + linear(width, 20) == (
        conv(channels, 32) + conv(32, 32) + conv(32, 64) + conv(64, 64) + conv(64, 256)
        + linear(256, 20)
    )  # fmt: skip
    assert n_parameters(decoder) == (
        linear(10, 256) + conv(256, 64) + conv(64, 64) + conv(64, 32) + conv(32, 32)
        + conv(32, channels)
    )  # fmt: skip


def test_residual_uses_the_three_kinds_of_layer():
    for image_shape, expected in [
        (None, {nn.Linear, Residual}),
        ((1, 8, 8), {nn.Linear, nn.Conv2d, nn.ConvTranspose2d, Residual}),
    ]:
        encoder, decoder, _ = build_networks("residual", 64, 2, image_shape)
        layers = {type(layer) for layer in [*encoder, *decoder]}
        assert expected <= layers


def test_residual_layer_adds_its_input():
    layer = Residual(nn.Linear(3, 3))
    X = torch.randn(4, 3)
    torch.testing.assert_close(layer(X) - layer.branch(X), X)
    nn.init.zeros_(layer.branch.weight)
    nn.init.zeros_(layer.branch.bias)
    assert torch.equal(layer(X), X)


def test_networks_keep_channels_first_pixel_order():
    encoder, decoder, _ = build_networks("conv", 2 * 8 * 8, 2, (2, 8, 8))
    X = torch.rand(1, 128)
    images = encoder[0](X)
    assert torch.equal(images, X.reshape(1, 2, 8, 8))
    maps = decoder[:-1](torch.zeros(1, 2))
    assert torch.equal(decoder(torch.zeros(1, 2)), maps.reshape(1, 128))


def test_initialisation_depends_on_the_global_generator_only():
    state = torch.get_rng_state()
    try:
        builds = []
        for _ in range(2):
            torch.manual_seed(3)
            builds.append(build_networks("residual", 6, 2, hidden_layer_sizes=(4,)))
    finally:
        torch.set_rng_state(state)
    for first, second in zip(builds[0][:2], builds[1][:2], strict=True):
        for a, b in zip(first.parameters(), second.parameters(), strict=True):
            assert torch.equal(a, b)


# The user's own modules


def test_factory_is_called_with_the_shapes_and_its_modules_are_used():
    calls = []
    made = (nn.Linear(6, 9), nn.Linear(2, 6))

    def factory(n_features, n_components, image_shape):
        calls.append((n_features, n_components, image_shape))
        return made

    encoder, decoder, width = build_networks(factory, 6, 2, (1, 2, 3))
    assert calls == [(6, 2, (1, 2, 3))]
    # Copies: what a factory hands out may be trained already, and stays as it is.
    assert encoder is not made[0]
    for copied, original in zip((encoder, decoder), made, strict=True):
        assert torch.equal(copied.weight, original.weight)
    assert width == 9


def test_factory_modules_with_image_shaped_outputs_are_flattened():
    def factory(n_features, n_components, image_shape):
        encoder = nn.Sequential(nn.Unflatten(1, image_shape), nn.Conv2d(1, 3, 2))
        decoder = nn.Sequential(nn.Linear(n_components, n_features), nn.Unflatten(1, image_shape))
        return encoder, decoder

    networks = build_networks(factory, 16, 2, (1, 4, 4))
    assert networks[2] == 3 * 3 * 3
    check_shapes(networks, 16, 2)


def test_probe_leaves_the_users_modules_as_they_were():
    frozen = nn.BatchNorm1d(4).eval()
    encoder = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), frozen, nn.Dropout(0.5))
    decoder = nn.Sequential(nn.Linear(2, 5, dtype=torch.float64), nn.BatchNorm1d(5))
    decoder.double()
    before = copy.deepcopy((encoder.state_dict(), decoder.state_dict()))
    rng = torch.get_rng_state()
    build_networks(lambda *shapes: (encoder, decoder), 5, 2)
    for module, state in zip((encoder, decoder), before, strict=True):
        for name, value in module.state_dict().items():
            assert torch.equal(value, state[name]), name
        assert module.training
        assert all(parameter.grad is None for parameter in module.parameters())
    assert encoder[1].training
    assert not frozen.training
    assert torch.equal(torch.get_rng_state(), rng)


def test_probe_restores_the_mode_after_an_error():
    encoder = nn.Sequential(nn.Linear(7, 4))
    with pytest.raises(ValueError, match=r"encoder cannot be applied .* \(2, 5\)"):
        build_networks(lambda *shapes: (encoder, nn.Linear(2, 5)), 5, 2)
    assert encoder.training
    assert encoder[0].training


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class Transposed(nn.Module):
    def forward(self, x):
        return x.T


@pytest.mark.parametrize(
    ("encoder", "decoder", "error", "message"),
    [
        (nn.Linear(5, 3), nn.Linear(2, 6), ValueError,
         r"\(2, 2\) to \(2, 6\).* 6 values a row.* X has 5 features.*\(2, 5\)"),
        (nn.Linear(5, 3), nn.Linear(3, 5), ValueError, r"decoder cannot .* \(2, 2\)"),
        (Pair(), nn.Linear(2, 5), TypeError, "encoder must return one tensor, got tuple"),
        (Transposed(), nn.Linear(2, 5), ValueError, r"encoder maps .* \(2, 5\) to \(5, 2\)"),
        (nn.Linear(5, 3), None, TypeError, r"two torch.nn.Module.*\(Linear, NoneType\)"),
    ],
)  # fmt: skip
def test_unsuitable_user_modules_are_named(encoder, decoder, error, message):
    with pytest.raises(error, match=message):
        build_networks(lambda *shapes: (encoder, decoder), 5, 2)


def test_factory_that_returns_one_module():
    with pytest.raises(TypeError, match=r"\(encoder, decoder\), got Linear"):
        build_networks(lambda *shapes: nn.Linear(5, 3), 5, 2)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vgg", 784, 2), "Unknown architecture 'vgg'.*" + ".*".join(ARCHITECTURES)),
        ((None, 784, 2), "Unknown architecture None"),
        (("conv", 784, 2), "needs image_shape=.* with 784 values"),
        (("conv_tvae", 784, 2), "needs image_shape"),
        (("conv64", 4096, 2), "needs image_shape"),
        (("conv", 784, 2, (1, 28, 27)), r"\(1, 28, 27\) has 756 values, but X has 784 features"),
        (("mlp", 784, 2, (1, 28, 27)), "756 values"),
        (("conv", 784, 2, (28, 28)), "three positive integers"),
        (("conv", 784, 2, (1, 28.0, 28)), "three positive integers"),
        (("conv", 784, 2, 784), "three positive integers"),
        (("conv", 784, 2, (1, -28, -28)), "three positive integers"),
        (("conv64", 784, 2, (1, 28, 28)), 'made for 64x64.*Resize or pad.*"conv"'),
        (("conv", 9, 2, (1, 3, 3)), 'at least 4x4.*"mlp"'),
        (("residual", 12, 2, (1, 3, 4)), "at least 4x4"),
        (("mlp", 5, 2, None, (8, 0)), "hidden_layer_sizes must be positive integers"),
        (("mlp", 5, 2, None, (8.0,)), "hidden_layer_sizes must be positive integers"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_networks(*arguments)


def test_one_hidden_layer_may_be_given_as_an_integer():
    encoder = build_networks("mlp", 5, 2, hidden_layer_sizes=7)[0]
    assert encoder[0].out_features == 7

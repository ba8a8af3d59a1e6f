"""Encoders and decoders of the user's own making, tried out before they are trained."""

import copy
from math import prod

import torch
from torch import nn

from sklatent._utils.calling import call_users


def networks_from_factory(factory, n_features, n_components, image_shape, n_outputs=None):
    """Call a factory and see that its two modules fit the data.

    Parameters
    ----------
    factory : callable
        ``(n_features, n_components, image_shape) -> (encoder, decoder)``.
    n_features, n_components : int
        Number of columns of the data and of the latents.
    image_shape : tuple of int or None
        Passed on.
    n_outputs : int, default=None
        What the decoder has to return for each row; None is `n_features`.

    Returns
    -------
    encoder, decoder : torch.nn.Module
        The factory's, with a flattening layer behind those whose output is not 2-D.
    n_encoder_features : int
        Width of the encoder's output, from a trial on two rows.

    Raises
    ------
    TypeError
        If the factory does not return two modules, or a module does not return one tensor.
    ValueError
        If a module does not take what it is given, or the decoder's rows do not flatten to
        `n_features` values.
    """
    form = f"({n_features}, {n_components}, {image_shape})"
    pair = call_users("architecture", form, factory, n_features, n_components, image_shape)
    if (
        not isinstance(pair, tuple | list)
        or len(pair) != 2
        or not all(isinstance(module, nn.Module) for module in pair)
    ):
        got = (
            f"({', '.join(type(module).__name__ for module in pair)})"
            if isinstance(pair, tuple | list)
            else type(pair).__name__
        )
        raise TypeError(
            "A callable architecture must return two torch.nn.Module, (encoder, decoder), "
            f"got {got}."
        )
    # The user's modules may be trained already, and belong to whoever made them.
    encoder, decoder = copy.deepcopy(tuple(pair))
    n_outputs = n_features if n_outputs is None else n_outputs
    encoded = _probe(encoder, "encoder", n_features)
    if len(encoded) != 2:
        encoder = nn.Sequential(encoder, nn.Flatten())
    decoded = _probe(decoder, "decoder", n_components)
    if prod(decoded[1:]) != n_outputs:
        raise ValueError(
            f"The decoder maps latents of shape (2, {n_components}) to {decoded}, which flattens "
            f"to {prod(decoded[1:])} values a row, but X has {n_features} features: its output "
            f"must flatten to (2, {n_outputs})."
        )
    if len(decoded) != 2:
        decoder = nn.Sequential(decoder, nn.Flatten())
    return encoder, decoder, prod(encoded[1:])


def activation_factory(factory):
    """A user's factory of activations, each of which is looked at as it is made."""

    def make():
        layer = call_users("activation", "()", factory)
        if not isinstance(layer, nn.Module):
            raise TypeError(
                f"activation returned {type(layer).__name__}; it must be a factory of "
                "torch.nn.Module, such as torch.nn.ReLU."
            )
        return layer

    return make


def try_out(encoder, decoder, n_features, n_components):
    """See that networks with a user's activations take what they will be given."""
    for module, n_in in ((encoder, n_features), (decoder, n_components)):
        call_users("activation", "a layer of the networks", _apply, module, n_in)


def _probe(module, name, n_in):
    """Shape of the output for two rows of `n_in` values; the module is left as it was."""
    try:
        output = _apply(module, n_in)
    except Exception as error:
        raise ValueError(
            f"The {name} cannot be applied to an input of shape (2, {n_in}): {error}. The callable "
            f"architecture's {name} must take (batch, {n_in})."
        ) from error
    if not isinstance(output, torch.Tensor):
        raise TypeError(
            f"The {name} must return one tensor, got {type(output).__name__}. Posterior means and "
            "variances are made from the encoder's features by the model's own linear head."
        )
    if output.ndim == 0 or output.shape[0] != 2 or output.numel() == 0:
        raise ValueError(
            f"The {name} maps an input of shape (2, {n_in}) to {tuple(output.shape)}: the first "
            "axis must stay the batch (2 rows) and each row must have at least one value."
        )
    return tuple(output.shape)


def _apply(module, n_in):
    """A module's output for two rows of `n_in` values; it is left as it was."""
    reference = next((p for p in module.parameters() if p.is_floating_point()), torch.empty(0))
    rows = torch.full((2, n_in), 0.5, dtype=reference.dtype, device=reference.device)
    training = [(child, child.training) for child in module.modules()]
    try:
        # Evaluation mode: running statistics stay as they are and no noise is drawn.
        module.eval()
        with torch.no_grad():
            return module(rows)
    finally:
        for child, mode in training:
            child.training = mode

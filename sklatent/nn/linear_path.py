"""The linear model that runs beside the networks, in which training starts."""

import numpy as np
import torch
from torch import nn

from sklatent._utils.places import set_places
from sklatent.nn.channels_last import ToMaps
from sklatent.nn.stacking.mlp import in_one

_RESHAPES = (nn.Flatten, nn.Unflatten, nn.Identity, ToMaps)


class LinearPath(nn.Module):
    """A linear map from rows to latents, and one from latents to the decoder's output.

    Networks whose last layers are zero add nothing to it, so that a model begins as the linear
    model here (:mod:`sklatent.models._start` has its closed form) and learns what that leaves out.
    Rows are brought to one centre and one scale for all features, and outputs back from it, so
    that a change of X's unit changes nothing.

    Parameters
    ----------
    n_inputs : int
        Width of what the encoder sees.
    n_codes : int
        Width of what the decoder takes.
    n_outputs : int
        Width of the decoder's output.
    n_components : int or None
        Number of latent dimensions, where the model encodes.
    n_covariates : int, default=0
        Numbers that lie behind rows and behind codes.
    multiplied : bool, default=False
        Whether covariates multiply what is seen, which is then undone before the encoder.
    """

    stackable = True

    def __init__(
        self, n_inputs, n_codes, n_outputs, n_components, n_covariates=0, multiplied=False
    ):
        super().__init__()
        if n_components is not None:
            self.encoder = nn.Linear(n_inputs + n_covariates, n_components, bias=False)
            # Two axes, for rows and features: a leading axis of stacked models fits before them.
            self.register_buffer("center", torch.zeros(1, n_inputs))
            self.register_buffer("scale", torch.ones(1, 1))
        undone = n_components is not None and n_covariates and multiplied
        # Logarithm of what a covariate's deviation multiplies a feature by.
        self.register_buffer("multiplies", torch.zeros(n_inputs, n_covariates) if undone else None)
        self.decoder = nn.Linear(n_codes + n_covariates, n_outputs)
        self.register_buffer("output_center", torch.zeros(1, n_outputs))
        self.register_buffer("output_scale", torch.ones(1, 1))

    def standardise(self, x):
        """Rows ``(..., batch, n_inputs)`` at one centre and scale."""
        return (x - self.center) / self.scale

    def output(self, z, nonlinear):
        """Sum of the two paths' outputs, back in the likelihood's own unit.

        Parameters
        ----------
        z : Tensor of shape (..., batch, n_codes + n_covariates)
            Latents, and covariates behind them.
        nonlinear : Tensor of shape (..., batch, n_outputs)
            What the network makes of them.
        """
        return self._in_own_unit(self.decoder(z) + nonlinear)

    def decode(self, z, network):
        """The same with the network itself, whose output may have any shape behind the rows."""
        both = in_one(z, network, beside=self.decoder)
        if both is not None:
            return self._in_own_unit(both)
        found = network(z)
        return self.output(z, found if found.ndim == z.ndim else found.flatten(z.ndim - 1))

    def _in_own_unit(self, both):
        return torch.addcmul(self.output_center, self.output_scale, both)

    @torch.no_grad()
    def start_encoder(self, center, scale, weight, effect=None, multiplies=None, places=...):
        """Set the encoder's side: ``z = weight @ (x - center - effect @ covariates)``."""
        set_places(self.center, center, places)
        set_places(self.scale, scale, places)
        own = weight * scale
        if effect is not None:
            own = np.concatenate([own, -weight @ effect], axis=-1)
        set_places(self.encoder.weight, own, places)
        if self.multiplies is not None and multiplies is not None:
            set_places(self.multiplies, multiplies, places)

    @torch.no_grad()
    def start_decoder(self, center, scale, weight, places=...):
        """Set the decoder's side: ``output = center + weight @ z``."""
        set_places(self.output_center, center, places)
        set_places(self.output_scale, scale, places)
        set_places(self.decoder.weight, weight / scale, places)
        self.decoder.bias[places] = 0.0


class Gate(nn.Module):
    """A network whose output begins at zero: each of its numbers times a learned gain.

    Parameters
    ----------
    network : torch.nn.Module
        Of the user's own, without a last layer that could be set to zero.
    n_outputs : int
        Width of its output.
    """

    stackable = True

    def __init__(self, network, n_outputs):
        super().__init__()
        self.network = network
        self.gain = nn.Parameter(torch.zeros(1, n_outputs))

    def forward(self, z):
        """Apply the network, and the gain to what it returns."""
        return self.network(z) * self.gain


def zero_last_layer(network):
    """Set a network's last layer to zero, where it ends in one that can be.

    Parameters
    ----------
    network : torch.nn.Module
        Any network.

    Returns
    -------
    bool
        Whether its output is zero now.
    """
    while isinstance(network, nn.Sequential) and len(network):
        layers = [layer for layer in network if not isinstance(layer, _RESHAPES)]
        network = layers[-1] if layers else None
    if not isinstance(network, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        return False
    for parameter in network.parameters(recurse=False):
        nn.init.zeros_(parameter)
    return True

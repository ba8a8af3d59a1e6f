"""The module that a variational model trains: encoder, posterior head, decoder."""

import torch
from torch import nn

from sklatent.nn.architectures import build_networks
from sklatent.nn.posteriors import make_posterior, n_posterior_parameters


class VariationalModule(nn.Module):
    """Encoder with a linear posterior head, and decoder.

    Parameters
    ----------
    encoder, decoder : nn.Module
        As from :func:`sklatent.nn.architectures.build_networks`.
    n_encoder_features : int
        Width of the encoder's output.
    n_components : int
        Number of latent dimensions.
    posterior : {"diagonal", "full"}
        Form of the covariance.
    """

    stackable = True

    def __init__(self, encoder, decoder, n_encoder_features, n_components, posterior):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(n_encoder_features, n_posterior_parameters(posterior, n_components))
        self.decoder = decoder
        self.n_components = n_components
        self.posterior = posterior

    @classmethod
    def build(cls, model, n_features):
        """Build the module that a model's parameters describe."""
        encoder, decoder, width = build_networks(
            model.architecture,
            n_features,
            model.n_components,
            model.image_shape,
            model.hidden_layer_sizes,
        )
        return cls(encoder, decoder, width, model.n_components, model.posterior)

    def encode(self, x):
        """Posterior of each row of ``x``, ``(..., batch, n_features)``."""
        # Encoders of the user's own may return images; the head takes vectors.
        return self.posterior_of(as_rows(self.encoder(x), x))

    def posterior_of(self, features):
        """Posterior that an encoder's output ``(..., batch, n_encoder_features)`` stands for."""
        parameters = self.head(features)
        # Under autocast the head returns bfloat16; densities need more.
        if parameters.dtype == torch.bfloat16:
            parameters = parameters.float()
        return make_posterior(self.posterior, parameters, self.n_components)

    def decode(self, z):
        """Likelihood parameters ``(..., batch, n_features)`` at latents ``z``."""
        output = as_rows(self.decoder(z), z)
        return output.float() if output.dtype == torch.bfloat16 else output

    def forward(self, x):
        """Decode the posterior means of ``x``."""
        return self.decode(self.encode(x).mean)


def as_rows(output, x):
    """Flatten what follows the leading axes of ``x``."""
    return output if output.ndim == x.ndim else output.flatten(x.ndim - 1)

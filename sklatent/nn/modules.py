"""The module that a variational model trains: encoder, posterior head, decoder, likelihood."""

import torch
from torch import nn

from sklatent._utils.places import set_places
from sklatent.likelihoods._bound import BoundLikelihood
from sklatent.nn.architectures import build_networks, takes_images
from sklatent.nn.linear_path import Gate, LinearPath, zero_last_layer
from sklatent.nn.posteriors import make_posterior, n_posterior_parameters
from sklatent.nn.stacking.mlp import in_one
from sklatent.nn.told import ToldModule


class VariationalModule(ToldModule):
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
    likelihood : BoundLikelihood
        What X is around the decoder's output.
    path : LinearPath, default=None
        The linear model beside the networks; None where training starts at random.
    raw : bool, default=False
        Whether the encoder takes rows as they are also beside a linear path: one of the user's own
        may have been trained on them.
    **covariates : dict
        As in :class:`ToldModule`.
    """

    stackable = True

    def __init__(
        self,
        encoder,
        decoder,
        n_encoder_features,
        n_components,
        posterior,
        likelihood,
        path=None,
        raw=False,
        **covariates,
    ):
        super().__init__(**covariates)
        self.encoder = encoder
        self.head = nn.Linear(n_encoder_features, n_posterior_parameters(posterior, n_components))
        self.decoder = decoder
        self.likelihood = likelihood
        self.path = path
        self.raw = raw
        self.n_components = n_components
        self.posterior = posterior

    @classmethod
    def build(cls, model, n_features, **settings):
        """Build the module that a model's parameters describe."""
        return cls(**variational_parts(model, n_features), **settings)

    def encode(self, x):
        """Posterior of each row of ``x``, ``(..., batch, n_features)``."""
        return self.posterior_of(*self.posterior_parameters(x))

    def posterior_parameters(self, x):
        """What posteriors are made of.

        Parameters
        ----------
        x : Tensor of shape (..., batch, n_features)
            Rows.

        Returns
        -------
        parameters : Tensor of shape (..., batch, n_parameters)
            What the network says: means, then the rest.
        linear : Tensor of shape (..., batch, n_components) or None
            What the linear path adds to the means, where there is one.
        """
        x = self.seen(x)
        if self.path is None:
            # Encoders of the user's own may return images; the head takes vectors.
            return self.head(as_rows(self.encoder(self.encoder_rows(x)), x)), None
        standard = self.path.standardise(x)
        beside = self.beside(standard)
        if not self.raw and self.image_shape is None:
            both = in_one(beside, self.encoder, self.head, self.path.encoder)
            if both is not None:
                return both, None
        features = self.encoder(self.encoder_rows(x if self.raw else standard))
        return self.head(as_rows(features, x)), self.path.encoder(beside)

    def posterior_of(self, parameters, linear):
        """Posterior that :meth:`posterior_parameters` stand for."""
        beside = None if linear is None else full_precision(linear)
        parameters = full_precision(parameters)
        return make_posterior(self.posterior, parameters, self.n_components, beside)

    def decode(self, z):
        """Likelihood parameters ``(..., batch, n_outputs)`` at latents ``z``."""
        z = self.beside(z)
        if self.path is None:
            return full_precision(as_rows(self.decoder(z), z))
        return full_precision(self.path.decode(z, self.decoder))

    def forward(self, x):
        """Decode the posterior means of ``x``."""
        return self.decode(self.encode(x).mean)

    @torch.no_grad()
    def start(self, log_var, places=...):
        """Let the networks add nothing, with posteriors of log variance ``log_var``, ``(d,)``.

        Of a stacked module, those of the models at ``places``, with ``(n_places, d)``.
        """
        d = self.n_components
        self.head.weight[places] = 0.0
        self.head.bias[places] = 0.0
        set_places(self.head.bias.narrow(-1, d, d), log_var, places)


def variational_parts(model, n_features):
    """Make the parts of a :class:`VariationalModule` that a model's parameters describe.

    Parameters
    ----------
    model : LatentModel
        The model.
    n_features : int
        Number of columns of X.

    Returns
    -------
    dict
        Keyword arguments of :class:`VariationalModule`.
    """
    likelihood = bound_likelihood(model, n_features)
    encoder, decoder, width = build_model_networks(model, n_features, likelihood)
    path = None
    if model._has_linear_path():
        n_outputs = likelihood.n_outputs
        widths = n_features, model.n_components, n_outputs, model.n_components
        path = LinearPath(*widths, model._n_covariates, likelihood.multiplied)
        decoder = starting_at_zero(decoder, n_outputs)
    return {
        "encoder": encoder,
        "decoder": decoder,
        "n_encoder_features": width,
        "n_components": model.n_components,
        "posterior": model.posterior,
        "likelihood": likelihood,
        "path": path,
        "raw": callable(model.architecture),
        **covariate_parts(model),
    }


def covariate_parts(model):
    """Keyword arguments of a :class:`ToldModule` that a model's parameters describe."""
    images = takes_images(model.architecture, model.image_shape)
    return {
        "n_covariates": model._n_covariates,
        "image_shape": tuple(model.image_shape) if images else None,
    }


def bound_likelihood(model, n_features):
    """Make the likelihood that a model's parameters describe."""
    return BoundLikelihood(model._find_likelihood(), n_features, model.missing == "mask")


def build_model_networks(model, n_features, likelihood, n_components=None):
    """Build the networks that a model's parameters name; see :func:`build_networks`.

    They are as much wider as there are covariates: those lie behind rows and behind latents, and
    are further maps of images.
    """
    told = model._n_covariates
    n_codes = (model.n_components if n_components is None else n_components) + told

    def build(n_features, image_shape):
        return build_networks(
            model.architecture,
            n_features,
            n_codes,
            image_shape,
            model.hidden_layer_sizes,
            model.activation,
            likelihood.n_outputs,
        )

    if not told:
        return build(n_features, model.image_shape)
    if callable(model.architecture):
        return build(n_features + told, model.image_shape)
    if not takes_images(model.architecture, model.image_shape):
        encoder, _, width = build(n_features + told, None)
        return encoder, build(n_features, None)[1], width
    decoder = build(n_features, model.image_shape)[1]
    channels, height, size = model.image_shape
    encoder, _, width = build_networks(
        model.architecture,
        n_features + told * height * size,
        n_codes,
        (channels + told, height, size),
        model.hidden_layer_sizes,
        model.activation,
    )
    return encoder, decoder, width


def starting_at_zero(decoder, n_outputs):
    """Let a decoder begin at zero, by its last layer or by a gate behind it."""
    return decoder if zero_last_layer(decoder) else Gate(decoder, n_outputs)


def as_rows(output, x):
    """Flatten what follows the leading axes of ``x``."""
    return output if output.ndim == x.ndim else output.flatten(x.ndim - 1)


def full_precision(output):
    """Under autocast layers return bfloat16; densities and matrices need more."""
    return output.float() if output.dtype == torch.bfloat16 else output

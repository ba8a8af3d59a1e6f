"""The modules of autoencoders without a prior, plain and relative."""

import torch
from torch import nn

from sklatent._utils.calling import call_users
from sklatent.nn.modules import as_rows, full_precision
from sklatent.nn.stacking.mlp import in_one
from sklatent.nn.told import ToldModule


class DecoderModule(ToldModule):
    """A decoder alone.

    Parameters
    ----------
    decoder : nn.Module
        From whatever it takes to the likelihood's parameters.
    likelihood : BoundLikelihood
        What X is around the decoder's output.
    path : LinearPath, default=None
        The linear model beside the networks; None where training starts at random.
    **covariates : dict
        As in :class:`ToldModule`.
    """

    stackable = True

    def __init__(self, decoder, likelihood, path=None, **covariates):
        super().__init__(**covariates)
        self.decoder = decoder
        self.likelihood = likelihood
        self.path = path

    def decode(self, z):
        """Likelihood parameters ``(..., batch, n_outputs)``."""
        z = self.beside(z)
        if self.path is None:
            return full_precision(as_rows(self.decoder(z), z))
        return full_precision(self.path.decode(z, self.decoder))


class AutoencoderModule(DecoderModule):
    """Encoder with a linear head, and decoder.

    Parameters
    ----------
    encoder : nn.Module
        As from :func:`sklatent.nn.architectures.build_networks`.
    head : nn.Module
        From the encoder's features to the latents.
    raw : bool
        Whether the encoder takes rows as they are also beside a linear path.
    **parts : dict
        As in :class:`DecoderModule`; the decoder takes what `encode` returns.
    """

    def __init__(self, encoder, head, raw, **parts):
        super().__init__(**parts)
        self.encoder = encoder
        self.head = head
        self.raw = raw

    def latents(self, x):
        """Latents of each row of ``x``, ``(..., batch, n_components)``."""
        x = self.seen(x)
        if self.path is None:
            return full_precision(self.head(as_rows(self.encoder(self.encoder_rows(x)), x)))
        standard = self.path.standardise(x)
        beside = self.beside(standard)
        if not self.raw and self.image_shape is None:
            both = in_one(beside, self.encoder, self.head, self.path.encoder)
            if both is not None:
                return both
        features = as_rows(self.encoder(self.encoder_rows(x if self.raw else standard)), x)
        return full_precision(self.head(features) + self.path.encoder(beside))

    @torch.no_grad()
    def start(self, places=...):
        """Let the encoder's network add nothing; of a stacked one, the models' at ``places``."""
        self.head.weight[places] = 0.0
        self.head.bias[places] = 0.0

    def encode(self, x):
        """What is decoded: here, the latents themselves."""
        return self.latents(x)


class RelativeModule(AutoencoderModule):
    """Autoencoder that decodes similarities to its anchors (equation 4).

    Parameters
    ----------
    anchors : Tensor of shape (n_anchors, n_features)
        The anchors' inputs. They are encoded anew with every batch, since the encoder moves.
    similarity : callable
        On tensors ``(..., batch, d)`` and ``(..., n_anchors, d)``.
    anchor_covariates : Tensor of shape (n_anchors, n_covariates), default=None
        What the anchors are told beside.
    **parts : dict
        As in :class:`AutoencoderModule`; the decoder takes one number for each anchor.
    """

    def __init__(self, anchors, similarity, anchor_covariates=None, **parts):
        super().__init__(**parts)
        self.register_buffer("anchors", anchors)
        self.register_buffer("anchor_covariates", anchor_covariates)
        self.similarity = similarity

    def encode(self, x):
        """Similarity of each row's latents to each anchor's, ``(..., batch, n_anchors)``."""
        n = x.shape[-2]
        anchors = self.anchors.expand(*x.shape[:-2], -1, -1)
        together = self.told_also(x, self.anchor_covariates)
        z = together.latents(torch.cat([x, anchors], -2))
        return similarities(self.similarity, z[..., :n, :], z[..., n:, :])


def similarities(similarity, z, anchors):
    """What a similarity, perhaps the user's own, makes of latents: ``(..., batch, n_anchors)``."""
    found = call_users("similarity", "(latents, anchors)", similarity, z, anchors)
    expected = (*z.shape[:-1], anchors.shape[-2])
    if not torch.is_tensor(found) or found.shape != expected:
        got = tuple(found.shape) if torch.is_tensor(found) else type(found).__name__
        raise ValueError(
            f"similarity returned {got}; for latents of shape {tuple(z.shape)} and anchors of "
            f"shape {tuple(anchors.shape)} it must return a tensor of shape {expected}."
        )
    return found


def euclidean_distances(z, anchors):
    """Distances ``(..., batch, n_anchors)``, whose gradient at zero distance is zero."""
    return torch.cdist(z, anchors, compute_mode="donot_use_mm_for_euclid_dist")


def cosines(z, anchors):
    """Cosines ``(..., batch, n_anchors)`` of angles seen from the origin."""
    unit = nn.functional.normalize
    return unit(z, dim=-1) @ unit(anchors, dim=-1).transpose(-1, -2)


SIMILARITIES = {"euclidean": euclidean_distances, "cosine": cosines}

"""The modules of autoencoders without a prior, plain and relative."""

import torch
from torch import nn

from sklatent.nn.modules import as_rows


class AutoencoderModule(nn.Module):
    """Encoder with a linear head, and decoder.

    Parameters
    ----------
    encoder : nn.Module
        As from :func:`sklatent.nn.architectures.build_networks`.
    head : nn.Module
        From the encoder's features to the latents.
    decoder : nn.Module
        From what `encode` returns to the likelihood's parameters.
    """

    stackable = True

    def __init__(self, encoder, head, decoder):
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.decoder = decoder

    def latents(self, x):
        """Latents of each row of ``x``, ``(..., batch, n_components)``."""
        z = self.head(as_rows(self.encoder(x), x))
        return z.float() if z.dtype == torch.bfloat16 else z

    def encode(self, x):
        """What is decoded: here, the latents themselves."""
        return self.latents(x)

    def decode(self, z):
        """Likelihood parameters ``(..., batch, n_features)``."""
        output = as_rows(self.decoder(z), z)
        return output.float() if output.dtype == torch.bfloat16 else output


class RelativeModule(AutoencoderModule):
    """Autoencoder that decodes similarities to its anchors (equation 4).

    Parameters
    ----------
    encoder, head, decoder : nn.Module
        As above; the decoder takes one number for each anchor.
    anchors : Tensor of shape (n_anchors, n_features)
        The anchors' inputs. They are encoded anew with every batch, since the encoder moves.
    similarity : callable
        On tensors ``(..., batch, d)`` and ``(..., n_anchors, d)``.
    """

    def __init__(self, encoder, head, decoder, anchors, similarity):
        super().__init__(encoder, head, decoder)
        self.register_buffer("anchors", anchors)
        self.similarity = similarity

    def encode(self, x):
        """Similarity of each row's latents to each anchor's, ``(..., batch, n_anchors)``."""
        n = x.shape[-2]
        anchors = self.anchors.expand(*x.shape[:-2], -1, -1)
        z = self.latents(torch.cat([x, anchors], -2))
        return self.similarity(z[..., :n, :], z[..., n:, :])


class DecoderModule(nn.Module):
    """A decoder alone, for rows that hold its input and its goal side by side."""

    def __init__(self, decoder, n_inputs):
        super().__init__()
        self.decoder = decoder
        self.n_inputs = n_inputs

    def decode(self, z):
        """Likelihood parameters ``(..., batch, n_features)``."""
        output = as_rows(self.decoder(z), z)
        return output.float() if output.dtype == torch.bfloat16 else output


def euclidean_distances(z, anchors):
    """Distances ``(..., batch, n_anchors)``, whose gradient at zero distance is zero."""
    return torch.cdist(z, anchors, compute_mode="donot_use_mm_for_euclid_dist")


def cosines(z, anchors):
    """Cosines ``(..., batch, n_anchors)`` of angles seen from the origin."""
    unit = nn.functional.normalize
    return unit(z, dim=-1) @ unit(anchors, dim=-1).transpose(-1, -2)


SIMILARITIES = {"euclidean": euclidean_distances, "cosine": cosines}

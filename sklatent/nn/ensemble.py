"""Several variational networks with a linear map between every two of their latent spaces."""

import copy
import math

import torch
from torch import nn

from sklatent.nn.stacking.modules import stack_modules


class EnsembleModule(nn.Module):
    """Stacked variational modules and the linear maps between their latents.

    Parameters
    ----------
    modules : list of VariationalModule
        The n members, alike but for their weights.
    seeds : list of int
        What each member's weights were drawn from, to be kept with them.

    Notes
    -----
    Maps have no bias. They start like any linear layer of torch's, uniform within
    ``1 / sqrt(n_components)``, or at the identity; the n maps from a member to itself are the
    identity and no parameters.
    """

    def __init__(self, modules, seeds):
        super().__init__()
        n, d = len(modules), modules[0].n_components
        self.n_members = n
        self.members = stack_modules(modules)
        bound = 1 / math.sqrt(d)
        self.between = nn.Parameter(torch.empty(n * (n - 1), d, d).uniform_(-bound, bound))
        self.register_buffer("seeds", torch.tensor(seeds))

    def told(self, covariates):
        """The same for rows with these covariates; see :meth:`ToldModule.told`."""
        if covariates is None:
            return self
        told = copy.copy(self)
        told._modules = self._modules | {"members": self.members.told(covariates)}
        return told

    @torch.no_grad()
    def start(self):
        """Let all maps be the identity."""
        self.between.copy_(torch.eye(self.between.shape[-1]).expand_as(self.between))

    def linear_maps(self):
        """All maps, ``(n, n, d, d)``: ``[i, j]`` takes member i's latents to member j's."""
        n, d = self.n_members, self.between.shape[-1]
        eye = torch.eye(d, dtype=self.between.dtype, device=self.between.device)
        # Row-major order has an identity, then n maps between, then an identity, and so on.
        gaps = self.between.reshape(n - 1, n, d, d)
        rows = torch.cat([eye.expand(n - 1, 1, d, d), gaps], 1).flatten(0, 1)
        return torch.cat([rows, eye.unsqueeze(0)]).unflatten(0, (n, n))


def translate(linear_maps, z):
    """Take every member's latents to every other member's space.

    Parameters
    ----------
    linear_maps : Tensor of shape (n, n, d, d)
        ``[i, j]`` from member i to member j.
    z : Tensor of shape (n, batch, d)
        Latents of each member.

    Returns
    -------
    translated : Tensor of shape (n, n, batch, d)
        ``[j, i]`` is ``linear_maps[i, j] @ z[i]``: the target comes first, so that what one decoder
        decodes lies together.
    """
    return torch.einsum("ijkl,ibl->jibk", linear_maps, z)


def map_error(z, translated):
    """Squared distance of translated latents from the target's own (equation 2's last sum).

    Parameters
    ----------
    z : Tensor of shape (n, batch, d)
        Latents of each member.
    translated : Tensor of shape (n, n, batch, d)
        As from :func:`translate`.

    Returns
    -------
    error : Tensor, a scalar
        ``sum_(i != j) |z_j - M_ij z_i|^2``, a mean over the batch.
    """
    # The diagonal adds nothing: M_ii is the identity.
    return (z.unsqueeze(1) - translated).square().sum() / z.shape[-2]

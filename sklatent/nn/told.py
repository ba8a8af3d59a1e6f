"""Modules that are told each row's covariates beside the row."""

import copy

import torch
from torch import nn


class ToldModule(nn.Module):
    """Base of modules whose networks see covariates behind what they map.

    :meth:`told` gives the same module for some rows' covariates; until then, those are the average
    of the training rows. It has a likelihood, and a linear path or None.

    Parameters
    ----------
    n_covariates : int, default=0
        How many numbers each row is told beside.
    image_shape : tuple of int, default=None
        Shape of rows where the encoder takes images: each covariate is one more constant map.
    """

    # Of the rows at hand, standardised, (..., batch, n_covariates).
    covariates = None

    def __init__(self, n_covariates=0, image_shape=None):
        super().__init__()
        self.n_covariates = n_covariates
        self.image_shape = image_shape
        if n_covariates:
            # Two axes, for rows and covariates: a leading axis of stacked models fits before them.
            self.register_buffer("covariate_center", torch.zeros(1, n_covariates))
            self.register_buffer("covariate_scale", torch.ones(1, n_covariates))

    def told(self, covariates):
        """The same module, for rows with these covariates.

        Parameters
        ----------
        covariates : Tensor of shape (..., batch, n_covariates) or None
            In their own units; NaN is the average. None leaves the module as it is. Where a network
            is given several times as many rows, they are the batch again and again.

        Returns
        -------
        ToldModule
            With the same parameters, not copies.
        """
        if covariates is None:
            return self
        standard = (covariates - self.covariate_center) / self.covariate_scale
        told = copy.copy(self)
        told.covariates = torch.nan_to_num(standard, nan=0.0)
        return told

    def told_also(self, x, covariates):
        """The same module for rows ``x``, as it was told of them, and others behind these.

        Parameters
        ----------
        x : Tensor of shape (..., batch, width)
            The rows at hand.
        covariates : Tensor of shape (n_others, n_covariates) or None
            Of the others, as in :meth:`told`.
        """
        if covariates is None:
            return self
        others = self.told(covariates).covariates.to(x.dtype)
        told = copy.copy(self)
        own = self._of_rows(x)
        others = others.expand(*own.shape[:-2], *others.shape[-2:])
        told.covariates = torch.cat([own, others], -2)
        return told

    def told_of(self, rows):
        """The same module for some of the rows that it was told of, by their places in the batch.

        Parameters
        ----------
        rows : Tensor of shape (n_rows,), integer
            Which; a row may occur several times.
        """
        if self.covariates is None:
            return self
        told = copy.copy(self)
        told.covariates = self.covariates.index_select(-2, rows)
        return told

    def standardise_covariates(self, center, scale):
        """Set what covariates are compared with: the training rows' means and deviations."""
        with torch.no_grad():
            self.covariate_center.copy_(torch.as_tensor(center).reshape(1, -1))
            self.covariate_scale.copy_(torch.as_tensor(scale).reshape(1, -1))

    def seen(self, x):
        """Rows as the encoder sees them: where covariates multiply, as if they were average."""
        seen = self.likelihood.encoder_input(x)
        multiplies = None if self.path is None else self.path.multiplies
        if multiplies is None:
            return seen
        effect = self._of_rows(seen) @ multiplies.to(seen.dtype).transpose(-1, -2)
        return self.likelihood.without_effect(x, seen, effect)

    def beside(self, x):
        """Rows ``(..., batch, width)`` with their covariates behind."""
        if not self.n_covariates:
            return x
        return torch.cat([x, self._of_rows(x)], -1)

    def encoder_rows(self, x):
        """The same for an encoder, to which covariates of images are maps."""
        if not self.n_covariates or self.image_shape is None:
            return self.beside(x)
        _, height, width = self.image_shape
        maps = self._of_rows(x).repeat_interleave(height * width, -1)
        return torch.cat([x, maps], -1)

    def _of_rows(self, x):
        own = self.covariates
        if own is None:
            return x.new_zeros(*x.shape[:-1], self.n_covariates)
        own = own.to(x.dtype)
        times = x.shape[-2] // own.shape[-2]
        if times > 1:
            own = own.repeat(*(1,) * (own.ndim - 2), times, 1)
        return own.expand(*x.shape[:-1], self.n_covariates)

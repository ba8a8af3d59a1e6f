"""What the distributions of counts share: a row's total, shares of it, and log counts."""

import math
from numbers import Real

import numpy as np
import torch

from sklatent.likelihoods._base import Likelihood

_LEAST_TOTAL = 1e-8
_BLOCK_ROWS = 1024
# Mean count, at the median total, below which the link of the start counts as straight: one cell
# more or less with a single count says little of what a rare feature does.
_LEAST_MEAN = 0.1
_EFFECT_VARIANCE = 4.0  # of a covariate's effect a priori: e^2 times as many, or as few
_NEWTON_STEPS = 30


class Counts(Likelihood):
    """Counts around a mean that the decoder gives as shares of the row's own total.

    Parameters
    ----------
    size_factor : {"total"}, float or None, default="total"
        What shares are multiplied by: the sum of the row's own counts; a number, the same for all
        rows; or None, with which the decoder gives logarithms of means, and not of shares.
    """

    means_need = ("typical_total",)

    def __init__(self, size_factor="total"):
        self.size_factor = size_factor

    def _shares(self):
        """Whether the decoder gives shares, after a look at the parameter."""
        size = self.size_factor
        if size is None:
            return False
        if isinstance(size, str) and size == "total":
            return True
        number = isinstance(size, (Real, np.number)) and not isinstance(size, bool)
        if number and 0 < size < math.inf:
            return True
        raise ValueError(
            f'size_factor={size!r} of {type(self).__name__} must be "total", a positive number or '
            "None."
        )

    def gives_shares_of_totals(self):
        """Whether the decoder gives shares of each row's own total."""
        return self._shares() and isinstance(self.size_factor, str)

    def kept(self, n_features):
        """The training rows' median total, which stands for that of a row unseen."""
        return {"typical_total": torch.ones(1, 1)} if self.gives_shares_of_totals() else {}

    def encoder_input(self, x, typical_total=None):
        """Log counts, ``log(1 + x)``, with every row brought to the same total.

        Parameters
        ----------
        x : Tensor of shape (..., n_samples, n_features)
            Counts.
        typical_total : Tensor of shape (..., 1, 1), default=None
            The total; None is the median of these rows'. Without totals of rows counts stay as
            they are.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            Not negative.
        """
        if not self.gives_shares_of_totals():
            return torch.log1p(x)
        total = x.sum(-1, keepdim=True)
        if typical_total is None:
            typical_total = total.median(-2, keepdim=True).values
        return torch.log1p(x * (typical_total / total.clamp(min=_LEAST_TOTAL)))

    def without_effect(self, seen, effect):
        """Log counts as they were had covariates not multiplied the counts.

        To subtract the effect on log counts would leave a slope: a gene that a batch sees well
        varies more there, and its neighbours in the latents are of its own batch.

        Parameters
        ----------
        seen : Tensor of shape (..., n_samples, n_features)
            What :meth:`encoder_input` returned.
        effect : Tensor of shape (..., n_samples, n_features)
            Logarithm of what counts were multiplied by.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            ``log(1 + x exp(-effect))``.
        """
        return torch.log1p(torch.expm1(seen) * torch.exp(-effect))

    def _log_mean(self, output, total):
        if not self._shares():
            return output
        log_shares = torch.log_softmax(output, -1)
        if not self.gives_shares_of_totals():
            return log_shares + math.log(self.size_factor)
        return log_shares + torch.log(total.clamp(min=_LEAST_TOTAL))

    def _log_mean_of(self, x, output):
        return self._log_mean(output, x.sum(-1, keepdim=True))

    def hide(self, output, unknown):
        """Give no share to entries that are not known, since they are not in the total either."""
        return output.masked_fill(unknown, -1e30) if self.gives_shares_of_totals() else output

    def mean(self, output, typical_total=None):
        """Mean counts of a row with the median total.

        Parameters
        ----------
        output : Tensor of shape (..., n_samples, n_features)
            What the decoder returned.
        typical_total : Tensor of shape (..., 1, 1), default=None
            The total of a row, with ``size_factor="total"``; None gives shares, whose sum is one.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            Positive.
        """
        total = torch.ones((), dtype=output.dtype) if typical_total is None else typical_total
        return torch.exp(self._log_mean(output, total))

    def observe(self, blocks, n_features):
        """What the start has to know of the counts themselves.

        Parameters
        ----------
        blocks : callable
            ``blocks(n)`` iterates over the training rows, at most n at a time.
        n_features : int
            Number of columns.

        Returns
        -------
        dict of str to ndarray
            The median total, and each feature's mean count with rows brought to it.
        """
        if not self.gives_shares_of_totals():
            n, sums = 0, np.zeros(n_features)
            for block in blocks(_BLOCK_ROWS):
                n, sums = n + len(block), sums + block.sum(axis=0)
            return {"mean_counts": sums / n}
        totals = np.concatenate([block.sum(axis=1) for block in blocks(_BLOCK_ROWS)])
        typical = float(np.median(totals)) or 1.0
        sums = np.zeros(n_features)
        for block in blocks(_BLOCK_ROWS):
            sums += (block / np.maximum(block.sum(axis=1, keepdims=True), 1.0)).sum(axis=0)
        return {"typical_total": typical, "mean_counts": sums * (typical / len(totals))}

    def start_output(self, mean, loadings, mean_counts=None, typical_total=None):
        """Return logarithms of the mean counts, and the loadings times the link's slope there.

        Parameters
        ----------
        mean : ndarray of shape (n_features,)
            Of log counts.
        loadings : ndarray of shape (n_features, n_components)
            How log counts change with each latent.
        mean_counts, typical_total : ndarray, default=None
            What :meth:`observe` found.

        Returns
        -------
        center : ndarray of shape (n_features,)
            Logarithms of counts, of which shares are made.
        weight : ndarray of shape (n_features, n_components)
            How they change with each latent.
        """
        counts = np.expm1(mean) if mean_counts is None else np.asarray(mean_counts)
        seen = counts[counts > 0]
        # A feature that no row has is rarer than the rarest that one has.
        counts = np.maximum(counts, 0.5 * seen.min() if len(seen) else _LEAST_TOTAL)
        center = np.log(counts)
        if self._shares() and not self.gives_shares_of_totals():
            center = center - np.log(counts.sum())
        bounded = np.maximum(counts, _LEAST_MEAN)
        return center, loadings * ((1 + bounded) / bounded)[:, None]

    def start_effect(self, x, covariates):
        """Find how the decoder's output changes with covariates: a Poisson regression.

        Parameters
        ----------
        x : ndarray of shape (n_samples, n_features)
            Counts.
        covariates : ndarray of shape (n_samples, n_covariates)
            Standardised.

        Returns
        -------
        effect : ndarray of shape (n_features, n_covariates)
            Change of the logarithm of a row's share, or of its mean where there are no totals.
        """
        groups, member = np.unique(covariates, axis=0, return_inverse=True)
        member = member.ravel()
        counts = np.zeros((len(groups), x.shape[1]))
        np.add.at(counts, member, x)
        exposure = np.bincount(member, x.sum(axis=1) if self.gives_shares_of_totals() else None)
        return poisson_effects(counts, exposure, groups)

    def start(self, residual, variance, mean_counts=None, typical_total=None):
        """Nothing is learned beside the networks."""
        return {}

    def check_means(self, X, name):
        """Refuse what can't be a mean of counts: anything below zero."""
        for block in _blocks(X):
            negative = block < 0
            if negative.any():
                column = int(negative.any(axis=0).argmax())
                raise ValueError(
                    f"{type(self).__name__} needs counts, but {name} has negative values (such as "
                    f"{block[negative][0]:.6g} in column {column}). Give raw counts, before any "
                    'logarithm or scaling, or use likelihood="gaussian".'
                )

    def check(self, X, name):
        """Refuse what are no counts: values below zero, and fractions.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Data.
        name : str
            What to call it in the error.
        """
        self._shares()
        self.check_means(X, name)
        for block in _blocks(X):
            broken = (block != np.floor(block)) & ~np.isnan(block)
            if broken.any():
                column = int(broken.any(axis=0).argmax())
                raise ValueError(
                    f"{type(self).__name__} needs counts, but {name} has fractions (such as "
                    f"{block[broken][0]:.6g} in column {column}). Give raw counts, before any "
                    'normalisation (in AnnData often layers["counts"]), or use '
                    'likelihood="gaussian".'
                )


def _blocks(X):
    return (X[start : start + _BLOCK_ROWS] for start in range(0, len(X), _BLOCK_ROWS))


def poisson_effects(counts, exposure, covariates):
    """Log-linear effects of covariates on rates, each feature by itself, with a normal prior.

    Parameters
    ----------
    counts : ndarray of shape (n_groups, n_features)
        Counts of each group.
    exposure : ndarray of shape (n_groups,)
        What a group's rates are multiplied by.
    covariates : ndarray of shape (n_groups, n_covariates)
        Of each group.

    Returns
    -------
    effects : ndarray of shape (n_features, n_covariates)
        ``log rate = constant + effects @ covariates``. Those of a feature without counts are zero.
    """
    exposure = np.maximum(exposure, _LEAST_TOTAL)
    design = np.column_stack([np.ones(len(covariates)), covariates])
    prior = np.diag([0.0, *[1.0 / _EFFECT_VARIANCE] * covariates.shape[1]])
    known = counts.sum(axis=0) > 0
    y = counts[:, known]
    weights = np.zeros((y.shape[1], design.shape[1]))
    weights[:, 0] = np.log(y.sum(axis=0) / exposure.sum())
    for _ in range(_NEWTON_STEPS):
        expected = exposure[:, None] * np.exp(np.minimum(design @ weights.T, 50.0))
        gradient = (y - expected).T @ design - weights @ prior
        curvature = np.einsum("gn,gi,gj->nij", expected, design, design, optimize=True) + prior
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        # A step of one is safe downhill: far from the optimum Newton's own may overshoot.
        length = np.abs(step).max(axis=1, keepdims=True, initial=0.0)
        weights += step / np.maximum(length, 1.0)
        if not len(step) or length.max() < 1e-6:
            break
    effects = np.zeros((counts.shape[1], covariates.shape[1]))
    effects[known] = weights[:, 1:]
    return effects

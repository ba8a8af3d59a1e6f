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

    def _own_totals(self):
        return self._shares() and isinstance(self.size_factor, str)

    def kept(self, n_features):
        """The training rows' median total, which stands for that of a row unseen."""
        return {"typical_total": torch.ones(1, 1)} if self._own_totals() else {}

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
        if not self._own_totals():
            return torch.log1p(x)
        total = x.sum(-1, keepdim=True)
        if typical_total is None:
            typical_total = total.median(-2, keepdim=True).values
        return torch.log1p(x * (typical_total / total.clamp(min=_LEAST_TOTAL)))

    def _log_mean(self, output, total):
        if not self._shares():
            return output
        log_shares = torch.log_softmax(output, -1)
        if not self._own_totals():
            return log_shares + math.log(self.size_factor)
        return log_shares + torch.log(total.clamp(min=_LEAST_TOTAL))

    def _log_mean_of(self, x, output):
        return self._log_mean(output, x.sum(-1, keepdim=True))

    def hide(self, output, unknown):
        """Give no share to entries that are not known, since they are not in the total either."""
        return output.masked_fill(unknown, -1e30) if self._own_totals() else output

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
        if not self._own_totals():
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
        if self._shares() and not self._own_totals():
            center = center - np.log(counts.sum())
        bounded = np.maximum(counts, _LEAST_MEAN)
        return center, loadings * ((1 + bounded) / bounded)[:, None]

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

"""The distribution of one-hot columns."""

import numpy as np
import torch

from sklatent._utils.arrays import listed
from sklatent.likelihoods._base import Likelihood
from sklatent.likelihoods._columns import pick, put_together, resolve_columns

_LEAST_MEAN = 0.02  # share beyond which the link counts as straight
_BLOCK_ROWS = 4096


class Categorical(Likelihood):
    """Categories as blocks of one-hot columns; the decoder's output is a logit of each.

    Parameters
    ----------
    groups : list, default=None
        The blocks: widths of consecutive ones (``[3, 2]``, as of an encoder's ``categories_``), or
        the columns of each, by positions, slices or names (``[["red", "blue"], ["yes", "no"]]``).
        Each column belongs to one. None is a single block.

    Examples
    --------
    >>> import torch
    >>> from sklatent.likelihoods import Categorical
    >>> Categorical(groups=[2, 3]).mean(torch.zeros(1, 5))
    tensor([[0.5000, 0.5000, 0.3333, 0.3333, 0.3333]])
    """

    def __init__(self, groups=None):
        self.groups = groups

    def with_columns(self, n_features, names=None, modelled=None):
        """The same with columns as positions; see :meth:`Mixed.with_columns`."""
        return Categorical(self._resolve(n_features, names, modelled))

    def _resolve(self, n_features, names=None, modelled=None):
        groups = self.groups
        if groups is None:
            return [list(range(n_features))]
        groups = listed(groups, "groups of a Categorical", "widths, or of lists of columns")
        if all(isinstance(g, (int, np.integer)) and not isinstance(g, bool) for g in groups):
            if any(g < 1 for g in groups) or sum(groups) != n_features:
                raise ValueError(
                    f"groups={groups} of a Categorical are widths of consecutive blocks: positive, "
                    f"with the sum {n_features}, the number of columns. For columns by position "
                    "give a list for each block, such as [[0, 1], [2, 3, 4]]."
                )
            ends = np.cumsum(groups)
            return [list(range(e - g, e)) for g, e in zip(groups, ends, strict=True)]
        what = "groups of a Categorical"
        return resolve_columns(groups, n_features, names, modelled, what)

    def _apply(self, function, output):
        groups = self._resolve(output.shape[-1])
        return put_together([function(pick(output, group)) for group in groups], groups)

    def log_prob(self, x, output):
        """Log probability of each row, in nats.

        Parameters
        ----------
        x, output : Tensor of shape (..., n_samples, n_features)
            One-hot columns, and logits.

        Returns
        -------
        Tensor of shape (..., n_samples)
            Summed over groups.
        """
        return self.log_prob_of_entries(x, output).sum(-1)

    def log_prob_of_entries(self, x, output):
        """Log probability of each entry: its category's, or zero for the others."""
        return x * self._apply(lambda block: torch.log_softmax(block, -1), output)

    def mean(self, output):
        """Probability of each category.

        Parameters
        ----------
        output : Tensor of shape (..., n_samples, n_features)
            Logits.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            In each block they sum to one.
        """
        return self._apply(lambda block: torch.softmax(block, -1), output)

    def deviance(self, x, output):
        """Twice the cross entropy beyond X's own, ``(..., n_samples)``; 0 at a perfect fit."""
        beyond = torch.xlogy(x, x) - self.log_prob_of_entries(x, output)
        return 2.0 * beyond.sum(-1).clamp(min=0)

    def sample(self, output, generator):
        """Draw one category for each row and block.

        Parameters
        ----------
        output : Tensor of shape (..., n_samples, n_features)
            Logits.
        generator : torch.Generator
            Where noise is drawn.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            One-hot.
        """
        uniform = torch.rand(output.shape, generator=generator, dtype=output.dtype)
        # The greatest of logits with Gumbel noise is a draw from their softmax.
        noisy = output - torch.log(-torch.log(uniform.clamp(min=1e-30))).to(output.device)

        def greatest(block):
            return torch.zeros_like(block).scatter_(-1, block.argmax(-1, keepdim=True), 1.0)

        return self._apply(greatest, noisy)

    def start_output(self, mean, loadings):
        """Return logarithms of the shares, and loadings times the link's slope there.

        Parameters
        ----------
        mean : ndarray of shape (n_features,)
            Share of each category.
        loadings : ndarray of shape (n_features, n_components)
            How shares change with each latent.

        Returns
        -------
        center : ndarray of shape (n_features,)
            Logits.
        weight : ndarray of shape (n_features, n_components)
            How they change with each latent.
        """
        mean = np.maximum(mean, _LEAST_MEAN)
        return np.log(mean), loadings / mean[:, None]

    def check_means(self, X, name):
        """Refuse what can't be shares: values outside [0, 1], or blocks whose sum is not one."""
        self._check(X, name, whole=False)

    def check(self, X, name):
        """Refuse a block that is not one-hot.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Data.
        name : str
            What to call it in the error.
        """
        self._check(X, name, whole=True)

    def _check(self, X, name, whole):
        groups = self._resolve(X.shape[1])
        for start in range(0, X.shape[0], _BLOCK_ROWS):
            block = X[start : start + _BLOCK_ROWS]
            for number, group in enumerate(groups):
                part = pick(block, group)
                wrong = ~(np.abs(part.sum(axis=1) - 1) <= 1e-4)
                wrong |= ((part < 0) | (part > 1)).any(axis=1)
                if whole:
                    wrong |= ((part != 0) & (part != 1)).any(axis=1)
                wrong &= ~np.isnan(part).all(axis=1)
                if wrong.any():
                    row = int(wrong.argmax())
                    raise ValueError(
                        f"Group {number} of a Categorical (columns {list(group)}) is not one-hot "
                        f"in row {start + row} of {name}: {part[row].tolist()}. Each row needs one "
                        "1 and zeros beside it (OneHotEncoder without drop), or the groups are "
                        "other columns."
                    )

"""Tables of several kinds of columns, each with its own distribution."""

import numpy as np
import torch

from sklatent.likelihoods._base import Likelihood
from sklatent.likelihoods._bound import for_means, optional
from sklatent.likelihoods._columns import pick, put_together, resolve_columns
from sklatent.likelihoods._find import find_likelihood


class Mixed(Likelihood):
    """Columns of several kinds, independent given the decoder's output.

    Parameters
    ----------
    parts : list of (columns, likelihood)
        Columns by names, positions, a slice or a mask, and the name or object of their
        distribution. Each column of X belongs to one part. Inside a part columns count from 0.

    Notes
    -----
    The bound is a sum of nats over columns: a count of a hundred says more than a yes or no, and
    among many numeric columns one category has little weight, as it has in the data.

    Examples
    --------
    >>> import torch
    >>> from sklatent.likelihoods import Categorical, Mixed
    >>> likelihood = Mixed([([0, 1], "poisson"), (slice(2, 5), Categorical())])
    >>> likelihood.mean(torch.zeros(1, 5))
    tensor([[0.5000, 0.5000, 0.3333, 0.3333, 0.3333]])
    """

    def __init__(self, parts):
        self.parts = parts

    def with_columns(self, n_features, names=None, modelled=None):
        """The same with columns as positions among those that are modelled.

        Parameters
        ----------
        n_features : int
            How many columns are modelled.
        names : array-like of str, default=None
            What the table's columns are called.
        modelled : array-like of int, default=None
            Which of the table's columns are modelled; None is all.

        Returns
        -------
        Mixed
            With its parts' own columns found as well.
        """
        resolved = []
        found = [find_likelihood(likelihood) for _, likelihood in self._pairs()]
        for columns, own in zip(self._resolve(n_features, names, modelled), found, strict=True):
            if hasattr(own, "with_columns"):
                table = range(n_features) if modelled is None else modelled
                called = None if names is None else [names[table[j]] for j in columns]
                own = own.with_columns(len(columns), called)
            resolved.append((columns, own))
        return Mixed(resolved)

    @property
    def means_need(self):
        """Names of what the parts' means need."""
        return [
            _keyword(number, name)
            for number, (_, likelihood) in enumerate(self._pairs())
            for name in getattr(find_likelihood(likelihood), "means_need", ())
        ]

    def _pairs(self):
        parts = self.parts
        if (
            not isinstance(parts, (list, tuple))
            or not parts
            or not all(isinstance(part, (list, tuple)) and len(part) == 2 for part in parts)
        ):
            raise ValueError(
                f"parts={parts!r} of a Mixed must be a list of pairs (columns, likelihood), as "
                'in [(["age"], "gaussian"), (["red", "blue"], Categorical())].'
            )
        return parts

    def _resolve(self, n_features, names=None, modelled=None):
        groups = [columns for columns, _ in self._pairs()]
        return resolve_columns(groups, n_features, names, modelled, "parts of a Mixed")

    def _parts(self, n_features):
        """Positions, likelihood and place among the outputs of each part."""
        parts, end = [], 0
        found = [find_likelihood(likelihood) for _, likelihood in self._pairs()]
        for columns, own in zip(self._resolve(n_features), found, strict=True):
            begin, end = end, end + own.n_outputs(len(columns))
            parts.append((columns, own, slice(begin, end)))
        return parts

    def _parts_of_output(self, output):
        """The same, where only the decoder's output is known."""
        groups = [columns for columns, _ in self._pairs()]
        lists = all(isinstance(g, (list, tuple, np.ndarray)) for g in groups)
        return self._parts(sum(map(len, groups)) if lists else output.shape[-1])

    def _own(self, number, keywords):
        start = _keyword(number, "")
        return {n[len(start) :]: v for n, v in keywords.items() if n.startswith(start)}

    def n_outputs(self, n_features):
        """Sum of the parts' own."""
        return sum(own.n_outputs(len(columns)) for columns, own, _ in self._parts(n_features))

    def _collect(self, method, n_features):
        return {
            _keyword(number, name): value
            for number, (columns, own, _) in enumerate(self._parts(n_features))
            for name, value in optional(own, method, {}, len(columns)).items()
        }

    def learned(self, n_features):
        """The parts' own, by ``part0_name`` and so on."""
        return self._collect("learned", n_features)

    def kept(self, n_features):
        """The parts' own, by ``part0_name`` and so on."""
        return self._collect("kept", n_features)

    def observe(self, blocks, n_features):
        """What the parts' starts have to know, by ``part0_name`` and so on."""
        seen = {}
        for number, (columns, own, _) in enumerate(self._parts(n_features)):

            def of_part(n, columns=columns):
                return (pick(block, columns) for block in blocks(n))

            for name, value in optional(own, "observe", {}, of_part, len(columns)).items():
                seen[_keyword(number, name)] = value
        return seen

    def start(self, residual, variance, **seen):
        """Values where the parts' training starts."""
        values = {}
        for number, (columns, own, _) in enumerate(self._parts(len(variance))):
            known = self._own(number, seen)
            found = optional(own, "start", {}, residual[columns], variance[columns], **known)
            values |= {_keyword(number, name): value for name, value in found.items()}
        return values

    def start_output(self, mean, loadings, **seen):
        """The parts' outputs at the start, one after the other."""
        found = []
        for number, (columns, own, _) in enumerate(self._parts(len(mean))):
            given = mean[columns], loadings[columns]
            found.append(optional(own, "start_output", given, *given, **self._own(number, seen)))
        centers, weights = zip(*found, strict=True)
        return np.concatenate(centers), np.concatenate(weights)

    def encoder_input(self, x, **keywords):
        """What the encoder sees of each part, in X's columns."""
        parts = self._parts(x.shape[-1])
        seen = [
            own.encoder_input(pick(x, columns), **for_means(own, self._own(k, keywords)))
            for k, (columns, own, _) in enumerate(parts)
        ]
        return put_together(seen, [columns for columns, _, _ in parts])

    def _sum(self, method, x, output, keywords):
        total = 0.0
        for number, (columns, own, place) in enumerate(self._parts(x.shape[-1])):
            known = self._own(number, keywords)
            total = total + getattr(own, method)(pick(x, columns), output[..., place], **known)
        return total

    def log_prob(self, x, output, **keywords):
        """Log probability of each row, in nats.

        Parameters
        ----------
        x : Tensor of shape (..., n_samples, n_features)
            Rows of X.
        output : Tensor of shape (..., n_samples, n_outputs)
            What the decoder returned.
        **keywords : Tensor
            The parts' learned and kept parameters.

        Returns
        -------
        Tensor of shape (..., n_samples)
            Summed over columns.
        """
        return self._sum("log_prob", x, output, keywords)

    def log_prob_of_entries(self, x, output, **keywords):
        """Log probability of each entry, ``(..., n_samples, n_features)``."""
        parts = self._parts(x.shape[-1])
        found = [
            own.log_prob_of_entries(
                pick(x, columns), output[..., place], **self._own(number, keywords)
            )
            for number, (columns, own, place) in enumerate(parts)
        ]
        return put_together(found, [columns for columns, _, _ in parts])

    def hide(self, output, unknown):
        """Give no share to entries that are not known, part by part."""
        hidden = [
            optional(own, "hide", output[..., place], output[..., place], pick(unknown, columns))
            for columns, own, place in self._parts(unknown.shape[-1])
        ]
        return torch.cat(hidden, -1)

    def deviance(self, x, output, **keywords):
        """Sum of the parts' deviances, ``(..., n_samples)``; 0 at a perfect fit."""
        return self._sum("deviance", x, output, keywords)

    def mean(self, output, **keywords):
        """Mean of X, part by part.

        Parameters
        ----------
        output : Tensor of shape (..., n_samples, n_outputs)
            What the decoder returned.
        **keywords : Tensor
            The parts' kept parameters.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            In X's columns.
        """
        parts = self._parts_of_output(output)
        means = [
            own.mean(output[..., place], **for_means(own, self._own(k, keywords)))
            for k, (_, own, place) in enumerate(parts)
        ]
        return put_together(means, [columns for columns, _, _ in parts])

    def sample(self, output, generator, **keywords):
        """Draw rows, part by part.

        Parameters
        ----------
        output : Tensor of shape (..., n_samples, n_outputs)
            What the decoder returned.
        generator : torch.Generator
            Where noise is drawn.
        **keywords : Tensor
            The parts' learned and kept parameters.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            In X's columns.
        """
        parts = self._parts_of_output(output)
        drawn = [
            own.sample(output[..., place], generator, **self._own(number, keywords))
            for number, (_, own, place) in enumerate(parts)
        ]
        return put_together(drawn, [columns for columns, _, _ in parts])

    def check_means(self, X, name):
        """Refuse what can't be a mean of its part's distribution."""
        for number, (columns, own, _) in enumerate(self._parts(X.shape[1])):
            check = getattr(own, "check_means", own.check)
            check(pick(X, columns), f"part {number} of {name}")

    def check(self, X, name):
        """Refuse data that a part's distribution can't have produced.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Data.
        name : str
            What to call it in the error.
        """
        for number, (columns, own, _) in enumerate(self._parts(X.shape[1])):
            own.check(pick(X, columns), f"part {number} of {name}")


def _keyword(number, name):
    return f"part{number}_{name}"

"""A likelihood inside a network: what of it is learned, kept or given, and rows with gaps."""

import numpy as np
import torch
from torch import nn

from sklatent._utils.places import set_places
from sklatent.likelihoods._base import Likelihood

_BLOCK_ROWS = 1024


class BoundLikelihood(nn.Module):
    """A likelihood with its learned parameters, as the part of a module that it is in training.

    Parameters
    ----------
    likelihood : Likelihood
        Or any object with its methods.
    n_features : int
        Number of columns of X.
    masked : bool, default=False
        Whether rows may have NaN entries, which are not known: they add nothing to a probability,
        and the encoder sees their features' means.
    """

    # Learned parameters have axes for rows and features, so that a leading axis of models fits.
    stackable = True

    def __init__(self, likelihood, n_features, masked=False):
        super().__init__()
        self.masked = masked
        if masked:
            self.register_buffer("fill", torch.zeros(1, n_features))
        self.likelihood = likelihood
        self.n_outputs = likelihood.n_outputs(n_features)
        learned = optional(likelihood, "learned", {}, n_features)
        kept = optional(likelihood, "kept", {}, n_features)
        self.names = (*learned, *kept)
        for name, value in learned.items():
            self.register_parameter(name, nn.Parameter(value.clone()))
        for name, value in kept.items():
            self.register_buffer(name, value.clone())
        fixed = fixed_numbers(likelihood, n_features)
        self.fixed_names = (*fixed,)
        for name, value in fixed.items():
            self.register_buffer(name, value.clone(), persistent=False)

    def _own(self):
        return {name: getattr(self, name) for name in (*self.names, *self.fixed_names)}

    def noise_parameters(self):
        """Learned parameters that say how far X is from the decoder's output, on a log scale."""
        names = getattr(self.likelihood, "learned_noise", ())
        return [getattr(self, name) for name in names if name in self.names]

    def take(self, likelihood):
        """Become that of another likelihood, which differs in nothing but numbers."""
        if likelihood is not self.likelihood and self.fixed_names:
            self.likelihood = likelihood
            for name, value in fixed_numbers(likelihood, self.n_outputs).items():
                getattr(self, name).copy_(value)

    @property
    def in_data_unit(self):
        """Whether the decoder's output is in X's unit."""
        return getattr(self.likelihood, "in_data_unit", False)

    def observe(self, blocks, n_features):
        """See :meth:`Likelihood.observe`; kept parameters among what is found are set."""
        if not self.masked:
            seen = optional(self.likelihood, "observe", {}, blocks, n_features)
            self.set(seen)
            return seen
        means = known_means(blocks, n_features)

        def complete(n):
            return (filled(rows, means) for rows in blocks(n))

        def inputs(n):
            return (self.encoder_input(torch.from_numpy(rows)).numpy() for rows in blocks(n))

        seen = optional(self.likelihood, "observe", {}, complete, n_features)
        self.set(seen | {"fill": np.full(n_features, np.nan)})
        seen = seen | {"fill": known_means(inputs, n_features)}
        self.set(seen)
        return seen

    def start_output(self, mean, loadings, seen=None):
        """See :meth:`Likelihood.start_output`."""
        given = mean, loadings
        return optional(self.likelihood, "start_output", given, *given, **_told(seen))

    def encoder_input(self, x):
        """See :meth:`Likelihood.encoder_input`."""
        keywords = for_means(self.likelihood, self._own())
        if not self.masked:
            return self.likelihood.encoder_input(x, **keywords)
        seen = self.likelihood.encoder_input(torch.nan_to_num(x, nan=0.0), **keywords)
        return torch.where(torch.isnan(x), self.fill.to(x.dtype), seen)

    @property
    def multiplied(self):
        """Whether covariates multiply what the encoder sees."""
        return hasattr(self.likelihood, "without_effect")

    def without_effect(self, x, seen, effect):
        """Rows as the encoder sees them had covariates not multiplied them; gaps stay as they are.

        Parameters
        ----------
        x, seen : Tensor of shape (..., n_samples, n_features)
            Rows, and what :meth:`encoder_input` makes of them.
        effect : Tensor of shape (..., n_samples, n_features)
            Logarithm of what they were multiplied by.
        """
        without = self.likelihood.without_effect(seen, effect)
        return torch.where(torch.isnan(x), seen, without) if self.masked else without

    def log_prob(self, x, output):
        """Log probability of rows, or of what is known of them, in nats, ``(..., n_samples)``."""
        if not self.masked:
            return self.likelihood.log_prob(x, output, **self._own())
        unknown = torch.isnan(x)
        output = optional(self.likelihood, "hide", output, output, unknown)
        known = torch.nan_to_num(x, nan=0.0)
        entries = self.likelihood.log_prob_of_entries(known, output, **self._own())
        return entries.masked_fill(unknown, 0.0).sum(-1)

    def deviance(self, x, output):
        """Twice the nats that the output is worse than a perfect one, ``(..., n_samples)``."""
        return self.likelihood.deviance(x, output, **self._own())

    def mean(self, output):
        """Mean of X at a decoder's output."""
        return self.likelihood.mean(output, **for_means(self.likelihood, self._own()))

    def sample(self, output, generator):
        """Draw rows at a decoder's output."""
        return self.likelihood.sample(output, generator, **self._own())

    def start(self, residuals, variance, seen=None, places=...):
        """Set learned and kept parameters to where training starts.

        Parameters
        ----------
        residuals : ndarray of shape (n_features,) or (n_places, n_features)
            Variance of each feature around the decoder's output; of a stacked module, each
            model's.
        variance : ndarray of shape (n_features,)
            Of each feature.
        seen : dict, default=None
            What :meth:`observe` found.
        places : Tensor of int or Ellipsis, default=Ellipsis
            Which models of a stacked module.
        """
        if not self.names:
            return
        found = [
            optional(self.likelihood, "start", {}, residual, variance, **_told(seen))
            for residual in np.atleast_2d(residuals)
        ]
        own = {name: np.stack([np.asarray(each[name]) for each in found]) for name in found[0]}
        self.set(own, places)

    @torch.no_grad()
    def set(self, values, places=...):
        """Set those of the learned and kept parameters that are named, as :meth:`start` does."""
        for name in (*self.names, *(["fill"] if self.masked else [])):
            if name in values:
                set_places(getattr(self, name), values[name], places)


def fixed_numbers(likelihood, n_features):
    """Numbers that are given, by name, as a likelihood's density takes them.

    None of a class of the user's own that has a density by itself and inherits the rest, which
    knows nothing of them.
    """
    classes = type(likelihood).__mro__
    owners = [
        next((place for place, kind in enumerate(classes) if name in vars(kind)), len(classes))
        for name in ("fixed", "log_prob")
    ]
    return {} if owners[0] > owners[1] else likelihood.fixed(n_features)


def differ_in_numbers(likelihood, other):
    """Whether all that two likelihoods differ in are numbers that a stack has one each of."""
    if type(likelihood) is not type(other) or not isinstance(likelihood, Likelihood):
        return False
    try:
        names, others = set(fixed_numbers(likelihood, 1)), set(fixed_numbers(other, 1))
    except ValueError:
        return False  # a number is refused, which the fit itself will say
    own, theirs = likelihood.get_params(deep=False), other.get_params(deep=False)
    rest = own.keys() - set(likelihood.numbers)
    return bool(names) and names == others and all(own[name] == theirs[name] for name in rest)


def _told(seen):
    """What the likelihood's own methods are told of the data."""
    return {name: value for name, value in (seen or {}).items() if name != "fill"}


def known_means(blocks, n_features):
    """Mean of each feature over the entries that are not NaN."""
    sums, counts = np.zeros(n_features), np.zeros(n_features)
    for rows in blocks(_BLOCK_ROWS):
        sums += np.nansum(rows, axis=0)
        counts += (~np.isnan(rows)).sum(axis=0)
    return sums / np.maximum(counts, 1)


def filled(rows, means):
    """Rows with means in place of NaN."""
    return np.where(np.isnan(rows), means, rows)


def optional(likelihood, method, default, *arguments, **keywords):
    """Call a method that a class of the user's own need not have."""
    found = getattr(likelihood, method, None)
    return default if found is None else found(*arguments, **keywords)


def for_means(likelihood, keywords):
    """Those of a likelihood's parameters that its means need."""
    needed = getattr(likelihood, "means_need", ())
    return {name: keywords[name] for name in needed if name in keywords}

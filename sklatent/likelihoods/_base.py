"""What every likelihood has in common."""

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn

_BLOCK_ROWS = 1024


class Likelihood(BaseEstimator):
    """Distribution of X around a decoder's output: the contract, with its defaults.

    Tensors have any leading axes, ``(..., n_samples, n_features)``, so that K stacked models share
    the code of one. A class of your own that has these methods works everywhere; deriving it from
    this one saves those whose defaults fit.

    Examples
    --------
    >>> import torch
    >>> from sklatent.likelihoods import Likelihood
    >>> class Laplace(Likelihood):
    ...     def log_prob(self, x, output):
    ...         return -((x - output).abs() + 0.6931).sum(-1)
    ...
    ...     def deviance(self, x, output):
    ...         return 2.0 * (x - output).abs().sum(-1)
    ...
    ...     def sample(self, output, generator):
    ...         u = torch.rand(output.shape, generator=generator) - 0.5
    ...         return output - u.sign() * torch.log1p(-2 * u.abs())
    >>> Laplace().log_prob(torch.zeros(1, 2), torch.ones(1, 2))
    tensor([-3.3862])
    """

    # Whether the decoder's output is in X's unit, so that it may be scaled as X is.
    in_data_unit = False
    # Names of kept parameters that `encoder_input` and `mean` take as well.
    means_need = ()
    # Names of parameters that are numbers where `fixed` has them: models that differ in nothing
    # else train in one stack.
    numbers = ()

    def n_outputs(self, n_features):
        """Count the numbers that a decoder returns for each row.

        Parameters
        ----------
        n_features : int
            Number of columns of X.

        Returns
        -------
        int
            As many as features.
        """
        return n_features

    def encoder_input(self, x):
        """What the encoder sees of rows.

        Parameters
        ----------
        x : Tensor of shape (..., n_samples, n_features)
            Rows of X.

        Returns
        -------
        Tensor
            The rows themselves.
        """
        return x

    def learned(self, n_features):
        """Give the parameters of the distribution itself that are trained beside the networks.

        Parameters
        ----------
        n_features : int
            Number of columns of X.

        Returns
        -------
        dict of str to Tensor
            Initial values by name; :meth:`log_prob`, :meth:`sample` and :meth:`deviance` take them
            as keywords. Their last two axes are rows and features.
        """
        return {}

    def kept(self, n_features):
        """Give constants that are set when training starts and kept with the weights.

        Parameters
        ----------
        n_features : int
            Number of columns of X.

        Returns
        -------
        dict of str to Tensor
            As in :meth:`learned`, but not trained.
        """
        return {}

    def fixed(self, n_features):
        """Give the numbers that parameters fix, for which a stack of models has one each.

        Parameters
        ----------
        n_features : int
            Number of columns of X.

        Returns
        -------
        dict of str to Tensor
            As in :meth:`learned`, but neither trained nor part of the weights.
        """
        return {}

    def observe(self, blocks, n_features):
        """Look at the training rows themselves, before the encoder sees any.

        Parameters
        ----------
        blocks : callable
            ``blocks(n)`` iterates over them, at most n at a time, as float64 arrays.
        n_features : int
            Number of columns of X.

        Returns
        -------
        dict of str to ndarray
            Kept parameters by name, and whatever else :meth:`start` and :meth:`start_output` take
            as keywords.
        """
        return {}

    def start(self, residual, variance):
        """Find values of learned and kept parameters where training starts.

        Parameters
        ----------
        residual, variance : ndarray of shape (n_features,)
            Variance of what the encoder sees of each feature: around the linear model at the
            start, and of itself.

        Returns
        -------
        dict of str to ndarray
            By name.
        """
        return {}

    def log_prob(self, x, output):
        """Log probability of each row.

        Parameters
        ----------
        x : Tensor of shape (..., n_samples, n_features)
            Rows of X.
        output : Tensor of shape (..., n_samples, n_outputs)
            What the decoder returned.

        Returns
        -------
        Tensor of shape (..., n_samples)
            In nats, summed over features.
        """
        raise TypeError(f"{type(self).__name__} has no log_prob(x, output); give it one.")

    def mean(self, output):
        """Mean of X.

        Parameters
        ----------
        output : Tensor of shape (..., n_samples, n_outputs)
            What the decoder returned.

        Returns
        -------
        Tensor of shape (..., n_samples, n_features)
            The output itself.
        """
        return output

    def start_output(self, mean, loadings):
        """Find the decoder's output where training starts, from the linear model.

        Parameters
        ----------
        mean : ndarray of shape (n_features,)
            Mean of :meth:`encoder_input`.
        loadings : ndarray of shape (n_features, n_components)
            How it changes with each latent.

        Returns
        -------
        center : ndarray of shape (n_outputs,)
            The output at the mean.
        weight : ndarray of shape (n_outputs, n_components)
            How the output changes with each latent.
        """
        return mean, loadings

    def start_effect(self, x, covariates):
        """Find how the decoder's output changes with covariates where training starts.

        Parameters
        ----------
        x : ndarray of shape (n_samples, n_features)
            Rows of X.
        covariates : ndarray of shape (n_samples, n_covariates)
            Standardised.

        Returns
        -------
        effect : ndarray of shape (n_outputs, n_covariates) or None
            None takes the linear effect on :meth:`encoder_input`, through :meth:`start_output`.
        """
        return None

    def check(self, X, name):
        """Refuse data that the distribution can't have produced.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Data.
        name : str
            What to call it in the error.
        """

    def check_means(self, X, name):
        """Refuse what can't be a mean of such data, as an anchor's input may be one.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Means.
        name : str
            What to call them in the error.
        """
        self.check(X, name)


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
        fixed = optional(likelihood, "fixed", {}, n_features)
        self.fixed_names = (*fixed,)
        for name, value in fixed.items():
            self.register_buffer(name, value.clone(), persistent=False)

    def _own(self):
        return {name: getattr(self, name) for name in (*self.names, *self.fixed_names)}

    def take(self, likelihood):
        """Become that of another likelihood, which differs in nothing but numbers."""
        if likelihood is not self.likelihood and self.fixed_names:
            self.likelihood = likelihood
            for name, value in likelihood.fixed(self.n_outputs).items():
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

    def start(self, residual, variance, seen=None):
        """Set learned and kept parameters to where training starts."""
        if self.names:
            self.set(optional(self.likelihood, "start", {}, residual, variance, **_told(seen)))

    @torch.no_grad()
    def set(self, values):
        """Set those of the learned and kept parameters that are named."""
        for name in (*self.names, *(["fill"] if self.masked else [])):
            if name in values:
                own = getattr(self, name)
                own.copy_(torch.as_tensor(values[name], dtype=own.dtype).reshape(own.shape))


def differ_in_numbers(likelihood, other):
    """Whether all that two likelihoods differ in are numbers that a stack has one each of."""
    if type(likelihood) is not type(other) or not isinstance(likelihood, Likelihood):
        return False
    try:
        names, others = set(likelihood.fixed(1)), set(other.fixed(1))
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


def extremes(X, block_rows=4096):
    """Least and greatest value of an array, read block by block."""
    found = [
        (np.nanmin(block), np.nanmax(block))
        for block in (X[start : start + block_rows] for start in range(0, len(X), block_rows))
    ]
    low, high = zip(*found, strict=True)
    return np.min(low), np.max(high)

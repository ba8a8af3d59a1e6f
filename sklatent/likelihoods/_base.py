"""What every likelihood has in common."""

import numpy as np
from sklearn.base import BaseEstimator


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
    # Names of learned parameters, logarithms, that say how far X is from the output. Where rows are
    # held out they lag behind the networks.
    learned_noise = ()

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


def extremes(X, block_rows=4096):
    """Least and greatest value of an array, read block by block."""
    found = [
        (np.nanmin(block), np.nanmax(block))
        for block in (X[start : start + block_rows] for start in range(0, len(X), block_rows))
    ]
    low, high = zip(*found, strict=True)
    return np.min(low), np.max(high)

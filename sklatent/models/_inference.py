"""What a trained model says of rows and latents: encode, decode, sample and score."""

import math
from functools import lru_cache, partial
from numbers import Integral
from operator import attrgetter

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from sklatent._posterior import Posterior
from sklatent._utils.arrays import float_type, plain_numbers
from sklatent._utils.dask_arrays import is_dask, map_dask
from sklatent._utils.limits import require_room
from sklatent._utils.random import local_random_state
from sklatent._utils.sparse import dense
from sklatent.likelihoods._counts import Counts
from sklatent.models._covariates import check_given, join_columns
from sklatent.models._in_blocks import MAX_ROWS, map_in_blocks, require_finite
from sklatent.models._rows import check_possible, validate_rows
from sklatent.nn.training.randomness import draw_seed

_MOST_DRAWS = 10**7  # of a posterior
_MAX_PAIRS = 8  # of draws in the evidence lower bound
_ELBO_SEED = 0


@lru_cache(maxsize=16)
def elbo_noise(n_components):
    """Fixed noise of the bound, ``(draws, d)``: antithetic pairs on random orthogonal axes.

    Every draw has the norm sqrt(d) that normal draws have. Up to ``_MAX_PAIRS`` dimensions
    mean and covariance are exactly those of N(0, I), so that the expectation of a quadratic
    (a linear decoder's log likelihood) is exact.
    """
    d = n_components
    axes = np.linalg.qr(np.random.RandomState(_ELBO_SEED).standard_normal((d, d)))[0]
    half = np.sqrt(d) * axes[: min(d, _MAX_PAIRS)]
    return np.concatenate([half, -half])


def check_count(name, value, most=None):
    """See that a number of draws is one, and no more than anybody waits for."""
    if not isinstance(value, Integral) or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r} must be a whole number, 1 or more.")
    if value < 1:
        raise ValueError(f"{name}={value} must be at least 1.")
    if most is not None and value > most:
        raise ValueError(f"{name}={value} must be at most {most}.")


def _means(module, x):
    return module.encode(x).mean


def _posteriors(module, x):
    return module.encode(x).as_arrays()


def _latents_and_means(module, x, means=attrgetter("mean")):
    z = means(module.encode(x))
    return {"z": z, "decoded": module.likelihood.mean(module.decode(z))}


def _bound(module, x, n_components):
    posterior, noise = module.encode(x), elbo_noise(n_components)
    total = -posterior.kl()
    for draw in noise:
        z = posterior.sample(torch.as_tensor(draw).to(x).expand_as(posterior.mean))
        log_likelihood = module.likelihood.log_prob(x, module.decode(z))
        total = total + log_likelihood / len(noise)
    return total


class InferenceMixin(TransformerMixin):
    """Encode, decode, sample and score with ``net_.module_``."""

    def _validate_rows(self, X):
        check_is_fitted(self)
        return validate_rows(self, X)

    def _validate_scored_rows(self, X):
        """Rows whose probability is asked for have to be possible."""

        def validate(X):
            X = self._validate_rows(X)
            check_possible(self._find_likelihood(), self._split(X)[0], "X")
            return X

        # Names are asked for where there are some, and each model warns for itself.
        if "_member" in vars(self) and not hasattr(self, "feature_names_in_"):
            return self._member[0].validated(X, validate)
        return validate(X)

    def _validate_latents(self, Z):
        check_is_fitted(self)
        Z = check_array(plain_numbers(Z, "Z"), dtype="numeric", input_name="Z")
        if Z.dtype.kind == "c":
            raise ValueError("Z holds complex numbers; give real numbers.")
        n_columns = self._n_features_out
        if Z.shape[1] != n_columns:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but {type(self).__name__} has {n_columns} latent "
                "dimensions. Pass what transform returns."
            )
        return Z

    def _map_rows(self, X, function, *beside):
        """Apply ``function(module, x, *beside)`` to blocks of rows, the module told of them."""
        x, told = self._split(X)
        return self._map_blocks(x, function, *beside, covariates=told)

    def _map_blocks(self, X, function, *beside, covariates=None, unknown=False):
        """Apply ``function(module, x, *beside)`` to blocks; arrays out, in X's float type.

        ``function`` returns a tensor, or a dict of tensors, with the rows first; further arrays
        have X's rows. ``unknown`` lets NaN through.
        """
        if "_member" in vars(self) and not beside:
            members, k = self._member
            found = members.map(k, X, function, covariates)
            if found is not None:
                parts = found.values() if isinstance(found, dict) else [found]
                for part in () if unknown else parts:
                    require_finite(part)
                return found
        return map_in_blocks(
            self._fitted_module(), X, function, *beside, covariates=covariates, unknown=unknown
        )

    def transform(self, X):
        """Encode X: the means of the posteriors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data. Of a dask array each block is encoded when it is asked for.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Posterior means, in X's float type (float64 for integers). Deterministic.
        """
        if is_dask(X):
            check_is_fitted(self)
            return map_dask(self.transform, X, self._n_features_out)
        return self._encode_means(self._validate_rows(X))

    def _as_seen(self, X):
        """Rows as the encoder sees them."""
        x, _ = self._split(self._validate_rows(X))
        return self._map_blocks(
            x, lambda module, x: module.likelihood.encoder_input(x), unknown=True
        )

    def _encode_means(self, X):
        return self._map_rows(X, _means)

    def inverse_transform(self, X, covariates=None):
        """Decode latents: the mean of the likelihood.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latents, such as :meth:`transform` returns.
        covariates : array-like of shape (n_samples, n_covariates) or (n_covariates,), default=None
            What to tell the decoder, in the order of `covariates_`, or a frame with their names:
            the same latents in another batch, say. None is the average of the training rows.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Means in the data's space; probabilities for the Bernoulli likelihood. Columns that are
            covariates hold what the decoder was told.
        """
        if is_dask(X):
            check_is_fitted(self)
            if np.ndim(covariates) > 1:
                raise ValueError(
                    "Latents in a dask array are decoded with one row of covariates for all, of "
                    f"shape ({self._n_covariates},), or with their average; got an array of "
                    f"{np.ndim(covariates)} axes. Decode blocks by themselves to tell each its own."
                )
            decode = self.inverse_transform
            return map_dask(decode, X, self.n_features_in_, covariates=covariates)
        Z = self._validate_latents(X)
        return self._decode_means(Z, check_given(self, covariates, len(Z), float_type(Z.dtype)))

    def _decode_means(self, Z, covariates=None):
        return self._decode_rows(
            Z, lambda module, z: module.likelihood.mean(module.decode(z)), covariates
        )

    def _told(self, X):
        """Covariates of validated rows, as they go with latents; None where there are none."""
        told = self._split(X)[1]
        return None if told is None else np.asarray(dense(told))

    def _reconstruct(self, X):
        """Latents of validated rows, what of these is modelled, and that as it is decoded."""

        both = _latents_and_means
        if type(self)._means is not InferenceMixin._means:
            both = partial(both, means=self._means)
        return self._reconstructed(X, self._map_rows(X, both))

    def _reconstruct_together(self, X):
        """The same of all models of a stack that trained on one's rows: their places, and arrays.

        Latents and what is decoded have an axis of models before their own. None where each has
        to be asked.
        """
        own = type(self)
        kept = all(getattr(own, n) is vars(InferenceMixin)[n] for n in ("_reconstruct", "_means"))
        if not kept or "_member" not in vars(self):
            return None
        members, k = self._member
        x, told = self._split(X)
        places, found = members.map_group(k, x, _latents_and_means, told)
        return None if found is None else (places, *self._reconstructed(X, found))

    def _reconstructed(self, X, found):
        x, decoded = np.asarray(dense(self._split(X)[0])), found["decoded"]
        likelihood = self._find_likelihood()
        if isinstance(likelihood, Counts) and likelihood.gives_shares_of_totals():
            unknown = np.isnan(x)
            shares = np.where(unknown, 0.0, decoded)
            shares = shares / shares.sum(axis=-1, keepdims=True)
            decoded = shares * np.nansum(x, axis=-1, keepdims=True)
        return found["z"], x, decoded

    def _means(self, encoded):
        """Latents out of what a module's encoder returns."""
        return encoded.mean

    def _decode_rows(self, Z, function, covariates):
        """Rows of X from latents, columns that are covariates as the decoder was told."""
        if not self._n_covariates:
            return self._map_blocks(Z, function)
        if covariates is None:
            average = self._fitted_module().covariate_center.cpu().numpy()
            covariates = np.broadcast_to(average, (len(Z), self._n_covariates))
        x = self._map_blocks(Z, function, covariates=covariates)
        return join_columns(x, covariates, self._covariate_columns)

    def encode(self, X):
        """Encode X as whole posteriors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.

        Returns
        -------
        posterior : Posterior
            With ``mean``, ``log_var``, ``covariance`` and ``sample(random_state)``.
        """
        X = self._validate_rows(X)
        return Posterior(**self._map_rows(X, _posteriors))

    def sample(self, n_samples=1, random_state=None, noise=False, covariates=None):
        """Decode draws from the prior N(0, I).

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows to draw.
        random_state : int, RandomState instance or None, default=None
            Seeds the draw.
        noise : bool, default=False
            Whether to draw rows from the likelihood, such as whole counts, in place of its means.
        covariates : array-like of shape (n_samples, n_covariates) or (n_covariates,), default=None
            What to tell the decoder, as in :meth:`inverse_transform`.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The likelihood's means at the draws, or rows around them.
        """
        check_is_fitted(self)
        check_count("n_samples", n_samples)
        require_room(n_samples * self.n_features_in_, f"n_samples={n_samples}")
        if not isinstance(noise, (bool, np.bool_)):
            raise TypeError(f"noise must be True or False, got {noise!r}.")
        random_state = local_random_state(random_state)
        Z = random_state.standard_normal((n_samples, self._n_features_out))
        told = check_given(self, covariates, n_samples, Z.dtype)
        return self._decode_draws(Z, random_state, told) if noise else self._decode_means(Z, told)

    def _decode_draws(self, Z, random_state, covariates=None):
        generator = torch.Generator().manual_seed(draw_seed(random_state))

        def draw(module, z):
            return module.likelihood.sample(module.decode(z), generator)

        return self._decode_rows(Z, draw, covariates)

    def _draw_around(self, Z, X, random_state):
        """Rows with noise around what is decoded at latents, told the covariates of rows X."""
        return self._decode_draws(Z, random_state, self._told(self._validate_rows(X)))

    def _deviance(self, X, Z):
        """How far what is decoded at latents is from rows X: their likelihood's deviance."""
        x, told = self._split(self._validate_rows(X))

        def deviance(module, x, z):
            return module.likelihood.deviance(x, module.decode(z))

        return self._map_blocks(x, deviance, Z, covariates=told)

    def score_samples(self, X):
        """Evidence lower bound of each row, with beta = 1 whatever beta trained.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.

        Returns
        -------
        elbo : ndarray of shape (n_samples,)
            In nats; greater is better. The expectation over the posterior is a mean over a few
            draws whose noise is fixed and the same for every row, so that a row's value depends
            on nothing but the row.
        """
        if is_dask(X):
            check_is_fitted(self)
            return map_dask(self.score_samples, X)
        X = self._validate_scored_rows(X)
        bound = partial(_bound, n_components=self.n_components_)
        return self._map_rows(X, bound)

    def score(self, X, y=None):
        """Mean evidence lower bound of X; greater is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.
        y : None
            Ignored.

        Returns
        -------
        elbo : float
            Mean of :meth:`score_samples`, in nats per row.
        """
        return float(np.mean(self.score_samples(X)))

    def log_likelihood(self, X, n_importance_samples=100, random_state=0):
        """Importance-weighted estimate of the log likelihood of each row.

        ``log mean_s p(x, z_s) / q(z_s | x)`` with draws from the posterior: a lower bound in
        expectation, which rises to log p(x) with the number of draws.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.
        n_importance_samples : int, default=100
            Draws for each row. More is tighter.
        random_state : int, RandomState instance or None, default=0
            Seeds the draws.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats; greater is better.

        References
        ----------
        Burda, Grosse & Salakhutdinov, Importance weighted autoencoders, equation 8.
        """
        X = self._validate_scored_rows(X)
        check_count("n_importance_samples", n_importance_samples, most=_MOST_DRAWS)
        random_state = local_random_state(random_state)
        d = self.n_components_
        # As many draws at a time as keep the decoder's output to one block.
        chunk = max(1, min(n_importance_samples, MAX_ROWS // 64))

        def estimate(module, x):
            posterior = module.encode(x)
            log_weights = []
            for start in range(0, n_importance_samples, chunk):
                n = min(chunk, n_importance_samples - start)
                noise = random_state.standard_normal((n, len(x), d))
                z = posterior.sample(torch.as_tensor(noise).to(x))
                prior = -0.5 * (z.square().sum(-1) + d * math.log(2 * math.pi))
                output = module.decode(z.reshape(n * len(x), d)).unflatten(0, (n, len(x)))
                log_likelihood = module.likelihood.log_prob(x, output)
                log_weights.append(log_likelihood + prior - posterior.log_prob(z))
            log_weights = torch.cat(log_weights)
            return torch.logsumexp(log_weights, 0) - math.log(n_importance_samples)

        return self._map_rows(X, estimate)

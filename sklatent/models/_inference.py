"""Inference with a trained module: blocks of rows, in the input's own float type.

A fitted net is never called through ``net.predict``, which collates row by row. Rows go
through the module in blocks, so that memory stays flat whatever the number of rows; with
float64 input the module's weights are cast up, so that a row's result does not depend on
the rows beside it.
"""

import copy
import math
from numbers import Integral

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from sklatent._posterior import Posterior
from sklatent._utils.arrays import plain
from sklatent._utils.random import local_random_state
from sklatent._utils.sparse import dense
from sklatent.models._rows import check_possible, validate_rows
from sklatent.nn.training.devices import own_torch_state, suitable_threads, work_of
from sklatent.nn.training.randomness import draw_seed

_MAX_ROWS = 1024
_BLOCK_BYTES = 1 << 24
_MAX_PAIRS = 8  # of draws in the evidence lower bound
_ELBO_SEED = 0


def float_type(dtype):
    """Float type in which data of ``dtype`` are worked on: float32 or float64."""
    dtype = np.dtype(dtype)
    return np.float32 if dtype.kind == "f" and dtype.itemsize <= 4 else np.float64


def block_slices(n_rows, row_bytes):
    """Slices of rows that keep a block small."""
    size = int(np.clip(_BLOCK_BYTES // max(row_bytes, 1), 1, _MAX_ROWS))
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


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


def check_count(name, value):
    """See that a number of draws is one."""
    if not isinstance(value, Integral) or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r} must be a whole number, 1 or more.")
    if value < 1:
        raise ValueError(f"{name}={value} must be at least 1.")


def finite(scores):
    """Scores of rows, or an error that names rows which have none."""
    bad = np.flatnonzero(~np.isfinite(scores))
    if len(bad):
        raise ValueError(
            f"{len(bad)} of {len(scores)} rows have no finite score, the first of them row "
            f"{bad[0]}: they lie too far from what the model was trained on for {scores.dtype}. "
            "Leave them out, scale X, or give float64."
        )
    return scores


def _tensor(rows, dtype, device):
    """Rows as a tensor: a copy only of what must be cast, turned round or made writable."""
    rows = np.ascontiguousarray(dense(rows), dtype=dtype)
    return torch.from_numpy(rows if rows.flags.writeable else rows.copy()).to(device)


class InferenceMixin(TransformerMixin):
    """Encode, decode, sample and score with ``net_.module_``."""

    def _validate_rows(self, X):
        check_is_fitted(self)
        return validate_rows(self, X)

    def _validate_scored_rows(self, X):
        """Rows whose probability is asked for have to be possible."""
        X = self._validate_rows(X)
        check_possible(self._find_likelihood(), X, "X")
        return X

    def _validate_latents(self, Z):
        check_is_fitted(self)
        Z = check_array(plain(Z, "Z"), dtype="numeric", input_name="Z")
        if Z.dtype.kind == "c":
            raise ValueError("Z holds complex numbers; give real numbers.")
        n_columns = self._n_features_out
        if Z.shape[1] != n_columns:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but {type(self).__name__} has {n_columns} latent "
                "dimensions. Pass what transform returns."
            )
        return Z

    def _map_blocks(self, X, function, *beside):
        """Apply ``function(module, x, *beside)`` to blocks of rows; arrays out, in X's float type.

        ``function`` returns a tensor, or a dict of tensors, with the rows first; further arrays
        have X's rows.
        """
        dtype = float_type(X.dtype)
        module = self._fitted_module()
        parameter = next(module.parameters(), torch.empty(0))
        torch_dtype = torch.float32 if dtype is np.float32 else torch.float64
        if parameter.dtype != torch_dtype:
            module = copy.deepcopy(module).to(torch_dtype)
        out, single = {}, False
        was_training = module.training
        module.eval()
        blocks_of_rows = block_slices(X.shape[0], X.shape[1] * np.dtype(dtype).itemsize)
        threads = suitable_threads(work_of(module, blocks_of_rows[0].stop))
        with own_torch_state(parameter.device), torch.no_grad(), threads:
            for rows in blocks_of_rows:
                blocks = [_tensor(array[rows], dtype, parameter.device) for array in (X, *beside)]
                result = function(module, *blocks)
                if torch.is_tensor(result):
                    result, single = {"result": result}, True
                for name, tensor in result.items():
                    if name not in out:
                        shape = (X.shape[0], *tensor.shape[1:])
                        out[name] = np.empty(shape, dtype=tensor.cpu().numpy().dtype)
                    out[name][rows] = tensor.cpu().numpy()
        module.train(was_training)
        return out["result"] if single else out

    def transform(self, X):
        """Encode X: the means of the posteriors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Posterior means, in X's float type (float64 for integers). Deterministic.
        """
        return self._encode_means(self._validate_rows(X))

    def _encode_means(self, X):
        return self._map_blocks(X, lambda module, x: module.encode(x).mean)

    def inverse_transform(self, X):
        """Decode latents: the mean of the likelihood.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latents, such as :meth:`transform` returns.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Means in the data's space; probabilities for the Bernoulli likelihood.
        """
        return self._decode_means(self._validate_latents(X))

    def _decode_means(self, Z):
        return self._map_blocks(Z, lambda module, z: module.likelihood.mean(module.decode(z)))

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
        return Posterior(**self._map_blocks(X, lambda module, x: module.encode(x).as_arrays()))

    def sample(self, n_samples=1, random_state=None, noise=False):
        """Decode draws from the prior N(0, I).

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows to draw.
        random_state : int, RandomState instance or None, default=None
            Seeds the draw.
        noise : bool, default=False
            Whether to draw rows from the likelihood, such as whole counts, in place of its means.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The likelihood's means at the draws, or rows around them.
        """
        check_is_fitted(self)
        check_count("n_samples", n_samples)
        random_state = local_random_state(random_state)
        Z = random_state.standard_normal((n_samples, self._n_features_out))
        return self._decode_draws(Z, random_state) if noise else self._decode_means(Z)

    def _decode_draws(self, Z, random_state):
        generator = torch.Generator().manual_seed(draw_seed(random_state))
        return self._map_blocks(
            Z, lambda module, z: module.likelihood.sample(module.decode(z), generator)
        )

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
        X = self._validate_scored_rows(X)
        noise = elbo_noise(self.n_components_)

        def bound(module, x):
            posterior = module.encode(x)
            total = -posterior.kl()
            for draw in noise:
                z = posterior.sample(torch.as_tensor(draw).to(x).expand_as(posterior.mean))
                log_likelihood = module.likelihood.log_prob(x, module.decode(z))
                total = total + log_likelihood / len(noise)
            return total

        return finite(self._map_blocks(X, bound))

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
        check_count("n_importance_samples", n_importance_samples)
        random_state = local_random_state(random_state)
        d = self.n_components_
        # As many draws at a time as keep the decoder's output to one block.
        chunk = max(1, min(n_importance_samples, _MAX_ROWS // 64))

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

        return finite(self._map_blocks(X, estimate))

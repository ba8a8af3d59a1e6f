"""Gaussian posteriors over the latent space, one per sample."""

# Plain numpy: whoever reads an encoded data set (metrics, channels, Rosetta points) needs no torch.

from contextlib import suppress

import numpy as np

from sklatent._utils.array_api import to_numpy
from sklatent._utils.arrays import to_array, to_numbers
from sklatent._utils.random import local_random_state

_LOG_2PI = float(np.log(2.0 * np.pi))


def as_float_array(array, name):
    """`array` as float32 (from half or single precision) or float64 (from anything wider)."""
    one = not hasattr(array, "shape") and not isinstance(array, (list, tuple))
    one = one or getattr(array, "shape", None) == ()
    array = to_numpy(array) if one else to_array(array, name)
    if array.dtype.kind == "O" and array.ndim == 2:
        with suppress(ValueError):  # which is said below
            array = to_numbers(array, name)  # columns of several types
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, got an array of dtype {array.dtype}. Convert it to "
            "float32 or float64 first."
        )
    single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    return np.asarray(array, dtype=np.float32 if single else np.float64)


def check_finite(array, name):
    # The sum is a cheap screen: it is finite only if every entry is, overflow apart.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum())
    if suspicious and not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity; every entry must be finite.")


class Posterior:
    """Gaussian posterior over the latent space, one distribution for each sample.

    What `encode` returns. Row i is the distribution N(mean_i, covariance_i) of the latent
    variables of sample i, with either a diagonal covariance (given by `log_var`) or a full one
    (given by `scale_tril`).

    Parameters
    ----------
    mean : array-like of shape (n_samples, n_components)
        Posterior means.

    log_var : array-like of shape (n_samples, n_components), default=None
        Natural logarithms of the variances of a diagonal posterior.

    scale_tril : array-like of shape (n_samples, n_components, n_components), default=None
        Lower-triangular Cholesky factors L with a positive diagonal; the covariance is L L^T.
        Exactly one of `log_var` and `scale_tril` must be given.

    Raises
    ------
    ValueError
        If shapes disagree, an entry is not finite, a variance would overflow, a factor is not
        lower triangular or its diagonal is not positive, or not exactly one of `log_var` and
        `scale_tril` is given.

    TypeError
        If an array does not hold real numbers.

    Notes
    -----
    Arrays of float32 stay float32, everything wider and integers become float64. The arrays are
    referenced, not copied: treat them as read-only.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent._posterior import Posterior
    >>> posterior = Posterior(np.zeros((3, 2)), log_var=np.zeros((3, 2)))
    >>> posterior
    Posterior(n_samples=3, n_components=2, covariance='diagonal')
    >>> posterior.kl()
    array([0., 0., 0.])
    >>> posterior[:2].covariance.shape
    (2, 2, 2)
    """

    def __init__(self, mean, *, log_var=None, scale_tril=None):
        if (log_var is None) == (scale_tril is None):
            raise ValueError(
                "Exactly one of log_var (diagonal covariance) and scale_tril (full covariance) "
                f"must be given, got {'neither' if log_var is None else 'both'}."
            )
        mean = as_float_array(mean, "mean")
        if mean.ndim != 2 or mean.shape[1] == 0:
            raise ValueError(
                "mean must have shape (n_samples, n_components) with at least one component, got "
                f"an array of shape {mean.shape}."
            )
        name = "log_var" if scale_tril is None else "scale_tril"
        spread = as_float_array(log_var if scale_tril is None else scale_tril, name)
        expected = mean.shape if scale_tril is None else (*mean.shape, mean.shape[1])
        if spread.shape != expected:
            raise ValueError(
                f"{name} must have shape {expected} to go with a mean of shape {mean.shape}, got "
                f"{spread.shape}."
            )
        dtype = np.result_type(mean, spread)
        mean, spread = mean.astype(dtype, copy=False), spread.astype(dtype, copy=False)
        check_finite(mean, "mean")
        check_finite(spread, name)
        if scale_tril is None:
            self._check_log_var(spread)
        else:
            self._check_scale_tril(spread)
        self._mean = mean
        self._log_var = spread if scale_tril is None else None
        self._scale_tril = None if scale_tril is None else spread

    @staticmethod
    def _check_log_var(log_var):
        limit = np.log(np.finfo(log_var.dtype).max)
        if log_var.size and log_var.max() > limit:
            raise ValueError(
                f"log_var reaches {log_var.max():.4g}, but variances overflow {log_var.dtype} "
                f"beyond {limit:.1f}. log_var holds natural logarithms of variances, not variances."
            )

    @staticmethod
    def _check_scale_tril(scale_tril):
        limit = np.sqrt(np.finfo(scale_tril.dtype).max / max(1, scale_tril.shape[-1]))
        if np.abs(scale_tril).max(initial=0.0) > limit:
            raise ValueError("scale_tril is so large that covariances would overflow.")
        upper = np.triu_indices(scale_tril.shape[-1], k=1)
        if np.any(scale_tril[:, upper[0], upper[1]]):
            raise ValueError(
                "scale_tril must hold lower-triangular Cholesky factors, but has non-zero entries "
                "above the diagonal. From covariances, take np.linalg.cholesky(covariance)."
            )
        if np.any(np.diagonal(scale_tril, axis1=1, axis2=2) <= 0):
            raise ValueError(
                "The diagonals of scale_tril must be positive, as those of Cholesky factors of "
                "positive definite covariances are."
            )

    @property
    def mean(self):
        """Means, of shape (n_samples, n_components)."""
        return self._mean

    @property
    def is_diagonal(self):
        """Whether the covariances are diagonal."""
        return self._scale_tril is None

    @property
    def scale_tril(self):
        """Lower Cholesky factors, of shape (n_samples, n_components, n_components)."""
        if self._scale_tril is not None:
            return self._scale_tril
        return np.exp(0.5 * self._log_var)[:, :, None] * np.eye(
            self._mean.shape[1], dtype=self._mean.dtype
        )

    @property
    def variance(self):
        """Marginal variances, of shape (n_samples, n_components)."""
        if self.is_diagonal:
            return np.exp(self._log_var)
        return np.einsum("nij,nij->ni", self._scale_tril, self._scale_tril)

    @property
    def log_var(self):
        """Natural logarithms of the marginal variances, of shape (n_samples, n_components)."""
        return self._log_var if self.is_diagonal else np.log(self.variance)

    @property
    def covariance(self):
        """Covariances, of shape (n_samples, n_components, n_components)."""
        if self.is_diagonal:
            return self.variance[:, :, None] * np.eye(self._mean.shape[1], dtype=self._mean.dtype)
        return self._scale_tril @ self._scale_tril.transpose(0, 2, 1)

    def sample(self, random_state=None):
        """Draw one latent vector from the posterior of each sample.

        Parameters
        ----------
        random_state : int, RandomState instance or None, default=None
            Determines the draw. Pass an int for reproducible results.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            One draw for each row, in the posterior's float type.
        """
        noise = local_random_state(random_state).standard_normal(self._mean.shape)
        noise = noise.astype(self._mean.dtype, copy=False)
        if self.is_diagonal:
            return self._mean + np.exp(0.5 * self._log_var) * noise
        return self._mean + np.einsum("nij,nj->ni", self._scale_tril, noise)

    def kl(self):
        """Kullback-Leibler divergence of each posterior from the standard normal prior.

        ``KL = 1/2 (tr(S) + |m|^2 - d - log det S)`` for N(m, S) in d dimensions.

        Returns
        -------
        kl : ndarray of shape (n_samples,)
            Divergences from N(0, I) in nats; zero where the posterior equals the prior.
        """
        if self.is_diagonal:
            return self.kl_per_component().sum(axis=1)
        log_diagonal = np.log(np.diagonal(self._scale_tril, axis1=1, axis2=2))
        trace = np.einsum("nij,nij->n", self._scale_tril, self._scale_tril)
        square = np.einsum("ni,ni->n", self._mean, self._mean)
        return 0.5 * (trace + square - self._mean.shape[1]) - log_diagonal.sum(axis=1)

    def kl_per_component(self):
        """Kullback-Leibler divergence of each marginal from the standard normal.

        Returns
        -------
        kl : ndarray of shape (n_samples, n_components)
            Divergences of the one-dimensional marginals from N(0, 1) in nats. Rows sum to `kl()`
            if the covariance is diagonal; otherwise to less, since the marginals do not see the
            correlations.
        """
        log_var = self.log_var
        # expm1 keeps the small differences of components that are nearly the prior.
        return 0.5 * (self._mean**2 + np.expm1(log_var) - log_var)

    def log_prob(self, Z):
        """Log density of latent vectors under the posterior of their row.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_components) or (n_draws, n_samples, n_components)
            Row i is judged by the i-th posterior.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,) or (n_draws, n_samples)
            Log densities in nats.
        """
        Z = as_float_array(Z, "Z")
        if Z.ndim not in (2, 3) or Z.shape[-2:] != self._mean.shape:
            raise ValueError(
                f"Z must have shape {self._mean.shape}, or that with a leading axis of draws, got "
                f"{Z.shape}."
            )
        check_finite(Z, "Z")
        residual = Z - self._mean
        if self.is_diagonal:
            whitened = residual * np.exp(-0.5 * self._log_var)
            log_det = self._log_var.sum(axis=1)
        else:
            L = self._scale_tril
            whitened = np.empty_like(residual)
            # Forward substitution, all rows at once.
            for k in range(L.shape[1]):
                known = np.einsum("nj,...nj->...n", L[:, k, :k], whitened[..., :k])
                whitened[..., k] = (residual[..., k] - known) / L[:, k, k]
            log_det = 2.0 * np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1)
        square = np.einsum("...ni,...ni->...n", whitened, whitened)
        return -0.5 * (square + log_det + self._mean.shape[1] * _LOG_2PI)

    def __len__(self):
        return len(self._mean)

    def __getitem__(self, rows):
        """Return the posteriors of some rows: an integer, a slice, a mask or integer indices."""
        if isinstance(rows, tuple):
            raise TypeError("A Posterior is indexed by rows only, with one index.")
        if isinstance(rows, (int, np.integer)):
            if not -len(self) <= rows < len(self):
                raise IndexError(f"Row {rows} is out of range for {len(self)} rows.")
            rows = [rows]
        if self.is_diagonal:
            return Posterior(self._mean[rows], log_var=self._log_var[rows])
        return Posterior(self._mean[rows], scale_tril=self._scale_tril[rows])

    def __repr__(self):
        kind = "diagonal" if self.is_diagonal else "full"
        return (
            f"Posterior(n_samples={len(self)}, n_components={self._mean.shape[1]}, "
            f"covariance={kind!r})"
        )

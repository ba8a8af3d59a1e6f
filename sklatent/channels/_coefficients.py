"""Bhattacharyya coefficients of Gaussians and of hard labels, a row at a time."""

import numpy as np

from sklatent.channels._arrays import as_floats

# Channels whose rows are computed together: small enough for the scratch to stay in the cache.
_TILE_ELEMENTS = 1 << 16

# Variances of one channel that differ by more than a factor of exp(80) would leave float32.
_MAX_LOG_SPREAD = 80.0

# Natural logarithms of variances further from zero than this are outside of all use.
_MAX_LOG_VAR = 200.0

# What means in units of deviations, and deviations, must stay below: their squares are summed.
_MAX_DISTANCE = 1e100

# Means further apart than this many of the smallest deviations are kept in float64.
_MAX_SPAN = 1e3


def bhattacharyya_coefficients(mean, log_var=None, *, covariance=None):
    """Overlap of each pair of Gaussian posteriors.

    The coefficient of two densities is the integral of sqrt(p q): 1 for equal distributions, 0 for
    distributions that can be told apart without error. For Gaussians it is exp(-D) with

        D = 1/8 dm^T S^-1 dm + 1/2 log(det S / sqrt(det S_i det S_j)),    S = (S_i + S_j) / 2

    which for diagonal covariances is a product over dimensions.

    Parameters
    ----------
    mean : array-like of shape (n_samples, n_dimensions)
        Means of the posteriors.

    log_var : array-like of shape (n_samples, n_dimensions), default=None
        Natural logarithms of the variances of diagonal posteriors. Values from -30 to 30, mixed at
        will, keep full precision.

    covariance : array-like of shape (n_samples, n_dimensions, n_dimensions), default=None
        Full covariance matrices instead. Exactly one of `log_var` and `covariance` must be given.

    Returns
    -------
    bc : ndarray of shape (n_samples, n_samples)
        Coefficients in [0, 1] as float64, symmetric, with a diagonal of ones. Smaller means easier
        to tell apart.

    Raises
    ------
    ValueError
        If shapes disagree, a value is not finite or a covariance is not positive definite.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.channels import bhattacharyya_coefficients
    >>> bc = bhattacharyya_coefficients([[0.0], [1.0], [9.0]], np.zeros((3, 1)))
    >>> bc.round(3)
    array([[1.   , 0.882, 0.   ],
           [0.882, 1.   , 0.   ],
           [0.   , 0.   , 1.   ]])
    """
    mean = as_floats(mean, "mean")
    if mean.ndim != 2:
        raise ValueError(
            f"mean must have shape (n_samples, n_dimensions), got {mean.shape}. Give a channel of "
            "one dimension as mean.reshape(-1, 1)."
        )
    log_var = None if log_var is None else as_floats(log_var, "log_var")[None]
    covariance = None if covariance is None else as_floats(covariance, "covariance")[None]
    channels = gaussian_channels(mean[None], log_var, covariance, ("log_var", "covariance"))
    return coefficient_matrix(channels)


def coefficient_matrix(channels):
    """The coefficients of the first of `channels`, of shape (n_samples, n_samples)."""
    n_samples = channels.n_samples
    rows = channels.rows(np.float64)
    bc = np.empty((n_samples, n_samples))
    for sample in range(n_samples):
        rows.fill(sample, bc[sample : sample + 1])
    # The two halves agree to rounding; one of them, mirrored, is symmetric to the last bit.
    bc = np.tril(bc, -1)
    bc += bc.T
    np.fill_diagonal(bc, 1.0)
    return np.minimum(bc, 1.0, out=bc)


def gaussian_channels(mean, log_var, covariance, names=("log_vars", "covariances")):
    """Diagonal or full channels from finite float64 arrays, shapes and variances checked."""
    if (log_var is None) == (covariance is None):
        raise ValueError(
            f"Exactly one of {names[0]} (diagonal) and {names[1]} (full) must be given, got "
            f"{'neither' if log_var is None else 'both'}."
        )
    if mean.shape[1] == 0 or mean.shape[2] == 0:
        raise ValueError(
            f"Channels need at least one sample and one dimension, got {mean.shape[1]} samples in "
            f"{mean.shape[2]} dimensions."
        )
    spread, name = (log_var, names[0]) if covariance is None else (covariance, names[1])
    expected = mean.shape if covariance is None else (*mean.shape, mean.shape[2])
    if spread.shape != expected:
        raise ValueError(
            f"{name} must have shape {expected} to go with means of shape {mean.shape}, got "
            f"{spread.shape}."
        )
    if covariance is None:
        _check_log_spread(log_var, name)
        _check_distance(mean, np.exp(0.5 * log_var.min(axis=(1, 2))))
        return DiagonalChannels(mean, log_var)
    if not np.allclose(covariance, np.swapaxes(covariance, -1, -2), rtol=1e-6):
        raise ValueError(f"{name} must hold symmetric matrices.")
    try:
        scale_tril = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"{name} must hold positive definite matrices, but at least one has an eigenvalue that "
            "is negative or zero: no variance may be negative or zero."
        ) from None
    check_factors(mean, scale_tril)
    return FullChannels(mean, scale_tril)


def check_factors(mean, scale_tril):
    """Refuse Cholesky factors that do not go with means, are none, or leave the range of floats.

    Parameters
    ----------
    mean : ndarray of shape (n_channels, n_samples, width)
        Means.

    scale_tril : ndarray of shape (n_channels, n_samples, width, width)
        What must be lower triangular, with a positive diagonal.

    Raises
    ------
    ValueError
        If it is not.
    """
    if scale_tril.shape != (*mean.shape, mean.shape[2]):
        raise ValueError(
            f"Cholesky factors must have shape {(*mean.shape, mean.shape[2])} to go with means of "
            f"shape {mean.shape}, got {scale_tril.shape}."
        )
    diagonal = np.diagonal(scale_tril, axis1=2, axis2=3)
    if np.triu(scale_tril, 1).any() or diagonal.min() <= 0:
        raise ValueError("Cholesky factors must be lower triangular, with a diagonal above zero.")
    if np.abs(scale_tril).max() > _MAX_DISTANCE or diagonal.min() < 1 / _MAX_DISTANCE:
        raise ValueError(
            f"Deviations must lie between {1 / _MAX_DISTANCE:g} and {_MAX_DISTANCE:g}. Scale "
            "means and covariances together; no coefficient changes by that."
        )
    _check_distance(mean, diagonal.min(axis=(1, 2)))


def _check_distance(mean, smallest):
    """Means further apart than that, in deviations, have squares beyond the range of floats."""
    with np.errstate(over="ignore"):
        distance = np.abs(mean).max(axis=(1, 2)) / smallest
    if not (distance <= _MAX_DISTANCE).all():
        raise ValueError(
            f"A mean is {distance.max():.3g} of the smallest deviations away from zero; at most "
            f"{_MAX_DISTANCE:g} is supported. Look whether the model that made it has diverged."
        )


def _check_log_spread(log_var, name):
    if np.abs(log_var).max(initial=0.0) > _MAX_LOG_VAR:
        raise ValueError(
            f"{name} reaches {log_var.flat[np.abs(log_var).argmax()]:.4g}, but must lie within "
            f"{_MAX_LOG_VAR:g} of zero. It holds natural logarithms of variances, not variances: "
            "clip them, say to [-30, 30]."
        )
    largest = np.ptp(log_var, axis=1).max(initial=0.0)
    if largest > _MAX_LOG_SPREAD:
        raise ValueError(
            f"The values of {name} within one channel span {largest:.4g}, that is variances that "
            f"are zero or infinite beside each other; at most {_MAX_LOG_SPREAD:g} is supported. "
            f"{name} holds natural logarithms of variances, not variances: clip them, say to "
            "[-30, 30]."
        )


class DiagonalChannels:
    """Channels of one width with diagonal Gaussian posteriors.

    `mean` and `log_var` have shape (n_channels, n_samples, width).
    """

    kind = "diagonal"

    def __init__(self, mean, log_var):
        self.mean, self.log_var = mean, log_var
        _, self.n_samples, self.width = mean.shape

    def __len__(self):
        return len(self.mean)

    def arrays(self):
        return {"mean": self.mean, "log_var": self.log_var}

    def standardised(self, dtype):
        """Half the means, variances and deviations, each (width, n_channels, n_samples).

        A coefficient does not change when a dimension is shifted and scaled, so every dimension is
        centred and divided by the geometric mean of its deviations, which keeps narrow types within
        their range.
        """
        centre = self.log_var.mean(axis=1, keepdims=True)
        log_var = self.log_var - centre
        # Narrow posteriors need the most digits, so the weighted mean stays near those.
        weights = np.exp(log_var.min(axis=1, keepdims=True) - log_var)
        origin = np.average(self.mean, axis=1, weights=weights, keepdims=True)
        half_mean = 0.5 * (self.mean - origin) * np.exp(-0.5 * centre)
        # Differences far below the span of the means need more digits than float32 has.
        digits = (
            np.float64 if np.ptp(half_mean) > _MAX_SPAN * np.exp(0.5 * log_var.min()) else dtype
        )
        arrays = (half_mean, digits), (np.exp(log_var), dtype), (np.exp(0.5 * log_var), dtype)
        return [np.array(a.transpose(2, 0, 1), dtype=d, order="C") for a, d in arrays]

    def rows(self, dtype):
        return _DiagonalRows(*self.standardised(dtype))


class _DiagonalRows:
    """Rows of the coefficient matrices of diagonal channels, all channels at once.

    With h half the means, v the variances and s the deviations, each dimension's factor of the
    coefficient is sqrt(2 s_i s_j / (v_i + v_j)) exp(-(h_i - h_j)^2 / (v_i + v_j)).
    """

    def __init__(self, half_mean, var, std):
        self._mean, self._var, self._std = half_mean, var, std

    def fill(self, sample, out):
        """Write the coefficients of `sample` with all samples to `out`, (n_channels, n_samples)."""
        n_channels, n_samples = out.shape
        tile = min(n_channels, max(1, _TILE_ELEMENTS // n_samples))
        scratch = np.empty((3, tile, n_samples), dtype=out.dtype)
        for start in range(0, n_channels, tile):
            part = slice(start, min(start + tile, n_channels))
            exponent, (factor, e, f) = out[part], scratch[:, : part.stop - part.start]
            self._dimension(0, part, sample, exponent, factor)
            for dimension in range(1, len(self._mean)):
                self._dimension(dimension, part, sample, e, f)
                exponent += e
                factor *= f
            np.sqrt(factor, out=factor)
            np.exp(exponent, out=exponent)
            exponent *= factor

    def _dimension(self, dimension, part, sample, exponent, factor):
        mean, var, std = (a[dimension, part] for a in (self._mean, self._var, self._std))
        here = slice(sample, sample + 1)
        np.add(var, var[:, here], out=factor)
        np.divide(-1.0, factor, out=factor)
        np.subtract(mean, mean[:, here], out=exponent, casting="same_kind")
        exponent *= exponent
        exponent *= factor
        factor *= std
        factor *= -2.0 * std[:, here]


class FullChannels:
    """Channels of one width with full-covariance Gaussian posteriors.

    `mean` has shape (n_channels, n_samples, width); `scale_tril` holds the lower Cholesky factors,
    of shape (n_channels, n_samples, width, width).
    """

    kind = "full"

    def __init__(self, mean, scale_tril):
        self.mean, self.scale_tril = mean, scale_tril
        _, self.n_samples, self.width = mean.shape

    def __len__(self):
        return len(self.mean)

    def arrays(self):
        return {"mean": self.mean, "scale_tril": self.scale_tril}

    def rows(self, dtype):
        return _FullRows(self.mean, self.scale_tril)


class _FullRows:
    """Rows of the coefficient matrices of full-covariance channels, always in float64."""

    def __init__(self, mean, scale_tril):
        self._mean = mean
        self._covariance = scale_tril @ np.swapaxes(scale_tril, -1, -2)
        self._half_log_det = np.log(np.diagonal(scale_tril, axis1=2, axis2=3)).sum(axis=2)

    def fill(self, sample, out):
        """Write the coefficients of `sample` with all samples to `out`, (n_channels, n_samples)."""
        for channel, row in enumerate(out):
            mean, covariance = self._mean[channel], self._covariance[channel]
            half_log_det = self._half_log_det[channel]
            factor = np.linalg.cholesky(0.5 * (covariance + covariance[sample]))
            difference = (mean - mean[sample])[..., None]
            whitened = np.linalg.solve(factor, difference)[..., 0]
            log_det = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
            distance = np.einsum("nd,nd->n", whitened, whitened) / 8.0
            distance += log_det - 0.5 * (half_log_det + half_log_det[sample])
            np.exp(-distance, out=distance)
            row[:] = distance


class LabelChannels:
    """Hard clusterings: samples with the same label cannot be told apart, others always can.

    `labels` has shape (n_channels, n_samples) and holds integers.
    """

    kind = "labels"
    width = 1

    def __init__(self, labels):
        self.labels = labels
        self.n_samples = labels.shape[1]

    def __len__(self):
        return len(self.labels)

    def arrays(self):
        return {"labels": self.labels}

    def rows(self, dtype):
        return self

    def fill(self, sample, out):
        """Write the coefficients of `sample` with all samples to `out`, (n_channels, n_samples)."""
        np.equal(self.labels, self.labels[:, sample : sample + 1], out=out, casting="unsafe")


def take_channels(channels, indices):
    """The channels of one block at `indices`, in that order."""
    return type(channels)(*(array[indices] for array in channels.arrays().values()))


def select_channels(blocks, indices):
    """The channels at `indices` of all in `blocks`, in that order, as blocks."""
    starts = np.cumsum([0] + [len(block) for block in blocks])
    owner = np.searchsorted(starts, indices, side="right") - 1
    # A block for each run of channels that lie in the same block, so that the order is kept.
    edges = np.flatnonzero(np.diff(owner)) + 1
    runs, owners = np.split(indices, edges), owner[np.r_[0, edges]]
    return [take_channels(blocks[o], run - starts[o]) for o, run in zip(owners, runs, strict=True)]


def reorder_samples(channels, orders):
    """Channel k with its samples in the order `orders[k]`, of shape (n_channels, n_samples)."""
    rows = np.arange(len(channels))[:, None]
    return type(channels)(*(array[rows, orders] for array in channels.arrays().values()))


def merge_channels(blocks):
    """Neighbouring blocks of the same kind and width as one, since rows are computed by block."""
    merged = []
    for block in blocks:
        last = merged[-1] if merged else None
        if last is not None and (last.kind, last.width) == (block.kind, block.width):
            pairs = zip(last.arrays().values(), block.arrays().values(), strict=True)
            merged[-1] = type(block)(*(np.concatenate(pair) for pair in pairs))
        else:
            merged.append(block)
    lengths = {block.n_samples for block in merged}
    if len(lengths) > 1:
        raise ValueError(f"All channels must speak about the same samples, got {sorted(lengths)}.")
    return merged

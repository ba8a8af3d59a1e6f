"""How much a latent space changes between data sets, labs and training runs."""

import numpy as np
from scipy.linalg import polar
from sklearn.utils import Bunch
from sklearn.utils.validation import _check_sample_weight, check_consistent_length

from sklatent._utils.arrays import to_numbers
from sklatent._utils.options import check_options
from sklatent.metrics._blocks import Columns, binary_exponent
from sklatent.metrics._elsewhere import condensed
from sklatent.metrics._validation import (
    active_columns,
    check_codes,
    check_finite,
    check_latents,
)


@check_options()
def latent_space_distortion(Z, Z_target, *, sample_weight=None, return_map=False):
    """Mean squared residual of the best affine map from one latent space to another.

    .. math:: LSD = \\min_{A, b} \\frac{1}{n} \\sum_i \\|A z_i + b - z'_i\\|^2

    (equation 2), by least squares with an intercept over all rows. It is never negative, is zero
    if the spaces are the same up to an affine map, and is at most the total variance of
    `Z_target`, whose squared units it has; smaller is better. It is not symmetric.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        Latents of the samples in the space to be judged.

    Z_target : array-like of shape (n_samples, n_targets)
        Latents of the same samples, in the same order, in the reference space.

    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples, in the fit and in the mean. None is equal weights.

    return_map : bool, default=False
        Whether to return the map as well.

    Returns
    -------
    distortion : float
        Mean squared norm of the residuals.

    A : ndarray of shape (n_targets, n_components)
        Linear part of the best map; of minimum norm where it is not unique. Only returned if
        `return_map` is true.

    b : ndarray of shape (n_targets,)
        Its bias. Only returned if `return_map` is true.

    Raises
    ------
    ValueError
        If lengths differ, entries are not finite, weights are negative, or there are no more
        samples of positive weight than components plus one, so that a perfect map always exists.

    Notes
    -----
    To judge several groups of samples by one map, fit on all of them with `return_map=True` and
    average the squared residuals within each group. Divided by the total variance of `Z_target`
    the distortion is the fraction of variance the map does not explain.

    References
    ----------
    M. Martinez, J. Pearson, "Reproducible, incremental representation learning with Rosetta VAE",
    2022, equation 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import latent_space_distortion
    >>> Z = np.random.default_rng(0).normal(size=(100, 2))
    >>> turned = Z @ np.array([[0.0, 2.0], [-1.0, 0.5]]) + 3.0
    >>> bool(latent_space_distortion(Z, turned) < 1e-20)
    True
    """
    if sample_weight is None:
        Z, Z_target = condensed([Z, Z_target], ["Z", "Z_target"])
    Z, eps = check_finite(Z, "Z")
    Z_target, target_eps = check_finite(Z_target, "Z_target")
    check_consistent_length(Z, Z_target)
    if sample_weight is not None and not np.isscalar(sample_weight):
        sample_weight = to_numbers(sample_weight, "sample_weight")
    weight = _check_sample_weight(sample_weight, Z, dtype=np.float64, ensure_non_negative=True)
    n_effective = int((weight > 0).sum())
    if n_effective <= Z.shape[1] + 1:
        raise ValueError(
            f"An affine map from {Z.shape[1]} components fits any {Z.shape[1] + 1} samples "
            f"perfectly, so the distortion needs more than that, got {n_effective} samples of "
            "positive weight."
        )
    weight = weight / weight.max()
    weight /= weight.sum()
    source = Columns(Z, eps, weight, common=False)
    target = Columns(Z_target, target_eps, weight)
    A, residual = _least_squares(source, target)
    scale = target.exponent[0]
    with np.errstate(over="ignore"):
        distortion = float(np.ldexp(np.sum(residual**2), 2 * scale))
    if not np.isfinite(distortion):
        raise ValueError(
            "The squared distortion is beyond the range of float64. Divide Z_target by a constant."
        )
    if not return_map:
        return distortion
    b = target.center + target.shift - A @ (source.center + source.shift)
    A = np.ldexp(A, scale - source.exponent)
    if source.rank < Z.shape[1]:
        # Of minimum norm in the units given, not in those of the computation.
        null = np.linalg.qr(np.ldexp(source.null, -source.exponent[:, None]))[0]
        A = A - (A @ null) @ null.T
        center = np.ldexp(source.center + source.shift, source.exponent)
        return distortion, A, np.ldexp(target.center + target.shift, scale) - A @ center
    return distortion, A, np.ldexp(b, scale)


def _least_squares(source, target):
    """Return the best linear map and the triangle whose squares add up to its residual's.

    The rows are folded into a triangle, a block at a time, which is as accurate as working on all
    of them; its columns are then scaled to one, so that no unit decides what counts as rank.
    """
    d = source.array.shape[1]
    triangle = np.empty((0, d + target.array.shape[1]))
    for rows, z in source.blocks():
        block = np.hstack([z, target[rows]]) * np.sqrt(source.weight[rows])[:, None]
        triangle = np.linalg.qr(np.vstack([triangle, block]), mode="r")
    norms = np.linalg.norm(triangle[:, :d], axis=0)
    norms = np.where(norms > 0, norms, 1.0)
    U, values, Vt = np.linalg.svd(triangle[:, :d] / norms, full_matrices=True)
    cutoff = 16 * max(d, 4) * np.finfo(np.float64).eps
    rank = int((values > cutoff * values[0]).sum()) if values[0] > 0 else 0
    wanted = triangle[:, d:]
    reduced = (U[:, :rank].T @ wanted) / values[:rank, None]
    A = (Vt[:rank].T @ reduced / norms[:, None]).T
    source.rank, source.null = rank, Vt[rank:].T / norms[:, None]
    return A, wanted - U[:, :rank] @ (U[:, :rank].T @ wanted)


def linear_map_distortion(A):
    """Spectrum of a linear map and its distance from the identity.

    The map is written A = U P with U orthogonal and P symmetric and positive semi-definite (polar
    decomposition). A flat spectrum of P means that the map does not stretch the space unevenly. The
    distance is the Frobenius norm of A / sigma_max - I with sigma_max the largest eigenvalue of P:
    zero for a positive multiple of the identity, smaller is better; rotating, flipping and uneven
    stretching all count. It is at most 2 sqrt(n).

    Parameters
    ----------
    A : array-like of shape (n, n)
        Linear part of a map between latent spaces of equal size, such as
        :func:`latent_space_distortion` returns.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        spectrum : ndarray of shape (n,)
            Eigenvalues of P in decreasing order, the singular values of A.
        distance : float
            Frobenius norm of A / sigma_max - I.
        rotation : ndarray of shape (n, n)
            The orthogonal factor U.
        stretch : ndarray of shape (n, n)
            The symmetric factor P.

    Raises
    ------
    ValueError
        If `A` is not square, not finite, or zero.

    References
    ----------
    M. Martinez, J. Pearson, "Reproducible, incremental representation learning with Rosetta VAE",
    2022, appendix I. The paper does not name the norm; Frobenius is our reading.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import linear_map_distortion
    >>> result = linear_map_distortion(np.diag([2.0, 1.0]))
    >>> result.spectrum
    array([2., 1.])
    >>> result.distance
    0.5
    """
    A = check_codes(A, "A", min_samples=1)
    if A.shape[0] != A.shape[1]:
        raise ValueError(
            f"A must be a square matrix, got shape {A.shape}: a map between spaces of different "
            "sizes has no distance from the identity."
        )
    if not A.any():
        raise ValueError("A is zero, so it cannot be scaled to a largest singular value of one.")
    exponent = binary_exponent(A)
    A = np.ldexp(A, -exponent)
    rotation, stretch = polar(A)
    spectrum = np.linalg.svd(A, compute_uv=False)
    distance = float(np.linalg.norm(A / spectrum[0] - np.eye(len(A))))
    spectrum, stretch = np.ldexp(spectrum, exponent), np.ldexp(stretch, exponent)
    return Bunch(spectrum=spectrum, distance=distance, rotation=rotation, stretch=stretch)


def _relative_coordinates(Z):
    """Whiten the active components by the latents' own covariance, pooled over runs."""
    centered = Z - Z.mean(axis=1, keepdims=True)
    flat = centered.reshape(-1, Z.shape[2])
    covariance = flat.T @ flat / (len(Z) * (Z.shape[1] - 1))
    active = active_columns(np.diag(covariance))
    if not active.any():
        raise ValueError("latents do not vary over the samples, so nothing is active in them.")
    factor = np.linalg.cholesky(covariance[np.ix_(active, active)])
    return np.linalg.solve(factor, Z[:, :, active].reshape(-1, active.sum()).T).T.reshape(
        *Z.shape[:2], -1
    )


def _log_volumes(Z, degenerate, eps):
    """Log determinant of the covariance across runs for each sample; `Z` (n_runs, n, d)."""
    n_runs, _, n_components = Z.shape
    if n_runs <= n_components and degenerate == "raise":
        raise ValueError(
            f"The covariance of {n_components} components over {n_runs} runs is singular, so its "
            f"log determinant is minus infinity. Retrain at least {n_components + 1} times, or "
            "pass degenerate='pseudo' for the pseudo-determinant over n_runs - 1 eigenvalues."
        )
    n_values = min(n_runs - 1, n_components)
    across = np.swapaxes(Z - Z.mean(axis=0), 0, 1)
    # Scaling the columns to one leaves the full determinant exact and its rank plain to see. A
    # pseudo-determinant depends on the units, so it can only be scaled as a whole.
    magnitude = np.abs(Z).max(axis=(0, 1))
    if n_values < n_components:
        magnitude = np.full(n_components, magnitude.max())
    magnitude = np.where(magnitude > 0, magnitude, 1.0)
    values = np.linalg.svd(across / magnitude, compute_uv=False)[:, :n_values]
    rounding = eps * np.sqrt(n_runs * n_components)
    n_flat = int((values[:, -1] <= rounding).sum())
    if n_flat:
        raise ValueError(
            f"For {n_flat} of {len(values)} samples the runs agree to rounding in some direction, "
            "so the log determinant is minus infinity: identical runs, or a component that never "
            "varies. Drop such components or compare runs with different seeds."
        )
    log_scale = 2 * np.log(magnitude)
    shift = log_scale.sum() if n_values == n_components else n_values * log_scale[0]
    return 2 * np.log(values).sum(axis=1) - n_values * np.log(n_runs - 1) + shift


@check_options()
def retraining_variability(latents, *, degenerate="raise", relative=False, return_samples=False):
    """Mean log volume of the scatter of each sample's latents over training runs.

    .. math:: RV = \\frac{1}{n} \\sum_i \\log \\det C_i

    with C_i the covariance (divisor n_runs - 1) of the latents of sample i over runs (equation 3).
    Any real number, in natural logarithms; smaller is better. RV falls by 2 n_components log s when
    all latents shrink by a factor s, so that alone it rewards collapse: report the relative form
    beside it.

    Parameters
    ----------
    latents : array-like of shape (n_runs, n_samples, n_components)
        Latents of the same samples in several training runs.

    degenerate : {"raise", "pseudo"}, default="raise"
        What to do with no more runs than components, when every C_i is singular and its log
        determinant minus infinity (in floating point: finite noise). `"raise"` is an error,
        `"pseudo"` takes the pseudo-determinant, the product of the n_runs - 1 largest
        eigenvalues, which is comparable only at equal n_runs and n_components.

    relative : bool, default=False
        Whether to measure volumes relative to that of the latent space itself: RV minus the log
        determinant of the latents' own covariance over samples (pooled over runs), both over the
        active components, those with more than a hundredth of the largest pooled variance. It does
        not change under a linear map common to all runs, so collapse cannot improve it. It is about
        zero for many runs that have nothing in common, and negative for reproducible ones; with
        hardly more runs than components it is biased down (unrelated Gaussian latents of 8
        components have -6.8 over 10 runs), for all models alike.

    return_samples : bool, default=False
        Whether to return the log volume of each sample as well, for quantiles over samples.

    Returns
    -------
    variability : float
        Mean log volume over samples.

    log_volumes : ndarray of shape (n_samples,)
        Log volume of each sample, whose mean is `variability`. Only returned if `return_samples` is
        true.

    Raises
    ------
    ValueError
        If there are too few runs (see `degenerate`), or the runs agree exactly in some direction.

    Notes
    -----
    Whether the covariance is singular is decided by the number of runs, not by its computed
    eigenvalues, which rounding keeps from being zero.

    References
    ----------
    M. Martinez, J. Pearson, "Reproducible, incremental representation learning with Rosetta VAE",
    2022, equation 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import retraining_variability
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(500, 2))
    >>> runs = Z + 0.1 * rng.normal(size=(20, 500, 2))
    >>> retraining_variability(runs)
    -9.40
    >>> bool(
    ...     abs(
    ...         retraining_variability(runs, relative=True)
    ...         - retraining_variability(0.01 * runs, relative=True)
    ...     )
    ...     < 1e-9
    ... )
    True
    """
    if not isinstance(degenerate, str) or degenerate not in ("raise", "pseudo"):
        raise ValueError(f"degenerate must be 'raise' or 'pseudo', got {degenerate!r}.")
    latents = latents if hasattr(latents, "__len__") else [latents]
    single = all(getattr(Z, "dtype", None) == np.float32 for Z in latents)
    Z = np.stack(check_latents(latents))
    # Kept in range, and put back as a shift of the logarithms.
    exponent = 0 if not Z.any() else binary_exponent(Z)
    Z = np.ldexp(Z, -exponent)
    if relative:
        Z, exponent = _relative_coordinates(Z), 0
    log_volumes = _log_volumes(Z, degenerate, np.finfo(np.float32 if single else np.float64).eps)
    n_values = min(len(Z) - 1, Z.shape[2])
    log_volumes = log_volumes + 2 * n_values * exponent * np.log(2)
    variability = float(log_volumes.mean())
    return (variability, log_volumes) if return_samples else variability

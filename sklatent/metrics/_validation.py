"""Input checks shared by the metrics."""

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_array, check_consistent_length

from sklatent._utils.arrays import to_numbers
from sklatent._utils.random import local_random_state
from sklatent.metrics._blocks import row_blocks

_EPS = np.finfo(np.float64).eps
# Beyond this, classifiers that take the codes as they are stall.
_LARGEST = 1e15


def check_codes(codes, name="codes", *, min_samples=2, min_components=1):
    """Return `codes` as a finite float64 array of shape (n_samples, n_components).

    Columns that are constant up to the rounding of their own type become constant: the jitter of a
    collapsed component of a float32 network would have ranks, bins and correlations.
    """
    codes, eps = check_finite(codes, name, min_samples=min_samples, min_components=min_components)
    narrow = eps > _EPS
    codes = codes.astype(np.float64, copy=False)
    if narrow:
        constant = is_constant(codes, eps)
        if constant.any():
            codes[:, constant] = codes[0, constant]
    return codes


def check_finite(codes, name, *, min_samples=2, min_components=1):
    """Return `codes` as finite numbers of their own type, without a copy, and their rounding."""
    codes = check_array(
        to_numbers(codes, name),
        dtype="numeric",
        ensure_min_samples=min_samples,
        ensure_min_features=min_components,
        input_name=name,
    )
    codes = codes.astype(np.float64) if codes.dtype.kind == "b" else codes
    narrow = codes.dtype.kind == "f" and codes.dtype.itemsize < 8
    return codes, np.finfo(codes.dtype if narrow else np.float64).eps


def refuse_extreme(codes, metric):
    """Refuse codes on whose scale a metric depends, and in which its classifier sees nothing."""
    huge = np.abs(codes).max() > _LARGEST
    largest = np.inf if huge else np.abs(codes - codes.mean(axis=0)).max()
    if huge or (largest < 1 / _LARGEST and not is_constant(codes).all()):
        raise ValueError(
            f"codes hold values up to {np.abs(codes).max():.3g}, which vary by {largest:.3g}, but "
            f"{metric} trains a classifier on them as they are, which needs values between "
            f"{1 / _LARGEST:.0e} and {_LARGEST:.0e}. Standardise the codes first, for example with "
            "sklearn.preprocessing.StandardScaler."
        )


def _n_dims(values):
    return to_numbers(values, "latents").ndim


def check_latents(latents, *, min_models=2, same_width=True):
    """Return latents of several models on the same samples, as a list of float64 arrays.

    `latents` is an array of shape (n_models, n_samples, n_components) or a sequence of
    two-dimensional arrays.
    """
    if np.ma.is_masked(latents):
        raise ValueError("latents have masked entries. Fill them, or leave their rows out.")
    if not hasattr(latents, "__len__") or isinstance(latents, (str, bytes, dict)):
        raise TypeError(f"latents must be arrays, one for each model, got {latents!r:.80}.")
    if not len(latents) or (getattr(latents[0], "ndim", None) != 2 and _n_dims(latents[0]) != 2):
        raise ValueError(
            "latents must have shape (n_models, n_samples, n_components), or be a sequence of "
            "arrays of shape (n_samples, n_components), one for each model."
        )
    checked = [check_codes(Z, f"latents[{i}]") for i, Z in enumerate(latents)]
    if len(checked) < min_models:
        raise ValueError(
            f"latents must hold at least {min_models} models to compare, got {len(checked)}."
        )
    check_consistent_length(*checked)
    widths = {Z.shape[1] for Z in checked}
    if same_width and len(widths) > 1:
        raise ValueError(
            f"All models must have the same number of components, got {sorted(widths)}."
        )
    return checked


# A component is active if its variance is more than this fraction of the most active one's.
_ACTIVE_FRACTION = 0.01


def active_columns(variances):
    """Which components are active, whatever the scale of the latents; none if all are constant."""
    return variances > _ACTIVE_FRACTION * variances.max()


def is_constant(values, eps=_EPS):
    """Whether each column is constant up to rounding.

    The standard deviation of a column of n equal numbers is not exactly zero in floating point: it
    is of the order of the rounding of their mean.
    """
    largest = np.maximum(values.max(axis=0), -values.min(axis=0))
    # Relative to a power of two, so that squares neither overflow nor vanish.
    exponent = np.frexp(largest)[1]
    mean, variance = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for rows in row_blocks(*values.shape):
        mean += np.ldexp(values[rows], -exponent).sum(axis=0) / len(values)
    for rows in row_blocks(*values.shape):
        variance += ((np.ldexp(values[rows], -exponent) - mean) ** 2).sum(axis=0) / len(values)
    return np.sqrt(variance) <= 10 * eps * np.ldexp(largest, -exponent)


def split_samples(codes, factors, test_size, random_state):
    """Split rows; every factor must vary on both sides."""
    # Given None itself, scikit-learn would draw from the global generator.
    rng = local_random_state(random_state)
    split = train_test_split(codes, factors, test_size=test_size, random_state=rng)
    for part, name in ((split[2], "training"), (split[3], "test")):
        for j, column in enumerate(part.T):
            if (column == column[0]).all():
                raise ValueError(
                    f"Factor {j} takes one value only in the {name} part of {len(part)} samples: "
                    "there are too few samples to judge it. Pass more, or drop the factor."
                )
    return split

"""Input checks shared by the metrics."""

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_array, check_consistent_length

from sklatent._utils.random import local_random_state

_EPS = np.finfo(np.float64).eps


def check_codes(codes, name="codes", *, min_samples=2, min_components=1):
    """Return `codes` as a finite float64 array of shape (n_samples, n_components).

    Columns that are constant up to the rounding of their own type become constant: the jitter of a
    collapsed component of a float32 network would have ranks, bins and correlations.
    """
    codes = check_array(
        codes,
        dtype="numeric",
        ensure_min_samples=min_samples,
        ensure_min_features=min_components,
        input_name=name,
    )
    narrow = codes.dtype.kind == "f" and codes.dtype.itemsize < 8
    eps = np.finfo(codes.dtype if narrow else np.float64).eps
    codes = codes.astype(np.float64, copy=False)
    constant = is_constant(codes, eps)
    if narrow and constant.any():
        codes[:, constant] = codes[0, constant]
    return codes


def check_latents(latents, *, min_models=2, same_width=True):
    """Return latents of several models on the same samples, as a list of float64 arrays.

    `latents` is an array of shape (n_models, n_samples, n_components) or a sequence of
    two-dimensional arrays.
    """
    if np.ndim(latents[0] if len(latents) else latents) != 2:
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


def _factor_columns(factors, n_samples, min_factors):
    """Yield index and values of each column, its own type restored, without missing values."""
    if hasattr(factors, "to_numpy"):
        factors = factors.to_numpy()
    factors = np.asarray(factors)
    if factors.ndim == 1:
        factors = factors[:, None]
    if factors.ndim != 2:
        raise ValueError(f"factors must have shape (n_samples, n_factors), got {factors.shape}.")
    if len(factors) != n_samples:
        raise ValueError(
            f"codes and factors must have the same number of rows, got {n_samples} and "
            f"{len(factors)}."
        )
    if factors.shape[1] < min_factors:
        raise ValueError(
            f"This metric compares factors and needs at least {min_factors}, got "
            f"{factors.shape[1]}."
        )
    for j, column in enumerate(factors.T):
        if column.dtype.kind == "O":
            column = np.array(column.tolist())
        if column.dtype.kind not in "biufUS":
            raise ValueError(f"Factor {j} holds missing values or values of several types.")
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            raise ValueError(f"Factor {j} contains NaN or infinity.")
        yield j, column


def _refuse_constant(j, n_values):
    if n_values < 2:
        raise ValueError(
            f"Factor {j} takes one value only, so nothing can be said about it. Drop the column or "
            "take samples in which it varies."
        )


def encode_factors(factors, n_samples, *, min_factors=1):
    """Return discrete factors as integers 0, 1, ..., of shape (n_samples, n_factors)."""
    encoded = []
    for j, column in _factor_columns(factors, n_samples, min_factors):
        values, codes = np.unique(column, return_inverse=True)
        _refuse_constant(j, len(values))
        fractional = values.dtype.kind == "f" and np.any(values != np.floor(values))
        if fractional and len(values) > n_samples / 2:
            raise ValueError(
                f"Factor {j} takes {len(values)} different values in {n_samples} samples, so it is "
                "not discrete as this metric expects. Bin it first, for example with "
                "sklearn.preprocessing.KBinsDiscretizer(encode='ordinal')."
            )
        encoded.append(codes.reshape(-1))
    return np.column_stack(encoded)


def numeric_factors(factors, n_samples, *, min_factors=1):
    """Return continuous factors as a float64 array of shape (n_samples, n_factors)."""
    numeric = []
    for j, column in _factor_columns(factors, n_samples, min_factors):
        if column.dtype.kind in "US":
            raise ValueError(f"Factor {j} holds strings, but a continuous factor holds numbers.")
        _refuse_constant(j, len(np.unique(column)))
        numeric.append(column.astype(np.float64))
    return np.column_stack(numeric)


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
    largest = np.abs(values).max(axis=0)
    return values.std(axis=0) <= 10 * eps * largest


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

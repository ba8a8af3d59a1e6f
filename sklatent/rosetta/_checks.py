"""What anchors may be made of, and when two sets of them are the same."""

import copy
import numbers

import numpy as np

from sklatent._posterior import Posterior, as_float_array, check_finite
from sklatent._utils.arrays import listed


def check_array(array, name, shape):
    array = np.array(as_float_array(array, name))
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"{name} must have shape {shape} with at least one row and one column, got "
            f"{array.shape}. Images are flattened, one row each."
        )
    check_finite(array, name)
    return array


def check_posterior(posterior, Z):
    if posterior is None:
        return None
    if not isinstance(posterior, Posterior):
        raise TypeError(
            f"posterior must be a Posterior, as encode returns it; got {type(posterior).__name__}."
        )
    if not has_means(posterior, Z):
        raise ValueError(
            f"posterior, with means of shape {posterior.mean.shape}, must have Z, of shape "
            f"{Z.shape}, as its means; these are of other samples or of another model."
        )
    name = "log_var" if posterior.is_diagonal else "scale_tril"
    return Posterior(Z, **{name: getattr(posterior, name)})


def has_means(posterior, Z):
    """Whether Z are the posterior's means, up to what batches change in single precision."""
    if posterior is None or posterior.mean.shape != Z.shape:
        return False
    return np.allclose(posterior.mean, Z, rtol=1e-3, atol=1e-3 * np.abs(Z).max())


def check_preprocessing(preprocessing, n_features):
    if preprocessing is None:
        return None
    if isinstance(preprocessing, str):
        preprocessing = {"note": preprocessing}
    if not isinstance(preprocessing, dict) or any(
        not isinstance(key, str) for key in preprocessing
    ):
        raise TypeError(
            'preprocessing must be a string or a dict such as {"center": 0.0, "scale": 16.0}, got '
            f"{preprocessing!r}."
        )
    checked = {}
    for key, value in preprocessing.items():
        if isinstance(value, str):
            checked[key] = value
            continue
        array = np.array(as_float_array(value, f"preprocessing[{key!r}]"))
        check_finite(array, f"preprocessing[{key!r}]")
        if key in ("center", "scale"):
            if array.shape not in ((), (1,), (n_features,)):
                raise ValueError(
                    f"preprocessing[{key!r}] must be a number or have one for each of the "
                    f"{n_features} features of X, got shape {array.shape}."
                )
            array = np.array(np.broadcast_to(array, n_features), dtype=np.float64)
            if key == "scale" and not array.all():
                raise ValueError(
                    "preprocessing['scale'] must not be zero: inputs are divided by it."
                )
        checked[key] = array
    return checked


def check_n_points(n_points, n_samples):
    whole = isinstance(n_points, numbers.Integral) and not isinstance(n_points, (bool, np.bool_))
    if not whole or not 1 <= n_points <= n_samples:
        raise ValueError(
            f"n_points must be an integer from 1 to the number of samples, {n_samples}, since each "
            f"anchor is a different sample; got {n_points!r}."
        )


def check_held_out_share(held_out):
    if not isinstance(held_out, numbers.Real) or not 0 <= held_out < np.inf:
        raise ValueError(
            f"held_out must be a number, 0 or more: how many further anchors there are for each of "
            f"n_points; got {held_out!r}."
        )


def check_encoded(encoded, Z):
    encoded = check_array(encoded, "encoded", "(n_points, n_components)")
    if encoded.shape != Z.shape:
        raise ValueError(
            f"encoded is where a model encodes X, so it must have the shape of Z, {Z.shape}; got "
            f"{encoded.shape}."
        )
    return encoded


def check_decoded(decoded, X):
    decoded = check_array(decoded, "decoded", "(n_points, n_features)")
    if decoded.shape != X.shape:
        raise ValueError(
            f"decoded is what a model decodes at Z, so it must have the shape of X, {X.shape}; got "
            f"{decoded.shape}."
        )
    return decoded


def check_held_out(held_out, points):
    """Anchors to judge by, the columns' names those of the anchors to train on."""
    if held_out is None:
        return None
    if type(held_out) is not type(points):
        raise TypeError(f"held_out must be RosettaPoints, got {type(held_out).__name__}.")
    widths = [(p.X.shape[1], p.Z.shape[1]) for p in (held_out, points)]
    if widths[0] != widths[1]:
        raise ValueError(
            "held_out must be anchors of the same features and components; their numbers are "
            f"{widths[0]}, and the anchors' {widths[1]}."
        )
    held_out = copy.copy(held_out.for_features(points.feature_names))
    held_out.feature_names, held_out.held_out = points.feature_names, None
    held_out.preprocessing, held_out.steps = None, None
    return held_out


def same_points(a, b):
    """Whether anchors are equal by content."""
    return (
        _same(a.X, b.X)
        and _same(a.Z, b.Z)
        and _same_posteriors(a.posterior, b.posterior)
        and _same_preprocessing(a.preprocessing, b.preprocessing)
        and a.content_hash == b.content_hash
    )


def _same(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b)


def _same_posteriors(a, b):
    if a is None or b is None:
        return a is b
    if a.is_diagonal != b.is_diagonal:
        return False
    name = "log_var" if a.is_diagonal else "scale_tril"
    return _same(getattr(a, name), getattr(b, name))


def _same_preprocessing(a, b):
    if a is None or b is None:
        return a is b
    if a.keys() != b.keys():
        return False
    return all(_same(np.asarray(a[key]), np.asarray(b[key])) for key in a)


def check_feature_names(names, n_features):
    """Names of the inputs as an array, or None."""
    if names is None:
        return None
    names = check_names(names, "feature_names")
    if len(names) != n_features:
        raise ValueError(
            f"feature_names must be one for each of the {n_features} features of X; got "
            f"{len(names)}."
        )
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if list(names).count(name) > 1})
        raise ValueError(f"feature_names must all be different; twice there are {_listed(twice)}.")
    return names


def check_names(names, called):
    """Names as an array of strings."""
    one = isinstance(names, (str, bytes, dict))
    names = [names] if one else listed(names, called, "strings")
    if one or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{called} must be strings, one for each feature of X.")
    return np.array(names, dtype=object)


def positions(wanted, given, of):
    """Where each of the wanted names stands among the given ones; all must be there.

    Parameters
    ----------
    wanted, given : array-like of str
        Names.
    of : str
        What lacks a name that is not given, for the error.
    """
    where = {name: i for i, name in enumerate(given)}
    missing = [name for name in wanted if name not in where]
    if missing:
        raise ValueError(
            f"{of} lacks {len(missing)} of the {len(wanted)} features: {_listed(missing)}. "
            "Columns are matched by name, in whatever order they come; rename them, or bring the "
            "missing ones."
        )
    return np.array([where[name] for name in wanted], dtype=np.intp)


def _listed(names):
    shown = ", ".join(repr(str(name)) for name in names[:20])
    return shown + (", ..." if len(names) > 20 else "")

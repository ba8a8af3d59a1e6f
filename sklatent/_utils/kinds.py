"""What learned attributes are: kinds and shapes in one line each, and the check against them.

A line such as ``"float[n_targets_, n_features_in_] | none"`` reads: an array of finite floats of
that shape, or None. In shapes, a name is another attribute or parameter where there is one, and
otherwise any size, which is the same wherever the name stands; ``...`` is any shape. A ``*`` in
front says a list of such values, a ``?`` at the end that the attribute may be absent.
"""

import re

import numpy as np
from sklearn.base import BaseEstimator

_KIND = re.compile(r"(\*?)(\w+)(?:\[(.*)\])?")
_DTYPES = {
    "float": "f",
    "positive": "f",
    "real": "f",
    "int": "iu",
    "bool": "b",
    "text": "OU",
    "any": "biufOU",
    "objects": "O",
}


def is_optional(line):
    """Whether an attribute of that line may be absent."""
    return line.endswith("?")


def check(name, value, line, sizes):
    """Check one attribute against its line.

    Parameters
    ----------
    name : str
        What to call it in the error.
    value : object
        The attribute.
    line : str
        Its kinds and shapes.
    sizes : dict of str to int
        What names in shapes stand for; sizes seen first are added.

    Raises
    ------
    ValueError
        If it is nothing that the line says.
    """
    reasons = []
    for choice in line.rstrip("?").split("|"):
        listed, kind, shape = _KIND.fullmatch(choice.strip()).groups()
        values = value if listed else [value]
        if not isinstance(values, list):
            reasons.append("it is no list")
            continue
        proposed = dict(sizes)
        reason = next(filter(None, (_mismatch(v, kind, shape, proposed) for v in values)), None)
        if reason is None:
            sizes.update(proposed)
            return
        reasons.append(reason)
    raise ValueError(f"{name} should be {line.rstrip('?')}: {'; '.join(reasons)}")


def _mismatch(value, kind, shape, sizes):
    """Why a value is not of a kind and shape, or None."""
    if shape is not None:
        return _array_mismatch(value, kind, shape, sizes)
    if _SCALARS[kind](value):
        return None
    return f"a {type(value).__name__} is no {kind}"


def _array_mismatch(value, kind, shape, sizes):
    if not isinstance(value, np.ndarray) or value.dtype.kind not in _DTYPES[kind]:
        return f"a {type(value).__name__} is no array of {kind}"
    if kind == "text" and not all(isinstance(item, str) for item in value.flat):
        return "not all are text"
    if kind == "positive" and not (value > 0).all():
        return "not all are positive"
    if kind in ("float", "positive") and value.dtype.kind == "f" and not np.isfinite(value).all():
        return "not all are finite"
    if shape == "...":
        return None
    names = [part.strip() for part in shape.split(",") if part.strip()]
    if value.ndim != len(names):
        return f"it has shape {value.shape}"
    for name, size in zip(names, value.shape, strict=True):
        expected = int(name) if name.isdigit() else sizes.setdefault(name, size)
        if size != expected:
            return f"it has shape {value.shape}, but {name} is {expected}"
    return None


def _is_int(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_real(value):
    return _is_int(value) or isinstance(value, (float, np.floating))


def _is_history(value):
    """A list of rows, each a few named numbers."""
    return isinstance(value, list) and all(
        isinstance(row, dict) and all(isinstance(k, str) and _is_plain(v) for k, v in row.items())
        for row in value
    )


def _is_plain(value):
    return isinstance(value, (bool, str)) or value is None or _is_real(value)


def _is_text_list(value):
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_slices(value):
    return isinstance(value, dict) and all(
        isinstance(k, str) and isinstance(v, slice) for k, v in value.items()
    )


def _is_positions(value):
    return isinstance(value, dict) and all(
        isinstance(k, str) and isinstance(v, list) and all(map(_is_int, v))
        for k, v in value.items()
    )


def _is_named(class_name):
    return lambda value: type(value).__name__ == class_name


_SCALARS = {
    "none": lambda value: value is None,
    "flag": lambda value: isinstance(value, (bool, np.bool_)),
    "count": lambda value: _is_int(value) and value >= 0,
    "integer": _is_int,
    "number": lambda value: _is_real(value) and bool(np.isfinite(value)),
    "anynumber": _is_real,
    "word": lambda value: isinstance(value, str),
    "words": _is_text_list,
    "history": _is_history,
    "slices": _is_slices,
    "positions": _is_positions,
    "missing": lambda value: (
        isinstance(value, dict) and all(_is_int(k) and _is_int(v) for k, v in value.items())
    ),
    "output": lambda value: (
        isinstance(value, dict)
        and value.keys() <= {"transform"}
        and all(v in ("default", "pandas", "polars") for v in value.values())
    ),
    "estimator": lambda value: isinstance(value, BaseEstimator),
    "dtype": lambda value: isinstance(value, np.dtype),
    "plain": _is_plain,
    "columns": lambda value: isinstance(value, list),
    "steps": lambda value: isinstance(value, (list, tuple)),
    "net": _is_named("LatentNet"),
    "points": _is_named("RosettaPoints"),
    "posterior": _is_named("Posterior"),
    "fingerprints": _is_named("ChannelFingerprints"),
    "requests": _is_named("MetadataRequest"),
}

"""Preprocessing that travels with anchors: scikit-learn's own steps, as numbers under names."""

import copy

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names

from sklatent._posterior import as_float_array
from sklatent._utils.estimator_codec import EstimatorEncoder, custom_paths
from sklatent.rosetta._checks import positions


def preprocessed(X, points):
    """Raw data in the space of the anchors' inputs, by their steps or by centre and scale."""
    if points.steps is not None:
        return _through_steps(points.steps, X)
    names = None if points.feature_names is None else _get_feature_names(X)
    X = as_float_array(X, "X")
    if names is not None and X.ndim == 2:
        X = X[:, positions(points.feature_names, names, "X")]
    if X.ndim != 2 or X.shape[1] != points.X.shape[1]:
        raise ValueError(
            f"X must have the anchors' {points.X.shape[1]} features; got shape {X.shape}."
        )
    if points.preprocessing is None:
        return X
    if not {"center", "scale"} & points.preprocessing.keys():
        raise ValueError(
            "The preprocessing of these anchors is not a centre and a scale, so it cannot be "
            f"applied from here. What was recorded: {points.preprocessing}."
        )
    center = points.preprocessing.get("center", 0.0)
    scale = points.preprocessing.get("scale", 1.0)
    return ((X - center) / scale).astype(X.dtype, copy=False)


def _through_steps(steps, X):
    """Raw data through the fitted steps, a frame's columns in the order they were fitted to."""
    expected = getattr(steps, "feature_names_in_", None)
    names = _get_feature_names(X)
    if expected is not None and names is not None:
        X = _safe_indexing(X, positions(expected, names, "X"), axis=1)
    elif np.ndim(X) != 2 or np.shape(X)[1] != steps.n_features_in_:
        raise ValueError(
            f"X must have the {steps.n_features_in_} features of the raw data; got shape "
            f"{np.shape(X)}."
        )
    elif expected is not None:
        # Without names columns are taken in the order that they had.
        X = _named_like(X, expected)
    X = steps.transform(X)
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X)


def check_steps(steps):
    if steps is None:
        return None
    if not isinstance(steps, Pipeline):
        raise TypeError(
            f"steps must be a fitted Pipeline of transformers; got a {type(steps).__name__}."
        )
    unknown = sorted(custom_paths(EstimatorEncoder().estimator(steps)))
    if unknown:
        raise ValueError(
            f"steps has {', '.join(unknown)}, which no file can hold: only scikit-learn's own "
            "transformers travel with anchors. Apply such a step beforehand."
        )
    if not hasattr(steps, "n_features_in_"):
        raise ValueError("steps must be fitted.")
    return steps


def travelling(steps):
    """The steps of a Pipeline as one, a copy, if they can be in a file; None otherwise."""
    if not steps:
        return None
    pipeline = Pipeline([(f"step{i}", copy.deepcopy(step)) for i, step in enumerate(steps)])
    try:
        return check_steps(pipeline)
    except (TypeError, ValueError):
        return None


def _named_like(X, names):
    import pandas as pd

    return pd.DataFrame(np.asarray(X), columns=names)

"""The runs that a reproducibility report is of: checked, encoded, and described."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklatent._utils.arrays import listed
from sklatent.metrics._scorers import latents as latents_of
from sklatent.metrics._scorers import model_and_inputs
from sklatent.metrics._validation import active_columns
from sklatent.model_selection._reproducibility.provenance import describe_model

_LARGEST = 1e100
_ROUNDING = 1e-12


def checked_models(models):
    if hasattr(models, "transform") or not hasattr(models, "__iter__"):
        raise TypeError(
            f"models must be a list of fitted models, got {type(models).__name__}. One model alone "
            "has nothing to be compared with; see retrain."
        )
    models = listed(models, "models", "fitted models")
    if len(models) < 2:
        raise ValueError(f"A report needs at least two runs, got {len(models)}; see retrain.")
    for number, model in enumerate(models):
        if isinstance(model, type) or not hasattr(model, "transform"):
            raise TypeError(
                f"models[{number}] must be a fitted estimator with a transform method, got "
                f"{model!r:.80}, of type {type(model).__name__}."
            )
        if isinstance(model, BaseEstimator):  # another library's transformer says so itself
            check_is_fitted(model)
    return models


def encoded(models, X):
    """Latents of all runs as one array of doubles."""
    found = []
    for number, model in enumerate(models):
        Z = latents_of(model, X)
        if Z.ndim != 2:
            raise ValueError(f"models[{number}] gives latents of shape {Z.shape}, not of a table.")
        if Z.dtype.kind not in "biuf":
            raise TypeError(f"models[{number}] gives latents of dtype {Z.dtype}, not real numbers.")
        Z = Z.astype(np.float64)
        if not np.isfinite(Z).all():
            raise ValueError(f"models[{number}] gives latents that are not finite for some rows.")
        largest = np.abs(Z).max(initial=1.0)
        if largest > _LARGEST:
            raise ValueError(
                f"models[{number}] gives latents up to {largest:.1e}, whose squares can't be added "
                f"up beside others': bring spaces to values below {_LARGEST:.0e}."
            )
        # A spread below this, beside the component's place or 0, is rounding.
        rounding = np.maximum(_ROUNDING * np.abs(Z).max(axis=0, initial=0.0), 1 / _LARGEST)
        if len(Z) and not (np.ptp(Z, axis=0) > rounding).any():
            raise ValueError(f"models[{number}] gives all rows the same latents: it has collapsed.")
        found.append(Z)
    shapes = sorted({Z.shape for Z in found})
    if len(shapes) > 1:
        raise ValueError(
            f"The runs' latents have shapes {shapes}; only runs with the same number of components "
            "can be compared. For others see sklatent.alignment.alignment_report."
        )
    return np.stack(found)


def run_rows(models, X, latents, pairwise):
    rows = []
    for number, (model, Z) in enumerate(zip(models, latents, strict=True)):
        row = {"run": number + 1, **describe_model(model)}
        row["active"] = int(active_columns(Z.var(axis=0)).sum())
        last, inputs = model_and_inputs(model, X)
        row["bound"] = float(last.score(inputs)) if hasattr(last, "encode") else None
        row["r2"] = float(np.mean(np.delete(pairwise[number], number)))
        row["content_hash"] = row.pop("content_hash")  # the widest last
        rows.append(row)
    return rows

"""Component by component: does it stay in its place, and do the data determine it?"""

import numpy as np
from scipy.optimize import linear_sum_assignment

from sklatent._utils.pipelines import last_step
from sklatent.metrics._validation import active_columns


def component_rows(model, latents):
    """Describe each component of the first run.

    Parameters
    ----------
    model : estimator
        The first run.
    latents : ndarray of shape (n_models, n_samples, n_components)
        Latents of all runs.

    Returns
    -------
    rows : list of dict
        For each component, ``share`` (of the variance), whether it is ``active``; against each
        other run ``r2`` without a map and ``correlation`` with the best match, without its sign
        (medians; r2 is None where a run's component never varies); shares of runs in which the
        match is ``in_place`` and of ``same_sign``; ``gap`` and ``sign_stability`` of the start,
        None where training did not start at principal axes.
    """
    first, others = latents[0], latents[1:]
    variances = first.var(axis=0)
    gaps, signs = (
        start_attribute(model, name, len(variances)) for name in ("gaps", "sign_stability")
    )
    r2, matched, place, sign = [], [], [], []
    for Z in others:
        spread = Z.var(axis=0)
        error = ((Z - first) ** 2).mean(axis=0)
        r2.append(1 - np.divide(error, spread, out=np.full_like(error, np.nan), where=spread > 0))
        correlation = _correlations(first, Z)
        columns = linear_sum_assignment(-np.abs(correlation))[1]
        best = correlation[np.arange(len(columns)), columns]
        matched.append(np.abs(best))
        place.append(columns == np.arange(len(columns)))
        sign.append(best > 0)
    return [
        {
            "component": j + 1,
            "share": float(variances[j] / variances.sum()),
            "active": bool(active_columns(variances)[j]),
            "r2": _known(np.median([each[j] for each in r2])),
            "correlation": float(np.median([each[j] for each in matched])),
            "in_place": float(np.mean([each[j] for each in place])),
            "same_sign": float(np.mean([each[j] for each in sign])),
            "gap": gaps[j],
            "sign_stability": signs[j],
        }
        for j in range(len(variances))
    ]


def start_attribute(model, name, width):
    """``start_<name>_`` of the model behind a run, padded with None to the number of components."""
    values = getattr(last_step(model)[0], f"start_{name}_", None)
    values = [] if values is None else [float(value) for value in values[:width]]
    return values + [None] * (width - len(values))


def _known(value):
    return None if np.isnan(value) else float(value)


def _correlations(A, B):
    A, B = ((Z - Z.mean(axis=0)) / np.where(Z.std(axis=0) > 0, Z.std(axis=0), 1.0) for Z in (A, B))
    return A.T @ B / len(A)

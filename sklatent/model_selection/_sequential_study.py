"""The two-lab experiment: how much of a joint latent space a few anchors carry over."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import Bunch
from sklearn.utils._param_validation import HasMethods

from sklatent._utils.arrays import to_numbers
from sklatent._utils.options import check_options
from sklatent._utils.random import local_random_state
from sklatent.metrics import (
    latent_space_distortion,
    linear_map_distortion,
    retraining_variability,
)
from sklatent.model_selection._retraining import retrain
from sklatent.models import VAE, RosettaVAE
from sklatent.rosetta import RosettaPoints

MODELS = ("VAE", "beta-VAE", "R-VAE")
PARTS = ("D1", "D2")


@check_options(model=[HasMethods(["fit", "get_params"])])
def sequential_study(
    model,
    X_first,
    X_second,
    *,
    n_points=64,
    method="kmeans",
    rho=1.0,
    beta=4.0,
    n_runs=None,
    fused=True,
    random_state=None,
):
    """Run the two-lab experiment of the Rosetta VAE paper.

    Lab A trains `model` on `X_first` (D1) and distils anchors from it. Lab B, which has only the
    anchors and `X_second` (D2), trains a plain VAE, a beta-VAE and a Rosetta VAE, each several
    times. All three see the anchors' inputs as data, as in the paper; only the Rosetta VAE knows
    where they belong. The reference is `model` trained on D1 and D2 together.

    Parameters
    ----------
    model : VAE
        What every model here is but for its own parameters. It is cloned, not changed.

    X_first : array-like of shape (n_first, n_features)
        Lab A's data, D1.

    X_second : array-like of shape (n_second, n_features)
        Lab B's data, D2.

    n_points : int, default=64
        Number of anchors.

    method : {"kmeans", "agglomerative", "gmm", "random"}, default="kmeans"
        How anchors are chosen; see :meth:`sklatent.RosettaPoints.distill`.

    rho : float, default=1.0
        Weight of the anchors in the Rosetta VAE.

    beta : float, default=4.0
        Weight of the prior in the beta-VAE.

    n_runs : int, default=None
        Number of trainings of each of lab B's models. None is ``max(10, n_components + 2)``.

    fused : bool, default=True
        Whether to train the runs of a model as one stacked module; see
        :func:`~sklatent.model_selection.retrain`.

    random_state : int, RandomState instance or None, default=None
        Determines all seeds. The three models have the same ones.

    Returns
    -------
    study : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        distortion : DataFrame
            Latent space distortion to the joint model, as in the paper's table 2: for D1 and D2
            (one map for both), the ``median`` and interquartile range (``iqr``) over runs, the
            median ``minus_vae``'s, and the median as a ``fraction`` of the variance of the joint
            latents of that part. Smaller is better.
        variability : DataFrame
            Retraining variability over lab B's runs, for D1 and D2: ``median`` and ``iqr`` over
            samples, ``minus_vae``, and the median in its ``relative`` form, which shrinking latents
            cannot fake. Smaller is better. NaN with no more runs than components.
        maps : DataFrame
            The maps to the joint space, as in appendices I and J, ``median`` and ``iqr`` over runs:
            ``distance`` from the identity of the linear part over its largest singular value, and
            norm of the ``bias``. Smaller is simpler.
        spectra : DataFrame
            Their polar spectra, a column for each eigenvalue in decreasing order, medians over
            runs. Flat is simple.
        runs : DataFrame
            One row for each model and run, from which the tables are made.
        points : RosettaPoints
            The anchors.
        first, joint : VAE
            Lab A's model and the reference.
        models : dict of str to list
            Lab B's fitted models.

    Raises
    ------
    TypeError
        If `model` is not a VAE.

    Notes
    -----
    The paper's tables are normalised by the median VAE: `minus_vae`. It does not say whether its
    distortions are differences or ratios; sizes depend on the scale of the joint latents, which
    `fraction` takes out.

    References
    ----------
    .. [1] M. Martinez and J. Pearson, "Reproducible, incremental representation learning with
       Rosetta VAE", 2022, section 3.2, tables 2 and 9, appendices I and J.

    Examples
    --------
    >>> from sklatent import VAE
    >>> from sklatent.datasets import make_eight_gaussians
    >>> from sklatent.model_selection import sequential_study
    >>> X, y = make_eight_gaussians(400, random_state=0)
    >>> model = VAE(2, hidden_layer_sizes=(16,), max_epochs=3)
    >>> study = sequential_study(model, X[y < 4], X[y >= 4], n_points=8, n_runs=4, random_state=0)
    >>> study.distortion["D2"].columns.tolist()
    ['median', 'iqr', 'minus_vae', 'fraction']
    >>> len(study.models["R-VAE"]), len(study.points)
    (4, 8)
    """
    if type(model) is not VAE:
        raise TypeError(f"model must be a VAE, got {type(model).__name__}.")
    X_first, X_second = to_numbers(X_first, "X_first"), to_numbers(X_second, "X_second")
    if X_first.ndim != 2 or X_second.ndim != 2 or X_first.shape[1] != X_second.shape[1]:
        raise ValueError(
            "X_first and X_second must have shape (n_samples, n_features) and the same features, "
            f"got {X_first.shape} and {X_second.shape}."
        )
    seeds = local_random_state(random_state).randint(np.iinfo(np.int32).max, size=4)
    first = clone(model).set_params(random_state=int(seeds[0])).fit(X_first)
    points = RosettaPoints.distill(  # as in the paper: real rows, and all of them trained on
        first, X_first, n_points, method, int(seeds[1]), inputs="data", held_out=0
    )
    X_all = np.concatenate([X_first, X_second])
    joint = clone(model).set_params(random_state=int(seeds[2])).fit(X_all)

    candidates = {
        "VAE": clone(model),
        "beta-VAE": clone(model).set_params(beta=beta),
        "R-VAE": RosettaVAE(rosetta_points=points, rho=rho, **model.get_params(deep=False)),
    }
    X_lab_b = _joined(X_second, points.X)
    models = {
        name: retrain(candidate, X_lab_b, n_runs=n_runs, fused=fused, random_state=int(seeds[3]))
        for name, candidate in candidates.items()
    }
    target = joint.transform(X_all)
    latents = {name: np.stack([m.transform(X_all) for m in runs]) for name, runs in models.items()}
    in_first = np.arange(len(X_all)) < len(X_first)
    runs = _runs_table(latents, target, in_first)
    return Bunch(
        distortion=_distortion_table(runs, target, in_first),
        variability=_variability_table(latents, in_first),
        maps=_maps_table(runs),
        spectra=_spectra_table(runs),
        runs=runs,
        points=points,
        first=first,
        joint=joint,
        models=models,
    )


def _joined(X_second, anchors):
    """Rows of the second lab and anchors beneath them, which fit no integers."""
    dtype = X_second.dtype if X_second.dtype.kind == "f" else np.float64
    return np.concatenate([X_second.astype(dtype), anchors.astype(dtype)])


def _runs_table(latents, target, in_first):
    """One row for each model and run: distortion of each part under one map, and the map."""
    rows = []
    for name, runs in latents.items():
        for i, Z in enumerate(runs):
            _, A, b = latent_space_distortion(Z, target, return_map=True)
            squared = ((Z @ A.T + b - target) ** 2).sum(axis=1)
            shape = linear_map_distortion(A)
            row = {"model": name, "run": i}
            row |= {"D1": squared[in_first].mean(), "D2": squared[~in_first].mean()}
            row |= {"distance": shape.distance, "bias": float(np.linalg.norm(b))}
            row |= {f"eigenvalue_{k}": value for k, value in enumerate(shape.spectrum)}
            rows.append(row)
    return pd.DataFrame(rows)


def _distortion_table(runs, target, in_first):
    tables = {}
    for part, rows in zip(PARTS, (in_first, ~in_first), strict=True):
        table = _median_and_iqr(runs, part)
        table["minus_vae"] = table["median"] - table.loc["VAE", "median"]
        table["fraction"] = table["median"] / target[rows].var(axis=0).sum()
        tables[part] = table
    return pd.concat(tables, axis=1)


def _variability_table(latents, in_first):
    tables = {}
    for part, rows in zip(PARTS, (in_first, ~in_first), strict=True):
        table = {}
        for name, Z in latents.items():
            if len(Z) <= Z.shape[2]:
                table[name] = {"median": np.nan, "iqr": np.nan, "relative": np.nan}
                continue
            _, volumes = retraining_variability(Z[:, rows], return_samples=True)
            _, relative = retraining_variability(Z[:, rows], relative=True, return_samples=True)
            low, middle, high = np.percentile(volumes, [25, 50, 75])
            table[name] = {"median": middle, "iqr": high - low, "relative": np.median(relative)}
        table = pd.DataFrame(table).T.rename_axis("model")
        table.insert(2, "minus_vae", table["median"] - table.loc["VAE", "median"])
        tables[part] = table
    return pd.concat(tables, axis=1)


def _maps_table(runs):
    return pd.concat({name: _median_and_iqr(runs, name) for name in ("distance", "bias")}, axis=1)


def _spectra_table(runs):
    columns = [name for name in runs if name.startswith("eigenvalue_")]
    table = runs.groupby("model")[columns].median().loc[list(MODELS)]
    return table.set_axis(range(len(columns)), axis=1)


def _median_and_iqr(runs, column):
    quantiles = runs.groupby("model")[column].quantile([0.25, 0.5, 0.75]).unstack()
    quantiles = quantiles.loc[list(MODELS)]
    return pd.DataFrame({"median": quantiles[0.5], "iqr": quantiles[0.75] - quantiles[0.25]})

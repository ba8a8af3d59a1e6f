"""Train a model again and again, and say how much its latent space moves."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from sklatent._utils.arrays import listed
from sklatent._utils.options import check_options
from sklatent._utils.pipelines import reconstruct
from sklatent._utils.random import local_random_state
from sklatent._utils.sparse import dense
from sklatent.metrics import active_components, latent_space_distortion, retraining_variability
from sklatent.metrics._scorers import model_and_inputs
from sklatent.model_selection._reproducibility.cautions import SIGN_OF_HALVES, close_gap
from sklatent.models._fit_together import fit_models


@check_options(model=[HasMethods(["fit", "get_params"])])
def retrain(model, X, *, n_runs=None, fused=True, random_state=None):
    """Train a model several times, differing only in its seed.

    Parameters
    ----------
    model : estimator
        A model of this package, or a Pipeline that ends in one. It is cloned, not changed.
    X : array-like of shape (n_samples, n_features)
        Training data, the same for every run.
    n_runs : int, default=None
        Number of runs. None is ``max(10, n_components + 2)``, enough for
        :func:`~sklatent.metrics.retraining_variability`, whose covariances need more runs than
        components.
    fused : bool, default=True
        Whether to train the runs as one stacked module, which is faster for small networks. Each
        run is what it would have been alone (to rounding, which float32 training amplifies).
        Models that cannot be stacked are trained one after the other.
    random_state : int, RandomState instance or None, default=None
        Determines the seeds of the runs.

    Returns
    -------
    models : list of estimators
        The fitted runs.

    Raises
    ------
    ValueError
        If `n_runs` is less than 1.

    References
    ----------
    .. [1] Martinez & Pearson, Reproducible, incremental representation learning with Rosetta VAE,
       2022, section 3.1.

    Examples
    --------
    >>> from sklatent import VAE
    >>> from sklatent.datasets import make_eight_gaussians
    >>> from sklatent.model_selection import retrain
    >>> X, y = make_eight_gaussians(200, random_state=0)
    >>> runs = retrain(VAE(2, hidden_layer_sizes=(16,), max_epochs=2), X, n_runs=4, random_state=0)
    >>> len(runs), runs[0].transform(X).shape
    (4, (200, 2))
    """
    if n_runs is None:
        n_runs = max(10, _last_step(model).n_components + 2)
    if n_runs < 1:
        raise ValueError(f"n_runs={n_runs} must be at least 1.")
    seeds = local_random_state(random_state).randint(np.iinfo(np.int32).max, size=n_runs)
    models = []
    for seed in seeds:
        copy = clone(model)
        names = [n for n in copy.get_params() if n.split("__")[-1] == "random_state"]
        models.append(copy.set_params(**dict.fromkeys(names, int(seed))))
    if fused and not isinstance(model, Pipeline):
        fit_models(models, X)
    else:
        for each in models:
            each.fit(X)
    return models


@check_options(models=["array-like"])
def retraining_report(models, X, *, degenerate="raise"):
    """Say how reproducible, and how good, retrained models are.

    Parameters
    ----------
    models : list of estimators
        Fitted runs, such as :func:`retrain` returns; at least two.
    X : array-like of shape (n_samples, n_features)
        Data to judge them on.
    degenerate : {"raise", "pseudo"}, default="raise"
        What to do with no more runs than components, as in
        :func:`~sklatent.metrics.retraining_variability`: an error, or the pseudo-determinant, which
        is comparable only at equal numbers of runs and components.

    Returns
    -------
    report : DataFrame
        One row a measure, with its ``median``, ``q25`` and ``q75`` and what they are taken
        ``over``:

        - ``retraining_variability``: log volume of a sample's latents across runs, over samples
          (see `degenerate`). Smaller is better, and shrinking latents fake it.
        - ``relative_retraining_variability``: the same in units of the latents' own covariance on
          active components, which shrinking cannot fake. Smaller is better.
        - ``unexplained_variance``: latent space distortion between pairs of runs as a fraction of
          the target's variance: 0 where spaces are linearly equivalent. Over ordered pairs.
        - ``close_axes`` and ``uncertain_signs``, where training started at principal axes: how
          many of them are nearer to another's variance than ``sqrt(2 / n_samples)`` allows to tell
          apart, and how many have a sign that may turn over without half of the rows. The data
          do not determine these, however well runs agree. Over runs.
        - ``elbo`` (nats, greater is better) and ``reconstruction_error`` (mean squared error of
          decoded means, smaller is better) and ``active_components``: over runs.

    Raises
    ------
    ValueError
        If there are fewer than two models, no more runs than components unless `degenerate` is
        "pseudo", or no more rows in `X` than components plus one.

    Examples
    --------
    >>> from sklatent import VAE
    >>> from sklatent.datasets import make_eight_gaussians
    >>> from sklatent.model_selection import retrain, retraining_report
    >>> X, y = make_eight_gaussians(200, random_state=0)
    >>> runs = retrain(VAE(2, hidden_layer_sizes=(16,), max_epochs=2), X, n_runs=4, random_state=0)
    >>> retraining_report(runs, X).columns.tolist()
    ['median', 'q25', 'q75', 'over']
    """
    models = listed(models, "models", "fitted models")
    if len(models) < 2:
        raise ValueError(f"A report needs at least two runs, got {len(models)}; see retrain.")
    for model in models:
        check_is_fitted(model)
    lasts, inputs = zip(*(model_and_inputs(model, X) for model in models), strict=True)
    posteriors = [last.encode(x) for last, x in zip(lasts, inputs, strict=True)]
    shapes = {posterior.mean.shape for posterior in posteriors}
    if len(shapes) > 1:
        raise ValueError(
            f"The runs' latents have shapes {sorted(shapes)}; only runs of one model, with the "
            "same number of components, can be compared."
        )
    latents = np.stack([posterior.mean for posterior in posteriors]).astype(np.float64)
    n_rows, n_components = latents.shape[1:]
    if n_rows <= n_components + 1:
        raise ValueError(
            f"X has {n_rows} rows, too few to compare spaces of {n_components} components: any "
            f"affine map fits them. Pass at least {n_components + 2} rows."
        )
    spread = {"degenerate": degenerate, "return_samples": True}
    errors = [
        np.mean((reconstruct(last, x) - np.asarray(dense(x), dtype=float)) ** 2)
        for last, x in zip(lasts, inputs, strict=True)
    ]
    rows = {
        "retraining_variability": (retraining_variability(latents, **spread)[1], "samples"),
        "relative_retraining_variability": (
            retraining_variability(latents, relative=True, **spread)[1],
            "samples",
        ),
        "unexplained_variance": (_unexplained(latents), "pairs"),
        "elbo": ([last.score(x) for last, x in zip(lasts, inputs, strict=True)], "runs"),
        "reconstruction_error": (errors, "runs"),
        "active_components": ([np.sum(active_components(p)) for p in posteriors], "runs"),
    }
    if all(getattr(last, "start_gaps_", None) is not None for last in lasts):
        close = [np.sum(last.start_gaps_ < close_gap(n_rows)) for last in lasts]
        uncertain = [np.sum(last.start_sign_stability_ < SIGN_OF_HALVES) for last in lasts]
        rows |= {"close_axes": (close, "runs"), "uncertain_signs": (uncertain, "runs")}
    report = pd.DataFrame(
        {name: np.percentile(values, [50, 25, 75]) for name, (values, _) in rows.items()},
        index=["median", "q25", "q75"],
    ).T
    report["over"] = [over for _, over in rows.values()]
    return report


def _unexplained(latents):
    """Of latents that do not vary there is nothing to explain."""
    pairs = [(a, b) for a in latents for b in latents if a is not b]
    totals = [b.var(axis=0).sum() for _, b in pairs]
    return [
        latent_space_distortion(*pair) / total if total > 0 else 0.0
        for pair, total in zip(pairs, totals, strict=True)
    ]


def _last_step(model):
    return model[-1] if isinstance(model, Pipeline) else model

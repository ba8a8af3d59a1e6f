"""How alike latent spaces of the same samples are."""

from functools import partial

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import linear_sum_assignment
from sklearn.utils.validation import check_consistent_length

from sklatent._utils.array_api import elsewhere
from sklatent._utils.calling import call_for_number
from sklatent._utils.options import check_options
from sklatent.metrics._blocks import binary_exponent
from sklatent.metrics._bures import bures_distance
from sklatent.metrics._cka import linear_cka
from sklatent.metrics._elsewhere import condensed
from sklatent.metrics._neighborhoods import (
    cknna_score,
    mutual_knn_score,
    neighborhood_jaccard_score,
)
from sklatent.metrics._posterior import check_posterior
from sklatent.metrics._reproducibility import latent_space_distortion
from sklatent.metrics._rsa import rsa_score
from sklatent.metrics._validation import check_codes, check_latents, is_constant


def _centered_pair(X, Y, min_samples=2):
    """Return both arrays centred, as float64; each must vary over the samples."""
    X, Y = condensed([X, Y], ["X", "Y"])
    X = check_codes(X, "X", min_samples=min_samples)
    Y = check_codes(Y, "Y", min_samples=min_samples)
    check_consistent_length(X, Y)
    return _centered(X, "X"), _centered(Y, "Y")


def _centered(X, name, exponent=None):
    """Return `X` centred, divided by a power of two that keeps its squares in range."""
    if is_constant(X).all():
        raise ValueError(f"{name} does not vary over the samples, so it is like nothing else.")
    X = np.ldexp(X, -(binary_exponent(X) if exponent is None else exponent))
    X -= X.mean(axis=0)
    return X if exponent is not None else np.ldexp(X, -binary_exponent(X))


def _orthonormal_basis(X):
    """Orthonormal basis of the columns' span, up to rounding; `X` is centred."""
    # Unit columns first, so that the rank does not depend on the units of the components.
    X = np.ldexp(X, -binary_exponent(X, axis=0))
    norms = np.linalg.norm(X, axis=0)
    U, values, _ = np.linalg.svd(X / np.where(norms > 0, norms, 1.0), full_matrices=False)
    return U[:, values > values[0] * max(X.shape) * np.finfo(X.dtype).eps]


def cca_score(X, Y):
    """Mean canonical correlation of two representations.

    The average of the canonical correlations over as many directions as the smaller of the two
    spaces has (its rank). It does not change under any invertible affine map of either. It lies in
    [0, 1]; larger is more alike.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        A representation of the samples.

    Y : array-like of shape (n_samples, n_features_y)
        Another one of the same samples, in the same order.

    Returns
    -------
    score : float
        The mean canonical correlation.

    Raises
    ------
    ValueError
        If lengths differ, a representation is constant, entries are not finite, or there are no
        more samples than features of both together, so that some correlation is one whatever the
        data.

    Notes
    -----
    Every direction counts alike, however little it varies: leave out components that carry nothing
    (:func:`active_components`). Independent representations score well above zero with few samples.

    References
    ----------
    M. Raghu, J. Gilmer, J. Yosinski, J. Sohl-Dickstein, "SVCCA: singular vector canonical
    correlation analysis for deep learning dynamics and interpretability", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import cca_score
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> cca_score(X, X @ np.array([[1.0, 5.0], [0.0, 1.0]]))
    1.0
    """
    X, Y = _centered_pair(X, Y)
    if len(X) <= X.shape[1] + Y.shape[1]:
        raise ValueError(
            f"With {len(X)} samples, spaces of {X.shape[1]} and {Y.shape[1]} dimensions share a "
            f"direction whatever the data. Pass at least {X.shape[1] + Y.shape[1] + 1} samples."
        )
    correlations = np.linalg.svd(_orthonormal_basis(X).T @ _orthonormal_basis(Y), compute_uv=False)
    return float(np.minimum(correlations, 1.0).mean())


def _padded(X, width):
    return np.pad(X, ((0, 0), (0, width - X.shape[1])))


def procrustes_distance(X, Y):
    """Distance of two representations up to rotation, reflection, translation and scale.

    .. math:: d = \\min_{Q^T Q = I} \\left\\| \\frac{X - \\bar X}{\\|X - \\bar X\\|_F}
        - \\frac{Y - \\bar Y}{\\|Y - \\bar Y\\|_F} Q \\right\\|_F

    It lies in [0, sqrt(2)]: zero for spaces of the same shape, sqrt(2) for spaces orthogonal to
    each other; smaller is more alike. It is symmetric and obeys the triangle inequality. The
    narrower space is padded with zeros.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        A representation of the samples.

    Y : array-like of shape (n_samples, n_features_y)
        Another one of the same samples, in the same order.

    Returns
    -------
    distance : float
        The distance. :func:`scipy.spatial.procrustes` gives the disparity d^2 (1 - d^2 / 4).

    Raises
    ------
    ValueError
        If lengths differ, a representation is constant, or entries are not finite.

    References
    ----------
    A. Williams, E. Kunz, S. Kornblith, S. Linderman, "Generalized shape metrics on neural
    representations", NeurIPS 2021. F. Ding, J. Denain, J. Steinhardt, "Grounding representation
    similarity through statistical testing", NeurIPS 2021, take its square.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import procrustes_distance
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> bool(procrustes_distance(X, 3.0 * X @ np.array([[0.0, 1.0], [1.0, 0.0]]) + 1.0) < 1e-12)
    True
    """
    X, Y = _centered_pair(X, Y)
    width = max(X.shape[1], Y.shape[1])
    X, Y = _padded(X / np.linalg.norm(X), width), _padded(Y / np.linalg.norm(Y), width)
    U, _, Vt = np.linalg.svd(Y.T @ X)
    # The residual itself: sqrt(2 - 2 * nuclear norm) would leave 1e-8 of equal shapes.
    return float(np.linalg.norm(X - Y @ (U @ Vt)))


def _explained_by_linear(source, target):
    return np.sum((_orthonormal_basis(source).T @ target) ** 2) / np.sum(target**2)


def _explained_by_match(source, target, overlap):
    # |T - S Q|^2 = |T|^2 + |S|^2 - 2 tr(Q^T S^T T), the last of which `overlap` maximises.
    return (2 * overlap(source.T @ target) - np.sum(source**2)) / np.sum(target**2)


def _rigid_overlap(C):
    return np.linalg.svd(C, compute_uv=False).sum()


def _signed_permutation_overlap(C):
    rows, columns = linear_sum_assignment(-np.abs(C))
    return np.abs(C[rows, columns]).sum()


_MAPS = ("linear", "rigid", "signed_permutation")


def _explained(source, target, maps):
    if maps == "linear":
        return _explained_by_linear(source, target)
    overlap = _rigid_overlap if maps == "rigid" else _signed_permutation_overlap
    return _explained_by_match(source, target, overlap)


@check_options()
def consistency_score(latents, *, maps="linear", return_pairwise=False):
    """Mean R^2 of the best maps of a kind between the latent spaces of several models.

    For each ordered pair of models, the fraction of the second's variance that the best map of the
    first explains, always with a translation; then the mean over pairs. One if the spaces are equal
    up to such maps; larger is better. It lies in [0, 1] for linear maps. For rigid maps and signed
    permutations, which cannot rescale, it is at most that, and negative where the spaces' scales
    differ much.

    Parameters
    ----------
    latents : array-like of shape (n_models, n_samples, n_components)
        Latents of the same samples, in the same order, by each model; or a sequence of arrays whose
        numbers of components may differ.

    maps : {"linear", "rigid", "signed_permutation"}, default="linear"
        Which maps count as no difference: all linear ones; rotations and reflections; or
        relabelling and flipping axes.

    return_pairwise : bool, default=False
        Whether to return the scores of pairs as well.

    Returns
    -------
    score : float
        Mean of R^2 over ordered pairs.

    pairwise : ndarray of shape (n_models, n_models)
        R^2 of the map from model i to model j; one on the diagonal. Only returned if
        `return_pairwise` is true.

    Raises
    ------
    ValueError
        If there are fewer than two models, one of them is constant, lengths differ, or there are no
        more samples than components plus one, so that linear maps fit perfectly.

    Notes
    -----
    R^2 is relative to the target's variance, so shrinking all latents does not raise it, and is
    weighted by variance, so passive components hardly count. That linear maps explain more than
    rigid ones, and these more than signed permutations, holds exactly: the kinds are nested.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import consistency_score
    >>> Z = np.random.default_rng(0).normal(size=(200, 2))
    >>> turned = Z @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    >>> consistency_score([Z, turned], maps="rigid")
    1.0
    >>> bool(consistency_score([Z, turned], maps="signed_permutation") < 0.9)
    True
    """
    if not isinstance(maps, str) or maps not in _MAPS:
        raise ValueError(f"maps must be one of {_MAPS}, got {maps!r}.")
    if elsewhere(latents) is not None or isinstance(latents, list | tuple):
        latents = [latents[i] for i in range(len(latents))]
        latents = condensed(latents, [f"latents[{i}]" for i in range(len(latents))])
    models = check_latents(latents, same_width=False)
    widest = max(Z.shape[1] for Z in models)
    if maps == "linear" and len(models[0]) <= widest + 1:
        raise ValueError(
            f"Linear maps from {widest} components fit {len(models[0])} samples perfectly. Pass at "
            f"least {widest + 2} samples."
        )
    # A linear map takes any unit away; other maps need all models in one.
    exponent = None if maps == "linear" else max(binary_exponent(Z) for Z in models)
    models = [_centered(Z, f"latents[{i}]", exponent) for i, Z in enumerate(models)]
    pairwise = np.array([[_explained(Z, Z_to, maps) for Z_to in models] for Z in models])
    if not np.isfinite(pairwise).all():
        raise ValueError(
            "The models' latents differ so much in scale that R^2 is no finite number. Standardise "
            "them, or use maps='linear'."
        )
    off_diagonal = ~np.eye(len(models), dtype=bool)
    score = float(pairwise[off_diagonal].mean())
    return (score, pairwise) if return_pairwise else score


class _OneMinus:
    """The distance that goes with a score of one for equal spaces."""

    def __init__(self, score):
        self.score = score

    def __call__(self, X, Y):
        return 1.0 - self.score(X, Y)


# Name to function and whether it is symmetric.
_DISTANCES = {
    "distortion": (latent_space_distortion, False),
    "procrustes": (procrustes_distance, True),
    "cka": (_OneMinus(linear_cka), True),
    "cca": (_OneMinus(cca_score), True),
    "mutual_knn": (_OneMinus(mutual_knn_score), True),
    "cknna": (_OneMinus(cknna_score), False),
    "rsa": (_OneMinus(rsa_score), True),
    "neighborhood_jaccard": (_OneMinus(neighborhood_jaccard_score), True),
    "bures": (bures_distance, True),
}


@check_options()
def pairwise_distance(latents, metric, n_jobs=None):
    """Matrix of distances between the latent spaces of several models.

    Parameters
    ----------
    latents : array-like of shape (n_models, n_samples, n_components)
        Latents of the same samples, in the same order, by each model; or a sequence of arrays whose
        numbers of components may differ. For `"bures"` a sequence of posteriors.

    metric : str or callable
        `"distortion"` is :func:`latent_space_distortion` (like CKNNA not symmetric), `"procrustes"`
        :func:`procrustes_distance` and `"bures"` :func:`bures_distance`; one minus the score of
        that name are `"cka"` (:func:`linear_cka`), `"cca"`, `"mutual_knn"`, `"cknna"`, `"rsa"` and
        `"neighborhood_jaccard"`. A callable takes two arrays of latents and returns a number.

    n_jobs : int, default=None
        Number of pairs computed in parallel. None is one, unless in a
        :obj:`joblib.parallel_config` context.

    Returns
    -------
    distances : ndarray of shape (n_models, n_models)
        Entry (i, j) is the metric from model i to model j, or whatever a callable says of the two;
        smaller is more alike.

    Raises
    ------
    ValueError
        If there are fewer than two models, lengths differ, or the metric is unknown or not defined
        for a pair.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import pairwise_distance
    >>> Z = np.random.default_rng(0).normal(size=(200, 2))
    >>> pairwise_distance([Z, -Z, Z**2], "procrustes").round(1)
    array([[0. , 0. , 1.3],
           [0. , 0. , 1.3],
           [1.3, 1.3, 0. ]])
    """
    if not callable(metric) and (not isinstance(metric, str) or metric not in _DISTANCES):
        raise ValueError(
            f"metric must be a callable or one of {tuple(_DISTANCES)}, got {metric!r}."
        )
    own = partial(call_for_number, "metric", "(Z, Z_other)", metric), False
    distance, symmetric = own if callable(metric) else _DISTANCES[metric]
    if isinstance(metric, str) and metric == "bures":
        models = _posteriors(latents)
    else:
        models = check_latents(latents, same_width=False)
    pairs = [(i, j) for i in range(len(models)) for j in range(i if symmetric else 0, len(models))]
    values = Parallel(n_jobs=n_jobs)(delayed(distance)(models[i], models[j]) for i, j in pairs)
    result = np.empty((len(models), len(models)))
    for (i, j), value in zip(pairs, values, strict=True):
        result[i, j] = value
        if symmetric:
            result[j, i] = value
    return result


def _posteriors(posteriors):
    # A single posterior is a sequence too: of its rows.
    if not np.iterable(posteriors) or hasattr(posteriors, "log_var") or len(posteriors) < 2:
        raise ValueError(
            'metric="bures" compares what the `encode` of several models returns: pass a list of '
            "at least two posteriors."
        )
    for posterior in posteriors:
        check_posterior(posterior)
    return list(posteriors)

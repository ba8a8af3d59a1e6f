"""Scorers of likeness: to reference latents, to other models, and within an ensemble."""

import numpy as np

from sklatent._utils.options import check_options
from sklatent.metrics._permutation import signed_permutation_report
from sklatent.metrics._ranking import udr_scores
from sklatent.metrics._reproducibility import latent_space_distortion, linear_map_distortion
from sklatent.metrics._scorers import (
    Scorer,
    check_reference_latents,
    latents,
    model_and_inputs,
    posteriors,
    targets,
)
from sklatent.metrics._similarity import (
    cca_score,
    consistency_score,
    linear_cka,
    procrustes_distance,
)


class ReferenceScorer(Scorer):
    """A comparison of two arrays of latents as a scorer, with its options."""

    def __init__(self, metric, sign, Z_reference, X_reference, options):
        self.metric = metric
        self.sign = sign
        self.Z_reference = check_reference_latents(Z_reference, X_reference)
        self.X_reference = X_reference
        self.options = options

    def __call__(self, estimator, X, y=None):
        X, Z = targets(self.Z_reference, self.X_reference, X, y, "Z_reference")
        return self.sign * float(self.metric(latents(estimator, X), Z, **self.options))

    def __repr__(self):
        sign = "-" if self.sign < 0 else ""
        return f"ReferenceScorer({sign}{self.metric.__name__}, options={self.options})"


def _map_distance(Z, Z_target):
    _, A, _ = latent_space_distortion(Z, Z_target, return_map=True)
    return linear_map_distortion(A).distance


def _permutation_distance(Z, Z_target, norm):
    return signed_permutation_report(Z, Z_target, norm=norm).distance


@check_options()
def make_distortion_scorer(Z_reference=None, *, X_reference=None):
    """Make a scorer by the distortion of the best map to reference latents.

    The :func:`latent_space_distortion` from the model's latents to the reference's, negated:
    greater is better, zero best.

    Parameters
    ----------
    Z_reference : array-like of shape (n_samples, n_targets), default=None
        Latents of the reference model. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `Z_reference` belongs to, on which every model is judged. None judges it on
        the samples the scorer is called with, in a search the test fold.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklatent.metrics import make_distortion_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> scorer = make_distortion_scorer(X[:50, :2], X_reference=X[:50])
    >>> search = GridSearchCV(PCA(), {"n_components": [1, 2, 3]}, scoring=scorer).fit(X)
    >>> search.best_params_
    {'n_components': 3}
    """
    return ReferenceScorer(latent_space_distortion, -1, Z_reference, X_reference, {})


@check_options()
def make_linear_map_distortion_scorer(Z_reference=None, *, X_reference=None):
    """Make a scorer by how far the best map to reference latents is from the identity.

    The `distance` of :func:`linear_map_distortion` for the best affine map from the model's latents
    to the reference's, which must be equally many; negated: greater is better, zero best.

    Parameters
    ----------
    Z_reference : array-like of shape (n_samples, n_targets), default=None
        Latents of the reference model. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `Z_reference` belongs to, on which every model is judged. None judges it on
        the samples the scorer is called with, in a search the test fold.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_linear_map_distortion_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(2).fit(X)
    >>> score = make_linear_map_distortion_scorer()(model, X, model.transform(X))
    >>> round(abs(score), 6)
    0.0
    """
    return ReferenceScorer(_map_distance, -1, Z_reference, X_reference, {})


@check_options()
def make_signed_permutation_scorer(Z_reference=None, *, X_reference=None, norm="l1"):
    """Make a scorer by how far the map to reference latents is from a signed permutation.

    The `distance` of :func:`signed_permutation_report`, which neither shrinking nor passive
    components can lower; negated: greater is better, zero best.

    Parameters
    ----------
    Z_reference : array-like of shape (n_samples, n_targets), default=None
        Latents of the reference model. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `Z_reference` belongs to, on which every model is judged. None judges it on
        the samples the scorer is called with, in a search the test fold.

    norm : {"l1", "frobenius"}, default="l1"
        The norm; see :func:`distance_to_signed_permutation`.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_signed_permutation_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(2).fit(X)
    >>> score = make_signed_permutation_scorer()(model, X, model.transform(X))
    >>> round(abs(score), 6)
    0.0
    """
    return ReferenceScorer(_permutation_distance, -1, Z_reference, X_reference, {"norm": norm})


@check_options()
def make_linear_cka_scorer(Z_reference=None, *, X_reference=None, debiased=True):
    """Make a scorer by alignment (CKA) with reference latents.

    The :func:`linear_cka` of the model's latents and the reference's; greater is better.

    Parameters
    ----------
    Z_reference : array-like of shape (n_samples, n_targets), default=None
        Latents of the reference model. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `Z_reference` belongs to, on which every model is judged. None judges it on
        the samples the scorer is called with, in a search the test fold.

    debiased : bool, default=True
        Whether to use the unbiased estimator.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_linear_cka_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(2).fit(X)
    >>> score = make_linear_cka_scorer()(model, X, model.transform(X))
    >>> round(abs(score), 6)
    1.0
    """
    return ReferenceScorer(linear_cka, 1, Z_reference, X_reference, {"debiased": debiased})


@check_options()
def make_cca_scorer(Z_reference=None, *, X_reference=None):
    """Make a scorer by canonical correlation with reference latents.

    The :func:`cca_score` of the model's latents and the reference's; greater is better.

    Parameters
    ----------
    Z_reference : array-like of shape (n_samples, n_targets), default=None
        Latents of the reference model. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `Z_reference` belongs to, on which every model is judged. None judges it on
        the samples the scorer is called with, in a search the test fold.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_cca_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(2).fit(X)
    >>> score = make_cca_scorer()(model, X, model.transform(X))
    >>> round(abs(score), 6)
    1.0
    """
    return ReferenceScorer(cca_score, 1, Z_reference, X_reference, {})


@check_options()
def make_procrustes_scorer(Z_reference=None, *, X_reference=None):
    """Make a scorer by Procrustes distance to reference latents.

    The :func:`procrustes_distance` from the model's latents to the reference's, negated: greater is
    better, zero best.

    Parameters
    ----------
    Z_reference : array-like of shape (n_samples, n_targets), default=None
        Latents of the reference model. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `Z_reference` belongs to, on which every model is judged. None judges it on
        the samples the scorer is called with, in a search the test fold.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_procrustes_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(2).fit(X)
    >>> score = make_procrustes_scorer()(model, X, model.transform(X))
    >>> round(abs(score), 6)
    0.0
    """
    return ReferenceScorer(procrustes_distance, -1, Z_reference, X_reference, {})


def _member_models(estimator, X, models):
    """Return the models to compare, and X as it reaches each: an ensemble's, or given ones."""
    if models is not None:
        pairs = [model_and_inputs(model, X) for model in (estimator, *models)]
        return [model for model, _ in pairs], [inputs for _, inputs in pairs]
    ensemble, X = model_and_inputs(estimator, X)
    members = getattr(ensemble, "estimators_", None)
    if members is None:
        raise TypeError(
            f"{type(ensemble).__name__} has no members (estimators_) to compare with each other. "
            "Score an ensemble, or make the scorer with fitted `models` to compare with."
        )
    return list(members), [X] * len(members)


def _check_models(models):
    if models is None:
        return None
    listed = isinstance(models, (list, tuple)) and len(models)
    if not listed or not all(hasattr(m, "transform") for m in models):
        raise TypeError("models must be a sequence of at least one fitted model with `transform`.")
    return models


class _ConsistencyScorer(Scorer):
    def __init__(self, models, maps):
        self.models = models
        self.maps = maps

    def __call__(self, estimator, X, y=None):
        members, inputs = _member_models(estimator, X, self.models)
        Z = [latents(member, each) for member, each in zip(members, inputs, strict=True)]
        score, pairwise = consistency_score(Z, maps=self.maps, return_pairwise=True)
        if self.models is None:
            return score
        # How the others compare among themselves is not the candidate's doing.
        return float(np.concatenate([pairwise[0, 1:], pairwise[1:, 0]]).mean())


@check_options(models=["array-like", None])
def make_consistency_scorer(models=None, *, maps="linear"):
    """Make a scorer of how alike the latent spaces of several models are.

    The :func:`consistency_score`, a mean R^2; greater is better, one best.

    Parameters
    ----------
    models : sequence of fitted models, default=None
        Models to compare the scored one with, by the mean of R^2 over maps to and from each. None
        compares the members (`estimators_`) of an ensemble with each other.

    maps : {"linear", "rigid", "signed_permutation"}, default="linear"
        Which maps count as no difference.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_consistency_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> others = [PCA(2).fit(X[::2]), PCA(2).fit(X[1::2])]
    >>> make_consistency_scorer(others)(PCA(2).fit(X), X)
    1.0
    """
    return _ConsistencyScorer(_check_models(models), maps)


class _UDRScorer(Scorer):
    def __init__(self, models, similarity, kl_threshold):
        self.models = models
        self.similarity = similarity
        self.kl_threshold = kl_threshold

    def __call__(self, estimator, X, y=None):
        members, inputs = _member_models(estimator, X, self.models)
        options = {"similarity": self.similarity, "kl_threshold": self.kl_threshold}
        if all(hasattr(member, "encode") for member in members):
            encoded = [posteriors(m, each) for m, each in zip(members, inputs, strict=True)]
            codes = [posterior.mean for posterior in encoded]
            options["log_vars"] = [posterior.log_var for posterior in encoded]
        else:
            codes = [latents(member, each) for member, each in zip(members, inputs, strict=True)]
        scores = udr_scores(codes, **options)
        return float(scores.mean() if self.models is None else scores[0])


@check_options(models=["array-like", None])
def make_udr_scorer(models=None, *, similarity="lasso", kl_threshold=0.01):
    """Make a scorer by unsupervised disentanglement ranking (UDR).

    Greater is better. See :func:`udr_scores`. Uninformative components are left out if all models
    have `encode`, which `"nmi"` and `"vi"` require.

    Parameters
    ----------
    models : sequence of fitted models, default=None
        Models to rank the scored one against; its score is that among them. None takes the mean
        score of the members (`estimators_`) of an ensemble.

    similarity : {"lasso", "spearman", "nmi", "vi"}, default="lasso"
        How components are compared.

    kl_threshold : float, default=0.01
        Components of no larger divergence from the prior, in nats, are left out.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_udr_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> others = [PCA(2).fit(X[::2]), PCA(2).fit(X[1::2])]
    >>> make_udr_scorer(others)(PCA(2).fit(X), X)
    0.9
    """
    return _UDRScorer(_check_models(models), similarity, kl_threshold)

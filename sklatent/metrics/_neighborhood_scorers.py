"""Scorers of likeness to reference latents by neighbours, ranks of pairs, and posteriors."""

from sklatent._utils.options import check_options
from sklatent.metrics._bures import bures_distance
from sklatent.metrics._neighborhoods import (
    cknna_score,
    mutual_knn_score,
    neighborhood_jaccard_score,
)
from sklatent.metrics._posterior import check_posterior
from sklatent.metrics._rsa import rsa_score
from sklatent.metrics._scorers import Scorer, check_reference_rows, posteriors
from sklatent.metrics._similarity_scorers import ReferenceScorer


@check_options()
def make_mutual_knn_scorer(
    Z_reference=None, *, X_reference=None, n_neighbors=10, metric="euclidean"
):
    """Make a scorer by the neighbours shared with reference latents.

    The :func:`mutual_knn_score` of the model's latents and the reference's; greater is better.

    Parameters
    ----------
    Z_reference : array-like of shape (n_samples, n_targets), default=None
        Latents of the reference model. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `Z_reference` belongs to, on which every model is judged. None judges it on
        the samples the scorer is called with, in a search the test fold.

    n_neighbors : int, default=10
        Number of neighbours of each sample, fewer than the samples judged.

    metric : {"inner_product", "cosine", "euclidean"}, default="euclidean"
        What near means. Between latents it is Euclidean distance unless said otherwise.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_mutual_knn_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(3).fit(X)
    >>> make_mutual_knn_scorer()(model, X, model.transform(X))
    1.0
    """
    return ReferenceScorer(
        mutual_knn_score,
        1,
        Z_reference,
        X_reference,
        {"n_neighbors": n_neighbors, "metric": metric},
    )


@check_options()
def make_neighborhood_jaccard_scorer(
    Z_reference=None, *, X_reference=None, n_neighbors=10, metric="euclidean"
):
    """Make a scorer by the overlap of neighbourhoods with those in reference latents.

    The :func:`neighborhood_jaccard_score` of the model's latents and the reference's; greater is
    better.

    Parameters
    ----------
    Z_reference : array-like of shape (n_samples, n_targets), default=None
        Latents of the reference model. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `Z_reference` belongs to, on which every model is judged. None judges it on
        the samples the scorer is called with, in a search the test fold.

    n_neighbors : int, default=10
        Number of neighbours of each sample, fewer than the samples judged.

    metric : {"inner_product", "cosine", "euclidean"}, default="euclidean"
        What near means. Between latents it is Euclidean distance unless said otherwise.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_neighborhood_jaccard_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(3).fit(X)
    >>> make_neighborhood_jaccard_scorer()(model, X, model.transform(X))
    1.0
    """
    return ReferenceScorer(
        neighborhood_jaccard_score,
        1,
        Z_reference,
        X_reference,
        {"n_neighbors": n_neighbors, "metric": metric},
    )


@check_options()
def make_cknna_scorer(Z_reference=None, *, X_reference=None, n_neighbors=10):
    """Make a scorer by kernel alignment over shared neighbours with reference latents.

    The :func:`cknna_score` of the model's latents and the reference's; greater is better.

    Parameters
    ----------
    Z_reference : array-like of shape (n_samples, n_targets), default=None
        Latents of the reference model. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `Z_reference` belongs to, on which every model is judged. None judges it on
        the samples the scorer is called with, in a search the test fold.

    n_neighbors : int, default=10
        Number of neighbours of each sample, fewer than the samples judged.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_cknna_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(3).fit(X)
    >>> make_cknna_scorer()(model, X, model.transform(X))
    1.0
    """
    return ReferenceScorer(cknna_score, 1, Z_reference, X_reference, {"n_neighbors": n_neighbors})


@check_options()
def make_rsa_scorer(Z_reference=None, *, X_reference=None, metric="euclidean"):
    """Make a scorer by the rank correlation of similarities with those in reference latents.

    The :func:`rsa_score` of the model's latents and the reference's; greater is better.

    Parameters
    ----------
    Z_reference : array-like of shape (n_samples, n_targets), default=None
        Latents of the reference model. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `Z_reference` belongs to, on which every model is judged. None judges it on
        the samples the scorer is called with, in a search the test fold.

    metric : {"correlation", "euclidean"}, default="euclidean"
        How similar two samples are. Latents of few components have no correlations.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_rsa_scorer
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = PCA(3).fit(X)
    >>> make_rsa_scorer()(model, X, model.transform(X))
    1.0
    """
    return ReferenceScorer(rsa_score, 1, Z_reference, X_reference, {"metric": metric})


class _BuresScorer(Scorer):
    def __init__(self, posterior_reference, X_reference, align):
        self.posterior_reference = posterior_reference
        self.X_reference = X_reference
        self.align = align

    def __call__(self, estimator, X, y=None):
        found = posteriors(estimator, self.X_reference)
        return -bures_distance(found, self.posterior_reference, align=self.align)

    def __repr__(self):
        return f"BuresScorer({self.posterior_reference!r}, align={self.align})"


@check_options()
def make_bures_scorer(posterior_reference, X_reference, *, align=True):
    """Make a scorer by the distance from reference posteriors.

    The :func:`bures_distance` from the model's posteriors to the reference's, negated: greater is
    better, zero best.

    Parameters
    ----------
    posterior_reference : Posterior
        What the reference model's `encode` returned.

    X_reference : array-like of shape (n_samples, n_features)
        The samples of it, on which every model is judged.

    align : bool, default=True
        Whether the spaces may differ by a rotation or reflection.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`, for models with `encode`.

    Raises
    ------
    TypeError
        If `posterior_reference` has no means and log variances.

    ValueError
        If it and `X_reference` differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent._posterior import Posterior
    >>> from sklatent.metrics import make_bures_scorer
    >>> make_bures_scorer(Posterior(np.eye(3), log_var=np.eye(3)), np.eye(3))
    BuresScorer(Posterior(n_samples=3, n_components=3, covariance='diagonal'), align=True)
    """
    mean, _ = check_posterior(posterior_reference)
    check_reference_rows(mean, X_reference, "posterior_reference")
    return _BuresScorer(posterior_reference, X_reference, align)

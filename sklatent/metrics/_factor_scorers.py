"""Scorers of disentanglement by information about, and interventions on, known factors."""

from sklatent._utils.options import check_options
from sklatent.metrics._information import modularity_score, mutual_information_gap
from sklatent.metrics._intervention import (
    beta_vae_score,
    factor_vae_score,
    interventional_robustness_score,
)
from sklatent.metrics._scorers import FactorScorer


@check_options()
def make_factor_vae_scorer(
    factors=None,
    *,
    X_reference=None,
    n_train=10000,
    n_eval=5000,
    batch_size=64,
    pruning_threshold=0.05,
    factor_bins=None,
    random_state=0,
):
    """Make a scorer by the FactorVAE metric.

    Greater is better. See :func:`factor_vae_score`.

    Parameters
    ----------
    factors : array-like of shape (n_samples, n_factors), default=None
        True factors of the samples scored. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `factors` belong to, on which every model is judged. None judges it on the
        samples the scorer is called with, in a search the test fold.

    n_train : int, default=10000
        Number of batches for training.

    n_eval : int, default=5000
        Number of batches for the accuracy.

    batch_size : int, default=64
        Samples in a batch.

    pruning_threshold : float, default=0.05
        Codes of smaller standard deviation are left out.

    factor_bins : int, default=None
        Number of bins of equal width for factors that are continuous. None refuses them.

    random_state : int, RandomState instance or None, default=0
        Determines the batches. The default judges all candidates of a search alike.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_factor_vae_scorer
    >>> factors = np.indices((4, 4, 4)).reshape(3, -1).T
    >>> model = PCA(3).fit(factors * [1, 2, 3])
    >>> scorer = make_factor_vae_scorer(n_train=300, n_eval=300)
    >>> scorer(model, factors * [1, 2, 3], factors)
    1.0
    """
    options = {
        "n_train": n_train,
        "n_eval": n_eval,
        "batch_size": batch_size,
        "pruning_threshold": pruning_threshold,
        "factor_bins": factor_bins,
        "random_state": random_state,
    }
    return FactorScorer(factor_vae_score, factors, X_reference, options)


@check_options()
def make_beta_vae_scorer(
    factors=None,
    *,
    X_reference=None,
    n_train=10000,
    n_eval=5000,
    batch_size=64,
    factor_bins=None,
    random_state=0,
):
    """Make a scorer by the beta-VAE metric.

    Greater is better. See :func:`beta_vae_score`.

    Parameters
    ----------
    factors : array-like of shape (n_samples, n_factors), default=None
        True factors of the samples scored. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `factors` belong to, on which every model is judged. None judges it on the
        samples the scorer is called with, in a search the test fold.

    n_train : int, default=10000
        Number of batches for training.

    n_eval : int, default=5000
        Number of batches for the accuracy.

    batch_size : int, default=64
        Pairs in a batch.

    factor_bins : int, default=None
        Number of bins of equal width for factors that are continuous. None refuses them.

    random_state : int, RandomState instance or None, default=0
        Determines the batches. The default judges all candidates of a search alike.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_beta_vae_scorer
    >>> factors = np.indices((4, 4, 4)).reshape(3, -1).T
    >>> model = PCA(3).fit(factors * [1, 2, 3])
    >>> scorer = make_beta_vae_scorer(n_train=300, n_eval=300)
    >>> scorer(model, factors * [1, 2, 3], factors)
    1.0
    """
    options = {
        "n_train": n_train,
        "n_eval": n_eval,
        "batch_size": batch_size,
        "factor_bins": factor_bins,
        "random_state": random_state,
    }
    return FactorScorer(beta_vae_score, factors, X_reference, options)


@check_options()
def make_mutual_information_gap_scorer(
    factors=None, *, X_reference=None, n_bins=20, factor_bins=None
):
    """Make a scorer by the mutual information gap (MIG).

    Greater is better. See :func:`mutual_information_gap`.

    Parameters
    ----------
    factors : array-like of shape (n_samples, n_factors), default=None
        True factors of the samples scored. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `factors` belong to, on which every model is judged. None judges it on the
        samples the scorer is called with, in a search the test fold.

    n_bins : int, default=20
        Number of bins of equal width over each code's range.

    factor_bins : int, default=None
        Number of bins of equal width for factors that are continuous. None refuses them.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_mutual_information_gap_scorer
    >>> factors = np.indices((4, 4, 4)).reshape(3, -1).T
    >>> model = PCA(3).fit(factors * [1, 2, 3])
    >>> make_mutual_information_gap_scorer()(model, factors * [1, 2, 3], factors)
    1.0
    """
    options = {"n_bins": n_bins, "factor_bins": factor_bins}
    return FactorScorer(mutual_information_gap, factors, X_reference, options)


@check_options()
def make_modularity_scorer(factors=None, *, X_reference=None, n_bins=20, factor_bins=None):
    """Make a scorer of modularity.

    Greater is better. See :func:`modularity_score`.

    Parameters
    ----------
    factors : array-like of shape (n_samples, n_factors), default=None
        True factors of the samples scored. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `factors` belong to, on which every model is judged. None judges it on the
        samples the scorer is called with, in a search the test fold.

    n_bins : int, default=20
        Number of bins of equal width over each code's range.

    factor_bins : int, default=None
        Number of bins of equal width for factors that are continuous. None refuses them.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_modularity_scorer
    >>> factors = np.indices((4, 4, 4)).reshape(3, -1).T
    >>> model = PCA(3).fit(factors * [1, 2, 3])
    >>> make_modularity_scorer()(model, factors * [1, 2, 3], factors)
    1.0
    """
    options = {"n_bins": n_bins, "factor_bins": factor_bins}
    return FactorScorer(modularity_score, factors, X_reference, options)


@check_options()
def make_interventional_robustness_scorer(
    factors=None, *, X_reference=None, diff_quantile=0.99, n_bins=None
):
    """Make a scorer of interventional robustness (IRS).

    Greater is better. See :func:`interventional_robustness_score`.

    Parameters
    ----------
    factors : array-like of shape (n_samples, n_factors), default=None
        True factors of the samples scored. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `factors` belong to, on which every model is judged. None judges it on the
        samples the scorer is called with, in a search the test fold.

    diff_quantile : float, default=0.99
        Quantile of the deviations; 1.0 is the maximum.

    n_bins : int, default=None
        Bins of factors that are numbers; None takes each value for itself.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_interventional_robustness_scorer
    >>> factors = np.indices((4, 4, 4)).reshape(3, -1).T
    >>> model = PCA(3).fit(factors * [1, 2, 3])
    >>> make_interventional_robustness_scorer()(model, factors * [1, 2, 3], factors)
    1.0
    """
    options = {"diff_quantile": diff_quantile, "n_bins": n_bins}
    return FactorScorer(interventional_robustness_score, factors, X_reference, options)

"""Scorers of disentanglement by predicting known factors of variation."""

from sklatent._utils.options import check_options
from sklatent.metrics._disentanglement import dci_scores
from sklatent.metrics._prediction import explicitness_score, separated_attribute_predictability
from sklatent.metrics._scorers import FactorScorer

_DCI_SCORES = ("disentanglement", "completeness", "informativeness")


@check_options()
def make_dci_scorer(
    factors=None,
    *,
    X_reference=None,
    score="disentanglement",
    estimator=None,
    test_size=0.5,
    random_state=0,
    n_jobs=None,
):
    """Make a scorer of disentanglement, completeness or informativeness (DCI).

    Greater is better. See :func:`dci_scores`.

    Parameters
    ----------
    factors : array-like of shape (n_samples, n_factors), default=None
        True factors of the samples scored. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `factors` belong to, on which every model is judged. None judges it on the
        samples the scorer is called with, in a search the test fold.

    score : {"disentanglement", "completeness", "informativeness"}, default="disentanglement"
        Which of the three scores.

    estimator : estimator, default=None
        Predictor of one factor; None is gradient-boosted trees.

    test_size : float or int, default=0.5
        Fraction or number of samples on which informativeness is measured.

    random_state : int, RandomState instance or None, default=0
        Determines the split and the default estimator. The default judges all candidates of a
        search alike.

    n_jobs : int, default=None
        Number of predictors fitted in parallel.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklatent.metrics import make_dci_scorer
    >>> factors = np.random.default_rng(0).integers(3, size=(300, 2))
    >>> scorer = make_dci_scorer()
    >>> cross_val_score(PCA(2), 1.0 * factors * [1, 2], factors, scoring=scorer, cv=2).round(1)
    array([1., 1.])
    """
    if not isinstance(score, str) or score not in _DCI_SCORES:
        raise ValueError(f"score must be one of {_DCI_SCORES}, got {score!r}.")
    options = {
        "estimator": estimator,
        "test_size": test_size,
        "random_state": random_state,
        "n_jobs": n_jobs,
    }
    return FactorScorer(dci_scores, factors, X_reference, options, score)


@check_options()
def make_separated_attribute_predictability_scorer(
    factors=None,
    *,
    X_reference=None,
    continuous_factors=False,
    test_size=0.5,
    random_state=0,
    n_jobs=None,
):
    """Make a scorer by separated attribute predictability (SAP).

    Greater is better. See :func:`separated_attribute_predictability`.

    Parameters
    ----------
    factors : array-like of shape (n_samples, n_factors), default=None
        True factors of the samples scored. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `factors` belong to, on which every model is judged. None judges it on the
        samples the scorer is called with, in a search the test fold.

    continuous_factors : bool, default=False
        Whether the factors are continuous.

    test_size : float or int, default=0.5
        Fraction or number of samples on which accuracy is measured.

    random_state : int, RandomState instance or None, default=0
        Determines the split. The default judges all candidates of a search alike.

    n_jobs : int, default=None
        Number of predictors fitted in parallel.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_separated_attribute_predictability_scorer
    >>> factors = np.indices((4, 4, 4)).reshape(3, -1).T
    >>> model = PCA(3).fit(factors * [1, 2, 3])
    >>> scorer = make_separated_attribute_predictability_scorer(continuous_factors=True)
    >>> scorer(model, factors * [1, 2, 3], factors)
    1.0
    """
    options = {
        "continuous_factors": continuous_factors,
        "test_size": test_size,
        "random_state": random_state,
        "n_jobs": n_jobs,
    }
    return FactorScorer(separated_attribute_predictability, factors, X_reference, options)


@check_options()
def make_explicitness_scorer(
    factors=None,
    *,
    X_reference=None,
    test_size=0.5,
    factor_bins=None,
    random_state=0,
    n_jobs=None,
):
    """Make a scorer of explicitness.

    Greater is better. See :func:`explicitness_score`.

    Parameters
    ----------
    factors : array-like of shape (n_samples, n_factors), default=None
        True factors of the samples scored. None takes them from y.

    X_reference : array-like of shape (n_samples, n_features), default=None
        Samples that `factors` belong to, on which every model is judged. None judges it on the
        samples the scorer is called with, in a search the test fold.

    test_size : float or int, default=0.5
        Fraction or number of samples on which the classifiers are judged.

    factor_bins : int, default=None
        Number of bins of equal width for factors that are continuous. None refuses them.

    random_state : int, RandomState instance or None, default=0
        Determines the split. The default judges all candidates of a search alike.

    n_jobs : int, default=None
        Number of predictors fitted in parallel.

    Returns
    -------
    scorer : callable
        With the signature `scorer(estimator, X, y=None)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.metrics import make_explicitness_scorer
    >>> factors = np.random.default_rng(0).integers(2, size=(300, 2))
    >>> model = PCA(2).fit(factors)
    >>> make_explicitness_scorer()(model, factors, factors)
    1.0
    """
    options = {
        "test_size": test_size,
        "factor_bins": factor_bins,
        "random_state": random_state,
        "n_jobs": n_jobs,
    }
    return FactorScorer(explicitness_score, factors, X_reference, options)

"""Disentanglement judged by which codes a predictor of each factor relies on."""

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import entropy
from sklearn.base import clone, is_regressor
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.utils import Bunch
from sklearn.utils._param_validation import HasMethods

from sklatent._utils.options import check_options
from sklatent._utils.random import local_random_state
from sklatent.metrics._factors import encode_factors, numeric_factors
from sklatent.metrics._validation import check_codes, refuse_extreme, split_samples

# Added to importances before an entropy is taken, as in the public implementation.
_ENTROPY_OFFSET = 1e-11


def _importances(model, n_codes):
    """Return the importance of each code to a fitted predictor of one factor."""
    last = model[-1] if hasattr(model, "steps") else model
    if hasattr(last, "feature_importances_"):
        importances = np.abs(np.asarray(last.feature_importances_, dtype=np.float64))
    elif hasattr(last, "coef_"):
        # One row of coefficients for each class.
        importances = np.abs(np.atleast_2d(last.coef_)).mean(axis=0)
    else:
        raise ValueError(
            f"{type(last).__name__} has neither feature_importances_ nor coef_ after fit; DCI "
            "needs an estimator that says how much it uses each code."
        )
    if importances.shape != (n_codes,):
        raise ValueError(
            f"{type(last).__name__} gave importances of shape {importances.shape} for {n_codes} "
            "codes."
        )
    return importances


def _fit_factor(estimator, train, train_factor, test, test_factor):
    model = clone(estimator).fit(train, train_factor)
    importances = _importances(model, train.shape[1])
    return importances, model.score(train, train_factor), model.score(test, test_factor)


def dci_from_importances(importances):
    """Disentanglement and completeness of a matrix of importances.

    With R the importances, :math:`P_{ij} = R_{ij} / \\sum_k R_{ik}` and
    :math:`\\tilde P_{ij} = R_{ij} / \\sum_k R_{kj}`, disentanglement of code i is
    :math:`1 - H(P_i)` with the entropy H to the base n_factors, and completeness of factor j is
    :math:`1 - H(\\tilde P_j)` to the base n_codes. The totals are their averages, weighted by
    each code's or factor's share of all importance. All lie in [0, 1]; larger is better.

    Parameters
    ----------
    importances : array-like of shape (n_codes, n_factors)
        Non-negative importance of each code for predicting each factor.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        disentanglement : float
            One if every code that is used serves a single factor.
        completeness : float
            One if every factor is captured by a single code.
        informativeness : None
            Importances alone do not tell; :func:`dci_scores` does.
        disentanglement_per_code : ndarray of shape (n_codes,)
            Scores of the codes; zero for a code that is not used.
        completeness_per_factor : ndarray of shape (n_factors,)
            Scores of the factors; zero for a factor that nothing predicts.
        importances : ndarray of shape (n_codes, n_factors)
            The importances.

    Raises
    ------
    ValueError
        If there are fewer than two codes or factors (the entropy would be to the base one), or an
        importance is negative or not finite.

    Notes
    -----
    As in the public implementation, 1e-11 is added to each importance inside the entropies. It is
    added relative to the largest importance here, so that the scores do not depend on the unit of
    the importances.

    References
    ----------
    C. Eastwood, C. Williams, "A framework for the quantitative evaluation of disentangled
    representations", ICLR 2018, section 2.

    Examples
    --------
    >>> from sklatent.metrics import dci_from_importances
    >>> result = dci_from_importances([[2.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> result.disentanglement
    1.0
    >>> result.completeness
    0.684
    """
    R = check_codes(importances, "importances", min_samples=2, min_components=2)
    if (R < 0).any():
        raise ValueError("importances must not be negative; take absolute values of coefficients.")
    given = R.copy()
    if R.max() > 0:
        R = R / R.max()
        code_weight, factor_weight = R.sum(axis=1) / R.sum(), R.sum(axis=0) / R.sum()
    else:
        # Nothing predicts anything: every entropy is full and every score zero.
        code_weight, factor_weight = np.ones(len(R)), np.ones(R.shape[1])
    # Clipping removes rounding of the order of 1e-16 below zero, for uniform importances.
    per_code = np.clip(1 - entropy(R.T + _ENTROPY_OFFSET, base=R.shape[1]), 0, 1)
    per_factor = np.clip(1 - entropy(R + _ENTROPY_OFFSET, base=len(R)), 0, 1)
    return Bunch(
        disentanglement=float(per_code @ code_weight),
        completeness=float(per_factor @ factor_weight),
        informativeness=None,
        disentanglement_per_code=per_code,
        completeness_per_factor=per_factor,
        importances=given,
    )


@check_options(estimator=[HasMethods("fit"), None])
def dci_scores(codes, factors, *, estimator=None, test_size=0.5, random_state=None, n_jobs=None):
    """Disentanglement, completeness and informativeness (DCI) of a representation.

    One predictor for each factor is trained on a part of the samples; the importances it gives the
    codes go through :func:`dci_from_importances`, and informativeness is its mean score on the
    other part. Larger is better; disentanglement and completeness lie in [0, 1].

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_codes)
        Latents, such as posterior means.

    factors : array-like of shape (n_samples, n_factors)
        True factors of variation of the same samples: discrete values of any type if `estimator`
        is a classifier, numbers if it is a regressor.

    estimator : estimator, default=None
        Predictor of one factor, with `feature_importances_` or `coef_` after fit; for a Pipeline,
        its last step's. None is `GradientBoostingClassifier()`, as in the public implementation.

    test_size : float or int, default=0.5
        Fraction or number of samples on which informativeness is measured.

    random_state : int, RandomState instance or None, default=None
        Determines the split and the default estimator.

    n_jobs : int, default=None
        Number of factors fitted in parallel. None is one, unless in a
        :obj:`joblib.parallel_config` context.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        As of :func:`dci_from_importances`, with

        informativeness : float
            Mean test score over factors: accuracy in [0, 1] for a classifier, R^2 for a regressor.
        informativeness_train : float
            The same on the training part.

    Raises
    ------
    ValueError
        If there are fewer than two codes or factors, a factor is constant, in all samples or after
        the split, or is not discrete and `estimator` is not a regressor.

    References
    ----------
    C. Eastwood, C. Williams, "A framework for the quantitative evaluation of disentangled
    representations", ICLR 2018. F. Locatello et al., "Challenging common assumptions in the
    unsupervised learning of disentangled representations", ICML 2019, for the trees and for
    informativeness as accuracy.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import dci_scores
    >>> factors = np.random.default_rng(0).integers(3, size=(300, 2))
    >>> result = dci_scores(factors.astype(float), factors, random_state=0)
    >>> result.disentanglement
    1.0
    >>> result.informativeness
    1.0
    """
    codes = check_codes(codes, min_samples=4, min_components=2)
    if estimator is not None and is_regressor(estimator):
        factors = numeric_factors(factors, len(codes), min_factors=2)
    else:
        factors = encode_factors(factors, len(codes), min_factors=2)
    refuse_extreme(codes, "dci_scores")
    random_state = local_random_state(random_state)
    train, test, train_factors, test_factors = split_samples(
        codes, factors, test_size, random_state
    )
    if estimator is None:
        # An integer, not the generator itself: the factors may be fitted in any order.
        estimator = GradientBoostingClassifier(random_state=random_state.randint(2**31 - 1))
    fits = Parallel(n_jobs=n_jobs)(
        delayed(_fit_factor)(estimator, train, train_factors[:, j], test, test_factors[:, j])
        for j in range(factors.shape[1])
    )
    importances, train_scores, test_scores = zip(*fits, strict=True)
    result = dci_from_importances(np.column_stack(importances))
    result.informativeness = float(np.mean(test_scores))
    result.informativeness_train = float(np.mean(train_scores))
    return result

"""Disentanglement judged by how well factors can be predicted from one code, or from all."""

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklatent._utils.options import check_options
from sklatent.metrics._blocks import binary_exponent
from sklatent.metrics._factors import encode_factors, numeric_factors
from sklatent.metrics._validation import check_codes, is_constant, refuse_extreme, split_samples


def _squared_correlations(codes, factors):
    """Squared Pearson correlation of each code with each factor, zero for a constant code."""
    constant = is_constant(codes)
    codes = np.ldexp(codes, -binary_exponent(codes, axis=0))
    codes = (codes - codes.mean(axis=0)) / np.where(constant, 1.0, codes.std(axis=0))
    factors = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    correlation = codes.T @ factors / len(codes)
    return np.where(constant[:, None], 0.0, np.minimum(correlation**2, 1.0))


def _threshold_accuracy(train, train_factor, test, test_factor):
    classifier = LinearSVC(C=0.01, class_weight="balanced", dual="auto", random_state=0)
    return classifier.fit(train, train_factor).score(test, test_factor)


@check_options()
def separated_attribute_predictability(
    codes, factors, *, continuous_factors=False, test_size=0.5, random_state=None, n_jobs=None
):
    """Separated attribute predictability (SAP) of a representation.

    The mean over factors of the difference between the two codes that predict the factor best, each
    code on its own: by squared correlation for continuous factors, by the test accuracy of a linear
    support vector classifier for discrete ones. It lies in [0, 1]; larger is better.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_codes)
        Latents, such as posterior means.

    factors : array-like of shape (n_samples, n_factors)
        True factors of variation of the same samples: numbers if `continuous_factors`, else
        discrete values of any type.

    continuous_factors : bool, default=False
        Whether the factors are continuous.

    test_size : float or int, default=0.5
        Fraction or number of samples on which accuracy is measured; continuous factors use all
        samples.

    random_state : int, RandomState instance or None, default=None
        Determines the split for discrete factors.

    n_jobs : int, default=None
        Number of classifiers fitted in parallel. None is one, unless in a
        :obj:`joblib.parallel_config` context.

    Returns
    -------
    score : float
        The score.

    Raises
    ------
    ValueError
        If there are fewer than two codes, a factor is constant, or it is not discrete although
        `continuous_factors` is false.

    Notes
    -----
    The classifier is that of the public implementation, `LinearSVC(C=0.01,
    class_weight="balanced")`. It is regularised, so for discrete factors the score depends on the
    scale of the codes. A constant code has squared correlation zero.

    References
    ----------
    A. Kumar, P. Sattigeri, A. Balakrishnan, "Variational inference of disentangled latent concepts
    from unlabeled observations", ICLR 2018, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import separated_attribute_predictability
    >>> codes = np.random.default_rng(0).normal(size=(1000, 2))
    >>> bool(separated_attribute_predictability(codes, codes, continuous_factors=True) > 0.95)
    True
    """
    codes = check_codes(codes, min_samples=4, min_components=2)
    if continuous_factors:
        scores = _squared_correlations(codes, numeric_factors(factors, len(codes)))
    else:
        refuse_extreme(codes, "separated_attribute_predictability")
        factors = encode_factors(factors, len(codes))
        train, test, train_factors, test_factors = split_samples(
            codes, factors, test_size, random_state
        )
        pairs = [(i, j) for i in range(codes.shape[1]) for j in range(factors.shape[1])]
        accuracies = Parallel(n_jobs=n_jobs)(
            delayed(_threshold_accuracy)(
                train[:, [i]], train_factors[:, j], test[:, [i]], test_factors[:, j]
            )
            for i, j in pairs
        )
        scores = np.reshape(accuracies, (codes.shape[1], factors.shape[1]))
    ordered = np.sort(scores, axis=0)
    return float(np.mean(ordered[-1] - ordered[-2]))


def _explicitness_of_factor(train, train_factor, test, test_factor):
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probabilities = model.fit(train, train_factor).predict_proba(test)
    # A value that the test part lacks, or fills, has no ROC curve.
    curves = [
        roc_auc_score(test_factor == value, probabilities[:, k])
        for k, value in enumerate(model.classes_)
        if 0 < (test_factor == value).sum() < len(test_factor)
    ]
    if not curves:
        raise ValueError("No value of a factor occurs in both parts: there are too few samples.")
    return np.mean(curves)


@check_options()
def explicitness_score(
    codes, factors, *, test_size=0.5, factor_bins=None, random_state=None, n_jobs=None
):
    """Explicitness: how well a linear classifier reads the factors off the whole code.

    The mean over factors, and over the values of each against the rest, of the area under the ROC
    curve of logistic regression on the standardised codes, on held-out samples. 0.5 is chance, 1 is
    best; larger is better.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_codes)
        Latents, such as posterior means.

    factors : array-like of shape (n_samples, n_factors)
        True factors of variation of the same samples, discrete values of any type.

    test_size : float or int, default=0.5
        Fraction or number of samples held out.

    factor_bins : int, default=None
        Number of bins of equal width for factors that are continuous: numbers of which more than
        half are different, more than 50 with fewer than 20 samples each, or more than 200. None
        refuses them.

    random_state : int, RandomState instance or None, default=None
        Determines the split.

    n_jobs : int, default=None
        Number of factors fitted in parallel. None is one, unless in a
        :obj:`joblib.parallel_config` context.

    Returns
    -------
    score : float
        The score on the held-out samples.

    Raises
    ------
    ValueError
        If a factor is constant, in all samples or after the split, or not discrete.

    Notes
    -----
    A constant code, which standardisation in the public implementation turns into NaN, has no
    effect. A value that is missing in one part of the split is left out.

    References
    ----------
    K. Ridgeway, M. Mozer, "Learning deep disentangled embeddings with the F-statistic loss",
    NeurIPS 2018, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.metrics import explicitness_score
    >>> factors = np.random.default_rng(0).integers(3, size=(400, 2))
    >>> codes = np.hstack([factors == value for value in range(3)]).astype(float)
    >>> explicitness_score(codes, factors, random_state=0)
    1.0
    """
    codes = check_codes(codes, min_samples=4)
    # Standardised below; in range first.
    codes = np.ldexp(codes, -binary_exponent(codes, axis=0))
    factors = encode_factors(factors, len(codes), factor_bins=factor_bins)
    train, test, train_factors, test_factors = split_samples(
        codes, factors, test_size, random_state
    )
    scores = Parallel(n_jobs=n_jobs)(
        delayed(_explicitness_of_factor)(train, train_factors[:, j], test, test_factors[:, j])
        for j in range(factors.shape[1])
    )
    return float(np.mean(scores))

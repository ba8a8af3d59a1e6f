"""UDR, against the public implementation, scikit-learn's lasso and scipy's rank correlation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso

from sklatent.channels import (
    bhattacharyya_coefficients,
    normalized_mutual_information,
    variation_of_information,
)
from sklatent.metrics import udr_scores
from sklatent.metrics._ranking import (
    _lasso_coefficients,
    _lasso_similarity,
    _rank,
    _spearman_similarity,
    _standardize,
)
from tests.metrics.reference import make_reference


def make_models():
    codes, factors = make_reference()
    rng = np.random.RandomState(7)
    models = [
        codes,
        codes @ rng.normal(size=(7, 7)),
        factors @ rng.normal(size=(4, 7)) + rng.normal(size=(3000, 7)),
        codes[:, ::-1] * [1, -1, 1, 2, 1, 1, 3],
    ]
    kl = rng.random_sample((4, 7))
    kl[0, 2], kl[2, 5] = 0.0, 0.005
    return np.stack(models), kl


def test_public_implementations_values():
    models, kl = make_models()
    scores = udr_scores(models, kl=kl, similarity="spearman")
    np.testing.assert_allclose(
        scores, [0.2275134501, 0.213709828, 0.1804293875, 0.213709828], atol=1e-9
    )
    # Its lasso stops at a duality gap of 1e-4, ours goes on.
    scores = udr_scores(models, kl=kl)
    np.testing.assert_allclose(
        scores, [0.293116538, 0.2819989838, 0.2295090391, 0.2675827377], atol=3e-4
    )


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_lasso_is_scikit_learns(seed):
    rng = np.random.RandomState(seed)
    columns = rng.normal(size=(200, 8)) @ rng.normal(size=(8, 8))
    strength = _lasso_similarity(columns, 4)
    scaled = _standardize(columns)
    model = Lasso(alpha=0.1, tol=1e-12, max_iter=100_000, fit_intercept=False)
    for block in (slice(0, 4), slice(4, 8)):
        expected = np.abs(model.fit(scaled[:, block], scaled).coef_.T)
        np.testing.assert_allclose(strength[block], expected, atol=1e-6)


def test_lasso_that_does_not_converge_says_so():
    gram = np.array([[1.0, 0.999], [0.999, 1.0]])
    with pytest.warns(ConvergenceWarning, match="nearly collinear"):
        _lasso_coefficients(gram, np.array([[0.5], [0.6]]), max_sweeps=3)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), ties=st.booleans())
def test_rank_correlations_are_scipys(seed, ties):
    columns = np.random.RandomState(seed).normal(size=(50, 5))
    columns = columns.round() if ties else columns
    expected = np.abs(spearmanr(columns).statistic)
    np.testing.assert_allclose(_spearman_similarity(columns), expected, atol=1e-12)


def loop_udr(models, informative, similarity):
    """Equation 4, entry by entry; the medians exclude the model itself."""
    n = len(models)
    pairwise = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            R = np.array([[similarity(a, b) for b in models[j].T[informative[j]]]
                          for a in models[i].T[informative[i]]])  # fmt: skip
            columns = [c.max() ** 2 / c.sum() if c.sum() else 0 for c in R.T]
            rows = [r.max() ** 2 / r.sum() if r.sum() else 0 for r in R]
            pairwise[i, j] = (np.mean(columns) + np.mean(rows)) / 2
    return [np.median(np.delete(pairwise[:, j], j)) for j in range(n)], pairwise


def test_scores_are_the_plain_loop():
    models, kl = make_models()
    models = models[:, :100]
    expected, pairs = loop_udr(models, kl > 0.01, lambda a, b: abs(spearmanr(a, b).statistic))
    scores, pairwise = udr_scores(models, kl=kl, similarity="spearman", return_pairwise=True)
    np.testing.assert_allclose(scores, expected)
    np.testing.assert_allclose(pairwise, pairs)
    np.testing.assert_allclose(pairwise, pairwise.T)


@pytest.mark.parametrize("similarity", ["lasso", "spearman"])
def test_signed_permutations_of_independent_components_agree(similarity):
    rng = np.random.RandomState(0)
    Z = rng.normal(size=(2000, 4))
    alike = [Z[:, rng.permutation(4)] * rng.choice([-3.0, 1.0], 4) for _ in range(3)]
    turned = [Z @ np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(3)]
    assert udr_scores(alike, similarity=similarity).min() > 0.75
    assert udr_scores(turned, similarity=similarity).max() < 0.5


@pytest.mark.parametrize("similarity", ["lasso", "spearman"])
@pytest.mark.parametrize("value", [0.0, 0.1])
def test_constant_and_passive_components_change_nothing(similarity, value):
    models, kl = make_models()
    models, kl = models[:, :200], np.full((4, 7), 1.0)
    expected = udr_scores(models, similarity=similarity)
    padded = np.concatenate([models, np.full((4, 200, 2), value)], axis=2)
    np.testing.assert_allclose(udr_scores(padded, similarity=similarity), expected)
    noise = np.random.RandomState(0).normal(size=(4, 200, 2))
    noisy = np.concatenate([models, noise], axis=2)
    kl = np.hstack([kl, np.full((4, 2), 0.01)])
    np.testing.assert_allclose(udr_scores(noisy, kl=kl, similarity=similarity), expected)


def test_a_model_without_information_scores_zero():
    models, kl = make_models()
    kl[1] = 0
    scores, pairwise = udr_scores(models, kl=kl, similarity="spearman", return_pairwise=True)
    assert scores[1] == 0
    assert np.isfinite(pairwise).all()


def test_divergences_are_computed_from_log_variances():
    rng = np.random.RandomState(0)
    codes = rng.normal(size=(3, 300, 3)) * [1, 1, 0.01]
    log_vars = np.broadcast_to(np.log([0.1, 0.2, 1.0]), codes.shape)
    kl = 0.5 * (codes**2 + np.exp(log_vars) - log_vars - 1).mean(axis=1)
    assert (kl[:, 2] < 0.01).all()
    np.testing.assert_allclose(
        udr_scores(codes, log_vars=log_vars, similarity="spearman"),
        udr_scores(codes[:, :, :2], similarity="spearman"),
    )
    np.testing.assert_allclose(
        udr_scores(codes, log_vars=log_vars), udr_scores(codes, kl=kl), atol=1e-12
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"similarity": "pearson"}, "similarity must be one of"),
        ({"similarity": "nmi"}, "needs log_vars"),
        ({"similarity": "vi"}, "needs log_vars"),
        ({"kl": np.ones((3, 7))}, r"kl must have shape \(4, 7\)"),
        ({"kl": np.full((4, 7), np.nan)}, "kl contains NaN"),
        ({"log_vars": np.ones((4, 7))}, "log_vars must have shape"),
        ({"kl_threshold": -1}, "kl_threshold"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        udr_scores(make_models()[0][:, :20], **options)


def test_bad_codes():
    with pytest.raises(ValueError, match="at least 2 models"):
        udr_scores(np.zeros((1, 5, 2)))
    with pytest.raises(ValueError, match="NaN"):
        udr_scores(np.full((2, 5, 2), np.nan))


@pytest.mark.parametrize("similarity", ["nmi", "vi"])
def test_channels_are_compared_as_the_channels_package_compares_them(similarity):
    rng = np.random.RandomState(0)
    codes = rng.normal(size=(3, 80, 2))
    codes[1] = codes[0][:, ::-1] * -1
    codes[:, :, 1] *= [[1.0], [1.0], [0.0]]  # the last model's second component is constant
    log_vars = np.full_like(codes, np.log(0.05))
    options = {"log_vars": log_vars, "similarity": similarity, "return_pairwise": True}
    scores, pairwise = udr_scores(codes, **options)

    def similarity_of(a, b):
        coefficients = [
            bhattacharyya_coefficients(means[:, None], np.full((80, 1), np.log(0.05)))
            for means in (a, b)
        ]
        if similarity == "nmi":
            return normalized_mutual_information(*coefficients)
        return np.exp(-variation_of_information(*coefficients))

    informative = np.array([[True, True], [True, True], [True, False]])
    expected, pairs = loop_udr(codes, informative, similarity_of)
    np.testing.assert_allclose(scores, expected, atol=1e-3)
    np.testing.assert_allclose(pairwise, pairs, atol=1e-3)
    assert pairwise[0, 1] > 2 * pairwise[0, 2]


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 30), levels=st.integers(1, 40))
def test_ranks_are_scipys_tied_or_not(seed, n, levels):
    generator = np.random.default_rng(seed)
    columns = np.column_stack(
        [generator.normal(size=(n, 2)), generator.integers(-levels, levels, (n, 2)), -np.zeros(n)]
    )
    np.testing.assert_array_equal(_rank(columns), rankdata(columns, axis=0))

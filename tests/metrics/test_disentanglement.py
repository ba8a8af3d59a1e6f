"""DCI, against closed forms and the public implementation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from joblib import parallel_config
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent.metrics import dci_from_importances, dci_scores
from tests.metrics.reference import make_reference


def base_entropy(weights, base):
    p = weights / weights.sum()
    p = p[p > 0]
    return -(p * np.log(p)).sum() / np.log(base)


def test_public_implementations_values():
    rng = np.random.RandomState(1)
    result = dci_from_importances(rng.random_sample((7, 4)))
    assert result.disentanglement == pytest.approx(0.1506352319247031, abs=1e-9)
    assert result.completeness == pytest.approx(0.08977843822573517, abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(R=arrays(float, (5, 3), elements=st.floats(0, 10).map(lambda x: x if x > 1e-3 else 0.0)))
def test_scores_are_one_minus_entropies(R):
    result = dci_from_importances(R)
    per_code = [1 - base_entropy(row, 3) if row.any() else 0 for row in R]
    per_factor = [1 - base_entropy(column, 5) if column.any() else 0 for column in R.T]
    np.testing.assert_allclose(result.disentanglement_per_code, per_code, atol=1e-6)
    np.testing.assert_allclose(result.completeness_per_factor, per_factor, atol=1e-6)
    if R.any():
        expected = np.average(per_code, weights=R.sum(axis=1))
        assert result.disentanglement == pytest.approx(expected, abs=1e-6)
        expected = np.average(per_factor, weights=R.sum(axis=0))
        assert result.completeness == pytest.approx(expected, abs=1e-6)
    for score in (result.disentanglement, result.completeness):
        assert 0 <= score <= 1
    np.testing.assert_array_equal(result.importances, R)
    assert result.informativeness is None


@pytest.mark.parametrize(
    ("importances", "disentanglement", "completeness"),
    [
        (5 * np.eye(5), 1, 1),
        (np.vstack([np.eye(5), np.eye(5)]), 1, 1 - np.log(2) / np.log(10)),
        (np.hstack([np.eye(5), np.eye(5)]), 1 - np.log(2) / np.log(10), 1),
        (np.vstack([np.eye(2), np.zeros((1, 2))]), 1, 1),
        (np.ones((4, 3)), 0, 0),
        (np.zeros((4, 3)), 0, 0),
    ],
)
def test_known_matrices(importances, disentanglement, completeness):
    result = dci_from_importances(importances)
    assert result.disentanglement == pytest.approx(disentanglement, abs=1e-8)
    assert result.completeness == pytest.approx(completeness, abs=1e-8)
    tiny = dci_from_importances(1e-20 * importances)
    assert tiny.disentanglement == pytest.approx(result.disentanglement, abs=1e-8)


@pytest.mark.parametrize(
    ("importances", "message"),
    [
        (np.ones((1, 3)), "minimum of 2"),
        (np.ones((3, 1)), "minimum of 2"),
        (-np.ones((3, 2)), "negative"),
        (np.full((3, 2), np.nan), "NaN"),
    ],
)
def test_bad_importances(importances, message):
    with pytest.raises(ValueError, match=message):
        dci_from_importances(importances)


def small_reference(n_samples=400):
    codes, factors = make_reference()
    return codes[:n_samples], factors[:n_samples, :3]


def test_rotation_of_disentangled_codes_is_noticed():
    factors = np.random.RandomState(0).randint(4, size=(600, 2))
    codes = factors + 0.05 * np.random.RandomState(1).normal(size=factors.shape)
    straight = dci_scores(codes, factors, random_state=0)
    turned = dci_scores(codes @ [[0.8, 0.6], [-0.6, 0.8]], factors, random_state=0)
    assert straight.disentanglement > 0.9
    assert straight.informativeness > 0.95
    assert turned.disentanglement < 0.5
    assert turned.informativeness > 0.8


def test_importances_are_of_each_factors_own_predictor():
    codes, factors = small_reference()
    forest = RandomForestClassifier(n_estimators=10, random_state=0)
    result = dci_scores(codes, factors, estimator=forest, random_state=0)
    np.testing.assert_allclose(result.importances.sum(axis=0), 1)
    assert result.importances.shape == (7, 3)
    assert 0 < result.informativeness < result.informativeness_train <= 1
    again = dci_from_importances(result.importances)
    assert result.disentanglement == again.disentanglement


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(max_iter=1000),
        make_pipeline(StandardScaler(), LogisticRegression()),
        Lasso(alpha=0.01),
    ],
)
def test_linear_predictors_and_regressors(estimator):
    codes, factors = small_reference()
    result = dci_scores(codes, factors, estimator=estimator, random_state=0)
    assert result.importances.shape == (7, 3)
    assert 0 < result.disentanglement < 1
    assert result.informativeness > 0.3
    assert not hasattr(estimator, "n_features_in_")


def test_continuous_factors_with_a_regressor():
    codes = np.random.RandomState(0).normal(size=(300, 3))
    result = dci_scores(codes, codes[:, ::-1], estimator=Lasso(alpha=0.01), random_state=0)
    assert result.disentanglement == pytest.approx(1, abs=0.01)
    assert result.informativeness > 0.99


def test_reproducible_in_any_number_of_jobs():
    codes, factors = small_reference(60)
    first = dci_scores(codes, factors, random_state=3)
    with parallel_config("threading"):
        second = dci_scores(codes, factors, random_state=3, n_jobs=2)
    np.testing.assert_array_equal(first.importances, second.importances)
    other = dci_scores(codes, factors, random_state=4)
    assert not np.array_equal(first.importances, other.importances)


def test_constant_codes_have_no_importance():
    codes, factors = small_reference(100)
    codes = np.column_stack([codes, np.ones(len(codes))])
    result = dci_scores(codes, factors, random_state=0)
    np.testing.assert_array_equal(result.importances[-1], 0)
    assert np.isfinite(result.disentanglement)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda c, f: (c, f[:, 0]), "at least 2, got 1"),
        (lambda c, f: (c[:, :1], f), "minimum of 2"),
        (lambda c, f: (c[:3], f[:3]), "minimum of 4"),
        (lambda c, f: (c, c[:, :2]), "not discrete"),
        (lambda c, f: (c, np.column_stack([f, np.ones(len(f))])), "Factor 3 takes one value"),
        (lambda c, f: (c, np.eye(len(f))[:, :2]), "in the (training|test) part"),
    ],
)
def test_bad_input(break_it, message):
    with pytest.raises(ValueError, match=message):
        dci_scores(*break_it(*small_reference(100)), random_state=0)


def test_an_estimator_that_does_not_say_what_it_uses():
    codes, factors = small_reference(100)
    with pytest.raises(ValueError, match="neither feature_importances_ nor coef_"):
        dci_scores(codes, factors, estimator=KNeighborsClassifier(), random_state=0)

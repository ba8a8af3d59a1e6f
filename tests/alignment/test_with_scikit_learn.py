"""Aligners in scikit-learn's own tools."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ortho_group
from sklearn import config_context
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_score,
    cross_validate,
    permutation_test_score,
)
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from sklatent.alignment import ICPAligner, LinearAligner, RelativeProjection, RigidAligner


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5)) * [3, 2, 1, 1, 0.5]
    return X, 2 * X @ ortho_group.rvs(5, random_state=0) + 1 + 0.2 * rng.normal(size=(120, 5))


@pytest.mark.parametrize("aligner", [LinearAligner(), RigidAligner(), ICPAligner()])
def test_last_step_of_a_pipeline(pair, aligner):
    X, Y = pair
    pipeline = make_pipeline(PCA(), aligner).fit(X, Y)
    assert pipeline.predict(X).shape == pipeline.transform(X).shape == Y.shape
    assert pipeline.score(X, Y) > 0.6
    assert pipeline.inverse_transform(Y).shape == X.shape
    assert cross_val_score(pipeline, X, Y, cv=3).shape == (3,)


def test_middle_step_of_a_pipeline(pair):
    """As a transformer it hands on what it maps to."""
    X, Y = pair
    pipeline = make_pipeline(LinearAligner(), RigidAligner()).fit(X, Y)
    assert pipeline.score(X, Y) > 0.95


def test_grid_search_over_alpha(pair):
    """Few anchors in many dimensions: some ridge is better than none."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(25, 20))
    Y = X @ rng.normal(size=(20, 20)) + 3 * rng.normal(size=(25, 20))
    alphas = [1e-6, 1.0, 30.0]
    search = GridSearchCV(LinearAligner(), {"alpha": alphas}, cv=5, n_jobs=2).fit(X, Y)
    assert search.best_params_["alpha"] > 1e-6


def test_grid_search_over_scaling(pair):
    search = GridSearchCV(RigidAligner(), {"scaling": [False, True]}, cv=3).fit(*pair)
    assert search.best_params_ == {"scaling": True}


def test_permutation_test_score(pair):
    X, Y = pair
    score, permuted, pvalue = permutation_test_score(
        LinearAligner(), X, Y, cv=3, n_permutations=20, random_state=0
    )
    assert score > 0.9
    assert permuted.max() < 0.1
    assert pvalue == pytest.approx(1 / 21)


def test_transformed_target(pair):
    X, Y = pair
    regressor = TransformedTargetRegressor(LinearAligner(), transformer=StandardScaler())
    # Least squares does not feel the units of its targets.
    assert_allclose(regressor.fit(X, Y).predict(X), LinearAligner().fit(X, Y).predict(X), rtol=1e-8)
    one = TransformedTargetRegressor(RigidAligner(), transformer=StandardScaler()).fit(X, Y[:, 0])
    assert one.predict(X).shape == (120,)


def test_frozen(pair):
    X, Y = pair
    aligner = LinearAligner().fit(X, Y)
    scores = cross_val_score(FrozenEstimator(aligner), X, Y, cv=3)
    expected = [aligner.score(X[i : i + 40], Y[i : i + 40]) for i in (0, 40, 80)]
    assert_allclose(scores, expected)


def test_metadata_routing_of_weights(pair):
    X, Y = pair
    weights = np.r_[np.ones(60), np.zeros(60)]
    Y = Y.copy()
    Y[60:] += 100
    with config_context(enable_metadata_routing=True):
        aligner = LinearAligner().set_fit_request(sample_weight=True)
        aligner.set_score_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), aligner)
        pipeline.fit(X, Y, sample_weight=weights)
        expected = make_pipeline(StandardScaler(), LinearAligner())
        scaled = StandardScaler().fit_transform(X)
        expected = LinearAligner().fit(scaled, Y, weights)
        assert_allclose(pipeline[-1].coef_, expected.coef_)
        result = cross_validate(
            aligner, X, Y, cv=2, params={"sample_weight": np.ones(120)}, error_score="raise"
        )
        assert result["test_score"].shape == (2,)


def test_metadata_routing_of_labels(pair):
    X, Y = pair
    labels = np.digitize(X[:, 0], [-2, 0, 2])
    with config_context(enable_metadata_routing=True):
        aligner = ICPAligner(random_state=0).set_fit_request(source_labels=True, target_labels=True)
        pipeline = make_pipeline(StandardScaler(), aligner)
        pipeline.fit(X, Y, source_labels=labels, target_labels=labels)
        direct = ICPAligner(random_state=0).fit(
            StandardScaler().fit_transform(X), Y, source_labels=labels, target_labels=labels
        )
        assert_allclose(pipeline[-1].coef_, direct.coef_)


def test_relative_projection_beside_other_features(pair):
    X, Y = pair
    union = make_union(PCA(2), RelativeProjection(anchors=[0, 1, 2]))
    assert union.fit_transform(X).shape == (120, 5)
    pipeline = make_pipeline(RelativeProjection(n_anchors=20, random_state=0), LinearAligner())
    assert cross_val_score(pipeline, X, Y, cv=3).min() > 0.5


def test_frames(pair):
    pandas = pytest.importorskip("pandas")
    X, Y = pair
    frame = pandas.DataFrame(X, columns=list("abcde"), index=np.arange(120) + 7)
    aligner = LinearAligner().set_output(transform="pandas").fit(frame, pandas.DataFrame(Y))
    Z = aligner.transform(frame)
    assert list(Z.columns) == [f"linearaligner{i}" for i in range(5)]
    assert_array_equal(Z.index, frame.index)
    assert isinstance(aligner.predict(frame), np.ndarray)
    assert_allclose(Z.to_numpy(), LinearAligner().fit(X, Y).transform(X))

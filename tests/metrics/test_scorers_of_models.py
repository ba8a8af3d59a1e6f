"""Scorers with the models themselves, in Pipelines and searches."""

import pickle

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import VAE, RosettaPoints, RosettaVAE
from sklatent.datasets import make_eight_gaussians
from sklatent.metrics import (
    elbo_scorer,
    latent_space_distortion,
    make_active_components_scorer,
    make_consistency_scorer,
    make_dci_scorer,
    make_distortion_scorer,
    make_polarized_regime_scorer,
    make_rosetta_scorer,
    make_udr_scorer,
    reconstruction_scorer,
)
from tests.settings import PAPERS

SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0}


@pytest.fixture(scope="module")
def data():
    return make_eight_gaussians(240, random_state=0)


@pytest.fixture(scope="module")
def reference(data):
    X = StandardScaler().fit_transform(data[0])
    model = VAE(2, **{**SMALL, "max_epochs": 20}).fit(X)
    return model, RosettaPoints.distill(model, X, n_points=8, random_state=0)


def test_search_over_rho_in_a_pipeline(data, reference):
    X, _ = data
    model, points = reference
    scaled = StandardScaler().fit_transform(X)
    scoring = {
        "elbo": elbo_scorer,
        "rosetta": make_rosetta_scorer(points),
        "reconstruction": reconstruction_scorer,
        "distortion": make_distortion_scorer(model.transform(scaled), X_reference=X),
    }
    pipeline = make_pipeline(
        StandardScaler(), RosettaVAE(2, rosetta_points=points, **SMALL, **PAPERS)
    )
    grid = {"rosettavae__rho": [0.0, 20.0]}
    search = GridSearchCV(pipeline, grid, scoring=scoring, refit="rosetta", cv=2)
    search.fit(X)
    results = search.cv_results_
    for name in scoring:
        assert np.isfinite(results[f"mean_test_{name}"]).all()
    # Anchoring is what the criterion sees and the bound alone does not.
    assert search.best_params_ == {"rosettavae__rho": 20.0}
    best = search.best_estimator_
    expected = -latent_space_distortion(best.transform(X), model.transform(scaled))
    assert scoring["distortion"](best, X) == pytest.approx(expected)
    assert scoring["distortion"](search, X) == pytest.approx(expected)


def test_elbo_and_anchors_error_of_a_model(data, reference):
    X = StandardScaler().fit_transform(data[0])
    model, points = reference
    scorer = pickle.loads(pickle.dumps(make_rosetta_scorer(points, weight=2.0)))
    # The model the points come from encodes them exactly; only decoding is off. Judges are those
    # that no model trains on.
    judges = points.held_out
    error = ((model.inverse_transform(judges.Z) - judges.X) ** 2).sum(axis=1).mean()
    assert elbo_scorer(model, X) == pytest.approx(model.score(X))
    assert scorer(model, X) == pytest.approx(model.score(X) - 2.0 * error, rel=1e-4)


def test_scorers_of_posteriors_and_of_several_models(data, reference):
    X, _ = data
    pipelines = [
        make_pipeline(StandardScaler(), VAE(2, **{**SMALL, "random_state": seed})).fit(X)
        for seed in range(3)
    ]
    assert make_active_components_scorer()(pipelines[0], X) in {0, 1, 2}
    assert np.isfinite(make_polarized_regime_scorer()(pipelines[0], X))
    assert 0 < make_consistency_scorer(pipelines[1:])(pipelines[0], X) <= 1
    for similarity in ("lasso", "spearman", "nmi", "vi"):
        scorer = make_udr_scorer(pipelines[1:], similarity=similarity, kl_threshold=0)
        assert 0 < scorer(pipelines[0], X) <= 1.1


def test_disentanglement_of_a_model_in_cross_validation(data):
    X, y = data
    factors = np.column_stack([y // 4, y % 4])
    pipeline = make_pipeline(StandardScaler(), VAE(2, **SMALL))
    result = cross_validate(pipeline, X, factors, scoring=make_dci_scorer(), cv=2)
    assert ((result["test_score"] >= 0) & (result["test_score"] <= 1)).all()

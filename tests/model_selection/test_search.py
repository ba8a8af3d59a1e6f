"""Searches, pipelines and schedulers of scikit-learn, joblib and dask."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import VAE, RosettaPoints, RosettaVAE
from sklatent.datasets import make_eight_gaussians
from sklatent.metrics import elbo_scorer, make_rosetta_scorer, reconstruction_scorer
from sklatent.nn.training import devices
from tests.settings import PAPERS

SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 5, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    return make_eight_gaussians(300, random_state=0)[0]


@pytest.fixture(scope="module")
def points(X):
    scaled = StandardScaler().fit_transform(X)
    model = VAE(2, **{**SMALL, "max_epochs": 30}).fit(scaled)
    return RosettaPoints.distill(model, scaled, n_points=8, random_state=0)


def pipeline(points):
    model = RosettaVAE(2, rosetta_points=points, **SMALL, **PAPERS)
    return Pipeline([("scaler", StandardScaler()), ("rosettavae", model)])


GRID = {"rosettavae__rho": [0.0, 5.0], "rosettavae__beta": [0.5, 1.0]}


def test_grid_search_in_processes_is_the_serial_one(X, points):
    scoring = {"elbo": elbo_scorer, "rosetta": make_rosetta_scorer(points)}
    searches = [
        GridSearchCV(
            pipeline(points), GRID, cv=2, scoring=scoring, refit="rosetta", n_jobs=n_jobs
        ).fit(X)
        for n_jobs in (None, 2)
    ]
    for name in ("mean_test_elbo", "mean_test_rosetta"):
        serial, parallel = (search.cv_results_[name] for search in searches)
        np.testing.assert_allclose(serial, parallel, rtol=1e-5)
    # The plain bound has no use for anchors; the scorer that counts them does.
    assert searches[0].best_params_["rosettavae__rho"] == 5.0
    assert searches[0].best_estimator_.transform(X).shape == (300, 2)


def test_cross_val_score_and_scorers(X, points):
    for scorer in (None, elbo_scorer, reconstruction_scorer, make_rosetta_scorer(points)):
        scores = cross_val_score(pipeline(points), X, cv=2, scoring=scorer)
        assert np.isfinite(scores).all()


def test_feature_union_clone_pickle_joblib(X, points, tmp_path):
    model = RosettaVAE(2, rosetta_points=points, **SMALL)
    scaled = StandardScaler().fit_transform(X)
    union = FeatureUnion([("a", VAE(3, **SMALL)), ("b", model)]).fit(scaled)
    assert union.transform(scaled).shape == (300, 5)
    assert clone(model).fit(scaled).rosetta_points is not points
    model.fit(scaled)
    joblib.dump(model, tmp_path / "model")
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")):
        assert np.array_equal(copy.transform(scaled), model.transform(scaled))
        assert copy.partial_fit(scaled).n_epochs_ == 6


def test_dask_cluster(X, points):
    distributed = pytest.importorskip("distributed")
    search = GridSearchCV(pipeline(points), GRID, cv=2, error_score="raise")
    serial = clone(search).fit(X)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        search.fit(X)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], serial.cv_results_["mean_test_score"], rtol=1e-5
    )


def test_a_gpu_shared_by_processes_warns(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(devices, "_is_worker_process", lambda: True)
        with pytest.warns(UserWarning, match="n_jobs"):
            devices.warn_if_gpu_is_shared(torch.device("cuda"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        devices.warn_if_gpu_is_shared(torch.device("cuda"))
        devices.warn_if_gpu_is_shared(torch.device("cpu"))


def test_joblibs_workers_know_that_they_are():
    assert not devices._is_worker_process()
    assert all(
        joblib.Parallel(n_jobs=2)(joblib.delayed(devices._is_worker_process)() for _ in "ab")
    )

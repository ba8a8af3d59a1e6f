"""Chunks, processes, clusters, and what goes wrong on the way."""

import threading
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score

from sklatent import VAE
from sklatent.datasets import make_eight_gaussians
from sklatent.metrics import elbo_scorer
from sklatent.model_selection import FusedGridSearchCV
from sklatent.model_selection._stacks import _even
from sklatent.models import _fit_together
from sklatent.models._fit_together import members_at_a_time

SMALL = {
    "hidden_layer_sizes": (8,),
    "max_epochs": 2,
    "batch_size": 50,
    "random_state": 0,
    "precision": "float64",
}
BETAS = {"beta": [0.1, 0.5, 1.0, 4.0]}


@pytest.fixture(scope="module")
def X():
    return make_eight_gaussians(150, random_state=0)[0]


@pytest.fixture(scope="module")
def expected(X):
    return GridSearchCV(VAE(2, **SMALL), BETAS, cv=3, refit=False).fit(X).cv_results_


def assert_same(search, expected):
    for name in ("mean_test_score", "split2_test_score", "rank_test_score"):
        np.testing.assert_allclose(search.cv_results_[name], expected[name], rtol=1e-9)


def test_chunks_over_processes(X, expected):
    search = FusedGridSearchCV(VAE(2, **SMALL), BETAS, cv=3, refit=False, n_jobs=2).fit(X)
    assert search.n_stacked_fits_ == 12
    assert_same(search, expected)


@pytest.mark.parametrize("pre_dispatch", [1, "all"])
def test_how_many_are_prepared_changes_no_stack(X, expected, pre_dispatch):
    search = FusedGridSearchCV(
        VAE(2, **SMALL), BETAS, cv=3, refit=False, pre_dispatch=pre_dispatch
    ).fit(X)
    assert search.n_stacked_fits_ == 12
    assert_same(search, expected)


@pytest.mark.parametrize(
    ("n", "size", "n_jobs", "chunks"),
    [(693, 64, 2, 12), (12, 64, 2, 2), (1, 64, 4, 1), (3, 64, 4, 3), (9, 1, 2, 9), (65, 64, 1, 2)],
)  # fmt: skip
def test_chunks_are_even_and_enough(n, size, n_jobs, chunks):
    found = _even(n, size, n_jobs)
    assert found <= size
    assert -(-n // found) == chunks


def test_large_models_are_not_stacked_by_the_dozen():
    assert members_at_a_time(VAE(2, hidden_layer_sizes=(32, 32)), 5) == 192
    assert members_at_a_time(VAE(10, hidden_layer_sizes=(1024, 1024)), 784) == 1
    conv = VAE(10, architecture="conv", image_shape=(1, 28, 28))
    assert members_at_a_time(conv, 784) == 1
    assert members_at_a_time(VAE(2, warm_start=True), 5) == 1


def test_one_failing_member_is_trained_once(X, monkeypatch):
    """The others' training goes on, and its own error is handed over."""
    alone = []
    original = _fit_together.fit_stacked

    def counted(models, *arguments, **keywords):
        alone.append(len(models))
        return original(models, *arguments, **keywords)

    monkeypatch.setattr(_fit_together, "fit_stacked", counted)
    grid = {"beta": [1.0, 1e39, 2.0]}
    model = VAE(2, init="random", **SMALL | {"precision": "float32"})
    search = FusedGridSearchCV(model, grid, cv=2, refit=False)
    with pytest.warns(match="NonFiniteLossError: The training loss became non-finite in epoch 1"):
        search.fit(X)
    assert alone == [6]
    assert search.n_stacked_fits_ == 4
    np.testing.assert_array_equal(
        np.isnan(search.cv_results_["mean_test_score"]), [False, True, False]
    )


def test_inside_processes_it_is_one_process(X):
    search = FusedGridSearchCV(VAE(2, **SMALL), BETAS, cv=2, n_jobs=2)
    scores = cross_val_score(search, X, cv=2, n_jobs=2)
    assert np.isfinite(scores).all()


def test_other_parallel_loops_go_where_they_would(X):
    """A model that is itself a search, and a scorer that asks for the number of processes."""
    from joblib import effective_n_jobs

    seen = []

    def score(model, X, y=None):
        seen.append(effective_n_jobs(None))
        return 0.0

    inner = GridSearchCV(VAE(2, **SMALL), {"learning_rate": [1e-3, 1e-2]}, cv=2)
    search = FusedGridSearchCV(inner, {"estimator__beta": [0.5, 1.0]}, cv=2, scoring=score).fit(X)
    assert seen == [1] * 4
    assert hasattr(search.best_estimator_, "best_params_")


def test_no_processes_is_an_error(X):
    with pytest.raises(ValueError, match="n_jobs=0 is no number of processes"):
        FusedGridSearchCV(VAE(2, **SMALL), BETAS, n_jobs=0).fit(X)
    with (
        parallel_config(backend="threading"),
        pytest.raises(ValueError, match="ThreadingBackend has only threads for n_jobs=2"),
    ):
        FusedGridSearchCV(VAE(2, **SMALL), BETAS, n_jobs=2).fit(X)


def test_what_cannot_be_sent_is_said(X):
    class Unsendable:
        def __call__(self, model, X, y=None):
            return 0.0

        def __reduce__(self):
            raise TypeError("it holds a connection")

    search = FusedGridSearchCV(VAE(2, **SMALL), BETAS, scoring=Unsendable(), n_jobs=2)
    with pytest.raises(TypeError, match=r"With n_jobs=2.*it holds a connection"):
        search.fit(X)


class DiesOnce:
    """A scorer that ends its process, the first time that it is called."""

    def __init__(self, marker):
        self.marker = marker

    def __call__(self, model, X, y=None):
        import os

        try:
            os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return elbo_scorer(model, X)
        os._exit(1)


def test_a_process_that_dies_costs_its_chunk(X, expected, tmp_path):
    scoring = DiesOnce(str(tmp_path / "died"))
    search = FusedGridSearchCV(
        VAE(2, **SMALL), BETAS, cv=3, refit=False, scoring=scoring, n_jobs=2
    ).fit(X)
    assert (tmp_path / "died").exists()
    assert_same(search, expected)


def test_a_worker_of_a_cluster_that_dies(X, expected, tmp_path):
    distributed = pytest.importorskip("distributed")
    scoring = DiesOnce(str(tmp_path / "died"))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        parallel_config(backend="dask"),
    ):
        search = FusedGridSearchCV(VAE(2, **SMALL), BETAS, cv=3, refit=False, scoring=scoring)
        search.fit(X)
    assert (tmp_path / "died").exists()
    assert search.n_stacked_fits_ == 12
    assert_same(search, expected)


def test_a_cluster_that_is_gone_is_said(X):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None)
    with distributed.Client(cluster), parallel_config(backend="dask"):
        cluster.close()
        with pytest.raises(RuntimeError, match="cluster of joblib's active backend is gone"):
            FusedGridSearchCV(VAE(2, **SMALL), BETAS, cv=2).fit(X)


def test_an_estimator_that_cannot_be_sent_is_said(X):
    model = VAE(2, architecture=lambda *shape: None, **SMALL)
    model.architecture.lock = threading.Lock()
    search = FusedGridSearchCV(model, BETAS, cv=2, n_jobs=2)
    with pytest.raises(TypeError, match=r"With n_jobs=2.*lock"):
        search.fit(X)


@pytest.mark.parametrize("warm_start", [False, True], ids=["stacked", "one by one"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_many_fits_warn_of_is_said_once(X, capfd, n_jobs, warm_start):
    model = VAE(2, warm_start=warm_start, **SMALL)
    grid = {"beta": [1e-3, 1e5, 1e6]}
    search = FusedGridSearchCV(model, grid, cv=2, refit=False, n_jobs=n_jobs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X)
    (warning,) = (w for w in caught if issubclass(w.category, ConvergenceWarning))
    said = str(warning.message)
    assert said.startswith("4 of 6 fits of the search warn that they did not converge.")
    assert "beta=1e+05 makes information expensive" in said
    assert warning.filename == __file__
    assert "ConvergenceWarning" not in capfd.readouterr().err

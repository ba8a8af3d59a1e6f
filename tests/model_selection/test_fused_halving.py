"""Halving over epochs, held against scikit-learn's own and against fits from the beginning."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.model_selection._search_successive_halving import HalvingGridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import LRScheduler

from sklatent import VAE, FactorVAE
from sklatent.datasets import make_eight_gaussians
from sklatent.likelihoods import Gaussian
from sklatent.model_selection import FusedGridSearchCV, FusedHalvingGridSearchCV
from sklatent.models import _trainable

SMALL = {
    "hidden_layer_sizes": (8,),
    "max_epochs": 9,
    "batch_size": 50,
    "random_state": 0,
    "precision": "float64",
}
BETAS = {"beta": [0.1, 0.2, 0.4, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0]}
COUNTS = ("n_resources_", "n_candidates_", "n_iterations_", "n_required_iterations_",
          "n_possible_iterations_", "n_remaining_candidates_", "min_resources_",
          "max_resources_")  # fmt: skip


@pytest.fixture(scope="module")
def X():
    return make_eight_gaussians(150, random_state=0)[0]


def assert_last_are_fits(search, model, X, **fit):
    """Score of the last iteration's candidates are those of fits from the beginning."""
    results = search.cv_results_
    last = np.flatnonzero(results["iter"] == search.n_iterations_ - 1)
    for i in last:
        grid = {name: [value] for name, value in results["params"][i].items()}
        alone = GridSearchCV(model, grid, cv=search.cv, scoring=search.scoring, refit=False)
        alone.fit(X, **fit)
        expected = alone.cv_results_["mean_test_score"][0]
        np.testing.assert_allclose(results["mean_test_score"][i], expected, rtol=1e-9)


def test_counts_are_those_of_scikit_learn(X):
    for settings in [
        {},
        {"factor": 2},
        {"factor": 2, "min_resources": "smallest"},
        {"min_resources": 2},
        {"max_resources": 3, "aggressive_elimination": True},
    ]:
        ours = FusedHalvingGridSearchCV(VAE(2, **SMALL), BETAS, cv=2, **settings).fit(X)
        settings = {"max_resources": 9, "factor": 3} | settings
        theirs = HalvingGridSearchCV(
            KMeans(2, random_state=0), {"tol": BETAS["beta"]}, resource="max_iter", cv=2, **settings
        ).fit(X)
        for name in COUNTS:
            assert getattr(ours, name) == getattr(theirs, name), (settings, name)
        for name in ("iter", "n_resources"):
            np.testing.assert_array_equal(ours.cv_results_[name], theirs.cv_results_[name])
        assert_last_are_fits(ours, VAE(2, **SMALL), X)


@pytest.mark.parametrize(
    "model",
    [
        VAE(2, early_stopping=True, patience=2, **SMALL),
        FactorVAE(2, discriminator_layer_sizes=(8,), **SMALL),
        VAE(2, warmup_epochs=4, **SMALL | {"random_state": np.random.RandomState(3)}),
        VAE(2, optimizer="sgd", learning_rate=0.01, **SMALL),
    ],
    ids=["early stopping", "adversary", "RandomState and warm-up", "SGD"],
)
def test_training_goes_on_where_it_was(X, model):
    name = "gamma" if isinstance(model, FactorVAE) else "beta"
    search = FusedHalvingGridSearchCV(model, {name: [0.5, 1.0, 2.0, 4.0]}, factor=2, cv=2).fit(X)
    assert search.n_candidates_ == [4, 2, 1]
    assert search.n_stacked_fits_ == 14
    assert_last_are_fits(search, model, X)


def test_no_epoch_is_trained_twice(X, monkeypatch):
    epochs = []
    original = _trainable.fit_model
    monkeypatch.setattr(
        _trainable, "fit_model", lambda *a, **k: (epochs.append(1), original(*a, **k))
    )
    search = FusedHalvingGridSearchCV(VAE(2, **SMALL), BETAS, cv=2, refit=False).fit(X)
    assert not epochs
    first, *_, last = search.learning_curves_
    assert [curve["params"] for curve in search.learning_curves_] == [
        {"beta": beta} for beta in BETAS["beta"]
    ]
    lengths = sorted(curve["train_loss"].shape for curve in search.learning_curves_)
    assert lengths == [(2, 1)] * 6 + [(2, 3)] * 2 + [(2, 9)]
    assert first["n_resources"] == [1]
    assert last["n_resources"] in ([1], [1, 3])
    best = max(search.learning_curves_, key=lambda curve: len(curve["n_resources"]))
    assert best["n_resources"] == [1, 3, 9]
    assert best["test_score"][-1] == search.best_score_
    # The curve that the whole fit of the same fold has.
    rows = np.arange(75, 150)
    alone = VAE(2, **SMALL | best["params"]).fit(X[rows])
    expected = [row["train_loss"] for row in alone.history_]
    np.testing.assert_allclose(best["train_loss"][0], expected, rtol=1e-9)


def test_rates_and_warm_up_of_each_in_one_stack(X):
    grid = {"learning_rate": [1e-3, 3e-3], "warmup_epochs": [0, 4]}
    search = FusedHalvingGridSearchCV(VAE(2, **SMALL), grid, factor=2, cv=2).fit(X)
    assert search.n_stacked_fits_ == 14
    assert_last_are_fits(search, VAE(2, **SMALL), X)


def test_other_choices_and_a_pipeline(X):
    pipeline = make_pipeline(StandardScaler(), VAE(**SMALL))
    grid = {"vae__n_components": [1, 2], "vae__beta": [0.5, 1.0, 2.0]}
    search = FusedHalvingGridSearchCV(
        pipeline, grid, resource="vae__max_epochs", factor=2, cv=2, n_jobs=1
    ).fit(X)
    assert search.n_candidates_ == [6, 3, 2]
    assert search.n_stacked_fits_ == 22
    assert_last_are_fits(search, pipeline, X)


def test_processes_give_the_same(X):
    one = FusedHalvingGridSearchCV(VAE(2, **SMALL), BETAS, cv=3, refit=False).fit(X)
    two = FusedHalvingGridSearchCV(VAE(2, **SMALL), BETAS, cv=3, refit=False, n_jobs=2).fit(X)
    assert two.cv_results_["params"] == one.cv_results_["params"]
    for name in ("mean_test_score", "std_test_score", "n_resources"):
        np.testing.assert_allclose(two.cv_results_[name], one.cv_results_[name], rtol=1e-9)


def test_models_with_callbacks_train_anew(X):
    model = VAE(2, callbacks=[LRScheduler("StepLR", step_size=1)], **SMALL)
    search = FusedHalvingGridSearchCV(model, {"beta": [0.5, 1.0, 2.0]}, cv=2).fit(X)
    assert search.n_stacked_fits_ == 0
    assert_last_are_fits(search, model, X)


def test_a_model_that_fails_drops_out(X):
    model = VAE(2, init="random", **SMALL)
    search = FusedHalvingGridSearchCV(model, {"beta": [1.0, 1e308, 2.0]}, cv=2)
    with pytest.warns(match="fits failed|non-finite"):
        search.fit(X)
    assert search.best_params_["beta"] in (1.0, 2.0)
    assert_last_are_fits(search, model, X)


def test_best_is_near_that_of_the_whole_search(X):
    model = VAE(2, **SMALL)
    whole = FusedGridSearchCV(model, BETAS, cv=3, refit=False).fit(X)
    half = FusedHalvingGridSearchCV(model, BETAS, cv=3, refit=False).fit(X)
    assert half.best_score_ >= whole.best_score_ - 0.005


@pytest.mark.parametrize(
    ("n_candidates", "epochs", "factor", "expected"),
    [(9, 9, 3, [1, 3, 9]), (28, 20, 3, [2, 6, 18]), (9, 20, 3, [2, 6, 18]), (5, 3, 2, [1, 2]),
     (9, 7, 2, [1, 2, 4])],
)  # fmt: skip
def test_the_last_iteration_comes_near_to_all_epochs(X, n_candidates, epochs, factor, expected):
    """Also where there are more candidates than epochs to tell them apart one by one."""
    model = VAE(2, **SMALL | {"hidden_layer_sizes": (2,), "max_epochs": epochs})
    grid = {"beta": list(np.geomspace(0.1, 4.0, n_candidates))}
    search = FusedHalvingGridSearchCV(model, grid, factor=factor, cv=2, refit=False)
    assert search.fit(X[:60]).n_resources_ == expected


def test_numbers_of_the_likelihood_are_kept_from_round_to_round(X):
    """As a model of all epochs has them that was trained alone."""
    model = VAE(2, **SMALL)
    grid = {"likelihood": [Gaussian(scale=scale) for scale in (0.3, 0.5, 1.0, 2.0)]}
    search = FusedHalvingGridSearchCV(model, grid, cv=3, factor=2, refit=False).fit(X)
    assert search.n_stacked_fits_ == 3 * sum(search.n_candidates_)
    last = search.cv_results_["iter"] == search.n_iterations_ - 1
    for place in np.flatnonzero(last):
        own = clone(model).set_params(**search.cv_results_["params"][place])
        expected = cross_val_score(own, X, cv=3).mean()
        np.testing.assert_allclose(search.cv_results_["mean_test_score"][place], expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resource": "epochs"}, "resource='epochs' is no parameter of VAE"),
        ({"max_resources": 2}, "9 candidates can't be halved by factor=3"),
        ({"factor": 1}, "lets no candidate drop out"),
        ({"min_resources": 10}, "is greater than max_resources"),
        ({"param_grid": {"max_epochs": [1, 2, 3]}}, "part of the searched parameters"),
        ({"n_jobs": 0}, "n_jobs=0"),
    ],
    ids=["resource", "too few epochs", "factor", "least", "searched", "no processes"],
)
def test_what_is_wrong_is_said(X, settings, message):
    settings = {"param_grid": BETAS} | settings
    with pytest.raises(ValueError, match=message):
        FusedHalvingGridSearchCV(VAE(2, **SMALL), cv=2, **settings).fit(X)


def test_the_pipelines_name_is_offered(X):
    search = FusedHalvingGridSearchCV(make_pipeline(VAE(2, **SMALL)), {"vae__beta": [1, 2, 3]})
    with pytest.raises(ValueError, match="Write 'vae__max_epochs'"):
        search.fit(X)

"""The fused search against scikit-learn's own, whose scores it has to have."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ParameterGrid,
    ShuffleSplit,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from skorch.callbacks import LRScheduler

from sklatent import VAE, BetaTCVAE, RosettaPoints, RosettaVAE, TransformVAE
from sklatent.likelihoods import Gaussian
from sklatent.metrics import make_active_components_scorer, reconstruction_scorer
from sklatent.model_selection import FusedGridSearchCV
from sklatent.models import LatentModel, _fit_together, _trainable
from sklatent.transformations import RandomRotation

# Float64, in which a stack and its models alone are the same but for the last digits.
SMALL = {
    "hidden_layer_sizes": (8,),
    "max_epochs": 2,
    "batch_size": 50,
    "random_state": 0,
    "precision": "float64",
}
BETAS = {"beta": [0.1, 1.0, 4.0]}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:150] / 16, y[:150]


def scores(search):
    """Return everything in `cv_results_` that is a score or a rank."""
    found = {k: v for k, v in search.cv_results_.items() if "time" not in k and "rank" not in k}
    return found.pop("params"), {k: v for k, v in found.items() if not k.startswith("param_")}


def assert_as_by_scikit_learn(model, grid, X, y=None, n_stacked=None, fit=None, **parameters):
    """Both searches, side by side."""
    fit = fit or {}
    plain = GridSearchCV(model, grid, **parameters).fit(X, y, **fit)
    fused = FusedGridSearchCV(model, grid, **parameters).fit(X, y, **fit)
    (candidates, expected), (fused_candidates, found) = scores(plain), scores(fused)
    assert fused_candidates == candidates
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-12, err_msg=name)
    if plain.refit:
        assert fused.best_params_ == plain.best_params_
        assert type(fused.best_estimator_) is type(plain.best_estimator_)
    if n_stacked is not None:
        assert fused.n_stacked_fits_ == n_stacked
    assert "_plan" not in vars(getattr(fused, "best_estimator_", fused))
    return fused


def test_scores_are_those_of_grid_search(digits):
    X, _ = digits
    search = assert_as_by_scikit_learn(VAE(3, **SMALL), BETAS, X, n_stacked=9, cv=3)
    assert search.stacked_fit_time_ > 0
    assert len({*search.cv_results_["mean_test_score"]}) == 3
    alone = VAE(3, **SMALL | search.best_params_).fit(X)
    np.testing.assert_array_equal(search.transform(X), alone.transform(X))


def test_folds_of_unequal_size(digits):
    """150 rows in 4 folds: 38, 38, 37, 37."""
    assert_as_by_scikit_learn(VAE(3, **SMALL), BETAS, digits[0], n_stacked=12, cv=4)


def test_other_choices_form_stacks_of_their_own(digits):
    grid = [{"n_components": [2, 3], **BETAS}, {"learning_rate": [0.01], "beta": [2.0]}]
    assert_as_by_scikit_learn(
        VAE(**SMALL), grid, digits[0], n_stacked=14, cv=2, return_train_score=True
    )


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (TransformVAE(3, transformation=RandomRotation(30), image_shape=(1, 8, 8),
                      latent_layer_sizes=(8,), **SMALL), {"coherence_weight": [1.0, 10.0]}),
        (BetaTCVAE(3, **SMALL), BETAS),
        (VAE(3, early_stopping=True, **SMALL), BETAS),
        (VAE(3, augmentation=RandomRotation(30), image_shape=(1, 8, 8), **SMALL), BETAS),
        (VAE(3, **SMALL | {"random_state": np.random.RandomState(3)}), BETAS),
    ],
    ids=["transform", "total correlation", "early stopping", "augmentation", "RandomState"],
)  # fmt: skip
def test_other_models(digits, model, grid):
    n = 2 * len(next(iter(grid.values())))
    assert_as_by_scikit_learn(model, grid, digits[0], n_stacked=n, cv=2)


def test_rho_and_beta_of_a_rosetta_vae(digits):
    X, _ = digits
    anchors = RosettaPoints(X[:6], np.random.RandomState(0).normal(size=(6, 3)))
    grid = {"rho": [0.1, 10.0], "beta": [0.5, 1.0]}
    search = assert_as_by_scikit_learn(
        RosettaVAE(3, rosetta_points=anchors, **SMALL), grid, X, n_stacked=8, cv=2
    )
    assert search.best_estimator_.rosetta_points == anchors


def test_pipelines_prepare_each_fold_by_itself(digits):
    X, y = digits
    pipeline = make_pipeline(MinMaxScaler(), VAE(3, **SMALL), KNeighborsClassifier(3))
    search = assert_as_by_scikit_learn(
        pipeline, {"vae__beta": [0.1, 1.0], "kneighborsclassifier__n_neighbors": [1, 5]},
        X, y, n_stacked=12, cv=3,
    )  # fmt: skip
    assert list(search.classes_) == list(range(10))
    assert search.score(X, y) > 0.2


def test_a_model_that_the_grid_puts_in(digits):
    X, y = digits
    pipeline = make_pipeline(PCA(2), KNeighborsClassifier(3))
    grid = {"pca": [VAE(3, **SMALL), VAE(3, beta=0.1, **SMALL), PCA(3)]}
    assert_as_by_scikit_learn(pipeline, grid, X, y, n_stacked=6, cv=3)


def test_without_a_model_of_ours(digits):
    X, y = digits
    grid = {"n_neighbors": [1, 5]}
    assert_as_by_scikit_learn(KNeighborsClassifier(), grid, X, y, n_stacked=0, cv=3)


def test_several_scores_of_frames_in_threads(digits):
    X = pd.DataFrame(digits[0]).add_prefix("pixel")
    scoring = {"error": reconstruction_scorer, "active": make_active_components_scorer()}
    search = assert_as_by_scikit_learn(
        VAE(3, **SMALL), BETAS, X, n_stacked=6, cv=2, scoring=scoring, refit="error", n_jobs=2
    )
    assert list(search.feature_names_in_) == list(X)
    assert search.multimetric_


@pytest.mark.parametrize("cv", [ShuffleSplit(3), KFold(3, shuffle=True)], ids=["shuffle", "fold"])
def test_splits_are_drawn_once(digits, cv):
    search = FusedGridSearchCV(VAE(3, **SMALL), BETAS, cv=cv).fit(digits[0])
    assert search.n_stacked_fits_ == 9
    assert search.cv is cv


def test_no_seed_at_all(digits):
    model = VAE(3, **SMALL | {"random_state": None})
    search = FusedGridSearchCV(model, BETAS, cv=2).fit(digits[0])
    assert search.n_stacked_fits_ == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("routing", [False, True])
def test_groups_reach_the_splitter(digits, routing):
    X, _ = digits
    groups = np.arange(len(X)) // 30
    with sklearn.config_context(enable_metadata_routing=routing):
        assert_as_by_scikit_learn(
            VAE(3, **SMALL), BETAS, X, n_stacked=15, cv=GroupKFold(5), fit={"groups": groups}
        )


def test_metadata_reach_the_scorer(digits):
    X, y = digits
    weight = np.linspace(0.1, 2, len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(VAE(3, **SMALL), KNeighborsClassifier(3))
        scorer = make_scorer(lambda y, z, sample_weight: np.average(y == z, weights=sample_weight))
        scorer = scorer.set_score_request(sample_weight=True)
        fit = {"sample_weight": weight}
        grid = {"vae__beta": [0.1, 1.0]}
        assert_as_by_scikit_learn(pipeline, grid, X, y, n_stacked=4, fit=fit, cv=2, scoring=scorer)


def test_one_model_that_fails_costs_no_other_its_score(digits):
    X, _ = digits
    grid = {"beta": [1.0, 1e308]}
    model = VAE(3, init="random", **SMALL)  # at PCA nothing is used, and nothing weighed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = assert_as_by_scikit_learn(model, grid, X, n_stacked=2, cv=2)
    assert np.isfinite(search.cv_results_["mean_test_score"]).tolist() == [True, False]
    with pytest.raises(ValueError, match="non-finite"):
        FusedGridSearchCV(model, grid, cv=2, error_score="raise").fit(X)


def test_a_wrong_candidate_is_said_as_by_scikit_learn(digits):
    X, _ = digits
    for grid in ({"beta": [-1.0, -2.0]}, {"gamma": [1.0]}, {"beta": 1.0}, {"beta": []}):
        messages = []
        for kind in (GridSearchCV, FusedGridSearchCV):
            with pytest.raises((ValueError, TypeError)) as error:
                kind(VAE(3, **SMALL), grid, cv=2).fit(X)
            messages.append(str(error.value).partition("\n")[0])
        assert messages[0] == messages[1]


def test_a_failed_search_leaves_the_last_one(digits):
    X, _ = digits
    search = FusedGridSearchCV(VAE(3, **SMALL), BETAS, cv=2).fit(X)
    before = search.best_score_
    with pytest.raises(ValueError, match="NaN"):
        search.fit(np.full_like(X, np.nan))
    assert search.best_score_ == before


def test_callbacks_train_alone(digits):
    model = VAE(3, callbacks=[LRScheduler("StepLR", step_size=1)], **SMALL)
    assert_as_by_scikit_learn(model, BETAS, digits[0], n_stacked=0, cv=2)


def test_inside_another_cross_validation(digits):
    X, _ = digits
    results = [
        cross_val_score(kind(VAE(3, **SMALL), BETAS, cv=2), X, cv=2, n_jobs=2)
        for kind in (GridSearchCV, FusedGridSearchCV)
    ]
    np.testing.assert_allclose(results[1], results[0], rtol=1e-9)


def test_only_stacks_are_trained_ahead(digits, monkeypatch):
    """The saving itself: of nine fits none trains by itself, but for the refit."""
    X, _ = digits
    trained = []

    def counting(name, original):
        def counted(*args, **kwargs):
            trained.append(name)
            return original(*args, **kwargs)

        return counted

    for module, name in ((_fit_together, "fit_stacked"), (_trainable, "fit_model")):
        monkeypatch.setattr(module, name, counting(name, getattr(module, name)))
    FusedGridSearchCV(VAE(3, **SMALL), BETAS, cv=3).fit(X)
    assert trained == ["fit_stacked", "fit_model"]


def test_a_shared_random_state_is_not_trained_twice(digits, monkeypatch):
    X, _ = digits
    alone = []
    original = _trainable.fit_model
    monkeypatch.setattr(
        _trainable, "fit_model", lambda *a, **k: (alone.append(1), original(*a, **k))
    )
    model = VAE(3, **SMALL | {"random_state": np.random.RandomState(0)})
    search = FusedGridSearchCV(model, BETAS, cv=2, refit=False).fit(X)
    assert search.n_stacked_fits_ == 6
    assert not alone


def test_an_unrelated_fit_takes_nothing_over(digits, monkeypatch):
    """The same model and data, fitted while the search scores: it trains, and costs no offer."""
    X, _ = digits
    alone = []
    original = _trainable.fit_model
    monkeypatch.setattr(
        _trainable, "fit_model", lambda *a, **k: (alone.append(1), original(*a, **k))
    )
    itself = []
    (rows, held_out), *_ = KFold(2).split(X)

    def score(model, X, y=None):
        before = len(alone)
        VAE(3, beta=1.0, **SMALL).fit(digits[0][rows])
        itself.append(len(alone) - before)
        return 0.0

    grid = {"beta": [4.0, 1.0]}
    splits = [(rows, held_out)]
    search = FusedGridSearchCV(VAE(3, **SMALL), grid, cv=splits, scoring=score, refit=False).fit(X)
    assert search.n_stacked_fits_ == 2
    assert itself == [1, 1]
    assert len(alone) == 2  # none of the search's own


def test_a_stack_that_breaks_is_not_silent(digits, monkeypatch):
    def broken(*args):
        raise TypeError("of our own making")

    monkeypatch.setattr(_fit_together, "fit_stacked", broken)
    search = FusedGridSearchCV(VAE(3, **SMALL), BETAS, cv=2, refit=False)
    with pytest.warns(RuntimeWarning, match="6 fits could not.*TypeError: of our own making"):
        search.fit(digits[0])
    assert search.n_stacked_fits_ == 0
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"likelihood": Gaussian(scale=0.5)},
        {"covariates": [20, 21], "warmup_epochs": 1},
        {"missing": "mask", "learning_rate": 0.01},
        {"init": "random", "optimizer": partial(torch.optim.AdamW, weight_decay=0.1)},
    ],
    ids=["likelihood", "covariates", "missing", "optimizer"],
)
def test_what_else_a_model_has_leaves_it_one_stack(digits, monkeypatch, settings):
    """Objects are cloned for every candidate and fold, and known to be the same."""
    X, _ = digits
    sizes = counted_stacks(monkeypatch)
    model = VAE(3, **SMALL | settings)
    assert_as_by_scikit_learn(model, BETAS, X, n_stacked=6, cv=2, refit=False)
    assert sizes == [6]


def test_weights_of_anchors_are_one_stack(digits, monkeypatch):
    X, _ = digits
    sizes = counted_stacks(monkeypatch)
    anchors = RosettaPoints(X[:6], np.random.RandomState(0).normal(size=(6, 3)))
    model = RosettaVAE(3, rosetta_points=anchors, **SMALL)
    grid = {"rho": [0.5, 1.0], "encoder_weight": [1.0, 5.0], "decoder_weight": [0.5]}
    assert_as_by_scikit_learn(model, grid, X, n_stacked=8, cv=2, refit=False)
    assert sizes == [8]


START = VAE(2, **SMALL | {"random_state": 3}).fit(load_digits().data[:100] / 16)
ANCHORS = [
    RosettaPoints(load_digits().data[i : i + 6] / 16, np.random.RandomState(i).normal(size=(6, 2)))
    for i in (200, 300)
]


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (VAE(2, **SMALL), {"learning_rate": [1e-3, 3e-3], "beta": [0.5, 1.0]}),
        (VAE(2, optimizer="sgd", **SMALL), {"learning_rate": [1e-4, 1e-3]}),
        (VAE(2, optimizer="rmsprop", **SMALL), {"learning_rate": [1e-3, 1e-2]}),
        (VAE(2, optimizer=partial(torch.optim.AdamW, weight_decay=0.1), **SMALL),
         {"learning_rate": [1e-3, 1e-2]}),
        (VAE(2, init="random", early_stopping=True, patience=1, **SMALL | {"max_epochs": 8}),
         {"learning_rate": [1e-3, 3e-2], "warmup_epochs": [0, 3]}),
        (VAE(2, **SMALL), {"warmup_epochs": [0, 1, 8]}),
        (VAE(2, **SMALL), {"init": ["pca", FrozenEstimator(START), *ANCHORS]}),
        (RosettaVAE(2, rosetta_points=ANCHORS[0], **SMALL),
         {"rosetta_points": ANCHORS, "rho": [0.5, 2.0]}),
    ],
    ids=["rate", "rate of SGD", "rate of RMSprop", "rate beside weight decay",
         "rate and warm-up with early stopping", "warm-up", "start", "anchors"],
)  # fmt: skip
def test_where_numbers_and_starts_differ_it_is_one_stack(digits, monkeypatch, model, grid):
    X, _ = digits
    sizes = counted_stacks(monkeypatch)
    n = 2 * len(ParameterGrid(grid))
    search = assert_as_by_scikit_learn(model, grid, X, n_stacked=n, cv=2, refit=False)
    assert sizes == [n]
    assert len({*search.cv_results_["mean_test_score"]}) == n // 2


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (VAE(2, optimizer=torch.optim.Rprop, **SMALL), {"learning_rate": [1e-3, 1e-2]}),
        (VAE(2, **SMALL), {"init": ["pca", "random"]}),
        (VAE(2, **SMALL), {"annealing": [0.0, 0.5]}),
        (RosettaVAE(2, **SMALL),
         {"rosetta_points": [ANCHORS[0], RosettaPoints(ANCHORS[0].X[:5], ANCHORS[0].Z[:5])]}),
    ],
    ids=["Rprop's rate is no factor", "no linear path", "another schedule", "fewer anchors"],
)  # fmt: skip
def test_where_more_differs_it_is_not(digits, monkeypatch, model, grid):
    X, _ = digits
    sizes = counted_stacks(monkeypatch)
    assert_as_by_scikit_learn(model, grid, X, n_stacked=4, cv=2, refit=False)
    assert sizes == [2, 2]


def test_a_fitted_start_is_cloned_with_its_model(digits):
    X, _ = digits
    model = VAE(2, init=START, **SMALL)
    assert clone(model).init is START
    search = assert_as_by_scikit_learn(model, BETAS, X, n_stacked=6, cv=2)
    assert search.best_estimator_.init is START
    assert "_plan" not in vars(START)
    wrong = GridSearchCV(VAE(2, **SMALL), {"init": [START]}, cv=2, error_score="raise")
    with pytest.raises(NotFittedError, match="put sklearn.frozen.FrozenEstimator"):
        wrong.fit(X)


def counted_stacks(monkeypatch):
    """Sizes of the stacks that are trained from now on."""
    sizes = []
    original = _fit_together.fit_stacked

    def counted(models, *arguments):
        sizes.append(len(models))
        return original(models, *arguments)

    monkeypatch.setattr(_fit_together, "fit_stacked", counted)
    return sizes


def test_data_are_validated_once_for_each_fold(digits, monkeypatch):
    """Set-up that a search does for every candidate is what it must do for each."""
    X, _ = digits
    seen = []
    original = LatentModel._validate_training_data

    def counted(self, X, reset):
        seen.append(len(X))
        return original(self, X, reset)

    monkeypatch.setattr(LatentModel, "_validate_training_data", counted)
    FusedGridSearchCV(VAE(3, **SMALL), BETAS, cv=3, refit=False).fit(X)
    assert seen == [100] * 3


def test_what_it_can_do_is_what_its_estimator_can(digits):
    X, _ = digits
    pipeline = make_pipeline(VAE(3, **SMALL), KNeighborsClassifier(3))
    search = FusedGridSearchCV(pipeline, {"vae__beta": [0.5, 1.0]}, cv=2)
    assert hasattr(search, "predict")
    assert not hasattr(search, "fit_transform")
    classifier = FusedGridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]})
    assert not hasattr(classifier, "get_feature_names_out")
    assert not hasattr(classifier, "set_output")
    search = FusedGridSearchCV(VAE(3, **SMALL), BETAS, cv=2)
    assert not hasattr(search, "predict")
    np.testing.assert_array_equal(search.fit_transform(X), search.fit(X).transform(X))

"""scikit-learn's callbacks: what they are told of a fit, of its epochs and of what is inside."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import (
    VAE,
    Autoencoder,
    BetaTCVAE,
    FactorVAE,
    RosettaPoints,
    RosettaVAE,
    TransformVAE,
    VAEEnsemble,
    retrain,
)
from sklatent.datasets import make_eight_gaussians
from sklatent.metrics import elbo_scorer
from sklatent.model_selection import FusedGridSearchCV, FusedHalvingGridSearchCV
from sklatent.transformations import RandomRotation

callback = pytest.importorskip("sklearn.callback")

SMALL = {
    "hidden_layer_sizes": (8,),
    "max_epochs": 3,
    "batch_size": 50,
    "early_stopping": False,
    "random_state": 0,
}


class Recorder:
    """Notes what it is told; `stop_after` epochs it says that it is enough."""

    def __init__(self, stop_after=None):
        self.stop_after, self.events, self.limits, self.fitted = stop_after, [], [], []

    def setup(self, estimator, context):
        self.events.append(("setup", type(estimator).__name__))

    def teardown(self, estimator, context):
        self.events.append(("teardown", type(estimator).__name__))

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.estimator_name, context.task_name, context.task_id))
        if context.task_name == "fit":
            self.limits.append((context.estimator_name, context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(("end", context.estimator_name, context.task_name, context.task_id))
        if context.task_name == "epoch":
            self.fitted.append(fitted_estimator)
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after

    def of(self, name):
        return [event for event in self.events if event[1] == name]


class Spreading(Recorder):
    """One that searches and pipelines hand on to what is inside."""

    max_propagation_depth = None


@pytest.fixture(scope="module")
def X():
    return make_eight_gaussians(150, random_state=0)[0]


def test_a_fit_and_its_epochs(X):
    recorder = Recorder()
    model = VAE(2, **SMALL).set_callbacks(recorder).fit(X)
    epochs = [(kind, "VAE", "epoch", k) for k in range(3) for kind in ("begin", "end")]
    assert recorder.events == [
        ("setup", "VAE"),
        ("begin", "VAE", "fit", 0),
        *epochs,
        ("end", "VAE", "fit", 0),
        ("teardown", "VAE"),
    ]
    assert recorder.limits == [("VAE", 3)]
    # To be watched changes nothing, to the bit.
    alone = VAE(2, **SMALL).fit(X)
    np.testing.assert_array_equal(model.transform(X), alone.transform(X))
    assert model.history_ == alone.history_


def test_what_an_epoch_shows_is_the_model_that_would_stop_there(X):
    recorder = Recorder()
    VAE(2, **SMALL).set_callbacks(recorder).fit(X)
    for k, shown in enumerate(recorder.fitted, start=1):
        stopped = VAE(2, **SMALL).set_callbacks(Recorder(stop_after=k)).fit(X)
        assert stopped.n_epochs_ == shown.n_epochs_ == k
        np.testing.assert_array_equal(shown.transform(X), stopped.transform(X))
        assert shown.history_ == stopped.history_
    kept = {shown.score(X) for shown in recorder.fitted}
    assert len(kept) == 3


def test_scores_of_each_epoch(X):
    monitor = callback.ScoringMonitor(scoring={"elbo": elbo_scorer})
    model = VAE(2, **SMALL).set_callbacks(monitor).fit(X)
    log = {row["task_id_path"]: row["elbo"] for row in monitor.get_logs().data}
    assert list(log) == [(0,), (0, 0), (0, 1), (0, 2)]
    assert log[(0,)] == log[(0, 2)] == model.score(X)
    shown = Recorder()
    VAE(2, **SMALL).set_callbacks(shown).fit(X)
    assert [log[(0, k)] for k in range(3)] == [one.score(X) for one in shown.fitted]


def test_a_target_that_is_given_is_handed_on(X):
    seen = []

    def score(model, X, y):
        seen.append(y)
        return 0.0

    y = np.arange(len(X))
    for target in (y, None):
        monitor = callback.ScoringMonitor(scoring={"any": score})
        VAE(2, **SMALL).set_callbacks(monitor).fit(X, target)
    assert all(target is y for target in seen[:4])
    assert all(target is X for target in seen[4:])


def test_rows_held_out_and_then_all_rows(X):
    """Nobody knows how many epochs; those of both trainings are there."""
    recorder = Recorder()
    settings = SMALL | {"early_stopping": "auto", "init": "random", "batch_size": 8}
    model = VAE(2, **settings).set_callbacks(recorder).fit(X[:55])
    assert recorder.limits == [("VAE", None)]
    assert len(recorder.fitted) > 3  # of which the last are on all rows
    np.testing.assert_array_equal(recorder.fitted[-1].transform(X), model.transform(X))
    one = Recorder()
    VAE(2, **SMALL | {"early_stopping": True}).set_callbacks(one).fit(X)
    assert one.limits == [("VAE", 3)]


def test_partial_fit_is_one_epoch_and_warm_start_goes_on(X):
    recorder = Recorder()
    model = VAE(2, **SMALL).set_callbacks(recorder).partial_fit(X).partial_fit(X)
    assert recorder.limits == [("VAE", 1)] * 2
    assert model.n_epochs_ == 2
    model.set_params(warm_start=True).fit(X)
    assert [shown.n_epochs_ for shown in recorder.fitted] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "model",
    [
        Autoencoder(2, **SMALL),
        BetaTCVAE(2, **SMALL),
        FactorVAE(2, discriminator_layer_sizes=(8,), **SMALL),
        RosettaVAE(2, rosetta_points=RosettaPoints(np.eye(6, 5), np.eye(6, 2)), **SMALL),
        VAEEnsemble(2, n_estimators=2, **SMALL),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_models(X, model):
    recorder = Recorder()
    model.set_callbacks(recorder).fit(X)
    assert len(recorder.fitted) == 3
    np.testing.assert_array_equal(recorder.fitted[-1].transform(X), model.transform(X))


def test_fits_of_another_name(X):
    recorder = Recorder()
    images = np.random.default_rng(0).uniform(size=(60, 16))
    model = TransformVAE(
        2, transformation=RandomRotation(30), image_shape=(1, 4, 4), latent_layer_sizes=(8,),
        **SMALL,
    )  # fmt: skip
    model.set_callbacks(recorder).fit_triplets(images, images, images)
    encoder = VAE(2, **SMALL).fit(X)
    Autoencoder(2, **SMALL).set_callbacks(recorder).fit_decoder(encoder, X)
    assert len(recorder.fitted) == 6
    assert [event for event in recorder.events if event[0] == "teardown"] == [
        ("teardown", "TransformVAE"),
        ("teardown", "Autoencoder"),
    ]


def test_inside_a_pipeline_and_a_search(X):
    recorder = Spreading()
    pipeline = make_pipeline(StandardScaler(), VAE(2, **SMALL)).set_callbacks(recorder).fit(X)
    assert recorder.limits == [("Pipeline", 2), ("StandardScaler", 0), ("VAE", 3)]
    assert len(recorder.of("VAE")) == 8
    assert not hasattr(pipeline[-1], "_skl_callbacks")
    recorder = Spreading()
    pipeline.set_callbacks()
    grid = {"vae__beta": [0.5, 1.0]}
    GridSearchCV(pipeline, grid, cv=2).set_callbacks(recorder).fit(X)
    assert recorder.limits.count(("VAE", 3)) == 5
    assert len(recorder.fitted) == 15


@pytest.mark.parametrize("kind", [FusedGridSearchCV, FusedHalvingGridSearchCV])
def test_in_a_stack_there_is_no_epoch_of_ones_own(X, kind):
    """A search's callbacks are told of each fit as a whole, and of the refit's epochs."""
    recorder = Spreading()
    model = VAE(2, **SMALL)
    search = kind(model, {"beta": [0.5, 1.0, 2.0]}, cv=2).set_callbacks(recorder).fit(X)
    assert search.n_stacked_fits_ == recorder.limits.count(("VAE", 0)) >= 6
    assert recorder.limits.count(("VAE", 3)) == 1
    begun = [event[2:] for event in recorder.events if event[0] == "begin"]
    ended = [event[2:] for event in recorder.events if event[0] == "end"]
    assert sorted(begun) == sorted(ended)
    assert len(recorder.fitted) == 3


def test_a_models_own_callbacks_see_their_epochs_in_a_search(X):
    monitor = callback.ScoringMonitor(scoring={"elbo": elbo_scorer})
    model = VAE(2, **SMALL).set_callbacks(monitor)
    search = FusedGridSearchCV(model, {"beta": [0.5, 1.0]}, cv=2).fit(X)
    assert search.n_stacked_fits_ == 0
    depths = [len(row["task_id_path"]) for row in monitor.get_logs().data]
    assert depths.count(4) == 4 * 3  # search, its loop, fits, epochs
    assert depths.count(3) == 4 + 3  # fits, and the refit's epochs
    assert len(retrain(model, X, n_runs=2, random_state=0)) == 2
    assert len(monitor.get_logs().data) == 4


def test_what_is_no_callback_is_refused():
    with pytest.raises(TypeError, match="FitCallback protocol"):
        VAE(2).set_callbacks("progress")

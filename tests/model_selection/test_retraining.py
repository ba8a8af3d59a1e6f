"""Retraining and its report."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import VAE
from sklatent.datasets import make_eight_gaussians
from sklatent.metrics import retraining_variability
from sklatent.model_selection import retrain, retraining_report
from sklatent.model_selection._retraining import _unexplained
from tests.settings import PAPERS

SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 3}


@pytest.fixture(scope="module")
def X():
    return make_eight_gaussians(300, random_state=0)[0]


def test_default_number_of_runs_exceeds_the_components(X):
    assert len(retrain(VAE(2, **SMALL), X, random_state=0)) == 10
    assert len(retrain(VAE(11, **SMALL), X, random_state=0)) == 13


def test_runs_differ_only_in_seed_and_are_reproducible(X):
    model = VAE(2, **SMALL)
    first, again = (retrain(model, X, n_runs=3, random_state=0) for _ in range(2))
    seeds = [run.random_state for run in first]
    assert len(set(seeds)) == 3
    assert not hasattr(model, "net_")
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.transform(X), other.transform(X))
        assert {**one.get_params(), "random_state": None} == model.get_params()


def test_fused_runs_are_the_separate_ones(X):
    model = VAE(2, **SMALL, precision="float64")
    fused, separate = (
        retrain(model, X, n_runs=3, fused=fused, random_state=0) for fused in (True, False)
    )
    for one, other in zip(fused, separate, strict=True):
        np.testing.assert_allclose(one.transform(X), other.transform(X), atol=1e-10)


def test_pipelines_and_other_estimators(X):
    for model in (make_pipeline(StandardScaler(), VAE(2, **SMALL)), PCA(2)):
        runs = retrain(model, X, n_runs=2, random_state=0)
        assert runs[1].transform(X).shape == (300, 2)
    runs = retrain(make_pipeline(StandardScaler(), VAE(2, **SMALL)), X, n_runs=4, random_state=0)
    assert retraining_report(runs, X).loc["elbo", "median"] < 0


def test_report_holds_the_metrics(X):
    runs = retrain(VAE(2, **SMALL), X, n_runs=4, random_state=0)
    report = retraining_report(runs, X)
    latents = np.stack([run.transform(X) for run in runs])
    samples = retraining_variability(latents, return_samples=True)[1]
    assert report.loc["retraining_variability", "median"] == pytest.approx(np.median(samples))
    assert report.loc["elbo", "median"] == pytest.approx(np.median([run.score(X) for run in runs]))
    assert (report["q25"] <= report["median"]).all()
    assert (report["median"] <= report["q75"]).all()
    assert report.loc["unexplained_variance"].iloc[:3].astype(float).between(0, 1).all()


def test_report_counts_what_the_data_leave_open():
    """Two axes of one variance can't be told apart, and the sign of one without skew is open."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.exponential(size=500), rng.normal(size=(500, 2))])
    X = np.linalg.qr(X - X.mean(axis=0))[0] * [50, 20, 20]
    runs = retrain(VAE(3, **SMALL), X, n_runs=4, random_state=0)
    report = retraining_report(runs, X)
    # The same for all runs, which start at the same axes.
    assert report.loc["close_axes", ["median", "q25", "q75"]].tolist() == [2, 2, 2]
    assert report.loc["uncertain_signs", "median"] == np.sum(runs[0].start_sign_stability_ < 2)
    assert report.loc["close_axes", "over"] == "runs"
    at_random = retraining_report(
        retrain(VAE(3, init="random", **SMALL), X, n_runs=4, random_state=0), X
    )
    assert not {"close_axes", "uncertain_signs"} & set(at_random.index)


def test_relative_variability_cannot_be_faked_by_shrinking(X):
    runs = retrain(VAE(2, **SMALL, **PAPERS), X, n_runs=4, random_state=0)
    report = retraining_report(runs, X)
    for run in runs:
        head = run.net_.module_.head
        head.weight.data[:2] *= 0.01
        head.bias.data[:2] *= 0.01
    shrunk = retraining_report(runs, X)
    rv, relative = "retraining_variability", "relative_retraining_variability"
    assert shrunk.loc[rv, "median"] < report.loc[rv, "median"] - 15
    assert shrunk.loc[relative, "median"] == pytest.approx(report.loc[relative, "median"], abs=1e-3)


def test_latents_that_do_not_vary_leave_nothing_unexplained():
    one, other = np.ones((9, 2)), np.random.default_rng(0).normal(size=(9, 2))
    assert _unexplained([one, 2 * one]) == [0, 0]
    there, back = _unexplained([one, other])
    assert (there, back) == (pytest.approx(1), 0)


def test_bad_input(X):
    with pytest.raises(ValueError, match="n_runs"):
        retrain(VAE(2), X, n_runs=0)
    with pytest.raises(ValueError, match="two runs"):
        retraining_report(retrain(VAE(2, **SMALL), X, n_runs=1), X)

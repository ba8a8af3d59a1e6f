"""Runs of one small model, their report, and its page."""

import pytest
from sklearn.datasets import load_digits

from sklatent import VAE, ReproducibilityReport, retrain


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:700] / 16


@pytest.fixture(scope="module")
def runs(X):
    return retrain(VAE(3, hidden_layer_sizes=(16,), max_epochs=8), X, n_runs=4, random_state=0)


@pytest.fixture(scope="module")
def report(runs, X):
    return ReproducibilityReport.from_models(runs, X)


@pytest.fixture(scope="module")
def page(report):
    return report.to_html()

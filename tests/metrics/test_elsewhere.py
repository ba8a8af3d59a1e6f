"""Metrics of arrays of other libraries, summed up where they lie."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn import config_context

from sklatent.metrics import (
    cca_score,
    cknna_score,
    consistency_score,
    latent_space_distortion,
    linear_cka,
    mutual_knn_score,
    neighborhood_jaccard_score,
    pairwise_distance,
    procrustes_distance,
    rsa_score,
)
from sklatent.metrics._elsewhere import condensed
from tests.alignment.test_array_api import LIBRARIES, maker

METRICS = {
    "cka": linear_cka,
    "biased cka": lambda X, Y: linear_cka(X, Y, debiased=False),
    "cca": cca_score,
    "procrustes": procrustes_distance,
    "distortion": latent_space_distortion,
    "linear": lambda X, Y: consistency_score([X, Y]),
    "rigid": lambda X, Y: consistency_score([X, Y], maps="rigid"),
    "permutation": lambda X, Y: consistency_score([X, Y], maps="signed_permutation"),
    "knn": mutual_knn_score,
    "jaccard": neighborhood_jaccard_score,
    "cknna": cknna_score,
    "rsa": rsa_score,
}
OF_MOMENTS = list(METRICS)[:8]


def pair(n=200, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5)) * [3, 1, 1, 0.1, 1] + 2
    Y = X @ rng.normal(size=(5, 4)) + rng.normal(size=(n, 4))
    return X.astype(dtype), Y.astype(dtype)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("n", [15, 200])
@pytest.mark.parametrize("name", METRICS)
def test_same_as_with_numpy(name, n, library):
    make, metric = maker(library), METRICS[name]
    X, Y = pair(n)
    expected = metric(X, Y)
    with config_context(array_api_dispatch=True):
        assert metric(make(X), make(Y)) == pytest.approx(expected, rel=1e-9, abs=1e-11)
        assert metric(make(X), Y) == pytest.approx(expected, rel=1e-9, abs=1e-11)
    assert metric(make(X), make(Y)) == pytest.approx(expected, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("library", LIBRARIES)
def test_only_a_few_numbers_leave_the_device(library):
    make = maker(library)
    X, Y = pair()
    with config_context(array_api_dispatch=True):
        x, y = condensed([make(X), make(Y)], ["X", "Y"])
        assert condensed([X, Y], ["X", "Y"])[0] is X
    assert x.shape == (18, 5)
    assert_allclose(np.cov(np.c_[x, y].T, bias=True), np.cov(np.c_[X, Y].T, bias=True))
    assert_allclose(np.c_[x, y].mean(axis=0), np.c_[X, Y].mean(axis=0))


@pytest.mark.parametrize("name", OF_MOMENTS)
def test_columns_constant_up_to_their_own_rounding(name):
    """A column of float32 that jitters by its last digit counts as constant, there as here."""
    X, Y = pair(dtype=np.float32)
    X[:, 3] = np.float32(0.1) * (1 + 1e-7 * (np.arange(200) % 2)).astype(np.float32)
    expected = METRICS[name](X, Y)
    with config_context(array_api_dispatch=True):
        found = METRICS[name](torch.asarray(X), torch.asarray(Y))
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", OF_MOMENTS)
def test_bad_input(name):
    X, Y = (torch.asarray(side) for side in pair())
    with config_context(array_api_dispatch=True):
        with pytest.raises(ValueError, match="NaN"):
            METRICS[name](torch.where(X > 5, torch.nan, X), Y)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            METRICS[name](X[:-1], Y)
        if name != "distortion":
            with pytest.raises(ValueError, match="does not vary"):
                METRICS[name](0 * X, Y)


def test_weights_and_many_models():
    X, Y = pair()
    weights = np.arange(200.0)
    with config_context(array_api_dispatch=True):
        found = latent_space_distortion(
            torch.asarray(X), torch.asarray(Y), sample_weight=torch.asarray(weights)
        )
        stacked = consistency_score(torch.asarray(np.stack([X[:, :4], Y])))
        distances = pairwise_distance([torch.asarray(X), torch.asarray(Y)], "procrustes")
    assert found == pytest.approx(latent_space_distortion(X, Y, sample_weight=weights))
    assert stacked == pytest.approx(consistency_score([X[:, :4], Y]))
    assert_allclose(distances, pairwise_distance([X, Y], "procrustes"))

"""Values that the measures' public codes gave on frozen inputs, to 1e-6.

They were computed once, by platonic-rep at dcd76ba, ReSi at 24ab9e5 and netrep at 0186b8a, on
arrays from numpy's frozen generator.
"""

import numpy as np
import pytest

from sklatent._posterior import Posterior
from sklatent.metrics import (
    bures_distance,
    cca_score,
    cknna_score,
    linear_cka,
    mutual_knn_score,
    neighborhood_jaccard_score,
    procrustes_distance,
    rsa_score,
)


def inputs():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 8))
    return X, X @ rng.normal(size=(8, 6)) + 2 * rng.normal(size=(60, 6))


X, Y = inputs()


def of_unit_length(Z):
    """What platonic-rep does to features before it compares them."""
    return Z / np.linalg.norm(Z, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("k", "mutual", "mutual_raw", "cknna", "cknna_raw"),
    [
        (5, 0.24666666667, 0.27, 0.2270226529296576, 0.30323015359431615),
        (10, 0.365, 0.37666666667, 0.37428677083462475, 0.41274826952524607),
    ],
)
def test_platonic_rep(k, mutual, mutual_raw, cknna, cknna_raw):
    x, y = of_unit_length(X), of_unit_length(Y)
    assert mutual_knn_score(x, y, n_neighbors=k) == pytest.approx(mutual, abs=1e-6)
    assert mutual_knn_score(X, Y, n_neighbors=k) == pytest.approx(mutual_raw, abs=1e-6)
    assert cknna_score(x, y, n_neighbors=k) == pytest.approx(cknna, abs=1e-6)
    assert cknna_score(X, Y, n_neighbors=k) == pytest.approx(cknna_raw, abs=1e-6)


def test_cka_of_platonic_rep_and_resi():
    assert linear_cka(X, Y) == pytest.approx(0.4658629888431134, abs=1e-6)
    assert linear_cka(X, Y, debiased=False) == pytest.approx(0.5178254677777515, abs=1e-6)


@pytest.mark.parametrize(
    ("k", "metric", "value"),
    [
        (5, "cosine", 0.1531084656084656),
        (5, "euclidean", 0.148015873015873),
        (10, "cosine", 0.23503813581212965),
        (10, "euclidean", 0.23577453248505878),
    ],
)
def test_jaccard_of_resi(k, metric, value):
    found = neighborhood_jaccard_score(X, Y, n_neighbors=k, metric=metric)
    assert found == pytest.approx(value, abs=1e-6)


def test_rsa_and_procrustes_of_resi():
    assert rsa_score(X, Y) == pytest.approx(0.46101106842392225, abs=1e-6)
    assert rsa_score(X, Y, metric="euclidean") == pytest.approx(0.48529089056580255, abs=1e-6)
    assert procrustes_distance(X, Y) == pytest.approx(0.8593469145998353, abs=1e-6)


def test_angles_of_netrep():
    """Its angular distances: the arc of our chord, and of the mean canonical correlation."""
    arc = np.arccos(1 - procrustes_distance(X, Y) ** 2 / 2)
    assert arc == pytest.approx(0.8882622394305213, abs=1e-6)
    assert np.arccos(cca_score(X[:, :6], Y)) == pytest.approx(0.9796884857020094, abs=1e-6)


def test_bures_distance_of_netrep():
    rng = np.random.RandomState(1)
    variances = [np.exp(rng.normal(size=(60, 3))) for _ in range(2)]
    means = X[:, :3], Y[:, :3]
    diagonal = [Posterior(m, log_var=np.log(v)) for m, v in zip(means, variances, strict=True)]
    found = bures_distance(*diagonal, max_iter=5000)
    assert found == pytest.approx(5.639322021420038, abs=1e-6)
    covariances = [np.array([a @ a.T for a in rng.normal(size=(60, 3, 3))]) for _ in range(2)]
    full = [
        Posterior(m, scale_tril=np.linalg.cholesky(S))
        for m, S in zip(means, covariances, strict=True)
    ]
    assert bures_distance(*full, max_iter=5000) == pytest.approx(5.943411816087793, abs=1e-6)

"""Neighbours, ranks of pairs and posteriors, against definitions that hold n x n matrices."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist
from scipy.stats import ortho_group, spearmanr

from sklatent.metrics import (
    _neighborhoods,
    _rsa,
    cknna_score,
    mutual_knn_score,
    neighborhood_jaccard_score,
    rsa_score,
)

SCORES = [mutual_knn_score, neighborhood_jaccard_score, cknna_score, rsa_score]
every_score = pytest.mark.parametrize("score", SCORES, ids=lambda score: score.__name__)


def pair(seed=0, n_samples=60, noise=0.7, widths=(5, 4)):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, widths[0])) + rng.normal(size=widths[0])
    Y = X @ rng.normal(size=widths) + noise * rng.normal(size=(n_samples, widths[1]))
    return X, Y


SIMILARITIES = {
    "inner_product": lambda Z: Z @ Z.T,
    "cosine": lambda Z: 1 - cdist(Z, Z, "cosine"),
    "euclidean": lambda Z: -cdist(Z, Z),
}


def neighbors_by_sorting(Z, k, metric):
    similarity = SIMILARITIES[metric](Z)
    found = []
    for i, row in enumerate(similarity):
        order = [j for j in np.argsort(-row) if j != i]
        found.append(set(order[:k]))
    return found


@pytest.mark.parametrize("metric", SIMILARITIES)
@pytest.mark.parametrize("k", [1, 3, 10, 59])
def test_shared_neighbors_against_sets(metric, k):
    """The formulas of the public codes, by sets: |A & B| / k, and |A & B| / |A | B|."""
    for seed in range(3):
        X, Y = pair(seed)
        sides = [neighbors_by_sorting(Z, k, metric) for Z in (X, Y)]
        mutual = np.mean([len(a & b) / k for a, b in zip(*sides, strict=True)])
        jaccard = np.mean([len(a & b) / len(a | b) for a, b in zip(*sides, strict=True)])
        options = {"n_neighbors": k, "metric": metric}
        assert mutual_knn_score(X, Y, **options) == pytest.approx(mutual, abs=1e-12)
        assert neighborhood_jaccard_score(X, Y, **options) == pytest.approx(jaccard, abs=1e-12)


def test_defaults_are_those_of_the_public_codes():
    X, Y = pair()
    assert mutual_knn_score(X, Y) == mutual_knn_score(X, Y, n_neighbors=10, metric="inner_product")
    assert neighborhood_jaccard_score(X, Y) == neighborhood_jaccard_score(
        X, Y, n_neighbors=10, metric="cosine"
    )


def hsic_by_loops(K, L):
    """Equation 5 of Song et al., term by term."""
    m = len(K)
    K, L = K.copy(), L.copy()
    np.fill_diagonal(K, 0)
    np.fill_diagonal(L, 0)
    trace = sum(K[i, j] * L[j, i] for i in range(m) for j in range(m))
    middle = np.ones(m) @ K @ np.ones(m) * (np.ones(m) @ L @ np.ones(m)) / ((m - 1) * (m - 2))
    return (trace + middle - 2 / (m - 2) * np.ones(m) @ K @ L @ np.ones(m)) / (m * (m - 3))


def cknna_by_matrices(X, Y, k):
    kernels = [X @ X.T, Y @ Y.T]
    masks = []
    for Z in (X, Y):
        mask = np.zeros((len(Z), len(Z)))
        for i, found in enumerate(neighbors_by_sorting(Z, k, "inner_product")):
            mask[i, list(found)] = 1
        masks.append(mask)
    both = masks[0] * masks[1]
    xy = hsic_by_loops(both * kernels[0], both * kernels[1])
    xx, yy = (hsic_by_loops(m * K, m * K) for m, K in zip(masks, kernels, strict=True))
    return xy / (np.sqrt(xx * yy) + 1e-6)


@pytest.mark.parametrize("k", [2, 10, 39])
@pytest.mark.parametrize("unit", [False, True])
def test_cknna_against_whole_matrices(k, unit):
    for seed in range(3):
        X, Y = pair(seed, n_samples=40)
        if unit:
            X, Y = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in (X, Y))
        expected = cknna_by_matrices(X, Y, k)
        assert cknna_score(X, Y, n_neighbors=k) == pytest.approx(expected, abs=1e-9)


def test_cknna_of_all_neighbors_is_the_unbiased_alignment():
    from sklatent.metrics import linear_cka

    X, Y = (Z - Z.mean(axis=0) for Z in pair())
    assert cknna_score(X, Y, n_neighbors=59) == pytest.approx(linear_cka(X, Y), abs=1e-6)


@pytest.mark.parametrize("metric", ["correlation", "euclidean"])
def test_rsa_against_all_pairs(metric):
    for seed in range(3):
        X, Y = pair(seed)
        expected = spearmanr(pdist(X, metric), pdist(Y, metric)).statistic
        assert rsa_score(X, Y, metric=metric) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", ["correlation", "euclidean"])
def test_rsa_in_bins_is_rsa(metric, monkeypatch):
    X, Y = pair(n_samples=900)
    exact = rsa_score(X, Y, metric=metric)
    monkeypatch.setattr(_rsa, "_MOST_HELD", 0)
    monkeypatch.setattr(_rsa, "_BLOCK_ELEMENTS", 100_000)
    assert rsa_score(X, Y, metric=metric) == pytest.approx(exact, abs=1e-6)
    # Repeated rows and a far outlier, which leaves few bins to the others.
    X[::3] = X[0]
    X[5] = 1e4
    monkeypatch.undo()
    exact = rsa_score(X, Y, metric="euclidean")
    monkeypatch.setattr(_rsa, "_MOST_HELD", 0)
    assert rsa_score(X, Y, metric="euclidean") == pytest.approx(exact, abs=1e-6)


@every_score
def test_blocks_change_nothing(score, monkeypatch):
    X, Y = pair()
    expected = score(X, Y)
    monkeypatch.setattr(_neighborhoods, "_BLOCK_ELEMENTS", 100)
    assert score(X, Y) == pytest.approx(expected, abs=1e-12)


@every_score
def test_no_matrix_of_all_pairs_is_held(score):
    X, Y = pair(n_samples=5000)
    tracemalloc.start()
    score(X, Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # One matrix of all pairs would be 200 MB.
    assert peak < 1.6e8


@every_score
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-3, 1.0, 1e100, 1e-100]))
def test_symmetric_and_one_for_the_same_shape(score, seed, scale):
    X, Y = pair(seed, n_samples=25)
    if score is not cknna_score:
        assert score(X, Y) == pytest.approx(score(Y, X), abs=1e-12)
    turned = X @ ortho_group.rvs(5, random_state=seed % 1000)
    if score is cknna_score:
        scale = max(scale, 1.0)
    if score is rsa_score:
        assert score(X, scale * turned, metric="euclidean") == pytest.approx(1.0)
        assert score(X, scale * X) == pytest.approx(1.0)
    else:
        assert score(X, scale * turned) == pytest.approx(1.0, abs=1e-5)


def test_independent_representations_share_what_chance_gives():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 400, 5))
    # 400 samples: the standard error of the fraction is about sqrt(p / (n k)) = 0.0025.
    assert mutual_knn_score(X, Y, metric="euclidean") == pytest.approx(10 / 399, abs=0.012)
    assert abs(cknna_score(X, Y)) < 0.1
    assert abs(rsa_score(X, Y)) < 0.03


@every_score
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, Y: (X[:-1], Y), "inconsistent numbers of samples"),
        (lambda X, Y: (np.where(X > 1, np.nan, X), Y), "X contains NaN"),
        (lambda X, Y: (X, Y + np.inf), "Y contains infinity"),
        (lambda X, Y: (X[:, 0], Y), "Expected 2D array"),
        (lambda X, Y: (X[:2], Y[:2]), "at least 3|minimum of 3|lie between|at least 4"),
    ],
)
def test_bad_input(score, change, message):
    with pytest.raises(ValueError, match=message):
        score(*change(*pair()))


@pytest.mark.parametrize("score", SCORES[:3], ids=lambda score: score.__name__)
@pytest.mark.parametrize(
    ("n_neighbors", "error"),
    [(0, ValueError), (60, ValueError), (-1, ValueError), (True, TypeError), (1.5, TypeError),
     ("a", TypeError), (None, TypeError)],
)  # fmt: skip
def test_bad_numbers_of_neighbors(score, n_neighbors, error):
    with pytest.raises(error, match="n_neighbors must"):
        score(*pair(), n_neighbors=n_neighbors)


def test_bad_options_and_what_is_not_defined():
    X, Y = pair()
    for score in (mutual_knn_score, neighborhood_jaccard_score, rsa_score):
        for metric in ("manhattan", None, ["cosine"]):
            with pytest.raises(ValueError, match="metric must be one of"):
                score(X, Y, metric=metric)
    with pytest.raises(ValueError, match="needs at least 3"):
        rsa_score(X[:, :2], Y)
    with pytest.raises(ValueError, match="Row 3 of Y is the same number"):
        rsa_score(X, np.where(np.arange(60)[:, None] == 3, 1.0, Y))
    with pytest.raises(ValueError, match="equally similar"):
        rsa_score(X, np.zeros((60, 2)), metric="euclidean")
    with pytest.raises(ValueError, match="0/0"):
        cknna_score(X, np.zeros((60, 2)))

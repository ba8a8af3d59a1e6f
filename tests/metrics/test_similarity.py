"""Similarity of spaces: invariances, closed forms and scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from scipy.spatial import procrustes
from scipy.stats import ortho_group
from sklearn.cross_decomposition import CCA
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from sklatent._posterior import Posterior
from sklatent.metrics import (
    bures_distance,
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
from tests.metrics.test_permutation import brute_force

seeds = given(seed=st.integers(0, 10_000))
few = settings(deadline=None, max_examples=20)


def make_pair(seed=0, n_samples=40, width=4, other_width=3):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, width)) @ rng.normal(size=(width, width))
    Y = X @ rng.normal(size=(width, other_width)) + 2 * rng.normal(size=(n_samples, other_width))
    return X, Y


def rotation(width, seed):
    return ortho_group.rvs(width, random_state=seed) if width > 1 else np.array([[-1.0]])


def test_cca_is_scikit_learns():
    X, Y = make_pair(n_samples=200)
    A, B = CCA(n_components=3, max_iter=10_000, tol=1e-12).fit(X, Y).transform(X, Y)
    correlations = [np.corrcoef(a, b)[0, 1] for a, b in zip(A.T, B.T, strict=True)]
    assert cca_score(X, Y) == pytest.approx(np.mean(correlations), abs=1e-5)


@few
@seeds
def test_cca_invariances(seed):
    X, Y = make_pair(seed)
    M = np.random.RandomState(seed).normal(size=(4, 4)) + 2 * np.eye(4)
    score = cca_score(X, Y)
    assert cca_score(X @ M - 3, Y) == pytest.approx(score, abs=1e-6)
    assert cca_score(Y, X) == pytest.approx(score)
    assert cca_score(X, X @ M) == pytest.approx(1, abs=1e-6)
    scaled = X * [1e-6, 1, 1e6, 1]
    assert cca_score(scaled, Y) == pytest.approx(score, abs=1e-6)
    constant = np.column_stack([X, np.full(40, 0.1), 2 * X[:, 0]])
    assert cca_score(constant, Y) == pytest.approx(score, abs=1e-6)


def test_cca_needs_more_samples_than_dimensions_together():
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(7, 4)), rng.normal(size=(7, 3))
    with pytest.raises(ValueError, match="at least 8 samples"):
        cca_score(X, Y)
    X, Y = rng.normal(size=(8, 4)), rng.normal(size=(8, 3))
    assert cca_score(X, Y) < 1


@few
@seeds
def test_procrustes_is_scipys(seed):
    X, Y = make_pair(seed, other_width=4)
    disparity = procrustes(X, Y)[2]
    distance = procrustes_distance(X, Y)
    # scipy scales the second to fit best; with d^2 = 2 - 2 s its disparity is 1 - s^2.
    assert distance**2 * (1 - distance**2 / 4) == pytest.approx(disparity)
    assert 0 <= distance <= np.sqrt(2)


@few
@seeds
def test_procrustes_is_a_metric_on_shapes(seed):
    X, Y = make_pair(seed)
    Z = np.random.RandomState(seed + 1).normal(size=(40, 2))
    assert procrustes_distance(X, 3 * X @ rotation(4, seed) - 2) < 1e-12
    assert procrustes_distance(X, Y) == pytest.approx(procrustes_distance(Y, X))
    direct = procrustes_distance(X, Z)
    assert direct <= procrustes_distance(X, Y) + procrustes_distance(Y, Z) + 1e-12


def test_procrustes_of_orthogonal_spaces():
    X = np.array([1.0, -1.0, 0.0, 0.0])[:, None]
    assert procrustes_distance(X, X[::-1]) == pytest.approx(np.sqrt(2))


pairs = pytest.mark.parametrize("metric", [linear_cka, cca_score, procrustes_distance])


@pairs
@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (np.eye(9)[:, :2], np.eye(8)[:, :2], "inconsistent numbers of samples"),
        (np.full((9, 2), 0.1), np.eye(9)[:, :2], "X does not vary"),
        (np.eye(9)[:, :2], np.full((9, 2), 1e9 / 3), "Y does not vary"),
        (np.full((9, 2), np.nan), np.eye(9)[:, :2], "X contains NaN"),
        (np.eye(9)[:, 0], np.eye(9)[:, :2], "2D array"),
    ],
)
def test_bad_pairs(metric, X, Y, message):
    with pytest.raises(ValueError, match=message):
        metric(X, Y)


def make_models(n_models=3, n_samples=50, width=3, seed=0):
    rng = np.random.RandomState(seed)
    shared = rng.normal(size=(n_samples, width))
    return np.stack([
        shared @ rng.normal(size=(width, width)) + 0.3 * rng.normal(size=(n_samples, width))
        for _ in range(n_models)
    ])  # fmt: skip


@few
@seeds
def test_linear_consistency_is_r_squared(seed):
    models = make_models(seed=seed)
    score, pairwise = consistency_score(models, return_pairwise=True)
    for i, Z in enumerate(models):
        for j, target in enumerate(models):
            predicted = LinearRegression().fit(Z, target).predict(Z)
            expected = r2_score(target, predicted, multioutput="variance_weighted")
            assert pairwise[i, j] == pytest.approx(expected, abs=1e-9)
    assert score == pytest.approx(pairwise[~np.eye(3, dtype=bool)].mean())


def test_rigid_consistency_is_the_best_of_many_rotations():
    models = make_models(n_models=2, width=2)
    X, Y = (Z - Z.mean(axis=0) for Z in models)

    def unexplained(angle, flip):
        c, s = np.cos(angle), np.sin(angle)
        Q = np.array([[c, s], [-s, c]]) @ np.diag([1, flip])
        return ((Y - X @ Q) ** 2).sum() / (Y**2).sum()

    angles = np.linspace(0, 2 * np.pi, 20_001)
    best = min(unexplained(angle, flip) for angle in angles for flip in (-1, 1))
    _, pairwise = consistency_score(models, maps="rigid", return_pairwise=True)
    assert pairwise[0, 1] == pytest.approx(1 - best, abs=1e-6)


def test_signed_permutation_consistency_is_brute_force():
    models = make_models(n_models=2)
    X, Y = (Z - Z.mean(axis=0) for Z in models)
    # |Y - X P|^2 differs from |X^T Y - P|^2 by a constant, so they share their minimum.
    C = X.T @ Y
    constant = (X**2).sum() + (Y**2).sum() - (C**2).sum() - 3
    unexplained = (brute_force(C, "frobenius") ** 2 + constant) / (Y**2).sum()
    _, pairwise = consistency_score(models, maps="signed_permutation", return_pairwise=True)
    assert pairwise[0, 1] == pytest.approx(1 - unexplained)


@few
@seeds
def test_kinds_of_maps_are_nested_and_recover_their_own(seed):
    models = make_models(seed=seed)
    linear, rigid, signed = (
        consistency_score(models, maps=maps, return_pairwise=True)[1]
        for maps in ("linear", "rigid", "signed_permutation")
    )
    assert (linear >= rigid - 1e-9).all()
    assert (rigid >= signed - 1e-9).all()
    Z = models[0]
    rng = np.random.RandomState(seed)
    relabelled = Z[:, rng.permutation(3)] * rng.choice([-1, 1], 3) + 2
    turned = Z @ rotation(3, seed) - 1
    assert consistency_score([Z, relabelled], maps="signed_permutation") == pytest.approx(1)
    assert consistency_score([Z, turned, relabelled], maps="rigid") == pytest.approx(1)
    stretched = Z @ (rng.normal(size=(3, 3)) + 2 * np.eye(3))
    assert consistency_score([Z, stretched]) == pytest.approx(1)


@pytest.mark.parametrize("maps", ["linear", "rigid", "signed_permutation"])
def test_shrinking_everything_or_adding_passive_components_gains_nothing(maps):
    models = make_models()
    score = consistency_score(models, maps=maps)
    assert consistency_score(1e-3 * models, maps=maps) == pytest.approx(score)
    passive = 1e-6 * np.random.RandomState(0).normal(size=(3, 50, 2))
    padded = np.concatenate([models, passive], axis=2)
    tolerance = 0.05 if maps == "linear" else 1e-6
    assert consistency_score(padded, maps=maps) == pytest.approx(score, abs=tolerance)


@pytest.mark.parametrize("maps", ["linear", "rigid", "signed_permutation"])
def test_spaces_of_different_sizes(maps):
    Z = np.random.RandomState(0).normal(size=(50, 2))
    wider = np.column_stack([Z, np.zeros(50)])
    assert consistency_score([Z, wider], maps=maps) == pytest.approx(1)


@pytest.mark.parametrize(
    ("latents", "options", "message"),
    [
        (make_models(), {"maps": "affine"}, "maps must be one of"),
        (make_models(n_models=1), {}, "at least 2 models"),
        (make_models(n_samples=4), {}, "at least 5 samples"),
        (np.zeros((2, 9, 2)), {}, r"latents\[0\] does not vary"),
        (np.full((2, 9, 2), np.nan), {}, "NaN"),
    ],
)
def test_bad_input_to_consistency(latents, options, message):
    with pytest.raises(ValueError, match=message):
        consistency_score(latents, **options)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("distortion", latent_space_distortion),
        ("procrustes", procrustes_distance),
        ("cka", lambda X, Y: 1 - linear_cka(X, Y)),
        ("cca", lambda X, Y: 1 - cca_score(X, Y)),
        ("mutual_knn", lambda X, Y: 1 - mutual_knn_score(X, Y)),
        ("cknna", lambda X, Y: 1 - cknna_score(X, Y)),
        ("rsa", lambda X, Y: 1 - rsa_score(X, Y)),
        ("neighborhood_jaccard", lambda X, Y: 1 - neighborhood_jaccard_score(X, Y)),
    ],
)
def test_pairwise_distances_are_those_of_the_pairs(name, function):
    models = make_models()
    expected = [[function(X, Y) for Y in models] for X in models]
    distances = pairwise_distance(models, name)
    np.testing.assert_allclose(distances, expected, atol=1e-9)
    np.testing.assert_array_equal(pairwise_distance(models, function), expected)
    with parallel_config("threading"):
        np.testing.assert_array_equal(pairwise_distance(models, name, n_jobs=2), distances)
    np.testing.assert_allclose(np.diag(distances), 0, atol=1e-9 if name != "cknna" else 1e-5)


def test_pairwise_distances_of_posteriors():
    rng = np.random.default_rng(0)
    posteriors = [Posterior(*rng.normal(size=(1, 20, 3)), log_var=-np.ones((20, 3))) for _ in "abc"]
    distances = pairwise_distance(posteriors, "bures", n_jobs=2)
    expected = [[bures_distance(a, b) for b in posteriors] for a in posteriors]
    np.testing.assert_allclose(distances, expected, atol=1e-7)
    for bad in (posteriors[0], posteriors[:1], 3):
        with pytest.raises(ValueError, match="at least two posteriors"):
            pairwise_distance(bad, "bures")
    with pytest.raises(TypeError, match="mean and log_var"):
        pairwise_distance(make_models(), "bures")


def test_pairwise_distances_of_spaces_of_different_sizes():
    X, Y = make_pair()
    distances = pairwise_distance([X, Y], "distortion")
    assert distances[0, 1] != pytest.approx(distances[1, 0])


def test_unknown_pairwise_metric():
    with pytest.raises(ValueError, match="metric must be a callable or one of"):
        pairwise_distance(make_models(), "euclidean")

"""Distance to the nearest signed permutation: two solvers, two norms, and brute force."""

from itertools import permutations, product

import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ortho_group

from sklatent.metrics import (
    distance_to_signed_permutation,
    latent_space_distortion,
    signed_permutation_report,
)

norms = pytest.mark.parametrize("norm", ["l1", "frobenius"])


def brute_force(M, norm):
    n = len(M)
    distances = []
    for order in permutations(range(n)):
        for signs in product([-1, 1], repeat=n):
            P = np.zeros((n, n))
            P[range(n), order] = signs
            difference = M - P
            distances.append(
                np.abs(difference).sum() / n**2 if norm == "l1" else np.linalg.norm(difference)
            )
    return min(distances)


def matrices(max_size):
    # Ties, zeros and entries beyond one are where two solvers could part.
    entries = st.one_of(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0]), st.floats(-3, 3))
    return st.integers(1, max_size).flatmap(lambda n: arrays(float, (n, n), elements=entries))


@norms
@settings(deadline=None, max_examples=60)
@given(M=matrices(4))
def test_assignment_is_brute_force(norm, M):
    distance = distance_to_signed_permutation(M, norm=norm)
    assert distance == pytest.approx(brute_force(M, norm), abs=1e-10)


@norms
@settings(deadline=None, max_examples=15)
@given(M=matrices(5))
def test_assignment_is_the_mixed_integer_program(norm, M):
    distance = distance_to_signed_permutation(M, norm=norm)
    milp = distance_to_signed_permutation(M, norm=norm, solver="milp")
    assert distance == pytest.approx(milp, abs=1e-6)


@norms
@pytest.mark.parametrize("solver", ["assignment", "milp"])
def test_returned_permutation_is_one_and_attains_the_distance(norm, solver):
    M = np.random.RandomState(0).normal(size=(6, 6))
    distance, P = distance_to_signed_permutation(
        M, norm=norm, solver=solver, return_permutation=True
    )
    np.testing.assert_array_equal(np.abs(P).sum(axis=0), 1)
    np.testing.assert_array_equal(np.abs(P).sum(axis=1), 1)
    assert set(np.unique(P)) <= {-1.0, 0.0, 1.0}
    expected = np.abs(M - P).sum() / 36 if norm == "l1" else np.linalg.norm(M - P)
    assert distance == pytest.approx(expected)


@norms
@settings(deadline=None, max_examples=30)
@given(M=matrices(5), seed=st.integers(0, 1000))
def test_relabelling_and_flipping_change_nothing(norm, M, seed):
    rng = np.random.RandomState(seed)
    n = len(M)
    P, Q = (np.diag(rng.choice([-1.0, 1.0], n))[rng.permutation(n)] for _ in range(2))
    moved = distance_to_signed_permutation(P @ M @ Q, norm=norm)
    assert moved == pytest.approx(distance_to_signed_permutation(M, norm=norm), abs=1e-12)
    assert distance_to_signed_permutation(P, norm=norm) == 0.0


@pytest.mark.parametrize("n", [1, 2, 10])
def test_what_shrinking_scores(n):
    assert distance_to_signed_permutation(np.zeros((n, n))) == pytest.approx(1 / n)
    assert distance_to_signed_permutation(np.eye(n) / 2) == pytest.approx(1 / (2 * n))
    assert distance_to_signed_permutation(np.zeros((n, n)), norm="frobenius") == pytest.approx(
        np.sqrt(n)
    )


def test_the_norms_may_have_different_nearest_permutations():
    # l1 prefers an entry next to one, Frobenius the larger: 3 and 1 against 2.2 and 2.2.
    M = np.array([[1.0, 2.2], [2.2, 3.0]])
    _, nearest_l1 = distance_to_signed_permutation(M, return_permutation=True)
    _, nearest_l2 = distance_to_signed_permutation(M, norm="frobenius", return_permutation=True)
    assert brute_force(M, "l1") == pytest.approx(np.abs(M - nearest_l1).sum() / 4)
    np.testing.assert_array_equal(nearest_l2, [[0, 1], [1, 0]])


def test_a_search_cut_short_is_not_taken_for_optimal(monkeypatch):
    def stopped(self, solver):
        self.status, self.sol_status = pulp.LpStatusOptimal, pulp.LpSolutionIntegerFeasible
        return self.status

    monkeypatch.setattr(pulp.LpProblem, "solve", stopped)
    with pytest.raises(RuntimeError, match="without proving"):
        distance_to_signed_permutation(np.eye(3), solver="milp")


@pytest.mark.parametrize(
    ("M", "options", "message"),
    [
        (np.zeros((2, 3)), {}, r"square matrix, got shape \(2, 3\)"),
        (np.zeros(4), {}, "square matrix"),
        (np.zeros((0, 0)), {}, "square matrix"),
        (np.full((2, 2), np.nan), {}, "NaN"),
        (np.eye(2), {"norm": "l2"}, "norm must be one of"),
        (np.eye(2), {"solver": "cbc"}, "solver must be one of"),
    ],
)
def test_bad_input(M, options, message):
    with pytest.raises(ValueError, match=message):
        distance_to_signed_permutation(M, **options)


def test_what_is_not_a_number():
    with pytest.raises(TypeError, match="real numbers"):
        distance_to_signed_permutation([["a"]])


def make_spaces(seed=0, n_samples=400, width=4):
    rng = np.random.RandomState(seed)
    return rng.normal(size=(n_samples, width)), rng


def test_report_recovers_a_signed_permutation_behind_scales_and_passive_components():
    Z, rng = make_spaces()
    P = np.diag([1.0, -1.0, 1.0, -1.0])[[2, 0, 3, 1]]
    target = Z @ P * [1.0, 0.3, 2.0, 0.5] + 3
    passive = 1e-3 * rng.normal(size=(400, 3))
    for Z_to in (target, np.hstack([passive, target]), 1e-4 * target):
        report = signed_permutation_report(Z, Z_to)
        assert report.distance == pytest.approx(0, abs=1e-9)
        assert report.r2 == pytest.approx(1)
        np.testing.assert_allclose(np.abs(report.map), np.abs(P.T), atol=1e-9)
        assert (report.n_active, report.n_active_target) == (4, 4)


def test_report_tells_linear_from_permutation_equivalence():
    Z, rng = make_spaces(n_samples=5000)
    turned = Z @ ortho_group.rvs(4, random_state=rng)
    report = signed_permutation_report(Z, turned)
    assert report.r2 == pytest.approx(1)
    assert report.distance == pytest.approx(report.rotated, rel=0.4)
    noise = signed_permutation_report(Z, rng.normal(size=Z.shape))
    assert noise.r2 < 0.01
    # A map of nothing: near the floor, which is below what rotations score from k = 4 on.
    assert noise.distance == pytest.approx(noise.floor, abs=0.02)
    assert noise.floor < noise.rotated


def test_raw_distance_is_fooled_where_the_report_is_not():
    Z, rng = make_spaces(width=8)
    turned = Z @ ortho_group.rvs(8, random_state=rng)
    honest = signed_permutation_report(Z, turned).distance
    shrunk = latent_space_distortion(Z, 1e-3 * turned, return_map=True)[1]
    assert distance_to_signed_permutation(shrunk) == pytest.approx(1 / 8, abs=1e-3)
    assert signed_permutation_report(Z, 1e-3 * turned).distance == pytest.approx(honest)
    assert honest > 1.5 / 8


@norms
def test_report_of_spaces_of_different_sizes(norm):
    Z, _ = make_spaces()
    report = signed_permutation_report(Z, Z[:, :3], norm=norm)
    assert report.map.shape == (4, 4)
    # Three axes agree, the fourth has no counterpart.
    assert report.distance == pytest.approx(1 / 16 if norm == "l1" else 1)
    assert report.floor == pytest.approx(1 / 4 if norm == "l1" else 2)
    assert (report.n_active, report.n_active_target, report.r2) == (4, 3, pytest.approx(1))


@pytest.mark.parametrize("k", [1, 2, 10, 40])
def test_what_rotations_score(k):
    Z, rng = make_spaces(width=k)
    report = signed_permutation_report(Z, Z)
    draws = [
        distance_to_signed_permutation(ortho_group.rvs(k, random_state=rng) if k > 1 else [[1.0]])
        for _ in range(100)
    ]
    assert report.rotated == pytest.approx(np.mean(draws), abs=0.05 / np.sqrt(k))


def test_bad_spaces():
    Z, _ = make_spaces(n_samples=5)
    with pytest.raises(ValueError, match="Z_target does not vary"):
        signed_permutation_report(Z, np.ones((5, 2)))
    with pytest.raises(ValueError, match="fits any 5 samples"):
        signed_permutation_report(Z, Z)
    with pytest.raises(ValueError, match="norm must be"):
        signed_permutation_report(Z[:, :2], Z[:, :2], norm="max")

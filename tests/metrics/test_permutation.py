"""Distance to the nearest signed permutation: two solvers, two norms, and brute force."""

from itertools import permutations, product

import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklatent.metrics import distance_to_signed_permutation

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

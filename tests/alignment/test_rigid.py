"""RigidAligner against scipy's Procrustes, brute force and group theory."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

from sklatent.alignment import LinearAligner, RigidAligner
from sklatent.alignment._rigid import nearest_orthogonal


def rotation(n, seed=0, determinant=None):
    R = ortho_group.rvs(n, random_state=seed) if n > 1 else np.array([[1.0]])
    if determinant is not None and np.sign(np.linalg.det(R)) != determinant:
        R[:, 0] *= -1
    return R


def pairs(n=100, width=4, seed=0, determinant=None, scale=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, width)) * np.arange(1, width + 1) + 3.0
    return X, scale * X @ rotation(width, seed, determinant) + rng.normal(size=width)


class TestProcrustes:
    def test_equals_scipys(self):
        rng = np.random.default_rng(0)
        X, Y = rng.normal(size=(50, 4)), rng.normal(size=(50, 4))
        aligner = RigidAligner(fit_intercept=False).fit(X, Y)
        assert_allclose(aligner.rotation_, orthogonal_procrustes(X, Y)[0], atol=1e-12)
        centred = RigidAligner().fit(X, Y)
        expected = orthogonal_procrustes(X - X.mean(0), Y - Y.mean(0))[0]
        assert_allclose(centred.rotation_, expected, atol=1e-12)

    @pytest.mark.parametrize("determinant", [-1, 1])
    def test_recovers_a_rigid_motion(self, determinant):
        X, Y = pairs(determinant=determinant)
        aligner = RigidAligner().fit(X, Y)
        assert_allclose(aligner.transform(X), Y, atol=1e-12)
        assert_allclose(np.linalg.det(aligner.rotation_), determinant)
        assert aligner.scale_ == 1
        assert aligner.rank_ == 4

    def test_without_reflection_it_is_the_best_rotation(self):
        """In the plane rotations are one angle: search them all."""
        X, Y = pairs(width=2, determinant=-1)
        aligner = RigidAligner(allow_reflection=False).fit(X, Y)
        assert_allclose(np.linalg.det(aligner.rotation_), 1)
        x, y = X - X.mean(0), Y - Y.mean(0)
        angles = np.linspace(0, 2 * np.pi, 3601)
        errors = [
            ((x @ [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]] - y) ** 2).sum() for a in angles
        ]
        error = ((aligner.transform(X) - Y) ** 2).sum()
        assert error <= min(errors) * (1 + 1e-12)
        assert error == pytest.approx(min(errors), rel=1e-4)

    def test_allowing_reflections_does_not_force_them(self):
        X, Y = pairs(determinant=1)
        allowed, forbidden = RigidAligner().fit(X, Y), RigidAligner(allow_reflection=False)
        assert_allclose(allowed.rotation_, forbidden.fit(X, Y).rotation_, atol=1e-12)

    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 6), st.integers(0, 2**16))
    def test_no_orthogonal_matrix_is_better(self, width, seed):
        rng = np.random.default_rng(seed)
        M = rng.normal(size=(width, width))
        R, _ = nearest_orthogonal(M)
        assert_allclose(R.T @ R, np.eye(width), atol=1e-12)
        others = [rotation(width, seed + i) for i in range(20)]
        assert np.trace(R.T @ M) >= max(np.trace(Q.T @ M) for Q in others) - 1e-12


class TestScaling:
    def test_recovers_the_scale(self):
        X, Y = pairs(scale=2.5)
        aligner = RigidAligner(scaling=True).fit(X, Y)
        assert_allclose(aligner.scale_, 2.5)
        assert_allclose(aligner.transform(X), Y, atol=1e-12)
        assert_allclose(aligner.inverse_transform(Y), X, atol=1e-12)

    def test_is_the_least_squares_scale(self):
        rng = np.random.default_rng(0)
        X, Y = rng.normal(size=(50, 5)), rng.normal(size=(50, 3))
        aligner = RigidAligner(scaling=True).fit(X, Y)
        rotated = (X - X.mean(0)) @ aligner.rotation_
        best = LinearAligner(fit_intercept=False).fit(
            rotated.reshape(-1, 1), (Y - Y.mean(0)).reshape(-1, 1)
        )
        assert_allclose(aligner.scale_, best.coef_[0, 0])

    def test_opposite_sides_have_no_proper_scale(self):
        X = np.arange(5.0)[:, None]
        with pytest.raises(ValueError, match="uncorrelated"):
            RigidAligner(scaling=True, allow_reflection=False).fit(X, -X)
        assert RigidAligner(scaling=True).fit(X, -2 * X).scale_ == pytest.approx(2)


class TestUnequalWidths:
    def test_up_is_an_embedding_and_comes_back_exactly(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(60, 3))
        R = rotation(5)[:3]
        aligner = RigidAligner().fit(X, X @ R + 1)
        assert_allclose(aligner.rotation_, R, atol=1e-12)
        assert_allclose(aligner.rotation_ @ aligner.rotation_.T, np.eye(3), atol=1e-12)
        assert_allclose(aligner.inverse_transform(X @ R + 1), X, atol=1e-12)

    def test_down_is_a_window(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(60, 5))
        Y = rng.normal(size=(60, 3))
        aligner = RigidAligner().fit(X, Y)
        assert_allclose(aligner.rotation_.T @ aligner.rotation_, np.eye(3), atol=1e-12)
        back = aligner.inverse_transform(Y)
        assert_allclose(aligner.transform(back), Y, atol=1e-12)

    @pytest.mark.parametrize(("n_features", "n_targets"), [(5, 3), (3, 5)])
    def test_is_padding_and_cropping(self, n_features, n_targets):
        rng = np.random.default_rng(0)
        X, Y = rng.normal(size=(60, n_features)), rng.normal(size=(60, n_targets))
        padded_X, padded_Y = (np.pad(a, ((0, 0), (0, 5 - a.shape[1]))) for a in (X, Y))
        expected = orthogonal_procrustes(padded_X - padded_X.mean(0), padded_Y - padded_Y.mean(0))
        aligner = RigidAligner().fit(X, Y)
        assert_allclose(aligner.rotation_, expected[0][:n_features, :n_targets], atol=1e-12)


class TestTooFewAnchors:
    def test_warns_and_moves_what_it_does_not_know_as_little_as_it_can(self):
        X, Y = pairs(width=6)
        with pytest.warns(UserWarning, match="4 anchors are too few.*3 of 6"):
            aligner = RigidAligner().fit(X[:4], Y[:4])
        assert aligner.rank_ == 3
        R = aligner.rotation_
        assert_allclose(R.T @ R, np.eye(6), atol=1e-12)
        assert_allclose(aligner.transform(X[:4]), Y[:4], atol=1e-12)
        # Of all orthogonal completions the one nearest to the identity.
        U, _, Vt = np.linalg.svd((X[:4] - X[:4].mean(0)).T @ (Y[:4] - Y[:4].mean(0)))
        for seed in range(50):
            Q = rotation(3, seed)
            other = U[:, :3] @ Vt[:3] + U[:, 3:] @ Q @ Vt[3:]
            assert np.trace(R) >= np.trace(other) - 1e-12

    def test_order_and_repetition_of_few_anchors_do_not_matter(self):
        X, Y = pairs(width=6)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            first = RigidAligner().fit(X[:4], Y[:4])
            second = RigidAligner().fit(X[[3, 1, 0, 2, 2]], Y[[3, 1, 0, 2, 2]])
            third = RigidAligner().fit(X[:4], Y[:4], [1, 1, 2, 1])
        assert_allclose(second.rotation_, third.rotation_, atol=1e-10)
        assert_allclose(first.transform(X[:4]), second.transform(X[:4]), atol=1e-10)

    @pytest.mark.parametrize("determinant", [-1, 1])
    @pytest.mark.parametrize("rank", [0, 1, 2, 3])
    def test_determinant_is_kept_where_directions_are_open(self, rank, determinant):
        rng = np.random.default_rng(0)
        M = rng.normal(size=(4, rank)) @ rng.normal(size=(rank, 4))
        R, found = nearest_orthogonal(M, determinant=determinant)
        assert found == rank
        assert_allclose(R.T @ R, np.eye(4), atol=1e-12)
        assert_allclose(np.linalg.det(R), determinant)
        assert_allclose(np.trace(R.T @ M), np.linalg.svd(M)[1].sum(), atol=1e-12)

    def test_one_anchor_less_than_dimensions_plus_one_is_enough_without_reflections(self):
        X, Y = pairs(width=3, determinant=1)
        with pytest.warns(UserWarning, match="too few"):
            aligner = RigidAligner(allow_reflection=False).fit(X[:3], Y[:3])
        assert_allclose(aligner.transform(X), Y, atol=1e-10)


class TestTypesAndInverse:
    def test_inverse_is_exact(self):
        X, Y = pairs()
        aligner = RigidAligner().fit(X, Y + np.random.default_rng(3).normal(size=Y.shape))
        assert_allclose(aligner.inverse_transform(aligner.transform(X)), X, atol=1e-12)

    def test_float32(self):
        X, Y = (a.astype(np.float32) for a in pairs())
        aligner = RigidAligner().fit(X, Y)
        assert aligner.rotation_.dtype == np.float32
        assert aligner.transform(X).dtype == np.float32
        assert_allclose(aligner.transform(X), Y, atol=1e-4)

    def test_distances_are_kept(self):
        X, Y = pairs()
        Y = Y + np.random.default_rng(1).normal(size=Y.shape)
        Z = RigidAligner().fit(X, Y).transform(X)
        assert_allclose(
            np.linalg.norm(Z[1:] - Z[:-1], axis=1), np.linalg.norm(X[1:] - X[:-1], axis=1)
        )

    def test_constant_side(self):
        X, Y = pairs()
        with pytest.raises(ValueError, match="Every column of X has zero variance"):
            RigidAligner().fit(np.full_like(X, 0.1), Y)

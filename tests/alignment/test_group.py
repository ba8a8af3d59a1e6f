"""Many spaces into one."""

import itertools
import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial import procrustes as scipy_procrustes
from scipy.stats import ortho_group
from sklearn.base import clone
from sklearn.cross_decomposition import CCA
from threadpoolctl import threadpool_limits

from sklatent.alignment import GroupAligner, RigidAligner


def turned(n_spaces=4, n=200, width=4, noise=0.1, seed=0, shear=0.0):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, width)) * np.linspace(1, 2, width)
    spaces = []
    for k in range(n_spaces):
        matrix = ortho_group.rvs(width, random_state=seed + k)
        matrix = matrix @ (np.eye(width) + shear * rng.normal(size=(width, width)))
        spaces.append(common @ matrix + k + noise * rng.normal(size=(n, width)))
    return common, spaces


def spread(group, spaces):
    mapped = np.array([group.transform(space, space=k) for k, space in enumerate(spaces)])
    return mapped.var(axis=0).mean(axis=0).sum() / mapped.mean(axis=0).var(axis=0).sum()


class TestRigid:
    def test_exact_turns_agree_to_rounding_and_distances_stay(self):
        _, spaces = turned(noise=0)
        group = GroupAligner().fit(spaces)
        mapped = [group.transform(space, space=k) for k, space in enumerate(spaces)]
        for values in mapped:
            assert_allclose(values, group.consensus_, atol=1e-10)
        assert_allclose(
            np.linalg.norm(mapped[2][5] - mapped[2][9]), np.linalg.norm(spaces[2][5] - spaces[2][9])
        )
        for k, space in enumerate(spaces):
            assert_allclose(group.inverse_transform(mapped[0], space=k), space, atol=1e-9)

    def test_two_spaces_lie_as_near_as_procrustes_brings_them(self):
        _, (a, b) = turned(2, noise=0.5)
        group = GroupAligner(tol=1e-14).fit([a, b])
        gap = ((group.transform(a, space=0) - group.transform(b, space=1)) ** 2).sum()
        direct = ((RigidAligner().fit(a, b).transform(a) - b) ** 2).sum()
        assert_allclose(gap, direct, rtol=1e-9)
        # scipy brings both to unit norm; its disparity is 1 - (sum of singular values)^2.
        a, b = a - a.mean(0), b - b.mean(0)
        singular = np.linalg.svd(a.T @ b, compute_uv=False).sum()
        disparity = scipy_procrustes(a, b)[2]
        assert_allclose(1 - (singular / np.linalg.norm(a) / np.linalg.norm(b)) ** 2, disparity)
        assert_allclose((a**2).sum() + (b**2).sum() - 2 * singular, gap, rtol=1e-9)

    def test_no_small_turn_of_a_space_brings_it_nearer(self):
        _, spaces = turned(5, noise=0.6)
        group = GroupAligner(tol=1e-13, max_iter=500).fit(spaces)
        mapped = np.array([group.transform(space, space=k) for k, space in enumerate(spaces)])

        def distance(mapped):
            return ((mapped - mapped.mean(axis=0)) ** 2).sum()

        start = distance(mapped)
        for k, (i, j), angle in itertools.product(
            range(5), itertools.combinations(range(4), 2), (-0.01, 0.01)
        ):
            turn = np.eye(4)
            turn[[i, j], [i, j]] = np.cos(angle)
            turn[i, j], turn[j, i] = np.sin(angle), -np.sin(angle)
            moved = mapped.copy()
            moved[k] = (mapped[k] - mapped[k].mean(0)) @ turn + mapped[k].mean(0)
            assert distance(moved) > start

    def test_consensus_is_nearer_to_the_truth_than_one_space(self):
        for seed in range(5):
            common, spaces = turned(10, noise=0.5, seed=seed)
            group = GroupAligner().fit(spaces)
            errors = [
                ((RigidAligner().fit(found, common).transform(found) - common) ** 2).mean()
                for found in (group.consensus_, spaces[0])
            ]
            assert errors[0] < 0.2 * errors[1]  # a tenth of the noise is left

    def test_unequal_widths(self):
        common, spaces = turned(3, noise=0)
        spaces[1] = common[:, :3] @ ortho_group.rvs(3, random_state=9)
        group = GroupAligner().fit(spaces)
        assert group.consensus_.shape == (200, 4)
        assert group.transform(spaces[1], space=1).shape == (200, 4)
        assert group.inverse_transform(group.consensus_, space=1).shape == (200, 3)


class TestLinear:
    def test_two_spaces_give_canonical_correlations(self):
        _, (a, b) = turned(2, noise=0.7, shear=0.4)
        group = GroupAligner(kind="linear", tol=1e-14).fit([a, b])
        ours = [
            np.corrcoef(group.transform(a, space=0)[:, i], group.transform(b, space=1)[:, i])[0, 1]
            for i in range(4)
        ]
        U, V = CCA(4, max_iter=20000, tol=1e-12).fit(a, b).transform(a, b)
        theirs = [np.corrcoef(U[:, i], V[:, i])[0, 1] for i in range(4)]
        assert_allclose(ours, theirs, atol=1e-6)

    def test_consensus_maximises_what_brute_force_does(self):
        rng = np.random.default_rng(0)
        spaces = [rng.normal(size=(40, d)) for d in (3, 4, 5)]
        group = GroupAligner(kind="linear", tol=1e-15, max_iter=3000).fit(spaces)
        total = 0
        for space in spaces:
            centred = space - space.mean(0)
            total = total + centred @ np.linalg.pinv(centred)
        values = np.linalg.eigvalsh(total)[::-1][:3]
        G = group.consensus_ / np.sqrt(40)
        assert_allclose(G.T @ G, np.eye(3), atol=1e-8)
        assert_allclose(np.diag(G.T @ total @ G), values, rtol=1e-6)

    def test_sheared_spaces_agree_where_turns_do_not(self):
        _, spaces = turned(5, noise=0.02, shear=0.5)
        assert spread(GroupAligner(kind="linear").fit(spaces), spaces) < 0.1
        assert spread(GroupAligner().fit(spaces), spaces) > 0.2


@pytest.mark.parametrize("kind", ["rigid", "linear"])
class TestRowsAndReferences:
    def test_rows_that_some_spaces_lack(self, kind):
        _, whole = turned(5, noise=0.01)
        rng = np.random.default_rng(1)
        ids = [rng.permutation(200)[:120] for _ in whole]
        names = np.array([f"row {i}" for i in range(200)])
        parts = [space[rows] for space, rows in zip(whole, ids, strict=True)]
        group = GroupAligner(kind=kind).fit(parts, sample_ids=[names[rows] for rows in ids])
        assert spread(group, whole) < 1e-3
        assert set(group.sample_ids_) == set(names[np.unique(np.concatenate(ids))])

    def test_wrong_ids_are_not_aligned(self, kind):
        _, whole = turned(3, noise=0.01)
        rng = np.random.default_rng(1)
        group = GroupAligner(kind=kind, max_iter=1000, tol=1e-3)
        group.fit(whole, sample_ids=[rng.permutation(200) for _ in whole])
        assert spread(group, whole) > 0.1

    def test_adding_moves_nothing(self, kind):
        _, spaces = turned(4)
        group = GroupAligner(kind=kind).fit(spaces[:3])
        before = [group.transform(space, space=k) for k, space in enumerate(spaces[:3])]
        consensus = group.consensus_.copy()
        assert group.add(spaces[3][20:], sample_ids=np.arange(20, 200)) is group
        assert len(group.spaces_) == 4
        for k, expected in enumerate(before):
            assert_array_equal(group.transform(spaces[k], space=k), expected)
        assert_array_equal(group.consensus_, consensus)
        error = group.transform(spaces[3], space=3) - consensus
        assert (error**2).sum() < 0.02 * ((consensus - consensus.mean(0)) ** 2).sum()

    def test_a_space_as_reference(self, kind):
        _, spaces = turned(3, noise=0)
        group = GroupAligner(kind=kind, reference=1).fit(spaces)
        for k, space in enumerate(spaces):
            assert_allclose(group.transform(space, space=k), spaces[1], atol=1e-9)

    def test_a_fitted_group_as_reference(self, kind):
        _, spaces = turned(5, noise=0)
        first = GroupAligner(kind=kind).fit(spaces[:3])
        second = clone(GroupAligner(kind=kind, reference=first)).fit(spaces[3:])
        assert_allclose(second.transform(spaces[4], space=1), first.transform(spaces[0]), atol=1e-8)
        assert_array_equal(second.consensus_, first.consensus_)

    def test_one_array_is_one_space(self, kind):
        _, spaces = turned(1)
        alone, listed = GroupAligner(kind=kind).fit(spaces[0]), GroupAligner(kind=kind).fit(spaces)
        assert_array_equal(alone.transform(spaces[0]), listed.transform(spaces[0]))
        if kind == "rigid":
            assert_allclose(alone.transform(spaces[0]), spaces[0], atol=1e-12)

    def test_float32(self, kind):
        _, spaces = turned(3)
        group = GroupAligner(kind=kind).fit([space.astype(np.float32) for space in spaces])
        assert group.transform(spaces[1].astype(np.float32), space=1).dtype == np.float32
        assert group.consensus_.dtype == np.float32

    def test_speed(self, kind):
        """A hundred spaces of 10,000 x 32 take 3 to 6 s of one core; a tenth of them here."""
        _, spaces = turned(10, 10_000, 32)
        with threadpool_limits(1):
            start = time.process_time()  # which other work on the machine does not lengthen
            GroupAligner(kind=kind).fit(spaces)
            assert time.process_time() - start < 1.5


class TestPublicCodes:
    def test_nearest_to_their_mean(self):
        """Figures of the public codes on these arrays, the squared distances from the mean.

        fmralign 0.0.6 (Procrustes without scaling, 200 passes), brainiak's DetSRM at 123f6e1 (500
        passes), netrep's frechet_mean at 0186b8a, which stops a little earlier.
        """
        rng = np.random.RandomState(0)
        common = rng.normal(size=(80, 4))
        spaces = []
        for _ in range(5):
            turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
            spaces.append(common @ turn + 0.5 * rng.normal(size=(80, 4)))
        group = GroupAligner(tol=1e-14).fit(spaces)
        images = np.array([group.transform(space, space=k) for k, space in enumerate(spaces)])
        apart = np.sum((images - images.mean(axis=0)) ** 2)
        assert_allclose(apart, 289.9687673655723, rtol=1e-10)  # fmralign
        assert_allclose(apart, 289.9687674367028, rtol=1e-8)  # brainiak
        assert apart < 290.0304627789724  # netrep


class TestBadInput:
    def test_messages(self):
        _, spaces = turned(3)
        group = GroupAligner().fit(spaces)
        for call, error, words in [
            (lambda: group.transform(spaces[0], space=3), ValueError, "space=3 isn't there"),
            (lambda: group.transform(spaces[0], space=-1), ValueError, "isn't there"),
            (lambda: group.transform(spaces[0], space="a"), TypeError, "must be a number"),
            (lambda: group.transform(spaces[0][:, :3], space=1), ValueError, "3 columns"),
            (lambda: group.fit([spaces[0], spaces[1][1:]]), ValueError, "give sample_ids"),
            (lambda: group.add(spaces[1][1:]), ValueError, "give sample_ids"),
            (lambda: group.fit([spaces[0], 0 * spaces[1]]), ValueError, "space 1 has zero"),
            (lambda: group.fit([spaces[0], spaces[1] * np.nan]), ValueError, "space 1 contains"),
            (
                lambda: group.fit(spaces[:2], sample_ids=[range(200), range(300, 500)]),
                ValueError,
                r"Space 1 has 0 row\(s\) in common",
            ),
            (
                lambda: group.fit(spaces[:2], sample_ids=[range(200), ["a"] * 200]),
                ValueError,
                "more than once",
            ),
            (
                lambda: group.fit(spaces[:2], sample_ids=[range(200)]),
                ValueError,
                "1 lists of identifiers for 2",
            ),
            (
                lambda: group.fit(spaces[:2], sample_ids=[range(200), [0, *range(199)]]),
                ValueError,
                "sample_ids of space 1 has identifiers that occur more than once",
            ),
            (
                lambda: (
                    GroupAligner()
                    .fit(spaces[:2], sample_ids=[range(200)] * 2)
                    .add(spaces[2], sample_ids=range(1000, 1200))
                ),
                ValueError,
                "sample_ids of Z begins with 1000, the common space with 0",
            ),
            (
                lambda: GroupAligner(reference=7).fit(spaces),
                ValueError,
                "reference=7 isn't there",
            ),
        ]:
            with pytest.raises(error, match=words):
                call()

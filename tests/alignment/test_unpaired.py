"""Maps without pairs: right where the clouds determine one, refused where they don't."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm, ortho_group
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklatent.alignment import RigidAligner, UnpairedAligner
from sklatent.alignment._unpaired_judgement import judge
from sklatent.alignment._unpaired_search import (
    Clouds,
    Density,
    agreement,
    log_sums,
    neighbours,
    refine,
    rigid,
    squared_distances,
    starts,
)


# What it does by default with y as scikit-learn hands it over, one number a row, and on spaces.
@pytest.mark.filterwarnings("ignore:y is 1-D")
@parametrize_with_checks([UnpairedAligner(n_init=2), UnpairedAligner(kind="linear", n_init=1)])
def test_battery(estimator, check):
    check(estimator)


def groups(seed, n=500, width=3, n_groups=5):
    """Rows of unequal groups, in two disjoint halves."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(n_groups, 6.0))
    rows = 4 * rng.normal(size=(n_groups, width))[rng.choice(n_groups, size=n, p=shares)]
    rows += rng.normal(size=rows.shape)
    return rows[: n // 2], rows[n // 2 :]


def moved(rows, seed):
    width = rows.shape[1]
    shift = np.random.default_rng(seed).normal(size=width)
    return rows @ ortho_group.rvs(width, random_state=seed) + 10 * shift


@pytest.mark.parametrize("seed", range(4))
def test_disjoint_rows_of_groups(seed):
    first, second = groups(seed)
    everything = np.concatenate([first, second])
    aligner = UnpairedAligner(n_init=10, random_state=0).fit(first, moved(second, seed))
    assert aligner.accepted_, aligner.reason_
    assert aligner.score(everything, moved(everything, seed)) > 0.97
    assert aligner.confidence_ == norm.cdf(aligner.margin_)
    assert "accepted" in aligner.reason_
    back = aligner.inverse_transform(aligner.transform(first))
    np.testing.assert_allclose(back, first, atol=1e-9)
    np.testing.assert_allclose(aligner.coef_ @ aligner.coef_.T, np.eye(3), atol=1e-9)


@pytest.mark.parametrize(("table", "width"), [("iris", 3), ("digits", 5)])
def test_halves_of_data_embedded_by_models_of_their_own(table, width):
    X = {"iris": load_iris, "digits": load_digits}[table]().data
    X = StandardScaler().fit_transform(X) if table == "iris" else X / 16
    accepted = 0
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(X))
        halves = order[: len(X) // 2], order[len(X) // 2 :]
        source, target = (PCA(width).fit(X[half]) for half in halves)
        images = moved(target.transform(X), seed)
        aligner = UnpairedAligner(n_init=10, max_samples=250, random_state=0, strict=False)
        aligner.fit(source.transform(X[halves[0]]), images[halves[1]])
        found = aligner.score(source.transform(X), images)
        best = RigidAligner().fit(source.transform(X), images).score(source.transform(X), images)
        assert not aligner.accepted_ or found > best - 0.2
        accepted += aligner.accepted_
    assert accepted >= 2


def circle(rng, n=120):
    points = rng.normal(size=(n, 2))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def two_groups(rng, n=120):
    return rng.normal(size=(n, 3)) + [5.0, 0, 0] * rng.choice([-1, 1], size=(n, 1))


SYMMETRIC = {
    "circle": circle,
    "isotropic Gaussian": lambda rng: rng.normal(size=(120, 3)),
    "two equal groups": two_groups,
    "one component": lambda rng: rng.normal(size=(120, 1)),
    "an ellipse": lambda rng: rng.normal(size=(120, 2)) * [3.0, 1.0],
    "a cube": lambda rng: rng.uniform(size=(120, 3)),
}


@pytest.mark.parametrize("kind", ["rigid", "linear"])
@pytest.mark.parametrize("cloud", SYMMETRIC)
def test_symmetric_clouds_are_refused(cloud, kind):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, Y = SYMMETRIC[cloud](rng), SYMMETRIC[cloud](rng)
        aligner = UnpairedAligner(kind=kind, n_init=6, random_state=0).fit(X, Y)
        assert not aligner.accepted_
        assert aligner.margin_ < 3
        for method in (aligner.transform, aligner.inverse_transform):
            with pytest.raises(ValueError, match=r"refused: a different map .* strict=False"):
                method(X)
        with pytest.raises(ValueError, match="refused"):
            aligner.score(X, Y)
        mapped = aligner.set_params(strict=False).transform(X)
        assert np.isfinite(mapped).all()


def test_clouds_of_two_kinds_are_refused():
    first, _ = groups(0)
    other = np.random.default_rng(1).exponential(size=(250, 3)) ** 2
    aligner = UnpairedAligner(n_init=12, random_state=0).fit(first, 4 * other)
    assert not aligner.accepted_
    assert "refused" in aligner.reason_


def test_any_linear_map_between_equal_clouds():
    first, second = groups(2, n=800)
    matrix = np.array([[3.0, 0.5, 0.0], [0.0, 0.2, 0.1], [0.3, 0.0, 1.0]])
    everything = np.concatenate([first, second])
    aligner = UnpairedAligner(kind="linear", n_init=10, random_state=0)
    aligner.fit(first, second @ matrix + 5)
    assert aligner.accepted_, aligner.reason_
    assert aligner.score(everything, everything @ matrix + 5) > 0.9
    stretched = UnpairedAligner(n_init=6, max_samples=200, random_state=0)
    stretched.fit(first, second @ matrix + 5)
    assert not stretched.accepted_


def test_spaces_of_unequal_width():
    first, second = groups(1, n=600)
    wide = np.pad(second, ((0, 0), (0, 2))) @ ortho_group.rvs(5, random_state=0) + 1
    aligner = UnpairedAligner(n_init=10, max_samples=200, random_state=0).fit(first, wide)
    assert aligner.accepted_, aligner.reason_
    images = np.pad(first, ((0, 0), (0, 2))) @ ortho_group.rvs(5, random_state=0) + 1
    assert aligner.score(first, images) > 0.97
    narrow = UnpairedAligner(n_init=10, max_samples=200, random_state=0).fit(wide, first)
    assert narrow.accepted_
    assert narrow.transform(wide).shape == (300, 3)
    np.testing.assert_allclose(narrow.transform(narrow.inverse_transform(first)), first, atol=1e-9)


@pytest.mark.parametrize("unit", [1e-150, 1e150])
def test_units_change_nothing(unit):
    first, second = groups(0)
    usual, other = (
        UnpairedAligner(n_init=6, random_state=0).fit(u * first, u * moved(second, 0))
        for u in (1.0, unit)
    )
    assert usual.accepted_
    assert other.accepted_
    np.testing.assert_allclose(other.coef_, usual.coef_, atol=1e-6)


def test_types_and_repeats():
    first, second = (Z.astype(np.float32) for Z in groups(0))
    aligner = UnpairedAligner(n_init=6, random_state=0).fit(first, second)
    assert aligner.transform(first).dtype == np.float32
    assert aligner.coef_.dtype == np.float32
    again = clone(aligner).fit(first, second)
    np.testing.assert_array_equal(again.coef_, aligner.coef_)
    assert again.margin_ == aligner.margin_


def test_few_rows_and_1d_targets():
    first, second = groups(0)
    few = UnpairedAligner(random_state=0).fit(first[:15], second)
    assert not few.accepted_
    assert few.confidence_ == 0.0
    with pytest.raises(ValueError, match="15 rows are too few"):
        few.transform(first)
    with pytest.warns(UserWarning, match="y is 1-D"):
        line = UnpairedAligner(n_init=3, random_state=0).fit(first, second[:, 0])
    assert line.transform(first).shape == (250, 1)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones((50, 2)), np.eye(50), "Every column of X has zero variance"),
        (np.eye(50), np.full((40, 2), 3.0), "Every column of y has zero variance"),
        (np.eye(50), None, "y is None"),
        (np.where(np.eye(50), np.nan, 0), np.eye(50), "NaN"),
        (np.eye(50), np.where(np.eye(50), np.inf, 0), "infinity|finite"),
        (np.eye(1), np.eye(50), "minimum of 2"),
        (np.eye(50), np.zeros((2, 2, 2)), "dim 3|3"),
    ],
)
def test_bad_input(X, y, message):
    with pytest.raises(ValueError, match=message):
        UnpairedAligner().fit(X, y)


def test_bad_parameters_and_widths():
    first, second = groups(0)
    for parameters in ({"n_init": 0}, {"max_samples": 5}, {"min_margin": -1}, {"kind": "affine"}):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            UnpairedAligner(**parameters).fit(first, second)
    aligner = UnpairedAligner(n_init=3, random_state=0).fit(first, second)
    with pytest.raises(ValueError, match="2 columns, but the target space"):
        aligner.inverse_transform(first[:, :2])


class TestPieces:
    """The functions, against what they are short for."""

    def test_density_is_the_leave_one_out_kernel_density(self):
        """Nineteen parts of it; the twentieth is one wide Gaussian."""
        points = groups(0, n=60)[0]
        density = Density(points)
        h, d, n = density.bandwidth, 3, len(points)
        covariance = np.cov(points.T, bias=True) * 1.5**2
        wide = multivariate_normal(points.mean(axis=0), covariance)

        def log(kernel, rows):
            return np.log(0.95 * kernel + 0.05 * (2 * np.pi) ** (d / 2) * wide.pdf(rows))

        D = ((points[:, None] - points) ** 2).sum(axis=2)
        kernel = np.exp(-D / (2 * h)) / np.sqrt(h**d)
        own = (kernel.sum(axis=1) - np.diagonal(kernel)) / (n - 1)
        assert density.own == pytest.approx(log(own, points).mean())
        for rows in (points[:5] + 0.3, points[:5] + 9):
            D = ((rows[:, None] - points) ** 2).sum(axis=2)
            kernel = (np.exp(-D / (2 * h)) / np.sqrt(h**d)).mean(axis=1)
            np.testing.assert_allclose(density.log(rows), log(kernel, rows))

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 1000))
    def test_distances_sums_and_procrustes(self, seed):
        rng = np.random.default_rng(seed)
        A, B = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
        np.testing.assert_allclose(
            squared_distances(A, B), ((A[:, None] - B) ** 2).sum(axis=2), atol=1e-12
        )
        np.testing.assert_allclose(log_sums(A.copy()), np.log(np.exp(A).sum(axis=1)))
        rotation, offset = rigid(A, B)
        aligner = RigidAligner().fit(A, B)
        np.testing.assert_allclose(A @ rotation + offset, aligner.transform(A), atol=1e-9)

    def test_refining_finds_the_last_degrees(self):
        first, second = groups(0)
        turn = np.array([[np.cos(0.5), np.sin(0.5), 0], [-np.sin(0.5), np.cos(0.5), 0], [0, 0, 1]])
        found = refine((turn, np.zeros(3)), first, second, np.geomspace(4, 0.5, 20))
        assert agreement(found, (np.eye(3), np.zeros(3)), first) > 0.99
        assert agreement((turn, np.zeros(3)), (np.eye(3), np.zeros(3)), first) < 0.95

    def test_neighbours_turn_over_or_exchange_axes(self):
        first, _ = groups(0)
        rotation, offset = ortho_group.rvs(3, random_state=0), np.arange(3.0)
        found = list(neighbours((rotation, offset), first))
        assert len(found) == 3 + 3 + 1 + 3 * 4
        images = first @ rotation + offset
        axes = np.linalg.svd(first - first.mean(axis=0), full_matrices=False)[2]
        told = set()
        for turned, moved_by in found:
            np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
            mapped = first @ turned + moved_by
            np.testing.assert_allclose(mapped.mean(axis=0), images.mean(axis=0), atol=1e-9)
            change = axes @ turned @ rotation.T @ axes.T
            np.testing.assert_allclose(np.abs(change).sum(axis=0), 1, atol=1e-9)
            told.add(tuple(np.round(change.ravel()).astype(int)))
        assert len(told) == len(found)
        assert tuple(np.eye(3, dtype=int).ravel()) not in told

    def test_climbing_leads_back_from_axes_turned_over_and_exchanged(self):
        first, second = groups(0, n=400, width=4, n_groups=7)
        clouds = Clouds(first, second)
        axes = np.linalg.svd(first - first.mean(axis=0), full_matrices=False)[2]
        change = np.eye(4)[[1, 0, 2, 3]] * [1, 1, -1, -1]
        centre = first.mean(axis=0)
        turned = axes.T @ change @ axes
        start = turned, centre - centre @ turned
        right = np.eye(4), np.zeros(4)
        assert agreement(start, right, first) < 0
        alone = refine(start, first, second, clouds.bandwidth * np.geomspace(8, 1, 8))
        assert agreement(alone, right, first) < 0.5
        found = clouds.climb([start], 4, 6)
        assert agreement(found[0], right, first) > 0.98
        values = [clouds.value(map_) for map_ in found]
        assert values == sorted(values, reverse=True)

    def test_starts_by_what_points_see_are_near(self):
        """Of 30 quadratic assignments and three of rows; a rotation changes none of them."""
        first, second = groups(1, n=400, width=4, n_groups=7)
        turn = ortho_group.rvs(4, random_state=3)
        right = turn, np.zeros(4)
        found = starts(first, second @ turn, 6, np.random.default_rng(0))
        by_axes = 2**4
        matched = found[:-by_axes]
        assert len(matched) == 3 * 4 + 3
        assert max(agreement(map_, right, first) for map_ in matched) > 0.8
        assert agreement(matched[-1], right, first) > 0.5

    def test_margins_tell_the_planted_from_the_symmetric(self):
        rng = np.random.default_rng(0)
        planted = judge(*groups(0), 6, rng)
        chance = judge(two_groups(rng), two_groups(rng), 6, rng)
        assert planted.margin > 6
        assert chance.margin < 3
        assert planted.fit > 0.9
        assert planted.stability > 0.99

"""Relative representations, equation 4."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group

from sklatent.alignment import RelativeProjection


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(80, 5))


class TestSimilarities:
    @pytest.mark.parametrize("offset", [0.0, 1e6])
    def test_euclidean_is_cdist(self, X, offset):
        projection = RelativeProjection(anchors=np.arange(10)).fit(X + offset)
        R = projection.transform(X + offset)
        assert_allclose(R, cdist(X + offset, X[:10] + offset), rtol=1e-9)
        assert not np.diag(R[:10]).any()

    def test_points_next_to_an_anchor(self, X):
        """Where the expanded square would lose all its digits."""
        near = X + 1e-9
        R = RelativeProjection(anchors=[0, 1]).fit(X).transform(near)
        # What the sum X + 1e-9 itself rounds away is one part in 1e7.
        assert_allclose(R, cdist(near, X[:2]), rtol=1e-6)

    def test_cosine(self, X):
        R = RelativeProjection(anchors=np.arange(10), similarity="cosine").fit_transform(X)
        assert_allclose(R, 1 - cdist(X, X[:10], "cosine"), atol=1e-12)

    def test_cosine_at_the_origin_is_zero(self, X):
        projection = RelativeProjection(anchors=[0, 1], similarity="cosine").fit(X)
        assert_array_equal(projection.transform(np.zeros((1, 5))), [[0, 0]])

    def test_callable(self, X):
        R = RelativeProjection(anchors=[3], similarity=lambda x, a: x @ a.T).fit_transform(X)
        assert_allclose(R[:, 0], X @ X[3])

    def test_what_each_leaves_alone(self, X):
        """Distances: rigid motions, not scale. Cosines: rotation and scale, not translation."""
        turn = ortho_group.rvs(5, random_state=0)
        images = {"rigid": X @ turn + 3, "scaled": 2 * X @ turn, "linear": X * [1, 2, 3, 4, 5]}
        for similarity, kept in (("euclidean", {"rigid"}), ("cosine", {"scaled"})):
            projection = RelativeProjection(anchors=np.arange(20), similarity=similarity)
            R = projection.fit_transform(X)
            for name, image in images.items():
                same = np.allclose(R, projection.fit_transform(image))
                assert same == (name in kept), (similarity, name)


class TestAnchors:
    def test_the_same_seed_draws_the_same_rows_of_another_space(self, X):
        first = RelativeProjection(n_anchors=10, random_state=0).fit(X)
        second = RelativeProjection(n_anchors=10, random_state=0).fit(X[:, :3])
        assert_array_equal(first.anchor_indices_, second.anchor_indices_)
        assert len(set(first.anchor_indices_)) == 10
        assert_array_equal(first.anchors_, X[first.anchor_indices_])
        other = RelativeProjection(n_anchors=10, random_state=1).fit(X)
        assert set(other.anchor_indices_) != set(first.anchor_indices_)

    def test_clipped_with_a_warning(self, X):
        with pytest.warns(UserWarning, match="n_anchors=100 is more than the 80 rows"):
            projection = RelativeProjection(random_state=0).fit(X)
        assert sorted(projection.anchor_indices_) == list(range(80))
        assert len(projection.get_feature_names_out()) == 80

    def test_points(self, X):
        points = np.ones((3, 5))
        projection = RelativeProjection(anchors=points).fit(X)
        assert projection.anchor_indices_ is None
        assert_allclose(projection.transform(X), cdist(X, points))

    def test_float32(self, X):
        R = RelativeProjection(anchors=[0, 1]).fit_transform(X.astype(np.float32))
        assert R.dtype == np.float32

    @pytest.mark.parametrize("anchors", [[80], [-1], [0, 200]])
    def test_outside_the_data(self, X, anchors):
        with pytest.raises(ValueError, match="outside the data.*80 rows"):
            RelativeProjection(anchors=anchors).fit(X)

    def test_bad_anchors(self, X):
        with pytest.raises(ValueError, match="anchors has 4 columns and X has 5"):
            RelativeProjection(anchors=np.ones((3, 4))).fit(X)
        with pytest.raises(ValueError, match="Input anchors contains NaN"):
            RelativeProjection(anchors=np.full((3, 5), np.nan)).fit(X)
        with pytest.raises(ValueError, match="empty"):
            RelativeProjection(anchors=np.array([], dtype=int)).fit(X)

    def test_bad_similarity(self, X):
        with pytest.raises(ValueError, match="must return"):
            RelativeProjection(anchors=[0], similarity=lambda x, a: x).fit(X).transform(X)
        projection = RelativeProjection(anchors=[0], similarity=lambda x, a: x[:, :1] * np.nan)
        with pytest.raises(ValueError, match="must be finite"):
            projection.fit(X).transform(X)

    def test_rows_that_are_not_finite_are_named(self, X):
        bad = X.copy()
        bad[4, 1] = np.nan
        with pytest.raises(ValueError, match=r"X contains NaN.*row\(s\) 4"):
            RelativeProjection(anchors=[0]).fit(X).transform(bad)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklatent.datasets import make_eight_gaussians


@settings(max_examples=25, deadline=None)
@given(n_samples=st.integers(1, 200), noise_dims=st.integers(0, 6), seed=st.integers(0, 2**31))
def test_shapes_and_balanced_labels(n_samples, noise_dims, seed):
    X, y = make_eight_gaussians(n_samples, noise_dims=noise_dims, random_state=seed)
    assert X.shape == (n_samples, 2 + noise_dims)
    assert y.shape == (n_samples,)
    counts = np.bincount(y, minlength=8)
    assert counts.sum() == n_samples
    assert counts.max() - counts.min() <= 1


def test_moments_are_those_asked_for():
    X, y = make_eight_gaussians(
        80_000, noise_dims=2, random_state=0, radius=3.0, cluster_std=0.4, noise_std=0.7
    )
    for label in range(8):
        cluster = X[y == label]
        angle = np.deg2rad(22.5 + 45 * label)
        # Standard errors are 0.004 and 0.007: five of them are left.
        np.testing.assert_allclose(
            cluster[:, :2].mean(0), [3 * np.cos(angle), 3 * np.sin(angle)], atol=0.02
        )
        np.testing.assert_allclose(cluster[:, :2].std(0), 0.4, atol=0.015)
        np.testing.assert_allclose(cluster[:, 2:].mean(0), 0, atol=0.035)
        np.testing.assert_allclose(cluster[:, 2:].std(0), 0.7, atol=0.025)


def test_the_horizontal_axis_splits_labels_in_halves():
    X, y = make_eight_gaussians(800, random_state=1, cluster_std=0.0)
    np.testing.assert_array_equal(X[:, 1] > 0, y < 4)


def test_same_seed_same_points_and_global_state_untouched():
    before = np.random.get_state()[1].copy()
    X1, y1 = make_eight_gaussians(50, random_state=3)
    X2, y2 = make_eight_gaussians(50, random_state=3)
    X3, _ = make_eight_gaussians(50, random_state=4)
    np.testing.assert_array_equal(X1, X2)
    np.testing.assert_array_equal(y1, y2)
    assert not np.array_equal(X1, X3)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize(
    "wrong",
    [{"n_samples": 0}, {"n_samples": 2.5}, {"noise_dims": -1}, {"radius": 0}, {"cluster_std": -1}],
)
def test_wrong_parameters_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make_eight_gaussians(**wrong)

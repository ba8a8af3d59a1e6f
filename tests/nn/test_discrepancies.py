import numpy as np
import pytest
import torch

from sklatent.nn.discrepancies import (
    KERNEL_SCALES,
    batch_discrepancy,
    imq_kernel,
    paired_discrepancy,
)


def kernel(a, b):
    """The kernel of the documentation, for two points."""
    squared = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    c = 2 * len(a)
    return np.mean([s * c / (s * c + squared) for s in KERNEL_SCALES])


def mean_kernel(a, b, skip_equal=False):
    values = [
        kernel(x, y)
        for i, x in enumerate(a)
        for j, y in enumerate(b)
        if not (skip_equal and i == j)
    ]
    return np.mean(values)


@pytest.fixture
def clouds():
    rng = np.random.RandomState(0)
    return rng.normal(size=(2, 4, 7, 3)), rng.normal(0.5, 2.0, size=(2, 4, 7, 3))


def test_kernel_is_one_at_zero_and_falls():
    squared = torch.linspace(0, 1e4, 200, dtype=torch.float64)
    values = imq_kernel(squared, 5)
    assert float(values[0]) == 1.0
    assert bool((values.diff() < 0).all())
    assert float(values[-1]) < 0.01


def test_batch_discrepancy_equals_loops(clouds):
    a, b = (cloud[:, 0] for cloud in clouds)
    b = b[:, :5]
    found = batch_discrepancy(torch.from_numpy(a), torch.from_numpy(b))
    for k in range(2):
        expected = (
            mean_kernel(a[k], a[k], skip_equal=True)
            + mean_kernel(b[k], b[k], skip_equal=True)
            - 2 * mean_kernel(a[k], b[k])
        )
        np.testing.assert_allclose(float(found[k]), expected, atol=1e-12)


@pytest.mark.parametrize("n_draws", [1, 2, 4])
def test_paired_discrepancy_equals_loops(clouds, n_draws):
    a, b = (cloud[:, :n_draws] for cloud in clouds)
    found = paired_discrepancy(torch.from_numpy(a), torch.from_numpy(b))
    for k in range(2):
        expected = np.mean(
            [
                mean_kernel(a[k, :, i], a[k, :, i])
                + mean_kernel(b[k, :, i], b[k, :, i])
                - 2 * mean_kernel(a[k, :, i], b[k, :, i])
                for i in range(7)
            ]
        )
        np.testing.assert_allclose(float(found[k]), expected, atol=1e-12)


def test_one_draw_is_two_minus_two_kernels(clouds):
    a, b = (torch.from_numpy(cloud[0, :1]) for cloud in clouds)
    expected = np.mean([2 - 2 * kernel(x, y) for x, y in zip(a[0], b[0], strict=True)])
    np.testing.assert_allclose(float(paired_discrepancy(a, b)), expected)
    assert float(paired_discrepancy(a, a)) == 0.0


def test_batch_discrepancy_is_unbiased_and_sees_a_difference():
    generator = torch.Generator().manual_seed(0)
    same, shifted = [], []
    for _ in range(300):
        a, b = torch.randn(2, 30, 4, generator=generator, dtype=torch.float64)
        same.append(float(batch_discrepancy(a, b)))
        shifted.append(float(batch_discrepancy(a, b + 1.0)))
    error = np.std(same) / np.sqrt(len(same))
    assert abs(np.mean(same)) < 4 * error
    assert np.mean(shifted) > 5 * np.std(same)


def test_clouds_of_one_point_are_finite():
    a, b = torch.zeros(1, 3), torch.ones(1, 3)
    assert np.isfinite(float(batch_discrepancy(a, b)))


def test_equal_rows_keep_the_kernel_at_one():
    """The expanded distance rounds below zero, and the kernel must not leave [0, 1]."""
    a = torch.full((5, 3), 1000.0) + torch.linspace(0, 1e-3, 5)[:, None]
    assert float(batch_discrepancy(a, a)) <= 1e-3

"""Informations of all pairs at once: blocks, threads, memory, and another device's the same."""

import tracemalloc

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sklatent.channels import ChannelFingerprints, _joint_information, channel_similarity
from tests.channels.test_fingerprints import mixed
from tests.channels.test_similarity import by_definition, random_channels


@pytest.mark.parametrize("log_var", [-25.0, -4.0, 0.0])
def test_many_samples_and_blocks_of_channels(log_var, monkeypatch):
    channels = random_channels(17, 150, log_var=log_var)
    whole = channel_similarity(channels, metric="vi", dtype="float64")
    monkeypatch.setattr(_joint_information, "_BLOCK", 5)
    np.testing.assert_allclose(
        channel_similarity(channels, metric="vi", dtype="float64"), whole, atol=1e-12
    )
    other = random_channels(12, 150, seed=1)
    np.testing.assert_allclose(
        channel_similarity(channels, other, metric="nmi", dtype="float64"),
        by_definition(channels, other, "nmi"),
        atol=1e-10,
    )
    narrow = channel_similarity(channels, metric="vi")
    np.testing.assert_allclose(narrow, whole, atol=1e-4)


@pytest.mark.parametrize("n_samples", [1, 2, 3, 1500])
def test_products_of_sums_stay_in_range(n_samples):
    """The most that a sum can be is N, for a channel that says nothing."""
    channels = ChannelFingerprints.from_posteriors(
        np.zeros((2, n_samples)), np.zeros((2, n_samples))
    )
    np.testing.assert_allclose(channels.information, 0.0, atol=1e-14)
    np.testing.assert_array_equal(channel_similarity(channels, metric="vi"), 0.0)
    assert np.isnan(channel_similarity(channels)).all()
    everything = ChannelFingerprints.from_labels(np.arange(n_samples))
    assert everything.information[0] == pytest.approx(np.log2(n_samples), abs=1e-12)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_repeats_to_the_bit_with_the_same_threads(n_threads):
    channels = random_channels(10, 80)
    with threadpool_limits(n_threads, user_api="blas"):
        first = channel_similarity(channels)
        np.testing.assert_array_equal(channel_similarity(channels), first)
    np.testing.assert_allclose(channel_similarity(channels), first, atol=1e-5)


def test_the_number_of_blas_threads_is_left_as_found():
    before = _joint_information._n_blas_threads()
    channel_similarity(random_channels(5, 20))
    assert _joint_information._n_blas_threads() == before


def test_memory_is_for_rows_and_not_for_matrices():
    n_channels, n_samples = 60, 700
    channels = random_channels(n_channels, n_samples)
    tracemalloc.start()
    try:
        channel_similarity(channels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    every_matrix = n_channels * n_samples**2 * 4
    assert peak < every_matrix / 10


def test_torch_gives_the_same():
    torch = pytest.importorskip("torch")
    from sklatent.channels._joint_information_torch import joint_information_torch

    channels = mixed()
    for dtype, tolerance in (("float64", 1e-10), ("float32", 1e-4)):
        for other in (None, channels[[2, 7]]):
            expected = _joint_information.joint_information(channels, other, "float64", "cpu")
            found = joint_information_torch(channels, other, np.dtype(dtype), torch.device("cpu"))
            np.testing.assert_allclose(found[0], expected[0], atol=tolerance)
            for x, y in zip(found[1:], expected[1:], strict=True):
                np.testing.assert_allclose(x, y, atol=tolerance)

"""All pairs by matrix products, against the definition pair by pair."""

import subprocess
import sys

import numpy as np
import pytest

from sklatent.channels import (
    ChannelFingerprints,
    channel_information,
    channel_similarity,
    normalized_mutual_information,
    variation_of_information,
)
from tests.channels.test_fingerprints import mixed

PAIRWISE = {"nmi": normalized_mutual_information, "vi": variation_of_information}


def by_definition(a, b, metric):
    bcs_a = [a.coefficients(k) for k in range(len(a))]
    bcs_b = [b.coefficients(k) for k in range(len(b))]
    return np.array([[PAIRWISE[metric](x, y) for y in bcs_b] for x in bcs_a])


def random_channels(n_channels, n_samples, seed=0, log_var=-2.0):
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(3, n_samples))
    means = np.tanh(rng.normal(size=(n_channels, 3)) @ signal)
    log_vars = log_var + 0.5 * rng.normal(size=means.shape)
    return ChannelFingerprints.from_posteriors(means, log_vars)


@pytest.mark.parametrize("metric", ["nmi", "vi"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_every_kind_of_channel_agrees_with_the_definition(metric, dtype, tolerance):
    channels = mixed()
    expected = by_definition(channels, channels, metric)
    found = channel_similarity(channels, metric=metric, dtype=dtype)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=tolerance)
    other = channels[[1, 7, 3]]
    np.testing.assert_allclose(
        channel_similarity(channels, other, metric=metric, dtype=dtype),
        expected[:, [1, 7, 3]],
        atol=tolerance,
    )


def test_invariance_to_what_carries_no_information():
    """Flips, shifts, scales and orders of samples: a channel says the same."""
    rng = np.random.default_rng(0)
    means, log_vars = rng.normal(size=(2, 60)), rng.normal(-2, 0.5, size=(2, 60))
    a = ChannelFingerprints.from_posteriors(means, log_vars)
    b = ChannelFingerprints.from_posteriors(5.0 - 3.0 * means, log_vars + 2 * np.log(3.0))
    np.testing.assert_allclose(channel_similarity(a, b), channel_similarity(a), atol=1e-4)
    assert channel_similarity(a, b, metric="vi")[0, 0] == pytest.approx(0.0, abs=1e-5)


def test_independent_channels_are_biased_up_a_little():
    """What finite samples do to NMI, as the notes say: never trust it without a null."""
    rng = np.random.default_rng(0)
    values = []
    for _ in range(5):
        channels = ChannelFingerprints.from_posteriors(
            rng.normal(size=(2, 400)), np.full((2, 400), -2.0)
        )
        values.append(channel_similarity(channels)[0, 1])
    assert 0.0 < np.mean(values) < 0.1


def test_torch_is_not_imported_for_it():
    code = (
        "import sys, numpy as np, sklatent.channels as c;"
        "f = c.ChannelFingerprints.from_posteriors(np.random.rand(3, 9), np.zeros((3, 9)));"
        "c.channel_similarity(f); c.ChannelHotspots(min_samples=2).fit(f);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bad_input():
    channels = random_channels(3, 10)
    with pytest.raises(ValueError, match='metric must be "nmi" or "vi"'):
        channel_similarity(channels, metric="cosine")
    with pytest.raises(ValueError, match='dtype must be "float32" or "float64"'):
        channel_similarity(channels, dtype="float16")
    with pytest.raises(TypeError, match="Expected ChannelFingerprints, got ndarray"):
        channel_similarity(np.zeros((3, 10)))
    with pytest.raises(TypeError, match="Expected ChannelFingerprints, got list"):
        channel_similarity(channels, [])


def test_shared_information_is_the_numerator_of_nmi():
    channels = mixed()
    shared = channel_similarity(channels, metric="information", dtype="float64")
    for a in range(len(channels)):
        for b in range(len(channels)):
            bc_a, bc_b = channels.coefficients(a), channels.coefficients(b)
            expected = channels.information[a] + channels.information[b]
            expected -= channel_information(bc_a * bc_b)
            assert shared[a, b] == pytest.approx(expected, abs=1e-9)
    with_factors = channel_similarity(channels, channels[:2], metric="information")
    np.testing.assert_allclose(with_factors, shared[:, :2], atol=1e-4)
    # Of hard labels it is the classical mutual information: two independent bits share none.
    bits = ChannelFingerprints.from_labels([[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_allclose(channel_similarity(bits, metric="information"), np.eye(2), atol=1e-6)

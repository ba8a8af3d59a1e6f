"""NMI and VI by Monte Carlo: closed forms, the bound, and intervals that hold."""

import numpy as np
import pytest

from sklatent.channels import (
    ChannelFingerprints,
    channel_similarity,
    monte_carlo_information,
    monte_carlo_similarity,
)


def spaces(seed=0, n=60, widths=(2, 3), noise=-1.0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 2))
    means = [shared @ rng.normal(size=(2, w)) + 0.3 * rng.normal(size=(n, w)) for w in widths]
    return [z for mean in means for z in (mean, np.full(mean.shape, noise))]


def test_messages_without_error_are_hard_clusterings():
    """Means far apart or equal: the classical values, and nothing left to chance."""
    labels = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 5)
    means = 100.0 * labels
    a, b = (np.array(z)[:, None] for z in means.T)
    zeros = np.zeros((20, 1))
    result = monte_carlo_similarity(a, zeros, b, zeros, n_draws=40, random_state=0)
    assert result.nmi == pytest.approx(0.0, abs=1e-9)
    assert result.vi == pytest.approx(2.0)
    assert result.information_both == pytest.approx(2.0)
    result = monte_carlo_similarity(a, zeros, -a, zeros, n_draws=40, random_state=0)
    assert result.nmi == pytest.approx(1.0)
    assert result.vi == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(result.vi_interval, 0.0, atol=1e-9)


def test_informations_are_those_of_the_single_space():
    mean_a, log_var_a, mean_b, log_var_b = spaces()
    result = monte_carlo_similarity(
        mean_a, log_var_a, mean_b, log_var_b, n_draws=30_000, random_state=0
    )
    for mean, log_var, found in (
        (mean_a, log_var_a, result.information_a),
        (mean_b, log_var_b, result.information_b),
        (np.hstack([mean_a, mean_b]), np.hstack([log_var_a, log_var_b]), result.information_both),
    ):
        expected, error = monte_carlo_information(mean, log_var, n_draws=30_000, random_state=1)
        assert found == pytest.approx(expected, abs=5 * error)


def test_near_the_bound_where_that_is_tight():
    mean_a, log_var_a, mean_b, log_var_b = spaces(noise=-3.0, widths=(1, 1))
    channels = ChannelFingerprints.from_posteriors(
        np.stack([mean_a, mean_b]), np.stack([log_var_a, log_var_b])
    )
    result = monte_carlo_similarity(
        mean_a, log_var_a, mean_b, log_var_b, n_draws=20_000, random_state=0
    )
    assert result.nmi == pytest.approx(channel_similarity(channels)[0, 1], abs=0.15)
    assert result.vi == pytest.approx(channel_similarity(channels, metric="vi")[0, 1], abs=0.5)


def test_intervals_hold_as_often_as_they_say():
    data = spaces(n=40)
    truth = monte_carlo_similarity(*data, n_draws=400_000, random_state=99)
    held = {"nmi": 0, "vi": 0}
    for seed in range(200):
        result = monte_carlo_similarity(*data, n_draws=400, confidence=0.8, random_state=seed)
        for name in held:
            low, high = result[f"{name}_interval"]
            held[name] += low <= truth[name] <= high
    # Of 200 at 80 percent: 160 expected, with a standard error of 5.7.
    for count in held.values():
        assert 138 <= count <= 182


def test_symmetric_repeatable_and_local():
    mean_a, log_var_a, mean_b, log_var_b = spaces()
    before = np.random.get_state()[1].copy()
    first = monte_carlo_similarity(mean_a, log_var_a, mean_b, log_var_b, random_state=0)
    again = monte_carlo_similarity(mean_a, log_var_a, mean_b, log_var_b, random_state=0)
    other = monte_carlo_similarity(mean_b, log_var_b, mean_a, log_var_a, random_state=0)
    assert first == again
    assert other.nmi == pytest.approx(first.nmi, abs=0.05)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    silent = monte_carlo_similarity(0 * mean_a, log_var_a, mean_b, log_var_b, n_draws=100)
    assert np.isnan(silent.nmi)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"mean_a": np.zeros(60)}, ValueError, "mean_a must have shape"),
        ({"log_var_b": np.zeros((60, 1))}, ValueError, "log_var_b must have shape"),
        ({"mean_b": np.full((60, 3), np.nan)}, ValueError, "mean_b contains NaN"),
        ({"mean_b": np.zeros((5, 3)), "log_var_b": np.zeros((5, 3))}, ValueError, "60 and 5"),
        ({"n_draws": 1}, ValueError, "n_draws must be at least 2"),
        ({"n_draws": 1.5}, TypeError, "'n_draws' parameter .* must be an int"),
        ({"confidence": 1.0}, ValueError, "confidence"),
    ],
)
def test_bad_input(change, error, message):
    names = ("mean_a", "log_var_a", "mean_b", "log_var_b")
    with pytest.raises(error, match=message):
        monte_carlo_similarity(**(dict(zip(names, spaces(), strict=True)) | change))

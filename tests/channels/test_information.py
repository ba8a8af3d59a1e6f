"""Information and similarity of single pairs, against scikit-learn, closed forms and sampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from sklearn.metrics import mutual_info_score, normalized_mutual_info_score

from sklatent.channels import (
    ChannelFingerprints,
    bhattacharyya_coefficients,
    channel_information,
    channel_similarity,
    monte_carlo_information,
    normalized_mutual_information,
    variation_of_information,
)

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=40)


def coefficients(labels):
    return np.equal.outer(labels, labels).astype(float)


@settings(max_examples=80, deadline=None)
@given(labels)
def test_hard_labels_give_the_classical_values(pairs):
    a, b = np.array(pairs).T
    bc_a, bc_b = coefficients(a), coefficients(b)
    entropy_a, entropy_b = (mutual_info_score(x, x) / np.log(2) for x in (a, b))
    mutual = mutual_info_score(a, b) / np.log(2)
    assert channel_information(bc_a) == pytest.approx(entropy_a, abs=1e-12)
    assert variation_of_information(bc_a, bc_b) == pytest.approx(
        entropy_a + entropy_b - 2 * mutual, abs=1e-12
    )
    both = ChannelFingerprints.from_labels(np.stack([a, b], axis=1))
    fast_vi = channel_similarity(both, metric="vi", dtype="float64")
    fast_nmi = channel_similarity(both, dtype="float64")
    assert fast_vi[0, 1] == pytest.approx(entropy_a + entropy_b - 2 * mutual, abs=1e-12)
    nmi = normalized_mutual_information(bc_a, bc_b)
    if min(entropy_a, entropy_b) < 1e-9:
        assert np.isnan(nmi)
        assert np.isnan(fast_nmi[0, 1])
    else:
        expected = normalized_mutual_info_score(a, b, average_method="geometric")
        assert nmi == pytest.approx(expected, abs=1e-12)
        assert fast_nmi[0, 1] == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(3, 12), st.integers(0, 2**32 - 1))
def test_properties_of_soft_channels(n, seed):
    rng = np.random.default_rng(seed)
    a, b = (
        bhattacharyya_coefficients(rng.normal(size=(n, 1)), rng.normal(-2, 2, size=(n, 1)))
        for _ in range(2)
    )
    information = channel_information(a)
    assert 0 <= information <= np.log2(n) + 1e-12
    # More messages never tell less, the same message again never doubles what is known.
    assert channel_information(a * b) >= max(information, channel_information(b)) - 1e-12
    assert information - 1e-12 <= channel_information(a * a) <= 2 * information + 1e-12
    assert normalized_mutual_information(a, a) == pytest.approx(1.0, abs=1e-9)
    assert normalized_mutual_information(a, b) == pytest.approx(
        normalized_mutual_information(b, a), abs=1e-12
    )
    assert variation_of_information(a, a) == 0.0
    assert variation_of_information(a, b) >= 0.0
    order = rng.permutation(n)
    shuffled = [x[np.ix_(order, order)] for x in (a, b)]
    assert variation_of_information(*shuffled) == pytest.approx(variation_of_information(a, b))


def test_equations_3_and_4_written_out():
    rng = np.random.default_rng(0)
    a, b = (
        bhattacharyya_coefficients(rng.normal(size=(9, 2)), rng.normal(-1, 1, size=(9, 2)))
        for _ in range(2)
    )

    def bits(matrix):
        total = 0.0
        for row in matrix:
            total -= np.log(sum(row) / len(row)) / np.log(2)
        return total / len(matrix)

    own = [2 * bits(x) - bits(x * x) for x in (a, b)]
    nmi = (bits(a) + bits(b) - bits(a * b)) / np.sqrt(own[0] * own[1])
    vi = 2 * bits(a * b) - bits(a * a) - bits(b * b)
    assert normalized_mutual_information(a, b) == pytest.approx(nmi, abs=1e-12)
    assert variation_of_information(a, b) == pytest.approx(vi, abs=1e-12)


def test_without_information_nmi_is_nan():
    flat = np.ones((5, 5))
    assert channel_information(flat) == 0.0
    assert np.isnan(normalized_mutual_information(flat, np.eye(5)))
    assert variation_of_information(flat, np.eye(5)) == pytest.approx(np.log2(5))


def test_bound_lies_below_monte_carlo_and_not_far():
    """Figure 3a, over seeds and widths: a lower bound within a fraction of a bit."""
    for seed, (width, log_var) in enumerate([(1, -1.0), (1, -4.0), (2, -3.0), (3, 0.0)]):
        rng = np.random.default_rng(seed)
        mean = rng.normal(size=(300, width))
        log_vars = log_var + 0.3 * rng.normal(size=mean.shape)
        bound = channel_information(bhattacharyya_coefficients(mean, log_vars))
        value, error = monte_carlo_information(mean, log_vars, n_draws=6000, random_state=seed)
        assert 0 < error < 0.05
        assert bound < value + 3 * error
        assert bound > 0.7 * value - 0.15


def test_monte_carlo_is_within_its_error_of_a_known_information():
    # N(x, 1) with x = +-m: the capacity of a binary input over Gaussian noise, by quadrature.
    m, u = 1.0, np.linspace(-12, 12, 20001)
    density = [np.exp(-((u - s) ** 2) / 2) / np.sqrt(2 * np.pi) for s in (-m, m)]
    mixture = (density[0] + density[1]) / 2
    entropy = -trapezoid(mixture * np.log2(mixture), u)
    expected = entropy - 0.5 * np.log2(2 * np.pi * np.e)
    scores = []
    for seed in range(8):
        value, error = monte_carlo_information(
            [[-m], [m]], np.zeros((2, 1)), n_draws=4000, random_state=seed
        )
        scores.append((value - expected) / error)
    # Standardised errors: none absurd, and together neither biased nor over-confident.
    assert max(np.abs(scores)) < 4
    assert abs(np.mean(scores)) < 3.5 / np.sqrt(8)
    assert np.std(scores) > 0.3


def test_monte_carlo_leaves_the_global_state_and_repeats():
    before = np.random.get_state()[1].copy()
    arguments = np.arange(5.0)[:, None], np.zeros((5, 1))
    first = monte_carlo_information(*arguments, n_draws=50, random_state=3)
    assert first == monte_carlo_information(*arguments, n_draws=50, random_state=3)
    monte_carlo_information(*arguments, n_draws=50)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize(
    ("bc", "message"),
    [
        (np.ones((2, 3)), "square"),
        (np.ones(3), "square"),
        (np.zeros((0, 0)), "square"),
        (np.full((2, 2), 1.5), "exp"),
        (np.array([[1.0, -0.1], [-0.1, 1.0]]), "range"),
        (np.zeros((2, 2)), "diagonal"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "NaN"),
    ],
)
def test_bad_coefficients(bc, message):
    with pytest.raises(ValueError, match=message):
        channel_information(bc)
    with pytest.raises(ValueError, match=message):
        variation_of_information(np.eye(2), bc)


def test_pairs_over_different_numbers_of_samples():
    with pytest.raises(ValueError, match="same samples, got 2 and 3"):
        normalized_mutual_information(np.eye(2), np.eye(3))


def test_bad_monte_carlo():
    with pytest.raises(ValueError, match="n_draws"):
        monte_carlo_information(np.zeros((3, 1)), np.zeros((3, 1)), n_draws=1)
    with pytest.raises(ValueError, match="log_var must have shape"):
        monte_carlo_information(np.zeros((3, 1)), np.zeros((2, 1)))

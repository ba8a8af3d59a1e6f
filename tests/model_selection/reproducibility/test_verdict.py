"""The verdict: the strictest level that holds, and why no stricter one does."""

import numpy as np
import pytest

from sklatent import ReproducibilityReport
from tests.model_selection.reproducibility.made import fixed, noisy


@pytest.mark.parametrize("seed", range(3))
def test_verdict_names_the_strictest_level(seed):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(300, 4)) * [1.4, 1.1, 0.9, 0.6]
    X = np.zeros((300, 2))

    def level(make):
        return ReproducibilityReport.from_models(fixed([make(i) for i in range(4)]), X).level

    def turn():
        return np.linalg.qr(rng.normal(size=(4, 4)))[0]

    assert level(lambda i: noisy(rng, base)) == "coordinates"
    assert level(lambda i: noisy(rng, base)[:, rng.permutation(4)]) == "axes"
    assert level(lambda i: noisy(rng, base) @ turn()) == "rigid"
    assert level(lambda i: noisy(rng, base, 0.02) @ (turn() * [3, 1, 1, 0.4]) @ turn()) == "linear"
    # Clusters that keep their inside, each in another place.
    cluster = np.arange(300) % 12
    inside = 0.05 * noisy(rng, base)
    assert level(lambda i: inside + rng.normal(size=(12, 4))[cluster]) == "neighbors"
    assert level(lambda i: rng.permutation(base)) == "nothing"


def test_what_a_few_runs_cannot_tell_is_said():
    """Good numbers with a wide interval are neither an agreement nor a disagreement."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(200, 3))
    arrays = [noisy(rng, base, share) for share in (0.01, 0.01, 0.35)]
    report = ReproducibilityReport.from_models(fixed(arrays), np.zeros((200, 1)))
    assert report.table[0]["value"] > 0.9 > report.table[0]["low"]
    assert report.level == "nothing"
    assert report.verdict.startswith("Too uncertain to rely on anything: in these runs coordinates")


def test_sentence_says_why_a_stricter_level_fails():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(300, 4))
    turns = [np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(4)]
    X = np.zeros((300, 1))
    told = str(ReproducibilityReport.from_models(fixed([noisy(rng, base) @ Q for Q in turns]), X))
    assert "axes up to order and sign do not (R² 0." in told
    # With two runs of one component, equal signs are a coin's toss.
    two = fixed([noisy(rng, base[:, :1], 0.02) for _ in range(2)])
    told = str(ReproducibilityReport.from_models(two, X))
    assert told.startswith("Axes agree up to order and sign")
    assert "coordinates may (R² 0.99" in told
    assert "but chance reaches 1.000" in told

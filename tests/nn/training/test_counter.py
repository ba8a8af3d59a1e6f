"""The counter-based generator against published words, and its draws against their laws."""

import numpy as np
import pytest
from scipy import stats

from sklatent.nn.training.counter import normals, random_words, threefry4x32, uniforms


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0] * 4, [0] * 4, [0x9C6CA96A, 0xE17EAE66, 0xFC10ECD4, 0x5256A7D8]),
        ([2**32 - 1] * 4, [2**32 - 1] * 4, [0x2A881696, 0x57012287, 0xF6C7446E, 0xA16A6732]),
    ],
)
def test_known_answers(counter, key, expected):
    """The paper's own test vectors, twenty rounds."""
    words = threefry4x32([np.array([word], np.uint32) for word in counter], key, rounds=20)
    assert [int(word[0]) for word in words] == expected


def draw(keys, n_words=3, seed=1, **settings):
    settings = {"epoch": 4, "call": 0, "purpose": 1} | settings
    return random_words(np.asarray(keys, np.uint64), np.uint32(seed), n_words, **settings)


def test_a_rows_words_depend_on_nothing_but_the_row():
    keys = np.random.default_rng(0).integers(2**63, size=40_000).astype(np.uint64)
    words, some = draw(keys), np.array([39_999, 7, 20_000])
    assert np.array_equal(words[some], draw(keys[some]))
    assert np.array_equal(draw(keys[:5], n_words=9)[:, :3], words[:5])


def test_everything_else_matters():
    base = draw(range(50))
    for other in (draw(range(50), seed=2), draw(range(50), epoch=5), draw(range(50), call=1)):
        assert not np.any(base == other)
    assert not np.any(base == draw(np.arange(50) + 2**40))
    assert np.array_equal(draw(range(50), epoch=-1), draw(range(50), epoch=2**32 - 1))


def test_normals_are_normal_and_independent():
    z = normals(draw(range(50_000), n_words=4)).numpy()
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(z.T) - np.eye(4)).max() < 0.02
    # Neighbouring rows, and neighbouring epochs, know nothing of each other.
    assert abs(np.corrcoef(z[:-1, 0], z[1:, 0])[0, 1]) < 0.02
    later = normals(draw(range(50_000), n_words=4, epoch=5)).numpy()
    assert abs(np.corrcoef(z[:, 0], later[:, 0])[0, 1]) < 0.02


def test_the_ends_are_finite():
    words = np.array([0, 2**32 - 1], np.uint32)
    u = uniforms(words).numpy()
    assert 0 < u[0] < u[1] < 1
    np.testing.assert_allclose(normals(words), stats.norm.ppf(u), rtol=1e-9)

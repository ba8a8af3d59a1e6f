"""StitchingAligner: the network of equation 3, trained by the package's one net."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import r2_score

from sklatent.alignment import LinearAligner, StitchingAligner

QUICK = {"max_epochs": 30, "learning_rate": 0.01, "batch_size": 50, "random_state": 0}


def pairs(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, np.c_[X[:, 0] * 2, np.abs(X[:, 1])] + 5


def test_widths_are_those_of_equation_3():
    X, Y = pairs()
    aligner = StitchingAligner(width_factor=4, **QUICK).fit(X, Y)
    assert [w.shape for w in aligner.coefs_] == [(3, 12), (12, 12), (12, 2)]
    assert [b.shape for b in aligner.intercepts_] == [(12,), (12,), (2,)]
    assert [w.shape for w in aligner.inverse_coefs_] == [(2, 8), (8, 8), (8, 3)]
    assert [b.shape for b in aligner.inverse_intercepts_] == [(8,), (8,), (3,)]


def test_transform_is_fc_relu_fc_relu_fc():
    X, Y = pairs()
    aligner = StitchingAligner(**QUICK).fit(X, Y)
    (A, B, C), (a, b, c) = aligner.coefs_, aligner.intercepts_
    expected = np.maximum(np.maximum(X @ A + a, 0) @ B + b, 0) @ C + c
    assert_allclose(aligner.transform(X), expected, rtol=1e-12)


def test_reported_error_is_that_of_what_is_returned():
    """The scales are folded into the weights rightly: the loss can be had from transform."""
    X, Y = pairs()
    X, Y = 100 * X + 1e3, 1e-2 * Y
    aligner = StitchingAligner(precision="float64", **QUICK).fit(X, Y)
    variance = Y.var(0).mean()
    error = ((aligner.transform(X) - Y) ** 2).mean() / variance
    assert aligner.history_[-1]["there"] == pytest.approx(error, rel=0.3)
    assert aligner.history_[-1]["train_loss"] < 0.5 * aligner.history_[0]["train_loss"]
    back = ((aligner.inverse_transform(Y) - X) ** 2).mean() / X.var(0).mean()
    assert aligner.history_[-1]["back"] == pytest.approx(back, rel=0.3)


@pytest.mark.parametrize("seed", range(3))
def test_bends_where_a_line_cannot(seed):
    X, Y = pairs(seed=seed)
    new, image = pairs(seed=seed + 100)
    bent = StitchingAligner(width_factor=8, **{**QUICK, "random_state": seed}).fit(X, Y)
    # By column, since the bent one varies least.
    assert r2_score(image, bent.predict(new)) > 0.9
    assert r2_score(image, LinearAligner().fit(X, Y).predict(new)) < 0.6


def test_few_anchors_are_learned_by_heart():
    """The paper's table 3: fits its anchors, not what lies between them."""
    rng = np.random.default_rng(0)
    X, new = rng.normal(size=(12, 10)), rng.normal(size=(200, 10))
    A = rng.normal(size=(10, 10))
    aligner = StitchingAligner(
        width_factor=4, max_epochs=500, learning_rate=0.003, random_state=0
    ).fit(X, X @ A)
    assert aligner.score(X, X @ A) > 0.99
    assert aligner.score(new, new @ A) < 0.8
    assert LinearAligner().fit(X, X @ A).score(new, new @ A) > 1 - 1e-10


def test_scale_and_place_of_the_spaces_do_not_matter():
    X, Y = pairs()
    first = StitchingAligner(precision="float64", **QUICK).fit(X, Y)
    second = StitchingAligner(precision="float64", **QUICK).fit(1e3 * X + 50, 1e-3 * Y - 7)
    assert_allclose(second.transform(1e3 * X + 50), 1e-3 * first.transform(X) - 7, rtol=1e-6)


def test_seed_decides():
    X, Y = pairs()
    first = StitchingAligner(**QUICK).fit(X, Y).transform(X)
    assert_array_equal(StitchingAligner(**QUICK).fit(X, Y).transform(X), first)
    other = StitchingAligner(**{**QUICK, "random_state": 1}).fit(X, Y).transform(X)
    assert np.abs(other - first).max() > 1e-3


def test_epochs():
    X, Y = pairs(n=100)
    aligner = StitchingAligner(batch_size=1, random_state=0).fit(X, Y)
    assert aligner.n_epochs_ == len(aligner.history_) == 30
    assert set(aligner.history_[0]) == {"train_loss", "there", "back"}


def test_memory_map(tmp_path):
    X, Y = pairs()
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    first = StitchingAligner(precision="float64", **QUICK).fit(X, Y).transform(X)
    second = StitchingAligner(precision="float64", **QUICK).fit(mapped, Y).transform(mapped)
    assert_allclose(second, first, rtol=1e-9)


def test_torch_is_imported_by_fit_alone():
    code = (
        "import sys; from sklatent.alignment import StitchingAligner, LinearAligner; "
        "LinearAligner().fit([[0.], [1.]], [[0.], [2.]]); StitchingAligner(); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bad_device():
    X, Y = pairs()
    with pytest.raises(ValueError, match="device"):
        StitchingAligner(device="nonsense").fit(X, Y)

"""Our own battery: what every aligner must do, whatever it is made of.

A known transformation is recovered, held-out points map rightly, the inverse returns, the order of
rows does not matter, weights mean repetition, the float type survives, clone and pickle keep the
result, unequal dimensions work. The checks are written once and run on every public aligner, found
by walking ``sklatent.alignment.__all__``.
"""

import inspect
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ortho_group
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.frozen import FrozenEstimator

import sklatent.alignment
from sklatent.alignment import (
    GroupAligner,
    ICPAligner,
    LatentStitcher,
    LinearAligner,
    RelativeProjection,
    RigidAligner,
    StitchingAligner,
    UnpairedAligner,
)

# A network is trained, so "exactly" means as well as this many steps fit: R^2 over 0.99.
NETWORK = {
    "width_factor": 8,
    "max_epochs": 60,
    "learning_rate": 0.01,
    "batch_size": 50,
    "precision": "float64",
    "random_state": 0,
}
ALIGNERS = {
    "linear": LinearAligner(),
    "linear without translation": LinearAligner(fit_intercept=False),
    "ridge": LinearAligner(alpha=1e-9),
    "rigid": RigidAligner(),
    "rigid with scaling": RigidAligner(scaling=True),
    "rotation": RigidAligner(allow_reflection=False),
    "icp linear": ICPAligner(),
    "icp rigid": ICPAligner(kind="rigid"),
    "stitching": StitchingAligner(**NETWORK),
    "stitcher": LatentStitcher(aligner=RigidAligner()),
}
TRAINED = {"stitching"}
WEIGHTED = {name for name in ALIGNERS if name.startswith(("linear", "ridge", "rigid", "rotation"))}
every_aligner = pytest.mark.parametrize("name", list(ALIGNERS))


def transformation(name, width=4, seed=0):
    """A map that the aligner can represent: (matrix, translation)."""
    rng = np.random.default_rng(seed)
    matrix = ortho_group.rvs(width, random_state=seed)
    if np.linalg.det(matrix) < 0:
        matrix[:, 0] *= -1  # a proper rotation: every kind can represent it
    shift = np.zeros(width) if name == "linear without translation" else rng.normal(size=width)
    if "linear" in name or name in ("ridge", "stitching"):
        matrix = matrix @ np.diag(rng.uniform(0.5, 2, width)) @ ortho_group.rvs(width, seed + 1)
    if name == "rigid with scaling":
        matrix = 1.7 * matrix
    return matrix, shift


def known(name, n=400, seed=0):
    """Training rows, held-out rows and their images under a known transformation."""
    rng = np.random.default_rng(seed + 10)
    matrix, shift = transformation(name, seed=seed)
    X, new = rng.normal(size=(n, 4)), 0.8 * rng.normal(size=(100, 4))
    return X, X @ matrix + shift, new, new @ matrix + shift


def assert_recovered(name, found, expected):
    if name in TRAINED:
        assert 1 - ((found - expected) ** 2).sum() / expected.var(0).sum() / len(found) > 0.99
    else:
        assert_allclose(found, expected, atol=1e-7)


@pytest.fixture(scope="module")
def fitted():
    """Each aligner fitted once to its known transformation, with its data."""
    cache = {}

    def get(name):
        if name not in cache:
            data = known(name)
            cache[name] = clone(ALIGNERS[name]).fit(*data[:2]), data
        return cache[name]

    return get


def test_no_aligner_is_forgotten():
    public = {getattr(sklatent.alignment, name) for name in sklatent.alignment.__all__}
    estimators = {c for c in public if inspect.isclass(c) and issubclass(c, BaseEstimator)}
    # Without pairs, or without a target, there is nothing to be exact about.
    others = {GroupAligner, RelativeProjection, UnpairedAligner}
    assert estimators - others == {type(a) for a in ALIGNERS.values()}
    assert all(is_regressor(aligner) for aligner in ALIGNERS.values())


@every_aligner
def test_known_transformation_is_recovered(name, fitted):
    aligner, (X, Y, _, _) = fitted(name)
    assert_recovered(name, aligner.transform(X), Y)
    assert aligner.score(X, Y) > (0.99 if name in TRAINED else 1 - 1e-12)


@every_aligner
def test_held_out_points_map_rightly(name, fitted):
    aligner, (_, _, new, image) = fitted(name)
    assert_recovered(name, aligner.transform(new), image)
    assert_recovered(name, aligner.predict(new), image)


@every_aligner
def test_inverse_returns(name, fitted):
    aligner, (_, _, new, image) = fitted(name)
    assert_recovered(name, aligner.inverse_transform(image), new)
    assert_recovered(name, aligner.inverse_transform(aligner.transform(new)), new)


@every_aligner
def test_a_wrong_pairing_is_not_recovered(name):
    """That the checks above can fail: rows that do not correspond have no common map."""
    X, Y, _, _ = known(name)
    aligner = clone(ALIGNERS[name]).fit(X, np.random.default_rng(0).permutation(Y))
    assert aligner.score(X, Y) < 0.9


@every_aligner
def test_order_of_rows_does_not_matter(name, fitted):
    aligner, (X, Y, new, _) = fitted(name)
    rng = np.random.default_rng(1)
    Y = Y + 0.3 * rng.normal(size=Y.shape)
    order = rng.permutation(len(X))
    if name in TRAINED:
        # Batches follow the order of rows, so equality is that of two trainings.
        other = clone(aligner).fit(X[order], Y[order])
        first = clone(aligner).fit(X, Y)
        difference = ((other.transform(new) - first.transform(new)) ** 2).mean()
        assert difference < 0.1 * Y.var()
    else:
        first = clone(aligner).fit(X, Y).transform(new)
        assert_allclose(clone(aligner).fit(X[order], Y[order]).transform(new), first, atol=1e-8)


@pytest.mark.parametrize("name", sorted(WEIGHTED))
def test_weights_mean_repetition(name):
    X, Y, new, _ = known(name)
    rng = np.random.default_rng(1)
    Y = Y + rng.normal(size=Y.shape)
    weights = rng.integers(0, 4, size=len(X))
    weighted = clone(ALIGNERS[name]).fit(X, Y, sample_weight=weights)
    repeated = clone(ALIGNERS[name]).fit(X.repeat(weights, 0), Y.repeat(weights, 0))
    assert_allclose(weighted.transform(new), repeated.transform(new), atol=1e-10)
    plain = clone(ALIGNERS[name]).fit(X, Y)
    assert np.abs(weighted.transform(new) - plain.transform(new)).max() > 1e-3
    # NaN in a row that does not count is an error all the same.
    X[weights == 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        clone(ALIGNERS[name]).fit(X, Y, sample_weight=weights)


@pytest.mark.parametrize("name", sorted(set(ALIGNERS) - WEIGHTED))
def test_the_iterative_ones_take_no_weights(name):
    assert "sample_weight" not in inspect.signature(ALIGNERS[name].fit).parameters


@every_aligner
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_survives(name, dtype, fitted):
    exact, (X, Y, new, _) = fitted(name)
    aligner = clone(exact).fit(X.astype(dtype), Y.astype(dtype))
    Z = aligner.transform(new.astype(dtype))
    assert Z.dtype == dtype
    assert aligner.predict(new.astype(dtype)).dtype == dtype
    assert aligner.inverse_transform(Z).dtype == dtype
    atol = 0.3 if name in TRAINED else 1e-4
    assert_allclose(Z, exact.transform(new), atol=atol)


@every_aligner
def test_clone_and_pickle_keep_the_result(name, fitted):
    aligner, (X, Y, new, _) = fitted(name)
    expected = aligner.transform(new)
    assert_array_equal(pickle.loads(pickle.dumps(aligner)).transform(new), expected)
    assert_array_equal(clone(aligner).fit(X, Y).transform(new), expected)
    frozen = FrozenEstimator(aligner)
    assert_array_equal(clone(frozen).fit(X, Y[::-1]).transform(new), expected)
    assert_array_equal(aligner.fit(X, Y).transform(new), expected)


@every_aligner
@pytest.mark.parametrize("widths", [(3, 6), (6, 3)], ids=["up", "down"])
def test_unequal_dimensions_work(name, widths):
    n_features, n_targets = widths
    rng = np.random.default_rng(0)
    matrix = ortho_group.rvs(6, random_state=0)[:n_features, :n_targets]
    X = rng.normal(size=(300, n_features))
    Y = X @ matrix
    aligner = clone(ALIGNERS[name]).fit(X, Y)
    Z = aligner.transform(X)
    assert Z.shape == (300, n_targets)
    assert aligner.inverse_transform(Z).shape == X.shape
    assert len(aligner.get_feature_names_out()) == n_targets
    if n_features < n_targets:
        assert_recovered(name, Z, Y)
        assert_recovered(name, aligner.inverse_transform(Y), X)
    else:
        # Down: whatever is dropped, coming back and going down again changes nothing.
        assert aligner.score(X, Y) > 0.5
        if name not in TRAINED:
            assert_allclose(aligner.transform(aligner.inverse_transform(Z)), Z, atol=1e-8)


@every_aligner
@pytest.mark.parametrize("ndim", [1, 2])
def test_predict_has_the_targets_own_number_of_dimensions(name, ndim):
    X, Y, new, _ = known(name)
    y = Y[:, 0] if ndim == 1 else Y[:, :1]
    aligner = clone(ALIGNERS[name]).fit(X, y)
    assert aligner.predict(new).shape == ((100,) if ndim == 1 else (100, 1))
    assert aligner.transform(new).shape == (100, 1)
    assert_array_equal(aligner.predict(new).ravel(), aligner.transform(new).ravel())


@every_aligner
def test_bad_input_is_refused(name):
    X, Y, _, _ = known(name)
    aligner = clone(ALIGNERS[name])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        aligner.fit(X, Y[:-1])
    with pytest.raises(ValueError, match="minimum of 2"):
        aligner.fit(X[:1], Y[:1])
    with pytest.raises(ValueError, match="Every column of X has zero variance"):
        aligner.fit(np.full_like(X, 0.1), Y)
    with pytest.raises(ValueError, match="Every column of y has zero variance"):
        aligner.fit(X, np.full_like(Y, 0.1))
    for side in ("X", "y"):
        bad_X, bad_Y = X.copy(), Y.copy()
        (bad_X if side == "X" else bad_Y)[[5, 9], 0] = np.nan
        with pytest.raises(ValueError, match=f"Input {side} contains NaN.*5, 9"):
            aligner.fit(bad_X, bad_Y)
    with pytest.raises(ValueError, match="features"):
        aligner.fit(X, Y).transform(X[:, :2])


@every_aligner
def test_a_constant_column_is_fine(name):
    X, Y, new, _ = known(name)
    X = np.c_[X, np.full(len(X), 3.0)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        aligner = clone(ALIGNERS[name]).fit(X, Y)
    Z = aligner.transform(np.c_[new, np.full(len(new), 3.0)])
    assert np.isfinite(Z).all()


@every_aligner
def test_data_are_left_alone(name):
    X, Y, _, _ = known(name)
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    clone(ALIGNERS[name]).fit(x, y).transform(x)
    assert_array_equal(x, X)
    assert_array_equal(y, Y)


# What each aligner is blind to: the change of either space that its images follow exactly.
BLIND_TO = {
    "linear": {"rotation", "shift", "scale", "matrix"},
    "linear without translation": {"rotation", "scale", "matrix"},
    "ridge of some weight": {"rotation", "shift"},
    "rigid": {"rotation", "shift"},
    "rigid with scaling": {"rotation", "shift", "scale"},
    "icp rigid": {"rotation", "shift"},
}


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("change", ["rotation", "shift", "scale", "matrix"])
@pytest.mark.parametrize("name", list(BLIND_TO))
def test_invariance(name, change, side):
    """The guide's table: moving a space moves the images with it, or leaves them where they are."""
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(200, 4)) * [3, 2, 1, 1], rng.normal(size=(200, 4))
    Y = X @ rng.normal(size=(4, 4)) + noise + 2
    matrix, shift = {
        "rotation": (ortho_group.rvs(4, random_state=1), 0.0),
        "shift": (np.eye(4), 5.0),
        "scale": (3 * np.eye(4), 0.0),
        "matrix": (rng.normal(size=(4, 4)), 0.0),
    }[change]
    aligner = LinearAligner(alpha=50.0) if "ridge" in name else clone(ALIGNERS[name])
    images = clone(aligner).fit(X, Y).transform(X)
    if side == "source":
        moved = X @ matrix + shift
        found, expected = aligner.fit(moved, Y).transform(moved), images
    else:
        moved = Y @ matrix + shift
        found, expected = aligner.fit(X, moved).transform(X), images @ matrix + shift
    follows = np.allclose(found, expected, atol=1e-6)
    # A penalty on coefficients does not feel the unit that its targets are in.
    blind = change in BLIND_TO[name] or ("ridge" in name and side == "target")
    assert follows == blind

"""Aligners on arrays of other libraries: the same maps, and everything stays where it was."""

import importlib.util
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn import config_context
from sklearn.base import clone

from sklatent._utils.array_api import elsewhere, to_numpy
from sklatent.alignment import GroupAligner, ICPAligner, LinearAligner, RigidAligner, matched_rows

ALIGNERS = [
    LinearAligner(),
    LinearAligner(fit_intercept=False, alpha=0.3),
    LinearAligner(alpha="loo"),
    RigidAligner(),
    RigidAligner(scaling=True, allow_reflection=False),
]
LIBRARIES = ["torch"]
if torch.cuda.is_available():
    LIBRARIES.append("torch cuda")
if importlib.util.find_spec("array_api_strict"):
    LIBRARIES.append("array_api_strict")


def maker(library):
    """A function that makes arrays of a library, on a device that numpy can't read if there is."""
    if library.startswith("torch"):
        device = library.partition(" ")[2] or "cpu"
        return lambda array: torch.asarray(np.asarray(array), device=device)
    xp = importlib.import_module(library)
    return lambda array: xp.asarray(array, device=xp.Device("device1"))


def pair(n=50, widths=(4, 4), dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, widths[0])) + 3
    Y = X @ rng.normal(size=widths) + 0.3 * rng.normal(size=(n, widths[1]))
    return X.astype(dtype), Y.astype(dtype)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("widths", [(4, 4), (3, 5), (5, 3)])
@pytest.mark.parametrize("aligner", ALIGNERS, ids=str)
def test_same_map_as_with_numpy(aligner, widths, weighted, library):
    make = maker(library)
    X, Y = pair(widths=widths)
    weights = np.random.default_rng(1).integers(0, 3, size=50).astype(float) if weighted else None
    here = clone(aligner).fit(X, Y, sample_weight=weights)
    with config_context(array_api_dispatch=True):
        there = clone(aligner).fit(make(X), make(Y), sample_weight=weights)
        place = elsewhere(make(X))
        images = {
            "transform": (there.transform(make(X)), here.transform(X)),
            "predict": (there.predict(make(X)), here.predict(X)),
            "inverse": (there.inverse_transform(make(Y)), here.inverse_transform(Y)),
        }
        for name, (found, expected) in images.items():
            assert elsewhere(found) == place, name
            assert_allclose(to_numpy(found), expected, rtol=1e-9, atol=1e-10)
        assert there.score(make(X), make(Y)) == pytest.approx(here.score(X, Y), abs=1e-12)
    assert there.rank_ == here.rank_


@pytest.mark.parametrize("library", LIBRARIES)
def test_float32_in_float32_out_and_many_blocks(library, monkeypatch):
    make = maker(library)
    monkeypatch.setattr("sklatent.alignment._checks._BLOCK_NUMBERS", 100)
    X, Y = pair(n=500, dtype=np.float32)
    here = LinearAligner().fit(X, Y)
    with config_context(array_api_dispatch=True):
        there = LinearAligner().fit(make(X), make(Y))
        assert to_numpy(there.coef_).dtype == to_numpy(there.transform(make(X))).dtype == "float32"
    assert_allclose(to_numpy(there.coef_), here.coef_, rtol=1e-5)


@pytest.mark.parametrize("library", LIBRARIES)
def test_nearly_dependent_constant_and_tiny(library):
    make = maker(library)
    X, Y = pair()
    for change in (
        lambda X: np.c_[X, X[:, 0] + 1e-9 * X[:, 1]],
        lambda X: np.c_[X, np.full(50, 0.1)],
        lambda X: 1e-200 * X,
    ):
        Z = change(X)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            here = LinearAligner().fit(Z, Y)
            with config_context(array_api_dispatch=True):
                there = LinearAligner().fit(make(Z), make(Y))
        assert there.rank_ == here.rank_
        with config_context(array_api_dispatch=True):
            assert_allclose(to_numpy(there.transform(make(Z))), here.transform(Z), rtol=1e-6)


@pytest.mark.parametrize("library", LIBRARIES)
def test_mixed_libraries_follow_X(library):
    make = maker(library)
    X, Y = pair()
    with config_context(array_api_dispatch=True):
        aligner = RigidAligner().fit(make(X), Y[:, 0].tolist())
        assert elsewhere(aligner.predict(make(X))) == elsewhere(make(X))
        assert aligner.predict(make(X)).shape == (50,)
        assert isinstance(RigidAligner().fit(X, make(Y)).rotation_, np.ndarray)
        with pytest.raises(ValueError, match=r"RigidAligner.transform\(\) must use the same"):
            aligner.transform(X)
        with pytest.raises(ValueError, match=r"RigidAligner.inverse_transform\(\) must use"):
            aligner.inverse_transform(X[:, :1])
    # Without dispatch what was fitted there is read all the same.
    assert isinstance(aligner.transform(X), np.ndarray)


@pytest.mark.parametrize("library", LIBRARIES)
def test_bad_rows_are_named(library):
    make = maker(library)
    X, Y = pair()
    bad = X.copy()
    bad[[7, 9], 1] = np.nan
    with config_context(array_api_dispatch=True):
        for aligner in ALIGNERS[::2]:
            with pytest.raises(ValueError, match=r"Input X contains NaN.*row\(s\) 7, 9"):
                clone(aligner).fit(make(bad), make(Y))
            with pytest.raises(ValueError, match="Input y contains NaN"):
                clone(aligner).fit(make(X), make(bad))
            with pytest.raises(ValueError, match="Every column of X has zero variance"):
                clone(aligner).fit(make(0 * X), make(Y))
            with pytest.raises(ValueError, match="overflow|too large"):
                LinearAligner().fit(make(1e200 * X), make(Y))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("kind", ["rigid", "linear"])
def test_group(kind, library):
    make = maker(library)
    spaces = [pair()[0], pair()[1], np.tanh(pair()[1])]
    ids = [np.arange(k, 50) for k in range(3)]
    parts = [space[k:] for k, space in enumerate(spaces)]
    here = GroupAligner(kind=kind).fit(parts[:2], sample_ids=ids[:2]).add(parts[2], ids[2])
    with config_context(array_api_dispatch=True):
        there = GroupAligner(kind=kind).fit([make(part) for part in parts[:2]], sample_ids=ids[:2])
        there.add(make(parts[2]), ids[2])
        for k, part in enumerate(parts):
            found = there.transform(make(part), space=k)
            assert elsewhere(found) == elsewhere(make(part))
            assert_allclose(to_numpy(found), here.transform(part, space=k), atol=1e-8)
            back = there.inverse_transform(found, space=k)
            assert elsewhere(back) == elsewhere(make(part))
        assert elsewhere(there.consensus_) == elsewhere(make(parts[0]))
        later = GroupAligner(kind=kind, reference=there).fit([make(parts[1])], sample_ids=[ids[1]])
        assert_allclose(to_numpy(later.consensus_), here.consensus_, atol=1e-8)
        with pytest.raises(ValueError, match=r"GroupAligner.add\(\) must use the same"):
            there.add(parts[2], ids[2])
        with pytest.raises(ValueError, match=r"GroupAligner.transform\(\) must use the same"):
            there.transform(parts[2], space=2)
    names = [np.array([f"cell {i}" for i in own]) for own in ids[:2]]
    with config_context(array_api_dispatch=True):
        named = GroupAligner(kind=kind).fit([make(part) for part in parts[:2]], sample_ids=names)
        assert len(matched_rows(named.sample_ids_, names[0])[0]) == 50


def test_other_aligners_bring_arrays_to_numpy():
    X, Y = pair()
    with config_context(array_api_dispatch=True):
        aligner = ICPAligner().fit(torch.asarray(X), torch.asarray(Y))
        found = aligner.transform(torch.asarray(X))
    assert_allclose(found, ICPAligner().fit(X, Y).transform(X))

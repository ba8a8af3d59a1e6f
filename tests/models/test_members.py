"""Models of a stack that are made when someone looks, and asked together."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from sklatent import VAE
from sklatent.datasets import make_eight_gaussians
from sklatent.models import _inference, _members
from sklatent.models._fitting import fit_stacked

SMALL = {"hidden_layer_sizes": (6,), "max_epochs": 3, "batch_size": 40, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    return make_eight_gaussians(120, random_state=0)[0]


def stacks(X, late, rows=None, groups=(0, 0, 0, 0), **settings):
    models = [VAE(2, beta=beta, **SMALL | settings) for beta in (0.1, 0.5, 1.0, 2.0)]
    for model in models:
        valid = model._validate_training_data(X, reset=True)
    fit_stacked(models, valid, rows, None, None, None, groups if late else None)
    return models


@pytest.fixture
def calls(monkeypatch):
    """How many models each inference was for."""
    found = []
    original = _members.map_in_blocks

    def counted(module, *args, n_members=None, **kwargs):
        found.append(n_members)
        return original(module, *args, n_members=n_members, **kwargs)

    monkeypatch.setattr(_members, "map_in_blocks", counted)
    return found


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True, "patience": 1}])
def test_late_models_are_those_that_are_made_at_once(X, settings):
    settings = {"max_epochs": 6, "learning_rate": 0.05} | settings
    late, early = (stacks(X, late, **settings) for late in (True, False))
    for one, other in zip(late, early, strict=True):
        np.testing.assert_allclose(one.score_samples(X), other.score_samples(X), rtol=1e-12)
        np.testing.assert_allclose(one.transform(X), other.transform(X), atol=1e-12)
        assert "net_" not in vars(one)
        assert one.history_ == other.history_
        assert one.n_epochs_ == other.n_epochs_
        np.testing.assert_array_equal(one.transform(X), other.transform(X))
        np.testing.assert_array_equal(
            one.partial_fit(X).transform(X), other.partial_fit(X).transform(X)
        )


def test_what_one_is_asked_is_computed_for_its_group(X, calls):
    models = stacks(X, True, groups=(0, 1, 0, 1))
    calls.clear()
    for model in models:
        model.score(X[:30])
        model.transform(X[:30].copy())
    assert calls == [2, 2, 2, 2]


def test_those_that_are_asked_about_rows_of_their_own_are_asked_alone(X, calls):
    models = stacks(X, True)
    calls.clear()
    for k, model in enumerate(models):
        model.score(X[k : k + 30])
    assert calls == [4]


def test_answers_are_ones_own(X):
    models = stacks(X, True)
    first = models[0].transform(X)
    first[:] = np.nan
    assert np.isfinite(models[0].transform(X)).all()
    X = X.copy()
    before = models[0].transform(X)
    X += 1.0
    assert not np.allclose(models[0].transform(X), before)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_are_whole_and_do_not_hold_the_stack(X, copied):
    model = stacks(X, True)[1]
    other = copied(model)
    assert "_member" not in vars(other)
    np.testing.assert_array_equal(other.transform(X), model.transform(X))
    assert not hasattr(clone(stacks(X, True)[1]), "net_")


def test_a_new_fit_forgets_the_stack(X):
    model = stacks(X, True)[3]
    np.testing.assert_array_equal(model.fit(X).transform(X), clone(model).fit(X).transform(X))


def test_what_is_not_there_is_said(X):
    model = stacks(X, True)[0]
    with pytest.raises(AttributeError, match="'VAE' object has no attribute 'nothing_'"):
        _ = model.nothing_
    assert not hasattr(VAE(2), "net_")


def test_rows_that_all_models_score_are_validated_once(X, monkeypatch):
    checked = []
    original = _inference.check_possible
    monkeypatch.setattr(
        _inference, "check_possible", lambda *args: (checked.append(1), original(*args))
    )
    models, rows = stacks(X, late=True), X[:30].copy()
    scores = [model.score(np.array(rows)) for model in models]
    assert len(checked) == 1
    assert scores == [model.score(rows) for model in stacks(X, late=True)]
    # Rows that were changed in place are other rows.
    rows[3, 0] = np.nan
    for model in models:
        with pytest.raises(ValueError, match="NaN"):
            model.score(rows)
    with pytest.raises(ValueError, match="features"):
        models[1].score(X[:, :2])
    rows[3, 0] = 0.0
    assert [model.score(rows) for model in models] != scores

"""Fits that are noted first and taken over later."""

import copy

import numpy as np
import pytest
from sklearn.base import clone

from sklatent import VAE
from sklatent.models._plan import NotedError, Plan

X = np.random.default_rng(0).random((20, 4))
SMALL = {"hidden_layer_sizes": (4,), "max_epochs": 1}


def noted(*models):
    """A plan, and its one turn, in which these models ask to be fitted to X."""
    plan = Plan()
    turn = plan.turn(0)
    for model in models:
        model._plan = turn
        with pytest.raises(NotedError):
            clone(model).fit(X)
    return plan


def train_and_offer(plan):
    fits = list(plan.fits)
    for fit in fits:
        rows, keys = plan.data[fit.data]
        fit.model.fit(rows, sample_ids=keys)
    plan.offer(fits)
    return [fit.model for fit in fits]


def test_what_is_noted_is_taken_over_once():
    """By a clone of the same parameters, on the same data; then everyone trains again."""
    model = VAE(2, random_state=0, **SMALL)
    plan = noted(model)
    assert len(plan.fits) == len(plan.data) == 1
    (trained,) = train_and_offer(plan)
    taker = clone(model).fit(X)
    assert taker.net_ is trained.net_
    assert clone(model).fit(X).net_ is not trained.net_


def test_data_are_held_once_for_all_that_share_them():
    plan = noted(*(VAE(2, random_state=seed, **SMALL) for seed in range(3)))
    assert len(plan.fits) == 3
    assert len(plan.data) == 1


@pytest.mark.parametrize("change", [{"beta": 2.0}, {"random_state": 1}])
def test_others_train_themselves(change):
    """With other parameters, on other rows, in another turn, or in no search at all."""
    model = VAE(2, random_state=0, **SMALL)
    plan = noted(model)
    (trained,) = train_and_offer(plan)
    elsewhere = clone(model)
    elsewhere._plan = plan.turn(1)
    for other, rows in (
        (clone(model).set_params(**change), X),
        (clone(model), X[::-1]),
        (elsewhere, X),
        (VAE(2, random_state=0, **SMALL), X),
    ):
        assert other.fit(rows).net_ is not trained.net_
    assert clone(model).fit(X).net_ is trained.net_


def test_what_training_ended_in_is_what_the_fit_ends_in():
    model = VAE(2, random_state=0, **SMALL)
    plan = noted(model)
    fits = list(plan.fits)
    fits[0].failure = ValueError("spoilt")
    plan.offer(fits)
    with pytest.raises(ValueError, match="spoilt"):
        clone(model).fit(X)


def test_a_turn_is_the_same_in_every_copy():
    turn = Plan().turn(0)
    assert copy.deepcopy({"a": turn})["a"] is turn

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
    plan = Plan()
    for model in models:
        model._plan = plan
        with pytest.raises(NotedError):
            clone(model).fit(X)
    return plan


def train_and_offer(plan):
    offers = []
    for model, key, asked in plan.fits:
        rows, keys = plan.data[key]
        trained = copy.copy(model)
        trained.fit(rows, sample_ids=keys)
        offers.append((trained, key, asked))
    plan.offer(offers)
    return [trained for trained, _, _ in offers]


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
    """With other parameters, or on other rows."""
    model = VAE(2, random_state=0, **SMALL)
    plan = noted(model)
    (trained,) = train_and_offer(plan)
    assert clone(model).set_params(**change).fit(X).net_ is not trained.net_
    assert clone(model).fit(X[::-1]).net_ is not trained.net_
    assert VAE(2, random_state=0, **SMALL).fit(X).net_ is not trained.net_  # of no search
    assert clone(model).fit(X).net_ is trained.net_


def test_a_plan_is_the_same_in_every_copy():
    plan = Plan()
    assert copy.deepcopy({"a": plan})["a"] is plan

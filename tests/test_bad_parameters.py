"""Every parameter of every estimator in every bad way: an error in our words, or finite results."""

import inspect
from functools import partial
from itertools import count

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sklatent import VAE
from tests.judging import VALUES, fault, numbers
from tests.test_common import ESTIMATORS, PARAMETERS, make_data

X, Y = make_data()
SHARED = set(inspect.signature(VAE).parameters) - {"n_components"}
# What a user who asks for many waits for.
LONG = {"max_epochs", "n_init", "max_iter", "n_shuffles", "patience", "n_jobs", "max_resources"}
# Would start processes.
PROCESSES = {"-1", "2", "np.int64", "-2**40"}
MANY = {"10**9", "10**30", "1e300"}


def parameters(name):
    return inspect.signature(ESTIMATORS[name]).parameters


def quick(name):
    settings = dict(PARAMETERS.get(name, {}))
    quicker = {"max_epochs": 1, "random_state": 0, "n_init": 2}
    return settings | {key: quicker[key] for key in quicker if key in parameters(name)}


def fitted_outputs(name, settings):
    """All that an estimator says of X once it is fitted."""
    estimator = ESTIMATORS[name](**settings).fit(X, Y)
    found = [estimator.score(X, Y)] if hasattr(estimator, "score") else []
    found += [
        getattr(estimator, method)(X)
        for method in ("transform", "predict")
        if hasattr(estimator, method)
    ]
    if hasattr(estimator, "transform") and hasattr(estimator, "inverse_transform"):
        found.append(estimator.inverse_transform(estimator.transform(X)))
    return found


def attempts(name):
    """Parameters and kinds of values to try.

    What all models share is tried in full on the VAE, and elsewhere a different part of it; what
    both searches share, on one of them.
    """
    known = parameters("FusedGridSearchCV") if name == "FusedHalvingGridSearchCV" else ()
    turn = count(sum(map(ord, name)))
    for parameter in parameters(name):
        for kind in VALUES:
            if parameter in LONG and kind in MANY:
                continue
            if parameter == "n_jobs" and kind in PROCESSES:
                continue
            if parameter == "checkpoint_dir" and isinstance(VALUES[kind], str):
                continue  # a folder
            shared = parameter in SHARED and name != "VAE" and hasattr(ESTIMATORS[name], "encode")
            if parameter in known and next(turn) % 8:
                continue
            if not shared or next(turn) % 24 == 0:
                yield parameter, kind


def of_scikit_learn(settings):
    """Its own search with the same parameters, whose errors are as good as ours."""
    known = inspect.signature(GridSearchCV).parameters
    shared = {key: value for key, value in settings.items() if key in known}
    return lambda: GridSearchCV(**shared).fit(X).score(X)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_bad_parameters(name, capfd):
    faults = {}
    for parameter, kind in attempts(name):
        settings = quick(name) | {parameter: VALUES[kind]}
        like = of_scikit_learn(settings) if name.endswith("GridSearchCV") else None
        call = partial(fitted_outputs, name, settings)
        found = fault(call, like)
        if found:
            faults[parameter, kind] = found
    capfd.readouterr()  # what verbose=1 says
    assert not faults


def test_the_valid_call():
    """Of each estimator, so that the others fail for what is bad in them."""
    for name in ESTIMATORS:
        assert np.isfinite(numbers(fitted_outputs(name, quick(name)))).all(), name

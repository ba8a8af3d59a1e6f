"""Bad arrays of every kind into the estimators' own methods: an error in our words, or finite."""

import inspect
from functools import partial
from itertools import count

import numpy as np
import pytest
from sklearn.base import clone

from sklatent import VAE
from sklatent.transformations import RandomScaling
from tests.judging import faults_of, numbers
from tests.test_bad_parameters import quick
from tests.test_common import ESTIMATORS, make_data

X, Y = make_data()
TRAIN = {"fit", "partial_fit", "fit_transform", "fit_predict", "fit_triplets", "fit_decoder"}
# Names of rows and of classes, which may be anything that is there.
NAMES = {"sample_ids", "factors"}
OF_MODELS = {name for name in ESTIMATORS if hasattr(ESTIMATORS[name], "encode")}


def fitted(name):
    estimator = ESTIMATORS[name](**quick(name))
    if name == "TransformVAE":
        estimator.set_params(transformation=RandomScaling(), batch_size=20)
    return estimator.fit(X, Y)


def methods(estimator):
    """Names of all methods that take arrays."""
    taking = {"X", "Z", "T", "X_forward", "n_samples", "factors"}
    for name in dir(type(estimator)):
        if name.startswith(("_", "set_", "get_")) or not hasattr(estimator, name):
            continue
        method = getattr(estimator, name)
        if callable(method) and taking & set(inspect.signature(method).parameters):
            yield name


def arguments(estimator, method):
    """A valid call's arguments; those that it has no use for are left out."""
    latents = estimator.transform(X) if method == "inverse_transform" else None
    known = {
        "X": X if latents is None else latents,
        "Z": X,
        "X_forward": X,
        "X_inverse": X,
        "factors": (4 * X).astype(int)[:5, 0],
        "encoder": estimator,
        "sample_weight": np.ones(len(X)),
        "sample_ids": np.arange(len(X)),
    }
    if hasattr(estimator, "infer_transformation"):
        known["T"] = estimator.infer_transformation(X, X)
    takes = inspect.signature(ESTIMATORS[type(estimator).__name__].fit).parameters
    if takes.get("y") is not None and takes["y"].default is inspect.Parameter.empty:
        known["y"] = Y
    if method == "score" and type(estimator).__name__ == "LatentStitcher":
        known["y"] = X
    # What scikit-learn's mixins pass on unseen.
    possible = ["X", "y"] if method in ("fit_transform", "fit_predict") else known
    named = inspect.signature(getattr(estimator, method)).parameters
    return {key: known[key] for key in possible if key in named and key in known}


def called(estimator, method, **given):
    """What a method returns, or what its estimator says of X after it was trained so."""
    if method in TRAIN:
        estimator = clone(estimator)
    if method == "add":
        estimator = clone(estimator).fit(X)
    result = getattr(estimator, method)(**given)
    if isinstance(result, type(estimator)):
        result = [result.transform(X)] if hasattr(result, "transform") else []
    if hasattr(result, "covariance"):
        result = [result.mean, result.covariance]
    if method.endswith("factor_similarity"):
        result = np.nan_to_num(result)  # NaN is documented: of channels without information
    return result.to_numpy() if hasattr(result, "iloc") else result


def bound(estimator, method, valid):
    """The call as a function of these arguments and of the options beside them."""
    call = partial(called, estimator, method)
    signature = inspect.signature(getattr(estimator, method))
    kept = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for key, parameter in signature.parameters.items()
        if key in valid or key in OPTIONS
    ]
    call.__signature__ = signature.replace(parameters=kept)
    return call


OPTIONS = {
    "n_samples", "random_state", "noise", "n_importance_samples", "weight", "inverse", "space",
}  # fmt: skip


def some(name, every):
    """Whether it is an attempt's turn, of every so many."""
    turn = count()

    def only(parameter, kind):
        # 10**9 rows are had by waiting; and scikit-learn's own search says of ragged lists what
        # numpy does.
        waits = kind == "10**9" and parameter == "n_samples"
        search = kind == "ragged" and name.endswith("SearchCV")
        return not waits and not search and next(turn) % every == 0

    return only


@pytest.mark.parametrize("name", ESTIMATORS)
def test_bad_arrays(name):
    estimator, faults = fitted(name), {}
    for method in methods(estimator):
        valid = arguments(estimator, method)
        # What models inherit is tried in full on one of them.
        inherited = name != "VAE" and name in OF_MODELS and hasattr(VAE, method)
        inherited |= name == "FusedHalvingGridSearchCV"
        call = bound(estimator, method, valid)
        found = faults_of(
            call, valid, lambda result: result, NAMES, some(name, 5 if inherited else 1)
        )
        faults |= {(method, *where): what for where, what in found.items()}
    assert not faults


def test_the_valid_calls():
    """So that the others fail for what is bad in them, and no method is left out."""
    tried = set()
    for name in ("VAE", "TransformVAE", "LinearAligner", "GroupAligner", "ChannelHotspots"):
        estimator = fitted(name)
        for method in methods(estimator):
            tried.add(method)
            result = called(estimator, method, **arguments(estimator, method))
            assert np.isfinite(numbers(result)).all(), (name, method)
    assert tried >= TRAIN - {"fit_decoder"} | {"sample", "log_likelihood", "add", "score_samples"}

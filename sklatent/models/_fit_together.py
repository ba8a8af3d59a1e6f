"""Which models may train as one stack."""

import warnings

import numpy as np

from sklatent._utils.names import row_keys
from sklatent._utils.sparse import stacked
from sklatent.models._base import LatentModel
from sklatent.models._fitting import fit_stacked
from sklatent.models._parameters import same_parameters

_MAY_DIFFER = {"random_state", "verbose"}


def can_stack(models):
    """Whether models differ only in their seeds and loss hyperparameters.

    Callbacks of the user's own see one model's net, so that a model with callbacks trains
    alone, and so does one that continues from present weights.

    Parameters
    ----------
    models : list of estimators
        Unfitted models.

    Returns
    -------
    bool
        Whether :func:`fit_models` would stack them.
    """
    first = models[0]
    if len(models) < 2 or not all(type(model) is type(first) for model in models):
        return False
    if not isinstance(first, LatentModel) or not first._stackable:
        return False
    if any(model.callbacks or model.warm_start for model in models):
        return False
    may_differ = _MAY_DIFFER | set(first._loss_hyperparameters)
    return all(same_parameters(first, model, but=may_differ) for model in models[1:])


def fit_models(models, X, rows=None):
    """Fit models to the same data, as one stack where they can be.

    Parameters
    ----------
    models : list of LatentModel
        Unfitted models; they are fitted in place.
    X : array-like of shape (n_samples, n_features)
        Training data.
    rows : ndarray of shape (n_models, n_rows), default=None
        Each model's own rows of X; None is all rows for each.
    """
    if not can_stack(models):
        for k, model in enumerate(models):
            model.fit(X if rows is None else X[rows[k]])
        return
    names = row_keys(X)
    for model in models:
        model._validate_params()
        validated = model._validate_training_data(X, reset=True)
    fit_stacked(models, validated, rows, names)


def fit_noted(plan):
    """Train the noted fits that can stack, each stack on the data of all its models.

    Parameters
    ----------
    plan : Plan
        Fits to come.

    Returns
    -------
    list of (model, key, asked)
        Those that are trained now. A stack that fails is left to be trained model by model, where
        the error meets the one model that it belongs to.

    Warns
    -----
    RuntimeWarning
        If a stack fails by anything but what data and parameters are refused by.
    """
    trained = []
    for stack in _sort(plan):
        models, keys, _ = zip(*stack, strict=True)
        X, rows, names = _join(plan.data, keys)
        try:
            fit_stacked(models, X, rows, names)
        except Exception as error:
            if not isinstance(error, ValueError):
                message = (
                    f"{len(stack)} fits could not be trained together and are trained one by "
                    f"one: {type(error).__name__}: {error}"
                )
                warnings.warn(message, RuntimeWarning, stacklevel=2)
            continue
        trained += stack
    return trained


def _sort(plan):
    """Stacks of two or more fits: alike, on as many rows of one type."""
    stacks = []
    for fit in plan.fits:
        model, key, _ = fit
        kind = _kind(plan.data[key])
        for stack in stacks:
            first, first_key, _ = stack[0]
            if _kind(plan.data[first_key]) == kind and can_stack([first, model]):
                stack.append(fit)
                break
        else:
            stacks.append([fit])
    return [stack for stack in stacks if len(stack) > 1]


def _kind(data):
    """What fits of one stack have in common: shape and type of their rows, and whether named."""
    X, names = data
    return X.shape, X.dtype, type(X), names is None


def _join(data, keys):
    """All data that occur, one below the other, each model's rows of them, and the rows' names."""
    distinct = list(dict.fromkeys(keys))
    X, names = zip(*(data[key] for key in distinct), strict=True)
    if len(distinct) == 1:
        return X[0], None, names[0]
    n = X[0].shape[0]
    start = {key: n * k for k, key in enumerate(distinct)}
    rows = np.array([start[key] for key in keys])[:, None] + np.arange(n)
    return stacked(X), rows, None if names[0] is None else np.concatenate(names)

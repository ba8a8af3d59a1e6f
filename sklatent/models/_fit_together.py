"""Which models may train as one stack."""

import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils._param_validation import validate_parameter_constraints

from sklatent._utils.names import row_keys
from sklatent._utils.sparse import stacked
from sklatent.likelihoods._bound import differ_in_numbers
from sklatent.models._base import LatentModel
from sklatent.models._fitting import fit_stacked
from sklatent.models._parameters import check_numbers, same, same_parameters
from sklatent.nn.training.devices import resolve_device, work_of
from sklatent.nn.training.pause import Pause, together
from sklatent.nn.training.randomness import seeded_initialisation

_MAY_DIFFER = {"random_state", "verbose", "init", "warmup_epochs"}
# Microseconds of one core for a step of one model, alone and in stacks of 4, 16 and 48:
# two layers of h units,
#   5 inputs, h = 32, 1.1e6 multiply-adds a step:    2152,  829,  333,  244
#  50 inputs, h = 128, 1.8e7:                        3533, 1683, 1262, 1239
# 100 inputs, h = 256, 7.2e7:                        5352, 3632, 3229, 3343
# 784 inputs, h = 256, 2.1e8:                       12704, 7700, 7560
# Beyond these, members gain little and cost memory. Of the first kind, alone on a processor, 58,
# 116 and 231 take 1, 0.8 and 0.7 of the time; in two processes, whose caches are one, 693 in chunks
# of 116, 174 and 347 take as long, and the largest wait the longest for a core that is slow.
_MOST = 192
_MOST_UNSEEN = 16
_WORK = 1.2e9
_MOST_ON_A_GPU = 256
_ELEMENTWISE = (
    torch.optim.Adadelta, torch.optim.Adagrad, torch.optim.Adam, torch.optim.AdamW,
    torch.optim.Adamax, torch.optim.ASGD, torch.optim.NAdam, torch.optim.RAdam,
    torch.optim.RMSprop, torch.optim.Rprop, torch.optim.SGD,
)  # fmt: skip


def can_stack(models):
    """Whether models differ only in seeds, numbers of their loss and where they start.

    Callbacks of the user's own see one model's net, so that a model with callbacks, skorch's or
    scikit-learn's, trains alone, and so does one that continues from present weights, or whose
    optimizer is none of torch's that treat each number by itself (or a `functools.partial` of one).

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
    if len(models) < 2 or not all(map(_may_stack, models)):
        return False
    return all(alike(first, model) for model in models[1:])


def alike(model, other):
    """Whether two models differ in nothing that a stack minds."""
    if type(model) is not type(other) or not isinstance(model, LatentModel):
        return False
    but = {*_MAY_DIFFER, *model._loss_hyperparameters, *model._constant_parameters}
    if not _steps_as_is(model.optimizer):
        but.add("learning_rate")
    if not same(model.likelihood, other.likelihood):
        if not _differ_in_numbers(model, other):
            return False
        but.add("likelihood")
    return same_parameters(model, other, but) and model._stack_kind() == other._stack_kind()


def _differ_in_numbers(model, other):
    try:
        return differ_in_numbers(model._find_likelihood(), other._find_likelihood())
    except (TypeError, ValueError):
        return False  # one is refused, which its own fit will say


def members_at_a_time(model, n_features):
    """How many models of a kind to train as one stack; one where stacking doesn't pay.

    Parameters
    ----------
    model : LatentModel
        Not fitted.
    n_features : int
        Columns of its data.

    Returns
    -------
    int
        Chosen by the work of a step, and never by a clock: how models are put together moves the
        last digits of their weights.
    """
    if not _may_stack(model):
        return 1
    if resolve_device(model.device).type == "cuda":
        return _MOST_ON_A_GPU
    # Ours need no weights to be counted; networks of the user's own may look at theirs.
    named = isinstance(model.architecture, str)
    try:
        with torch.device("meta") if named else seeded_initialisation(0):
            module = clone(model)._build_module(n_features)
    except Exception:
        # A parameter is refused, which the fit itself will say, or the module is made by the data.
        return _MOST_UNSEEN
    return max(1, int(min(_MOST, _WORK / work_of(module, model.batch_size))))


def _may_stack(model):
    return (
        isinstance(model, LatentModel)
        and model._stackable
        and not model.callbacks
        and not model.warm_start
        and not getattr(model, "_skl_callbacks", None)
        and _steps_number_by_number(model.optimizer)
    )


def _steps_number_by_number(optimizer):
    """Whether what an optimizer does to one weight depends on no other, so that it may stack."""
    optimizer = _inside(optimizer)
    return isinstance(optimizer, str) or any(optimizer is own for own in _ELEMENTWISE)


def _steps_as_is(optimizer):
    """Whether an optimizer's steps are no multiples of its rate."""
    optimizer = _inside(optimizer)
    return any(optimizer is own for own in (torch.optim.ASGD, torch.optim.Rprop))


def _inside(optimizer):
    while isinstance(optimizer, partial):
        optimizer = optimizer.func
    return optimizer


def fits_plainly(model):
    """Whether a fit does what :class:`LatentModel` does with X: validates it, and trains on it."""
    kept = ("fit", "_validate_params", "_validate_training_data")
    return isinstance(model, LatentModel) and all(
        getattr(type(model), name) is getattr(LatentModel, name) for name in kept
    )


def validated(model, X):
    """X as `fit` would train a model on it, which notes what its fit is about."""
    model._validate_params()
    return model._validate_training_data(X, reset=True)


def validated_like(model, first, X):
    """Note on a model what was noted on the first, which stacks with it and has the same X.

    Parameters
    ----------
    model, first : LatentModel
        They fit plainly.
    X : ndarray of shape (n_samples, n_features)
        What :func:`validated` returned for the first.
    """
    known = first.get_params(deep=False)
    own = {n: v for n, v in model.get_params(deep=False).items() if v is not known[n]}
    validate_parameter_constraints(model._parameter_constraints, own, type(model).__name__)
    check_numbers(model, own)
    for name in ("n_features_in_", "feature_names_in_", "covariates_"):
        if name in vars(first):
            setattr(model, name, getattr(first, name))
    model._check_parameters(X)


def losses_of(model):
    """Losses of each epoch of a model that `fit_noted` has trained, by name."""
    if "_member" in vars(model):
        members, k = model._member
        return members.losses(k)
    names, rows = ("train_loss", "valid_loss"), model.history_
    return {n: np.array([row[n] for row in rows]) for n in names if rows and n in rows[0]}


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
    valid = [validated(model, X) for model in models][-1]
    fit_stacked(models, valid, rows, names)


@dataclass
class Schedule:
    """How far to train, of how far in all, and from where.

    Attributes
    ----------
    total : int
        Epochs after which learning rates have fallen to zero.
    until : int
        Epochs after which to stop for now.
    states : dict of int to PausedState
        By turn, where training has begun; afterwards where it is.
    """

    total: int
    until: int
    states: dict


def fit_noted(plan, schedule=None):
    """Train the noted fits that can stack, each stack on the data of all its models.

    Parameters
    ----------
    plan : Plan
        Fits to come.
    schedule : Schedule, default=None
        Where training has several parts. Then a single model counts as a stack, too.

    Returns
    -------
    list of NotedFit
        Those that are trained now. A stack that fails is left to be trained model by model, where
        the error meets the one model that it belongs to.

    Warns
    -----
    RuntimeWarning
        If a stack fails by anything but what data and parameters are refused by.
    """
    trained = []
    for stack in _sort(plan, schedule):
        pause = None if schedule is None else _pause(stack, schedule)
        if len(stack) < 2 and pause is None:
            continue
        X, rows, names = _join(plan.data, [fit.data for fit in stack])
        lost = {}
        try:
            models, groups = [fit.model for fit in stack], [fit.data for fit in stack]
            trained_together = fit_stacked(models, X, rows, names, pause, lost, groups)
        except Exception as error:
            if len(lost) == len(stack):
                trained_together = True
            else:
                if not isinstance(error, ValueError):
                    message = (
                        f"{len(stack)} fits could not be trained together and are trained one by "
                        f"one: {type(error).__name__}: {error}"
                    )
                    warnings.warn(message, RuntimeWarning, stacklevel=2)
                continue
        for k, failure in lost.items():
            stack[k].failure = failure
        if trained_together and pause is not None:
            for k, fit in enumerate(stack):
                if k not in lost:
                    schedule.states[fit.turn] = pause.state, k
        if trained_together or pause is None:
            trained += stack
    return trained


def _pause(stack, schedule):
    """What a stack goes on from; None where it can't be trained in parts."""
    if not _may_stack(stack[0].model) or len({fit.turn for fit in stack}) < len(stack):
        return None
    places = [schedule.states.get(fit.turn) for fit in stack]
    state = None if places[0] is None else together(places)
    return Pause(schedule.total, schedule.until, state)


def _sort(plan, schedule=None):
    """Fits that can stack: alike, on as many rows of one type, after as many epochs."""
    stacks = []
    for fit in plan.fits:
        kind = _kind(plan.data[fit.data], fit, schedule)
        for known, stack in stacks:
            if known == kind and _may_join(fit, stack[0]):
                stack.append(fit)
                break
        else:
            stacks.append((kind, [fit]))
    return [stack for _, stack in stacks]


def _may_join(fit, first):
    # Those that are noted for good are a chunk's, which has seen that they are alike.
    noted_for_good = fit.asked is None and first.asked is None
    return noted_for_good or can_stack([first.model, fit.model])


def _kind(data, fit, schedule):
    """What fits of one stack have in common beside their parameters."""
    X, names = data
    place = None if schedule is None else schedule.states.get(fit.turn)
    return X.shape, X.dtype, type(X), names is None, None if place is None else place[0].epochs


def _join(data, numbers):
    """All data that occur, one below the other, each model's rows of them, and the rows' names."""
    distinct = list(dict.fromkeys(numbers))
    X, names = zip(*(data[number] for number in distinct), strict=True)
    if len(distinct) == 1:
        return X[0], None, names[0]
    n = X[0].shape[0]
    start = {number: n * k for k, number in enumerate(distinct)}
    rows = np.array([start[number] for number in numbers])[:, None] + np.arange(n)
    return stacked(X), rows, None if names[0] is None else np.concatenate(names)

"""Callbacks of skorch's and of the user's own: which can be served, and each model's own copy."""

import copy
import inspect

from skorch.callbacks import (
    BatchScoring,
    Callback,
    EpochScoring,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
    WandbLogger,
)

BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")
# Open connections and files, of which a copy would be another one or none.
_HANDLES = ("writer", "wandb_run", "run", "experiment", "client", "sink")


def own_callbacks(callbacks, has_validation):
    """Copy a user's callbacks, after checking that training can serve them.

    Parameters
    ----------
    callbacks : list of skorch callbacks, classes of them, or pairs of a name and one
        As the user gave them.
    has_validation : bool
        Whether rows are sure to be held out.

    Returns
    -------
    list
        Copies; writers and connections that they hold are shared.

    Raises
    ------
    TypeError
        If something is no callback.
    ValueError
        If a callback asks for what there is not.
    """
    return [_own(item, has_validation) for item in callbacks or []]


def _own(item, has_validation):
    named = isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)
    callback = item[1] if named else item
    is_class = inspect.isclass(callback)
    if not (issubclass(callback, Callback) if is_class else isinstance(callback, Callback)):
        raise TypeError(
            f"callbacks holds {item!r}, which is no callback. Give instances of "
            "skorch.callbacks.Callback, or pairs of a name and one."
        )
    cls = callback if is_class else type(callback)
    for kind, reason in _REFUSED.items():
        if issubclass(cls, kind):
            raise ValueError(f"The callback {cls.__name__} can't be used here: {reason}")
    parameter = "name" if issubclass(cls, PassthroughScoring) else "monitor"
    wanted = _setting(callback, is_class, parameter)
    if isinstance(wanted, str) and wanted.startswith("valid") and not has_validation:
        raise ValueError(
            f"The callback {cls.__name__} monitors {wanted!r}, but there are no validation "
            "rows. Set early_stopping=True, which holds out validation_fraction of the rows, "
            "or monitor 'train_loss'."
        )
    if issubclass(cls, WandbLogger) and callback.save_model and not has_validation:
        raise ValueError(
            f"The callback {cls.__name__} saves the model that is best on validation rows, of "
            "which there are none. Set early_stopping=True, or save_model=False in the callback."
        )
    if issubclass(cls, EpochScoring):
        _check_scoring(callback, cls, is_class, has_validation)
    if issubclass(cls, PassthroughScoring) and not _setting(callback, is_class, "on_train"):
        raise ValueError(
            f"The callback {cls.__name__} averages what validation batches leave, which is "
            "nothing. Set on_train=True in the callback."
        )
    if is_class:
        return item
    held = [getattr(callback, name, None) for name in _HANDLES]
    memo = {id(handle): handle for handle in held if handle is not None}
    try:
        own = copy.deepcopy(item, memo)
    except Exception as error:
        raise TypeError(
            f"The callback {cls.__name__} can't be copied, and each fit trains with a copy of its "
            f"own: {error}. Give it a __deepcopy__ that shares what can't be copied."
        ) from error
    if issubclass(cls, LoadInitState):  # one that has run in no net yet
        (own[1] if named else own).checkpoint.initialize()
    return own


def prints(callbacks):
    """Whether any callback was given in order to print."""
    return any(isinstance(callback, PrintLog) for _, callback in callbacks)


def _setting(callback, is_class, name):
    if not is_class:
        return getattr(callback, name, None)
    parameter = inspect.signature(callback).parameters.get(name)
    return None if parameter is None else parameter.default


def _check_scoring(callback, cls, is_class, has_validation):
    if not callable(_setting(callback, is_class, "scoring")):
        raise ValueError(
            f"The callback {cls.__name__} needs a function (net, X, y) -> score as its scoring: "
            "a net without targets has no score of its own. y is None."
        )
    if not _setting(callback, is_class, "on_train") and not has_validation:
        raise ValueError(
            f"The callback {cls.__name__} scores validation rows, of which there are none. Set "
            "early_stopping=True, or on_train=True in the callback."
        )


_REFUSED = {
    BatchScoring: "a step does not predict. Use EpochScoring with a function (net, X, y) -> score.",
    InputShapeSetter: "a model sets the sizes of its networks by itself.",
}


def batch_hooks(callbacks):
    """Which hooks of each batch any callback implements; telling the others costs time."""
    found = set()
    for _, callback in callbacks:
        for hook in BATCH_HOOKS:
            method = getattr(callback, hook)
            if getattr(method, "__func__", method) is getattr(Callback, hook):
                continue
            if isinstance(callback, LRScheduler) and callback.step_every != "batch":
                continue
            if isinstance(callback, EpochScoring):  # it would collect predictions
                continue
            found.add(hook)
        if isinstance(callback, PassthroughScoring):  # it reads what batches have left
            found.add("on_batch_end")
    return found


def scores_rows(callbacks):
    """Whether any callback is to be given rows as an array."""
    return any(isinstance(callback, EpochScoring) for _, callback in callbacks)

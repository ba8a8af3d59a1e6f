"""The state in a checkpoint's file: read, compared with the run that it is for, and taken over.

Fused optimisers are native code that trusts the sizes that it is given, and a file may come from
anywhere, so that nothing is taken over which the run would not have written itself.
"""

import copy

import numpy as np
import torch

from sklatent._utils.codec import Decoder, Encoder
from sklatent._utils.files import read_file

KIND = "a training checkpoint"
SCHEMA_VERSION = 2
NONSENSE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError)


class StateEncoder(Encoder):
    """Also tensors."""

    def other(self, value, path):
        """Encode a tensor."""
        if torch.is_tensor(value):
            return {"tensor": self.store(value.detach().cpu().numpy(), path)}
        return super().other(value, path)


class StateDecoder(Decoder):
    """Also tensors."""

    def __init__(self, arrays):
        super().__init__(arrays)
        self.kinds["tensor"] = lambda name: torch.from_numpy(self.array(name))


def read_state(path):
    """Read a checkpoint's state and seeds.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    state : dict
        As it was written.
    seeds : list of int
        Seeds of the models.

    Raises
    ------
    ValueError
        If the file is damaged; the message says what to do.
    """
    try:
        arrays, envelope = read_file(path, kind=KIND, schema_version=SCHEMA_VERSION)
    except ValueError as error:
        raise ValueError(f"{error} Delete {str(path.parent)!r} to start anew.") from error
    try:
        decoder = StateDecoder(arrays)
        state, seeds = (envelope["metadata"][name] for name in ("state", "seeds"))
        state = decoder.value(state)
        decoder.check_all_used()
        if not isinstance(seeds, list) or not all(type(s) is int and s >= 0 for s in seeds):
            raise ValueError("its seeds are no numbers")
        if not isinstance(state, dict):
            raise TypeError("its state is no table")
        return state, seeds
    except NONSENSE as error:
        raise damaged(path, error) from error


def damaged(path, error):
    """Return the error for a file whose hash is right and whose content is not."""
    return ValueError(
        f"The checkpoint {str(path)!r} does not belong to this fit, though its hash is right: "
        f"{error}. Delete {str(path.parent)!r} to start anew."
    )


def restore_state(state, net, stopper):
    """Bring net and stopper back to the last written epoch.

    Parameters
    ----------
    state : dict
        As it was written.
    net : LatentNet
        At the beginning of the same run.
    stopper : object
        Its early stopping.

    Returns
    -------
    epochs : int
        How many are done.
    """
    epochs, history = state["epochs"], state["history"]
    if type(epochs) is not int or not isinstance(history, list) or epochs != len(history):
        raise ValueError(f"{epochs} epochs are said to be done, but not recorded")
    if epochs > net.max_epochs:
        raise ValueError(f"{epochs} epochs are done of {net.max_epochs}")
    optimizers = net.optimizers()
    if state["optimizers"].keys() != optimizers.keys():
        raise ValueError("it has other optimisers")
    # All is compared before anything is changed.
    _check_tensors(state["module"], net.module_.state_dict(), "weights")
    for name, optimizer in optimizers.items():
        _check_optimizer(state["optimizers"][name], optimizer)
    _check_history(history, net.n_members)
    _check_stopper(state["stopper"], stopper, net)
    _check_arrays(state["streams"], net.streams.state(), "random streams")
    _check_callbacks(state["callbacks"], net)

    net.module_.load_state_dict(state["module"])
    for name, optimizer in optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    net.streams.set_state(state["streams"])
    for row in history:
        net.history.new_epoch()
        for name, value in row.items():
            net.history.record(name, value)
    for name, value in state["stopper"].items():
        setattr(stopper, name, value)
    _restore_callbacks(net, state["callbacks"])
    return epochs


def _check_tensors(saved, own, what):
    """Tensors of the same names, shapes and kinds, all finite."""
    if saved.keys() != own.keys():
        raise ValueError(f"its {what} have other names")
    for name, tensor in saved.items():
        like = torch.is_tensor(tensor) and tensor.shape == own[name].shape
        if not like or tensor.dtype != own[name].dtype or not torch.isfinite(tensor).all():
            raise ValueError(f"its {what} {name!r} are of another kind or shape, or not finite")


def _check_arrays(saved, own, what):
    if not isinstance(saved, list) or len(saved) != len(own):
        raise ValueError(f"its {what} are of another number")
    for mine, theirs in zip(own, saved, strict=True):
        like = isinstance(theirs, np.ndarray) and theirs.shape == np.shape(mine)
        if not like or theirs.dtype != np.asarray(mine).dtype:
            raise ValueError(f"its {what} are of another kind")
        if theirs.dtype.kind == "i" and (theirs < 0).any():
            raise ValueError(f"its {what} have gone back beyond the beginning")


def _check_optimizer(saved, optimizer):
    """Groups and state like those that the optimiser itself has after a step."""
    own = optimizer.state_dict()
    if len(saved["param_groups"]) != len(own["param_groups"]):
        raise ValueError("its optimiser has other groups of parameters")
    for theirs, mine in zip(saved["param_groups"], own["param_groups"], strict=True):
        if theirs["params"] != mine["params"] or not mine.keys() <= theirs.keys():
            raise ValueError("its optimiser has other parameters")
        for name, value in theirs.items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if number and not np.isfinite(value):
                raise ValueError(f"its optimiser has {name}={value}")
            if name in mine and not _alike(value, mine[name]):
                raise ValueError(f"its optimiser has {name}={value!r}")
            if name in mine and (value is None or isinstance(value, bool)) and value != mine[name]:
                raise ValueError(f"its optimiser has {name}={value!r}")
    expected = _state_after_a_step(optimizer)
    if expected is None:
        return
    for key, entries in saved["state"].items():
        if key not in expected or entries.keys() != expected[key].keys():
            raise ValueError("its optimiser has state of other parameters")
        for name, value in entries.items():
            mine = expected[key][name]
            if not torch.is_tensor(mine):
                if not _alike(value, mine):
                    raise ValueError(f"its optimiser's {name} is of another kind")
                continue
            like = torch.is_tensor(value) and value.shape == mine.shape
            if not like or value.dtype != mine.dtype or not torch.isfinite(value).all():
                raise ValueError(f"its optimiser's {name} is of another kind or shape")
            if name == "step" and not (value >= 1).all():
                raise ValueError("its optimiser has made no step")


def _state_after_a_step(optimizer):
    """State of a copy that has made a step; None where it can't make one so."""
    probe = copy.deepcopy(optimizer)
    for group in probe.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    try:
        # Of the class: schedulers put their own step in front of the optimiser's.
        type(probe).step(probe)
    except TypeError:  # it asks for a closure
        return None
    return probe.state_dict()["state"]


def _alike(a, b):
    """Whether values are of one kind, numbers of any sort included."""
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(map(_alike, a, b))
    numbers = [isinstance(v, (int, float)) and not isinstance(v, bool) for v in (a, b)]
    return all(numbers) or type(a) is type(b)


def _check_history(history, n_members):
    for row in history:
        for name, value in row.items():
            plain = value is None or isinstance(value, (bool, int, float, str))
            stacked = isinstance(value, np.ndarray) and value.shape == (n_members,)
            if not isinstance(name, str) or not (plain or stacked):
                raise ValueError("its history has something else than named numbers")
            if name.endswith("loss") and not (stacked or isinstance(value, (int, float))):
                raise ValueError(f"its history has {name}={value!r}")


def _check_stopper(saved, stopper, net):
    own = stopper.state()
    if saved.keys() != own.keys():
        raise ValueError("its early stopping is of another kind")
    weights = net.module_.state_dict()
    for name, value in saved.items():
        if isinstance(own[name], np.ndarray):
            like = isinstance(value, np.ndarray) and value.shape == own[name].shape
            if not like or value.dtype != own[name].dtype or np.isnan(value).any():
                raise ValueError(f"its early stopping's {name} is of another kind")
        elif isinstance(own[name], list):
            if not isinstance(value, list) or len(value) != len(own[name]):
                raise ValueError(f"its early stopping's {name} is of another number")
            for state in value:
                if state is not None and net.n_members is None:
                    _check_tensors(state, weights, "best weights")
                elif state is not None and not all(map(torch.is_tensor, state.values())):
                    raise ValueError("its best weights are no tensors")
        elif own[name] is not None and not _alike(value, own[name]):
            raise ValueError(f"its early stopping's {name} is of another kind")


def _check_callbacks(states, net):
    """Only attributes: nothing that a callback's class has is overwritten."""
    named = dict(net.callbacks_)
    for name, learned in states.items():
        if name not in named:
            raise ValueError(f"it has the state of a callback {name!r}")
        for attribute in learned:
            if attribute == "state_dict":
                continue
            known = isinstance(attribute, str) and attribute.isidentifier()
            if not known or attribute.startswith("__") or hasattr(type(named[name]), attribute):
                raise ValueError(f"{attribute!r} is nothing that a callback learns")


def _restore_callbacks(net, states):
    for name, callback in net.callbacks_:
        for attribute, value in states.get(name, {}).items():
            if attribute == "state_dict":
                callback.load_state_dict(value)
            elif isinstance(value, dict) and set(value) == {"state_dict"}:
                getattr(callback, attribute).load_state_dict(value["state_dict"])
            else:
                setattr(callback, attribute, value)

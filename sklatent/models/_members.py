"""The models of a stack: made when someone looks at one, and asked together where that can be."""

import threading
from functools import partial
from numbers import Integral
from types import FunctionType

import numpy as np
import torch

from sklatent._utils.arrays import same_bits
from sklatent.models._in_blocks import map_in_blocks
from sklatent.models._nets import make_net, publish, take_numbers
from sklatent.nn.stacking.modules import select_members, unstack_module

# What a model of a stack is given when it is first asked for.
MADE_LATE = frozenset({"net_", "history_", "n_epochs_"})
_MOST_BYTES = 1 << 26  # of rows that members are asked about together
_KEPT = 4  # answers, such as those for held-out and training rows under two scores


class Members:
    """A trained stack whose models have not been made yet.

    A search asks its models for scores and throws them away: what each would be by itself, module,
    optimizer and history, is made only for those that are looked at. What one is asked about some
    rows is computed for all that trained on the same ones, since they will be asked the same.

    Parameters
    ----------
    net : LatentNet
        Trained.
    groups : sequence of int
        Models of equal number were trained on the same rows.
    """

    def __init__(self, net, groups):
        self.net, self.groups = net, list(groups)
        self._parts, self._answers, self._alike, self._valid = {}, [], {}, []
        self._lock = threading.RLock()

    def make(self, k, model):
        """Give the k-th model its own net and all that follows from it."""
        with self._lock:
            model.net_ = member_net(self.net, k, model)
        publish(model)

    def losses(self, k):
        """Losses of each epoch of the k-th model, by name."""
        rows = own_history(self.net, k)
        names = ("train_loss", "valid_loss")
        return {n: np.array([row[n][k] for row in rows]) for n in names if rows and n in rows[0]}

    def map(self, k, X, function, covariates):
        """What `function` gives for the k-th model and some rows.

        Parameters
        ----------
        k : int
            Which.
        X, function, covariates : object
            As of :func:`sklatent.models._in_blocks.map_in_blocks`.

        Returns
        -------
        ndarray, dict of ndarray or None
            None where the model has to be asked by itself.
        """
        kind, group = _kind(function), self._group(k)
        if kind is None or not _are_few(X, group):
            return None
        with self._lock:
            same = [a for a in self._answers if (a.kind, a.group) == (kind, group)]
            for answer in same:
                if answer.is_about(X, covariates):
                    return answer.of(k)
            if any(k not in answer.asked and len(answer.asked) == 1 for answer in same):
                return None  # each is asked about rows of its own
            part = self._part(group)
            if part is None:
                return None
            found = map_in_blocks(part, X, function, covariates=covariates, n_members=len(group))
            own = any(X is known for known in self._valid)
            # A copy: what was asked about may be changed in place.
            answer = _Answer(kind, group, X if own else X.copy(), covariates, found)
            self._answers = [answer, *self._answers[: _KEPT - 1]]
            return answer.of(k)

    def map_group(self, k, X, function, covariates):
        """What `function` gives for all models that have the k-th's rows, asked once.

        Parameters
        ----------
        k, X, function, covariates : object
            As of :meth:`map`.

        Returns
        -------
        group : tuple of int
            Which models these are.
        found : ndarray, dict of ndarray or None
            With an axis of models first; None where each has to be asked by itself.
        """
        group = self._group(k)
        with self._lock:
            part = self._part(group) if _are_few(X, group) else None
        if part is None:
            return group, None
        found = map_in_blocks(part, X, function, covariates=covariates, n_members=len(group))
        return group, found

    def validated(self, X, validate):
        """What ``validate(X)`` returns, which every model of the stack would say of these rows.

        Of rows that it leaves as they are, the stack's own copy: the same one each time, so that
        it is known at once to be what was asked about before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What one of the models was given.
        validate : function
            Of X alone, but for what the models have in common.
        """
        if type(X) is not np.ndarray or X.nbytes > _MOST_BYTES:
            return validate(X)
        with self._lock:
            for known in self._valid:
                if same_bits(known, X):
                    return known
            found = validate(X)
            if found is X:
                found = X.copy()
                self._valid = [found, *self._valid[: _KEPT - 1]]
            return found

    def _group(self, k):
        """Those that have k's rows, k among them."""
        lost = getattr(self.net, "lost_", None) or {}
        key = self.groups[k], k if k in lost else None
        if key not in self._alike:
            self._alike[key] = tuple(
                j
                for j, number in enumerate(self.groups)
                if number == key[0] and (j == k or j not in lost)
            )
        return self._alike[key]

    def _part(self, group):
        """The models of a group as a stack of their own, at their best weights."""
        if group not in self._parts:
            part = self._parts[group] = select_members(self.net.module_, group)
            own = {} if part is None else part.state_dict()
            for i, k in enumerate(group if own else ()):
                for name, tensor in best_state(self.net, k).items():
                    own[name][i].copy_(tensor)
        return self._parts[group]


class StackMember:
    """What a model does that was trained in a stack: be made when someone first looks at it."""

    def _wait_for(self, members, k):
        """Note where the model can be had when it is first looked at."""
        for name in MADE_LATE & vars(self).keys():
            delattr(self, name)
        self.n_components_ = self.n_components
        self._member = members, k
        if type(self)._after_training is not StackMember._after_training:
            self._member_of_its_own()

    def _member_of_its_own(self):
        if "_member" in vars(self):
            members, k = vars(self).pop("_member")
            members.make(k, self)

    def __getattr__(self, name):
        if name in MADE_LATE and "_member" in vars(self):
            self._member_of_its_own()
        return object.__getattribute__(self, name)

    def __getstate__(self):
        self._member_of_its_own()
        return super().__getstate__()

    def _after_training(self):
        """Set what a model has learned beside its net."""

    def __sklearn_is_fitted__(self):
        return not vars(self).keys().isdisjoint(("net_", "_member"))


class _Answer:
    """What a group of models was asked, and what they said."""

    def __init__(self, kind, group, X, covariates, found):
        self.kind, self.group, self.asked = kind, group, set()
        self._about = X, None if covariates is None else np.array(covariates)
        self._found = found

    def is_about(self, X, covariates):
        known, told = self._about
        if (told is None) != (covariates is None) or not same_bits(known, X):
            return False
        return told is None or same_bits(told, np.asarray(covariates))

    def of(self, k):
        self.asked.add(k)
        place = self.group.index(k)
        if isinstance(self._found, dict):
            return {name: array[place].copy() for name, array in self._found.items()}
        return self._found[place].copy()


def _are_few(X, group):
    """Whether these rows may be asked about together."""
    return type(X) is np.ndarray and len(group) > 1 and len(group) * X.nbytes <= _MOST_BYTES


def _kind(function):
    """What functions that do the same have in common; None where one may hold a model's own."""
    if isinstance(function, partial):
        numbers = all(isinstance(value, Integral) for value in function.keywords.values())
        plain = _kind(function.func) is not None and not function.args and numbers
        return (function.func, tuple(sorted(function.keywords.items()))) if plain else None
    by_itself = isinstance(function, FunctionType) and function.__qualname__ == function.__name__
    return function if by_itself and not function.__name__.startswith("<") else None


def best_state(net, k):
    """Weights that the k-th model of a stack has gone back to; empty where it has not."""
    states = getattr(net, "best_states_", None)
    return (states[k] if states else None) or {}


def own_history(net, k):
    """Rows of a stack's history that are the k-th model's."""
    return net.history[: int(net.n_epochs_[k])] if best_state(net, k) else net.history


def member_net(net, k, model):
    """Make the k-th of stacked models a net of its own, able to go on training.

    Parameters
    ----------
    net : LatentNet
        Of the stack.
    k : int
        Which.
    model : LatentModel
        Its parameters.

    Returns
    -------
    LatentNet
        With the optimizer's state and the history.
    """
    module = unstack_module(net.module_, k)
    take_numbers(module, model)
    member = make_net(model, module, net.streams.member(k), net.device)
    _copy_optimizer_states(net, member, k)
    best = best_state(net, k)
    if best:
        member.module_.load_state_dict(best)
    for row in own_history(net, k):
        member.history.new_epoch()
        for name, value in row.items():
            if name != "batches":
                value = float(value[k]) if isinstance(value, np.ndarray) else value
                member.history.record(name, value)
    member.module_.eval()
    return member


def _copy_optimizer_states(net, member, k):
    """Slice the stacked optimisers' states for one member."""
    for name, optimizer in member.optimizers().items():
        own = [p for group in optimizer.param_groups for p in group["params"]]
        source = getattr(net, name)
        stacked = [p for group in source.param_groups for p in group["params"]]
        if [(net.n_members, *p.shape) for p in own] != [tuple(p.shape) for p in stacked]:
            continue  # some layers could not be stacked: further training starts with a fresh state
        for target, parameter in zip(own, stacked, strict=True):
            optimizer.state[target] = {
                key: value[k].clone() if value.shape == parameter.shape else value.clone()
                for key, value in source.state.get(parameter, {}).items()
                if torch.is_tensor(value)
            }

"""Training that stops on the way to its last epoch, and goes on later, in another stack if need be.

What halving needs of a checkpoint, without a file: the state of each model of a stack, in memory,
from which a stack of those that are left goes on.
"""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass
class PausedState:
    """State of a stack (or of one model) after some epochs.

    Attributes
    ----------
    epochs : int
        How many are done.
    seeds : list of int
        Of its models.
    module : dict of str to Tensor
        Weights and buffers, stacked.
    optimizers : dict of str to list of dict
        For each optimiser, the state of each of its parameters.
    history : list of dict
        One row for each epoch, with arrays where the models differ.
    stopper : dict
        What early stopping has seen.
    beside : list of dict
        For each model, what its start has noted on it.
    """

    epochs: int
    seeds: list
    module: dict
    optimizers: dict
    history: list
    stopper: dict
    beside: list

    def select(self, members):
        """State of some of the models.

        Parameters
        ----------
        members : list of int
            Which, in any order.
        """
        n = len(self.seeds)
        index = torch.as_tensor(members)

        def own(value):
            if torch.is_tensor(value):
                return value[index] if value.ndim else value
            if isinstance(value, list):
                return [value[k] for k in members]
            stacked = isinstance(value, np.ndarray) and value.shape == (n,)
            return value[members] if stacked else value

        return self._changed(own, [self])

    def _changed(self, function, states):
        """A state whose parts are the function's of the states' parts, one after the other."""
        return PausedState(
            self.epochs,
            function(*(s.seeds for s in states)),
            {name: function(*(s.module[name] for s in states)) for name in self.module},
            {
                name: [
                    {key: function(*(s.optimizers[name][i][key] for s in states)) for key in own}
                    for i, own in enumerate(parameters)
                ]
                for name, parameters in self.optimizers.items()
            },
            [
                {key: function(*(s.history[i][key] for s in states)) for key in row}
                for i, row in enumerate(self.history)
            ],
            {key: function(*(s.stopper[key] for s in states)) for key in self.stopper},
            function(*(s.beside for s in states)),
        )


def joined(states):
    """State of a stack of the models that some states are of, all after equally many epochs."""

    def one(*values):
        first = values[0]
        if len(values) == 1:
            return first
        if torch.is_tensor(first):
            # What has no axis of models, an optimiser's count of steps, is the same for all.
            return torch.cat(values) if first.ndim else first
        if isinstance(first, list):
            return [entry for value in values for entry in value]
        return np.concatenate(values) if isinstance(first, np.ndarray) else first

    return states[0]._changed(one, states)


def together(places):
    """State of a stack of models, each of which is somewhere in a state.

    Parameters
    ----------
    places : list of (PausedState, int)
        Where each model is: in which state, and its number there.

    Returns
    -------
    PausedState
        In the order of `places`.
    """
    runs = []
    for state, k in places:
        if not runs or runs[-1][0] is not state:
            runs.append((state, []))
        runs[-1][1].append(k)
    return joined([state.select(members) for state, members in runs])


class Pause:
    """Where a run begins and ends; stands in a checkpoint's place.

    Parameters
    ----------
    total : int
        Epochs of the whole training, after which learning rates have fallen to zero.
    until : int
        After how many to stop for now.
    state : PausedState or None
        To go on from; None begins.

    Attributes
    ----------
    state : PausedState
        After the run, what to go on from later.
    """

    def __init__(self, total, until, state=None):
        self.total, self.until = total, until
        self.state = state

    @property
    def seeds(self):
        """Seeds of the models, where training has begun."""
        return None if self.state is None else self.state.seeds

    def restore(self, net, stopper):
        """Bring net and stopper to where training was; returns how many epochs are done."""
        if self.state is None:
            return 0
        state = self.state
        net.module_.load_state_dict(state.module)
        for name, optimizer in net.optimizers().items():
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            for parameter, own in zip(parameters, state.optimizers[name], strict=True):
                if own:
                    optimizer.state[parameter] = {key: _copy(v) for key, v in own.items()}
        net.streams.go_to(state.epochs)
        for row in state.history:
            net.history.new_epoch()
            for name, value in row.items():
                net.history.record(name, value)
        for name, value in state.stopper.items():
            setattr(stopper, name, value.copy())
        done = stopper.patience is not None and (stopper.misses >= stopper.patience).all()
        stopper.finished = bool(done) or state.epochs >= self.until
        return state.epochs

    def write(self, net, stopper, epochs):
        """Keep the state and end the run, if it is time."""
        if epochs < self.until and not stopper.finished:
            return
        self.state = PausedState(
            epochs,
            list(net.streams.seeds),
            {name: tensor.clone() for name, tensor in net.module_.state_dict().items()},
            {
                name: [
                    {k: _copy(v) for k, v in optimizer.state.get(p, {}).items()}
                    for group in optimizer.param_groups
                    for p in group["params"]
                ]
                for name, optimizer in net.optimizers().items()
            },
            [{k: v for k, v in row.items() if k != "batches"} for row in net.history],
            {name: value for name, value in stopper.state().items() if name != "finished"},
            [{} for _ in net.streams.seeds],
        )
        stopper.finished = True

    def close(self, finished):
        """Nothing to give back."""


def _copy(value):
    return value.clone() if torch.is_tensor(value) else value

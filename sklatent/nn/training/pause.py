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
    """

    epochs: int
    seeds: list
    module: dict
    optimizers: dict
    history: list
    stopper: dict

    def member(self, k):
        """State of the k-th model alone, with an axis of models of one entry."""
        part = slice(k, k + 1)
        n = len(self.seeds)
        return PausedState(
            self.epochs,
            self.seeds[part],
            {name: tensor[part].clone() for name, tensor in self.module.items()},
            {
                name: [{key: _member(v, part) for key, v in own.items()} for own in states]
                for name, states in self.optimizers.items()
            },
            [{key: _part(v, part, n) for key, v in row.items()} for row in self.history],
            {key: v[part] for key, v in self.stopper.items()},
        )


def joined(states):
    """State of a stack of the models that some states are of, all after equally many epochs."""
    first = states[0]
    return PausedState(
        first.epochs,
        [seed for state in states for seed in state.seeds],
        {name: torch.cat([s.module[name] for s in states]) for name in first.module},
        {
            name: [
                {key: _cat([s.optimizers[name][i][key] for s in states]) for key in own}
                for i, own in enumerate(members)
            ]
            for name, members in first.optimizers.items()
        },
        [
            {
                key: np.concatenate([s.history[i][key] for s in states])
                if isinstance(v, np.ndarray)
                else v
                for key, v in row.items()
            }
            for i, row in enumerate(first.history)
        ],
        {
            key: np.concatenate([s.stopper[key] for s in states])
            if isinstance(v, np.ndarray)
            else [entry for s in states for entry in s.stopper[key]]
            for key, v in first.stopper.items()
        },
    )


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
        )
        stopper.finished = True

    def close(self, finished):
        """Nothing to give back."""


def _part(value, part, n):
    stacked = isinstance(value, np.ndarray) and value.shape == (n,)
    return value[part] if stacked else value


# Of an optimiser's state, what has no axis of models (a count of steps) is the same for all.


def _copy(value):
    return value.clone() if torch.is_tensor(value) else value


def _member(value, part):
    return value[part].clone() if torch.is_tensor(value) and value.ndim else _copy(value)


def _cat(values):
    first = values[0]
    return torch.cat(values) if torch.is_tensor(first) and first.ndim else first

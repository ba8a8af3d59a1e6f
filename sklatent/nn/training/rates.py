"""Learning rates: falling at the end of a run, differing between stacked models and groups."""

import numpy as np
import torch


def set_rates(optimizer, rate):
    """Let an optimizer go at a model's rate, each group as many times as is its own.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Groups that go at another rate than the model's say how many times it, as ``"times"``.
    rate : float
        The model's.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("times", 1.0)


class Rates:
    """Learning rates of a run, which fall to zero over its last share.

    They are lower for a step at a time, so that schedulers see and set what they fall from.

    Parameters
    ----------
    optimizers : iterable of torch.optim.Optimizer
        The first of them is the networks'.
    share : float
        Of the run, at its end, over which they fall.
    relative : Tensor of shape (n_models,), default=None
        Each stacked model's rate as a share of the first optimizer's; None is 1 for all.
    slower : sequence of (torch.nn.Parameter, float), default=()
        Parameters of the networks that go a share of their steps only, and which.
    """

    def __init__(self, optimizers, share, relative=None, slower=()):
        optimizers = list(optimizers)
        self.share, self.relative, self.slower = share, relative, slower
        self.groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        self._before = self._own = None

    def slow(self, done):
        """Lower the rates for the step that begins when a share ``done`` of the run is.

        Parameters
        ----------
        done : float or ndarray of shape (n_models,)
            One for each stacked model where their runs differ in length.
        """
        if self.share <= 0 or np.max(done) <= 1 - self.share:
            return
        left = np.clip((1 - done) / self.share, 0.0, 1.0)
        if np.ndim(left) and left.min() < left.max():
            self._own = torch.from_numpy(left)
            return
        self._before = [group["lr"] for group in self.groups]
        for group, rate in zip(self.groups, self._before, strict=True):
            group["lr"] = rate * float(np.max(left))

    def step(self, optimizer):
        """Let the networks' optimizer take its step, of which each model goes its own share."""
        own = self._own if self.relative is None else self.relative
        if self.relative is not None and self._own is not None:
            own = self.relative * self._own.to(self.relative)
        before = [parameter.detach().clone() for parameter, _ in self.slower]
        _step(optimizer, own)
        for (parameter, share), old in zip(self.slower, before, strict=True):
            with torch.no_grad():
                torch.lerp(old, parameter, share, out=parameter)

    def step_beside(self, optimizer):
        """Let another optimizer take its step, at a rate that no model has for itself."""
        _step(optimizer, self._own)

    def restore(self):
        """Put back what was there before."""
        self._own = None
        if self._before is not None:
            for group, rate in zip(self.groups, self._before, strict=True):
                group["lr"] = rate
            self._before = None


def _step(optimizer, shares):
    """A step, of which each stacked model goes a share where there are any.

    What the optimizers that may stack subtract is the rate times something that does not depend on
    the rate, weight decay included.
    """
    if shares is None:
        optimizer.step()
        return
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    with torch.no_grad():
        before = [parameter.clone() for parameter in parameters]
        optimizer.step()
        for parameter, old in zip(parameters, before, strict=True):
            share = shares.view(-1, *[1] * (parameter.ndim - 1)).to(parameter)
            torch.lerp(old, parameter, share, out=parameter)

"""Learning rates: falling at the end of a run, differing between stacked models and groups."""

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
    """

    def __init__(self, optimizers, share, relative=None):
        optimizers = list(optimizers)
        self.share, self.relative = share, relative
        self.groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        self._stacked = [
            parameter for group in optimizers[0].param_groups for parameter in group["params"]
        ]
        self._before = None

    def slow(self, done):
        """Lower the rates for the step that begins when a share ``done`` of the run is."""
        if self.share > 0 and done > 1 - self.share:
            self._before = [group["lr"] for group in self.groups]
            for group, rate in zip(self.groups, self._before, strict=True):
                group["lr"] = rate * (1 - done) / self.share

    def step(self, optimizer):
        """Let the networks' optimizer take its step, of which each model goes its own share.

        What the optimizers that may stack subtract is the rate times something that does not
        depend on the rate, weight decay included.
        """
        if self.relative is None:
            optimizer.step()
            return
        with torch.no_grad():
            before = [parameter.clone() for parameter in self._stacked]
            optimizer.step()
            for parameter, old in zip(self._stacked, before, strict=True):
                share = self.relative.view(-1, *[1] * (parameter.ndim - 1)).to(parameter.dtype)
                parameter.copy_(torch.lerp(old, parameter, share))

    def restore(self):
        """Put back what was there before."""
        if self._before is not None:
            for group, rate in zip(self.groups, self._before, strict=True):
                group["lr"] = rate
            self._before = None

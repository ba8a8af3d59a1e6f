"""Adam's step as torch's fused kernel makes it, without setting it up anew for each batch."""

import torch
from torch.optim import optimizer as of_all

_UNUSUAL = ("amsgrad", "maximize", "capturable", "differentiable", "decoupled_weight_decay")


class QuickAdam:
    """Takes an optimizer's steps, those of a plain fused Adam by its kernel alone.

    Of a step of a small network's, torch spends two thirds on looking at parameters, hooks and
    devices that are the same as at the step before. The state is the optimizer's own, and so are
    the bits. What is not plain (another class, a scheduler's or a caller's hooks, gradients that
    are missing) is left to :meth:`torch.optim.Optimizer.step`.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Nobody else changes its groups or its state as long as this is in use.
    """

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.plain = _is_plain(optimizer)
        self.parts = _parts(optimizer) if self.plain else None

    @property
    def param_groups(self):
        """The optimizer's own."""
        return self.optimizer.param_groups

    def zero_grad(self):
        """Forget gradients."""
        if not self.plain:
            self.optimizer.zero_grad(set_to_none=True)
            return
        for group in self.optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self):
        """Take a step by the gradients that parameters have."""
        parts = self.parts
        gradients = [[p.grad for p in params] for _, params, *_ in parts] if parts else []
        if not parts or any(g is None for some in gradients for g in some):
            with torch.enable_grad():
                self.optimizer.step()
            if self.plain:  # its state is there from the first step on
                self.parts = _parts(self.optimizer)
                self.plain = self.parts is not None
            return
        for (group, params, means, squares, steps, counts), own in zip(
            parts, gradients, strict=True
        ):
            beta1, beta2 = group["betas"]
            counts.add_(1)  # and with them all of the steps
            torch._fused_adam_(
                params,
                own,
                means,
                squares,
                [],
                steps,
                amsgrad=False,
                lr=group["lr"],
                beta1=beta1,
                beta2=beta2,
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=False,
            )


def _is_plain(optimizer):
    """Whether a step is no more than the kernel."""
    if type(optimizer) is not torch.optim.Adam or {"step", "zero_grad"} & vars(optimizer).keys():
        return False  # a scheduler wraps the method itself
    hooks = (
        optimizer._optimizer_step_pre_hooks,
        optimizer._optimizer_step_post_hooks,
        of_all._global_optimizer_pre_hooks,
        of_all._global_optimizer_post_hooks,
    )
    return not any(hooks) and all(_is_usual(group) for group in optimizer.param_groups)


def _is_usual(group):
    numbers = (group["lr"], *group["betas"])
    usual = not any(group.get(name) for name in _UNUSUAL)
    kinds = {(p.device, p.dtype) for p in group["params"]}
    return (
        bool(group["fused"])
        and usual
        and len(kinds) == 1
        and not any(torch.is_tensor(number) for number in numbers)
    )


def _parts(optimizer):
    """Each group with its parameters and their state, or None where one has no state."""
    parts = []
    for group in optimizer.param_groups:
        params = group["params"]
        states = [optimizer.state.get(p) for p in params]
        if not all(states):
            return None
        means, squares = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq"))
        # One array, of which each parameter's step is an entry.
        counts = torch.stack([state["step"] for state in states]).detach()
        steps = list(counts.unbind())
        for state, step in zip(states, steps, strict=True):
            state["step"] = step
        parts.append((group, params, means, squares, steps, counts))
    return parts

"""When training ends before its last epoch: by losses that stop falling, or are not finite."""

import dis
import signal

import numpy as np
import torch

from sklatent.nn.stacking.modules import unstack_module


class NonFiniteLossError(FloatingPointError, ValueError):
    """A term of the loss became NaN or infinite; the last finite weights are kept."""


def is_stop_signal(interrupt):
    """Whether code raised a KeyboardInterrupt by itself, and nobody pressed a key.

    It is how skorch's EarlyStopping ends training.
    """
    traceback = interrupt.__traceback__
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    handler = signal.getsignal(signal.SIGINT)
    if code is getattr(handler, "__code__", None):
        return False
    instruction = code.co_code[traceback.tb_lasti]
    return dis.opname[instruction] == "RAISE_VARARGS"


class FiniteGuard:
    """Keeps weights known to be finite, and returns to them when a loss is not.

    Two snapshots, because a last step of an epoch can spoil weights whose loss nobody
    has seen yet: the weights before an epoch are trusted only once that epoch's losses
    were finite.
    """

    def __init__(self, module):
        self.tensors = [t for t in module.state_dict().values() if t.is_floating_point()]
        self.trusted = None
        self.candidate = None

    def remember(self):
        spare = self.trusted
        self.trusted = self.candidate
        if spare is None:
            spare = [torch.empty_like(t) for t in self.tensors]
        torch._foreach_copy_(spare, self.tensors)
        self.candidate = spare

    def check(self, means, net, phase):
        for name, value in means.items():
            if np.all(np.isfinite(value)):
                continue
            if getattr(net, "lost_", None) is not None:
                # The gradient of a sum is each one's own: the others of a stack go on.
                for k in map(int, np.flatnonzero(~np.isfinite(value))):
                    net.lost_.setdefault(k, _error(phase, net, name, value[k]))
                if len(net.lost_) < net.n_members:
                    continue
            trusted = self.candidate
            if not all(bool(torch.isfinite(t).all()) for t in trusted):
                trusted = self.trusted
            if trusted is not None:
                torch._foreach_copy_(self.tensors, trusted)
            which = ""
            if net.n_members is not None:
                which = f" of stacked model {int(np.flatnonzero(~np.isfinite(value))[0])}"
            raise _error(phase, net, name, value, which)


def _error(phase, net, name, value, which=""):
    return NonFiniteLossError(
        f"The {phase} loss became non-finite in epoch {len(net.history)}: term {name!r}{which} is "
        f"{np.min(value) if np.isnan(value).any() else np.max(np.abs(value))}. The weights from "
        "before it are kept. Lower learning_rate, scale X (for example with StandardScaler), or "
        "lower the weight of that term."
    )


class Stopper:
    """Early stopping of one model, or of each stacked model by itself.

    A member that has stopped goes on being computed until the last one stops, but its
    best weights were set aside, so that it ends as it would have alone.
    """

    def __init__(self, net, warmup_epochs=0):
        n = net.n_members or 1
        self.patience = net.patience
        self.warmup_epochs = warmup_epochs
        self.best = np.full(n, np.inf)
        self.misses = np.zeros(n, dtype=int)
        self.n_epochs = np.zeros(n, dtype=int)
        self.best_epochs = np.zeros(n, dtype=int)
        self.best_states = [None] * n
        self.finished = False

    def state(self):
        """What has been seen so far, beside the settings."""
        settings = ("patience", "warmup_epochs")
        return {name: value for name, value in vars(self).items() if name not in settings}

    def update(self, net):
        """Look at the epoch's validation losses."""
        if self.patience is None:
            return
        running = self.misses < self.patience
        self.n_epochs += running
        improved = self.consider(net, net.history[-1, "valid_loss"], running)
        # What is trained before is not yet what is looked at.
        counts = running & (len(net.history) > self.warmup_epochs)
        self.misses = np.where(improved, 0, self.misses + counts)
        self.finished = bool((self.misses >= self.patience).all())

    def consider(self, net, loss, running=True):
        """Set the weights aside of models whose validation loss is their best; says which."""
        loss = np.atleast_1d(loss)
        improved = running & (loss < self.best)
        self.best[improved] = loss[improved]
        self.set_aside(net, improved)
        return improved

    def set_aside(self, net, which):
        """Keep the present weights of some models, and after how many epochs they were."""
        self.best_epochs[which] = len(net.history)
        for k in np.flatnonzero(which):
            module = net.module_ if net.n_members is None else unstack_module(net.module_, int(k))
            state = module.state_dict()
            self.best_states[k] = {name: tensor.clone() for name, tensor in state.items()}

    def finish(self, net):
        """Return to the best weights; those of stacked models wait for :meth:`members`."""
        net.n_epochs_ = self.n_epochs
        net.best_epochs_ = self.best_epochs
        net.best_states_ = self.best_states
        if net.n_members is None and self.best_states[0] is not None:
            net.module_.load_state_dict(self.best_states[0])
            net.best_states_ = None


class FixedEpochs(Stopper):
    """Ends the training of each model after a number of epochs of its own.

    Parameters
    ----------
    net : LatentNet
        What is trained.
    until : ndarray of shape (n_models,)
        How many, 0 included.
    """

    def __init__(self, net, until):
        super().__init__(net)
        self.until = np.array(until, dtype=int)
        self.update(net)

    def update(self, net):
        """Set the weights aside of models whose last epoch it was."""
        self.n_epochs[:] = np.minimum(len(net.history), self.until)
        self.set_aside(net, self.until == len(net.history))
        self.finished = bool(len(net.history) >= self.until.max())

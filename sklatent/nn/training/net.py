"""The one training loop: a skorch net that slices tensors and never waits for a loss.

Stock skorch collates every row in Python, reads the loss back after each batch and
notifies every callback of every batch. Here batches are slices, losses are read once an
epoch, and a callback is told of batches only if it listens to them. Optimisers, history,
callbacks and serialisation remain skorch's.

The same loop trains one model or K stacked ones (see ``stacking``): terms of the loss
are then K-vectors, and since no member's loss depends on another's weights, the gradient
of their sum is every member's own gradient.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer

from sklatent.nn.stacking.modules import unstack_module
from sklatent.nn.training.randomness import RandomStreams

_LISTENS = ("on_batch_begin", "on_batch_end", "on_grad_computed")
_FLUSH = 256  # batches whose losses may wait on the device


class NonFiniteLossError(FloatingPointError, ValueError):
    """A term of the loss became NaN or infinite; the last finite weights are kept."""


@dataclass
class Step:
    """What an objective may use beside the module and its batch.

    Attributes
    ----------
    hyper : dict
        The loss hyperparameters: numbers, or K-vectors for stacked models.
    streams : RandomStreams
        Where noise is drawn.
    constants : dict
        Tensors that ride along with every batch, such as anchors.
    n_rows : int
        Rows in the training set.
    batch_size : int
        The nominal batch size, whatever the last batch's is.
    training : bool
        False while the validation loss is evaluated.
    """

    hyper: dict
    streams: RandomStreams
    constants: dict
    n_rows: int
    batch_size: int
    training: bool = True


class TermSum(torch.nn.Module):
    """The criterion: named terms of a loss sum to it, over stacked models as well."""

    def forward(self, terms):
        """Sum a dict of terms, each a scalar or a K-vector."""
        total = reduce(torch.add, terms.values())
        return total.sum() if total.ndim else total


class LatentNet(NeuralNet):
    """A skorch net whose loop is built for small models and large arrays.

    Parameters
    ----------
    module : nn.Module
        The initialised module. A child named ``adversary`` is trained by an optimiser of
        its own, on the adversary's objective.
    criterion : nn.Module class, default=TermSum
        Sums the terms.
    streams : RandomStreams
        Order of rows and noise.
    n_members : int or None
        Number of stacked models; None for one ordinary model.
    precision : {"float32", "float64", "bf16"}
        Of the arithmetic. Weights are float32 under "bf16".
    patience : int or None
        Epochs without improvement of the validation loss before training stops and the
        best weights are restored; None never stops.
    adversary_optimizer : callable
        Makes the adversary's optimiser from its parameters.
    **kwargs
        As in :class:`skorch.NeuralNet`.
    """

    def __init__(
        self,
        module,
        criterion=TermSum,
        *,
        streams,
        n_members=None,
        precision="float32",
        patience=None,
        adversary_optimizer=None,
        **kwargs,
    ):
        super().__init__(module, criterion, **kwargs)
        self.streams = streams
        self.n_members = n_members
        self.precision = precision
        self.patience = patience
        self.adversary_optimizer = adversary_optimizer

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer())]

    def initialize_optimizer(self, triggered_directly=None):
        """Give the adversary, where there is one, its own optimiser."""
        named = list(self.get_all_learnable_params())
        main = [(name, p) for name, p in named if not name.startswith("adversary.")]
        args, kwargs = self.get_params_for_optimizer("optimizer", main)
        self.optimizer_ = self.optimizer(*args, **kwargs)
        if hasattr(self.module_, "adversary"):
            self.adversary_optimizer_ = self.adversary_optimizer(
                self.module_.adversary.parameters()
            )
        return self

    def optimizers(self):
        """All optimisers, by name."""
        names = ("optimizer_", "adversary_optimizer_")
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def partial_fit(self, X, y=None, classes=None, **fit_params):
        """Train for ``epochs`` more, as skorch does, but hand an interrupt on.

        Parameters
        ----------
        X : TrainingRun
            Data, objective and what goes with them.
        y, classes : None
            Ignored.
        **fit_params : dict
            ``epochs``, the number of epochs.
        """
        if not self.initialized_:
            self.initialize()
        self.notify("on_train_begin", X=X, y=y)
        try:
            self.fit_loop(X, y, **fit_params)
        finally:
            self.module_.eval()
            if self.history:
                self.notify("on_train_end", X=X, y=y)
        return self

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        """Run the epochs of a :class:`TrainingRun`, resuming from its checkpoint."""
        run, stopper = X, _Stopper(self)
        epochs = self.max_epochs if epochs is None else epochs
        done = run.checkpoint.restore(self, stopper) if run.checkpoint else 0
        guard = _FiniteGuard(self.module_)
        dataset = {"dataset_train": run.rows, "dataset_valid": run.valid_rows}
        with run.progress(epochs, done, self.batch_size) as bar:
            for epoch in range(done, epochs):
                if stopper.finished:
                    break
                self.streams.reset()
                guard.remember()
                self.notify("on_epoch_begin", **dataset)
                guard.check(self._train_epoch(run, bar), self, "training")
                if run.valid_rows is not None:
                    guard.check(self._validate(run), self, "validation")
                    stopper.update(self)
                try:
                    self.notify("on_epoch_end", **dataset)
                except KeyboardInterrupt:
                    # skorch's way for a callback such as EarlyStopping to end training
                    stopper.finished = True
                if run.checkpoint:
                    run.checkpoint.write(self, stopper, epoch + 1)
        stopper.finish(self)
        return self

    def _train_epoch(self, run, bar):
        """One pass over the training rows; returns the mean of each term."""
        module, criterion, optimizer = self.module_, self.criterion_, self.optimizer_
        listeners = self._batch_listeners()
        batch_size, n = self.batch_size, len(run.rows)
        step = run.step(self, training=True)
        order = self.streams.order(n)
        sums = _TermMeans()
        module.train()
        for rows in order.split(batch_size, dim=-1):
            batch = run.batch(rows, self.streams)
            if listeners:
                self.notify("on_batch_begin", batch=batch, training=True)
            optimizer.zero_grad(set_to_none=True)
            with self._autocast():
                terms = run.objective(module, batch, step)
                loss = criterion(terms)
            loss.backward()
            if "on_grad_computed" in listeners:
                self.notify(
                    "on_grad_computed",
                    named_parameters=list(self.get_all_learnable_params()),
                    batch=batch,
                    training=True,
                )
            optimizer.step()
            if run.adversary_objective is not None:
                self._adversary_step(run, batch, step)
            sums.add(terms, batch.shape[-2])
            if listeners:
                self.history.record_batch("train_batch_size", batch.shape[-2])
                if "on_batch_end" in listeners:
                    self.history.record_batch("train_loss", loss.item())
                self.notify("on_batch_end", batch=batch, training=True, loss=loss, y_pred=None)
            bar.update(1)
        means = sums.means()
        self._record("train", means, (n + batch_size - 1) // batch_size)
        bar.set_postfix(loss=f"{np.mean(sum(means.values())):.4g}", refresh=False)
        return means

    def _adversary_step(self, run, batch, step):
        optimizer = self.adversary_optimizer_
        # The main loss left its gradients on the adversary's weights as well.
        optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            loss = run.adversary_objective(self.module_, batch, step)
        loss.sum().backward()
        optimizer.step()

    def _validate(self, run):
        """Mean of each term over the validation rows, under noise that never changes."""
        rows = run.valid_rows
        step = run.step(self, training=False)
        sums = _TermMeans()
        self.module_.eval()
        order = torch.arange(len(rows))
        if rows.index is not None and rows.index.ndim == 2:
            order = order.expand(rows.index.shape[0], -1)
        with torch.no_grad(), self._autocast():
            for start in range(0, len(rows), self.batch_size):
                batch = rows.take(order[..., start : start + self.batch_size])
                sums.add(run.objective(self.module_, batch, step), batch.shape[-2])
        means = sums.means()
        self._record("valid", means, None)
        return means

    def _record(self, prefix, means, n_batches):
        """Write an epoch's losses where skorch's callbacks look for them."""
        history, total = self.history, sum(means.values())
        if self.n_members is None:
            means, total = {k: float(v) for k, v in means.items()}, float(total)
        for name, value in means.items():
            history.record(name if prefix == "train" else f"valid_{name}", value)
        loss = f"{prefix}_loss"
        history.record(loss, total)
        if self.n_members is None:
            earlier = [row[loss] for row in history[:-1]]
            history.record(f"{loss}_best", not earlier or total < min(earlier))
        if n_batches is not None:
            history.record("train_batch_count", n_batches)

    def _batch_listeners(self):
        """Which per-batch hooks any callback implements; telling the others costs time."""
        found = set()
        for _, callback in self.callbacks_:
            for hook in _LISTENS:
                method = getattr(callback, hook)
                if getattr(method, "__func__", method) is not getattr(Callback, hook):
                    found.add(hook)
        return found

    def _autocast(self):
        if self.precision != "bf16":
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16)


class _TermMeans:
    """Batch-size weighted means of terms, read from the device rarely."""

    def __init__(self):
        self.names, self.waiting, self.weights = None, [], []
        self.total, self.weight = 0.0, 0

    def add(self, terms, weight):
        if self.names is None:
            self.names = list(terms)
        self.waiting.extend(term.detach() for term in terms.values())
        self.weights.append(weight)
        if len(self.weights) == _FLUSH:
            self._flush()

    def _flush(self):
        # (batches, terms) or (batches, terms, K)
        values = torch.stack(torch.broadcast_tensors(*self.waiting)).double().cpu().numpy()
        values = values.reshape(len(self.weights), len(self.names), *values.shape[1:])
        self.total = self.total + np.tensordot(np.asarray(self.weights, float), values, axes=1)
        self.weight += sum(self.weights)
        self.waiting, self.weights = [], []

    def means(self):
        if self.weights:
            self._flush()
        return dict(zip(self.names, self.total / self.weight, strict=True))


class _FiniteGuard:
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
            trusted = self.candidate
            if not all(bool(torch.isfinite(t).all()) for t in trusted):
                trusted = self.trusted
            if trusted is not None:
                torch._foreach_copy_(self.tensors, trusted)
            epoch = len(net.history)
            which = ""
            if net.n_members is not None:
                which = f" of stacked model {int(np.flatnonzero(~np.isfinite(value))[0])}"
            raise NonFiniteLossError(
                f"The {phase} loss became non-finite in epoch {epoch}: term {name!r}{which} is "
                f"{np.min(value) if np.isnan(value).any() else np.max(np.abs(value))}. The weights "
                "from before it are kept. Lower learning_rate, scale X (for example with "
                "StandardScaler), or lower the weight of that term."
            )


class _Stopper:
    """Early stopping of one model, or of each stacked model by itself.

    A member that has stopped goes on being computed until the last one stops, but its
    best weights were set aside, so that it ends as it would have alone.
    """

    def __init__(self, net):
        n = net.n_members or 1
        self.patience = net.patience
        self.best = np.full(n, np.inf)
        self.misses = np.zeros(n, dtype=int)
        self.n_epochs = np.zeros(n, dtype=int)
        self.best_states = [None] * n
        self.finished = False

    def update(self, net):
        """Look at the epoch's validation losses."""
        if self.patience is None:
            return
        running = self.misses < self.patience
        loss = np.atleast_1d(net.history[-1, "valid_loss"])
        improved = running & (loss < self.best)
        self.best[improved] = loss[improved]
        self.misses = np.where(improved, 0, self.misses + running)
        self.n_epochs += running
        for k in np.flatnonzero(improved):
            module = net.module_ if net.n_members is None else unstack_module(net.module_, int(k))
            state = module.state_dict()
            self.best_states[k] = {name: tensor.clone() for name, tensor in state.items()}
        self.finished = bool((self.misses >= self.patience).all())

    def finish(self, net):
        """Return to the best weights; those of stacked models wait for :meth:`members`."""
        net.n_epochs_ = self.n_epochs
        net.best_states_ = self.best_states
        if net.n_members is None and self.best_states[0] is not None:
            net.module_.load_state_dict(self.best_states[0])
            net.best_states_ = None

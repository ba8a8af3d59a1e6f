"""The one training loop: a skorch net that slices tensors and never waits for a loss.

Stock skorch collates every row in Python, reads the loss back after each batch and
notifies every callback of every batch. Here batches are slices, losses are read once an
epoch, and a callback is told of batches only if it listens to them. Optimisers, history,
callbacks and serialisation remain skorch's.

The same loop trains one model or K stacked ones (see ``stacking``): terms of the loss
are then K-vectors, and since no member's loss depends on another's weights, the gradient
of their sum is every member's own gradient.
"""

import inspect
from contextlib import nullcontext
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import EpochTimer
from torch.nn.modules.batchnorm import _BatchNorm

from sklatent._utils.calling import call_users
from sklatent.nn.training.callbacks import batch_hooks, scores_rows
from sklatent.nn.training.devices import (
    keep_freed_memory,
    own_torch_state,
    suitable_threads,
    work_of,
)
from sklatent.nn.training.layout import turned
from sklatent.nn.training.means import TermMeans
from sklatent.nn.training.quick_adam import QuickAdam
from sklatent.nn.training.randomness import RandomStreams
from sklatent.nn.training.rates import Rates, set_rates
from sklatent.nn.training.stopping import FiniteGuard, FixedEpochs, Stopper, is_stop_signal


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
    """

    hyper: dict
    streams: RandomStreams
    constants: dict
    n_rows: int
    batch_size: int


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
    annealing : float
        Share of the epochs, at the end, over which the learning rate falls to zero.
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
        annealing=0.0,
        patience=None,
        adversary_optimizer=None,
        **kwargs,
    ):
        # A step does not predict, so that there is nothing to reuse.
        super().__init__(module, criterion, use_caching=False, **kwargs)
        self.streams = streams
        self.n_members = n_members
        self.precision = precision
        self.annealing = annealing
        self.patience = patience
        self.adversary_optimizer = adversary_optimizer
        # Of stacked models whose rates differ, each one's as a share of ``lr``.
        self.relative_rates = None

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer())]

    def initialize_history(self):
        """Begin a history, and what is the best in it."""
        super().initialize_history()
        self.best_losses_ = {}
        return self

    def initialize_optimizer(self, triggered_directly=None):
        """Give the adversary, where there is one, its own optimiser."""
        named = list(self.get_all_learnable_params())
        main = [(name, p) for name, p in named if not name.startswith("adversary.")]
        args, kwargs = self.get_params_for_optimizer("optimizer", main)
        optimizer = call_users("optimizer", "(parameters, lr=...)", self.optimizer, *args, **kwargs)
        self.optimizer_ = check_optimizer(optimizer)
        if any("times" in group for group in optimizer.param_groups):
            set_rates(optimizer, self.lr)
        if hasattr(self.module_, "adversary"):
            self.adversary_optimizer_ = self.adversary_optimizer(
                self.module_.adversary.parameters()
            )
        return self

    def optimizers(self):
        """All optimisers, by name."""
        names = ("optimizer_", "adversary_optimizer_")
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def fit(self, X, y=None, **fit_params):
        """Not for a net that belongs to a model, which is fitted instead."""
        raise TypeError(_NOT_ALONE)

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
        if not hasattr(X, "objective"):
            raise TypeError(_NOT_ALONE)
        if not self.initialized_:
            self.initialize()
        threads = suitable_threads(work_of(self.module_, self.batch_size))
        keep_freed_memory()
        with own_torch_state(torch.device(self.device)), threads:
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
        run = X
        stopper = (
            Stopper(self, run.warmup_epochs) if run.until is None else FixedEpochs(self, run.until)
        )
        epochs = self.max_epochs if epochs is None else epochs
        ends = _ends(epochs if run.until is None else run.until)
        done = run.checkpoint.restore(self, stopper) if run.checkpoint else 0
        guard = FiniteGuard(self.module_)
        if run.valid_rows is not None and not self.history:
            stopper.consider(self, sum(self._validation_means(run).values()))
        dataset = {"dataset_train": run.rows, "dataset_valid": run.valid_rows}
        if scores_rows(self.callbacks_):
            dataset = {name: rows and rows.array() for name, rows in dataset.items()}
        with run.progress(epochs, done, self.batch_size) as bar:
            for epoch in range(done, epochs):
                if stopper.finished:
                    break
                if run.watch is not None:
                    run.watch.begin_epoch(self)
                guard.remember()
                try:
                    self.notify("on_epoch_begin", **dataset)
                    # Who looks at the model between epochs sees weights in their usual order.
                    with turned(self.module_, self.optimizers().values()):
                        means = self._train_epoch(run, bar, epoch, ends)
                    guard.check(means, self, "training")
                    if run.valid_rows is not None:
                        guard.check(self._validate(run), self, "validation")
                    stopper.update(self)
                except BaseException:
                    self._forget_half_an_epoch(run)
                    raise
                try:
                    self.notify("on_epoch_end", **dataset)
                except KeyboardInterrupt as interrupt:
                    # skorch's way for a callback such as EarlyStopping to end training
                    if not is_stop_signal(interrupt):
                        raise
                    stopper.finished = True
                if run.watch is not None and run.watch.end_epoch(self):
                    stopper.finished = True
                if run.checkpoint:
                    run.checkpoint.write(self, stopper, epoch + 1)
        stopper.finish(self)
        return self

    def _forget_half_an_epoch(self, run):
        """Leave no row in the history that lacks a loss."""
        last = "train_loss" if run.valid_rows is None else "valid_loss"
        if self.history and last not in self.history[-1]:
            del self.history[-1]

    def _train_epoch(self, run, bar, epoch, ends):
        """One pass over the training rows; returns the mean of each term.

        ``ends`` is after how many epochs the whole run ends, of each stacked model where they
        differ.
        """
        module, criterion, optimizer = self.module_, self.criterion_, self.optimizer_
        listeners = batch_hooks(self.callbacks_)
        step = run.step(self)
        plan = run.plan(self.streams, self.batch_size, least_rows(module))
        epochs_before = len(self.history) - 1
        slower = run.slower(module, self.batch_size)
        rates = Rates(self.optimizers().values(), self.annealing, self.relative_rates, slower)
        sums = TermMeans(self.n_members is not None)
        # Who listens to batches may change the optimizer in between.
        taking = optimizer if listeners else QuickAdam(optimizer)
        module.train()
        for number, (rows, weights, size) in enumerate(plan):
            done = number / len(plan)
            batch = run.batch(rows, weights, self.streams)
            if listeners:
                self.notify("on_batch_begin", batch=batch, training=True)
                optimizer.zero_grad(set_to_none=True)
            else:
                taking.zero_grad()
            with self._autocast():
                terms = run.terms(module, batch, step, epochs_before + done)
                loss = criterion(terms)
            loss.backward()
            if "on_grad_computed" in listeners:
                self.notify(
                    "on_grad_computed",
                    named_parameters=list(self.get_all_learnable_params()),
                    batch=batch,
                    training=True,
                )
            rates.slow((epoch + done) / ends)
            rates.step(taking)
            if run.adversary_objective is not None:
                self._adversary_step(run, batch, step, rates)
            rates.restore()
            sums.add(terms, size)
            if listeners:
                self.history.record_batch("train_batch_size", len(batch))
                if "on_batch_end" in listeners:
                    self.history.record_batch("train_loss", loss.item())
                self.notify("on_batch_end", batch=batch, training=True, loss=loss, y_pred=None)
            bar.update(1)
        if not listeners:
            self.history.new_batch()  # skorch's Checkpoint looks at an epoch's last one
        means = sums.means()
        self._record("train", means, len(plan))
        bar.set_postfix(loss=f"{np.mean(sum(means.values())):.4g}", refresh=False)
        return means

    def _adversary_step(self, run, batch, step, rates):
        optimizer = self.adversary_optimizer_
        # The main loss left its gradients on the adversary's weights as well.
        optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            loss = run.adversary_objective(batch.tell(self.module_), batch, step)
        loss.sum().backward()
        rates.step_beside(optimizer)

    def _validate(self, run):
        """Validation losses of the epoch, recorded."""
        means = self._validation_means(run)
        self._record("valid", means, None)
        return means

    def _validation_means(self, run):
        """Mean of each term over the validation rows, under noise that never changes."""
        rows = run.valid_rows
        starts = range(0, len(rows), self.batch_size)
        sizes = np.array([min(self.batch_size, len(rows) - start) for start in starts])
        streams = self.streams.for_validation(rows.keys(), sizes)
        step = run.step(self, streams)
        sums = TermMeans(self.n_members is not None)
        self.module_.eval()
        order, which = torch.arange(len(rows)), None
        if rows.index.ndim == 2:
            order = order.expand(rows.index.shape[0], -1)
        elif self.n_members is not None:  # whose rows are the same
            order, which = order[None], torch.zeros(self.n_members, dtype=int, device=self.device)
        with torch.no_grad(), self._autocast():
            for start in starts:
                batch = rows.take(order[..., start : start + self.batch_size])
                batch = batch if which is None else batch.expanded(which)
                streams.begin_batch(len(batch))
                sums.add(run.objective(batch.tell(self.module_), batch, step), len(batch))
        return sums.means()

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
            if loss not in self.best_losses_:
                before = (row[loss] for row in history[:-1] if loss in row)
                self.best_losses_[loss] = min(before, default=np.inf)
            history.record(f"{loss}_best", total < self.best_losses_[loss])
            self.best_losses_[loss] = min(self.best_losses_[loss], total)
        if n_batches is not None:
            history.record("train_batch_count", n_batches)

    def _autocast(self):
        if self.precision != "bf16":
            return nullcontext()
        # Without its cache, which outlives a step if a caller is inside autocast as well.
        device = torch.device(self.device).type
        return torch.autocast(device, dtype=torch.bfloat16, cache_enabled=False)


def _ends(epochs):
    """After how many epochs runs end, as a number where it is the same for all."""
    ends = np.maximum(epochs, 1)
    return ends if np.min(ends) < np.max(ends) else float(np.max(ends))


_NOT_ALONE = (
    "This net belongs to a model, which describes its data and its loss: call the model's fit or "
    "partial_fit."
)


def check_optimizer(optimizer):
    """See that an optimizer can take a step by itself."""
    name = type(optimizer).__name__
    if not hasattr(optimizer, "param_groups") or not hasattr(optimizer, "step"):
        raise TypeError(
            f"optimizer returned {optimizer!r}, which is no torch.optim.Optimizer. Give a class or "
            "a function (parameters, lr) -> optimizer."
        )
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if closure is not None and closure.default is closure.empty:
        raise ValueError(
            f"optimizer={name} evaluates the loss several times a step, which training in batches "
            "with fresh noise does not offer. Use one like Adam or SGD."
        )
    if isinstance(optimizer, torch.optim.SparseAdam):
        raise ValueError(f"optimizer={name} takes only sparse gradients. Use Adam.")
    return optimizer


def least_rows(module):
    """Rows that a training batch must have: batch normalisation needs two."""
    normalised = any(isinstance(part, _BatchNorm) for part in module.modules())
    return 2 if normalised else 1

"""One call of the training loop: its data, its objective and what goes with them."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from sklatent.nn.training.data import Rows
from sklatent.nn.training.net import Step

# Where rows are few, networks learn noise by heart, and a variance that follows them lets rows
# count for ever more. One that lags behind holds them back. MNIST, 4,000 rows, held-out bound and
# R2 of two seeds on two splits: 382, 0.973 and 397, 0.978 as it was, and 396, 0.971 and 406, 0.975
# at 0.3 of the steps. With 800 rows, 6 steps an epoch, it would not come far enough: at 0.6 of them
# 4 are lost.
_MOST_STEPS_OF_NOISE = 7  # an epoch
_LEAST_SHARE_OF_NOISE = 0.3


@dataclass
class TrainingRun:
    """What :meth:`LatentNet.fit_loop` trains on.

    Attributes
    ----------
    rows, valid_rows : Rows
        Training rows, and validation rows or None.
    objective : callable
        ``(module, batch, step) -> dict`` of named terms that sum to the loss.
    adversary_objective : callable or None
        ``(module, batch, step) -> loss`` of the adversary.
    hyper : dict
        Loss hyperparameters: numbers, or lists of K numbers for stacked models.
    constants : dict
        Tensors that ride along with every batch, such as anchors.
    warming : tuple of str
        Terms whose weight rises from 0 over the first epochs.
    warmup_epochs : int or ndarray of shape (n_models,)
        How many epochs that takes.
    augment : callable or None
        ``(batch, generator) -> batch`` applied to one model's training batch.
    checkpoint : Checkpoint or None
        Where to resume from and write to.
    progress_bar : bool
        Whether to show one.
    slow_noise : bool
        Whether what the likelihood learns of its noise takes but a part of the steps, where an
        epoch has many.
    until : ndarray of shape (n_models,) or None
        After how many epochs each model's training ends; None is what validation rows say.
    watch : object or None
        Told of each epoch: ``begin_epoch(net)``, and ``end_epoch(net)``, which says whether it is
        to be the last.
    """

    rows: Rows
    valid_rows: Rows | None
    objective: Any
    hyper: dict
    adversary_objective: Any = None
    constants: dict = field(default_factory=dict)
    warming: tuple = ()
    warmup_epochs: Any = 0
    augment: Any = None
    checkpoint: Any = None
    progress_bar: bool = False
    slow_noise: bool = False
    until: np.ndarray | None = None
    watch: Any = None
    # Of stacked models in an epoch: the first to go through each order of rows, and which is whose.
    _alike: Any = None

    def terms(self, module, batch, step, epochs):
        """Terms of the loss in training, after some epochs and a part of one."""
        terms = self.objective(batch.tell(module), batch, step)
        if epochs < self._warm_after:
            last = np.asarray(self.warmup_epochs)
            share = np.where(epochs < last, epochs / np.maximum(last, 1), 1.0)
            share = float(share) if share.ndim == 0 else torch.from_numpy(share)
            return {n: _times(t, share) if n in self.warming else t for n, t in terms.items()}
        return terms

    @cached_property
    def _warm_after(self):
        return float(np.max(self.warmup_epochs))

    def slower(self, module, batch_size):
        """Parameters that go a share of their steps only, and which: ``[(parameter, share)]``."""
        steps = len(self.rows) / batch_size
        if not self.slow_noise or steps <= _MOST_STEPS_OF_NOISE:
            return []
        share = max(_MOST_STEPS_OF_NOISE / steps, _LEAST_SHARE_OF_NOISE)
        asked = (getattr(part, "noise_parameters", tuple) for part in module.modules())
        return [(parameter, share) for noise in asked for parameter in noise()]

    def plan(self, streams, batch_size, least=1):
        """Draw an epoch's batches, none of them of fewer than ``least`` rows.

        Returns
        -------
        list of (positions, weights, size)
            Positions of a batch's rows, ``(batch,)`` or ``(K, batch)``, where several models go
            through the same rows only the first one's; the rows' shares in a mean
            where the batches of stacked models differ in size, else None; and the number of rows,
            of each model where they differ.
        """
        if min(batch_size, len(self.rows)) < least:
            raise ValueError(
                f"Batch normalisation needs {least} rows in each batch, but there are "
                f"{len(self.rows)} training rows in batches of {batch_size}. Give more rows or a "
                "larger batch_size, or use networks without it."
            )
        n_batches = int(min(-(-len(self.rows) // batch_size), len(self.rows) // least))
        order, sizes = streams.begin_epoch(self.rows.keys(), n_batches, least)
        self._alike = None
        if (sizes == sizes[:1]).all():
            if streams.stacked:
                order = self._once(order, streams)
            parts = order.split(sizes[0].tolist(), dim=-1)
            return [(part, None, size) for part, size in zip(parts, sizes[0], strict=True)]
        return _padded(order, sizes, streams)

    def _once(self, order, streams):
        """The orders of rows that occur, and note which of them is each model's."""
        pairs = [*zip(streams.same_order(), self.rows.same_rows(len(order)), strict=True)]
        numbers = {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
        if len(numbers) == len(pairs):
            return order
        first = torch.tensor([pairs.index(pair) for pair in numbers])
        self._alike = first, torch.tensor([numbers[pair] for pair in pairs], device=streams.device)
        return order[first]

    def batch(self, positions, weights, streams):
        """Slice a training batch and augment it, each member by its own noise."""
        if self._alike is None:
            batch = self.rows.take(positions)
        else:
            first, which = self._alike
            batch = self.rows.take(positions, first).expanded(which)
        batch.weights = weights
        streams.begin_batch(len(batch))
        if self.augment is None:
            return batch
        with torch.no_grad():
            if not streams.stacked:
                batch.x = self.augment(batch.x, streams.generator)
            else:
                members = zip(batch.x, streams.generators, strict=True)
                batch.x = torch.stack([self.augment(member, g) for member, g in members])
        return batch

    def step(self, net, streams=None):
        """Gather what the objective may use."""
        streams = net.streams if streams is None else streams
        hyper = self.hyper
        if net.n_members is not None:
            hyper = {
                name: torch.tensor(values, dtype=streams.dtype, device=streams.device)
                for name, values in hyper.items()
            }
        return Step(
            hyper=hyper,
            streams=streams,
            constants=self.constants,
            n_rows=len(self.rows),
            batch_size=min(net.batch_size, len(self.rows)),
        )

    @contextmanager
    def progress(self, epochs, done, batch_size):
        """One bar for the whole run, or none."""
        if not self.progress_bar:
            yield _Silent()
            return
        from tqdm.auto import tqdm

        per_epoch = -(-len(self.rows) // batch_size)
        with tqdm(total=epochs * per_epoch, initial=done * per_epoch, unit="batch") as bar:
            yield bar


def _padded(order, sizes, streams):
    """Batches of one length where models' own differ in size: what is added weighs nothing."""
    ends = np.cumsum(sizes, axis=1)
    plan = []
    for number, largest in enumerate(sizes.max(axis=0)):
        positions = torch.zeros((len(sizes), largest), dtype=torch.long)
        weights = np.zeros(positions.shape)
        for k, size in enumerate(sizes[:, number]):
            positions[k, :size] = order[k, ends[k, number] - size : ends[k, number]]
            weights[k, :size] = 1 / size
        weights = torch.as_tensor(weights).to(dtype=streams.dtype, device=streams.device)
        plan.append((positions, weights, sizes[:, number]))
    return plan


def _times(term, share):
    return share.to(term) * term if torch.is_tensor(share) else share * term


class _Silent:
    def update(self, n):
        pass

    def set_postfix(self, **values):
        pass

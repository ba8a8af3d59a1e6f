"""One call of the training loop: its data, its objective and what goes with them."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from sklatent.nn.training.data import Rows
from sklatent.nn.training.net import Step
from sklatent.nn.training.randomness import RandomStreams


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
    augment : callable or None
        ``(batch, generator) -> batch`` applied to one model's training batch.
    checkpoint : Checkpoint or None
        Where to resume from and write to.
    progress_bar : bool
        Whether to show one.
    """

    rows: Rows
    valid_rows: Rows | None
    objective: Any
    hyper: dict
    adversary_objective: Any = None
    constants: dict = field(default_factory=dict)
    augment: Any = None
    checkpoint: Any = None
    progress_bar: bool = False

    def batch(self, order, streams):
        """Slice a training batch and augment it, each member by its own noise."""
        x = self.rows.take(order)
        if self.augment is None:
            return x
        with torch.no_grad():
            if not streams.stacked:
                return self.augment(x, streams.generator)
            members = zip(x, streams.generators, strict=True)
            return torch.stack([self.augment(member, g) for member, g in members])

    def step(self, net, training):
        """Gather what the objective may use."""
        streams = net.streams
        if not training:
            # The same noise at every epoch, so that losses are comparable between them.
            n = len(streams.generators)
            streams = RandomStreams([0] * n, streams.dtype, streams.device, streams.stacked)
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
            training=training,
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


class _Silent:
    def update(self, n):
        pass

    def set_postfix(self, **values):
        pass

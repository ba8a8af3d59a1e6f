"""The one path through training, for one model and for several stacked ones.

A model says three things: its module (``_build_module``), its objective (``_objective``)
and which hyperparameters are mere numbers in it (``_loss_hyperparameters``). Everything
else about a fit happens here, once.
"""

from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
import torch

from sklatent._utils.calling import call_users
from sklatent.models._continuation import go_on
from sklatent.models._convergence import warn_if_nothing_learned
from sklatent.models._guard import guarded
from sklatent.models._held_out import split_rows
from sklatent.models._members import Members
from sklatent.models._nets import is_adam_at_pca, make_net, optimizer_of, publish, take_numbers
from sklatent.models._parameters import same
from sklatent.models._run_identity import seeds_and_checkpoint
from sklatent.models._start import start_together
from sklatent.nn.stacking.modules import stack_varied
from sklatent.nn.training.data import Rows
from sklatent.nn.training.devices import (
    DTYPES,
    own_torch_state,
    resolve_device,
    suitable_threads,
    warn_if_gpu_is_shared,
)
from sklatent.nn.training.randomness import (
    RandomStreams,
    draw_seed,
    seeded_initialisation,
    split_seed,
)
from sklatent.nn.training.run import TrainingRun


@dataclass
class Training:
    """One training of one model, or of several stacked as one module.

    Parameters
    ----------
    models : list of LatentModel
        Validated; alike but for seeds and numbers in the loss.
    X : array or CSR matrix of shape (n_samples, n_features)
        Validated data.
    rows : ndarray of shape (K, n_rows) or None
        Each model's own rows of X; None is all.
    keys : ndarray of uint64 of shape (n_samples,) or None
        Keys of the rows of X; None is their positions.
    epochs : int or None
        How many; None is `max_epochs`, with the learning rate falling at the end.
    resume : bool
        Whether to go on from present weights.
    stacked : bool
        Whether the models are one module.
    beside : dict of str to array or None
        Further fields of a batch.
    pause : Pause or None
        Where to go on from and where to stop, for a training in several parts.
    lost : dict or None
        As of :func:`sklatent.models._fitting.fit_stacked`, and so is `groups`.
    groups : sequence of int or None
        Models of equal number share their rows, and are made when someone looks at them.
    watch : Watch or None
        Told of the epochs.
    """

    models: list
    X: Any
    rows: np.ndarray | None = None
    keys: np.ndarray | None = None
    epochs: int | None = None
    resume: bool = False
    stacked: bool = False
    beside: dict | None = None
    pause: Any = None
    lost: dict | None = None
    groups: Any = None
    watch: Any = None

    def run(self):
        """Train; an interrupt or a loss that is not finite leaves usable models as well."""
        first, whole, finished = self.models[0], self.X, False
        self.device, self.dtype = resolve_device(first.device), DTYPES[first.precision]
        warn_if_gpu_is_shared(self.device)
        self._find_seeds()
        checkpoints = [self.checkpoint]
        self.X, told = first._split(self.X)
        if told is not None:
            self.beside = (self.beside or {}) | {"covariates": told}
        try:
            with own_torch_state(self.device):
                n_rows = self.X.shape[0] if self.rows is None else self.rows.shape[1]
                one_epoch = self.epochs is not None
                holds_out = first._holds_out(n_rows, self.X.shape[1], one_epoch=one_epoch)
                train, valid = self._split_rows(holds_out)
                net = self._net_to_train(train, holds_out)
                run = self._described(train, valid)
                self._note(net)
                epochs = self._how_many()
                twice = holds_out and first.early_stopping == "auto" and not self.resume
                if self.watch is not None:
                    self.watch.begin(None if twice else epochs)
                try:
                    net.partial_fit(run, epochs=epochs)
                    if twice and (self.pause is None or self.pause.until >= self.pause.total):
                        if self.pause is None and self.checkpoint is not None:
                            checkpoints.append(self.checkpoint.beside("all-rows"))
                        net = self._on_all_rows(net, run, epochs, checkpoints[1:])
                    finished = True
                    if self.pause is not None:
                        self.pause.state.beside = [_noted_at_start(m) for m in self.models]
                finally:
                    self._hand_over(net)
        finally:
            for checkpoint in reversed(checkpoints):
                if checkpoint is not None:
                    checkpoint.close(finished)
        if self.epochs is None and self.pause is None:
            warn_if_nothing_learned(self.models, whole, self.rows, self.groups)

    # Before

    def _find_seeds(self):
        if self.pause is None:
            self.seeds, self.checkpoint = seeds_and_checkpoint(
                self.models, self.X, self.rows, self.keys, self.resume
            )
        else:
            self.checkpoint = self.pause
            drawn = (draw_seed(model.random_state) for model in self.models)
            self.seeds = self.pause.seeds or list(drawn)

    def _split_rows(self, holds_out):
        return split_rows(self.models[0], self.X, self.rows, self.keys, holds_out)

    def _net_to_train(self, train, holds_out):
        first = self.models[0]
        if self.resume:
            net = go_on(first, optimizer_of)
            self.seeds = [first._seed]
        else:
            net = self._new_net(train[0], None if self.pause is None else self.pause.state)
        # A single epoch has no end to slow down for.
        net.annealing = first.annealing if self.epochs is None else 0.0
        net.patience = first.patience if holds_out else None
        net.lost_ = self.lost
        return net

    def _data(self, chosen):
        return Rows(self.X, *chosen, self.dtype, self.device, self.beside)

    def _described(self, train, valid):
        first, data = self.models[0], self._data(train)
        return TrainingRun(
            rows=data,
            valid_rows=None if valid is None else data.subset(*valid),
            objective=guarded(first)._objective,
            adversary_objective=guarded(first)._adversary_objective,
            hyper=_hyper(self.models, self.stacked),
            constants=_constants(self.models, self.dtype, self.device),
            warming=first._divergences,
            warmup_epochs=_warmup_epochs(self.models),
            augment=_augmentation(first),
            checkpoint=self.checkpoint,
            progress_bar=bool(first.verbose),
            watch=self.watch,
            slow_noise=valid is not None and is_adam_at_pca(first),
        )

    def _note(self, net):
        for model, seed in zip(self.models, self.seeds, strict=True):
            vars(model).pop("_member", None)
            model._seed = seed
            if not self.stacked:
                model.net_ = net

    def _how_many(self):
        if self.epochs is not None:
            return self.epochs
        return self.models[0].max_epochs if self.pause is None else self.pause.total

    # Nets

    def _new_net(self, rows, begun=None):
        """A net of fresh modules where training starts, or where it has begun."""
        modules = _build(self.models, self.X.shape[1], self.seeds, self.dtype)
        module = self._started(modules, rows, begun)
        streams = RandomStreams(self.seeds, self.dtype, self.device, self.stacked)
        n_members = len(self.models) if self.stacked else None
        rates = [model.learning_rate for model in self.models] if self.stacked else None
        return make_net(self.models[0], module, streams, self.device, n_members, rates)

    def _started(self, modules, rows, begun):
        """The module that is trained, stacked or one model's, where training starts.

        Where it has begun, the state that is gone on from takes the place of any start.
        """
        if begun is not None:
            for model, noted in zip(self.models, begun.beside, strict=True):
                vars(model).update(noted)
            return stack_varied(modules, lambda k, module: take_numbers(module, self.models[k]))
        cache, beside, together = {}, self.beside or {}, {}

        def own(k):
            return rows if rows is None or rows.ndim == 1 else rows[k]

        def start(k, module):
            model = self.models[k]
            take_numbers(module, model)
            if self.stacked and model._starts_at_axes(module, beside):
                found = own(k)
                key = None if found is None else found.tobytes()
                together.setdefault(key, {})[k] = model
            else:
                model._start(module, self.X, own(k), cache, beside)

        if not self.stacked:
            start(0, modules[0])
            return modules[0]
        stacked = stack_varied(modules, start)
        for members in together.values():
            models, places, first = [*members.values()], torch.tensor([*members]), min(members)
            given = modules[first], stacked, places, self.X, own(first), cache
            axes = start_together(models, *given)
            for model in models:
                model._note_start(axes)
        return stacked

    def _on_all_rows(self, net, run, epochs, checkpoint):
        """A fresh net, trained on all rows for as many epochs as were best with some held out.

        That many are known beforehand, so that its learning rate falls over the last of them. Its
        history is the first one's, which has the losses of the rows held out. A fit that goes
        on from there begins with a fresh optimizer: those of a stack have trained for longer than
        most.
        """
        everything, _ = self._split_rows(False)
        again = self._new_net(everything[0])
        again.annealing, again.lost_ = net.annealing, net.lost_
        run = replace(
            run,
            rows=self._data(everything),
            valid_rows=None,
            until=net.best_epochs_,
            checkpoint=checkpoint[0] if checkpoint else None,
            progress_bar=False,
        )
        again.partial_fit(run, epochs=epochs)
        for name in ("history", "best_losses_", "n_epochs_"):
            setattr(again, name, getattr(net, name))
        again.initialize_optimizer()
        again.streams.go_to(len(again.history))
        return again

    # After

    def _hand_over(self, net):
        if not self.stacked:
            self.models[0].net_ = net
            publish(self.models[0], self.resume)
            return
        members = Members(net, self.groups or range(len(self.models)))
        for k, model in enumerate(self.models):
            if self.groups is None:
                members.make(k, model)
            else:
                model._wait_for(members, k)


def _build(models, n_features, seeds, dtype):
    """A module for each model, new ones under their seeds; models of one seed have the same."""
    built = {}
    for model, seed in zip(models, seeds, strict=True):
        if seed not in built:
            # Networks of the user's own are tried out.
            with seeded_initialisation(split_seed(seed)["weights"]), suitable_threads(0.0):
                built[seed] = model._build_module(n_features).to(dtype)
    return [built[seed] for seed in seeds]


def _noted_at_start(model):
    return {name: value for name, value in vars(model).items() if name.startswith("start_")}


def _constants(models, dtype, device):
    """Tensors that ride along with every batch, stacked where they differ."""
    first, *others = models
    values = [
        [getattr(model, name) for name in first._constant_parameters] for model in (first, *others)
    ]
    if all(same(values[0], other) for other in values[1:]):
        return first._constants(dtype, device)
    found = [model._constants(dtype, device) for model in models]
    return {name: torch.stack([own[name] for own in found]) for name in found[0]}


def _warmup_epochs(models):
    if not models[0]._divergences:
        return 0
    epochs = [model.warmup_epochs for model in models]
    return epochs[0] if len(set(epochs)) == 1 else np.array(epochs)


def _hyper(models, stacked):
    values = [
        {name: _number(model._loss_number(name)) for name in model._loss_hyperparameters}
        for model in models
    ]
    if not stacked:
        return values[0]
    return {name: [v[name] for v in values] for name in values[0]}


def _number(value):
    """Whole numbers of any size as what torch multiplies by."""
    return float(value) if isinstance(value, Integral) else value


def _augmentation(model):
    if model.augmentation is None:
        return None

    def augment(x, generator):
        views = call_users(
            "augmentation.sample",
            "(X, random_state, image_shape=...)",
            model.augmentation.sample,
            x,
            generator,
            image_shape=model.image_shape,
        )
        return views[0].to(x.dtype)

    return augment

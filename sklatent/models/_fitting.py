"""The one path through training, for one model and for several stacked ones.

A model says three things: its module (``_build_module``), its objective (``_objective``)
and which hyperparameters are mere numbers in it (``_loss_hyperparameters``). Everything
else about a fit happens here, once.
"""

import os
from dataclasses import replace
from numbers import Integral

import numpy as np
import torch

from sklatent._utils.calling import call_users
from sklatent._utils.sparse import contents
from sklatent._utils.warn import warn_caller
from sklatent.models._continuation import go_on
from sklatent.models._convergence import warn_if_nothing_learned
from sklatent.models._guard import guarded
from sklatent.models._held_out import split_rows
from sklatent.models._members import Members
from sklatent.models._nets import make_net, optimizer_of, publish
from sklatent.models._parameters import same
from sklatent.models._watching import watch_of
from sklatent.nn.stacking.modules import stack_modules, stack_varied
from sklatent.nn.training.checkpoint import Checkpoint
from sklatent.nn.training.data import Rows
from sklatent.nn.training.devices import (
    DTYPES,
    own_torch_state,
    resolve_device,
    suitable_threads,
    warn_if_gpu_is_shared,
)
from sklatent.nn.training.identity import UnidentifiableError, identify, run_digest
from sklatent.nn.training.randomness import (
    RandomStreams,
    draw_seed,
    seeded_initialisation,
    split_seed,
)
from sklatent.nn.training.run import TrainingRun

# Parameters that change neither the weights nor their path.
_IRRELEVANT = {"verbose", "checkpoint_dir", "warm_start", "callbacks", "random_state", "device"}


def fit_model(model, X, *, keys=None, epochs=None, resume=False, beside=None, given=None):
    """Train one model on X, anew or (``resume``) from where it is.

    Parameters
    ----------
    model : LatentModel
        Validated.
    X : ndarray of shape (n_samples, n_features)
        Validated data.
    keys : ndarray of uint64 of shape (n_samples,), default=None
        Keys of the rows; None is their positions.
    epochs : int, default=None
        How many; None is `max_epochs`, with the learning rate falling at the end.
    resume : bool, default=False
        Whether to continue from the present weights.
    beside : dict of str to array, default=None
        Further fields of a batch, as in :class:`sklatent.nn.training.data.Rows`.
    given : (X, y), default=None
        As the user has them, for callbacks; None is the validated data.
    """
    watch = watch_of(model, *(given or (X, None)))
    _train([model], X, None, keys, epochs, resume, stacked=False, beside=beside, watch=watch)
    if watch is not None:
        watch.end()


def fit_stacked(models, X, rows=None, keys=None, pause=None, lost=None, groups=None):
    """Train K models as one stacked module, each as it would have been trained alone.

    Parameters
    ----------
    models : list of LatentModel
        Alike but for ``random_state`` and loss hyperparameters.
    X : ndarray of shape (n_samples, n_features)
        Validated data.
    rows : ndarray of shape (K, n_rows) or None
        Each model's own rows of X.
    keys : ndarray of uint64 of shape (n_samples,), default=None
        Keys of the rows of X; None is a row's position among its model's own.
    pause : Pause, default=None
        Where to go on from and where to stop, for a training in several parts.
    lost : dict, default=None
        Where given, a model whose loss becomes NaN or infinite does not end the training of the
        others: its number and its error are noted here.
    groups : sequence of int, default=None
        Where given, models are made when someone looks at them; those of equal number share their
        rows.

    Returns
    -------
    bool
        Whether they were trained as one module, which models that look at whole batches are not
        where batches are uneven.
    """
    n_rows = X.shape[0] if rows is None else rows.shape[1]
    n_modelled = X.shape[1] - models[0]._n_covariates
    uneven = keys is not None or models[0]._holds_out(n_rows, n_modelled)
    first = models[0]
    looks_at_batches = not first._weighs_rows or first.augmentation is not None
    if uneven and (looks_at_batches or callable(first.architecture)):
        # Batches of uneven size would be padded, which what looks at whole batches would see,
        # such as an objective or the batch normalisation in networks of the user's own.
        if pause is not None:
            return False
        for k, model in enumerate(models):
            own = None if rows is None else rows[k : k + 1]
            _train([model], X, own, keys, epochs=None, resume=False, stacked=False)
        return False
    _train(
        models, X, rows, keys, None, resume=False, stacked=True, pause=pause, lost=lost,
        groups=groups,
    )  # fmt: skip
    return True


def _train(
    models, X, rows, keys, epochs, resume, stacked, *, beside=None, pause=None, lost=None,
    groups=None, watch=None,
):  # fmt: skip
    first = models[0]
    device = resolve_device(first.device)
    warn_if_gpu_is_shared(device)
    dtype = DTYPES[first.precision]
    if pause is None:
        seeds, checkpoint = _identify(models, X, rows, keys, resume)
    else:
        checkpoint = pause
        seeds = pause.seeds or [draw_seed(model.random_state) for model in models]
    finished, whole, to_the_end = False, X, epochs is None and pause is None
    further = None
    X, told = first._split(X)
    if told is not None:
        beside = (beside or {}) | {"covariates": told}
    try:
        with own_torch_state(device):
            n_rows = X.shape[0] if rows is None else rows.shape[1]
            holds_out = first._holds_out(n_rows, X.shape[1], one_epoch=epochs is not None)
            train, valid = split_rows(models, X, rows, keys, seeds, holds_out)
            if resume:
                net = go_on(first, optimizer_of)
                seeds = [first._seed]
            else:
                begun = None if pause is None else pause.state
                net = _new_net(models, X, train[0], seeds, dtype, device, stacked, beside, begun)
            # A single epoch has no end to slow down for.
            net.annealing = first.annealing if epochs is None else 0.0
            net.patience = first.patience if holds_out else None
            net.lost_ = lost
            data = Rows(X, *train, dtype, device, beside)
            run = TrainingRun(
                rows=data,
                valid_rows=None if valid is None else data.subset(*valid),
                objective=guarded(first)._objective,
                adversary_objective=guarded(first)._adversary_objective,
                hyper=_hyper(models, stacked),
                constants=_constants(models, dtype, device),
                warming=first._divergences,
                warmup_epochs=_warmup_epochs(models),
                augment=_augmentation(first),
                checkpoint=checkpoint,
                progress_bar=bool(first.verbose),
                watch=watch,
            )
            for model, seed in zip(models, seeds, strict=True):
                vars(model).pop("_member", None)
                model._seed = seed
                if not stacked:
                    model.net_ = net
            if epochs is None:
                epochs = first.max_epochs if pause is None else pause.total
            last = pause is None or pause.until >= pause.total
            twice = holds_out and first.early_stopping == "auto" and not resume
            if watch is not None:
                watch.begin(None if twice else epochs)
            try:
                net.partial_fit(run, epochs=epochs)
                if twice and last:
                    everything, _ = split_rows(models, X, rows, keys, seeds, False)
                    again = _new_net(
                        models, X, everything[0], seeds, dtype, device, stacked, beside
                    )
                    if pause is None and checkpoint is not None:
                        further = checkpoint.beside("all-rows")
                    run = replace(
                        run,
                        rows=Rows(X, *everything, dtype, device, beside),
                        valid_rows=None,
                        until=net.best_epochs_,
                        checkpoint=further,
                        progress_bar=False,
                    )
                    net = _repeat(net, again, run, epochs)
                finished = True
                if pause is not None:
                    pause.state.beside = [_noted_at_start(model) for model in models]
            finally:
                # An interrupt or a non-finite loss leaves a usable model as well.
                if stacked:
                    members = Members(net, groups or range(len(models)))
                for k, model in enumerate(models):
                    if not stacked:
                        model.net_ = net
                        publish(model, resume)
                    elif groups is None:
                        members.make(k, model)
                    else:
                        model._wait_for(members, k)
    finally:
        for kept in (further, checkpoint):
            if kept is not None:
                kept.close(finished)
    if to_the_end:
        for k, model in enumerate(models):
            own = rows if rows is None else rows[min(k, len(rows) - 1)]
            warn_if_nothing_learned(model, whole, own)


def _repeat(net, again, run, epochs):
    """Train a fresh net on all rows for as many epochs as were best while some were held out.

    Its history is the first one's, which has the losses of the rows held out. A fit that goes on
    from there begins with a fresh optimizer: those of a stack have trained for longer than most.
    """
    again.annealing, again.lost_ = net.annealing, net.lost_
    again.partial_fit(run, epochs=epochs)
    for name in ("history", "best_losses_", "n_epochs_"):
        setattr(again, name, getattr(net, name))
    again.initialize_optimizer()
    again.streams.go_to(len(again.history))
    return again


def _identify(models, X, rows, keys, resume):
    """Seeds of the models, and the checkpoint of their run where one is kept."""
    first = models[0]
    directory = first.checkpoint_dir
    if resume:
        seeds = [model._seed for model in models]
    elif directory is not None and any(m.random_state is None for m in models):
        seeds = None  # the checkpoint may hold the seed that was drawn
    else:
        seeds = [draw_seed(model.random_state) for model in models]
    if directory is None or resume:
        # A continued fit is not resumable: it depends on more than its data and parameters.
        return seeds, None
    try:
        description = {
            "classes": [identify(type(model)) for model in models],
            "parameters": [_describe(model) for model in models],
            "callbacks": identify(first.callbacks or []),
            "seeds": seeds,
        }
    except UnidentifiableError as error:
        warn_caller(
            f"checkpoint_dir is not used: a parameter holds {error}, of which nothing tells "
            "whether it is the same in the next process. Give a function or a class that is "
            "written in Python."
        )
        return seeds or [draw_seed(model.random_state) for model in models], None
    arrays = [*contents(X), *(array for array in (rows, keys) if array is not None)]
    checkpoint = Checkpoint(os.fspath(directory), run_digest(description, arrays))
    if checkpoint.seeds is None:
        checkpoint.seeds = seeds or [draw_seed(model.random_state) for model in models]
    return checkpoint.seeds, checkpoint


def _describe(model):
    """Name the parameters that determine a fit."""
    parameters = model.get_params(deep=False)
    return {n: identify(v) for n, v in sorted(parameters.items()) if n not in _IRRELEVANT}


def _new_net(models, X, rows, seeds, dtype, device, stacked, beside, begun=None):
    """A net of fresh modules where training starts, or where it has begun."""
    modules = _build(models, X.shape[1], seeds, dtype)
    module = _started(models, modules, X, rows, beside, stacked, begun)
    streams = RandomStreams(seeds, dtype, device, stacked)
    rates = [model.learning_rate for model in models] if stacked else None
    n_members = len(models) if stacked else None
    return make_net(models[0], module, streams, device, n_members, rates)


def _build(models, n_features, seeds, dtype):
    """A module for each model, new ones under their seeds; models of one seed have the same."""
    built = {}
    for model, seed in zip(models, seeds, strict=True):
        if seed not in built:
            # Networks of the user's own are tried out.
            with seeded_initialisation(split_seed(seed)["weights"]), suitable_threads(0.0):
                built[seed] = model._build_module(n_features).to(dtype)
    return [built[seed] for seed in seeds]


def _started(models, modules, X, rows, beside, stacked, begun):
    """The module that is trained, stacked or one model's, where training starts.

    Where it has begun, the state that is gone on from takes the place of any start.
    """
    cache = {}
    if begun is not None:
        for model, noted in zip(models, begun.beside, strict=True):
            vars(model).update(noted)
        return stack_modules(modules)

    def start(k, module):
        own = rows if rows is None or rows.ndim == 1 else rows[k]
        models[k]._start(module, X, own, cache, beside or {})

    if stacked:
        return stack_varied(modules, start)
    start(0, modules[0])
    return modules[0]


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

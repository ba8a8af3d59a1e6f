"""The one path through training, for one model and for several stacked ones.

A model says three things: its module (``_build_module``), its objective (``_objective``)
and which hyperparameters are mere numbers in it (``_loss_hyperparameters``). Everything
else about a fit happens here, once.
"""

import os
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
import torch

from sklatent._utils.calling import call_users
from sklatent._utils.sparse import contents
from sklatent._utils.warn import warn_caller
from sklatent.models._continuation import go_on, parameters_of
from sklatent.models._convergence import warn_if_nothing_learned
from sklatent.models._guard import guarded
from sklatent.models._held_out import split_rows
from sklatent.nn.stacking.modules import copy_module, stack_modules, unstack_module
from sklatent.nn.training.callbacks import own_callbacks, prints
from sklatent.nn.training.checkpoint import Checkpoint
from sklatent.nn.training.data import Rows
from sklatent.nn.training.devices import (
    DTYPES,
    own_torch_state,
    resolve_device,
    warn_if_gpu_is_shared,
)
from sklatent.nn.training.identity import UnidentifiableError, identify, run_digest
from sklatent.nn.training.net import LatentNet
from sklatent.nn.training.randomness import (
    RandomStreams,
    draw_seed,
    seeded_initialisation,
    split_seed,
)
from sklatent.nn.training.run import TrainingRun

_OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}
# Torch's own, 1e-8, makes 5e-4 deviations of 1e-7 on the digits within 100 epochs, and this one
# 4e-5, for a nat of the bound (48.9 to 47.9).
_EPS_AT_PCA = 1e-3
# Parameters that change neither the weights nor their path.
_IRRELEVANT = {"verbose", "checkpoint_dir", "warm_start", "callbacks", "random_state", "device"}


def fit_model(model, X, *, keys=None, epochs=None, resume=False, beside=None):
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
    """
    _train([model], X, None, keys, epochs=epochs, resume=resume, stacked=False, beside=beside)


def fit_stacked(models, X, rows=None, keys=None, pause=None, lost=None):
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
    _train(models, X, rows, keys, None, resume=False, stacked=True, pause=pause, lost=lost)
    return True


def _train(models, X, rows, keys, epochs, resume, stacked, *, beside=None, pause=None, lost=None):
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
                net = go_on(first, _optimizer)
                seeds = [first._seed]
            else:
                net = _initialise(models, X, train[0], seeds, dtype, device, stacked, beside)
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
                constants=first._constants(dtype, device),
                warming=first._divergences,
                warmup_epochs=first.warmup_epochs if first._divergences else 0,
                augment=_augmentation(first),
                checkpoint=checkpoint,
                progress_bar=bool(first.verbose),
            )
            for model, seed in zip(models, seeds, strict=True):
                model._seed = seed
                if not stacked:
                    model.net_ = net
            if epochs is None:
                epochs = first.max_epochs if pause is None else pause.total
            last = pause is None or pause.until >= pause.total
            try:
                net.partial_fit(run, epochs=epochs)
                if holds_out and first.early_stopping == "auto" and last and not resume:
                    everything, _ = split_rows(models, X, rows, keys, seeds, False)
                    again = _initialise(
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
            finally:
                # An interrupt or a non-finite loss leaves a usable model as well.
                for k, model in enumerate(models):
                    if stacked:
                        model.net_ = _member(net, k, model)
                    else:
                        model.net_ = net
                    _publish(model, resume)
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


def _initialise(models, X, rows, seeds, dtype, device, stacked, beside):
    """Initialise modules under their own seeds, stack them, and wrap them in the net."""
    modules, cache, built = [], {}, {}
    for k, (model, seed) in enumerate(zip(models, seeds, strict=True)):
        if seed not in built:  # of one seed there are as many as a search has candidates
            with seeded_initialisation(split_seed(seed)["weights"]):
                built[seed] = model._build_module(X.shape[1]).to(dtype)
        module = copy_module(built[seed]) if stacked else built[seed]
        own = rows if rows is None or rows.ndim == 1 else rows[k]
        model._start(module, X, own, cache, beside or {})
        modules.append(module)
    streams = RandomStreams(seeds, dtype, device, stacked)
    if not stacked:
        return make_net(models[0], modules[0], streams, device)
    return make_net(models[0], stack_modules(modules), streams, device, len(models))


def make_net(model, module, streams, device, n_members=None):
    net = LatentNet(
        module,
        streams=streams,
        n_members=n_members,
        precision=model.precision,
        adversary_optimizer=model._adversary_optimizer,
        max_epochs=model.max_epochs,
        batch_size=model.batch_size,
        lr=model.learning_rate,
        device=device,
        callbacks=own_callbacks(model.callbacks, model.early_stopping is True),
        verbose=0,
        **_optimizer(model),
    )
    net.made_with = parameters_of(model)
    net.initialize()
    net.verbose = int(prints(net.callbacks_))  # which skorch asks before it prints
    return net


def _optimizer(model):
    if callable(model.optimizer):
        return {"optimizer": model.optimizer}
    settings = {}
    if model.optimizer != "rmsprop":
        # One fused kernel for all parameters instead of several for each.
        settings["optimizer__fused"] = True
    if model.optimizer in ("adam", "adamw") and model._has_linear_path():
        # At PCA many gradients are zero but for rounding, of which Adam would make whole steps.
        settings["optimizer__eps"] = _EPS_AT_PCA
    return {"optimizer": _OPTIMIZERS[model.optimizer], **settings}


def _hyper(models, stacked):
    values = [{name: _number(getattr(m, name)) for name in m._loss_hyperparameters} for m in models]
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


def _member(net, k, model):
    """The k-th of stacked models as a net of its own, able to go on training."""
    member = make_net(model, unstack_module(net.module_, k), net.streams.member(k), net.device)
    _copy_optimizer_states(net, member, k)
    n_epochs = len(net.history)
    if getattr(net, "best_states_", None) and net.best_states_[k] is not None:
        member.module_.load_state_dict(net.best_states_[k])
        n_epochs = int(net.n_epochs_[k])
        member.streams.go_to(n_epochs)
    for row in net.history[:n_epochs]:
        member.history.new_epoch()
        for name, value in row.items():
            if name != "batches":
                value = float(value[k]) if isinstance(value, np.ndarray) else value
                member.history.record(name, value)
    member.module_.eval()
    return member


def _copy_optimizer_states(net, member, k):
    """Slice the stacked optimisers' states for one member."""
    for name, optimizer in member.optimizers().items():
        own = [p for group in optimizer.param_groups for p in group["params"]]
        source = getattr(net, name)
        stacked = [p for group in source.param_groups for p in group["params"]]
        if [(net.n_members, *p.shape) for p in own] != [tuple(p.shape) for p in stacked]:
            continue  # some layers could not be stacked: further training starts with a fresh state
        for target, parameter in zip(own, stacked, strict=True):
            optimizer.state[target] = {
                key: value[k].clone() if value.shape == parameter.shape else value.clone()
                for key, value in source.state.get(parameter, {}).items()
                if torch.is_tensor(value)
            }


def _publish(model, resume=False):
    """Fitted attributes that users read."""
    model.n_components_ = model.n_components
    # Only what is new: a fit that goes on for thousands of calls has a long history.
    known = getattr(model, "history_", [])
    known = known if resume else []
    model.history_ = known + [
        {k: v for k, v in row.items() if k not in ("batches", "dur") and _plain(v)}
        for row in model.net_.history[len(known) :]
    ]
    model.n_epochs_ = len(model.history_)
    model._after_training()


def make_member(model, module, like):
    """Make a fitted model of one member's module out of an ensemble's.

    Parameters
    ----------
    model : LatentModel
        Not fitted yet; it becomes the member. Its `random_state` is an integer.
    module : nn.Module
        Its trained module, which it keeps.
    like : LatentModel
        The fitted ensemble.
    """
    model._seed = draw_seed(model.random_state)
    streams = RandomStreams([model._seed], DTYPES[model.precision], like.net_.device)
    model.net_ = make_net(model, module, streams, like.net_.device)
    model.net_.module_.eval()
    for name in ("n_features_in_", "feature_names_in_", "covariates_"):
        if hasattr(like, name):
            setattr(model, name, getattr(like, name))
    _publish(model)
    # Of its losses there is no record, but it has seen these epochs.
    model.n_epochs_ = like.n_epochs_


def _plain(value):
    return isinstance(value, (Real, np.number)) and not isinstance(value, bool)

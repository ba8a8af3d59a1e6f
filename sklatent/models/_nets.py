"""The nets of models: how a module, a model's parameters and an optimizer come together."""

from numbers import Real

import numpy as np
import torch

from sklatent.likelihoods._bound import BoundLikelihood
from sklatent.models._continuation import parameters_of
from sklatent.models._quick_decoder import quick_groups
from sklatent.nn.training.callbacks import own_callbacks, prints
from sklatent.nn.training.devices import DTYPES
from sklatent.nn.training.net import LatentNet
from sklatent.nn.training.randomness import RandomStreams, draw_seed

_OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}
# Torch's own, 1e-8, makes 5e-4 deviations of 1e-7 on the digits within 100 epochs, and this one
# 4e-5, for a nat of the bound (48.9 to 47.9).
_EPS_AT_PCA = 1e-3


def make_net(model, module, streams, device, n_members=None, rates=None):
    """Wrap a module in the net that a model's parameters describe.

    Parameters
    ----------
    model : LatentModel
        Says how it trains.
    module : torch.nn.Module
        With its weights.
    streams : RandomStreams
        Where it draws.
    device : torch.device
        Where it runs.
    n_members : int, default=None
        Number of models in a stack.
    rates : sequence of float, default=None
        Learning rates of the stack's models, where they may differ.

    Returns
    -------
    LatentNet
        Initialised.
    """
    net = LatentNet(
        module,
        streams=streams,
        n_members=n_members,
        precision=model.precision,
        adversary_optimizer=model._adversary_optimizer,
        max_epochs=model.max_epochs,
        batch_size=model.batch_size,
        lr=model.learning_rate if rates is None else max(rates),
        device=device,
        callbacks=own_callbacks(model.callbacks, model.early_stopping is True),
        verbose=0,
        **optimizer_of(model, module),
    )
    if rates is not None and min(rates) < max(rates):
        relative = torch.tensor(rates, dtype=torch.float64) / max(rates)
        net.relative_rates = relative.to(dtype=DTYPES[model.precision], device=device)
    net.made_with = parameters_of(model)
    net.initialize()
    net.verbose = int(prints(net.callbacks_))  # which skorch asks before it prints
    return net


def is_adam_at_pca(model):
    """Whether steps are Adam's, as of the library's own defaults, and begin in a linear model."""
    return model.optimizer in ("adam", "adamw") and model._has_linear_path()


def optimizer_of(model, module):
    """The net's parameters that say how to make a model's optimizer."""
    if callable(model.optimizer):
        return {"optimizer": model.optimizer}
    settings = {}
    if model.optimizer != "rmsprop":
        # One fused kernel for all parameters instead of several for each.
        settings["optimizer__fused"] = True
    if is_adam_at_pca(model):
        # At PCA many gradients are zero but for rounding, of which Adam would make whole steps.
        settings["optimizer__eps"] = _EPS_AT_PCA
        groups = quick_groups(model, module)
        if groups:
            settings["optimizer__param_groups"] = groups
    return {"optimizer": _OPTIMIZERS[model.optimizer], **settings}


def take_numbers(module, model):
    """Give a module that models of one stack share the numbers of one's own likelihood.

    Parameters
    ----------
    module : torch.nn.Module
        Built for a model of the stack, and not trained yet or taken out of it.
    model : LatentModel
        Whose numbers.
    """
    bound = getattr(module, "likelihood", None)
    if isinstance(bound, BoundLikelihood) and bound.fixed_names:
        bound.take(model._find_likelihood())


def publish(model, resume=False):
    """Set the fitted attributes that users read.

    Parameters
    ----------
    model : LatentModel
        With its net.
    resume : bool, default=False
        Whether it has gone on from an earlier fit.
    """
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
    publish(model)
    # Of its losses there is no record, but it has seen these epochs.
    model.n_epochs_ = like.n_epochs_


def _plain(value):
    return isinstance(value, (Real, np.number)) and not isinstance(value, bool)

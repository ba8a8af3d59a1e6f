"""Fits that go on from present weights: what may have changed since, and what that means."""

from sklatent.models._parameters import same
from sklatent.nn.training.callbacks import own_callbacks
from sklatent.nn.training.devices import resolve_device
from sklatent.nn.training.randomness import RandomStreams, draw_seed
from sklatent.nn.training.rates import set_rates

# Of the parameters that all models share, those that weights have been made for.
SHAPING = (
    "n_components",
    "architecture",
    "hidden_layer_sizes",
    "activation",
    "init",
    "image_shape",
    "posterior",
    "likelihood",
    "covariates",
    "missing",
    "precision",
)
_REPLACED = ("optimizer", "callbacks", "random_state")


def parameters_of(model):
    """What a net was made with, to be held against a model that goes on with it."""
    parameters = model.get_params(deep=False)
    names = (*SHAPING, *model._shaping_parameters, *_REPLACED)
    return {name: parameters[name] for name in names if name in parameters}


def go_on(model, optimizer_of):
    """Bring a model's net up to the model's present parameters.

    Parameters
    ----------
    model : LatentModel
        Fitted.
    optimizer_of : callable
        From a model and its module to the net's parameters that say how to make its optimizer.

    Returns
    -------
    net : LatentNet
        The model's, ready to train.

    Raises
    ------
    ValueError
        If a parameter has changed that the weights depend on.
    """
    net, present = model.net_, parameters_of(model)
    changed = [name for name, value in present.items() if not same(value, net.made_with[name])]
    for name in changed:
        if name not in _REPLACED:
            raise ValueError(
                f"{name} was {net.made_with[name]!r} when training began and is now "
                f"{present[name]!r}, which a fit that goes on from present weights can't follow. "
                f"Set {name} back, or fit anew with warm_start=False."
            )
    device = resolve_device(model.device)
    if device != net.streams.device:
        raise ValueError(
            f"device was {str(net.streams.device)!r} when training began and is now "
            f"{str(device)!r}. Set it back, or save the model and load it on the other device."
        )
    if "random_state" in changed:
        model._seed = draw_seed(model.random_state)
        epoch = net.streams.epoch
        net.streams = RandomStreams([model._seed], net.streams.dtype, device)
        net.streams.go_to(epoch)
    if "callbacks" in changed:
        net.callbacks = own_callbacks(model.callbacks, model.early_stopping is True)
        net.initialize_callbacks()
    net.batch_size, net.lr, net.max_epochs = model.batch_size, model.learning_rate, model.max_epochs
    if "optimizer" in changed:
        for name in ("optimizer__fused", "optimizer__eps", "optimizer__param_groups"):
            vars(net).pop(name, None)
        vars(net).update(optimizer_of(model, net.module_))
        net.initialize_optimizer()
    set_rates(net.optimizer_, model.learning_rate)
    if model._adversary_optimizer is not None:
        fresh = model._adversary_optimizer(net.module_.adversary.parameters())
        for group, new in zip(
            net.adversary_optimizer_.param_groups, fresh.param_groups, strict=True
        ):
            group["lr"] = new["lr"]
    net.made_with = present
    return net

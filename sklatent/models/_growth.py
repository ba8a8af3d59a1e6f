"""A trained model's networks with further covariates: all that was learned stays as it is."""

import torch


def grow(module, source):
    """Take weights over into a module that is told more, and let only those of the new train.

    New weights are zero, and new covariates are taken in their own units, so that a row for which
    they are zero is where it was.

    Parameters
    ----------
    module : torch.nn.Module
        Whose first layers have more columns, behind the others.
    source : torch.nn.Module
        Trained.
    """
    trained = source.state_dict()
    for name, tensor in module.state_dict().items():
        # Without covariates nothing says where these lie.
        old = trained.get(name, tensor.new_empty(1, 0))
        if tensor.shape == old.shape:
            tensor.copy_(old)
        else:
            # Beside weights these are the covariates' centre and scale.
            tensor.fill_(1.0 if name == "covariate_scale" else 0.0)
            tensor[:, : old.shape[1]] = old
    for name, parameter in module.named_parameters():
        old = trained[name].shape
        if parameter.shape == old:
            parameter.requires_grad_(False)
        else:
            parameter.register_hook(_only_behind(old[1]))


def settle(module, source):
    """Put what was taken over back to the bit, whatever an optimizer did to it, and let all train.

    Parameters
    ----------
    module, source : torch.nn.Module
        As in :func:`grow`, afterwards.
    """
    trained = source.state_dict()
    for name, parameter in module.named_parameters():
        old = trained[name].to(parameter.device)
        with torch.no_grad():
            if parameter.shape == old.shape:
                parameter.copy_(old)
            else:
                parameter[:, : old.shape[1]] = old
        parameter.requires_grad_(True)
        parameter._backward_hooks = None  # they can't be pickled


def _only_behind(n_old):
    def masked(gradient):
        gradient = gradient.clone()
        gradient[:, :n_old] = 0.0
        return gradient

    return masked

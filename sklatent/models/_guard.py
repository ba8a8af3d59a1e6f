"""The model that an objective sees: without what differs between models of a stack."""

from functools import lru_cache


def guarded(model):
    """A view of a model on which loss hyperparameters can't be read.

    In a stack, ``self.gamma`` would be one model's number and stand for all of them, which while
    ``step.hyper["gamma"]`` has each its own.

    Parameters
    ----------
    model : LatentModel
        Whose objective is to be called.

    Returns
    -------
    LatentModel
        Shares the model's attributes; what is set on it is not set on the model.
    """
    view = object.__new__(_guarded_class(type(model)))
    hidden = set(model._loss_hyperparameters)
    vars(view).update({name: v for name, v in vars(model).items() if name not in hidden})
    return view


@lru_cache(maxsize=64)
def _guarded_class(cls):
    refused = {name: property(_refuse(name)) for name in cls._loss_hyperparameters}
    return type(cls.__name__, (cls,), refused)


def _refuse(name):
    def read(self):
        raise AttributeError(
            f"An objective must not read self.{name}, which is one model's number and wrong in a "
            f'stack of several: write step.hyper["{name}"], where each has its own.'
        )

    return read

"""Estimators as JSON and arrays, and back: what a file may hold without being code.

Only names on our own list become objects again. Whatever else is code (a factory of networks, a
callback, an optimiser of the user's own) is written down by its import path, is never imported by
reading, and has to be handed back by whoever reads.
"""

import inspect
from pathlib import PurePath

import numpy as np
import torch
from sklearn.base import BaseEstimator

import sklatent
from sklatent._posterior import Posterior
from sklatent.channels import ChannelFingerprints
from sklatent.models._fitting import _make_net
from sklatent.nn.stacking.modules import stack_modules
from sklatent.nn.training.devices import DTYPES, resolve_device
from sklatent.nn.training.net import LatentNet
from sklatent.nn.training.randomness import RandomStreams, seeded_initialisation
from sklatent.rosetta import RosettaPoints


class Writer:
    """Turns values into JSON and collects their arrays.

    Attributes
    ----------
    arrays : dict of str to ndarray
        What is too large for JSON, by the path that leads to it.
    """

    def __init__(self):
        self.arrays = {}
        self._code = {}

    def estimator(self, estimator, path=""):
        """Encode an estimator of ours: class, parameters, and what it learned."""
        if estimator_class(type(estimator).__name__) is not type(estimator):
            raise TypeError(
                f"Only sklatent's own estimators can be saved; got {type(estimator).__name__}. Of "
                "a Pipeline or a search, save the model itself: pipeline[-1] or best_estimator_."
            )
        parameters = estimator.get_params(deep=False)
        learned = {k: v for k, v in vars(estimator).items() if k not in parameters}
        return {
            "estimator": type(estimator).__name__,
            "parameters": {k: self.value(v, f"{path}{k}", True) for k, v in parameters.items()},
            "learned": {k: self.value(v, f"{path}{k}") for k, v in learned.items()},
        }

    def value(self, value, path, parameter=False):
        """Encode any value; `parameter` says that code may be named instead of stored."""
        if isinstance(value, (np.bool_, np.integer, np.floating)):
            value = value.item()
        if isinstance(value, float) and not np.isfinite(value):
            return {"float": str(value)}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (list, tuple)):
            items = [self.value(v, f"{path}.{i}", parameter) for i, v in enumerate(value)]
            return items if isinstance(value, list) else {"tuple": items}
        if isinstance(value, dict):
            return {
                "dict": [
                    [self.value(k, path), self.value(v, f"{path}.{k}", parameter)]
                    for k, v in value.items()
                ]
            }
        if isinstance(value, np.ndarray):
            return self._array(value, path)
        if isinstance(value, torch.Tensor):
            return {"tensor": self._store(value.detach().cpu().numpy(), path)}
        if isinstance(value, LatentNet):
            return self._net(value, path)
        if isinstance(value, BaseEstimator) and estimator_class(type(value).__name__) is type(
            value
        ):
            return self.estimator(value, f"{path}.")
        if isinstance(value, RosettaPoints):
            return {"points": self._attributes(value, path)}
        if isinstance(value, ChannelFingerprints):
            return {"fingerprints": self.value(list(value._content()), path)}
        if isinstance(value, Posterior):
            scale = {"log_var": value.log_var} if value.is_diagonal else {}
            scale = scale or {"scale_tril": value.scale_tril}
            return {"posterior": self.value({"mean": value.mean} | scale, path)}
        if isinstance(value, np.random.RandomState):
            return {"random_state": self.value(value.get_state(legacy=True), path)}
        if isinstance(value, torch.device):
            return {"device": str(value)}
        if isinstance(value, PurePath):
            return {"path": str(value)}
        if _torch_optimizer(getattr(value, "__name__", None)) is value:
            return {"optimizer": value.__name__}
        if parameter:
            return {"custom": self._name(value)}
        raise TypeError(
            f"{path} is a {type(value).__qualname__}, which a file without code cannot hold."
        )

    def _attributes(self, value, path):
        return {k: self.value(v, f"{path}.{k}") for k, v in vars(value).items()}

    def _array(self, array, path):
        if array.dtype.kind in "OU" and all(isinstance(item, str) for item in array.flat):
            dtype = "object" if array.dtype.kind == "O" else "str"
            return {"strings": array.ravel().tolist(), "shape": list(array.shape), "dtype": dtype}
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{path} is an array of {array.dtype}, which a file cannot hold.")
        return {"array": self._store(array, path)}

    def _store(self, array, path):
        while path in self.arrays:  # keys 1 and "1" of one dict
            path += "_"
        self.arrays[path] = array
        return path

    def _name(self, value):
        """The import path of code; of several objects of one class the others are numbered."""
        path = name = import_path(value)
        while self._code.setdefault(name, value) is not value:
            number = int(name.rpartition("#")[2]) + 1 if "#" in name else 2
            name = f"{path}#{number}"
        return name

    def _net(self, net, path):
        """Weights, history and random streams; the layers are built anew from the parameters."""
        rows = [{k: v for k, v in row.items() if k != "batches"} for row in net.history]
        return {
            "net": {
                "weights": self.value(dict(net.module_.state_dict()), path),
                "history": self.value(rows, f"{path}.history"),
                "streams": self.value(net.streams.state(), f"{path}.streams"),
                "n_members": net.n_members,
            }
        }


class Reader:
    """Turns JSON and arrays back into values.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The file's arrays.

    custom_objects : dict of str to object
        What is code, by its import path.

    device : str or None
        Where models go; None is where their own parameter says.
    """

    def __init__(self, arrays, custom_objects, device=None):
        self.arrays = arrays
        self.custom_objects = custom_objects
        self.device = device

    def estimator(self, saved):
        """Decode an estimator, fitted as it was."""
        cls = estimator_class(saved["estimator"])
        if cls is None:
            raise ValueError(f"{saved['estimator']!r} is no estimator of this sklatent.")
        parameters = {name: self.value(value) for name, value in saved["parameters"].items()}
        parameters = _of_first_version(cls, parameters) | parameters
        if self.device is not None and "device" in parameters:
            parameters["device"] = self.device
        model = cls(**parameters)
        if hasattr(model, "_validate_params"):
            model._validate_params()
        learned = dict(saved["learned"])
        net = learned.pop("net_", None)
        for name, value in learned.items():
            if name.startswith("__") or name in parameters or callable(getattr(cls, name, None)):
                raise ValueError(f"{name!r} is not what a {cls.__name__} learns.")
            setattr(model, name, self.value(value))
        if net is not None:
            model.net_ = self._net(net["net"], model)
        return model

    def value(self, saved):
        """Decode any value."""
        if isinstance(saved, list):
            return [self.value(item) for item in saved]
        if not isinstance(saved, dict):
            return saved
        if "estimator" in saved:
            return self.estimator(saved)
        if "strings" in saved:
            return np.array(saved["strings"], dtype=saved["dtype"]).reshape(saved["shape"])
        ((kind, content),) = saved.items()
        if kind == "custom":
            return self.custom_objects[content]
        if kind == "optimizer":
            return _torch_optimizer(content)
        decode = {
            "float": float,
            "tuple": lambda items: tuple(self.value(item) for item in items),
            "dict": lambda items: {self.value(k): self.value(v) for k, v in items},
            "array": self.arrays.__getitem__,
            "tensor": lambda name: torch.from_numpy(self.arrays[name]),
            "points": lambda attributes: RosettaPoints(**self._values(attributes)),
            "fingerprints": lambda parts: ChannelFingerprints._from_content(*self.value(parts)),
            "posterior": lambda attributes: Posterior(**self.value(attributes)),
            "random_state": self._random_state,
            "device": torch.device,
            "path": str,
        }
        return decode[kind](content)

    def _values(self, attributes):
        return {name: self.value(value) for name, value in attributes.items()}

    def _random_state(self, saved):
        random_state = np.random.RandomState()
        random_state.set_state(self.value(saved))
        return random_state

    def _net(self, saved, model):
        """Rebuild a model's net around its weights; its optimiser starts anew."""
        n_members, n_modules = saved["n_members"], saved["n_members"] or 1
        dtype, device = DTYPES[model.precision], resolve_device(model.device)
        with seeded_initialisation(0):
            modules = [
                model._build_module(model.n_features_in_).to(dtype) for _ in range(n_modules)
            ]
        module = modules[0] if n_members is None else stack_modules(modules)
        try:
            module.load_state_dict(self.value(saved["weights"]))
        except RuntimeError as error:
            raise ValueError(
                "the weights do not fit the network that the parameters describe; if the "
                f"architecture was passed in, it is another one than was saved ({error})"
            ) from error
        streams = RandomStreams([0] * n_modules, dtype, device, n_members is not None)
        states = self.value(saved["streams"])
        if states[0].dtype == np.int64:  # version 0.1.0 kept the states of generators
            streams.set_state(states)
        net = _make_net(model, module, streams, device, n_members)
        for row in self.value(saved["history"]):
            net.history.new_epoch()
            for name, value in row.items():
                net.history.record(name, value)
        net.module_.eval()
        return net


def _of_first_version(cls, parameters):
    """What version 0.1.0 did where its files say nothing; changes parameters that it named else."""
    if "activation" in parameters or "activation" not in cls._get_param_names():
        return {}
    if parameters.get("likelihood") == "gaussian":
        parameters["likelihood"] = "unit_gaussian"
    return {"activation": "relu", "init": "random", "annealing": 0.0}


def estimator_class(name):
    """Return the public estimator, or transformation, of that name; None if there is none."""
    for package in (sklatent, sklatent.transformations):
        if name in package.__all__:
            found = getattr(package, name)
            if inspect.isclass(found) and issubclass(found, BaseEstimator):
                return found
    return None


def custom_paths(saved):
    """Import paths of all code that encoded values name."""
    if isinstance(saved, dict):
        own = {saved["custom"]} if saved.keys() == {"custom"} else set()
        return own.union(*(custom_paths(value) for value in saved.values()))
    if isinstance(saved, list):
        return set().union(*(custom_paths(value) for value in saved))
    return set()


def import_path(value):
    """Where code comes from: its own path, or its class's."""
    named = value if inspect.isroutine(value) or inspect.isclass(value) else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _torch_optimizer(name):
    """Return the optimiser of that name among torch's own."""
    found = getattr(torch.optim, name, None) if isinstance(name, str) else None
    is_optimizer = inspect.isclass(found) and issubclass(found, torch.optim.Optimizer)
    return found if is_optimizer and found.__module__.startswith("torch.optim.") else None

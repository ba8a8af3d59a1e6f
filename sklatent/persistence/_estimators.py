"""Our own estimators as JSON and arrays, and back: models with nets, anchors, fingerprints."""

import inspect
import warnings

import numpy as np
import torch
from sklearn.base import BaseEstimator

import sklatent
from sklatent import likelihoods
from sklatent._posterior import Posterior
from sklatent._utils.estimator_codec import EstimatorDecoder, EstimatorEncoder
from sklatent._utils.trusted import TRUSTED, trusted_class
from sklatent.channels import ChannelFingerprints
from sklatent.models import LatentModel
from sklatent.nn.training.net import LatentNet
from sklatent.persistence._earlier import SCHEMA_VERSION, complete_parameters
from sklatent.persistence._learned import AGREEMENT, LEARNED
from sklatent.persistence._nets import build_net
from sklatent.rosetta import RosettaPoints


def estimator_class(name):
    """Return the estimator of that name that a file may hold; None if there is none."""
    if not isinstance(name, str):
        return None
    for package in (sklatent, sklatent.transformations, sklatent.models):
        if name in package.__all__:
            found = getattr(package, name)
            if inspect.isclass(found) and issubclass(found, BaseEstimator):
                return found
    return trusted_class(name)


def is_model_of_ones_own(cls):
    """Whether it is a class derived from LatentModel, which a file names by its import path.

    One that is called as an estimator of ours is would be taken for it.
    """
    is_model = inspect.isclass(cls) and issubclass(cls, LatentModel)
    return is_model and estimator_class(cls.__name__) is None


class Writer(EstimatorEncoder):
    """Turns models into JSON and collects their arrays."""

    find = staticmethod(estimator_class)
    is_model_of_ones_own = staticmethod(is_model_of_ones_own)
    declared = LEARNED | TRUSTED

    def __init__(self):
        super().__init__()
        self._rows = {}

    def other(self, value, path):
        """Encode what is neither plain nor an array."""
        if isinstance(value, torch.Tensor):
            return self._tensor(value.detach().cpu().numpy(), path)
        if isinstance(value, LatentNet):
            return self._net(value, path)
        if isinstance(value, (RosettaPoints, ChannelFingerprints)):
            kind = "points" if isinstance(value, RosettaPoints) else "fingerprints"
            return {kind: self.value(list(value._content()), path)}
        if isinstance(value, Posterior):
            name = "log_var" if value.is_diagonal else "scale_tril"
            parts = {"mean": value.mean, name: getattr(value, name)}
            return {"posterior": self.value(parts, path)}
        if isinstance(value, torch.device):
            return {"device": str(value)}
        if _likelihood_class(type(value).__name__) is type(value):
            names = inspect.signature(type(value)).parameters
            parameters = {name: getattr(value, name) for name in names}
            return {"likelihood": [type(value).__name__, self.value(parameters, path)]}
        if _torch_optimizer(getattr(value, "__name__", None)) is value:
            return {"optimizer": value.__name__}
        return super().other(value, path)

    def _tensor(self, array, path):
        found = self._rows.get(_content(array)) if self._rows else None
        return {"tensor": self.store(array, path)} if found is None else {"row": list(found)}

    def _net(self, net, path):
        """Weights, history and random streams; the layers are built anew from the parameters."""
        rows = [{k: v for k, v in row.items() if k != "batches"} for row in net.history]
        weights = self.value(dict(net.module_.state_dict()), path)
        self._remember_rows(weights)
        return {
            "net": {
                "weights": weights,
                "history": self.value(rows, f"{path}.history"),
                "streams": self.value(net.streams.state(), f"{path}.streams"),
                "n_members": net.n_members,
            }
        }

    def _remember_rows(self, weights):
        """Members of an ensemble hold the rows of its stacked weights."""
        for name, encoded in weights["dict"]:
            if name.startswith("members.") and "tensor" in encoded:
                for k, row in enumerate(self.arrays[encoded["tensor"]]):
                    self._rows.setdefault(_content(row), (encoded["tensor"], k))


class Reader(EstimatorDecoder):
    """Turns JSON and arrays back into models.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The file's arrays.

    custom_objects : dict of str to object
        What is code, by its import path.

    device : str or None
        Where models go; None is where their own parameter says.

    schema_version : int
        The file's layout.
    """

    find = staticmethod(estimator_class)
    is_model_of_ones_own = staticmethod(is_model_of_ones_own)
    declared = LEARNED | TRUSTED
    agreements = AGREEMENT

    def __init__(self, arrays, custom_objects, device=None, schema_version=SCHEMA_VERSION):
        super().__init__(arrays, custom_objects)
        self.device = device
        self.schema_version = schema_version
        self.kinds |= {
            "tensor": lambda name: torch.from_numpy(self.array(name)),
            "row": self._row,
            "points": self._points,
            "fingerprints": lambda parts: ChannelFingerprints._from_content(*self.value(parts)),
            "posterior": lambda parts: Posterior(**self.value(parts)),
            "likelihood": self._likelihood,
            "optimizer": self._optimizer,
            "device": torch.device,
            "path": str,
        }

    def parameters(self, cls, saved):
        """Decode parameters, those that the file's version did not know included."""
        saved = complete_parameters(cls, saved, self.schema_version)
        parameters = super().parameters(cls, saved)
        if self.device is not None and "device" in parameters:
            parameters["device"] = self.device
        return parameters

    def give_net(self, model, net):
        """Build a model's net around its weights."""
        model.net_ = build_net(model, net["net"], self.value, self.arrays)
        if getattr(model, "encoder_", None) is None:
            _check_encodes(model)

    def estimator(self, saved):
        """Decode an estimator, fitted as it was."""
        found = super().estimator(saved)
        parts = getattr(found, "transformations", [])
        if not all(hasattr(part, "sample") for part in parts):
            raise ValueError("transformations are composed of something else")
        return found

    def _row(self, place):
        name, k = place
        array = self.array(name)
        if type(k) is not int or array.ndim == 0 or not 0 <= k < len(array):
            raise ValueError(f"{name} has no row {k}")
        return torch.from_numpy(array[k : k + 1].copy()[0, ...])

    def _points(self, content):
        if isinstance(content, dict):  # schema version 1
            return RosettaPoints(**{name: self.value(value) for name, value in content.items()})
        return RosettaPoints._from_content(*self.value(content))

    def _likelihood(self, saved):
        name, parameters = saved
        found = _likelihood_class(name)
        if found is None:
            raise ValueError(f"{name!r} is no likelihood of this sklatent")
        return found(**self.value(parameters))

    def _optimizer(self, name):
        found = _torch_optimizer(name)
        if found is None:
            raise ValueError(f"{name!r} is no optimiser of torch")
        return found


def _check_encodes(model):
    """Weights that are numbers each may still give none together, such as a scale of zero."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        encoded = model.transform(np.zeros((1, model.n_features_in_)))
    if not np.isfinite(np.asarray(encoded)).all():
        raise ValueError(f"its {type(model).__name__} encodes a row of zeros as no number")


def _content(array):
    return array.dtype.str, array.shape, array.tobytes()


def _likelihood_class(name):
    """Return the likelihood of that name, one of ours."""
    known = isinstance(name, str) and name in likelihoods.__all__
    return getattr(likelihoods, name) if known else None


def _torch_optimizer(name):
    """Return the optimiser of that name among torch's own."""
    found = getattr(torch.optim, name, None) if isinstance(name, str) else None
    is_optimizer = inspect.isclass(found) and issubclass(found, torch.optim.Optimizer)
    return found if is_optimizer and found.__module__.startswith("torch.optim.") else None

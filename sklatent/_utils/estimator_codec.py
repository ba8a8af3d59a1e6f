"""Estimators as JSON and arrays, and back: scikit-learn's own transformers; ours are built on it.

Only names on a list become objects again, and only attributes that a class declares are set.
Whatever else is code is written down by its import path, is never imported by reading, and has to
be handed back by whoever reads.
"""

import inspect
from contextlib import contextmanager
from itertools import pairwise
from pathlib import PurePath

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin
from sklearn.utils._metadata_requests import SIMPLE_METHODS, MetadataRequest
from sklearn.utils.validation import check_is_fitted

from sklatent._utils.codec import Decoder, Encoder
from sklatent._utils.kinds import check, is_optional
from sklatent._utils.trusted import FUNCTIONS, TRUSTED, trusted_class

# What any estimator may have, fitted or not.
_OF_ALL = {"_sklearn_output_config": "output?", "_metadata_request": "requests?"}
_OF_FITTED = {"n_features_in_": "count?", "feature_names_in_": "text[n_features_in_]?"}
# Parameters that say where something is on the writer's disk; a reader chooses a place anew.
_PLACES = {"checkpoint_dir", "memory"}
_SCALAR_TYPES = {cls.__name__: cls for cls in (bool, int, float, str, object)} | {
    name: getattr(np, name)
    for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")
}
_DTYPES = set(_SCALAR_TYPES) | {f"str{32 * n}" for n in range(64)}


class EstimatorEncoder(Encoder):
    """Turns estimators into JSON and collects their arrays.

    Attributes
    ----------
    code : dict of str to object
        What is only named, by its name: a reader needs it as `custom_objects`.
    """

    find = staticmethod(trusted_class)
    declared = TRUSTED

    def __init__(self):
        super().__init__()
        self.code = {}
        self._may_name = False

    def estimator(self, estimator, path=""):
        """Encode an estimator: class, parameters, and what it learned."""
        cls = type(estimator)
        if not self._holds(cls):
            raise TypeError(
                "Only sklatent's own estimators, models derived from LatentModel, and Pipelines "
                "and ColumnTransformers of them and of scikit-learn's transformers, can be saved; "
                f"got {cls.__name__}. Of a search, save best_estimator_."
            )
        parameters = estimator.get_params(deep=False)
        # What a model of one's own does not ask for, its base's constructor sets.
        set_before = vars(cls(**parameters)) if self.is_model_of_ones_own(cls) else parameters
        learned = {k: v for k, v in vars(estimator).items() if k not in set_before}
        undeclared = sorted(learned.keys() - lines_of(cls, self.declared).keys())
        if undeclared:
            raise TypeError(
                f"{cls.__name__} has learned {', '.join(map(repr, undeclared))}, which no file is "
                "declared to hold. Remove the attribute; or declare it: a model of your own in its "
                "_learned, one of sklatent's in sklatent.persistence."
            )
        with self._naming(True):
            encoded = {
                k: None if k in _PLACES else self.value(v, f"{path}{k}")
                for k, v in parameters.items()
            }
        # A net first: what its members hold is then only pointed at.
        order = sorted(learned, key=lambda name: name != "net_")
        with self._naming(cls.__name__ in TRUSTED):
            values = {k: self.value(learned[k], f"{path}{k}") for k in order}
        named = cls.__name__ if self.find(cls.__name__) is cls else {"custom": self._name(cls)}
        return {"estimator": named, "parameters": encoded, "learned": values}

    def _holds(self, cls):
        """Whether a file can hold what an estimator of a class has learned."""
        return self.find(cls.__name__) is cls or self.is_model_of_ones_own(cls)

    @staticmethod
    def is_model_of_ones_own(cls):
        """Whether a class that is code of the reader's may be named; a subclass knows some."""
        return False

    @contextmanager
    def _naming(self, may_name):
        before, self._may_name = self._may_name, may_name
        yield
        self._may_name = before

    def other(self, value, path):
        """Encode what is neither plain nor an array."""
        if isinstance(value, BaseEstimator) and self._holds(type(value)):
            return self.estimator(value, f"{path}.")
        if isinstance(value, np.random.RandomState):
            return {"random_state": self.value(value.get_state(legacy=True), path)}
        if isinstance(value, MetadataRequest):
            asked = {name: getattr(value, name).requests for name in SIMPLE_METHODS}
            return {"requests": self.value({k: dict(v) for k, v in asked.items() if v}, path)}
        if isinstance(value, slice):
            return {"slice": [value.start, value.stop, value.step]}
        if isinstance(value, np.dtype):
            return {"dtype": value.name}
        if isinstance(value, type) and _SCALAR_TYPES.get(value.__name__) is value:
            return {"type": value.__name__}
        if isinstance(value, PurePath):
            return str(value)
        function = next((name for name, known in FUNCTIONS.items() if value is known), None)
        if function is not None:
            return {"function": function}
        if self._may_name:
            return {"custom": self._name(value)}
        return super().other(value, path)

    def _name(self, value):
        """The import path of code; of several objects of one class the others are numbered."""
        path = name = import_path(value)
        while self.code.setdefault(name, value) is not value:
            number = int(name.rpartition("#")[2]) + 1 if "#" in name else 2
            name = f"{path}#{number}"
        return name


class EstimatorDecoder(Decoder):
    """Turns JSON and arrays back into estimators.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The file's arrays.
    custom_objects : dict of str to object, default=None
        What is code, by its import path.
    """

    find = staticmethod(trusted_class)
    declared = TRUSTED
    agreements = {}

    @staticmethod
    def is_model_of_ones_own(cls):
        """Whether a class that is code of the reader's may be named; a subclass knows some."""
        return False

    def __init__(self, arrays, custom_objects=None):
        super().__init__(arrays)
        self.custom_objects = custom_objects or {}
        self.kinds |= {
            "custom": self.custom_objects.__getitem__,
            "random_state": self._random_state,
            "requests": self._requests,
            "function": FUNCTIONS.__getitem__,
            "type": _SCALAR_TYPES.__getitem__,
            "dtype": self._dtype,
            "slice": self._slice,
        }

    def value(self, saved):
        """Decode any value."""
        if isinstance(saved, dict) and "estimator" in saved:
            return self.estimator(saved)
        return super().value(saved)

    def estimator(self, saved):
        """Decode an estimator, fitted as it was."""
        named = saved["estimator"]
        if isinstance(named, dict):
            cls = self.value(named)
            if not self.is_model_of_ones_own(cls):
                raise ValueError(f"{cls!r} is no class derived from LatentModel")
        else:
            cls = self.find(named)
        if cls is None:
            raise ValueError(f"{saved['estimator']!r} is no estimator that this sklatent reads")
        parameters = self.parameters(cls, saved["parameters"])
        model = cls(**parameters)
        if hasattr(model, "_parameter_constraints"):
            model._validate_params()
        check_parts(model)
        encoded = dict(saved["learned"])
        net = encoded.pop("net_", None)
        learned = {name: self.value(value) for name, value in encoded.items()}
        lines = lines_of(cls, self.declared)
        if net is None and learned.keys() <= _OF_ALL.keys():
            lines = _OF_ALL  # as it was constructed, such as the aligner that a stitcher copies
        elif ("net_" in lines) != (net is not None):
            raise ValueError(f"a {cls.__name__} {'without' if net is None else 'with'} a net")
        check_learned(model, learned, lines)
        if lines is not _OF_ALL:
            if cls.__name__ in TRUSTED:
                _check_columns(model, learned)
            for base in cls.__mro__:
                if base.__name__ in self.agreements:
                    self.agreements[base.__name__](model, learned)
        for name, value in learned.items():
            setattr(model, name, value)
        if net is not None:
            self.give_net(model, net)
        return model

    def parameters(self, cls, saved):
        """Decode parameters; a subclass knows those of earlier versions."""
        names = set(cls._get_param_names())
        unknown, missing = sorted(saved.keys() - names), sorted(names - saved.keys())
        if unknown or missing:
            reason = "unknown" if unknown else "missing"
            which = ", ".join(unknown or missing)
            raise ValueError(f"of the parameters of {cls.__name__}, {which} is {reason}")
        return {k: None if k in _PLACES else self.value(v) for k, v in saved.items()}

    def give_net(self, model, net):
        """Only models that train have nets."""
        raise ValueError(f"a {type(model).__name__} has no net")

    def _random_state(self, saved):
        name, keys, position, has_gauss, gauss = self.value(saved)
        whole = isinstance(keys, np.ndarray) and keys.dtype == np.uint32 and keys.shape == (624,)
        if name != "MT19937" or not whole or type(position) is not int or has_gauss not in (0, 1):
            raise ValueError("a random state is not that of a Mersenne Twister")
        if not 0 <= position <= 624 or not np.isfinite(gauss):
            raise ValueError(f"a random state has the position {position}")
        random_state = np.random.RandomState()
        random_state.set_state((name, keys, position, int(has_gauss), float(gauss)))
        return random_state

    def _requests(self, saved):
        requests = MetadataRequest(owner=None)
        for method, asked in self.value(saved).items():
            if method not in SIMPLE_METHODS:
                raise ValueError(f"{method!r} is no method that metadata is routed to")
            for name, alias in asked.items():
                if alias is not None and not isinstance(alias, (bool, str)):
                    raise ValueError(f"the request of {name!r} is a {type(alias).__name__}")
                getattr(requests, method).add_request(param=name, alias=alias)
        return requests

    @staticmethod
    def _dtype(name):
        if name not in _DTYPES:
            raise ValueError(f"{name!r} is no data type of a file")
        return np.dtype(f"U{int(name[3:]) // 32}" if name.startswith("str") else name)

    @staticmethod
    def _slice(parts):
        if len(parts) != 3 or not all(part is None or type(part) is int for part in parts):
            raise ValueError(f"{parts} is no slice")
        return slice(*parts)


def check_parts(estimator):
    """Check that what is made of parts is made of named estimators, as it does itself in fit."""
    for attribute in ("steps", "transformer_list", "transformers"):
        parts = getattr(estimator, attribute, None)
        if parts is None or not hasattr(estimator, "_validate_names"):
            continue
        estimator._validate_names([part[0] for part in parts])
        for part in parts:
            known = hasattr(part[1], "fit") or part[1] in ("passthrough", "drop", None)
            if not known or not isinstance(part[0], str):
                raise ValueError(f"{part[0]!r} of {type(estimator).__name__} is no estimator")


def _check_columns(step, learned):
    """Check that one of scikit-learn's steps knows how many columns it takes, and their names."""
    named = [part[-1] for part in getattr(step, "transformers", ())]
    named = any(isinstance(column, str) for columns in named for column in np.atleast_1d(columns))
    for name, needed in (("n_features_in_", True), ("feature_names_in_", named)):
        if needed and name not in learned:
            raise ValueError(f"of what a {type(step).__name__} learns, {name} is missing")


def check_whole(estimator):
    """Check that an estimator is fitted with all its parts, each as wide as the one before it."""
    check_is_fitted(estimator)
    if isinstance(estimator, OneToOneFeatureMixin):
        check_is_fitted(estimator, "n_features_in_")  # by which it names what it returns
    steps = getattr(estimator, "steps", None) or getattr(estimator, "transformer_list", [])
    fitted = getattr(estimator, "transformers_", steps)
    parts = [part[1] for part in fitted if hasattr(part[1], "fit")]
    for part in parts:
        check_whole(part)
    for before, after in pairwise(parts):
        expected = getattr(after, "n_features_in_", None)
        if expected is None or fitted is not getattr(estimator, "steps", None):
            continue
        try:
            width = len(before.get_feature_names_out())
        except (AttributeError, ValueError):
            continue
        if width != expected:
            raise ValueError(
                f"a {type(before).__name__} gives {width} columns, but the {type(after).__name__} "
                f"behind it takes {expected}"
            )


def lines_of(cls, declared):
    """All that a class may learn and of what kinds, its bases' first."""
    lines = _OF_ALL | _OF_FITTED
    for base in reversed(cls.__mro__):
        lines = lines | declared.get(base.__name__, {}) | vars(base).get("_learned", {})
    return lines


def check_learned(estimator, learned, lines):
    """Check that learned attributes are those that the class declares, and fit each other.

    Parameters
    ----------
    estimator : estimator
        Its parameters are known.
    learned : dict of str to object
        Its learned attributes; a net may be left out.
    lines : dict of str to str
        What the class declares.

    Raises
    ------
    ValueError
        If one is unknown, missing, or of another kind or shape.
    """
    name = type(estimator).__name__
    unknown = sorted(learned.keys() - lines.keys())
    if unknown:
        raise ValueError(f"{', '.join(map(repr, unknown))} is not what a {name} learns")
    missing = [key for key, line in lines.items() if not is_optional(line) and key not in learned]
    missing = [key for key in missing if key != "net_"]
    if missing:
        raise ValueError(f"of what a {name} learns, {', '.join(missing)} is missing")
    sizes = {}
    for source in (estimator.get_params(deep=False), learned):
        sizes |= {key: value for key, value in source.items() if type(value) is int}
    for key, value in learned.items():
        check(f"{key} of {name}", value, lines[key], sizes)


def custom_paths(saved):
    """Import paths of all code that encoded values name."""
    if isinstance(saved, dict):
        if saved.keys() == {"custom"}:
            return {str(saved["custom"])}
        return set().union(*(custom_paths(value) for value in saved.values()))
    if isinstance(saved, list):
        return set().union(*(custom_paths(value) for value in saved))
    return set()


def import_path(value):
    """Where code comes from: its own path, or its class's."""
    named = value if inspect.isroutine(value) or inspect.isclass(value) else type(value)
    return f"{named.__module__}.{named.__qualname__}"

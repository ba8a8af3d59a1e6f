"""What is public, found by walking the packages' ``__all__``; tests, linter and docs ask here."""

import importlib
import inspect
import pkgutil
from functools import cached_property

from sklearn.base import BaseEstimator

import sklatent


def public_modules():
    """Return the public modules and packages of sklatent by full name, sklatent itself first."""
    found = {"sklatent": sklatent}
    queue = [sklatent]
    while queue:
        package = queue.pop(0)
        for name in getattr(package, "__all__", ()):
            value = getattr(package, name)
            if inspect.ismodule(value) and value.__name__ not in found:
                found[value.__name__] = value
                queue.append(value)
    return found


def public_objects():
    """Return each public class and function once, under the shortest name that leads to it."""
    found = {}
    for module_name, module in public_modules().items():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if (inspect.isclass(value) or inspect.isfunction(value)) and not any(
                value is known for known in found.values()
            ):
                found[f"{module_name}.{name}"] = value
    return dict(sorted(found.items()))


def public_estimators():
    """Return the public classes that are scikit-learn estimators, those that fit, by class name."""
    found = {}
    for name, value in public_objects().items():
        if inspect.isclass(value) and issubclass(value, BaseEstimator) and hasattr(value, "fit"):
            short = name.rpartition(".")[2]
            assert short not in found, f"two public estimators are called {short}"
            found[short] = value
    return dict(sorted(found.items()))


def public_methods(cls):
    """Return the names of a class's public methods and properties that are ours.

    What it inherits from another library is documented there.
    """
    names = []
    for name in dir(cls):
        if name.startswith("_"):
            continue
        owner = next(base for base in cls.__mro__ if name in vars(base))
        member = vars(owner)[name]
        if isinstance(member, staticmethod | classmethod):
            member = member.__func__
        member = getattr(member, "fn", member)  # what scikit-learn's available_if wraps
        documentable = inspect.isfunction(member) or isinstance(member, property | cached_property)
        if documentable and owner.__module__.partition(".")[0] == "sklatent":
            names.append(name)
    return names


def all_modules():
    """Import every module of sklatent, the private ones too, and return them by name."""
    names = [info.name for info in pkgutil.walk_packages(sklatent.__path__, "sklatent.")]
    return {name: importlib.import_module(name) for name in names}

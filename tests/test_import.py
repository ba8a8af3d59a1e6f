"""Importing sklatent is cheap, lazy, and says what it has."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import sklatent
from tests.discovery import all_modules, public_estimators, public_modules, public_objects
from tests.typed_names import LAZY, ROOT, found, wanted

NUMPY_ONLY = ["alignment", "channels", "datasets", "metrics", "plotting", "rosetta"]


def imported_after(statement):
    """Return the modules that a fresh interpreter has after a statement."""
    program = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


def test_import_loads_almost_nothing():
    modules = imported_after("import sklatent")
    assert not modules & {"torch", "numpy", "sklearn", "pandas", "matplotlib"}


@pytest.mark.parametrize("package", NUMPY_ONLY)
def test_numpy_only_parts_never_import_torch(package):
    # Every public name is looked at, since the packages are lazy themselves.
    names = f"m = sklatent.{package}; [getattr(m, name) for name in m.__all__]"
    modules = imported_after(f"import sklatent\n{names}")
    assert f"sklatent.{package}" in modules
    assert not modules & {"torch", "skorch", "matplotlib"}


def test_a_model_does_import_torch():
    """The tests above could not fail if the probe saw nothing."""
    assert "torch" in imported_after("import sklatent\nsklatent.VAE")


def test_every_public_name_resolves():
    for module in public_modules().values():
        names = module.__all__
        assert len(names) == len(set(names))
        for name in names:
            assert getattr(module, name) is not None
        assert set(names) <= set(dir(module))


def test_star_import():
    namespace = {}
    exec("from sklatent import *", namespace)
    assert set(sklatent.__all__) <= set(namespace)


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'sklatent' has no attribute 'Rosetta'"):
        _ = sklatent.Rosetta
    with pytest.raises(ImportError, match="cannot import name 'Rosetta'"):
        exec("from sklatent import Rosetta")


@pytest.mark.parametrize("path", LAZY, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_editors_see_what_the_table_says(path):
    """What is imported under TYPE_CHECKING, each as itself, is the lazy table, line by line."""
    lacks, has = wanted(path) - found(path), found(path) - wanted(path)
    assert not lacks | has, f"lacks {sorted(lacks)}, has {sorted(has)}: python -m tests.typed_names"
    assert len(LAZY) > 10


@pytest.mark.parametrize("cls", public_estimators().values(), ids=lambda cls: cls.__name__)
def test_editors_see_the_parameters(cls):
    """The signature is written in the class's file, not made when it runs."""
    for base in cls.__mro__:
        tree = ast.parse(Path(inspect.getsourcefile(base)).read_text())
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        (written,) = [node for node in classes if node.name == base.__name__]
        found_here = [node for node in written.body if getattr(node, "name", None) == "__init__"]
        if found_here:
            (init,) = found_here
            break
    assert not init.decorator_list
    names = [argument.arg for argument in [*init.args.args[1:], *init.args.kwonlyargs]]
    assert names == list(inspect.signature(cls).parameters)


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "py.typed").read_text() == ""


def test_no_public_looking_estimator_is_left_out():
    """An estimator without an underscore, wherever it is defined, is in some ``__all__``."""
    from sklearn.base import BaseEstimator
    from skorch import NeuralNet

    public = set(public_estimators().values())
    for name, module in all_modules().items():
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, BaseEstimator)
                and hasattr(value, "fit")
                and not issubclass(value, NeuralNet)
                and value.__module__ == name
                and not value.__name__.startswith("_")
            ):
                assert value in public, f"{name}.{value.__name__} is in no package's __all__"


def test_walk_finds_what_is_there():
    assert {"sklatent", "sklatent.models", "sklatent.metrics"} <= set(public_modules())
    assert {"VAE", "RosettaVAE", "LinearAligner"} <= set(public_estimators())
    assert {"sklatent.VAE", "sklatent.RosettaPoints", "sklatent.save"} <= set(public_objects())


def test_no_docstring_has_places_left_to_fill():
    """Shared text is put in for words in braces; what stays in doubled ones is published so."""
    for name, value in public_objects().items():
        for place in ('{{"', "{shared", "{n_components}"):
            assert place not in (value.__doc__ or ""), name

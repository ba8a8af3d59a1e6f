"""Validate every public docstring with numpydoc: ``python -m tests.docstrings``.

Which of numpydoc's checks apply is in pyproject.toml, under ``[tool.numpydoc_validation]``. Beyond
them, each class and function must have an example, which runs as a doctest.
"""

import inspect
import sys
import tomllib
from pathlib import Path

from numpydoc.validate import ERROR_MSGS, validate

from sklatent.likelihoods import Likelihood
from tests.discovery import public_methods, public_modules, public_objects


def enabled_checks():
    """Read the checks that pyproject.toml asks for."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    settings = tomllib.loads(text)["tool"]["numpydoc_validation"]["checks"]
    named = set(settings) - {"all"}
    return set(ERROR_MSGS) - named if "all" in settings else named


def documented_names():
    """Yield the name of everything public but modules: classes, their methods, and functions."""
    for name, value in public_objects().items():
        yield name
        if inspect.isclass(value):
            methods = public_methods(value)
            yield from (f"{name}.{m}" for m in methods if not says_what_is_its_own(value, m))


def says_what_is_its_own(cls, method):
    """Whether a likelihood's method has one line: the contract, in the base class, has the rest."""
    if not issubclass(cls, Likelihood) or cls is Likelihood:
        return False
    own = inspect.getdoc(getattr(cls, method)) or ""
    return bool(own) and "\n\n" not in own


def problems(name, checks):
    """List what is wrong with one docstring, each as numpydoc's code and its message."""
    result = validate(name)
    found = [(code, text) for code, text in result["errors"] if code in checks]
    if (
        result["type"] in ("type", "function")
        and name in public_objects()
        and "EX01" in {code for code, _ in result["errors"]}
    ):
        found.append(("EX01", "No examples section found"))
    return found


def main():
    """Print all problems and say how many docstrings there were."""
    checks = enabled_checks()
    names = list(documented_names())
    found = [(name, *problem) for name in names for problem in problems(name, checks)]
    found += [
        (name, "GL08", "The module does not have a docstring")
        for name, module in public_modules().items()
        if not module.__doc__
    ]
    for name, code, text in found:
        print(f"{name}: {code} {text}")
    print(f"{len(names)} public docstrings, {len(found)} problems")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

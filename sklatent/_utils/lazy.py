"""Load a package's public names on first use.

PyTorch takes seconds to import and much of sklatent never needs it. So no package here imports its
modules up front: it keeps a table of which module holds which name, and :pep:`562` does the rest.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping


def attach(
    package: str,
    names: Mapping[str, Iterable[str]],
    subpackages: Iterable[str] = (),
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Build the module attributes that make a package lazy.

    Parameters
    ----------
    package : str
        The package's own ``__name__``.
    names : mapping of str to iterable of str
        For each module, named relative to the package and without a leading dot, the public names
        it holds.
    subpackages : iterable of str, default=()
        Modules and packages directly below ``package`` that are public themselves.

    Returns
    -------
    getattr_ : callable
        To be bound to ``__getattr__``. It imports the module that holds the name and keeps the
        result in the package, so that it runs once for each name.
    dir_ : callable
        To be bound to ``__dir__``.
    all_ : list of str
        To be bound to ``__all__``.

    Examples
    --------
    In a package's ``__init__.py``::

        from sklatent._utils.lazy import attach

        __getattr__, __dir__, __all__ = attach(
            __name__,
            {
                "_linear": ["LinearAligner"],
                "_rigid": ["RigidAligner"],
            },
        )
    """
    home = {name: module for module, members in names.items() for name in members}
    subpackages = frozenset(subpackages)
    all_ = sorted(subpackages.union(home))

    def getattr_(name: str) -> object:
        if name in home:
            value = getattr(importlib.import_module(f"{package}.{home[name]}"), name)
        elif name in subpackages:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def dir_() -> list[str]:
        return sorted(set(vars(sys.modules[package])).union(all_))

    return getattr_, dir_, all_

"""What is installed here."""

import platform
from importlib import metadata

from sklatent._version import __version__

_PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "skorch", "safetensors", "pandas")


def installed_versions():
    """Versions of sklatent, of Python and of what numbers depend on, and the system, by name."""
    found = {"sklatent": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found | {"system": platform.platform()}

"""Warnings that point at whoever called the library."""

import sys
import warnings
from pathlib import Path

_OURS = str(Path(__file__).resolve().parents[1])
# Between a user's line and ours, scikit-learn's decorators.
_BETWEEN = (
    "sklearn/base.py",
    "sklearn/utils/_param_validation.py",
    "sklearn/utils/_set_output.py",
)


def warn_caller(message, category=UserWarning):
    """Warn, pointing at the innermost line that is not the library's own.

    Parameters
    ----------
    message : str
        What to say.
    category : type, default=UserWarning
        Kind of warning.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_ours(file):
    return file.startswith(_OURS) or file.replace("\\", "/").endswith(_BETWEEN)

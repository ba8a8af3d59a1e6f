"""Models and their parts in files that hold no code."""

from sklatent._utils.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, {"_save_load": ["load", "save"]})

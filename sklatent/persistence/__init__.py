"""Models and their parts in files that hold no code."""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.persistence._save_load import load as load
    from sklatent.persistence._save_load import save as save

__getattr__, __dir__, __all__ = attach(__name__, {"_save_load": ["load", "save"]})

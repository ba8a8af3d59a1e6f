"""Anchors that carry a latent space to other models and other data."""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.rosetta._points import RosettaPoints as RosettaPoints

__getattr__, __dir__, __all__ = attach(__name__, {"_points": ["RosettaPoints"]})

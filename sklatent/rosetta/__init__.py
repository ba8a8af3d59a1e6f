"""Anchors that carry a latent space to other models and other data."""

from sklatent._utils.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, {"_points": ["RosettaPoints"]})

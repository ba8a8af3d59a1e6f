"""Estimators that learn latent spaces."""

from sklatent._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_vae": ["VAE"],
        "_rosetta": ["RosettaVAE"],
    },
)

"""Estimators that learn latent spaces."""

from sklatent._utils.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_autoencoder": ["Autoencoder"],
        "_check": ["check_latent_model"],
        "_disentangling": ["BetaTCVAE", "DIPVAE", "FactorVAE"],
        "_ensemble": ["VAEEnsemble"],
        "_relative_autoencoder": ["RelativeAutoencoder"],
        "_transform": ["TransformVAE"],
        "_vae": ["VAE"],
        "_rosetta": ["RosettaVAE"],
    },
)

"""Estimators that learn latent spaces."""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.models._autoencoder import Autoencoder as Autoencoder
    from sklatent.models._base import LatentModel as LatentModel
    from sklatent.models._beta_tcvae import BetaTCVAE as BetaTCVAE
    from sklatent.models._check import check_latent_model as check_latent_model
    from sklatent.models._dip_vae import DIPVAE as DIPVAE
    from sklatent.models._ensemble import VAEEnsemble as VAEEnsemble
    from sklatent.models._factor_vae import FactorVAE as FactorVAE
    from sklatent.models._relative_autoencoder import RelativeAutoencoder as RelativeAutoencoder
    from sklatent.models._rosetta import RosettaVAE as RosettaVAE
    from sklatent.models._transform import TransformVAE as TransformVAE
    from sklatent.models._vae import VAE as VAE

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_autoencoder": ["Autoencoder"],
        "_base": ["LatentModel"],
        "_check": ["check_latent_model"],
        "_beta_tcvae": ["BetaTCVAE"],
        "_dip_vae": ["DIPVAE"],
        "_factor_vae": ["FactorVAE"],
        "_ensemble": ["VAEEnsemble"],
        "_relative_autoencoder": ["RelativeAutoencoder"],
        "_transform": ["TransformVAE"],
        "_vae": ["VAE"],
        "_rosetta": ["RosettaVAE"],
    },
)

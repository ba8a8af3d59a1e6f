"""Latent spaces that are reproducible, portable, alignable and comparable.

Every public class and function is loaded when it is first used, so ``import sklatent`` is as cheap
as an empty module and the parts that are plain numpy (:mod:`sklatent.metrics`,
:mod:`sklatent.alignment`, :mod:`sklatent.channels`, :mod:`sklatent.datasets`) never import PyTorch.

A package below this one becomes lazy in the same way, with :func:`sklatent._utils.lazy.attach`
and a table of which module holds which name; its own ``__all__`` comes from that table.
"""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach
from sklatent._version import __version__ as __version__

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent import alignment as alignment
    from sklatent import channels as channels
    from sklatent import datasets as datasets
    from sklatent import likelihoods as likelihoods
    from sklatent import metrics as metrics
    from sklatent import model_selection as model_selection
    from sklatent import models as models
    from sklatent import persistence as persistence
    from sklatent import plotting as plotting
    from sklatent import rosetta as rosetta
    from sklatent import transformations as transformations
    from sklatent._posterior import Posterior as Posterior
    from sklatent.alignment import GroupAligner as GroupAligner
    from sklatent.alignment import ICPAligner as ICPAligner
    from sklatent.alignment import LatentStitcher as LatentStitcher
    from sklatent.alignment import LinearAligner as LinearAligner
    from sklatent.alignment import RelativeProjection as RelativeProjection
    from sklatent.alignment import RigidAligner as RigidAligner
    from sklatent.alignment import StitchingAligner as StitchingAligner
    from sklatent.alignment import UnpairedAligner as UnpairedAligner
    from sklatent.alignment import alignment_report as alignment_report
    from sklatent.channels import ChannelFingerprints as ChannelFingerprints
    from sklatent.channels import ChannelHotspots as ChannelHotspots
    from sklatent.channels import ChannelSynthesizer as ChannelSynthesizer
    from sklatent.model_selection import IncrementalMap as IncrementalMap
    from sklatent.model_selection import ReproducibilityReport as ReproducibilityReport
    from sklatent.model_selection import retrain as retrain
    from sklatent.model_selection import retraining_report as retraining_report
    from sklatent.model_selection import sequential_study as sequential_study
    from sklatent.models import DIPVAE as DIPVAE
    from sklatent.models import VAE as VAE
    from sklatent.models import Autoencoder as Autoencoder
    from sklatent.models import BetaTCVAE as BetaTCVAE
    from sklatent.models import FactorVAE as FactorVAE
    from sklatent.models import RelativeAutoencoder as RelativeAutoencoder
    from sklatent.models import RosettaVAE as RosettaVAE
    from sklatent.models import TransformVAE as TransformVAE
    from sklatent.models import VAEEnsemble as VAEEnsemble
    from sklatent.persistence import load as load
    from sklatent.persistence import save as save
    from sklatent.rosetta import RosettaPoints as RosettaPoints

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "models": [
            "Autoencoder",
            "BetaTCVAE",
            "DIPVAE",
            "FactorVAE",
            "RelativeAutoencoder",
            "RosettaVAE",
            "TransformVAE",
            "VAE",
            "VAEEnsemble",
        ],
        "rosetta": ["RosettaPoints"],
        "_posterior": ["Posterior"],
        "alignment": [
            "GroupAligner",
            "ICPAligner",
            "LatentStitcher",
            "LinearAligner",
            "RelativeProjection",
            "RigidAligner",
            "StitchingAligner",
            "UnpairedAligner",
            "alignment_report",
        ],
        "channels": ["ChannelFingerprints", "ChannelHotspots", "ChannelSynthesizer"],
        "model_selection": [
            "IncrementalMap",
            "ReproducibilityReport",
            "retrain",
            "retraining_report",
            "sequential_study",
        ],
        "persistence": ["load", "save"],
    },
    subpackages=[
        "alignment",
        "channels",
        "datasets",
        "likelihoods",
        "metrics",
        "model_selection",
        "models",
        "persistence",
        "plotting",
        "rosetta",
        "transformations",
    ],
)
__all__ += ["__version__"]

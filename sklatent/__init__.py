"""Latent spaces that are reproducible, portable, alignable and comparable.

Every public class and function is loaded when it is first used, so ``import sklatent`` is as cheap
as an empty module and the parts that are plain numpy (:mod:`sklatent.metrics`,
:mod:`sklatent.alignment`, :mod:`sklatent.channels`, :mod:`sklatent.datasets`) never import PyTorch.

A package below this one becomes lazy in the same way, with :func:`sklatent._utils.lazy.attach`
and a table of which module holds which name; its own ``__all__`` comes from that table.
"""

from sklatent._utils.lazy import attach

__version__ = "0.2.0"

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

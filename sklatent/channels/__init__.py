"""Latent dimensions as communication channels: fingerprints, similarity, hotspots, synthesis.

A latent channel sends a message about each sample: its posterior. How well those messages tell the
samples of a data set apart (the Bhattacharyya coefficients of the posteriors, the channel's
fingerprint) says what the channel knows, whatever its axis is called and however it is bent.
"""

from sklatent._utils.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_coefficients": ["bhattacharyya_coefficients"],
        "_fingerprints": ["ChannelFingerprints"],
        "_hotspots": ["ChannelHotspots"],
        "_information": [
            "channel_information",
            "monte_carlo_information",
            "normalized_mutual_information",
            "variation_of_information",
        ],
        "_monte_carlo": ["monte_carlo_similarity"],
        "_similarity": ["channel_similarity"],
        "_synthesis": ["ChannelSynthesizer", "neighbor_distance_variability"],
    },
)

"""Latent dimensions as communication channels: fingerprints, similarity, hotspots, synthesis.

A latent channel sends a message about each sample: its posterior. How well those messages tell the
samples of a data set apart (the Bhattacharyya coefficients of the posteriors, the channel's
fingerprint) says what the channel knows, whatever its axis is called and however it is bent.
"""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.channels._coefficients import (
        bhattacharyya_coefficients as bhattacharyya_coefficients,
    )
    from sklatent.channels._fingerprints import ChannelFingerprints as ChannelFingerprints
    from sklatent.channels._hotspots import ChannelHotspots as ChannelHotspots
    from sklatent.channels._information import channel_information as channel_information
    from sklatent.channels._information import monte_carlo_information as monte_carlo_information
    from sklatent.channels._information import (
        normalized_mutual_information as normalized_mutual_information,
    )
    from sklatent.channels._information import variation_of_information as variation_of_information
    from sklatent.channels._monte_carlo import monte_carlo_similarity as monte_carlo_similarity
    from sklatent.channels._similarity import channel_similarity as channel_similarity
    from sklatent.channels._synthesis import ChannelSynthesizer as ChannelSynthesizer
    from sklatent.channels._synthesis import (
        neighbor_distance_variability as neighbor_distance_variability,
    )

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

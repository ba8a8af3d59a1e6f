"""Translating between latent spaces that are already trained.

:class:`LinearAligner`, :class:`RigidAligner`, :class:`ICPAligner` and :class:`StitchingAligner`
fit a map from one space to another; :class:`RelativeProjection` makes spaces comparable without
one; :class:`LatentStitcher` puts one model's encoder before another's decoder.
"""

from sklatent._utils.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_correspondence": ["class_mean_anchors", "matched_rows"],
        "_group": ["GroupAligner"],
        "_icp": ["ICPAligner"],
        "_linear": ["LinearAligner"],
        "_relative": ["RelativeProjection"],
        "_report": ["AlignmentReport", "alignment_report"],
        "_rigid": ["RigidAligner"],
        "_stitcher": ["LatentStitcher"],
        "_stitching": ["StitchingAligner"],
        "_unpaired": ["UnpairedAligner"],
    },
)

"""Translating between latent spaces that are already trained.

:class:`LinearAligner`, :class:`RigidAligner`, :class:`ICPAligner` and :class:`StitchingAligner`
fit a map from one space to another; :class:`RelativeProjection` makes spaces comparable without
one; :class:`LatentStitcher` puts one model's encoder before another's decoder.
"""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.alignment._correspondence import class_mean_anchors as class_mean_anchors
    from sklatent.alignment._correspondence import matched_rows as matched_rows
    from sklatent.alignment._group import GroupAligner as GroupAligner
    from sklatent.alignment._icp import ICPAligner as ICPAligner
    from sklatent.alignment._linear import LinearAligner as LinearAligner
    from sklatent.alignment._relative import RelativeProjection as RelativeProjection
    from sklatent.alignment._report import AlignmentReport as AlignmentReport
    from sklatent.alignment._report import alignment_report as alignment_report
    from sklatent.alignment._rigid import RigidAligner as RigidAligner
    from sklatent.alignment._stitcher import LatentStitcher as LatentStitcher
    from sklatent.alignment._stitching import StitchingAligner as StitchingAligner
    from sklatent.alignment._unpaired import UnpairedAligner as UnpairedAligner

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

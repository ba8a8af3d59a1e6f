"""Displays in scikit-learn's style: ``from_estimator``, ``from_predictions`` and ``plot(ax=...)``.

Importing this package does not import matplotlib; drawing does.
"""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.plotting._alignment_report import AlignmentReportDisplay as AlignmentReportDisplay
    from sklatent.plotting._embedding import EmbeddingDisplay as EmbeddingDisplay
    from sklatent.plotting._linear_map import LinearMapDisplay as LinearMapDisplay
    from sklatent.plotting._polarized_regime import PolarizedRegimeDisplay as PolarizedRegimeDisplay
    from sklatent.plotting._reachability import ReachabilityDisplay as ReachabilityDisplay
    from sklatent.plotting._reconstruction import ReconstructionDisplay as ReconstructionDisplay
    from sklatent.plotting._search import SearchDisplay as SearchDisplay
    from sklatent.plotting._similarity_matrix import (
        SimilarityMatrixDisplay as SimilarityMatrixDisplay,
    )
    from sklatent.plotting._transformation import TransformationDisplay as TransformationDisplay
    from sklatent.plotting._traversal import LatentTraversalDisplay as LatentTraversalDisplay

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_alignment_report": ["AlignmentReportDisplay"],
        "_embedding": ["EmbeddingDisplay"],
        "_linear_map": ["LinearMapDisplay"],
        "_polarized_regime": ["PolarizedRegimeDisplay"],
        "_reachability": ["ReachabilityDisplay"],
        "_reconstruction": ["ReconstructionDisplay"],
        "_search": ["SearchDisplay"],
        "_similarity_matrix": ["SimilarityMatrixDisplay"],
        "_transformation": ["TransformationDisplay"],
        "_traversal": ["LatentTraversalDisplay"],
    },
)

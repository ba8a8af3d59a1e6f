"""Displays in scikit-learn's style: ``from_estimator``, ``from_predictions`` and ``plot(ax=...)``.

Importing this package does not import matplotlib; drawing does.
"""

from sklatent._utils.lazy import attach

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

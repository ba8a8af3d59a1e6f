"""Retraining, and the studies and searches that rest on it."""

from sklatent._utils.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_fused_halving": ["FusedHalvingGridSearchCV"],
        "_fused_search": ["FusedGridSearchCV"],
        "_retraining": ["retrain", "retraining_report"],
        "_sequential_study": ["sequential_study"],
    },
)

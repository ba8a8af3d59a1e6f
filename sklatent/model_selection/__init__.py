"""Retraining, and the studies and searches that rest on it."""

from typing import TYPE_CHECKING

from sklatent._utils.lazy import attach

if TYPE_CHECKING:  # what the table below says, for editors and type checkers
    from sklatent.model_selection._fused_halving import (
        FusedHalvingGridSearchCV as FusedHalvingGridSearchCV,
    )
    from sklatent.model_selection._fused_search import FusedGridSearchCV as FusedGridSearchCV
    from sklatent.model_selection._incremental_map import IncrementalMap as IncrementalMap
    from sklatent.model_selection._reproducibility.report import (
        ReproducibilityReport as ReproducibilityReport,
    )
    from sklatent.model_selection._retraining import retrain as retrain
    from sklatent.model_selection._retraining import retraining_report as retraining_report
    from sklatent.model_selection._sequential_study import sequential_study as sequential_study

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_fused_halving": ["FusedHalvingGridSearchCV"],
        "_fused_search": ["FusedGridSearchCV"],
        "_incremental_map": ["IncrementalMap"],
        "_reproducibility.report": ["ReproducibilityReport"],
        "_retraining": ["retrain", "retraining_report"],
        "_sequential_study": ["sequential_study"],
    },
)

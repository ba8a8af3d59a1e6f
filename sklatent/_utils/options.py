"""Options of functions, checked as scikit-learn checks its own: one line for each name."""

import inspect
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    validate_params,
)


class _Whole(Interval):
    """Whole numbers between two, and no truth value for one of them."""

    def __init__(self, left, right, *, closed):
        super().__init__(Integral, left, right, closed=closed)

    def is_satisfied_by(self, val):
        """Whether a value is one of them."""
        return not isinstance(val, (bool, np.bool_)) and super().is_satisfied_by(val)


_YES_OR_NO = ["boolean"]
_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
_SHARE = [Interval(Real, 0, 1, closed="neither")]
# Of draws and bins, more than which nobody waits for.
COUNT = [_Whole(1, 10**7, closed="both")]
_SETTINGS = [dict, None]
_NAMES = ["array-like", None]
_ROWS = ["array-like", None]

# What a name means wherever it stands; a function says itself what means something else there.
_OPTIONS = {
    "X_reference": _ROWS,
    "Z_reference": _ROWS,
    "anchor_kwargs": _SETTINGS,
    "batch_size": [_Whole(2, 10**7, closed="both")],
    "beta": _NOT_NEGATIVE,
    "closed": _YES_OR_NO,
    "colorbar": _YES_OR_NO,
    "column_names": _NAMES,
    "component_names": _NAMES,
    "continuous_factors": _YES_OR_NO,
    "debiased": _YES_OR_NO,
    "diff_quantile": [Interval(Real, 0, 1, closed="both")],
    "encoder": [HasMethods("transform")],
    "evenly_spaced": _YES_OR_NO,
    "factor_bins": [_Whole(2, 10**4, closed="both"), None],
    "factor_names": _NAMES,
    "feature_names": _NAMES,
    "factor_similarity": _ROWS,
    "fused": _YES_OR_NO,
    "groups": _ROWS,
    "guides": _YES_OR_NO,
    "image_shape": [tuple, list, None],
    "image_size": [_Whole(1, 10**4, closed="both")],
    "imshow_kwargs": _SETTINGS,
    "kl_threshold": _NOT_NEGATIVE,
    "legend": _YES_OR_NO,
    "line_kwargs": _SETTINGS,
    "max_iter": [_Whole(1, None, closed="left")],
    "max_outside": [Interval(Real, 0, 1, closed="both")],
    "n_bins": [_Whole(2, 10**7, closed="both"), None],
    "n_draws": COUNT,
    "n_eval": COUNT,
    "n_inputs": COUNT,
    "n_jobs": [
        _Whole(None, -1, closed="right"),
        _Whole(1, 10**4, closed="both"),
        None,
    ],
    "n_points": COUNT,
    "n_runs": [*COUNT, None],
    "n_samples": COUNT,
    "n_train": COUNT,
    "noise_dims": [_Whole(0, 10**4, closed="both")],
    "n_values": [_Whole(1, 10**4, closed="both")],
    "names": _NAMES,
    "order": _ROWS,
    "pruning_threshold": _NOT_NEGATIVE,
    "random_state": ["random_state"],
    "relative": _YES_OR_NO,
    "return_X_y": _YES_OR_NO,
    "return_map": _YES_OR_NO,
    "return_pairwise": _YES_OR_NO,
    "return_parameters": _YES_OR_NO,
    "return_permutation": _YES_OR_NO,
    "return_samples": _YES_OR_NO,
    "rho": _NOT_NEGATIVE,
    "row_labels": ["array-like"],
    "scatter_kwargs": _SETTINGS,
    "sort": _YES_OR_NO,
    "test_size": [
        Interval(RealNotInt, 0, 1, closed="neither"),
        _Whole(1, None, closed="left"),
    ],
    "threshold": _NOT_NEGATIVE,
    "traversals": _ROWS,
    "value_range": ["array-like"],
    "weight": _NOT_NEGATIVE,
    "whole": _YES_OR_NO,
}


def check_options(**own):
    """Check the options of the function below by their names.

    Parameters
    ----------
    **own : list
        scikit-learn's constraints of options that the table does not have, or that mean something
        else here.

    Returns
    -------
    decorator : callable
        Takes a function and returns it with the checks before it.
    """

    def decorate(function):
        names = inspect.signature(function).parameters
        constraints = {name: _OPTIONS[name] for name in names if name in _OPTIONS} | own
        checked = validate_params(constraints, prefer_skip_nested_validation=False)
        return checked(function)

    return decorate

"""Which models may train as one stack."""

from sklearn.base import BaseEstimator

from sklatent.models._base import LatentModel
from sklatent.models._fitting import fit_stacked

_MAY_DIFFER = {"random_state", "verbose"}


def can_stack(models):
    """Whether models differ only in their seeds and loss hyperparameters.

    Callbacks of the user's own see one model's net, so that a model with callbacks trains
    alone, and so does one that continues from present weights.

    Parameters
    ----------
    models : list of estimators
        Unfitted models.

    Returns
    -------
    bool
        Whether :func:`fit_models` would stack them.
    """
    first = models[0]
    if len(models) < 2 or not all(type(model) is type(first) for model in models):
        return False
    if not isinstance(first, LatentModel) or not first._stackable:
        return False
    if any(model.callbacks or model.warm_start for model in models):
        return False
    may_differ = _MAY_DIFFER | set(first._loss_hyperparameters)
    common = first.get_params(deep=False)
    return all(
        _same(common[name], value)
        for model in models[1:]
        for name, value in model.get_params(deep=False).items()
        if name not in may_differ
    )


def _same(a, b):
    # Identity first: anchors are shared objects, whatever their equality.
    if a is b or type(a) is not type(b):
        return a is b
    if isinstance(a, BaseEstimator):  # transformations, which clones have copies of
        return _same(a.get_params(deep=False), b.get_params(deep=False))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


def fit_models(models, X, rows=None):
    """Fit models to the same data, as one stack where they can be.

    Parameters
    ----------
    models : list of LatentModel
        Unfitted models; they are fitted in place.
    X : array-like of shape (n_samples, n_features)
        Training data.
    rows : ndarray of shape (n_models, n_rows), default=None
        Each model's own rows of X; None is all rows for each.
    """
    if not can_stack(models):
        for k, model in enumerate(models):
            model.fit(X if rows is None else X[rows[k]])
        return
    for model in models:
        model._validate_params()
        validated = model._validate_training_data(X, reset=True)
    fit_stacked(models, validated, rows)

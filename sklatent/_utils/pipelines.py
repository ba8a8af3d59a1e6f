"""What lies behind Pipelines and searches."""

import numpy as np
from sklearn.pipeline import Pipeline


def last_step(model):
    """The model behind searches and Pipelines, and the fitted steps before it."""
    steps = []
    while True:
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif isinstance(model, Pipeline):
            fitted = [step for _, step in model.steps if step not in (None, "passthrough")]
            steps.extend(fitted[:-1])
            model = fitted[-1] if fitted else None
        else:
            break
    if isinstance(model, type) or not hasattr(model, "transform"):
        raise TypeError(
            f"model must be a fitted estimator with a transform method, got {model!r}, of type "
            f"{type(model).__name__}."
        )
    return model, steps


def reconstruct(estimator, X):
    """Rows as a fitted estimator decodes their latents, told their own covariates if it takes any.

    Parameters
    ----------
    estimator : estimator
        Fitted model, Pipeline or search, with `transform` and `inverse_transform`.
    X : array-like of shape (n_samples, n_features)
        Rows as they enter it.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
    """
    model, steps = last_step(estimator)
    columns = getattr(model, "covariates_", ())
    if not len(columns):
        return np.asarray(estimator.inverse_transform(np.asarray(estimator.transform(X))))
    for step in steps:
        X = step.transform(X)
    rows = X.iloc[:, columns] if hasattr(X, "iloc") else X[:, columns]
    decoded = model.inverse_transform(np.asarray(model.transform(X)), covariates=rows)
    for step in reversed(steps):
        decoded = step.inverse_transform(decoded)
    return np.asarray(decoded)


def without_covariates(estimator, table):
    """A table without the columns that the model behind an estimator is told, as an array."""
    try:
        columns = getattr(last_step(estimator)[0], "covariates_", ())
    except TypeError:
        columns = ()
    return np.delete(np.asarray(table), columns, axis=-1) if len(columns) else table

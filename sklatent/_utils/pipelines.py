"""What lies behind Pipelines and searches."""

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

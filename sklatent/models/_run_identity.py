"""What a fit is known by, so that an interrupted one is found again, and by no other."""

import os

from sklatent._utils.sparse import contents
from sklatent._utils.warn import warn_caller
from sklatent.nn.training.checkpoint import Checkpoint
from sklatent.nn.training.identity import UnidentifiableError, identify, run_digest
from sklatent.nn.training.randomness import draw_seed

# Parameters that change neither the weights nor their path.
_IRRELEVANT = {"verbose", "checkpoint_dir", "warm_start", "callbacks", "random_state", "device"}


def seeds_and_checkpoint(models, X, rows, keys, resume):
    """Seeds of the models, and the checkpoint of their run where one is kept.

    Parameters
    ----------
    models : list of LatentModel
        That are trained together.
    X, rows, keys : object
        As of :class:`sklatent.models._training.Training`.
    resume : bool
        Whether they go on from present weights.

    Returns
    -------
    seeds : list of int
        One for each.
    checkpoint : Checkpoint or None
        Where the run leaves its state.
    """
    first = models[0]
    directory = first.checkpoint_dir
    if resume:
        seeds = [model._seed for model in models]
    elif directory is not None and any(m.random_state is None for m in models):
        seeds = None  # the checkpoint may hold the seed that was drawn
    else:
        seeds = [draw_seed(model.random_state) for model in models]
    if directory is None or resume:
        # A continued fit is not resumable: it depends on more than its data and parameters.
        return seeds, None
    try:
        description = {
            "classes": [identify(type(model)) for model in models],
            "parameters": [_describe(model) for model in models],
            "callbacks": identify(first.callbacks or []),
            "seeds": seeds,
        }
    except UnidentifiableError as error:
        warn_caller(
            f"checkpoint_dir is not used: a parameter holds {error}, of which nothing tells "
            "whether it is the same in the next process. Give a function or a class that is "
            "written in Python."
        )
        return seeds or [draw_seed(model.random_state) for model in models], None
    arrays = [*contents(X), *(array for array in (rows, keys) if array is not None)]
    checkpoint = Checkpoint(os.fspath(directory), run_digest(description, arrays))
    if checkpoint.seeds is None:
        checkpoint.seeds = seeds or [draw_seed(model.random_state) for model in models]
    return checkpoint.seeds, checkpoint


def _describe(model):
    """Name the parameters that determine a fit."""
    parameters = model.get_params(deep=False)
    return {n: identify(v) for n, v in sorted(parameters.items()) if n not in _IRRELEVANT}

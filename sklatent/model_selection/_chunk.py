"""Some of a search's fits, whose models train together: what one process does at a time."""

import time
import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import numpy as np
from joblib import parallel_config
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import _safe_split

from sklatent._utils.names import row_keys
from sklatent.models._base import LatentModel
from sklatent.models._fit_together import (
    Schedule,
    fit_noted,
    fits_plainly,
    losses_of,
    validated,
    validated_like,
)
from sklatent.models._parameters import copies
from sklatent.models._plan import Plan, Trained
from sklatent.nn.training.devices import suitable_threads


@dataclass
class Chunk:
    """Calls of scikit-learn's that fit and score, of one kind.

    Attributes
    ----------
    calls : list of (function, arguments, settings)
        As joblib has them.
    one_thread : bool
        Whether other processes use the other cores.
    total, until : int or None
        Epochs in all, and for now, where training goes on later.
    states : dict of int to (PausedState, int)
        Where training has begun, by number of the call: a state of several models, and which of
        them it is.
    """

    calls: list
    one_thread: bool = False
    total: int | None = None
    until: int | None = None
    states: dict = field(default_factory=dict)

    def arguments(self):
        """What `run_chunk` is sent: data by themselves, so that they travel once."""
        X, y = self.calls[0][1][1:] if len(self.calls[0][1]) == 3 else (None, None)
        short = []
        for function, arguments, settings in self.calls:
            same = len(arguments) == 3 and arguments[1] is X and arguments[2] is y
            short.append((function, arguments[:1] if same else arguments, settings))
        rest = Chunk(short, self.one_thread, self.total, self.until, self.states)
        return X, y, rest


@dataclass
class ChunkResult:
    """What a chunk gives back.

    Attributes
    ----------
    outs : list
        Of the calls.
    n_stacked : int
        Fits that were trained together.
    seconds : float
        That preparing and training them took.
    messages : list of str
        Warnings.
    unconverged : list of str
        Of each call that warned of it, what it said first.
    states : dict of int to (PausedState, int)
        What training goes on from later.
    losses : dict of int to dict
        Losses of each epoch so far.
    """

    outs: list
    n_stacked: int = 0
    seconds: float = 0.0
    messages: list = field(default_factory=list)
    unconverged: list = field(default_factory=list)
    states: dict = field(default_factory=dict)
    losses: dict = field(default_factory=dict)


def run_chunk(X, y, chunk):
    """Train what can be trained together; then let each call fit, which finds it done, and score.

    Parameters
    ----------
    X, y : array-like
        Of all calls.
    chunk : Chunk
        The calls, without X and y.

    Returns
    -------
    ChunkResult
        In the calls' order.
    """
    calls = [
        (function, arguments if len(arguments) != 1 else (*arguments, X, y), settings)
        for function, arguments, settings in chunk.calls
    ]
    threads = suitable_threads(0.0) if chunk.one_thread else nullcontext()
    result = ChunkResult([])
    with threads, parallel_config(backend="threading"):
        turns = _trained_ahead(calls, chunk, result)
        for number, (function, arguments, settings) in enumerate(calls):
            if number in turns:
                arguments, settings = _marked(arguments, settings, turns[number])
            with _convergence_noted(result):
                result.outs.append(function(*arguments, **settings))
    return result


@contextmanager
def _convergence_noted(result):
    """Keep what a call warns of in vain training, which the search says once; pass on the rest."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    result.unconverged += _of_convergence(caught)[:1]
    _warn_again(caught, ConvergenceWarning)


def _of_convergence(caught):
    return [str(w.message) for w in caught if issubclass(w.category, ConvergenceWarning)]


def _warn_again(caught, *but):
    for w in caught:
        if not issubclass(w.category, but):
            warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)


def _trained_ahead(calls, chunk, result):
    """Turns of the calls that take their models from a plan; others find them in themselves."""
    paused = chunk.until is not None
    if (len(calls) < 2 and not paused) or not all(len(call[1]) == 3 for call in calls):
        return {}
    start, plan = time.perf_counter(), Plan()
    folds, turns = {}, {}
    for number, call in enumerate(calls):
        if not _note(call, number, plan, folds):
            turns[number] = plan.turn(number)
            _rehearse(call, turns[number])
    schedule = Schedule(chunk.total, chunk.until, dict(chunk.states)) if paused else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trained = fit_noted(plan, schedule)
    result.messages += [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)]
    result.unconverged += _of_convergence(caught)
    _warn_again(caught, RuntimeWarning, ConvergenceWarning)
    for fit in trained:
        if fit.asked is None:
            fit.model._trained = Trained(fit.failure)
    plan.offer(trained)
    result.n_stacked = sum(fit.failure is None for fit in trained)
    result.seconds = time.perf_counter() - start
    if paused:
        result.states = schedule.states
        result.losses = {fit.turn: losses_of(fit.model) for fit in trained if fit.failure is None}
    return turns


def _note(call, number, plan, folds):
    """Note the fit of a model that is the whole estimator; False where that takes a rehearsal.

    Of such a model it is known what its fit will do, and the models of a chunk are alike, so that
    data are validated once for each fold.
    """
    (model, X, y), settings = call[1], call[2]
    train = settings["train"]
    plain = isinstance(train, np.ndarray) and not settings.get("fit_params")
    if not (plain and fits_plainly(model)):
        return False
    try:
        model.set_params(**copies(settings["parameters"]))
        fold = train.tobytes()
        if fold not in folds:
            rows = _safe_split(model, X, y, train)[0]
            folds[fold] = model, validated(model, rows), row_keys(rows)
        else:
            validated_like(model, *folds[fold][:2])
    except Exception:
        return False  # its own fit will say what is wrong
    plan.note(number, model, *folds[fold][1:])
    return True


def _rehearse(call, turn):
    """Let a call come to its fit, which notes its data and does not train."""
    function, arguments, settings = call
    arguments, settings = _marked(arguments, settings, turn)
    vars(arguments[0]).pop("_skl_callbacks", None)
    quiet = {"verbose": 0, "error_score": "raise"}
    if "callback_ctx" in settings:
        quiet["callback_ctx"] = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function(*arguments, **settings | quiet)
        except Exception:
            # Every fit "fails" here, and what truly fails does so again in its turn.
            return


def _marked(arguments, settings, turn):
    """Arguments of a call whose models, and those that a candidate puts in, have the turn."""
    estimator, *rest = arguments
    estimator = clone(estimator)
    _mark(estimator, turn)
    parameters = settings["parameters"]
    if parameters and any(isinstance(value, BaseEstimator) for value in parameters.values()):
        parameters = copies(parameters)
        for value in parameters.values():
            if isinstance(value, BaseEstimator):
                _mark(value, turn)
    return (estimator, *rest), settings | {"parameters": parameters}


def _mark(estimator, turn):
    for model in models_in(estimator):
        model._plan = turn


def models_in(estimator):
    """Models of this package inside an estimator that it may fit, itself included."""
    parts = [estimator, *estimator.get_params().values()]
    # What is fitted already is where another one starts.
    models = [part for part in parts if isinstance(part, LatentModel)]
    return [model for model in models if not model.__sklearn_is_fitted__()]


def holds_model(estimator, parameters):
    """Whether a model of this package is anywhere inside, or in what a candidate puts there."""
    inside = [estimator, *estimator.get_params().values(), *(parameters or {}).values()]
    return any(isinstance(part, LatentModel) for part in inside)

"""Fits whose turn has not come yet: noted first, trained together, and handed over in their turn.

A search fits one model after the other, each where its own loop has prepared the data. To train
them as stacks without a search of our own, the loop runs twice. First every ``fit`` of a model
is *noted*: its parameters and its data, and an exception in place of training. Then the models
that can stack are trained. When the loop runs again, each ``fit`` finds its model *offered* and
takes it over.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

from sklatent._utils.sparse import contents
from sklatent.models._parameters import same_parameters
from sklatent.nn.training.identity import run_digest

_notes = ContextVar("notes", default=None)
# Seen by all threads, since those of a search do not share its context.
_offers = []
_lock = Lock()


class NotedError(Exception):
    """In place of training: this fit is noted and comes later."""


class Notes:
    """Fits to come: models, and the data of each, held once for those that share them."""

    def __init__(self):
        self.fits = []
        self.data = {}

    def add(self, model, X, keys=None):
        """Note one fit.

        Parameters
        ----------
        model : LatentModel
            Validated, not trained.
        X : ndarray of shape (n_samples, n_features)
            Validated data.
        keys : ndarray of uint64 of shape (n_samples,), default=None
            Keys of the rows, where they have names.
        """
        key = _digest(X, keys)
        self.data.setdefault(key, (X, keys))
        self.fits.append((model, key))


@contextmanager
def noting():
    """Within, models that are fitted in this thread are noted and raise :class:`NotedError`.

    Yields
    ------
    Notes
        What was noted.
    """
    notes = Notes()
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


@contextmanager
def offering(fits):
    """Within, whoever fits the same model to the same data takes over what is offered.

    Parameters
    ----------
    fits : list of (model, key)
        Trained models.
    """
    with _lock:
        _offers.extend(fits)
    try:
        yield
    finally:
        with _lock:
            taken = {id(offer) for offer in fits}
            _offers[:] = [offer for offer in _offers if id(offer) not in taken]


def _digest(X, keys):
    return run_digest("ahead", contents(X) if keys is None else [*contents(X), keys])


def note_or_take_over(model, X, keys=None):
    """What a ``fit`` asks before it trains.

    Parameters
    ----------
    model : LatentModel
        Validated.
    X : ndarray of shape (n_samples, n_features)
        Validated data.
    keys : ndarray of uint64 of shape (n_samples,), default=None
        Keys of the rows, where they have names.

    Returns
    -------
    bool
        Whether the model is trained already.

    Raises
    ------
    NotedError
        If fits are being noted.
    """
    notes = _notes.get()
    if notes is not None:
        notes.add(model, X, keys)
        raise NotedError
    if not _offers:
        return False
    key = _digest(X, keys)
    with _lock:
        for k, (trained, trained_key) in enumerate(_offers):
            alike = type(trained) is type(model) and key == trained_key
            if alike and same_parameters(trained, model):
                del _offers[k]
                break
        else:
            return False
    parameters = model.get_params(deep=False)
    vars(model).update({n: v for n, v in vars(trained).items() if n not in parameters})
    return True

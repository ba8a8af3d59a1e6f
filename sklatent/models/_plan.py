"""A search's fits: recorded first, trained together, then handed to the search one by one.

A search fits one model after the other, each where its own loop has prepared the data. To train
them as stacks without a search of our own, each such *turn* runs twice. First every ``fit`` of a
model is *noted*: its parameters and its data, and an exception in place of training. Then the
models that can stack are trained. When the turn comes again, each ``fit`` finds its model *offered*
and takes it over. The turn travels with its own models and their clones, and a ``fit`` takes it off
its model: no other model and no other thread can meet it.
"""

from copy import copy, deepcopy
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sklatent._utils.arrays import same_bits
from sklatent._utils.sparse import contents
from sklatent.models._parameters import same_parameters


class NotedError(Exception):
    """In place of training: this fit is noted and comes later."""


@dataclass
class NotedFit:
    """A fit to come, or one that is trained already.

    Attributes
    ----------
    turn : int
        In which turn.
    model : LatentModel
        The model that asked; it is what is trained.
    asked : LatentModel or None
        Its parameters, as they were then; None where it will be marked as trained.
    data : int
        Which of the plan's data it is to be trained on.
    failure : Exception or None
        What training it ended in.
    """

    turn: int
    model: Any
    asked: Any
    data: int
    failure: Exception | None = None


class Plan:
    """The fits of some turns, and their data, held once for those that share them."""

    def __init__(self):
        self.fits = []
        self.data = []
        self._offers = None
        self._lock = Lock()

    def turn(self, number):
        """What the models of one turn are given."""
        return Turn(self, number)

    def offer(self, fits):
        """End the noting; from now on, whoever fits the same in the same turn takes it over.

        Parameters
        ----------
        fits : list of NotedFit
            Trained ones.
        """
        self._offers = [fit for fit in fits if fit.asked is not None]
        self.fits = []

    def note(self, number, model, X, keys):
        """Note the fit of a model that will be marked as trained, and not be offered.

        Parameters
        ----------
        number : int
            The turn.
        model : LatentModel
            Validated, and alike to all others that are noted here.
        X, keys : object
            As of :meth:`Turn.note_or_take_over`.
        """
        self.fits.append(NotedFit(number, model, None, self._find(X, keys)))

    def note_or_take_over(self, number, model, X, keys):
        """Answer for :meth:`Turn.note_or_take_over`."""
        with self._lock:
            if self._offers is None:
                # A RandomState advances while a model trains: what was asked for is kept.
                asked = copy(model)
                asked.random_state = deepcopy(model.random_state)
                self.fits.append(NotedFit(number, model, asked, self._find(X, keys)))
                raise NotedError
            for k, fit in enumerate(self._offers):
                alike = fit.turn == number and type(fit.asked) is type(model)
                if (
                    alike
                    and same_parameters(fit.asked, model)
                    and _same_data(self.data[fit.data], (X, keys))
                ):
                    del self._offers[k]
                    break
            else:
                return False
        if fit.failure is not None:
            raise fit.failure
        parameters = set(model.get_params(deep=False)) - {"random_state"}
        learned = vars(fit.model)
        vars(model).update({n: v for n, v in learned.items() if n not in parameters})
        return True

    def _find(self, X, keys):
        """Number of these data, which are kept if they are new."""
        for k, known in enumerate(self.data):
            if _same_data(known, (X, keys)):
                return k
        self.data.append((X, keys))
        return len(self.data) - 1


class Trained:
    """What a model is marked by whose next fit has been trained already.

    Parameters
    ----------
    failure : Exception or None
        What training ended in.
    """

    def __init__(self, failure):
        self.failure = failure

    def __call__(self):
        """End the fit as training did."""
        if self.failure is not None:
            raise self.failure


class Turn:
    """The plan, and which turn it is: what travels with a model."""

    def __init__(self, plan, number):
        self.plan = plan
        self.number = number

    def __deepcopy__(self, memo):
        # Candidates that a grid puts in are deep-copied, and belong to the same turn.
        return self

    def note_or_take_over(self, model, X, keys=None):
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
        return self.plan.note_or_take_over(self.number, model, X, keys)


def _same_data(known, new):
    """Whether rows and their keys are the same to the bit."""
    (X, keys), (other, other_keys) = known, new
    if (
        type(X) is not type(other)
        or X.shape != other.shape
        or (keys is None) != (other_keys is None)
    ):
        return False
    pairs = [*zip(contents(X), contents(other), strict=True)]
    if keys is not None:
        pairs.append((keys, other_keys))
    return all(same_bits(a, b) for a, b in pairs)

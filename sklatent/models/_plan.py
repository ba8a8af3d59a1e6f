"""Fits whose turn has not come yet: noted first, trained together, and handed over in their turn.

A search fits one model after the other, each where its own loop has prepared the data. To train
them as stacks without a search of our own, the loop runs twice. First every ``fit`` of a model
is *noted*: its parameters and its data, and an exception in place of training. Then the models
that can stack are trained. When the loop runs again, each ``fit`` finds its model *offered* and
takes it over. The plan travels with the search's own models and their clones, and a ``fit``
takes it off its model: no other model and no other thread can meet it.
"""

from copy import copy, deepcopy
from threading import Lock

from sklatent._utils.sparse import contents
from sklatent.models._parameters import same_parameters
from sklatent.nn.training.identity import run_digest


class NotedError(Exception):
    """In place of training: this fit is noted and comes later."""


class Plan:
    """One search's fits: models, and the data of each, held once for those that share them."""

    def __init__(self):
        self.fits = []
        self.data = {}
        self._offers = None
        self._lock = Lock()

    def __deepcopy__(self, memo):
        # Candidates that a grid puts in are deep-copied, and belong to the same search.
        return self

    def offer(self, fits):
        """End the noting; from now on, whoever fits the same to the same data takes it over.

        Parameters
        ----------
        fits : list of (model, key, asked)
            Trained models, and the parameters that they began with.
        """
        self._offers = list(fits)
        self.fits, self.data = [], {}

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
        if self._offers is not None and not self._offers:
            return False
        key = run_digest("ahead", contents(X) if keys is None else [*contents(X), keys])
        with self._lock:
            if self._offers is None:
                # A RandomState advances while a model trains: what was asked for is kept.
                asked = copy(model)
                asked.random_state = deepcopy(model.random_state)
                self.data.setdefault(key, (X, keys))
                self.fits.append((model, key, asked))
                raise NotedError
            for k, (trained, trained_key, asked) in enumerate(self._offers):
                alike = type(trained) is type(model) and key == trained_key
                if alike and same_parameters(asked, model):
                    del self._offers[k]
                    break
            else:
                return False
        parameters = set(model.get_params(deep=False)) - {"random_state"}
        vars(model).update({n: v for n, v in vars(trained).items() if n not in parameters})
        return True

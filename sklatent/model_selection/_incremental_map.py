"""Monday's map on Tuesday's data: learn new rows while the coordinates stay."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
    clone,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from sklatent._utils.arrays import plain, to_array
from sklatent._utils.pipelines import last_step
from sklatent._utils.random import local_random_state
from sklatent.model_selection._new_covariates import NewCovariates, beside, encoded, widened
from sklatent.model_selection._strategies import (
    STRATEGIES,
    is_ours,
    judged,
    learn,
    learn_covariates,
    possible_strategies,
)
from sklatent.rosetta import RosettaPoints

_JUDGES = 0.2  # of the new rows, by which "auto" chooses
_LEAST_JUDGES = 10


class IncrementalMap(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Learn new data with every `partial_fit` while the map of the first data stays.

    The first fit is the estimator's own, and anchors are distilled from it. Each later batch of
    rows is learned by one of four strategies, all of which keep the coordinates of the first fit:

    * ``"freeze"``: the encoder stays as it is, and the decoder learns the new rows; or, where these
      have covariates that are new (``partial_fit(X, covariates=...)``), all that is known stays as
      it is, and only what encoder and decoder make of the new covariates is learned;
    * ``"warm_start"``: training goes on from the present weights, held by the anchors;
    * ``"rosetta"``: a new model, started at the anchors and held by them;
    * ``"align"``: a new model, and a linear map through the anchors.

    Parameters
    ----------
    estimator : estimator
        A model such as :class:`VAE`, or a Pipeline that ends in one, whose earlier steps are
        frozen after the first fit. Other transformers can be learned by ``"align"``, or stay as
        they are by ``"freeze"``.

    n_points : int, default=64
        Number of anchors, or the number of rows if that is smaller.

    strategy : {"auto", "freeze", "warm_start", "rosetta", "align"}, default="auto"
        How later rows are learned. ``"auto"`` tries all that the estimator can. Of those that move
        the map by no more than `tolerance`, or of all if there are none, it takes the one with the
        greatest bound on a fifth of the new rows, left out, minus how far the map moved: both in
        nats, see `shift_`.

    rho : float, default=1.0
        Weight of the anchors in training, see :class:`RosettaVAE`.

    tolerance : float, default=0.05
        By how much ``"auto"`` may move the map, as a share of the anchors' variance: the greater of
        `moved` and `moved_new` in `shift_`. 0 is a frozen encoder.

    random_state : int, RandomState instance or None, default=None
        Determines which anchors are chosen and which rows are left out. The estimator has its own.

    Attributes
    ----------
    model_ : estimator
        The present model.

    aligner_ : LinearAligner or None
        From its latents into the map, where it was learned by ``"align"``.

    steps_ : Pipeline or None
        The fitted steps before the model.

    points_ : RosettaPoints
        Anchors of the first fit.

    new_covariates_ : ndarray of str or int
        Covariates that later data brought, by name, or by position where X has no names.

    shift_ : pandas.DataFrame
        A row for each update and each strategy tried. `moved`: the mean squared distance of
        held-out anchors from where the first model had them, as a share of the anchors' variance;
        smaller is better. `moved_new`: the same of the new rows, from where the present model has
        them. `moved_nats`: the greater of both in units of the posteriors' variance, halved.
        `bound`: the bound on new rows left out under ``"auto"``, or else on all of them, in nats a
        row; greater is better. `chosen`: whether it was taken.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X has names that are all strings.

    See Also
    --------
    RosettaVAE : Where only the anchors travel, and not the model.

    References
    ----------
    .. [1] Martinez & Pearson, Reproducible, incremental representation learning with Rosetta VAE,
       2022, section 3.2.
    .. [2] Lotfollahi et al., Mapping single-cell data to reference atlases by transfer learning,
       2022: frozen encoders.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import VAE, IncrementalMap
    >>> X = load_digits().data / 16
    >>> monday, tuesday = X[:900], X[900:]
    >>> learner = IncrementalMap(
    ...     VAE(2, max_epochs=5, random_state=0), strategy="warm_start", random_state=0
    ... )
    >>> Z = learner.fit(monday).transform(monday)
    >>> moved = ((learner.partial_fit(tuesday).transform(monday) - Z) ** 2).mean() / Z.var()
    >>> bool(moved < 0.05)
    True
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "transform"])],
        "n_points": [Interval(Integral, 1, None, closed="left")],
        "strategy": [StrOptions({"auto", *STRATEGIES})],
        "rho": [Interval(Real, 0, None, closed="left")],
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator,
        *,
        n_points=64,
        strategy="auto",
        rho=1.0,
        tolerance=0.05,
        random_state=None,
    ):
        self.estimator = estimator
        self.n_points = n_points
        self.strategy = strategy
        self.rho = rho
        self.tolerance = tolerance
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Learn the map, anew, and distil its anchors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The first data.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted map.
        """
        return self._fit_first(X)

    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y=None, covariates=None):
        """Learn further rows while the map stays; the first call is `fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            New data.
        y : None
            Ignored.
        covariates : int, str, slice or array-like, default=None
            Columns of `X` that earlier data did not have, such as a new batch's, coded as 1 in its
            rows and 0 elsewhere: names, or positions behind the known columns. Earlier rows
            have 0 there, stay where they are to the bit, and are given as before, without them.

        Returns
        -------
        self : object
            The map.

        Raises
        ------
        ValueError
            If the estimator can't be updated by `strategy`, or `covariates` are not new.
        """
        if not self.__sklearn_is_fitted__():
            if covariates is not None:
                raise ValueError(
                    "covariates= names columns that are new since the first fit, and this is the "
                    "first. Set the estimator's own covariates parameter."
                )
            return self._fit_first(X)
        if covariates is not None:
            return self._learn_covariates(X, covariates)
        inputs = self._inputs(X)
        possible = possible_strategies(self.model_)
        if self.strategy not in ("auto", *possible):
            raise ValueError(
                f"strategy={self.strategy!r} needs a VAE or a RosettaVAE as the model, got "
                f"{type(self.model_).__name__}. Take one of {possible}, or 'auto'."
            )
        update = self._next_update()
        train, judges = self._split(inputs, update)
        tried = {}
        for strategy in possible if self.strategy == "auto" else [self.strategy]:
            found = self._learn(strategy, train)
            tried[strategy] = found, self._judge(found, train, judges)
        judged_rows = {name: row for name, (_, row) in tried.items()}
        holds = {
            name: row
            for name, row in judged_rows.items()
            if max(row["moved"], row["moved_new"]) <= self.tolerance
        }
        chosen = max(holds or judged_rows, key=lambda name: judged_rows[name]["worth"])
        found, _ = tried[chosen]
        if train is not inputs:
            found = self._learn(chosen, inputs)
        if found[0] is not self.model_:
            self._bases = []
        self.model_, self.aligner_ = found
        for name, row in judged_rows.items():
            self._note(update, name, row, name == chosen)
        return self

    def _learn_covariates(self, X, covariates):
        """The same model, told of further columns."""
        if self.strategy not in ("auto", "freeze"):
            raise ValueError(
                f"strategy={self.strategy!r} can't learn new covariates while the map stays; take "
                "'freeze' or 'auto'."
            )
        if not is_ours(self.model_) or self.aligner_ is not None:
            what = "an aligned model" if self.aligner_ is not None else type(self.model_).__name__
            raise ValueError(
                f"New covariates need a VAE or a RosettaVAE that holds the map itself; it is now "
                f"{what}. Fit anew with all batches, or take a VAE and strategy='freeze'."
            )
        X = self._table(X)
        before = self.new_covariates_
        new = self._new.found(covariates, X)
        self.new_covariates_ = np.array([*before, *new])
        try:
            inputs = self._inputs(X)
            model = learn_covariates(self.model_, inputs, len(new))
            without = _safe_indexing(inputs, np.arange(inputs.shape[1] - len(new)), axis=1)
            row = self._judge((model, None), inputs, inputs, without)
        except BaseException:
            self.new_covariates_ = before
            raise
        self._bases = [*self._bases, self.model_]
        self.model_ = model
        self._note(self._next_update(), "freeze", row, True)
        return self

    def _next_update(self):
        return 1 + max([row["update"] for row in self._updates], default=0)

    def _note(self, update, strategy, row, chosen):
        row = {"update": update, "strategy": strategy, **row, "chosen": chosen}
        del row["worth"]
        self._updates.append(row)

    def transform(self, X):
        """Place rows in the map.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Coordinates.
        """
        check_is_fitted(self)
        return self._place(self.model_, self.aligner_, self._inputs(X))

    def inverse_transform(self, X):
        """Decode coordinates of the map by the present model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Coordinates.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            What is decoded there.
        """
        check_is_fitted(self)
        if self.aligner_ is not None:
            X = np.asarray(self.aligner_.inverse_transform(X))
        decoded = np.asarray(self.model_.inverse_transform(X))
        if len(self.new_covariates_):  # told of none of them
            decoded = decoded[:, : -len(self.new_covariates_)]
        return (
            decoded if self.steps_ is None else np.asarray(self.steps_.inverse_transform(decoded))
        )

    @available_if(lambda self: hasattr(last_estimator(self.estimator), "score"))
    def score(self, X, y=None):
        """The present model's score: for ours the mean bound, in nats a row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data.
        y : None
            Ignored.

        Returns
        -------
        score : float
            Greater is better.
        """
        check_is_fitted(self)
        return self.model_.score(self._inputs(X))

    @property
    def shift_(self):
        """How far each update moved the map, a row for each strategy tried."""
        import pandas as pd

        check_is_fitted(self)
        columns = ["update", "strategy", "moved", "moved_new", "moved_nats", "bound", "chosen"]
        return pd.DataFrame(self._updates, columns=columns)

    # The first fit

    def _fit_first(self, X):
        X = self._table(X)
        validate_data(self, X, skip_check_array=True)
        fitted = clone(self.estimator).fit(X)
        model, steps = last_step(fitted)
        self.points_ = RosettaPoints.distill(
            fitted, X, min(self.n_points, X.shape[0]), random_state=self._generator(0)
        )
        self.model_, self.aligner_, self._updates = model, None, []
        self.new_covariates_ = np.empty(0, dtype=int)
        # What the present model grew from, the last one its parent: each was told less.
        self._bases = []
        named = [(f"step{i}", step) for i, step in enumerate(steps)]
        self.steps_ = Pipeline(named) if named else None
        return self

    def _generator(self, update):
        """Draws of an update: the same ones when the same rows come again in the same order."""
        if isinstance(self.random_state, (int, np.integer)):
            return np.random.RandomState([self.random_state, update])
        return local_random_state(self.random_state)

    @staticmethod
    def _table(X):
        return plain(X, "X") if hasattr(X, "shape") else to_array(X, "X")

    # Updates

    def _inputs(self, X):
        X = self._table(X)
        told = None
        if len(X.shape) == 2:  # what is not, the estimator refuses
            X, told = self._new.apart(X)
            validate_data(self, X, skip_check_array=True, reset=False)
        inputs = X if self.steps_ is None else self.steps_.transform(X)
        if told is None:
            return inputs
        return beside(inputs, told, self._new.called(inputs.shape[1]))

    @property
    def _new(self):
        names = getattr(self, "feature_names_in_", None)
        return NewCovariates(self.n_features_in_, names, self.new_covariates_)

    def _split(self, inputs, update):
        """Rows to learn from and rows to judge by, which are the same where nothing is chosen."""
        if self.strategy != "auto" or round(_JUDGES * inputs.shape[0]) < _LEAST_JUDGES:
            return inputs, inputs
        return train_test_split(
            inputs, test_size=_JUDGES, random_state=self._generator(update), shuffle=True
        )

    def _learn(self, strategy, inputs):
        points = widened(self.points_, len(self.new_covariates_))
        return learn(strategy, self.model_, self.aligner_, points, self.rho, inputs)

    def _judge(self, found, train, judges, before=None):
        """What an update did; `before` are the rows as the present model takes them."""
        points = widened(self.points_, len(self.new_covariates_))
        there = self._place(self.model_, self.aligner_, train if before is None else before)
        return judged(self._place, there, found, points, train, judges)

    def _place(self, model, aligner, inputs):
        Z = encoded(model, self._bases if model is self.model_ else [], inputs)
        return Z if aligner is None else np.asarray(aligner.transform(Z), dtype=Z.dtype)

    @property
    def _n_features_out(self):
        return self.points_.Z.shape[1]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "points_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        own = get_tags(self.estimator)
        tags.input_tags = own.input_tags
        tags.transformer_tags = own.transformer_tags
        return tags


def last_estimator(estimator):
    """The model at a Pipeline's end, fitted or not."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator

"""Successive halving over epochs, in which training goes on where it was."""

from copy import copy
from math import floor, log

import numpy as np
from sklearn.model_selection._search_successive_halving import HalvingGridSearchCV

from sklatent.model_selection._fused_search import FusedSearchMixin
from sklatent.model_selection._stacks import Halving


class FusedHalvingGridSearchCV(FusedSearchMixin, HalvingGridSearchCV):
    """Grid search in which candidates drop out after part of their epochs.

    What scikit-learn's :class:`~sklearn.model_selection.HalvingGridSearchCV` does, with its
    parameters and attributes, for models of this package and for pipelines that hold one, trained
    together as by :class:`FusedGridSearchCV`. Where the resource is the number of epochs, those
    that are left go on from where they were: a candidate of the last iteration has been trained
    once, as `fit` would with that many epochs, and the others have cost what they got.

    Parameters
    ----------
    estimator : estimator
        A model of this package, or a Pipeline or other meta-estimator that fits one.
    param_grid : dict or list of dict
        Names of parameters, and the values to try of each. The resource can't be among them.
    factor : int or float, default=3
        Of the candidates one in `factor` goes on, for `factor` times as many epochs.
    resource : str, default="max_epochs"
        What grows with each iteration: the name of the parameter that is a number of epochs, in a
        Pipeline for example ``"vae__max_epochs"``; or ``"n_samples"`` or another parameter that is
        a positive integer, for which each iteration trains anew.
    max_resources : int, default="auto"
        The most that a candidate may get. "auto" is what the estimator has: its epochs.
    min_resources : {"exhaust", "smallest"} or int, default="exhaust"
        What each candidate gets in the first iteration. "smallest" is one epoch; "exhaust" as many
        as let the last iteration come as near to `max_resources` as it can, also where there are
        too few epochs to end with `factor` candidates.
    aggressive_elimination : bool, default=False
        Where there are too few epochs to end with `factor` candidates, whether to repeat the first
        iteration's number of epochs until there are not.
    cv : int, cross-validation generator or iterable, default=5
        How rows are split; alike each time it is asked.
    scoring : str or callable, default=None
        How folds are scored, greater is better; None is the estimator's own `score`.
    refit : bool or callable, default=True
        Whether to fit the best candidate to all data, from its beginning.
    error_score : "raise" or numeric, default=np.nan
        Score of a fold whose fit fails.
    return_train_score : bool, default=False
        Whether training rows are scored too.
    random_state : int, RandomState instance or None, default=None
        Draws the rows where the resource is ``"n_samples"``.
    n_jobs : int, default=None
        Processes. None is 1, -1 all cores.
    verbose : int, default=0
        How much the search prints.

    Attributes
    ----------
    n_resources_ : list of int
        Epochs of each iteration, those before it included.
    n_candidates_ : list of int
        Candidates in each iteration.
    n_remaining_candidates_ : int
        How many would go on after the last.
    n_iterations_ : int
        Iterations that there were.
    n_required_iterations_ : int
        Iterations that would end with at most `factor` candidates.
    n_possible_iterations_ : int
        Iterations that the resources allow.
    min_resources_ : int
        What a candidate gets at least.
    max_resources_ : int
        What a candidate may get at most.
    learning_curves_ : list of dict
        For each candidate, in the order of the grid: ``"params"``; ``"n_resources"`` and
        ``"test_score"``, its mean score in each iteration that it came to; and ``"train_loss"``
        (and ``"valid_loss"`` with early stopping) of shape (n_folds, n_epochs), NaN where a fold
        has stopped before the others. :class:`~sklatent.plotting.SearchDisplay` draws the scores.
    n_stacked_fits_ : int
        How many fits, each iteration counted, were trained in stacks.
    stacked_fit_time_ : float
        Seconds that preparing and training all stacks took, in all processes together.
    cv_results_ : dict of ndarray
        Scores, ranks and times of every candidate in every iteration, with ``"iter"`` and
        ``"n_resources"``.
    best_estimator_ : estimator
        The best candidate of the last iteration, fitted to all data. Only with `refit`.
    best_score_ : float
        Its mean score over folds.
    best_params_ : dict
        Its parameters, the resource included.
    best_index_ : int
        Its index in `cv_results_`.
    scorer_ : callable
        What the folds were scored by.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds that fitting the best candidate to all data took. Only with `refit`.
    multimetric_ : bool
        False.
    classes_ : ndarray of shape (n_classes,)
        Labels, where the estimator is a classifier.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of X, where the best estimator has them.

    Notes
    -----
    The learning rate falls at the end of the last iteration's epochs (`annealing`), and in none of
    the others: scores of different iterations say how far training had come, and are not those of a
    `fit` with so few epochs, but for the last. Models with callbacks of the user's own or
    `warm_start` are trained anew in each iteration, as by scikit-learn.

    References
    ----------
    .. [1] Jamieson & Talwalkar, Non-stochastic best arm identification and hyperparameter
       optimization, AISTATS 2016.

    Examples
    --------
    >>> from sklatent import VAE
    >>> from sklatent.datasets import make_eight_gaussians
    >>> from sklatent.model_selection import FusedHalvingGridSearchCV
    >>> X, y = make_eight_gaussians(200, random_state=0)
    >>> model = VAE(2, hidden_layer_sizes=(16,), max_epochs=4, random_state=0)
    >>> grid = {"beta": [0.1, 0.3, 1.0, 3.0]}
    >>> search = FusedHalvingGridSearchCV(model, grid, factor=2, cv=3).fit(X)
    >>> search.n_candidates_, search.n_resources_
    ([4, 2, 1], [1, 2, 4])
    >>> search.best_params_["max_epochs"]
    4
    """

    # Read by scikit-learn's loop, where halving has no such parameter.
    pre_dispatch = "2*n_jobs"

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        factor=3,
        resource="max_epochs",
        max_resources="auto",
        min_resources="exhaust",
        aggressive_elimination=False,
        cv=5,
        scoring=None,
        refit=True,
        error_score=np.nan,
        return_train_score=False,
        random_state=None,
        n_jobs=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.param_grid = param_grid
        self.factor = factor
        self.resource = resource
        self.max_resources = max_resources
        self.min_resources = min_resources
        self.aggressive_elimination = aggressive_elimination
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _check_input_parameters(self, X, y, split_params):
        known = self.estimator.get_params()
        view = self
        if self.resource != "n_samples":
            if self.resource not in known:
                nested = [name for name in known if name.endswith(f"__{self.resource}")]
                hint = f"Write {nested[0]!r}." if nested else "Name one of its parameters."
                raise ValueError(
                    f"resource={self.resource!r} is no parameter of "
                    f"{type(self.estimator).__name__}. {hint}"
                )
            if self.max_resources == "auto":
                view = copy(self)
                view.max_resources = known[self.resource]
        if not self.factor > 1:
            raise ValueError(
                f"factor={self.factor} lets no candidate drop out: it must be greater than 1."
            )
        super(FusedHalvingGridSearchCV, view)._check_input_parameters(X, y, split_params)
        self.min_resources_, self.max_resources_ = view.min_resources_, view.max_resources_

    def _run_search(self, evaluate_candidates, callback_ctx=None):
        # Before scikit-learn 1.9 there is none.
        context = {} if callback_ctx is None else {"callback_ctx": callback_ctx}
        n_candidates = len(self._generate_candidate_params())
        of_epochs = self.resource.split("__")[-1] == "max_epochs"
        if of_epochs and n_candidates and self.min_resources == "exhaust":
            self.min_resources_ = self._first_epochs(n_candidates)
        total = self._last_resources(n_candidates)
        if of_epochs:
            self._stacks.halving = Halving(self.resource, total)
        super()._run_search(evaluate_candidates, **context)

    def _first_epochs(self, n_candidates):
        """Epochs of the first iteration, so many that the last comes near to all of them.

        scikit-learn counts on as many iterations as leave one candidate. Where there are epochs for
        fewer, it ends early: after 9 of 20 epochs with 231 candidates, where 2, 6 and 18 would do.
        """
        least, most = self.min_resources_, self.max_resources_
        n_required = 1 + floor(log(n_candidates, self.factor))
        n_possible = 1 + floor(log(most // least, self.factor))
        return max(least, int(most // self.factor ** (min(n_required, n_possible) - 1)))

    def _last_resources(self, n_candidates):
        """Resources of the last iteration, by which the schedule of learning rates is known."""
        if n_candidates == 0:
            raise ValueError("param_grid has no candidates. Give at least one value for each name.")
        n_required = 1 + floor(log(n_candidates, self.factor))
        least, most = self.min_resources_, self.max_resources_
        if self.min_resources == "exhaust":
            least = max(least, most // self.factor ** (n_required - 1))
        n_possible = 1 + floor(log(most // least, self.factor))
        if n_possible < 2 <= n_required and not self.aggressive_elimination:
            raise ValueError(
                f"{n_candidates} candidates can't be halved by factor={self.factor}: with "
                f"{self.resource} from {least} to {most} there is one iteration, in which all of "
                "them are trained. Lower min_resources or factor, or raise max_resources."
            )
        return min(int(self.factor ** (min(n_possible, n_required) - 1) * least), most)

    def _after_search(self, stacks):
        self.learning_curves_ = _learning_curves(self, stacks.halving)


def _learning_curves(search, halving):
    """What is known of each candidate's way, in the order of the first iteration."""
    results, curves = search.cv_results_, {}
    for i, params in enumerate(results["params"]):
        own = tuple(sorted((n, id(v)) for n, v in params.items() if n != search.resource))
        if own not in curves:
            shown = {name: value for name, value in params.items() if name != search.resource}
            curves[own] = {"params": shown, "n_resources": [], "test_score": []}
        curves[own]["n_resources"].append(int(results["n_resources"][i]))
        curves[own]["test_score"].append(float(results["mean_test_score"][i]))
        if halving is not None:
            folds = range(search.n_splits_)
            losses = [halving.losses.get(halving.key(params, fold)) for fold in folds]
            curves[own].update(_side_by_side(losses))
    return list(curves.values())


def _side_by_side(losses):
    """Losses of folds by name, one row each, as long as the longest."""
    names = {name for own in losses if own for name in own}
    found = {}
    for name in sorted(names):
        rows = [own[name] if own else np.empty(0) for own in losses]
        found[name] = np.full((len(rows), max(map(len, rows))), np.nan)
        for k, row in enumerate(rows):
            found[name][k, : len(row)] = row
    return found

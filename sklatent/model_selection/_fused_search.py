"""Grid search that trains its candidates together."""

import time
import warnings
from contextlib import suppress

from joblib import parallel_config
from sklearn.base import BaseEstimator, _fit_context, clone, is_classifier
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklatent.models._base import LatentModel
from sklatent.models._fit_together import fit_noted
from sklatent.models._plan import Plan


def _estimator_has(name):
    """Check for `available_if`: what the search can do is what its estimator can."""
    return lambda self: hasattr(getattr(self, "best_estimator_", self.estimator), name)


class FusedGridSearchCV(GridSearchCV):
    """Grid search that trains candidates and folds as one stacked module.

    What :class:`~sklearn.model_selection.GridSearchCV` does, with its parameters, its attributes
    and its scores, for models of this package and for pipelines that hold one. Before the search
    goes through candidates and folds, the models that differ only in numbers of their loss (beta,
    rho, gamma, `coherence_weight`), in their seed or in their training rows are trained together as
    one module. For small networks, whose single steps do not fill a processor, that is several
    times faster; large ones take as long as before. Candidates that differ in anything else, such
    as `n_components`, form one stack for each such choice.

    Parameters
    ----------
    estimator : estimator
        A model of this package, or a Pipeline or other meta-estimator that fits one. Others are
        searched as by GridSearchCV.
    param_grid : dict or list of dict
        Names of parameters, and the values to try of each.
    scoring : str, callable, list, tuple or dict, default=None
        How folds are scored, greater is better: :mod:`sklatent.metrics` has scorers. None is the
        estimator's own `score`, the evidence lower bound for a variational model, which compares
        unlike values of beta fairly but says little of reproducibility.
    n_jobs : int, default=None
        Threads (not processes: trained models stay where they are) that score, and that train what
        did not stack. None is 1.
    refit : bool, str or callable, default=True
        Whether to fit the best candidate to all data; with several scores, by which.
    cv : int, cross-validation generator or iterable, default=None
        How rows are split. None is 5 folds. The splits are drawn once and serve every candidate.
    verbose : int, default=0
        How much the search prints. A model's own `verbose` shows a progress bar for each stack.
    pre_dispatch : int or str, default="2*n_jobs"
        How many jobs are prepared at once.
    error_score : "raise" or numeric, default=np.nan
        Score of a fold whose fit fails. Where one model of a stack fails (its loss becomes NaN, for
        example), the stack is trained model by model, so that only that one has this score.
    return_train_score : bool, default=False
        Whether training rows are scored too.

    Attributes
    ----------
    n_stacked_fits_ : int
        How many of the candidates' fits were trained in stacks.
    stacked_fit_time_ : float
        Seconds that preparing and training all stacks took. ``cv_results_["mean_fit_time"]`` holds
        only what else a fit did.
    cv_results_ : dict of ndarray
        Scores, ranks and times of every candidate; ``pandas.DataFrame(search.cv_results_)`` works.
    best_estimator_ : estimator
        The best candidate, fitted to all data. Only with `refit`. This is what to hand on with
        :func:`sklatent.save`.
    best_score_ : float
        Mean score of the best candidate over folds.
    best_params_ : dict
        Parameters of the best candidate.
    best_index_ : int
        Its index in `cv_results_`.
    scorer_ : callable or dict
        What the folds were scored by.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds that fitting the best candidate to all data took. Only with `refit`.
    multimetric_ : bool
        Whether there are several scores.
    classes_ : ndarray of shape (n_classes,)
        Labels, where the estimator is a classifier.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of X, where the best estimator has them.

    Notes
    -----
    The loop over candidates and folds runs twice.
    First each model only notes its data, behind whatever comes before it in a pipeline; then stacks
    are trained; then scikit-learn's own search runs, in which each model finds itself trained. A
    model trained in a stack has the weights that it would have had alone, up to rounding, which
    float32 training amplifies: scores agree to the last digits with ``precision="float64"`` and
    otherwise as well as those of two seeds. Training data of all folds are held at once, twice
    while a stack trains. Models with callbacks of the user's own or `warm_start` are not stacked.

    Examples
    --------
    >>> from sklatent import VAE
    >>> from sklatent.datasets import make_eight_gaussians
    >>> from sklatent.model_selection import FusedGridSearchCV
    >>> X, y = make_eight_gaussians(200, random_state=0)
    >>> model = VAE(2, hidden_layer_sizes=(16,), max_epochs=2, random_state=0)
    >>> search = FusedGridSearchCV(model, {"beta": [0.1, 1.0]}, cv=3).fit(X)
    >>> search.n_stacked_fits_, len(search.cv_results_["params"])
    (6, 2)
    """

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Search for the best candidate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,), default=None
            Target, for pipelines that end in a predictor and for scorers.
        **params : dict
            For the estimator, the scorer and the splitter, as in GridSearchCV.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            If all fits fail, or a parameter is unsuitable.
        """
        cv = _SameSplits(check_cv(self.cv, y, classifier=is_classifier(self.estimator)))
        own = self.get_params(deep=False) | {"cv": cv}
        trained, start, plan = [], time.perf_counter(), Plan()
        planned = own
        if _holds_model(self.estimator, self.param_grid):
            grid = _copied(self.param_grid, plan)
            planned = own | {"estimator": clone(self.estimator), "param_grid": grid}
            _mark(planned["estimator"], plan)
            with parallel_config(backend="threading"):
                _rehearse(planned, X, y, params)
            trained = fit_noted(plan)
        seconds = time.perf_counter() - start
        plan.offer(trained)
        with parallel_config(backend="threading"):
            search = GridSearchCV(**planned).fit(X, y, **params)
        # The default scorer keeps the estimator that the search was given.
        for part in (planned["estimator"], getattr(search, "best_estimator_", None)):
            if part is not None:
                _mark(part, None)
        _name_candidates(search, ParameterGrid(self.param_grid))
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        vars(self).update({n: v for n, v in vars(search).items() if n.endswith("_")})
        self.n_stacked_fits_ = len(trained)
        self.stacked_fit_time_ = seconds
        return self

    @available_if(_estimator_has("transform"))
    def fit_transform(self, X, y=None, **params):
        """Search, and transform X by the best candidate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,), default=None
            As in :meth:`fit`.
        **params : dict
            As in :meth:`fit`.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            What the best candidate makes of X.
        """
        return self.fit(X, y, **params).transform(X)

    @available_if(_estimator_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features=None):
        """Name the columns that :meth:`transform` returns, as the best candidate does.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X.

        Returns
        -------
        names : ndarray of str
            One for each column.
        """
        check_is_fitted(self)
        return self.best_estimator_.get_feature_names_out(input_features)

    @available_if(_estimator_has("set_output"))
    def set_output(self, *, transform=None):
        """Choose the container that :meth:`transform` returns, as in a Pipeline.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            The container; None changes nothing.

        Returns
        -------
        self : object
            The search.
        """
        for part in (self.estimator, getattr(self, "best_estimator_", None)):
            if part is not None:
                part.set_output(transform=transform)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags = get_tags(self.estimator).transformer_tags
        return tags


class _SameSplits:
    """A splitter that draws its splits once and then repeats them."""

    def __init__(self, cv):
        self.cv = cv
        self.splits = None

    def split(self, X, y=None, groups=None, **params):
        if self.splits is None:
            if groups is not None:
                params["groups"] = groups
            self.splits = list(self.cv.split(X, y, **params))
        return iter(self.splits)

    def get_n_splits(self, X=None, y=None, groups=None, **params):
        if groups is not None:
            params["groups"] = groups
        return self.cv.get_n_splits(X, y, **params)

    def get_metadata_routing(self):
        return get_routing_for_object(self.cv)


def _holds_model(estimator, param_grid):
    """Whether a model of this package is anywhere inside, or among what the grid puts there."""
    inside = [estimator, *estimator.get_params().values()]
    inside += [value for candidate in ParameterGrid(param_grid) for value in candidate.values()]
    return any(isinstance(part, LatentModel) for part in inside)


def _mark(estimator, plan):
    """Give the plan to every model inside, or take it off."""
    for part in [estimator, *estimator.get_params().values()]:
        if isinstance(part, LatentModel):
            vars(part).pop("_plan", None)
            if plan is not None:
                part._plan = plan


def _copied(grid, plan):
    """The grid, with copies that have the plan in place of its estimators."""
    if not isinstance(grid, dict):
        return [_copied(part, plan) for part in grid]
    copied = {}
    for name, values in grid.items():
        copied[name] = values
        if any(isinstance(value, BaseEstimator) for value in values):
            copied[name] = [clone(value, safe=False) for value in values]
            for value in copied[name]:
                if isinstance(value, BaseEstimator):
                    _mark(value, plan)
    return copied


def _name_candidates(search, candidates):
    """Report candidates by the user's own objects where the search had copies of them."""
    search.cv_results_["params"] = candidates = list(candidates)
    for k, candidate in enumerate(candidates):
        for name, value in candidate.items():
            if isinstance(value, BaseEstimator):
                search.cv_results_[f"param_{name}"][k] = value
    if hasattr(search, "best_params_"):
        search.best_params_ = candidates[search.best_index_]


def _rehearse(own, X, y, params):
    """Let scikit-learn's own loop come to every fit, which notes its data and does not train."""
    quiet = {"refit": False, "n_jobs": None, "verbose": 0, "error_score": 0.0}
    with warnings.catch_warnings(), suppress(Exception):
        # Every fit "fails" here, and what truly fails does so again in the search itself.
        warnings.simplefilter("ignore")
        GridSearchCV(**own | quiet).fit(X, y, **params)

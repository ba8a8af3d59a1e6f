"""Grid search that trains its candidates together."""

import re
import sys

from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklatent._utils.warn import warn_caller
from sklatent.model_selection._stacks import StackBackend


def _estimator_has(name):
    """Check for `available_if`: what the search can do is what its estimator can."""
    return lambda self: hasattr(getattr(self, "best_estimator_", self.estimator), name)


class FusedSearchMixin:
    """What makes one of scikit-learn's searches train its candidates together."""

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

        Warns
        -----
        ConvergenceWarning
            Once, if candidates' fits have learned nothing: how many, and what the first says.
        """
        self._validate_params()
        if self.n_jobs == 0:
            raise ValueError("n_jobs=0 is no number of processes. Use 1 or more, or -1 for all.")
        _check_pre_dispatch(self.pre_dispatch)
        self._stacks = stacks = StackBackend(self.n_jobs, self.pre_dispatch)
        try:
            with stacks.context():
                super().fit(X, y, **params)
        finally:
            del self._stacks
        self.n_stacked_fits_ = stacks.n_stacked
        self.stacked_fit_time_ = stacks.seconds
        self._after_search(stacks)
        if stacks.unconverged:
            warn_caller(
                f"{len(stacks.unconverged)} of {stacks.n_fits} fits of the search warn that they "
                f"did not converge. The first says: {stacks.unconverged[0]}",
                ConvergenceWarning,
            )
        return self

    def _after_search(self, stacks):
        """Set what else a search has found."""

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


class FusedGridSearchCV(FusedSearchMixin, GridSearchCV):
    """Grid search that trains candidates and folds as one stacked module.

    What :class:`~sklearn.model_selection.GridSearchCV` does, with its parameters, its attributes
    and its scores, for models of this package and for pipelines that hold one. Before the search
    goes through candidates and folds, the models that differ only in numbers of their loss (beta,
    rho, gamma, `coherence_weight`), in `learning_rate`, `warmup_epochs`, where they start (`init`),
    their anchors, their seed or their training rows are trained together as one module. For small
    networks, whose single steps do not fill a processor, that is several
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
        Processes that stacks are spread over, one thread each. None is 1, -1 all cores.
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
        example), the others go on, and only that one has this score.
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
    First each model only notes its data, once for each fold where it stands alone and behind
    whatever comes before it in a pipeline; then stacks are trained; then scikit-learn's own search
    runs, in which each model finds itself trained, and what a scorer asks one of them about a
    fold's rows is computed for all that trained on that fold. A
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


def _check_pre_dispatch(value):
    """See that joblib can read how many tasks are made ahead."""
    if isinstance(value, str):
        term = value.replace("n_jobs", "1")
        readable = value == "all" or re.fullmatch(r"[\d\s.+*/()%-]+", term)
    else:
        readable = value is None or 1 <= value <= sys.maxsize
    if not readable:
        raise ValueError(
            f"pre_dispatch={value!r} must be a number of tasks, 1 or more, or an expression such "
            'as "2*n_jobs".'
        )

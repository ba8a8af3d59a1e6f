"""What a search found: score against one parameter or two, with intervals."""

from numbers import Real

import numpy as np
from scipy import stats

from sklatent._utils.arrays import listed
from sklatent._utils.options import check_options
from sklatent.plotting._drawing import get_axes


class SearchDisplay:
    """Score of a grid search against one parameter, or two, with intervals over the folds.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one. The first parameter is the
    horizontal axis, each value of the second one line. All others stay at the best candidate's
    values.

    Parameters
    ----------
    values : list
        Values of the first parameter.

    scores : ndarray of shape (n_lines, n_values)
        Mean test scores. NaN where there is no such candidate.

    half_widths : ndarray of shape (n_lines, n_values)
        Half the width of each interval. NaN with a single fold.

    parameter : str
        The name of the first parameter.

    line_values : list, default=None
        Values of the second parameter.

    line_parameter : str, default=None
        The name of the second parameter.

    score_name : str, default="score"
        What the scores are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    lines_ : list of matplotlib ErrorbarContainer
        One for each value of the second parameter.

    Notes
    -----
    The intervals are those of Student's t over the folds' scores. Folds share training samples,
    so that their scores are not independent and the intervals too narrow: they show the size of
    the noise, and prove nothing.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklatent.plotting import SearchDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> search = GridSearchCV(PCA(), {"n_components": [2, 4, 8]}, cv=3).fit(X)
    >>> display = SearchDisplay.from_estimator(search)
    >>> display.ax_.get_xlabel()
    'n_components'
    """

    def __init__(
        self,
        values,
        scores,
        half_widths,
        *,
        parameter,
        line_values=None,
        line_parameter=None,
        score_name="score",
    ):
        self.values = values
        self.scores = scores
        self.half_widths = half_widths
        self.parameter = parameter
        self.line_values = line_values
        self.line_parameter = line_parameter
        self.score_name = score_name

    @classmethod
    @check_options()
    def from_estimator(
        cls, estimator, *, parameters=None, metric=None, confidence=0.95, ax=None, line_kwargs=None
    ):
        """Draw what a fitted search found.

        Of a search that halves, the default is how far each candidate came: scores against the
        resource, one line for each value of the parameter that varies.

        Parameters
        ----------
        estimator : fitted search
            Such as GridSearchCV: anything with `cv_results_`.

        parameters : str or sequence of one or two str, default=None
            The parameters to draw. None takes those that vary, if they are one or two.

        metric : str, default=None
            The scorer's name in a search with several. None needs a search with one.

        confidence : float, default=0.95
            The level of the intervals.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        line_kwargs : dict, default=None
            Passed to matplotlib's `errorbar`.

        Returns
        -------
        display : SearchDisplay
            The display, drawn.
        """
        if not hasattr(estimator, "cv_results_"):
            raise TypeError(
                "estimator must be a fitted search with cv_results_, such as GridSearchCV; got "
                f"{type(estimator).__name__}."
            )
        if parameters is None and "n_resources" in estimator.cv_results_:
            parameters = _resource_first(estimator.cv_results_["params"], estimator.resource)
        return cls.from_predictions(
            estimator.cv_results_,
            parameters=parameters,
            metric=metric,
            confidence=confidence,
            ax=ax,
            line_kwargs=line_kwargs,
        )

    @classmethod
    @check_options()
    def from_predictions(
        cls, cv_results, *, parameters=None, metric=None, confidence=0.95, ax=None, line_kwargs=None
    ):
        """Draw the results of a search.

        Parameters
        ----------
        cv_results : dict
            The `cv_results_` of a search.

        parameters : str or sequence of one or two str, default=None
            The parameters to draw. None takes those that vary, if they are one or two.

        metric : str, default=None
            The scorer's name in a search with several. None needs a search with one.

        confidence : float, default=0.95
            The level of the intervals.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        line_kwargs : dict, default=None
            Passed to matplotlib's `errorbar`.

        Returns
        -------
        display : SearchDisplay
            The display, drawn.
        """
        if not isinstance(confidence, Real) or not 0 < confidence < 1:
            raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}.")
        metric = _choose_metric(cv_results, metric)
        candidates = cv_results["params"]
        parameters = _choose_parameters(candidates, parameters)
        splits = np.array(
            [
                cv_results[key]
                for key in cv_results
                if key.startswith("split") and key.endswith(f"_test_{metric}")
            ]
        )
        best = candidates[int(np.argmin(cv_results[f"rank_test_{metric}"]))]
        axes = [_distinct(candidates, name) for name in parameters]
        shape = (len(axes[1]) if len(axes) == 2 else 1, len(axes[0]))
        scores, half_widths = np.full(shape, np.nan), np.full(shape, np.nan)
        for i, candidate in enumerate(candidates):
            others = candidate.keys() - set(parameters)
            if any(not _equal(candidate[name], best.get(name)) for name in others):
                continue
            if any(name not in candidate for name in parameters):
                continue
            column, *row = (
                _index(values, candidate[name])
                for name, values in zip(parameters, axes, strict=True)
            )
            where = (row[0] if row else 0, column)
            scores[where] = splits[:, i].mean()
            half_widths[where] = _half_width(splits[:, i], confidence)
        display = cls(
            axes[0],
            scores,
            half_widths,
            parameter=parameters[0],
            line_values=axes[1] if len(axes) == 2 else None,
            line_parameter=parameters[1] if len(axes) == 2 else None,
            score_name=metric,
        )
        return display.plot(ax=ax, line_kwargs=line_kwargs)

    @check_options()
    def plot(self, *, ax=None, line_kwargs=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        line_kwargs : dict, default=None
            Passed to matplotlib's `errorbar`.

        Returns
        -------
        display : SearchDisplay
            Itself, with the artists as attributes.
        """
        ax = get_axes(ax)
        numeric = all(_is_number(value) for value in self.values)
        x = np.array(self.values, dtype=float) if numeric else np.arange(len(self.values))
        settings = {"marker": "o", "capsize": 3} | (line_kwargs or {})
        self.lines_ = []
        for i, (scores, half_widths) in enumerate(zip(self.scores, self.half_widths, strict=True)):
            label = None if self.line_values is None else str(self.line_values[i])
            errors = None if np.isnan(half_widths).all() else half_widths
            self.lines_.append(ax.errorbar(x, scores, yerr=errors, label=label, **settings))
        if not numeric:
            ax.set_xticks(x, [str(value) for value in self.values])
        elif x.min() > 0 and x.max() >= 50 * x.min():
            # Values that span so much were laid out by factors, not by steps.
            ax.set_xscale("log")
            ax.set_xticks(x, [f"{value:g}" for value in x])
            ax.set_xticks([], minor=True)
        if self.line_parameter is not None:
            ax.legend(title=_short(self.line_parameter), frameon=False)
        ax.set(xlabel=_short(self.parameter), ylabel=f"mean test {self.score_name}")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _resource_first(candidates, resource):
    """The resource and the one other parameter that varies; None where that is not the case."""
    names = {name for candidate in candidates for name in candidate}
    others = [name for name in names - {resource} if len(_distinct(candidates, name)) > 1]
    return [resource, *others] if resource in names and len(others) == 1 else None


def _choose_metric(cv_results, metric):
    prefix = "mean_test_"
    metrics = [key.removeprefix(prefix) for key in cv_results if key.startswith(prefix)]
    if metric is None and len(metrics) == 1:
        return metrics[0]
    if not isinstance(metric, str) or metric not in metrics:
        raise ValueError(f"metric must be one of {metrics}, got {metric!r}.")
    return metric


def _choose_parameters(candidates, parameters):
    names = sorted({name for candidate in candidates for name in candidate})
    if parameters is None:
        parameters = [name for name in names if len(_distinct(candidates, name)) > 1] or names
        if len(parameters) not in (1, 2):
            raise ValueError(
                f"{len(parameters)} parameters vary: {parameters}. Choose one or two of them with "
                "parameters=[...]; the others then stay at the best candidate's values."
            )
        return parameters
    one = isinstance(parameters, str)
    parameters = [parameters] if one else listed(parameters, "parameters", "parameters' names")
    unknown = [name for name in parameters if not isinstance(name, str) or name not in names]
    if (
        unknown
        or len(set(map(str, parameters))) != len(parameters)
        or len(parameters) not in (1, 2)
    ):
        raise ValueError(f"parameters must be one or two of {names}, got {parameters}.")
    return parameters


def _distinct(candidates, name):
    """The values that a parameter takes: numbers sorted, others in the order they come in."""
    values = []
    for candidate in candidates:
        if name in candidate and _index(values, candidate[name]) is None:
            values.append(candidate[name])
    return sorted(values) if all(_is_number(value) for value in values) else values


def _index(values, value):
    return next((i for i, known in enumerate(values) if _equal(known, value)), None)


def _equal(a, b):
    # 1 and True, or arrays, are legitimate values of a grid.
    return (
        a is b
        or (type(a) is type(b) and np.array_equal(a, b))
        or (_is_number(a) and _is_number(b) and a == b)
    )


def _is_number(value):
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _half_width(scores, confidence):
    if len(scores) < 2:
        return np.nan
    quantile = stats.t.ppf((1 + float(confidence)) / 2, len(scores) - 1)
    return quantile * scores.std(ddof=1) / np.sqrt(len(scores))


def _short(name):
    """A Pipeline's parameter without the names of its steps."""
    return name.rpartition("__")[2]

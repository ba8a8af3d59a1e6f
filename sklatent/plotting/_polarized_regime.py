"""Which components each model uses: the polarised regime."""

import numpy as np

from sklatent._utils.arrays import listed
from sklatent._utils.options import check_options
from sklatent.metrics import polarized_regime
from sklatent.metrics._scorers import model_and_inputs, posteriors
from sklatent.plotting._drawing import get_axes


class PolarizedRegimeDisplay:
    """How active each latent component of one or several models is.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one. The height is
    :func:`~sklatent.metrics.polarized_regime`, a natural logarithm: far below zero for active
    components, above zero for passive ones. A component equal to the prior, for which it is
    infinite, stands at the top as a triangle.

    Parameters
    ----------
    log_error : ndarray of shape (n_models, n_components)
        Log relative error of the polarised approximation; plus infinity where passive throughout.

    names : list of str
        Names of the models.

    sort : bool, default=True
        Whether each model's components stand in order of activity, the most active first. Which
        component is which means nothing across models that were trained apart.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    lines_ : list of matplotlib Line2D
        One for each model.

    infinite_ : list of matplotlib PathCollection
        The triangles of each model that has components equal to the prior.

    References
    ----------
    "Improving the unsupervised disentangled representation learning with VAE ensemble", figure 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent._posterior import Posterior
    >>> from sklatent.plotting import PolarizedRegimeDisplay
    >>> mean = np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 0.8, 0.01]
    >>> posterior = Posterior(mean, log_var=np.tile(np.log([0.05, 0.3, 1.0]), (50, 1)))
    >>> display = PolarizedRegimeDisplay.from_predictions(posterior)
    >>> display.log_error.round(1)
    array([[-4.2, -1.2,  9.4]])
    """

    def __init__(self, log_error, *, names, sort=True):
        self.log_error = log_error
        self.names = names
        self.sort = sort

    @classmethod
    @check_options()
    def from_estimator(cls, estimator, X, *, names=None, sort=True, ax=None, line_kwargs=None):
        """Encode X by one or several models, and draw how active their components are.

        Parameters
        ----------
        estimator : estimator or sequence of estimators
            Fitted models with `encode`, or Pipelines that end in one. Of an ensemble, the members
            (`estimators_`) are drawn.

        X : array-like of shape (n_samples, n_features)
            The data.

        names : sequence of str, default=None
            Names of the models. None counts them.

        sort : bool, default=True
            Whether each model's components stand in order of activity.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        line_kwargs : dict, default=None
            Passed to matplotlib's `plot`.

        Returns
        -------
        display : PolarizedRegimeDisplay
            The display, drawn.
        """
        encoded = [posteriors(model, data) for model, data in members(estimator, X)]
        return cls.from_predictions(encoded, names=names, sort=sort, ax=ax, line_kwargs=line_kwargs)

    @classmethod
    @check_options()
    def from_predictions(cls, posterior, *, names=None, sort=True, ax=None, line_kwargs=None):
        """Draw how active the components of posteriors are.

        Parameters
        ----------
        posterior : Posterior or sequence of Posterior
            The posteriors of a data set, by each model.

        names : sequence of str, default=None
            Names of the models. None counts them.

        sort : bool, default=True
            Whether each model's components stand in order of activity.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        line_kwargs : dict, default=None
            Passed to matplotlib's `plot`.

        Returns
        -------
        display : PolarizedRegimeDisplay
            The display, drawn.
        """
        # A posterior is itself a sequence, of its rows.
        all_posteriors = (
            [posterior]
            if hasattr(posterior, "mean")
            else listed(posterior, "posterior", "posteriors")
        )
        if not all_posteriors:
            raise ValueError("There are no posteriors to draw.")
        log_error = [polarized_regime(each) for each in all_posteriors]
        if len({len(each) for each in log_error}) > 1:
            raise ValueError(
                "All models must have the same number of components, got "
                f"{[len(each) for each in log_error]}."
            )
        if names is None:
            names = [f"model {i}" for i in range(len(log_error))]
        names = listed(names, "names", "names")
        if len(names) != len(log_error):
            raise ValueError(f"There are {len(names)} names for {len(log_error)} models.")
        display = cls(np.array(log_error), names=list(names), sort=sort)
        return display.plot(ax=ax, line_kwargs=line_kwargs)

    @check_options()
    def plot(self, *, ax=None, line_kwargs=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        line_kwargs : dict, default=None
            Passed to matplotlib's `plot`.

        Returns
        -------
        display : PolarizedRegimeDisplay
            Itself, with the artists as attributes.
        """
        ax = get_axes(ax)
        heights = np.sort(self.log_error, axis=1) if self.sort else self.log_error
        finite = heights[np.isfinite(heights)]
        top = max(finite.max(initial=0.0), 0.0) + 1.0
        settings = {"marker": "o", "linestyle": "-" if self.sort else "none"}
        settings |= line_kwargs or {}
        self.lines_, self.infinite_ = [], []
        positions = np.arange(heights.shape[1])
        for height, name in zip(heights, self.names, strict=True):
            shown = np.where(np.isfinite(height), height, np.nan)
            (line,) = ax.plot(positions, shown, label=name, **settings)
            self.lines_.append(line)
            infinite = positions[np.isinf(height)]
            if len(infinite):
                self.infinite_.append(
                    ax.scatter(infinite, [top] * len(infinite), marker="^", color=line.get_color())
                )
        ax.axhline(0.0, color="0.5", linewidth=0.8, zorder=0)
        ax.set_xticks(positions)
        ax.set_xlabel("component, most active first" if self.sort else "component")
        ax.set_ylabel("log relative error of the KL")
        if len(self.names) > 1:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def members(estimator, X):
    """Return the single models that are meant, each with the data it takes."""
    if isinstance(estimator, list | tuple):
        if not estimator:
            raise ValueError("There are no models to draw: the list is empty.")
        return [(model, X) for model in estimator]
    model, data = model_and_inputs(estimator, X)
    if hasattr(model, "estimators_"):
        return [(member, data) for member in model.estimators_]
    return [(estimator, X)]

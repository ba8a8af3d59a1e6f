"""An alignment report as a picture: residual over support, and an interval for each kind."""

import numpy as np

from sklatent._utils.options import check_options
from sklatent.plotting._drawing import get_axes

_EDGE = 0.5


class AlignmentReportDisplay:
    """How well each kind of map does on rows left out, and where it errs.

    The first panel shows R^2 of each kind with its interval. The second shows, for each anchor,
    its residual when left out (as a share of the target's deviation) over its support among the
    others: residuals that rise to the left say that the map is worse towards the anchors' edge,
    which is the vertical line. Where the report was given new rows, their supports are drawn as
    ticks along the bottom.

    Use :meth:`from_report` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    report : AlignmentReport
        What to draw.

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
        The panels.

    figure_ : matplotlib Figure
        Their figure.

    intervals_ : matplotlib ErrorbarContainer
        R^2 by kind.

    scatter_ : matplotlib PathCollection
        The anchors.

    ticks_ : matplotlib Line2D or None
        Supports of the new rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.plotting import AlignmentReportDisplay
    >>> X = np.random.default_rng(0).normal(size=(80, 3))
    >>> display = AlignmentReportDisplay.from_predictions(X, 2 * X[:, ::-1])
    >>> display.report.kind
    'scaled'
    >>> display.axes_[1].get_xlabel()
    'support'
    """

    def __init__(self, report):
        self.report = report

    @classmethod
    def from_report(cls, report, *, ax=None):
        """Draw a report.

        Parameters
        ----------
        report : AlignmentReport
            What :func:`~sklatent.alignment.alignment_report` returned.

        ax : sequence of two matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        display : AlignmentReportDisplay
            The display, drawn.
        """
        return cls(report).plot(ax=ax)

    @classmethod
    @check_options()
    def from_predictions(cls, X, y, *, X_new=None, random_state=None, ax=None):
        """Make a report of anchors, and draw it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source latents.

        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Target latents of the same samples.

        X_new : array-like of shape (n_new, n_features), default=None
            Source latents that are to be mapped.

        random_state : int, RandomState instance or None, default=None
            Passed to :func:`~sklatent.alignment.alignment_report`.

        ax : sequence of two matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        display : AlignmentReportDisplay
            The display, drawn.
        """
        from sklatent.alignment import alignment_report

        report = alignment_report(X, y, X_new=X_new, random_state=random_state)
        return cls.from_report(report, ax=ax)

    def plot(self, *, ax=None):
        """Draw.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        Returns
        -------
        display : AlignmentReportDisplay
            The display itself.
        """
        if ax is None:
            first = get_axes(None, figsize=(9, 3.5))
            figure = first.figure
            first.remove()
            ax = figure.subplots(1, 2)
        axes = np.asarray(ax).ravel()
        if len(axes) != 2:
            raise ValueError(f"ax must hold 2 axes, got {len(axes)}.")
        self.axes_, self.figure_ = axes, axes[0].figure
        rows = [row for row in self.report.table if not row["note"]]
        values = np.array([[row["r2"], row["low"], row["high"]] for row in rows])
        places = np.arange(len(rows))
        self.intervals_ = axes[0].errorbar(
            values[:, 0],
            places,
            xerr=np.abs(values[:, 1:] - values[:, :1]).T,
            fmt="o",
            capsize=3,
        )
        labels = [row["kind"] + (" (chosen)" if row["chosen"] else "") for row in rows]
        axes[0].set_yticks(places, labels)
        # A map far worse than the mean would squeeze all others together.
        axes[0].set_xlim(left=max(values[:, 1].min() - 0.05, -0.5), right=1.05)
        axes[0].axvline(0, color="grey", linewidth=0.5)
        axes[0].set_xlabel("R² on rows left out")
        axes[0].set_title(self.report.verdict)
        self.scatter_ = axes[1].scatter(
            self.report.anchor_support, self.report.anchor_residual, s=8
        )
        axes[1].axvline(_EDGE, color="grey", linewidth=0.5)
        self.ticks_ = None
        if self.report.support is not self.report.anchor_support:
            support = self.report.support
            (self.ticks_,) = axes[1].plot(
                support, np.zeros(len(support)), "|", color="C1", label="new rows"
            )
            axes[1].legend()
        axes[1].set_xlabel("support")
        axes[1].set_ylabel("residual, in deviations")
        return self

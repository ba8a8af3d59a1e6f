"""Similarities of all pairs, of channels or models, as a picture."""

from itertools import pairwise

import numpy as np

from sklatent._utils.arrays import to_array
from sklatent._utils.options import check_options
from sklatent.plotting._drawing import get_axes, to_grid, to_indices
from sklatent.plotting._polarized_regime import members


class SimilarityMatrixDisplay:
    """Matrix of similarities, in an order that shows its groups.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one. Dense groups of channels
    appear as blocks on the diagonal, framed.

    Parameters
    ----------
    similarity : ndarray of shape (n_rows, n_columns)
        Similarities; greater is more similar. NaN is grey.

    order : ndarray of shape (n_shown,), default=None
        Rows and columns to draw, in this order; for square matrices only. None draws all.

    groups : ndarray of shape (n_rows,), default=None
        Group of each row, before ordering; -1 for none. Neighbours of one group are framed.

    names : list of str, default=None
        Names of the rows, before ordering. None leaves them out.

    column_names : list of str, default=None
        Names of the columns. None takes `names` if the matrix is square.

    similarity_name : str, default="similarity"
        What the numbers are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    image_ : matplotlib AxesImage
        The matrix.

    frames_ : list of matplotlib Rectangle
        One around each group.

    colorbar_ : matplotlib Colorbar or None
        The scale.

    References
    ----------
    "Comparing the information content of probabilistic representation spaces", figure 4.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.plotting import SimilarityMatrixDisplay
    >>> Z = np.random.default_rng(0).normal(size=(100, 2))
    >>> channels = np.hstack([Z, -Z])
    >>> display = SimilarityMatrixDisplay.from_predictions(
    ...     np.abs(np.corrcoef(channels.T)), order=[0, 2, 1, 3], groups=[0, 1, 0, 1]
    ... )
    >>> len(display.frames_)
    2
    """

    def __init__(
        self,
        similarity,
        *,
        order=None,
        groups=None,
        names=None,
        column_names=None,
        similarity_name="similarity",
    ):
        self.similarity = similarity
        self.order = order
        self.groups = groups
        self.names = names
        self.column_names = column_names
        self.similarity_name = similarity_name

    @classmethod
    @check_options()
    def from_estimator(
        cls, estimator, X=None, *, metric="nmi", ax=None, imshow_kwargs=None, colorbar=True
    ):
        """Draw the channels that hotspots were found among, or those of several models.

        Parameters
        ----------
        estimator : ChannelHotspots, or ensemble, or sequence of models
            Fitted hotspots are drawn in the order that OPTICS gave the channels, without those it
            left out, and their groups framed. Of fitted models with `encode`, or an ensemble's
            members, all components are compared and each model's own are framed.

        X : array-like of shape (n_samples, n_features), default=None
            The data to compare models on; not used for hotspots, which hold theirs. Time and
            memory grow with the square of the samples: some hundreds do.

        metric : {"nmi", "vi"}, default="nmi"
            How models' components are compared: normalised mutual information, or exp(-VI).

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        colorbar : bool, default=True
            Whether to draw the scale.

        Returns
        -------
        display : SimilarityMatrixDisplay
            The display, drawn.
        """
        drawing = {"ax": ax, "imshow_kwargs": imshow_kwargs, "colorbar": colorbar}
        if hasattr(estimator, "ordering_") and hasattr(estimator, "similarity_"):
            diagonal = np.diag(estimator.similarity_)
            return cls.from_predictions(
                estimator.similarity_,
                order=[i for i in estimator.ordering_ if not np.isnan(diagonal[i])],
                groups=estimator.labels_,
                similarity_name=_similarity_name(estimator.metric),
                **drawing,
            )
        if X is None:
            raise ValueError("To compare the components of models, pass the data X.")
        from sklatent.channels import ChannelFingerprints, channel_similarity
        from sklatent.metrics._scorers import posteriors

        encoded = [posteriors(model, data) for model, data in members(estimator, X)]
        widths = [each.mean.shape[1] for each in encoded]
        fingerprints = ChannelFingerprints.from_posteriors(
            np.hstack([each.mean for each in encoded]).T,
            np.hstack([each.log_var for each in encoded]).T,
        )
        similarity = channel_similarity(fingerprints, metric=metric)
        return cls.from_predictions(
            similarity if metric == "nmi" else np.exp(-similarity),
            groups=np.repeat(np.arange(len(encoded)), widths),
            names=[f"{i}.z{j}" for i, width in enumerate(widths) for j in range(width)],
            similarity_name=_similarity_name(metric),
            **drawing,
        )

    @classmethod
    @check_options()
    def from_predictions(
        cls,
        similarity,
        *,
        order=None,
        groups=None,
        names=None,
        column_names=None,
        similarity_name="similarity",
        ax=None,
        imshow_kwargs=None,
        colorbar=True,
    ):
        """Draw a matrix of similarities.

        Parameters
        ----------
        similarity : array-like of shape (n_rows, n_columns)
            Similarities; greater is more similar. NaN is grey.

        order : array-like of shape (n_shown,), default=None
            Rows and columns to draw, in this order; for square matrices only. None draws all.

        groups : array-like of shape (n_rows,), default=None
            Group of each row, before ordering; -1 for none; for square matrices only. Neighbours of
            one group are framed.

        names : sequence of str, default=None
            Names of the rows, before ordering. None leaves them out.

        column_names : sequence of str, default=None
            Names of the columns. None takes `names` if the matrix is square.

        similarity_name : str, default="similarity"
            What the numbers are.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        colorbar : bool, default=True
            Whether to draw the scale.

        Returns
        -------
        display : SimilarityMatrixDisplay
            The display, drawn.
        """
        similarity = to_grid(similarity, "similarity")
        if similarity.ndim != 2 or 0 in similarity.shape:
            raise ValueError(f"similarity must be a matrix, got shape {similarity.shape}.")
        n_rows, n_columns = similarity.shape
        if n_rows != n_columns and not (order is None and groups is None):
            raise ValueError(
                f"order and groups are for square matrices, got shape {similarity.shape}."
            )
        if order is not None:
            order = to_indices(order, "order")
            if order.ndim != 1 or len(order) == 0 or len(np.unique(order)) < len(order):
                raise ValueError("order must list each row to draw once.")
            if order.min() < 0 or order.max() >= n_rows:
                raise ValueError(f"order must hold indices of the {n_rows} rows.")
        for values, name, length in (
            (groups, "groups", n_rows),
            (names, "names", n_rows),
            (column_names, "column_names", n_columns),
        ):
            if values is None:
                continue
            values = to_array(values, name)
            if values.ndim != 1 or len(values) != length:
                raise ValueError(f"{name} must have length {length}, got shape {values.shape}.")
        display = cls(
            similarity,
            order=order,
            groups=None if groups is None else np.asarray(groups),
            names=names,
            column_names=column_names,
            similarity_name=similarity_name,
        )
        return display.plot(ax=ax, imshow_kwargs=imshow_kwargs, colorbar=colorbar)

    @check_options()
    def plot(self, *, ax=None, imshow_kwargs=None, colorbar=True):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        colorbar : bool, default=True
            Whether to draw the scale.

        Returns
        -------
        display : SimilarityMatrixDisplay
            Itself, with the artists as attributes.
        """
        from matplotlib.patches import Rectangle

        ax = get_axes(ax)
        square = self.similarity.shape[0] == self.similarity.shape[1]
        column_names = self.column_names
        if column_names is None and square:
            column_names = self.names
        shown, rows, columns = self.similarity, self.names, column_names
        groups = self.groups
        if self.order is not None:
            shown = shown[np.ix_(self.order, self.order)]
            rows, columns = (None if n is None else [n[i] for i in self.order]
                             for n in (rows, columns))  # fmt: skip
            groups = None if groups is None else groups[self.order]
        settings = {"vmin": 0.0, "vmax": max(1.0, np.nanmax(shown, initial=0.0)),
                    "interpolation": "nearest"}  # fmt: skip
        if imshow_kwargs and "norm" in imshow_kwargs:
            settings = {"interpolation": "nearest"}
        self.image_ = ax.imshow(shown, **(settings | (imshow_kwargs or {})))
        ax.set_facecolor("0.8")
        for axis, axis_names in ((ax.yaxis, rows), (ax.xaxis, columns)):
            axis.set_ticks([] if axis_names is None else range(len(axis_names)), axis_names or [])
        ax.tick_params(axis="x", rotation=90)
        self.frames_ = []
        for start, stop in [] if groups is None else _runs(groups):
            corner, size = start - 0.5, stop - start
            frame = Rectangle(
                (corner, corner), size, size, fill=False, edgecolor="w", linewidth=1.2
            )
            self.frames_.append(ax.add_patch(frame))
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = ax.figure.colorbar(self.image_, ax=ax, label=self.similarity_name)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _similarity_name(metric):
    return {"nmi": "NMI", "vi": "exp(-VI)"}[metric]


def _runs(groups):
    """Start and stop of each run of neighbours in one group, leaving out -1."""
    edges = np.flatnonzero(np.diff(groups)) + 1
    bounds = np.concatenate([[0], edges, [len(groups)]])
    return [(int(start), int(stop)) for start, stop in pairwise(bounds) if groups[start] != -1]

"""The embedding as a picture: latents in two dimensions, coloured by label, anchors marked."""

import numpy as np
from sklearn.decomposition import PCA

from sklatent._utils.arrays import to_array
from sklatent._utils.options import check_options
from sklatent.plotting._drawing import get_axes, model_parameter, to_table

# Above this many labels colours can't be told apart, and a legend would hide the picture.
_MAX_CLASSES = 20


class EmbeddingDisplay:
    """Scatter plot of latent coordinates in two dimensions.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    coordinates : ndarray of shape (n_samples, 2)
        What is drawn.

    labels : ndarray of shape (n_samples,), default=None
        Classes or numbers that colour the points.

    anchors : ndarray of shape (n_anchors, 2), default=None
        Anchors, in the same two dimensions.

    axis_names : tuple of two str, default=("z0", "z1")
        What the axes are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    scatters_ : list of matplotlib PathCollection
        The points: one collection for each class, or a single one.

    anchors_ : matplotlib PathCollection or None
        The anchors.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.plotting import EmbeddingDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = PCA(n_components=5).fit(X)
    >>> display = EmbeddingDisplay.from_estimator(model, X, y)
    >>> len(display.scatters_)
    10
    """

    def __init__(self, coordinates, *, labels=None, anchors=None, axis_names=("z0", "z1")):
        self.coordinates = coordinates
        self.labels = labels
        self.anchors = anchors
        self.axis_names = axis_names

    @classmethod
    @check_options()
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        anchors="auto",
        projection=None,
        ax=None,
        scatter_kwargs=None,
        anchor_kwargs=None,
    ):
        """Encode X and draw where its rows lie.

        Parameters
        ----------
        estimator : estimator
            Anything fitted that has `transform`.

        X : array-like of shape (n_samples, n_features)
            The samples.

        y : array-like of shape (n_samples,), default=None
            Labels that colour the points.

        anchors : "auto", RosettaPoints, array-like of shape (n_anchors, n_components) or None, \
                default="auto"
            Anchors to mark. "auto" takes the model's `rosetta_points`, if it has any.

        projection : tuple of two int, fitted transformer or None, default=None
            How more than two components are drawn; see :meth:`from_predictions`.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        scatter_kwargs, anchor_kwargs : dict, default=None
            Passed to matplotlib's `scatter` for the points and the anchors.

        Returns
        -------
        display : EmbeddingDisplay
            The display, drawn.
        """
        if isinstance(anchors, str):
            if anchors != "auto":
                raise ValueError(f'anchors must be "auto", anchors or None, got {anchors!r}.')
            anchors = model_parameter(estimator, "rosetta_points")
        return cls.from_predictions(
            estimator.transform(X),
            y,
            anchors=anchors,
            projection=projection,
            ax=ax,
            scatter_kwargs=scatter_kwargs,
            anchor_kwargs=anchor_kwargs,
        )

    @classmethod
    @check_options()
    def from_predictions(
        cls,
        Z,
        y=None,
        *,
        anchors=None,
        projection=None,
        ax=None,
        scatter_kwargs=None,
        anchor_kwargs=None,
    ):
        """Draw latent coordinates.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_components)
            Latent coordinates, at least two.

        y : array-like of shape (n_samples,), default=None
            Labels that colour the points: classes, with a legend, or numbers, with a colour bar.

        anchors : RosettaPoints, array-like of shape (n_anchors, n_components) or None, default=None
            Anchors to mark.

        projection : tuple of two int, fitted transformer or None, default=None
            How more than two components are drawn: the two chosen, or what the transformer makes
            of them (give several displays the same one, and their axes are the same). None
            draws two components as they are and the first two principal components of more.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        scatter_kwargs, anchor_kwargs : dict, default=None
            Passed to matplotlib's `scatter` for the points and the anchors.

        Returns
        -------
        display : EmbeddingDisplay
            The display, drawn.
        """
        Z = to_table(Z, "Z")
        if not np.isfinite(Z).all():
            raise ValueError("Z contains NaN or infinity, where no point can be drawn.")
        if y is not None:
            y = to_array(y, "y")
            if y.shape != (len(Z),):
                raise ValueError(
                    f"y must have one label for each of the {len(Z)} rows of Z, got shape "
                    f"{y.shape}."
                )
        project, axis_names = _projection(Z, projection)
        if anchors is not None:
            anchors = to_table(getattr(anchors, "Z", anchors), "anchors")
            if anchors.shape[1] != Z.shape[1]:
                raise ValueError(
                    f"The anchors have {anchors.shape[1]} components, but Z has {Z.shape[1]}: they "
                    "are of another latent space."
                )
            anchors = project(anchors)
        display = cls(project(Z), labels=y, anchors=anchors, axis_names=axis_names)
        return display.plot(ax=ax, scatter_kwargs=scatter_kwargs, anchor_kwargs=anchor_kwargs)

    @check_options()
    def plot(self, *, ax=None, legend=True, scatter_kwargs=None, anchor_kwargs=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        legend : bool, default=True
            Whether to draw the legend of the classes, or the colour bar of numbers.

        scatter_kwargs, anchor_kwargs : dict, default=None
            Passed to matplotlib's `scatter` for the points and the anchors.

        Returns
        -------
        display : EmbeddingDisplay
            Itself, with the artists as attributes.
        """
        ax = get_axes(ax)
        settings = {"s": 8, "alpha": 0.7, "linewidths": 0} | (scatter_kwargs or {})
        x, y = self.coordinates.T
        if self.labels is None:
            self.scatters_ = [ax.scatter(x, y, **settings)]
        elif _are_classes(self.labels):
            self.scatters_ = _scatter_classes(ax, x, y, self.labels, settings)
        else:
            self.scatters_ = [ax.scatter(x, y, c=self.labels, **settings)]
            if legend:
                ax.figure.colorbar(self.scatters_[0], ax=ax)
        self.anchors_ = None
        if self.anchors is not None:
            marks = {"s": 45, "marker": "X", "c": "black", "edgecolors": "white", "zorder": 3}
            marks |= {"linewidths": 0.8, "label": "anchors"} | (anchor_kwargs or {})
            self.anchors_ = ax.scatter(*self.anchors.T, **marks)
        if legend and ax.get_legend_handles_labels()[1]:
            ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, markerscale=1.5)
        ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _projection(Z, projection):
    """A function from latents to two columns, and the columns' names."""
    n_components = Z.shape[1]
    if n_components < 2:
        raise ValueError("Z has one component; a scatter plot needs two. A histogram shows one.")
    if projection is None and n_components > 2:
        with np.errstate(invalid="ignore"):  # collapsed latents have no variance to share
            pca = PCA(2, random_state=0).fit(Z)
        share = 100 * np.nan_to_num(pca.explained_variance_ratio_)
        return pca.transform, tuple(f"PC {i + 1} ({share[i]:.0f} % of variance)" for i in (0, 1))
    if hasattr(projection, "transform") and not hasattr(projection, "iloc"):

        def project(Z):
            return to_table(projection.transform(Z), "projection.transform(Z)")

        width = project(Z[:1]).shape[1]
        if width != 2:
            raise ValueError(f"projection must map to two columns, but maps to {width}.")
        return project, ("projection 1", "projection 2")
    chosen = (0, 1) if projection is None else projection
    try:
        first, second = (int(component) for component in chosen)
        inside = all(-n_components <= c < n_components for c in (first, second))
    except (TypeError, ValueError):
        inside = False
    if not inside:
        raise ValueError(
            "projection must be None, a fitted transformer or two components out of "
            f"{n_components}, got {projection!r}."
        )
    chosen = np.arange(n_components)[[first, second]]
    return (lambda Z: Z[:, chosen]), (f"z{chosen[0]}", f"z{chosen[1]}")


def _are_classes(labels):
    """Whether labels name classes; otherwise they are numbers on a scale."""
    if labels.dtype.kind not in "iuf":
        return True
    values = np.unique(labels)
    return len(values) <= _MAX_CLASSES and np.all(values == np.round(values))


def _scatter_classes(ax, x, y, labels, settings):
    import matplotlib as mpl

    try:
        classes = np.unique(labels)
    except TypeError:  # of several types, which have no order
        labels = np.array([str(label) for label in labels])
        classes = np.unique(labels)
    colors = mpl.colormaps["tab10" if len(classes) <= 10 else "tab20"]
    scatters = []
    for i, name in enumerate(classes):
        rows = labels == name
        scatters.append(ax.scatter(x[rows], y[rows], color=colors(i % 20), label=name, **settings))
    return scatters

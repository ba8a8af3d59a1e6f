"""Transformations carried from one row to others, and the middle between two views."""

import numpy as np

from sklatent._utils.arrays import listed
from sklatent._utils.options import check_options
from sklatent.plotting._drawing import (
    get_axes,
    model_parameter,
    mosaic,
    show_picture,
    to_images,
    to_table,
)

KINDS = ("transfer", "interpolation")


def _pair(views):
    views = listed(views, "views", "two arrays")
    if len(views) != 2:
        raise ValueError(f"views must be two arrays, forward and inverse, got {len(views)}.")
    return views


class TransformationDisplay:
    """Grid of images: a row of the grid for each thing done, a column for each sample.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one. There are two kinds, the
    transformation-aware VAE paper's figures 3 and 4 ([1]_):

    - "transfer": the first column is a sample and its two views, from which the latent
      transformation T is inferred. The other columns are other samples, moved by that T and by its
      inverse. An upright line through each image helps to see what turned which way.
    - "interpolation": each column is a sample, its two views, and what lies in the middle between
      the views' latents, where the sample itself should be.

    Parameters
    ----------
    images : ndarray of shape (n_rows, n_columns, n_features)
        The flattened images, row by row of the grid.

    row_labels : list of str
        What each row of the grid shows.

    image_shape : tuple of (channels, height, width), default=None
        The images' shape. None if the data are no images, which are then drawn as lines of a heat
        map.

    guides : bool, default=False
        Whether to draw a line through the middle of each image.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    image_ : matplotlib AxesImage
        The grid, one picture on one scale of grey.

    guides_ : list of matplotlib Line2D
        The lines through the images, none without `guides`.

    See Also
    --------
    sklatent.TransformVAE : The model whose transformations these are.

    References
    ----------
    .. [1] Giannone, Masci & Osendorfer, No representation without transformation, 2019,
       figures 3 and 4.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklatent import TransformVAE
    >>> from sklatent.plotting import TransformationDisplay
    >>> from sklatent.transformations import RandomRotation
    >>> X = load_digits().data / 16
    >>> model = TransformVAE(
    ...     8,
    ...     transformation=RandomRotation(45),
    ...     image_shape=(1, 8, 8),
    ...     likelihood="bernoulli",
    ...     latent_layer_sizes=(100,),
    ...     max_epochs=2,
    ...     random_state=0,
    ... ).fit(X)
    >>> display = TransformationDisplay.from_estimator(model, X[:8], random_state=0)
    >>> display.images.shape
    (3, 8, 64)
    """

    def __init__(self, images, row_labels, *, image_shape=None, guides=False):
        self.images = images
        self.row_labels = row_labels
        self.image_shape = image_shape
        self.guides = guides

    @classmethod
    @check_options()
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        kind="transfer",
        views=None,
        compare=None,
        random_state=None,
        ax=None,
        imshow_kwargs=None,
    ):
        """Infer, apply and draw.

        Parameters
        ----------
        estimator : TransformVAE
            The fitted model.

        X : array-like of shape (n_samples, n_features)
            The samples. For "transfer", T comes from the first and is applied to the others.

        kind : {"transfer", "interpolation"}, default="transfer"
            What to draw.

        views : tuple of two array-likes of shape (n_views, n_features), default=None
            The views forwards and backwards: of the first sample for "transfer", of all for
            "interpolation". None draws them by the model's own transformation.

        compare : dict of str to estimator, default=None
            For "interpolation", other models of the same data, by name: each adds a row with its
            own middle between the views.

        random_state : int, RandomState instance or None, default=None
            Seeds the views.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : TransformationDisplay
            The display, drawn.
        """
        if not isinstance(kind, str) or kind not in KINDS:
            raise ValueError(f"kind={kind!r} is unknown; use one of {KINDS}.")
        if compare is not None and kind == "transfer":
            raise ValueError('compare is for kind="interpolation": only this model knows its T.')
        X = to_table(X, "X")
        if kind == "transfer" and len(X) < 2:
            raise ValueError(
                "X has one row: the first lends its transformation, so there must be others to "
                "move."
            )
        image_shape = model_parameter(estimator, "image_shape")
        seen = X[:1] if kind == "transfer" else X
        if views is None:
            transformation = model_parameter(estimator, "transformation")
            if transformation is None:
                raise ValueError("The model has no transformation to draw views with: pass views.")
            views = transformation.sample(seen, random_state, image_shape=image_shape)
        forward, inverse = (to_table(view, "views") for view in _pair(views))
        if kind == "transfer":
            T = estimator.infer_transformation(forward, inverse)
            moved = [
                np.vstack(
                    [view[:1], estimator.apply_transformation(X[1:], T[0], inverse=backwards)]
                )
                for view, backwards in ((forward, False), (inverse, True))
            ]
            images, labels = [X, *moved], ["x", "moved by T", "moved by its inverse"]
        else:
            images, labels = [X, forward, inverse], ["x", "view", "inverse view"]
            images.append(estimator.interpolate(forward, inverse))
            labels.append("middle" if compare is None else type(estimator).__name__)
            for name, other in (compare or {}).items():
                between = (other.transform(forward) + other.transform(inverse)) / 2
                images.append(other.inverse_transform(between))
                labels.append(name)
        return cls.from_predictions(
            images,
            labels,
            image_shape=image_shape,
            guides=kind == "transfer" and image_shape is not None,
            ax=ax,
            imshow_kwargs=imshow_kwargs,
        )

    @classmethod
    @check_options()
    def from_predictions(
        cls, images, row_labels, *, image_shape=None, guides=False, ax=None, imshow_kwargs=None
    ):
        """Draw images that are already there.

        Parameters
        ----------
        images : list of array-likes of shape (n_columns, n_features)
            The flattened images of each row of the grid.

        row_labels : list of str
            What each row of the grid shows.

        image_shape : tuple of (channels, height, width), default=None
            The images' shape. None if the data are no images.

        guides : bool, default=False
            Whether to draw a line through the middle of each image.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : TransformationDisplay
            The display, drawn.
        """
        tables = [
            to_table(row, f"images[{i}]")
            for i, row in enumerate(listed(images, "images", "rows of images"))
        ]
        if len({table.shape for table in tables}) != 1:
            raise ValueError(
                "All rows of the grid must have the same shape, got "
                f"{[table.shape for table in tables]}."
            )
        row_labels = listed(row_labels, "row_labels", "labels")
        if len(row_labels) != len(tables):
            raise ValueError(f"{len(tables)} rows of images have {len(row_labels)} labels.")
        display = cls(np.stack(tables), list(row_labels), image_shape=image_shape, guides=guides)
        return display.plot(ax=ax, imshow_kwargs=imshow_kwargs)

    @check_options()
    def plot(self, *, ax=None, imshow_kwargs=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : TransformationDisplay
            Itself, with the artists as attributes.
        """
        images = to_images(self.images, self.image_shape)
        n_rows, n_columns, height, width = images.shape[:4]
        picture, rows, columns = mosaic(images, gap=1)
        size = (max(4.0, min(14.0, 0.8 * n_columns)), max(2.0, 0.8 * n_rows))
        ax = get_axes(ax, figsize=size)
        settings = {} if self.image_shape is not None else {"aspect": "auto"}
        self.image_ = show_picture(ax, picture, settings | (imshow_kwargs or {}))
        ax.set_yticks(rows + (height - 1) / 2, self.row_labels)
        ax.tick_params(length=0)
        self.guides_ = []
        if self.guides:
            for left in columns + (width - 1) / 2:
                self.guides_ += ax.plot([left, left], [-0.5, len(picture) - 0.5], "g-", lw=0.6)
        self.ax_, self.figure_ = ax, ax.figure
        return self

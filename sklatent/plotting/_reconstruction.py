"""Inputs above their reconstructions."""

import numpy as np

from sklatent._utils.options import check_options
from sklatent._utils.pipelines import reconstruct, without_covariates
from sklatent.plotting._drawing import (
    get_axes,
    model_parameter,
    mosaic,
    show_picture,
    to_images,
    to_table,
)


class ReconstructionDisplay:
    """Grid of inputs, in the upper row, and their reconstructions, below.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one. Data that are no images
    are drawn as two heat maps with a line for each sample.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_features)
        The inputs.

    reconstructions : ndarray of shape (n_samples, n_features)
        What the model makes of them.

    image_shape : tuple of (channels, height, width), default=None
        The images' shape. None if the data are no images.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    image_ : matplotlib AxesImage
        The grid, one picture on one scale of grey.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.plotting import ReconstructionDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = PCA(n_components=10).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(model, X[:8], image_shape=(1, 8, 8))
    >>> display.image_.get_array().shape
    (17, 71)
    """

    def __init__(self, inputs, reconstructions, *, image_shape=None):
        self.inputs = inputs
        self.reconstructions = reconstructions
        self.image_shape = image_shape

    @classmethod
    @check_options()
    def from_estimator(cls, estimator, X, *, image_shape=None, ax=None, imshow_kwargs=None):
        """Encode and decode X, and draw both.

        Parameters
        ----------
        estimator : estimator
            Anything fitted that has `transform` and `inverse_transform`.

        X : array-like of shape (n_samples, n_features)
            The samples to draw; some ten are a good number.

        image_shape : tuple of (channels, height, width), default=None
            The images' shape. None takes the model's own.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : ReconstructionDisplay
            The display, drawn.
        """
        if image_shape is None:
            image_shape = model_parameter(estimator, "image_shape")
        reconstructions = without_covariates(estimator, reconstruct(estimator, X))
        return cls.from_predictions(
            without_covariates(estimator, X),
            reconstructions,
            image_shape=image_shape,
            ax=ax,
            imshow_kwargs=imshow_kwargs,
        )

    @classmethod
    @check_options()
    def from_predictions(cls, X, X_reconstructed, *, image_shape=None, ax=None, imshow_kwargs=None):
        """Draw inputs and their reconstructions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The inputs.

        X_reconstructed : array-like of shape (n_samples, n_features)
            Their reconstructions.

        image_shape : tuple of (channels, height, width), default=None
            The images' shape. None if the data are no images.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : ReconstructionDisplay
            The display, drawn.
        """
        X, X_reconstructed = to_table(X, "X"), to_table(X_reconstructed, "X_reconstructed")
        if X.shape != X_reconstructed.shape:
            raise ValueError(
                "X and X_reconstructed must have the same shape, got "
                f"{X.shape} and {X_reconstructed.shape}."
            )
        display = cls(X, X_reconstructed, image_shape=image_shape)
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
        display : ReconstructionDisplay
            Itself, with the artists as attributes.
        """
        pair = np.stack([self.inputs, self.reconstructions])
        if self.image_shape is None:
            images = pair[:, None, :, :, None]  # each half is one heat map
        else:
            images = to_images(pair, self.image_shape)
        n_columns, height = images.shape[1:3]
        picture, rows, _ = mosaic(images, gap=1)
        ax = get_axes(ax, figsize=(max(4.0, min(14.0, 0.9 * n_columns)), 2.2))
        settings = {} if self.image_shape is not None else {"aspect": "auto"}
        self.image_ = show_picture(ax, picture, settings | (imshow_kwargs or {}))
        ax.set_yticks(rows + (height - 1) / 2, ["input", "reconstruction"])
        ax.tick_params(length=0)
        error = np.mean((self.inputs - self.reconstructions) ** 2)
        ax.set_xlabel(f"mean squared error {error:.3g}")
        self.ax_, self.figure_ = ax, ax.figure
        return self

"""What each latent component does: decode while one of them moves."""

from numbers import Integral

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import _num_samples

from sklatent._utils.arrays import listed
from sklatent._utils.options import check_options
from sklatent._utils.pipelines import without_covariates
from sklatent.plotting._drawing import (
    check_range,
    get_axes,
    model_parameter,
    mosaic,
    show_picture,
    to_grid,
    to_images,
    to_indices,
    to_table,
)


class LatentTraversalDisplay:
    """Decoded images while one latent component moves and the others stay.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one. One block for each input,
    one column in it for each component, one row for each value. The input itself stands at the
    left of its block.

    Parameters
    ----------
    images : ndarray of shape (n_inputs, n_components, n_values, n_features)
        The decoded images.

    values : ndarray of shape (n_values,)
        The values that the moving component takes.

    inputs : ndarray of shape (n_inputs, n_features), default=None
        The inputs, drawn at the left of each block.

    component_names : list of str, default=None
        Names of the components. None counts them.

    image_shape : tuple of (channels, height, width), default=None
        The images' shape. None if the data are no images: they are drawn as one line each.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.

    figure_ : matplotlib Figure
        Their figure.

    image_ : matplotlib AxesImage
        All images, one picture on one scale of grey.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklatent.plotting import LatentTraversalDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = PCA(n_components=4, whiten=True).fit(X)
    >>> display = LatentTraversalDisplay.from_estimator(
    ...     model, X[:2], components=[0, 2], image_shape=(1, 8, 8)
    ... )
    >>> display.images.shape
    (2, 2, 7, 64)
    """

    def __init__(self, images, values, *, inputs=None, component_names=None, image_shape=None):
        self.images = images
        self.values = values
        self.inputs = inputs
        self.component_names = component_names
        self.image_shape = image_shape

    @classmethod
    @check_options(estimator=[HasMethods(["transform", "inverse_transform"])])
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        components=None,
        n_values=7,
        value_range=(-2.0, 2.0),
        n_inputs=3,
        image_shape=None,
        ax=None,
        imshow_kwargs=None,
    ):
        """Encode X, move one component at a time, and draw what is decoded.

        Parameters
        ----------
        estimator : estimator
            Anything fitted that has `transform` and `inverse_transform`.

        X : array-like of shape (n_samples, n_features)
            The inputs to start from. Where there are more than `n_inputs`, that many are taken at
            equal distances from the first to the last.

        components : sequence of int, default=None
            The components to move. None moves all of them.

        n_values : int, default=7
            The number of values.

        value_range : tuple of (float, float), default=(-2.0, 2.0)
            The first and the last value, in the latent space's unit: for a VAE, standard
            deviations of the prior.

        n_inputs : int or None, default=3
            How many inputs to draw at most. None draws every row of `X`.

        image_shape : tuple of (channels, height, width), default=None
            The images' shape. None takes the model's own.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : LatentTraversalDisplay
            The display, drawn.
        """
        if image_shape is None:
            image_shape = model_parameter(estimator, "image_shape")
        X = _some_rows(X if hasattr(X, "columns") else to_table(X, "X"), n_inputs)
        Z = to_table(estimator.transform(X), "transform(X)")
        chosen = _choose_components(components, Z.shape[1])
        if not isinstance(n_values, Integral) or n_values < 2:
            raise ValueError(f"n_values must be at least 2, got {n_values}.")
        values = np.linspace(*check_range(value_range), n_values)
        moved = np.tile(Z[:, None, None, :], (1, len(chosen), n_values, 1))
        for i, component in enumerate(chosen):
            moved[:, i, :, component] = values
        decoded = estimator.inverse_transform(moved.reshape(-1, Z.shape[1]))
        decoded = without_covariates(estimator, to_table(decoded, "inverse_transform(Z)"))
        decoded = decoded.reshape(*moved.shape[:3], -1)
        return cls.from_predictions(
            decoded,
            values,
            inputs=without_covariates(estimator, X),
            component_names=[f"z{component}" for component in chosen],
            image_shape=image_shape,
            ax=ax,
            imshow_kwargs=imshow_kwargs,
        )

    @classmethod
    @check_options()
    def from_predictions(
        cls,
        images,
        values,
        *,
        inputs=None,
        component_names=None,
        image_shape=None,
        ax=None,
        imshow_kwargs=None,
    ):
        """Draw images that were decoded elsewhere.

        Parameters
        ----------
        images : array-like of shape (n_inputs, n_components, n_values, n_features)
            The decoded images.

        values : array-like of shape (n_values,)
            The values that the moving component takes.

        inputs : array-like of shape (n_inputs, n_features), default=None
            The inputs, drawn at the left of each block.

        component_names : sequence of str, default=None
            Names of the components. None counts them.

        image_shape : tuple of (channels, height, width), default=None
            The images' shape. None if the data are no images.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : LatentTraversalDisplay
            The display, drawn.
        """
        images, values = to_grid(images, "images"), to_grid(values, "values")
        if images.ndim != 4 or 0 in images.shape or values.shape != (images.shape[2],):
            raise ValueError(
                "images must have shape (n_inputs, n_components, n_values, n_features) and values "
                f"(n_values,), got {images.shape} and {values.shape}."
            )
        if inputs is not None:
            inputs = to_table(inputs, "inputs")
            if inputs.shape != (len(images), images.shape[-1]):
                raise ValueError(
                    f"inputs must have shape {(len(images), images.shape[-1])} to go with the "
                    f"images, got {inputs.shape}."
                )
        if component_names is not None:
            component_names = listed(component_names, "component_names", "names")
        if component_names is not None and len(component_names) != images.shape[1]:
            raise ValueError(
                f"component_names has {len(component_names)} names for {images.shape[1]} "
                "components."
            )
        display = cls(
            images, values, inputs=inputs, component_names=component_names, image_shape=image_shape
        )
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
        display : LatentTraversalDisplay
            Itself, with the artists as attributes.
        """
        n_inputs, n_components, n_values, n_features = self.images.shape
        names = self.component_names or [f"z{i}" for i in range(n_components)]
        blocks = self.images.transpose(2, 0, 1, 3)
        if self.inputs is not None:
            # One more column in each block, blank but for the input in its middle.
            column = np.full((n_values, n_inputs, 1, n_features), np.nan)
            column[n_values // 2, :, 0] = self.inputs
            blocks = np.concatenate([column, blocks], axis=2)
            names = ["input", *names]
        grid = to_images(blocks.reshape(n_values, -1, n_features), self.image_shape)
        height, width = grid.shape[2:4]
        picture, rows, columns = mosaic(grid, gap=1 if height > 1 else 0, block=len(names))
        ratio = picture.shape[1] / picture.shape[0]
        size = (min(14.0, 0.7 * len(columns) + 1.0), min(9.0, 0.7 * n_values + 1.0))
        ax = get_axes(ax, figsize=size if self.image_shape is not None else (9.0, 4.0))
        settings = {} if height > 1 or ratio < 4 else {"aspect": "auto"}
        self.image_ = show_picture(ax, picture, settings | (imshow_kwargs or {}))
        ax.set_yticks(rows + (height - 1) / 2, [f"{value:.2g}" for value in self.values])
        ax.set_xticks(columns + (width - 1) / 2, names * n_inputs, rotation=90)
        ax.tick_params(length=0)
        ax.set_ylabel("value of the component")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _some_rows(X, n_inputs):
    """Return at most so many rows of X, at equal distances; frames stay frames."""
    if n_inputs is None:
        return X
    if not isinstance(n_inputs, Integral) or n_inputs < 1:
        raise ValueError(f"n_inputs must be an integer of at least 1 or None, got {n_inputs!r}.")
    n_rows = _num_samples(X)
    if n_rows <= n_inputs:
        return X
    return _safe_indexing(X, np.linspace(0, n_rows - 1, n_inputs).round().astype(int))


def _choose_components(components, n_components):
    """Return the components to move, checked."""
    if components is None:
        return list(range(n_components))
    chosen = to_indices(components, "components").ravel().tolist()
    if not chosen or any(not 0 <= component < n_components for component in chosen):
        raise ValueError(
            f"components must be indices from 0 to {n_components - 1}, at least one, got "
            f"{components!r}."
        )
    return chosen


def traversals_of_groups(hotspots, models, values):
    """Decode each group's representative as it moves, all other components at zero."""
    fingerprints = hotspots.fingerprints_
    decoded = []
    for channel in hotspots.representatives_:
        number, component = fingerprints.model[channel], fingerprints.component[channel]
        if component < 0 or not 0 <= number < len(models):
            raise ValueError(
                f"The representative {fingerprints.names[channel]!r} is no component of the "
                f"{len(models)} models given, so that it cannot be moved. Give the models that the "
                "fingerprints were made of, in their order."
            )
        model = models[number]
        Z = np.zeros((len(values), model.n_components))
        Z[:, component] = values
        decoded.append(np.asarray(model.inverse_transform(Z), dtype=float))
    return np.reshape(decoded, (len(decoded), len(values), -1)) if decoded else None

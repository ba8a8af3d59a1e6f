"""Hotspots as one picture: reachability, similarity, known factors and traversals."""

import numpy as np
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from sklatent._utils.arrays import listed
from sklatent._utils.options import check_options
from sklatent.plotting._drawing import (
    check_range,
    get_axes,
    model_parameter,
    mosaic,
    show_picture,
    to_grid,
    to_images,
    to_indices,
)
from sklatent.plotting._similarity_matrix import SimilarityMatrixDisplay
from sklatent.plotting._traversal import traversals_of_groups


class ReachabilityDisplay:
    """Reachability profile above the reordered similarity matrix of channels.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one. Channels are drawn in the
    order in which OPTICS visits them: valleys of the profile and blocks of the matrix are groups of
    channels that say the same. At the left, where factors are known, stands each channel's
    similarity to them; at the right, where models are given, what each group's representative
    does.

    Parameters
    ----------
    reachability : ndarray of shape (n_channels,)
        Reachability distances, by channel.

    similarity : ndarray of shape (n_channels, n_channels)
        Similarities of the channels; greater is more similar.

    order : ndarray of shape (n_shown,)
        Channels to draw, in this order.

    groups : ndarray of shape (n_channels,)
        Group of each channel; -1 for none.

    factor_similarity : ndarray of shape (n_channels, n_factors), default=None
        Similarities of the channels to known factors.

    factor_names : list of str, default=None
        Names of the factors. None counts them.

    traversals : ndarray of shape (n_groups, n_values, n_features), default=None
        Decoded images while the representative of each group moves.

    image_shape : tuple of (channels, height, width), default=None
        The images' shape. None if the data are no images: they are drawn as one line each.

    similarity_name : str, default="similarity"
        What the similarities are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the matrix.

    figure_ : matplotlib Figure
        Their figure.

    reachability_ax_, factor_ax_, traversal_ax_ : matplotlib Axes or None
        The axes above, at the left and at the right.

    matrix_ : SimilarityMatrixDisplay
        The matrix.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", figures 4 and 5.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.channels import ChannelHotspots
    >>> from sklatent.plotting import ReachabilityDisplay
    >>> rng = np.random.default_rng(0)
    >>> fragments = rng.normal(size=(2, 50))
    >>> means = 3 * np.repeat(fragments, 6, axis=0) + 0.1 * rng.normal(size=(12, 50))
    >>> hotspots = ChannelHotspots(min_samples=4).fit(means)
    >>> display = ReachabilityDisplay.from_estimator(hotspots, factors=fragments.T > 0)
    >>> len(display.matrix_.frames_)
    2
    """

    def __init__(
        self,
        reachability,
        similarity,
        *,
        order,
        groups,
        factor_similarity=None,
        factor_names=None,
        traversals=None,
        image_shape=None,
        similarity_name="similarity",
    ):
        self.reachability = reachability
        self.similarity = similarity
        self.order = order
        self.groups = groups
        self.factor_similarity = factor_similarity
        self.factor_names = factor_names
        self.traversals = traversals
        self.image_shape = image_shape
        self.similarity_name = similarity_name

    @classmethod
    @check_options(estimator=[HasMethods(["fit", "channel_factor_similarity"])])
    def from_estimator(
        cls,
        estimator,
        *,
        factors=None,
        factor_names=None,
        models=None,
        n_values=7,
        value_range=(-2.0, 2.0),
        image_shape=None,
        ax=None,
        imshow_kwargs=None,
    ):
        """Draw the hotspots that were found.

        Parameters
        ----------
        estimator : ChannelHotspots
            Fitted.

        factors : ChannelFingerprints or array-like of shape (n_samples, n_factors), default=None
            Known factors of the samples, for the strip at the left.

        factor_names : sequence of str, default=None
            Names of the factors. None takes the fingerprints', or the columns' of a data frame.

        models : sequence of estimators, default=None
            The models that the channels came from, in the order in which fingerprints were made
            of them, for the traversals at the right. They start where all components are zero.

        n_values : int, default=7
            The number of values in a traversal.

        value_range : tuple of (float, float), default=(-2.0, 2.0)
            The first and the last value, in standard deviations of the prior.

        image_shape : tuple of (channels, height, width), default=None
            The images' shape. None takes the models' own.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow` for the matrix.

        Returns
        -------
        display : ReachabilityDisplay
            The display, drawn.
        """
        from sklatent.channels import ChannelFingerprints

        by_factor = None
        if factors is not None:
            if not isinstance(factors, ChannelFingerprints):
                factors = ChannelFingerprints.from_labels(factors, names=factor_names)
            factor_names = factors.names if factor_names is None else factor_names
            by_factor = estimator.channel_factor_similarity(factors)
        traversals = None
        if models is not None:
            models = listed(models, "models", "fitted models")
            for model in models:
                check_is_fitted(model)
            traversals = traversals_of_groups(
                estimator, models, np.linspace(*check_range(value_range), n_values)
            )
            if image_shape is None:
                image_shape = model_parameter(models[0], "image_shape")
        drawn = ~np.isnan(np.diagonal(estimator.similarity_))
        return cls.from_predictions(
            estimator.reachability_,
            estimator.similarity_,
            order=[channel for channel in estimator.ordering_ if drawn[channel]],
            groups=estimator.labels_,
            factor_similarity=by_factor,
            factor_names=factor_names,
            traversals=traversals,
            image_shape=image_shape,
            similarity_name={"nmi": "NMI", "vi": "exp(-VI)"}[estimator.metric],
            ax=ax,
            imshow_kwargs=imshow_kwargs,
        )

    @classmethod
    @check_options()
    def from_predictions(
        cls,
        reachability,
        similarity,
        *,
        order=None,
        groups=None,
        factor_similarity=None,
        factor_names=None,
        traversals=None,
        image_shape=None,
        similarity_name="similarity",
        ax=None,
        imshow_kwargs=None,
    ):
        """Draw what was clustered elsewhere.

        Parameters
        ----------
        reachability : array-like of shape (n_channels,)
            Reachability distances, by channel.

        similarity : array-like of shape (n_channels, n_channels)
            Similarities of the channels; greater is more similar.

        order : array-like of shape (n_shown,), default=None
            Channels to draw, in this order. None draws all as they come.

        groups : array-like of shape (n_channels,), default=None
            Group of each channel; -1 for none. None is no groups.

        factor_similarity : array-like of shape (n_channels, n_factors), default=None
            Similarities of the channels to known factors.

        factor_names : sequence of str, default=None
            Names of the factors. None counts them.

        traversals : array-like of shape (n_groups, n_values, n_features), default=None
            Decoded images while the representative of each group moves.

        image_shape : tuple of (channels, height, width), default=None
            The images' shape. None if the data are no images.

        similarity_name : str, default="similarity"
            What the similarities are.

        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow` for the matrix.

        Returns
        -------
        display : ReachabilityDisplay
            The display, drawn.
        """
        reachability = to_grid(reachability, "reachability")
        similarity = to_grid(similarity, "similarity")
        n_channels = len(reachability)
        if reachability.ndim != 1 or similarity.shape != (n_channels, n_channels):
            raise ValueError(
                "reachability must have shape (n_channels,) and similarity (n_channels, "
                f"n_channels), got {reachability.shape} and {similarity.shape}."
            )
        order = np.arange(n_channels) if order is None else to_indices(order, "order")
        if len(order) == 0:
            raise ValueError("There is no channel to draw: none carries enough information.")
        groups = np.full(n_channels, -1) if groups is None else to_indices(groups, "groups")
        if factor_similarity is not None:
            factor_similarity = to_grid(factor_similarity, "factor_similarity")
            if factor_similarity.ndim != 2 or len(factor_similarity) != n_channels:
                raise ValueError(
                    "factor_similarity must have shape (n_channels, n_factors) with n_channels="
                    f"{n_channels}, got {factor_similarity.shape}."
                )
            n_factors = factor_similarity.shape[1]
            if factor_names is None:
                factor_names = [f"factor{k}" for k in range(n_factors)]
            factor_names = listed(factor_names, "factor_names", "names")
            if len(factor_names) != n_factors:
                raise ValueError(
                    f"factor_names has {len(factor_names)} names for {n_factors} factors."
                )
        if traversals is not None:
            traversals = to_grid(traversals, "traversals")
            n_groups = groups.max(initial=-1) + 1
            if traversals.ndim != 3 or len(traversals) != n_groups:
                raise ValueError(
                    "traversals must have shape (n_groups, n_values, n_features) with n_groups="
                    f"{n_groups}, got {traversals.shape}."
                )
        display = cls(
            reachability,
            similarity,
            order=order,
            groups=groups,
            factor_similarity=factor_similarity,
            factor_names=factor_names if factor_similarity is not None else None,
            traversals=traversals,
            image_shape=image_shape,
            similarity_name=similarity_name,
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
            Passed to matplotlib's `imshow` for the matrix.

        Returns
        -------
        display : ReachabilityDisplay
            Itself, with the axes as attributes.
        """
        with_images = self.traversals is not None and len(self.traversals) > 0
        ax = get_axes(ax, figsize=(11.0, 6.0) if with_images else (6.5, 6.5))
        self.matrix_ = SimilarityMatrixDisplay.from_predictions(
            self.similarity,
            order=self.order,
            groups=self.groups,
            similarity_name=self.similarity_name,
            ax=ax,
            imshow_kwargs=imshow_kwargs,
            colorbar=False,
        )
        colors = self._colors()
        self.reachability_ax_ = self._plot_reachability(ax, colors)
        self.factor_ax_ = None if self.factor_similarity is None else self._plot_factors(ax)
        self.traversal_ax_ = self._plot_traversals(ax, colors) if with_images else None
        # Below the matrix, where no other part of the picture is.
        scale = ax.inset_axes([0.0, -0.08, 1.0, 0.04])
        ax.figure.colorbar(
            self.matrix_.image_, cax=scale, orientation="horizontal", label=self.similarity_name
        )
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _colors(self):
        """Make a colour for each group."""
        import matplotlib

        n_groups = self.groups.max(initial=-1) + 1
        cycle = matplotlib.colormaps["tab10" if n_groups <= 10 else "hsv"]
        steps = np.arange(n_groups) if n_groups <= 10 else np.arange(n_groups) / n_groups
        return [cycle(step) for step in steps]

    def _plot_reachability(self, ax, colors):
        above = ax.inset_axes([0.0, 1.02, 1.0, 0.25])
        height = self.reachability[self.order]
        finite = height[np.isfinite(height)]
        # The first channel visited has no predecessor: infinity is drawn as the top.
        height = np.minimum(height, finite.max(initial=1e-3) * 1.1)
        place, groups = np.arange(len(height)), self.groups[self.order]
        above.bar(place, height, width=1.0, color="0.75")
        for group, color in enumerate(colors):
            own = groups == group
            above.bar(place[own], height[own], width=1.0, color=color)
        above.set_xlim(-0.5, len(height) - 0.5)
        above.set_xticks([])
        above.set_ylabel("reachability")
        return above

    def _plot_factors(self, ax):
        width = min(0.06 * self.factor_similarity.shape[1], 0.4)
        left = ax.inset_axes([-0.02 - width, 0.0, width, 1.0])
        left.imshow(
            self.factor_similarity[self.order],
            aspect="auto",
            vmin=0.0,
            vmax=max(np.nanmax(self.factor_similarity, initial=0.0), 1e-3),
            cmap="magma",
            interpolation="nearest",
        )
        left.set_xticks(range(len(self.factor_names)), self.factor_names, rotation=90)
        left.set_yticks([])
        return left

    def _plot_traversals(self, ax, colors):
        images = to_images(self.traversals, self.image_shape)
        height = images.shape[2]
        picture, rows, _ = mosaic(images, gap=1 if height > 1 else 0)
        right = ax.inset_axes([1.2, 0.0, 1.0, 1.0])
        ratio = picture.shape[1] / picture.shape[0]
        show_picture(right, picture, {} if ratio < 4 else {"aspect": "auto"})
        names = [f"group {group}" for group in range(len(rows))]
        right.set_yticks(rows + (height - 1) / 2, names)
        for text, color in zip(right.get_yticklabels(), colors, strict=True):
            text.set_color(color)
        right.tick_params(length=0)
        right.set_xlabel("what each group's representative does")
        return right

"""A linear map between two latent spaces as a picture: matrix, spectrum, nearest permutation."""

import numpy as np
from scipy import linalg
from sklearn.utils.validation import check_is_fitted

from sklatent._utils.options import check_options
from sklatent._utils.pipelines import last_step
from sklatent.metrics import distance_to_signed_permutation
from sklatent.plotting._drawing import to_table

_MAX_NUMBERS = 12  # of rows or columns with the entries written in


class LinearMapDisplay:
    """A map between latent spaces: its matrix, its polar spectrum, the nearest signed permutation.

    The first panel shows which source axis goes into which target axis. The second shows how much
    the map stretches: written as a rotation times a symmetric matrix (polar decomposition), the
    latter's eigenvalues; a flat line is a rigid map, a steep one drops or blows up directions. The
    third shows the permutation with signs that is nearest to the matrix, which is what is left of
    it if axes were only swapped and flipped.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    matrix : ndarray of shape (n_targets, n_features)
        The map, ``z_target = matrix @ z_source``.

    spectrum : ndarray of shape (min(n_targets, n_features),)
        Its singular values, in descending order.

    permutation : ndarray of shape (n_targets, n_features) or None
        The nearest signed permutation; None unless the matrix is square.

    distance : float or None
        The mean absolute difference between the two; see
        :func:`~sklatent.metrics.distance_to_signed_permutation`. Smaller is nearer.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        The panels drawn on: three, or two where the matrix is not square.

    figure_ : matplotlib Figure
        Their figure.

    images_ : list of matplotlib AxesImage
        The matrix and, where there is one, the permutation.

    line_ : matplotlib Line2D
        The spectrum.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.alignment import LinearAligner
    >>> from sklatent.plotting import LinearMapDisplay
    >>> source = np.random.default_rng(0).normal(size=(100, 3))
    >>> aligner = LinearAligner().fit(source, source[:, [2, 0, 1]] * [1.0, -1.0, 2.0])
    >>> display = LinearMapDisplay.from_estimator(aligner)
    >>> display.permutation
    array([[ 0.,  0.,  1.],
           [-1.,  0.,  0.],
           [ 0.,  1.,  0.]])
    >>> display.spectrum.round(6)
    array([2., 1., 1.])
    """

    def __init__(self, matrix, *, spectrum, permutation=None, distance=None):
        self.matrix = matrix
        self.spectrum = spectrum
        self.permutation = permutation
        self.distance = distance

    @classmethod
    @check_options()
    def from_estimator(cls, estimator, *, ax=None, imshow_kwargs=None):
        """Draw the map of a fitted aligner.

        Parameters
        ----------
        estimator : estimator
            A fitted :class:`~sklatent.alignment.LinearAligner`,
            :class:`~sklatent.alignment.RigidAligner`, :class:`~sklatent.alignment.ICPAligner` or
            anything else linear with `coef_`; or a Pipeline that ends in one.

        ax : sequence of three matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : LinearMapDisplay
            The display, drawn.
        """
        aligner = last_step(estimator)[0]
        check_is_fitted(aligner)
        if hasattr(aligner, "rotation_"):
            matrix = aligner.scale_ * aligner.rotation_.T
        elif hasattr(aligner, "coef_"):
            matrix = np.atleast_2d(aligner.coef_)
        else:
            raise TypeError(
                f"{type(aligner).__name__} has no matrix to draw: it has neither coef_ nor "
                "rotation_. Pass a linear, rigid or ICP aligner."
            )
        return cls.from_predictions(matrix, ax=ax, imshow_kwargs=imshow_kwargs)

    @classmethod
    @check_options()
    def from_predictions(cls, matrix, *, ax=None, imshow_kwargs=None):
        """Draw a matrix.

        Parameters
        ----------
        matrix : array-like of shape (n_targets, n_features)
            The map, ``z_target = matrix @ z_source``, such as an ensemble's
            ``linear_maps_[i, j]``.

        ax : sequence of three matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : LinearMapDisplay
            The display, drawn.
        """
        matrix = to_table(matrix, "matrix")
        if not np.isfinite(matrix).all():
            raise ValueError("matrix holds NaN or infinity; it must be finite.")
        permutation = distance = None
        if matrix.shape[0] == matrix.shape[1]:
            distance, permutation = distance_to_signed_permutation(matrix, return_permutation=True)
        spectrum = linalg.svdvals(matrix)
        display = cls(matrix, spectrum=spectrum, permutation=permutation, distance=distance)
        return display.plot(ax=ax, imshow_kwargs=imshow_kwargs)

    @check_options()
    def plot(self, *, ax=None, imshow_kwargs=None):
        """Draw.

        Parameters
        ----------
        ax : sequence of matplotlib Axes, default=None
            Where to draw: three, or two where the matrix is not square. None makes a new figure.

        imshow_kwargs : dict, default=None
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : LinearMapDisplay
            Itself, with the artists as attributes.
        """
        panels = 2 if self.permutation is None else 3
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(1, panels, figsize=(4 * panels, 3.6), layout="constrained")
        self.axes_ = np.ravel(ax)
        if len(self.axes_) != panels:
            raise ValueError(f"ax must be {panels} axes, got {len(self.axes_)}.")
        self.figure_ = self.axes_[0].figure
        limit = np.abs(self.matrix).max() or 1.0
        self.images_ = [self._show(self.axes_[0], self.matrix, limit, imshow_kwargs)]
        self.axes_[0].set_title("matrix")
        self.figure_.colorbar(self.images_[0], ax=self.axes_[0])
        spectrum = self.axes_[1]
        (self.line_,) = spectrum.plot(np.arange(1, len(self.spectrum) + 1), self.spectrum, ".-")
        spectrum.set(title="polar spectrum", xlabel="direction", ylabel="stretch")
        spectrum.set_ylim(bottom=0)
        if self.permutation is not None:
            last = self.axes_[2]
            self.images_.append(self._show(last, self.permutation, 1.0, imshow_kwargs))
            last.set_title(f"nearest signed permutation\nmean |difference| {self.distance:.3g}")
        return self

    @staticmethod
    def _show(ax, matrix, limit, imshow_kwargs):
        settings = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} | (imshow_kwargs or {})
        image = ax.imshow(matrix, **settings)
        ax.set(xlabel="source axis", ylabel="target axis")
        if max(matrix.shape) <= _MAX_NUMBERS:
            ax.set_xticks(range(matrix.shape[1]))
            ax.set_yticks(range(matrix.shape[0]))
        return image

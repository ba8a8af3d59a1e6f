"""Rigid alignment of two spaces: Procrustes over the Euclidean group."""

import warnings

import numpy as np
from scipy import linalg
from sklearn.base import _fit_context

from sklatent._utils.array_api import elsewhere, like, to_numpy
from sklatent.alignment._base import AffineAligner
from sklatent.alignment._checks import (
    describe_deficit,
    raise_if_constant,
    raise_if_map_overflows,
)
from sklatent.alignment._moments import float_type, magnifications, paired_moments


def nearest_orthogonal(product, *, determinant=None, epsilon=2.0**-52):
    """Find the orthogonal R that maximises the trace of R' `product`.

    Parameters
    ----------
    product : ndarray of shape (n, n)
        For Procrustes, X'Y.

    determinant : {1, -1}, default=None
        The determinant that R must have; None allows both.

    epsilon : float, default=2**-52
        Rounding unit of `product`.

    Returns
    -------
    rotation : ndarray of shape (n, n)
        R. Where `product` is singular many do equally well, and the one nearest to the identity
        on the directions left open is taken, so that the answer does not hang on rounding.

    rank : int
        Number of singular values of `product` above rounding.
    """
    n = product.shape[0]
    left, values, right = np.linalg.svd(product)  # half the time of scipy's for small matrices
    # Rounding in n^2 independent entries moves singular values by about 2 sqrt(n) units.
    rank = int((values > 2 * np.sqrt(n) * epsilon * values[0]).sum())
    if rank == n:
        flip = np.ones(n)
        if determinant is not None:
            flip[-1] = determinant * np.sign(linalg.det(left) * linalg.det(right))
        return (left * flip) @ right, rank
    if rank == 0:
        left, right = np.eye(n), np.eye(n)
    inner = None
    if determinant is not None:
        inner = determinant * np.sign(linalg.det(left) * linalg.det(right))
    open_left, open_right = left[:, rank:], right[rank:]
    middle = open_left.T @ open_right.T
    if rank == 0:
        open_rotation = np.eye(n)
        open_rotation[-1, -1] = 1 if inner is None else inner
    else:
        open_rotation, _ = nearest_orthogonal(middle, determinant=inner)
    return left[:, :rank] @ right[:rank] + open_left @ open_rotation @ open_right, rank


def procrustes(moments, *, allow_reflection=True, scaling=False):
    """Solve ``min sum w |y - s R'x - b|^2`` over orthogonal R (equations 1 and 2, S = E(n)).

    Parameters
    ----------
    moments : PairedMoments
        Of source and target rows; with `xx` if `scaling`.

    allow_reflection : bool, default=True
        Whether the determinant of R may be -1.

    scaling : bool, default=False
        Whether s is found too, else it is 1.

    Returns
    -------
    rotation : ndarray of shape (n_features, n_targets)
        R. The narrower side is padded with zeros, and what R does with the padding is cropped.

    scale : float
        The factor s that fits best once R is given and cropped.

    intercept : ndarray of shape (n_targets,)
        The translation b.

    rank : int
        Number of directions that the rows determine, at most the smaller width.

    Raises
    ------
    ValueError
        If the best scale is not positive.
    """
    n_features, n_targets = moments.xy.shape
    size = max(n_features, n_targets)
    padded = np.zeros((size, size))
    padded[:n_features, :n_targets] = moments.xy
    # Where a side is padded, a reflection of the padding makes any determinant right.
    determinant = None if allow_reflection or n_features != n_targets else 1
    rotation, rank = nearest_orthogonal(padded, determinant=determinant, epsilon=moments.epsilon)
    rotation = rotation[:n_features, :n_targets]
    scale = 1.0
    if scaling:
        spread = float(np.sum(rotation * (moments.xx @ rotation)))
        scale = float(np.sum(rotation * moments.xy)) / spread
        if not scale > 0:
            raise ValueError(
                "No positive scale brings the two sides nearer to each other than a single point "
                "is: under the rotations allowed they are uncorrelated. Look whether their rows "
                "correspond, or set scaling=False."
            )
    return rotation, scale, moments.y_mean - scale * moments.x_mean @ rotation, rank


class RigidAligner(AffineAligner):
    """Rigid map from one latent space to another: rotation, reflection and translation.

    The orthogonal Procrustes solution. It keeps all distances, so it can say whether two spaces
    are the same up to a change of axes, and it takes fewer anchors than a linear map.

    Parameters
    ----------
    allow_reflection : bool, default=True
        Whether the rotation may include a reflection. Between spaces of unequal width this makes
        no difference.

    scaling : bool, default=False
        Whether one common factor is fitted too. The paper's maps have none.

    fit_intercept : bool, default=True
        Whether the map has a translation.

    Attributes
    ----------
    rotation_ : ndarray of shape (n_features, n_targets)
        The rotation, applied from the right. Its rows are orthonormal where ``n_features <=
        n_targets``, its columns where ``n_features >= n_targets``.

    scale_ : float
        The factor; 1 without `scaling`.

    intercept_ : ndarray of shape (n_targets,)
        The translation; zeros without one.

    rank_ : int
        Number of directions that the rows determine: the rank of the cross-product of both sides,
        at most the smaller width.

    n_targets_ : int
        Width of the target space.

    n_features_in_ : int
        Width of the source space.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of X, where it has names that are all strings.

    Warns
    -----
    UserWarning
        If `rank_` is less than the smaller width: directions that the rows say nothing about are
        then left as nearly in place as the others allow.

    See Also
    --------
    LinearAligner : Any matrix: fits closer, and takes more anchors.
    RelativeProjection : What a rigid map leaves alone, without fitting one.

    Notes
    -----
    ``transform(X) = scale_ * X @ rotation_ + intercept_``. With `sample_weight` the sum of squares
    is weighted: a weight of 2 is the row twice, a weight of 0 leaves it out.

    Unequal widths are padded with zeros, rotated in the wider space and cropped. Up, that embeds
    the source without distorting it. Down, it looks through a window: the rotation of the source
    that brings target and window together *and* leaves as little as possible outside, since
    ``|X R - [Y 0]|^2`` counts what falls on the padding. That is not the least-squares projection
    onto orthonormal axes, and distances can only shrink.

    `inverse_transform` undoes `transform` exactly where ``n_targets >= n_features``. Down, it
    returns the source point of smallest norm with that image; `transform` of it is exact.

    Rows are read in blocks and never copied whole; a memory map works. Rows of float32 come out
    as float32; sums are in float64.

    Under scikit-learn's ``array_api_dispatch`` rows may be of another library, such as tensors of
    torch on a GPU: they are multiplied there, and maps and images stay there.

    References
    ----------
    Lähner and Moeller, "On the direct alignment of latent spaces", equations 1 and 2 with S the
    Euclidean group E(n).

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.alignment import RigidAligner
    >>> source = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    >>> target = source @ [[0.0, 1.0], [-1.0, 0.0]] + [3.0, 0.0]
    >>> aligner = RigidAligner().fit(source, target)
    >>> aligner.rotation_.round(6) + 0.0
    array([[ 0.,  1.],
           [-1.,  0.]])
    >>> aligner.transform([[1.0, 1.0]]).round(6)
    array([[2., 1.]])
    """

    _parameter_constraints: dict = {
        "allow_reflection": ["boolean"],
        "scaling": ["boolean"],
        "fit_intercept": ["boolean"],
    }

    def __init__(self, *, allow_reflection=True, scaling=False, fit_intercept=True):
        self.allow_reflection = allow_reflection
        self.scaling = scaling
        self.fit_intercept = fit_intercept

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the map to rows in correspondence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source latents.

        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Target latents of the same samples, in the same order.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        self : RigidAligner
            The fitted aligner.
        """
        X, Y = self._validate_pair(X, y)
        weights = self._validate_weights(sample_weight, X)
        moments = paired_moments(X, Y, weights, center=self.fit_intercept, gram=self.scaling)
        raise_if_constant(moments)
        factors = magnifications(X, Y, moments)
        products = moments
        if factors is not None:
            products = paired_moments(
                X * factors[0],
                Y * factors[1],
                weights,
                center=self.fit_intercept,
                gram=self.scaling,
            )
        rotation, scale, intercept, rank = procrustes(
            products, allow_reflection=self.allow_reflection, scaling=self.scaling
        )
        if factors is not None:
            scale = scale * factors[0] / factors[1] if self.scaling else scale
            intercept = moments.y_mean - scale * moments.x_mean @ rotation
        dtype = np.result_type(float_type(X.dtype), float_type(Y.dtype))
        raise_if_map_overflows(scale, intercept)
        self.rotation_ = like(np.ascontiguousarray(rotation, dtype), elsewhere(X))
        self.scale_ = scale
        self.intercept_ = like(intercept.astype(dtype), elsewhere(X))
        self.rank_ = rank
        needed = min(X.shape[1], Y.shape[1])
        if rank < needed:
            deficit = describe_deficit(
                moments.n_rows, rank, needed, moments.x_constant, self.fit_intercept
            )
            warnings.warn(
                f"{deficit} The others are left as nearly in place as these allow.",
                UserWarning,
                stacklevel=2,
            )
        return self

    def _matrix(self):
        return self.scale_ * self.rotation_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        return tags

    def _inverse_matrix(self):
        # The transpose is the exact inverse, or pseudo-inverse where dimensions were dropped.
        return to_numpy(self.rotation_).T / self.scale_

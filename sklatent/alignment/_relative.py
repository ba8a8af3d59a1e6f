"""Relative representations: where a point lies, told by its similarity to anchors."""

from numbers import Integral

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklatent._utils.arrays import plain_numbers, to_numbers
from sklatent._utils.calling import call_users
from sklatent._utils.random import local_random_state
from sklatent._utils.sparse import dense
from sklatent._utils.warn import warn_caller
from sklatent.alignment._checks import blocks, check_finite_rows, plain_latents
from sklatent.alignment._moments import float_type

_SAFE_EXPONENT = 500  # of two


def euclidean_similarity(X, anchors):
    """Compute Euclidean distances to anchors, exact to rounding near zero too.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Points, of float64.

    anchors : ndarray of shape (n_anchors, n_features)
        Anchors, of float64.

    Returns
    -------
    distances : ndarray of shape (n_samples, n_anchors)
        Smaller is nearer.
    """
    # Distances do not feel a common shift; small numbers lose less in the expanded square.
    exponent = np.frexp(max(np.abs(X).max(initial=0.0), np.abs(anchors).max()))[1]
    if abs(exponent) > _SAFE_EXPONENT:  # squares would overflow, or vanish
        X, anchors = np.ldexp(X, -exponent), np.ldexp(anchors, -exponent)
        return np.ldexp(euclidean_similarity(X, anchors), exponent)
    centre = anchors.mean(axis=0)
    X, anchors = X - centre, anchors - centre
    squares = (X**2).sum(axis=1)[:, None] + (anchors**2).sum(axis=1)
    distances = squares - 2 * (X @ anchors.T)
    # Where the difference is small beside its terms, most of its digits are gone: take it anew.
    row, column = np.nonzero(distances < 1e-4 * squares)
    distances[row, column] = ((X[row] - anchors[column]) ** 2).sum(axis=1)
    return np.sqrt(distances)


def cosine_similarity(X, anchors):
    """Compute cosines of the angles to anchors, seen from the origin.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Points, of float64.

    anchors : ndarray of shape (n_anchors, n_features)
        Anchors, of float64.

    Returns
    -------
    cosines : ndarray of shape (n_samples, n_anchors)
        From -1 to 1, larger is more alike; 0 for a point at the origin, which has no direction.
    """
    return _unit(X) @ _unit(anchors).T


def _unit(rows):
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1.0)


SIMILARITIES = {"euclidean": euclidean_similarity, "cosine": cosine_similarity}


def choose_anchors(X, anchors, n_anchors, draw):
    """Settle which points serve as anchors.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Data.

    anchors : array-like, default=None
        Row numbers of X (1-D, integers) or points (2-D); None draws `n_anchors` rows.

    n_anchors : int
        How many to draw; clipped to the number of rows, with a warning.

    draw : callable
        From a number of rows to their positions in random order, of which the first are taken.

    Returns
    -------
    points : ndarray of shape (n_anchors, n_features)
        A copy, in order.

    indices : ndarray of shape (n_anchors,) or None
        Their rows in X, where they are rows of X.

    Raises
    ------
    ValueError
        If row numbers lie outside the data or points have another width.
    """
    n_samples, n_features = X.shape
    if anchors is None:
        if n_anchors > n_samples:
            warn_caller(
                f"n_anchors={n_anchors} is more than the {n_samples} rows of X; all of them are "
                "taken."
            )
            n_anchors = n_samples
        indices = draw(n_samples)[:n_anchors]
        return np.array(dense(X[indices])), indices
    anchors = plain_numbers(anchors, "anchors")
    points = np.asarray(anchors)
    if points.ndim == 1 and points.dtype.kind in "iu":
        outside = points[(points < 0) | (points >= n_samples)]
        if outside.size:
            raise ValueError(
                f"anchors has row numbers outside the data: {outside[:5].tolist()}. X has "
                f"{n_samples} rows, numbered from 0 to {n_samples - 1}."
            )
        if points.size == 0:
            raise ValueError("anchors is empty; give at least one row number or point.")
        return np.array(dense(X[points])), points.copy()
    points = check_array(anchors, dtype="numeric", ensure_all_finite=False, input_name="anchors")
    check_finite_rows(points, "anchors")
    if points.shape[1] != n_features:
        raise ValueError(
            f"anchors has {points.shape[1]} columns and X has {n_features}. Anchors are points of "
            "the same space as X (2-D), or row numbers of X (1-D, integers)."
        )
    return np.array(points), None


class RelativeProjection(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Represent each point by its similarity to an ordered set of anchors.

    Two spaces whose anchors are the same samples in the same order get representations that can be
    compared without any map: Euclidean distances do not feel rotations, reflections and
    translations of the space, cosines do not feel rotations, reflections and rescaling.

    Parameters
    ----------
    anchors : array-like, default=None
        Which anchors: their row numbers in X (1-D, integers), or the points themselves (2-D, of
        the width of X). None draws `n_anchors` rows of X.

    n_anchors : int, default=100
        How many rows to draw where `anchors` is None. Clipped to the rows there are, with a
        warning.

    similarity : {"euclidean", "cosine"} or callable, default="euclidean"
        Equation 4's sim. A callable takes points (n_samples, n_features) and anchors (n_anchors,
        n_features), both float64, and returns (n_samples, n_anchors).

    random_state : int, RandomState instance or None, default=None
        Draws the anchors. The same integer draws the same row numbers from every X of the same
        length, so two spaces encoded from the same samples get anchors in correspondence.

    Attributes
    ----------
    anchors_ : ndarray of shape (n_anchors, n_features)
        The anchors, in order.

    anchor_indices_ : ndarray of shape (n_anchors,) or None
        Their row numbers in X; None where `anchors` was given as points.

    n_features_in_ : int
        Width of X.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of X, where it has names that are all strings.

    See Also
    --------
    RigidAligner : Finds the rotation and translation that this is blind to.
    sklatent.models.RelativeAutoencoder : Trains a decoder on this representation.

    Notes
    -----
    Equation 4. The paper's sim is the Euclidean *distance*, so smaller means more alike there, and
    a cosine is larger where more alike. Neither is blind to a linear map.

    References
    ----------
    Lähner and Moeller, "On the direct alignment of latent spaces", equation 4; after Moschella et
    al., "Relative representations enable zero-shot latent space communication" (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.alignment import RelativeProjection
    >>> space = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    >>> turned = space @ [[0.0, 1.0], [-1.0, 0.0]] + 7.0
    >>> RelativeProjection(anchors=[0, 2]).fit_transform(space)
    array([[0.        , 1.        ],
           [5.        , 4.24264069],
           [1.        , 0.        ]])
    >>> np.allclose(
    ...     RelativeProjection(anchors=[0, 2]).fit_transform(space),
    ...     RelativeProjection(anchors=[0, 2]).fit_transform(turned),
    ... )
    True
    """

    _parameter_constraints: dict = {
        "anchors": ["array-like", None],
        "n_anchors": [Interval(Integral, 1, None, closed="left")],
        "similarity": [StrOptions(set(SIMILARITIES)), callable],
        "random_state": ["random_state"],
    }

    def __init__(self, *, anchors=None, n_anchors=100, similarity="euclidean", random_state=None):
        self.anchors = anchors
        self.n_anchors = n_anchors
        self.similarity = similarity
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Settle the anchors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points of the space, such as latents.

        y : None
            Ignored.

        Returns
        -------
        self : RelativeProjection
            The fitted projection.
        """
        X = plain_latents(X, "X")
        X = validate_data(self, X, dtype="numeric", ensure_all_finite=False)
        check_finite_rows(X, "X")
        self.anchors_, self.anchor_indices_ = choose_anchors(
            X, self.anchors, self.n_anchors, local_random_state(self.random_state).permutation
        )
        return self

    def transform(self, X):
        """Compute the similarity of each row to each anchor.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points of the space.

        Returns
        -------
        R : ndarray of shape (n_samples, n_anchors)
            Relative representation; of float32 where X is of float32 or float16, else of float64.
        """
        check_is_fitted(self)
        X = plain_latents(X, "X")
        X = validate_data(self, X, dtype="numeric", ensure_all_finite=False, reset=False)
        check_finite_rows(X, "X")
        similarity = self.similarity
        if isinstance(similarity, str):
            similarity = SIMILARITIES[similarity]
        anchors = np.asarray(self.anchors_, np.float64)
        result = np.empty((X.shape[0], anchors.shape[0]), float_type(X.dtype))
        for rows in blocks(X.shape[0], X.shape[1] + anchors.shape[0]):
            points = np.asarray(X[rows], np.float64)
            block = call_users("similarity", "(X, anchors)", similarity, points, anchors)
            block = to_numbers(block, "what similarity returned")
            if block.shape != result[rows].shape:
                raise ValueError(
                    f"similarity returned an array of shape {block.shape} for points of shape "
                    f"{X[rows].shape} and anchors of shape {anchors.shape}; it must return "
                    f"{result[rows].shape}."
                )
            if not np.isfinite(block).all():
                raise ValueError("similarity returned NaN or infinity; it must be finite.")
            result[rows] = block
        return result

    @property
    def _n_features_out(self):
        return self.anchors_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

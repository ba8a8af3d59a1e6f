"""Alignment of two spaces of which no rows correspond, and refusal where that cannot be done."""

from numbers import Integral, Real

import numpy as np
from scipy.stats import norm
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklatent._utils.random import local_random_state
from sklatent._utils.warn import warn_caller
from sklatent.alignment._base import affine, pseudo_inverse, variance_weighted_r2
from sklatent.alignment._checks import check_finite_rows, plain_latents
from sklatent.alignment._moments import float_type
from sklatent.alignment._unpaired_frames import compose, make_frames
from sklatent.alignment._unpaired_judgement import FEWEST_ROWS, judge
from sklatent.alignment._unpaired_search import search

# Held-out density on the scale from random rotations to the cloud's own below which the clouds
# are not of one kind, and R^2 that maps of parts of the rows must reach with each other.
_LEAST_FIT = 0.6
_LEAST_STABILITY = 0.7


class UnpairedAligner(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Map between two latent spaces from rows that don't correspond, without labels.

    Both sides must embed data of the same kind; only the shape of the two clouds says how they lie
    to each other. Often that determines a map nearly as good as paired rows would, and often it
    does not: a circle can be turned, a symmetric cloud reflected, two equal groups exchanged. So
    the map is held against the best one that says something different, on rows left out, and is
    refused where it is not clearly better. `transform` of a refused map raises an error.

    Parameters
    ----------
    kind : {"rigid", "linear"}, default="rigid"
        Rotations and reflections with a translation; or any invertible linear map, found as the
        rotation between both sides at unit variance in all directions.

    n_init : int, default=30
        Number of restarts of the quadratic assignment in each of three parts of the rows, at random
        and as many by what points see; of all starts that many are refined.

    max_samples : int, default=450
        Rows of either side that are used, drawn at random; time grows with the square of it.

    min_margin : float, default=4.0
        By how many standard errors the map's held-out density must exceed that of every map that
        says something different. Rows of a group depend on each other, so that wrong maps had
        margins up to 3.3 on 210 pairs of disjoint halves of data; at 4 all that were accepted were
        right. See ``benchmarks/reports/unpaired_halves.md``.

    strict : bool, default=True
        Whether `transform` and `inverse_transform` of a refused map raise an error.

    random_state : int, RandomState instance or None, default=None
        Determines the rows drawn and all starts. Pass an int for reproducible results.

    Attributes
    ----------
    accepted_ : bool
        Whether the map may be used.

    confidence_ : float
        Probability, by the normal law, that the map is better than the best different one: from
        0.5, a coin, to 1. Zero where there are too few rows to say.

    margin_ : float
        The same in standard errors; infinite where no different map came near.

    fit_ : float
        How well the clouds lie on each other, from 0, as under random rotations, to 1, as rows of
        one cloud do.

    reason_ : str
        Why the map was accepted or refused, in a sentence.

    coef_ : ndarray of shape (n_targets, n_features)
        The linear part: `transform(X) = X @ coef_.T + intercept_`.

    intercept_ : ndarray of shape (n_targets,)
        The translation.

    n_targets_ : int
        Width of the target space.

    n_features_in_ : int
        Width of the source space.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of X, where it has names that are all strings.

    See Also
    --------
    RigidAligner : From rows in correspondence; always to be preferred where there are any.
    ICPAligner : From labels instead of correspondence.

    Notes
    -----
    In each of three parts of the rows, k-means prototypes of both sides are matched by the
    quadratic assignment of their distances, begun at random and where prototypes see alike
    distances to all rows; rows are matched by what they see (Memoli's lower bound), and principal
    axes under all signs. Such starts are refined by rigid maps to soft mutual neighbours, at a
    bandwidth that shrinks, and the best go on, while that helps, to maps with axes turned over or
    exchanged. All maps found, and the best one with every principal axis and pair of axes turned
    over or exchanged, are refined on two thirds of the rows and compared on the last third, by the
    kernel density of either cloud at the other's rows. Accepted is a map whose margin is at least
    `min_margin`, whose parts agree, which at least one search found by itself, and under which the
    clouds fit.

    The test says whether the *clouds* determine the map. It cannot know whether they are of the
    same kind: two data sets that resemble each other by accident look the same to it.

    A 1-D y, such as labels or a regression target, is no space: one component and its mirror image
    can't be told apart in general, and `transform` gives the better of both, with a warning.

    References
    ----------
    J. Vogelstein et al., "Fast approximate quadratic programming for graph matching", 2015.
    F. Memoli, "Gromov-Wasserstein distances and the metric approach to object matching", 2011.
    D. Alvarez-Melis, S. Jegelka, T. Jaakkola, "Towards optimal transport with global invariances",
    AISTATS 2019, for the difficulty of the problem. A. Myronenko, X. Song, "Point set
    registration: coherent point drift", 2010, for the refinement.

    Examples
    --------
    Four groups of unequal size, each side of its own rows:

    >>> import numpy as np
    >>> from sklatent.alignment import UnpairedAligner
    >>> rng = np.random.default_rng(0)
    >>> centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 7.0], [9.0, 9.0]])
    >>> rows = centres[rng.choice(4, size=400, p=[0.4, 0.3, 0.2, 0.1])]
    >>> rows = rows + rng.normal(size=rows.shape)
    >>> source, target = rows[:200], rows[200:] @ [[0.0, 1.0], [-1.0, 0.0]]
    >>> aligner = UnpairedAligner(random_state=0).fit(source, target)
    >>> aligner.accepted_
    True
    >>> aligner.coef_.round(1) + 0.0
    array([[ 0., -1.],
           [ 1.,  0.]])

    A circle can be turned:

    >>> circle = rng.normal(size=(400, 2))
    >>> circle /= np.linalg.norm(circle, axis=1, keepdims=True)
    >>> aligner = UnpairedAligner(random_state=0).fit(circle[:200], circle[200:])
    >>> aligner.accepted_
    False
    >>> aligner.transform(circle)
    Traceback (most recent call last):
    ...
    ValueError: The map was refused: ...
    """

    _parameter_constraints: dict = {
        "kind": [StrOptions({"rigid", "linear"})],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, FEWEST_ROWS, None, closed="left")],
        "min_margin": [Interval(Real, 0.0, None, closed="left")],
        "strict": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        kind="rigid",
        n_init=30,
        max_samples=450,
        min_margin=4.0,
        strict=True,
        random_state=None,
    ):
        self.kind = kind
        self.n_init = n_init
        self.max_samples = max_samples
        self.min_margin = min_margin
        self.strict = strict
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Find the map and judge it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source latents.

        y : array-like of shape (n_other_samples, n_targets)
            Target latents, of as many other samples as there are.

        Returns
        -------
        self : UnpairedAligner
            The fitted aligner.
        """
        if y is None:
            raise ValueError(
                "This UnpairedAligner estimator requires y to be passed, but the target y is None. "
                "y is the latents of the target space, whose rows need not be those of X."
            )
        X, y = plain_latents(X, "X"), plain_latents(y, "y")
        X = validate_data(self, X, dtype="numeric", ensure_all_finite=False, ensure_min_samples=2)
        Y = check_array(
            y,
            dtype="numeric",
            ensure_2d=False,
            ensure_all_finite=False,
            ensure_min_samples=2,
            input_name="y",
            estimator=self,
        )
        self._is_space = Y.ndim == 2
        Y = Y.reshape(-1, 1) if Y.ndim == 1 else Y
        self.n_targets_ = Y.shape[1]
        for array, name in ((X, "X"), (Y, "y")):
            check_finite_rows(array, name)
        rng = np.random.default_rng(local_random_state(self.random_state).randint(2**31))
        chosen = [Z[_some_rows(len(Z), self.max_samples, rng)] for Z in (X, Y)]
        frames = make_frames(*chosen, self.kind)
        points = [frame.to_points(Z) for frame, Z in zip(frames, chosen, strict=True)]
        rotation, offset = self._judge(*points, rng)
        matrix, intercept = compose(*frames, rotation, offset)
        dtype = np.result_type(float_type(X.dtype), float_type(Y.dtype))
        self.coef_ = np.ascontiguousarray(matrix.T, dtype)
        self.intercept_ = intercept.astype(dtype)
        if not self._is_space:
            warn_caller(
                "y is 1-D, such as labels or a regression target are, and no latent space: one "
                "component can't be told from its mirror image; transform gives the better one."
            )
        return self

    def _judge(self, X, Y, rng):
        """Find the map between clouds in equally many dimensions; set what is known of it."""
        fewest = min(len(X), len(Y))
        if fewest < FEWEST_ROWS:
            self.margin_ = self.fit_ = self.confidence_ = 0.0
            self._decide(f"{fewest} rows are too few to tell, at least {FEWEST_ROWS} are needed")
            return search(X, Y, self.n_init, 1, rng)[0]
        found = judge(X, Y, self.n_init, rng)
        self.margin_, self.fit_ = found.margin, found.fit
        self.confidence_ = float(norm.cdf(found.margin))
        against = ""
        if found.margin < self.min_margin:
            against = (
                f"a different map fits nearly as well (by {found.margin:.1f} standard errors, "
                f"min_margin={self.min_margin:g}), as where a cloud is symmetric or has too few "
                "rows for its shape"
            )
        elif found.fit < _LEAST_FIT:
            against = (
                f"the clouds don't lie on each other (a fit of {found.fit:.2f} of 1, at least "
                f"{_LEAST_FIT} is needed), so they are not of one kind, or no {self.kind} map "
                "brings them together"
            )
        elif found.stability < _LEAST_STABILITY or not found.found:
            against = (
                f"searches don't agree (R2 {found.stability:.2f} between parts of the rows, found "
                f"by {found.found} of {found.n_searches} searches)"
            )
        self._decide(against)
        return found.map_

    def _decide(self, against):
        self.accepted_ = not against
        self.reason_ = (
            f"The map was refused: {against}. Pair some rows (RigidAligner) or labels "
            "(ICPAligner), or give more rows; strict=False maps all the same."
            if against
            else f"The map was accepted: its margin to the next different one is "
            f"{self.margin_:.1f} standard errors, its fit {self.fit_:.2f} of 1."
        )

    def transform(self, X):
        """Map source latents into the target space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source latents.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_targets)
            Their images; of float32 where X is of float32 or float16, else of float64.

        Raises
        ------
        ValueError
            If the map was refused, unless `strict=False`.
        """
        check_is_fitted(self)
        X = plain_latents(X, "X")
        X = validate_data(self, X, dtype="numeric", ensure_all_finite=False, reset=False)
        check_finite_rows(X, "X")
        self._refuse()
        return affine(X, self.coef_.T, self.intercept_)

    def inverse_transform(self, X):
        """Map target latents back into the source space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_targets)
            Latents of the target space.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Source latents; of smallest norm where the target space is narrower.

        Raises
        ------
        ValueError
            If the map was refused, unless `strict=False`.
        """
        check_is_fitted(self)
        X = plain_latents(X, "X")
        Z = check_array(X, dtype="numeric", ensure_all_finite=False, estimator=self)
        if Z.shape[1] != self.n_targets_:
            raise ValueError(
                f"X has {Z.shape[1]} columns, but the target space that UnpairedAligner was fitted "
                f"with has {self.n_targets_}."
            )
        check_finite_rows(Z, "X")
        self._refuse()
        inverse = pseudo_inverse(self.coef_.T, np.finfo(self.coef_.dtype).eps)
        return affine(Z, inverse, -np.asarray(self.intercept_, np.float64) @ inverse)

    def score(self, X, y):
        """R^2 of the map on rows that do correspond, weighted by the columns' variance.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Source latents.

        y : array-like of shape (n_samples, n_targets) or (n_samples,)
            Target latents of the same samples, in the same order.

        Returns
        -------
        score : float
            1 for exact images, 0 for as good as the targets' mean; greater is better.
        """
        check_is_fitted(self)
        X = validate_data(self, plain_latents(X, "X"), dtype="numeric", reset=False)
        self._refuse()
        return float(variance_weighted_r2(y, affine(X, self.coef_.T, self.intercept_)))

    def _refuse(self):
        if self.strict and self._is_space and not self.accepted_:
            raise ValueError(self.reason_)

    @property
    def _n_features_out(self):
        return self.n_targets_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _some_rows(n, most, rng):
    # In random order in any case: folds are taken from it.
    return rng.permutation(n)[:most]

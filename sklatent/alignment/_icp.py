"""Alignment without paired samples: iterative closest points."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

from sklatent._utils.random import local_random_state
from sklatent._utils.warn import warn_caller
from sklatent.alignment._base import AffineAligner
from sklatent.alignment._checks import check_finite_rows
from sklatent.alignment._correspondence import check_labels, class_mean_anchors
from sklatent.alignment._icp_starts import axes_starts, held_out_distance, split_groups
from sklatent.alignment._icp_steps import fit_affine, iterate_closest_points, shared_groups
from sklatent.alignment._moments import float_type


class ICPAligner(AffineAligner):
    """Iterative closest points: a map between spaces whose samples are not paired.

    Starts from a rough map, pairs each point with the nearest of its class on the other side, fits
    a map to the pairs, and repeats.

    Parameters
    ----------
    kind : {"linear", "rigid"}, default="linear"
        What is fitted: any matrix, or a rotation or reflection; both with a translation.

    init : {"class_means", "identity"}, default="class_means"
        The first map: fitted to the means of the classes, or none at all. Without labels
        "class_means" stands for a map fitted to the rows as pairs.

    matching : {"both_ways", "nearest"}, default="both_ways"
        Who looks for a nearest point: points of both sides, or the source's only, as in the
        classical algorithm. With a linear map the latter rewards shrinking the source into the
        middle of the target.

    keep_best : bool, default=True
        Whether to return, of all maps on the way, the one with the smallest distance, so that the
        result is never farther from the target than the start. Otherwise the last one.

    n_init : int, default=10
        Starts tried where there are labels: `init`, and maps between the principal axes of both
        sides, the likeliest signs first. The best is chosen by the distance of rows
        that its map was not fitted to, and then fitted to all.

    max_iter : int, default=50
        Largest number of maps fitted.

    tol : float, default=1e-4
        Relative change of the distance at which to stop.

    random_state : int, RandomState instance or None, default=None
        Draws the rows that starts are judged by, and breaks ties between signs.

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_features)
        The matrix.

    intercept_ : ndarray of shape (n_targets,)
        The translation.

    rank_ : int
        Number of source directions that the last pairs determined.

    n_iter_ : int
        Number of maps fitted.

    distances_ : ndarray of shape (n_iter + 1,)
        Mean squared distance from points of either side to the nearest of their class on the
        other, under each map, the first one included. Smaller is nearer.

    n_targets_ : int
        Width of the target space.

    n_features_in_ : int
        Width of the source space.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of X, where it has names that are all strings.

    Warns
    -----
    ConvergenceWarning
        If the distance still changes after `max_iter` maps.

    See Also
    --------
    class_mean_anchors : The means alone.
    LinearAligner : For rows in correspondence.

    Notes
    -----
    The paper found ICP to make the map from class means worse. Its plain form is
    ``matching="nearest", keep_best=False``. Each source point then pulls towards its own nearest
    target point and nothing pulls back from target points that are nobody's nearest, which a
    linear map answers by shrinking. Pairs in both directions pull it open again, and ``keep_best``
    guards against drifting off. With fewer classes than dimensions their means leave directions
    open, and a rigid start may be mirrored in one of them, which the iteration does not mend;
    other starts do, as long as one of `n_init` has the right signs.

    `inverse_transform` is the pseudo-inverse of the matrix, for "rigid" its transpose: exact
    where ``n_targets >= n_features`` and the map has full rank. Points are held in memory in
    float64; results are of float32 where X is.

    References
    ----------
    Lähner and Moeller, "On the direct alignment of latent spaces", section 4.2.3 and table 4; Besl
    and McKay, "A method for registration of 3-d shapes" (1992).

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.alignment import ICPAligner
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(300) % 3
    >>> source = rng.normal(size=(300, 2)) + 4 * np.eye(3, 2)[labels]
    >>> turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> order = rng.permutation(300)  # nobody knows who is who
    >>> target = source[order] @ turn
    >>> aligner = ICPAligner(kind="rigid")
    >>> aligner = aligner.fit(source, target, source_labels=labels, target_labels=labels[order])
    >>> np.allclose(aligner.transform(source), source @ turn)
    True
    """

    _parameter_constraints: dict = {
        "kind": [StrOptions({"linear", "rigid"})],
        "init": [StrOptions({"class_means", "identity"})],
        "matching": [StrOptions({"both_ways", "nearest"})],
        "keep_best": ["boolean"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        kind="linear",
        init="class_means",
        matching="both_ways",
        keep_best=True,
        n_init=10,
        max_iter=50,
        tol=1e-4,
        random_state=None,
    ):
        self.kind = kind
        self.init = init
        self.matching = matching
        self.keep_best = keep_best
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, source_labels=None, target_labels=None):
        """Fit the map to two sets of points.

        Parameters
        ----------
        X : array-like of shape (n_source, n_features)
            Source latents.

        y : array-like of shape (n_target, n_targets) or (n_target,)
            Target latents. With labels its rows need not correspond to those of X, nor be as
            many; without, row i of both is one sample.

        source_labels : array-like of shape (n_source,), default=None
            Class of each row of X.

        target_labels : array-like of shape (n_target,), default=None
            Class of each row of y; the same classes as on the other side.

        Returns
        -------
        self : ICPAligner
            The fitted aligner.
        """
        if (source_labels is None) != (target_labels is None):
            missing = "source_labels" if source_labels is None else "target_labels"
            raise ValueError(
                f"Only one side has labels: {missing} is missing. Give both, or neither where the "
                "rows are paired."
            )
        if source_labels is None:
            X, Y = self._validate_pair(X, y)
            groups = [(np.arange(X.shape[0]), np.arange(Y.shape[0]))]
        else:
            X, Y = self._validate_source(X), self._validate_target(y)
            source_labels = check_labels(source_labels, X.shape[0], "source_labels")
            target_labels = check_labels(target_labels, Y.shape[0], "target_labels")
            groups = shared_groups(source_labels, target_labels)
        dtype = np.result_type(float_type(X.dtype), float_type(Y.dtype))
        for array, name in ((X, "X"), (Y, "y")):
            check_finite_rows(array, name)
            if (array == array[0]).all():
                raise ValueError(
                    f"Every column of {name} has zero variance: its latents are all one point, "
                    "and no map can be told from them."
                )
        # Both in one unit, so that squared distances neither vanish nor overflow.
        unit = 2.0 ** min(np.frexp(max(np.abs(X).max(), np.abs(Y).max()))[1], 1023)
        X, Y = X.astype(np.float64) / unit, Y.astype(np.float64) / unit
        settings = {
            "kind": self.kind,
            "both_ways": self.matching == "both_ways",
            "keep_best": self.keep_best,
            "max_iter": self.max_iter,
            "tol": self.tol,
        }
        start = self._start(X, Y, source_labels, target_labels)
        if source_labels is not None and self.n_init > 1:
            start = self._best_start(X, Y, groups, start, settings)
        (matrix, intercept, rank), distances, settled = iterate_closest_points(
            X, Y, groups, start, **settings
        )
        intercept = intercept * unit
        distances = np.array(distances) * unit * unit
        self.coef_ = np.ascontiguousarray(matrix.T, dtype)
        self.intercept_ = intercept.astype(dtype)
        self.rank_ = rank
        self.distances_ = distances
        self.n_iter_ = len(distances) - 1
        if not settled:
            warn_caller(
                f"The distance still changes after max_iter={self.max_iter} maps. Raise max_iter "
                "or tol.",
                ConvergenceWarning,
            )
        return self

    def _best_start(self, X, Y, groups, start, settings):
        """Of several starts the one whose map brings rows nearest that it was not fitted to."""
        generator = local_random_state(self.random_state)
        fitting, judging = split_groups(groups, generator)
        best, smallest = start, np.inf
        others = axes_starts(X, Y, groups, self.kind, self.n_init - 1, generator)
        for candidate in [start, *others]:
            (matrix, intercept, _), _, _ = iterate_closest_points(
                X, Y, fitting, candidate, **settings
            )
            distance = held_out_distance(X @ matrix + intercept, Y, groups, judging)
            if distance < smallest * (1 - settings["tol"]):
                best, smallest = candidate, distance
        return best

    def _start(self, X, Y, source_labels, target_labels):
        n_features, n_targets = X.shape[1], Y.shape[1]
        if self.init == "identity":
            rank = min(n_features, n_targets)
            return np.eye(n_features, n_targets), np.zeros(n_targets), rank
        if source_labels is None:
            return fit_affine(X, Y, self.kind)
        source = class_mean_anchors(X, source_labels)
        if len(source) < 2:
            raise ValueError(
                'init="class_means" takes at least 2 classes, and there is 1. Use '
                'init="identity", or labels that tell more.'
            )
        return fit_affine(source, class_mean_anchors(Y, target_labels), self.kind)

    def _matrix(self):
        return self.coef_.T

    def _inverse_matrix(self):
        return self.coef_ if self.kind == "rigid" else super()._inverse_matrix()

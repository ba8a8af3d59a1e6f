"""Many spaces into one."""

import copy
import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklatent._utils.array_api import elsewhere, like, moved, raise_if_elsewhere, to_numpy
from sklatent._utils.arrays import to_array
from sklatent.alignment._checks import check_finite_rows, plain_latents
from sklatent.alignment._consensus import common_rows, generalised_procrustes, shared_response
from sklatent.alignment._correspondence import matched_rows
from sklatent.alignment._linear import LinearAligner
from sklatent.alignment._moments import float_type
from sklatent.alignment._rigid import RigidAligner

_START = 0  # seeds the subspace iteration, whose answer does not depend on it


def is_list_of_spaces(X):
    """Whether X holds several spaces, rather than being the rows of one."""
    if getattr(X, "ndim", None) is not None:
        return X.ndim == 3
    several = isinstance(X, list | tuple) and len(X) > 0
    if several and not hasattr(X[0], "ndim"):
        return to_array([X[0]], "X").ndim == 3
    return several and X[0].ndim == 2


class GroupAligner(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Bring many latent spaces into one, and later ones to it.

    Parameters
    ----------
    kind : {"rigid", "linear"}, default="rigid"
        "rigid" turns and shifts spaces (generalised Procrustes) into one of the greatest width;
        "linear" takes any matrices (multi-set canonical correlation) into one of the smallest
        width, whose coordinates have unit variance, the most shared first.

    reference : "consensus", int or GroupAligner, default="consensus"
        What the spaces are brought to: their own consensus, one of them by its number, or a fitted
        GroupAligner's space, rows matched by `sample_ids`.

    max_iter : int, default=100
        Most passes over the spaces.

    tol : float, default=1e-6
        Relative change at which to stop.

    Attributes
    ----------
    spaces_ : list of RigidAligner or LinearAligner
        For each space its fitted map into the common one; those that `add` took in come last.

    consensus_ : ndarray of shape (n_samples, n_components)
        The common space's rows: of every sample that any space has or, with a `reference`, the
        rows of that.

    sample_ids_ : ndarray of shape (n_samples,)
        Their identifiers; row numbers where none were given.

    n_iter_ : int
        Passes taken; 0 with a reference.

    n_features_in_ : int
        Width of the first space.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the first space's columns, where it has names that are all strings.

    Warns
    -----
    ConvergenceWarning
        If the consensus still moves after `max_iter` passes.

    See Also
    --------
    RigidAligner : One space to another.
    alignment_report : Whether a map may be trusted.

    Notes
    -----
    Generalised Procrustes is solved to a local optimum: each space first joins the mean of those
    before it, then all are turned to the mean until it rests. The consensus lies as the first
    space of greatest width does. A sample that some spaces lack is averaged over those that have
    it; a space needs 2 rows in common with the others.

    A 2-D array is one space. Arrays of other libraries, under ``array_api_dispatch``, are brought
    to numpy for the consensus and mapped where they lie.

    References
    ----------
    Gower, "Generalized Procrustes analysis", Psychometrika 40 (1975). Kettenring, "Canonical
    analysis of several sets of variables", Biometrika 58 (1971), the MAXVAR criterion; the shared
    response model of Chen et al. (2015) is its probabilistic kin with orthogonal maps.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.stats import ortho_group
    >>> from sklatent.alignment import GroupAligner
    >>> rng = np.random.default_rng(0)
    >>> common = rng.normal(size=(50, 3))
    >>> spaces = [common @ ortho_group.rvs(3, random_state=k) + k for k in range(4)]
    >>> group = GroupAligner().fit(spaces[:3])
    >>> group = group.add(spaces[3])
    >>> aligned = [group.transform(space, space=k) for k, space in enumerate(spaces)]
    >>> bool(np.ptp(aligned, axis=0).max() < 1e-9)
    True
    """

    _parameter_constraints: dict = {
        "kind": [StrOptions({"rigid", "linear"})],
        "reference": [StrOptions({"consensus"}), Integral, HasMethods(["add", "transform"])],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, *, kind="rigid", reference="consensus", max_iter=100, tol=1e-6):
        self.kind = kind
        self.reference = reference
        self.max_iter = max_iter
        self.tol = tol

    def __sklearn_clone__(self):
        # A fitted reference is data, not something to be fitted anew.
        frozen = copy.copy(self)
        if hasattr(self.reference, "fit") and not isinstance(self.reference, FrozenEstimator):
            frozen.reference = FrozenEstimator(self.reference)
        return super(GroupAligner, frozen).__sklearn_clone__()

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_ids=None):
        """Find the common space and each space's map into it.

        Parameters
        ----------
        X : list of array-like of shape (n_rows, n_features)
            The spaces' latents; widths may differ. A 2-D array is one space.

        y : None
            Ignored.

        sample_ids : list of array-like of shape (n_rows,), default=None
            For each space, identifiers of its rows, none twice in one space; rows of equal
            identifier are one sample, and spaces may lack some. None where row i is the same
            sample in all.

        Returns
        -------
        self : GroupAligner
            The fitted aligner.
        """
        several = is_list_of_spaces(X)
        given = [X[number] for number in range(len(X))] if several else [X]
        given[0] = plain_latents(given[0], "space 0" if several else "X")
        place = elsewhere(given[0])
        first = validate_data(
            self, given[0], dtype="numeric", ensure_all_finite=False, ensure_min_samples=2
        )
        spaces = [self._checked(first, "X" if not several else "space 0")]
        for number, space in enumerate(given[1:], start=1):
            spaces.append(self._checked(space, f"space {number}"))
        dtype = np.result_type(*(float_type(space.dtype) for space in spaces))
        ids = None
        if sample_ids is not None:
            # For a single 2-D space its identifiers may come as they are.
            ids = self._checked_ids(list(sample_ids) if several else [sample_ids], spaces)
        elif len({space.shape[0] for space in spaces}) > 1:
            raise ValueError(
                f"Spaces have unequal numbers of rows, {[s.shape[0] for s in spaces][:10]}: give "
                "sample_ids, so that rows of one sample can be found."
            )
        if isinstance(self.reference, str):
            self._fit_consensus([space.astype(np.float64) for space in spaces], ids, dtype)
        else:
            self._take_reference(spaces, ids)
        names = ids or [None] * len(spaces)
        self.spaces_ = []
        for number, (space, space_ids) in enumerate(zip(spaces, names, strict=True)):
            self.spaces_.append(self._map_of(space, space_ids, f"space {number}", place))
        self.consensus_ = like(self.consensus_, place)
        if self.sample_ids_.dtype.kind in "iuf":
            self.sample_ids_ = like(self.sample_ids_, place)
        return self

    def add(self, Z, sample_ids=None):
        """Take in a further space without moving the others.

        Parameters
        ----------
        Z : array-like of shape (n_rows, n_features)
            Its latents.

        sample_ids : array-like of shape (n_rows,), default=None
            Identifiers of its rows. None where they are the rows of `consensus_`, in order.

        Returns
        -------
        self : GroupAligner
            Its number is ``len(self.spaces_) - 1``.
        """
        check_is_fitted(self)
        Z = plain_latents(Z, "Z")
        raise_if_elsewhere(Z, self.consensus_, "GroupAligner.add")
        space = self._checked(Z, "Z")
        if sample_ids is not None:
            sample_ids = self._checked_ids([sample_ids], [space])[0]
        self.spaces_.append(self._map_of(space, sample_ids, "Z", elsewhere(self.consensus_)))
        return self

    def transform(self, X, space=0):
        """Map latents of one space into the common one.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Latents.

        space : int, default=0
            Which space they are of.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Of float32 where X is of float32 or float16, else of float64.
        """
        aligner = self._aligner(space)
        X = plain_latents(X, "X")
        raise_if_elsewhere(X, self.consensus_, "GroupAligner.transform")
        if space == 0:
            X = validate_data(self, X, dtype="numeric", ensure_all_finite=False, reset=False)
        else:
            X = check_array(X, dtype="numeric", ensure_all_finite=False, input_name="X")
            if X.shape[1] != aligner.n_features_in_:
                raise ValueError(
                    f"X has {X.shape[1]} columns, but space {space} has {aligner.n_features_in_}."
                )
        check_finite_rows(X, "X")
        return aligner._map(X)

    def inverse_transform(self, X, space=0):
        """Map rows of the common space into one of the spaces.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Rows of the common space.

        space : int, default=0
            Into which.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Latents of that space.
        """
        return self._aligner(space).inverse_transform(X)

    def _aligner(self, space):
        check_is_fitted(self)
        if isinstance(space, bool) or not isinstance(space, Integral):
            raise TypeError(f"space must be a number, got {space!r}.")
        if not 0 <= space < len(self.spaces_):
            raise ValueError(
                f"space={space} isn't there: there are {len(self.spaces_)} spaces, numbered from 0."
            )
        return self.spaces_[space]

    def _checked(self, space, name):
        space = plain_latents(space, name)
        space = check_array(
            moved(space, None),
            dtype="numeric",
            ensure_all_finite=False,
            ensure_min_samples=2,
            input_name=name,
            estimator=self,
        )
        check_finite_rows(space, name)
        if (space == space[0]).all():
            raise ValueError(
                f"Every column of {name} has zero variance: its latents are all one point."
            )
        return space

    @staticmethod
    def _checked_ids(sample_ids, spaces):
        if len(sample_ids) != len(spaces):
            raise ValueError(
                f"sample_ids has {len(sample_ids)} lists of identifiers for {len(spaces)} spaces."
            )
        checked = []
        for number, (ids, space) in enumerate(zip(sample_ids, spaces, strict=True)):
            ids = to_array(ids, f"sample_ids of space {number}")
            if ids.shape != (space.shape[0],):
                raise ValueError(
                    f"sample_ids of space {number} has shape {ids.shape} for {space.shape[0]} rows."
                )
            _matched(ids, ids, f"space {number}")  # none is missing or there twice
            checked.append(ids)
        kinds = {"text" if ids.dtype.kind in "US" else "other" for ids in checked}
        if len(kinds) > 1:
            raise ValueError("sample_ids are text in some spaces and not in others: no row agrees.")
        return checked

    def _fit_consensus(self, spaces, ids, dtype):
        self.sample_ids_, rows = common_rows(spaces, ids)
        settings = {"max_iter": self.max_iter, "tol": self.tol}
        n_samples = len(self.sample_ids_)
        if self.kind == "rigid":
            found = generalised_procrustes(spaces, rows, n_samples, **settings)
        else:
            counts = np.bincount(np.concatenate(rows), minlength=n_samples)
            for number, numbers in enumerate(rows):
                if len(rows) > 1 and np.count_nonzero(counts[numbers] > 1) < 2:
                    raise ValueError(f"Space {number} has no 2 rows in common with any other.")
            width = min(space.shape[1] for space in spaces)
            found = shared_response(
                spaces,
                rows,
                n_samples,
                min(width, n_samples - 1),
                random_state=np.random.RandomState(_START),
                **settings,
            )
        consensus, self.n_iter_, settled = found
        self.consensus_ = consensus.astype(dtype)
        if not settled:
            warnings.warn(
                f"The consensus still moves after max_iter={self.max_iter} passes. Raise max_iter "
                "or tol.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _take_reference(self, spaces, ids):
        self.n_iter_ = 0
        if isinstance(self.reference, Integral):
            number = int(self.reference)
            if not 0 <= number < len(spaces):
                raise ValueError(
                    f"reference={number} isn't there: {len(spaces)} spaces, numbered from 0."
                )
            self.consensus_ = np.array(spaces[number])
            self.sample_ids_ = np.arange(len(self.consensus_)) if ids is None else ids[number]
        else:
            check_is_fitted(self.reference)
            self.consensus_ = to_numpy(self.reference.consensus_).copy()
            self.sample_ids_ = to_numpy(self.reference.sample_ids_).copy()

    def _map_of(self, space, ids, name, place):
        """Fit one space's map to the rows that it shares with the consensus."""
        target = to_numpy(self.consensus_)
        if ids is None:
            if space.shape[0] != target.shape[0]:
                raise ValueError(
                    f"{name} has {space.shape[0]} rows and the common space {target.shape[0]}: "
                    "give sample_ids, so that rows of one sample can be found."
                )
        else:
            here, there = _matched(ids, to_numpy(self.sample_ids_), name)
            if len(here) < 2:
                raise ValueError(
                    f"{name} has {len(here)} row in common with the common space; 2 are needed."
                )
            space, target = space[here], target[there]
        aligner = RigidAligner() if self.kind == "rigid" else LinearAligner()
        return aligner.fit(like(space, place), like(target, place))

    @property
    def _n_features_out(self):
        return self.consensus_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.array_api_support = True
        return tags


def _matched(ids, others, name):
    try:
        return matched_rows(ids, others)
    except ValueError as error:
        told = str(error).replace("ids_a", f"sample_ids of {name}")
        raise ValueError(told.replace("ids_b", "the common space")) from None

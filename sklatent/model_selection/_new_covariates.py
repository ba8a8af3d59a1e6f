"""Covariates that came after the first fit: told apart from known columns, and behind them."""

import copy

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names

from sklatent._utils.sparse import dense
from sklatent.models._covariates import find_covariates


class NewCovariates:
    """Columns that later data have and the first did not: 0 for all rows that came before.

    Parameters
    ----------
    n_features : int
        Number of columns of the first data.
    names : ndarray of str or None
        Their names.
    columns : array-like of str or int
        New ones so far: names, or positions behind the first data's columns.
    """

    def __init__(self, n_features, names, columns):
        self.n_features, self.names, self.columns = n_features, names, list(columns)

    def found(self, covariates, X):
        """Those of a table that are new, by name or position; an error if they can't be."""
        names = _get_feature_names(X)
        positions = find_covariates(covariates, X.shape[1], names)
        if self.names is not None and names is not None:
            new = [str(names[j]) for j in positions]
            known = [name for name in new if name in {*self.names, *self.columns}]
            if known:
                raise ValueError(
                    f"covariates names {known}, which earlier data had. Name only columns that are "
                    "new; known ones are learned without."
                )
        else:
            first = self.n_features + len(self.columns)
            new = list(range(first, X.shape[1]))
            if sorted(positions) != new or not new:
                raise ValueError(
                    f"covariates={covariates!r} are columns {sorted(map(int, positions))} of X, "
                    f"which has {X.shape[1]}. Without names new covariates stand behind the "
                    f"{first} known columns, and are all that do: give X with names, or bring "
                    f"them to columns {first} and on."
                )
            names = None
        told = np.asarray(dense(_safe_indexing(X, np.sort(positions), axis=1)), dtype=np.float64)
        idle = [new[j] for j in np.flatnonzero(~(told != 0).any(axis=0))]
        if idle:
            raise ValueError(
                f"The new covariates {idle} are 0 in all rows. 0 is what rows without such a "
                "column have, so that nothing could be learned: code the new batch as 1."
            )
        return new if names is None else [str(names[j]) for j in np.sort(positions)]

    def apart(self, X):
        """The known columns of a table, and the new ones as an array or None if there are none."""
        if not self.columns:
            return X, None
        names = _get_feature_names(X)
        told = np.zeros((X.shape[0], len(self.columns)))
        if names is None or self.names is None:
            if X.shape[1] != self.n_features + len(self.columns):
                return X, told  # without the new ones; or of a width that is refused
            told[:] = dense(X[:, self.n_features :])
            return _safe_indexing(X, np.arange(self.n_features), axis=1), told
        names = [str(name) for name in names]
        new = [names.index(name) if name in names else None for name in self.columns]
        for k, j in enumerate(new):
            if j is not None:
                told[:, k] = np.asarray(_safe_indexing(X, [j], axis=1), dtype=np.float64)[:, 0]
        known = [j for j in range(len(names)) if j not in new]
        return _safe_indexing(X, known, axis=1), told

    def called(self, n_known):
        """Names of new columns behind others, for a frame."""
        return [
            column if isinstance(column, str) else f"x{n_known + k}"
            for k, column in enumerate(self.columns)
        ]


def beside(inputs, told, called):
    """Inputs of a model with new covariates behind them.

    Parameters
    ----------
    inputs : array, CSR matrix or frame of shape (n_samples, n_features)
        What it knows.
    told : ndarray of shape (n_samples, n_new)
        What it is told beside.
    called : list of str
        Names of these.
    """
    if sparse.issparse(inputs):
        return sparse.hstack([inputs, sparse.csr_array(told)], format="csr")
    if not hasattr(inputs, "columns"):
        return np.hstack([inputs, told.astype(np.result_type(inputs.dtype, np.float32))])
    names = [*inputs.columns, *called]
    values = np.hstack([np.asarray(inputs), told])
    if hasattr(inputs, "iloc"):
        return type(inputs)(values, columns=names, index=inputs.index)
    return type(inputs)(values, schema=names)


def widened(points, n_new):
    """Anchors as rows that have none of some new covariates."""
    if not n_new:
        return points
    wide = copy.copy(points)
    wide.X = _zeros_behind(points.X, n_new)
    same = points.decoded is points.X
    wide.decoded = wide.X if same else _zeros_behind(points.decoded, n_new)
    # Their names are those of the first data: columns stand as models are given them.
    wide.feature_names = wide.preprocessing = wide.steps = None
    wide.held_out = None if points.held_out is None else widened(points.held_out, n_new)
    return wide


def _zeros_behind(X, n_new):
    return np.hstack([X, np.zeros((len(X), n_new), dtype=X.dtype)])


def encoded(model, bases, inputs):
    """Latents of rows; without new covariates by the model from before, so that no bit changes.

    Parameters
    ----------
    model : estimator
        Fitted.
    bases : list of estimators
        What it grew from, its parent the last: each was told of fewer columns.
    inputs : array, CSR matrix or frame of shape (n_samples, n_features)
        Rows as the model takes them.
    """
    if not bases:
        return np.asarray(model.transform(inputs))
    n_known = bases[-1].n_features_in_
    told = dense(_safe_indexing(inputs, np.arange(n_known, inputs.shape[1]), axis=1))
    new = (np.asarray(told) != 0).any(axis=1)
    if new.all():
        return np.asarray(model.transform(inputs))
    known = _safe_indexing(inputs, np.arange(n_known), axis=1)
    Z = encoded(bases[-1], bases[:-1], _safe_indexing(known, np.flatnonzero(~new)))
    if not new.any():
        return Z
    whole = np.empty((len(new), Z.shape[1]), dtype=Z.dtype)
    whole[~new] = Z
    whole[new] = model.transform(_safe_indexing(inputs, np.flatnonzero(new)))
    return whole

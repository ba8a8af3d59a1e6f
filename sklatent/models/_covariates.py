"""Columns of X that a model is told and does not model: found, taken apart, put together again."""

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from sklatent._utils.columns import choose_columns
from sklatent._utils.sparse import dense, dense_blocks
from sklatent.likelihoods._columns import column_positions

_BLOCK = 4096  # rows that are looked at together
_SHOWN = 3  # columns that an error names


def find_covariates(covariates, n_features, names=None):
    """Positions of the columns that are covariates.

    Parameters
    ----------
    covariates : int, str, slice, array-like or None
        Which, as in :func:`~sklatent.likelihoods._columns.column_positions`; None is none.
    n_features : int
        Number of columns of X.
    names : array-like of str, default=None
        What they are called.

    Returns
    -------
    ndarray of shape (n_covariates,), integer
        In the order given.

    Raises
    ------
    ValueError
        If one is not there, or named twice, or none are left to be modelled.
    """
    if covariates is None:
        return np.empty(0, dtype=np.int64)
    found = column_positions(covariates, n_features, names, "covariates")
    twice = sorted({column for column in found if found.count(column) > 1})
    if twice:
        raise ValueError(f"covariates names columns {twice} of X twice; name each once.")
    if len(found) == n_features:
        raise ValueError(
            f"covariates={covariates!r} are all {n_features} columns of X, so that nothing is left "
            "to be modelled. Name only what the model is to be told beside."
        )
    return np.array(found, dtype=np.int64)


def modelled_columns(covariates, n_features):
    """Positions of the other columns, in their order."""
    return np.setdiff1d(np.arange(n_features), covariates)


def split_columns(X, covariates):
    """Take a table apart.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
        The whole table.
    covariates : ndarray of int
        As from :func:`find_covariates`.

    Returns
    -------
    x : array or CSR matrix of shape (n_samples, n_modelled)
        What is modelled; a view where it can be.
    told : array or CSR matrix of shape (n_samples, n_covariates), or None
        What is not.
    """
    if not len(covariates):
        return X, None
    modelled = modelled_columns(covariates, X.shape[1])
    return choose_columns(X, modelled), choose_columns(X, covariates)


def join_columns(x, told, covariates):
    """Put rows together again from what :func:`split_columns` gave."""
    if not len(covariates):
        return x
    X = np.empty((len(x), x.shape[1] + len(covariates)), dtype=x.dtype)
    X[:, modelled_columns(covariates, X.shape[1])] = x
    X[:, covariates] = told
    return X


def center_and_scale(told, rows=None):
    """Means and deviations of covariates over the entries that are known; deviations of 0 are 1.

    Parameters
    ----------
    told : array or CSR matrix of shape (n_samples, n_covariates)
        Covariates.
    rows : ndarray of int, default=None
        Which rows to look at; None is all.

    Returns
    -------
    center, scale : ndarray of shape (n_covariates,)
    """
    n = told.shape[1]
    sums, counts = np.zeros(n), np.zeros(n)
    for block in _blocks(told, rows):
        sums += np.nansum(block, axis=0)
        counts += (~np.isnan(block)).sum(axis=0)
    center = sums / np.maximum(counts, 1)
    squares = sum(np.nansum((block - center) ** 2, axis=0) for block in _blocks(told, rows))
    scale = np.sqrt(squares / np.maximum(counts, 1))
    return center, np.where(scale > 0, scale, 1.0)


def _blocks(told, rows):
    if rows is None:
        return (np.asarray(block, np.float64) for block in dense_blocks(told, _BLOCK))
    parts = (rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK))
    return (np.asarray(dense(told[part]), np.float64) for part in parts)


def check_given(model, covariates, n_rows, dtype):
    """Covariates that a user gives with latents, one row for each, or one for all.

    Parameters
    ----------
    model : LatentModel
        Fitted.
    covariates : array-like of shape (n_samples, n_covariates) or (n_covariates,), or None
        In the order of ``covariates_``, a frame's columns in any order; None is the average.
    n_rows : int
        Number of latents.
    dtype : dtype
        In which they are wanted.

    Returns
    -------
    ndarray of shape (n_rows, n_covariates), or None
    """
    columns = model._covariate_columns
    if covariates is None:
        return None
    if not len(columns):
        raise ValueError(
            "covariates were given, but this model has none. Set covariates to columns of X before "
            "fit, or leave them out here."
        )
    names = getattr(model, "feature_names_in_", None)
    if names is not None and hasattr(covariates, "columns"):
        wanted = [str(name) for name in names[columns]]
        absent = [name for name in wanted if name not in set(map(str, covariates.columns))]
        if absent:
            raise ValueError(
                f"covariates lacks {', '.join(map(repr, absent[:_SHOWN]))}. Give a column for each "
                f"of {', '.join(wanted)}."
            )
        covariates = covariates[wanted]
    if sparse.issparse(covariates):
        covariates = covariates.toarray()
    finite = "allow-nan" if model.missing == "mask" else True
    settings = {"input_name": "covariates", "dtype": "numeric", "ensure_all_finite": finite}
    told = check_array(covariates, ensure_2d=False, **settings)
    told = told.reshape(1, -1) if told.ndim < 2 else told
    if told.shape[1] != len(columns) or told.shape[0] not in (1, n_rows):
        raise ValueError(
            f"covariates has shape {np.shape(covariates)}, expected ({n_rows}, {len(columns)}), "
            f"a row for each latent, or ({len(columns)},), the same for all."
        )
    return np.broadcast_to(told.astype(dtype), (n_rows, len(columns)))

"""X as models take it: arrays, memory maps or CSR matrices, with or without entries unknown."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data

from sklatent._utils.arrays import plain_numbers
from sklatent._utils.columns import ChosenColumns
from sklatent._utils.sparse import dense, dense_blocks
from sklatent.models._covariates import modelled_columns

_BLOCK = 4096  # rows that a check may look at together


def validate_rows(model, X, reset=False, ensure_min_samples=1):
    """Validate X as scikit-learn does, with what a model's parameters let through.

    Parameters
    ----------
    model : LatentModel
        Takes down features' number and names if `reset`.
    X : array-like or CSR matrix of shape (n_samples, n_features)
        Data.
    reset : bool, default=False
        Whether they are for training anew.
    ensure_min_samples : int, default=1
        Rows that there have to be.

    Returns
    -------
    ndarray or CSR matrix
        Of real numbers.
    """
    X = plain_numbers(X, "X")
    if sparse.issparse(X) and X.format != "csr":
        raise TypeError(
            f"X is a sparse matrix in {X.format.upper()} format, of which no single rows can be "
            "read. Pass X.tocsr()."
        )
    X = validate_data(
        model,
        X,
        reset=reset,
        dtype="numeric",
        accept_sparse="csr",
        ensure_min_samples=ensure_min_samples,
        ensure_all_finite="allow-nan" if model.missing == "mask" else True,
    )
    if X.dtype.kind == "c":
        raise ValueError("X holds complex numbers; give real numbers.")
    return X


def check_training_rows(model, X):
    """Refuse data from which nothing can be learned."""
    if model.precision != "float64" and X.dtype.itemsize > 4:
        _check_range(X)
    X = model._split(X)[0]
    if model.missing == "mask":
        _check_known(model, X)
    value = _first_known(X)
    if all(((block == value) | (block != block)).all() for block in dense_blocks(X, _BLOCK)):
        raise ValueError(
            f"X is constant: every value is {value}, so that there is nothing to learn. "
            "Check that the right columns were loaded."
        )


def _check_range(X):
    limit = np.finfo(np.float32).max
    for block in dense_blocks(X, _BLOCK):
        if (np.abs(block) > limit).any():
            raise ValueError(
                "X has values too large for float32. Scale X (for example with "
                'StandardScaler), or set precision="float64".'
            )


def check_possible(likelihood, X, name):
    """Let a likelihood refuse data that it can't have produced."""
    if not sparse.issparse(X) and not isinstance(X, ChosenColumns):
        likelihood.check(X, name)
        return
    for block in dense_blocks(X, _BLOCK):
        likelihood.check(block, name)


def _check_known(model, X):
    likelihood = model._find_likelihood()
    if not hasattr(likelihood, "log_prob_of_entries"):
        raise TypeError(
            f'missing="mask" needs a likelihood with log_prob_of_entries(x, output), but '
            f"{type(likelihood).__name__} has none."
        )
    known, start = np.zeros(X.shape[1], dtype=bool), 0
    for block in dense_blocks(X, _BLOCK):
        here = block == block
        nothing = ~here.any(axis=1)
        if nothing.any():
            raise ValueError(
                f"All entries of row {start + int(nothing.argmax())} of X are missing. Leave out "
                "rows of which nothing is known."
            )
        known |= here.any(axis=0)
        start += len(block)
    if not known.all():
        column = int(known.argmin())
        column = int(modelled_columns(model._covariate_columns, model.n_features_in_)[column])
        names = getattr(model, "feature_names_in_", None)
        called = column if names is None else repr(str(names[column]))
        raise ValueError(
            f"All entries of column {called} of X are missing. Drop columns of which nothing is "
            "known."
        )


def _first_known(X):
    first = dense(X[:1])[0]
    known = first[first == first]
    return known[0] if len(known) else np.nan

"""Columns of X, by names or positions, as groups that cover every column once."""

import numpy as np
import torch


def column_positions(columns, n_features, names=None, what="columns"):
    """Positions of columns.

    Parameters
    ----------
    columns : int, str, slice, or array-like of int, str or bool
        Which.
    n_features : int
        How many there are.
    names : array-like of str, default=None
        What they are called.
    what : str, default="columns"
        What to call them in an error.

    Returns
    -------
    list of int
        Each in ``range(n_features)``, in the order given.

    Raises
    ------
    ValueError
        If one is not there.
    """
    if isinstance(columns, slice):
        return list(range(n_features))[columns]
    if isinstance(columns, (str, int, np.integer)) and not isinstance(columns, bool):
        columns = [columns]
    given = type(columns).__name__
    columns = None if torch.is_tensor(columns) else np.asarray(columns, dtype=object).tolist()
    if not isinstance(columns, list):
        raise TypeError(f"{what} must be names, positions, truth values or a slice, got {given}.")
    if columns and all(isinstance(c, (bool, np.bool_)) for c in columns):
        if len(columns) != n_features:
            raise ValueError(
                f"{what}: a mask of {len(columns)} columns for X's {n_features}; give one truth "
                "value for each column."
            )
        return [j for j, chosen in enumerate(columns) if chosen]
    found = []
    known = None if names is None else {str(name): j for j, name in enumerate(names)}
    for column in columns:
        if isinstance(column, str):
            if known is None:
                raise ValueError(
                    f"{what}: {column!r} is a name, but X's columns have none. Fit on a frame, or "
                    "give positions."
                )
            if column not in known:
                raise ValueError(
                    f"{what}: X has no column {column!r}. Its columns are "
                    f"{', '.join(list(known)[:10])}{', ...' if len(known) > 10 else ''}."
                )
            found.append(known[column])
            continue
        if not isinstance(column, (int, np.integer)) or not -n_features <= column < n_features:
            raise ValueError(
                f"{what}: {column!r} is no column of X, which has {n_features}. Give names, "
                "positions from 0, or a slice."
            )
        found.append(int(column) % n_features)
    return found


def resolve_columns(groups, n_features, names=None, modelled=None, what="columns"):
    """Positions of groups of columns, which have to cover every column once.

    Parameters
    ----------
    groups : list
        Each as in :func:`column_positions`, in the whole table.
    n_features : int
        How many columns of the table are modelled.
    names : array-like of str, default=None
        What the table's columns are called.
    modelled : array-like of int, default=None
        Which of the table's columns are modelled, where covariates are not; None is all.
    what : str, default="columns"
        What to call them in an error.

    Returns
    -------
    list of list of int
        In ``range(n_features)``.
    """
    n_table = len(names) if names is not None else n_features
    if modelled is None:
        modelled = range(n_features)
    elif names is None:
        n_table = max(modelled, default=-1) + 1
    place = {int(column): j for j, column in enumerate(modelled)}
    found = []
    for group in groups:
        columns = column_positions(group, n_table, names, what)
        told = [column for column in columns if column not in place]
        if told:
            raise ValueError(f"{what}: columns {told} are covariates, which are not modelled.")
        found.append([place[column] for column in columns])
    flat = [j for group in found for j in group]
    if sorted(flat) != list(range(n_features)):
        twice = sorted({j for j in flat if flat.count(j) > 1})
        absent = sorted(set(range(n_features)) - set(flat))
        wrong = f"columns {twice} are named twice" if twice else f"columns {absent} are not named"
        raise ValueError(f"{what} must name each column of X once, but {wrong}.")
    return found


def pick(x, columns):
    """Columns of a tensor or array, as a view where they lie side by side."""
    if list(columns) == list(range(columns[0], columns[0] + len(columns))):
        return x[..., columns[0] : columns[0] + len(columns)]
    return x[..., columns] if isinstance(x, np.ndarray) else x.index_select(-1, _index(columns, x))


def put_together(parts, groups):
    """The inverse of picking each of the groups.

    Parameters
    ----------
    parts : list of Tensor of shape (..., n_columns)
        What was made of each.
    groups : list of list of int
        Where its columns lie.

    Returns
    -------
    Tensor
        With all columns in their order.
    """
    together = torch.cat(parts, -1)
    order = np.argsort([column for group in groups for column in group], kind="stable")
    if (order == np.arange(len(order))).all():
        return together
    return together.index_select(-1, _index(order, together))


def _index(columns, like):
    return torch.as_tensor(columns, device=like.device)

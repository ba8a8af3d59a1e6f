"""First and second moments of paired rows, streamed in blocks.

All that least squares and Procrustes need to know about the data are its means and the products
X'X and X'Y of the centred rows. They are summed here block by block, so that rows may come from a
memory map larger than memory and are never copied whole.
"""

from dataclasses import dataclass

import numpy as np

from sklatent._utils.array_api import elsewhere, to_numpy, widened
from sklatent._utils.arrays import float_type
from sklatent.alignment._checks import (
    blocks,
    raise_if_not_finite,
    raise_if_overflown,
)

# Up to this many numbers, float32 rows are multiplied in float64: it costs a fraction of a second.
# Beyond it they are multiplied as they are, and only each block's products are added in float64.
_DOUBLE_NUMBERS = 2**24


@dataclass(frozen=True)
class PairedMoments:
    """Weighted moments of rows x of X and y of Y.

    Attributes
    ----------
    n_rows : int
        Number of rows with a positive weight.

    weight : float
        Sum of the weights.

    x_mean, y_mean : ndarray of shape (n_features,) and (n_targets,)
        Weighted means; zero where the moments are not central.

    xx : ndarray of shape (n_features, n_features) or None
        Sum over rows of w (x - x_mean)(x - x_mean)'.

    xy : ndarray of shape (n_features, n_targets)
        Sum over rows of w (x - x_mean)(y - y_mean)'.

    x_constant, y_constant : ndarray of bool
        Columns that have one and the same value in all rows with a positive weight.

    epsilon : float
        Rounding unit of the type the products were computed in.

    x_epsilon : float
        Rounding unit of X's own float type: what its last digit is worth.

    central : bool
        Whether the means were taken off.
    """

    n_rows: int
    weight: float
    x_mean: np.ndarray
    y_mean: np.ndarray
    xx: np.ndarray | None
    xy: np.ndarray
    x_constant: np.ndarray
    y_constant: np.ndarray
    epsilon: float
    x_epsilon: float
    central: bool


class _ConstantColumns:
    """Finds the columns that never change, reading further only where one has not changed yet."""

    def __init__(self, width):
        self.first = None
        self.candidates = np.arange(width)

    def look_at(self, block):
        if block.shape[0] == 0 or self.candidates.size == 0:
            return
        if self.first is None:
            self.first = np.array(block[0])
        same = (block[:, self.candidates] == self.first[self.candidates]).all(axis=0)
        self.candidates = self.candidates[same]

    def mask(self, width):
        mask = np.zeros(width, dtype=bool)
        mask[self.candidates] = True
        return mask


def _shift(block, work):
    """Means of the first block: near enough to the true ones that nothing cancels later."""
    return block.mean(axis=0, dtype=np.float64).astype(work)


def _work_type(X, Y):
    work = np.result_type(float_type(X.dtype), float_type(Y.dtype))
    if X.shape[0] * (X.shape[1] + Y.shape[1]) <= _DOUBLE_NUMBERS:
        return np.dtype(np.float64)
    if work == np.float32:
        # Squares must neither overflow nor vanish; the first rows tell the scale.
        for rows in (X[:1000], Y[:1000]):
            with np.errstate(over="ignore", invalid="ignore"):
                scale = float(np.abs(rows.astype(np.float64)).max())
            if not 1e-12 < scale < 1e12:
                return np.dtype(np.float64)
    return np.dtype(work)


def paired_moments(X, Y, sample_weight=None, *, center=True, gram=True):
    """Compute weighted first and second moments of paired rows in one pass over blocks.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
        One side. May be a memory map, of any real type; it is read block by block. Of another
        library than numpy, it is multiplied where it lies, in two passes.

    Y : array of shape (n_samples, n_targets)
        The other side, row by row; of the same library and device.

    sample_weight : ndarray of shape (n_samples,), default=None
        Non-negative weights. A weight of 2 counts a row twice, a weight of 0 leaves it out.

    center : bool, default=True
        Whether products are taken about the means.

    gram : bool, default=True
        Whether `xx` is wanted.

    Returns
    -------
    moments : PairedMoments
        All in float64.

    Raises
    ------
    ValueError
        If either side holds NaN or infinity (the rows are named), or numbers whose squares
        overflow.

    Notes
    -----
    Products are taken about the first block's means and corrected once at the end, which loses
    nothing to cancellation however far from zero the data lies: the first block's means are
    within sqrt(n_samples / block length) standard deviations of the true ones.
    """
    if elsewhere(X) is not None:
        return _moments_elsewhere(X, Y, sample_weight, center=center, gram=gram)
    n_samples, n_features = X.shape
    n_targets = Y.shape[1]
    work = _work_type(X, Y)
    x_shift, y_shift = np.zeros(n_features, work), np.zeros(n_targets, work)
    x_sum, y_sum = np.zeros(n_features), np.zeros(n_targets)
    xx = np.zeros((n_features, n_features)) if gram else None
    xy = np.zeros((n_features, n_targets))
    x_constant, y_constant = _ConstantColumns(n_features), _ConstantColumns(n_targets)
    x_buffer = y_buffer = None
    n_rows, weight = 0, 0.0

    for rows in blocks(n_samples, n_features + n_targets):
        x, y = X[rows], Y[rows]
        if x_buffer is None:
            x_buffer, y_buffer = np.empty(x.shape, work), np.empty(y.shape, work)
            if center:
                # A first block that is not finite is caught just below.
                with np.errstate(over="ignore", invalid="ignore"):
                    x_shift, y_shift = _shift(x, work), _shift(y, work)
        length = x.shape[0]
        with np.errstate(over="ignore", invalid="ignore"):
            x_centred = np.subtract(x, x_shift, out=x_buffer[:length], casting="same_kind")
            y_centred = np.subtract(y, y_shift, out=y_buffer[:length], casting="same_kind")
            if sample_weight is None:
                root = np.ones(length, work)
                n_rows += length
                weight += length
                x_constant.look_at(x)
                y_constant.look_at(y)
            else:
                w = sample_weight[rows]
                root = np.sqrt(w).astype(work)
                x_centred *= root[:, None]
                y_centred *= root[:, None]
                kept = w > 0
                n_rows += int(kept.sum())
                weight += float(w.sum(dtype=np.float64))
                x_constant.look_at(x[kept])
                y_constant.look_at(y[kept])
            x_block_sum, y_block_sum = root @ x_centred, root @ y_centred
            if not (np.isfinite(x_block_sum).all() and np.isfinite(y_block_sum).all()):
                raise_if_not_finite(x, rows.start, "X")
                raise_if_not_finite(y, rows.start, "y")
            x_sum += x_block_sum
            y_sum += y_block_sum
            if gram:
                xx += x_centred.T @ x_centred
            xy += x_centred.T @ y_centred

    raise_if_overflown(xx, xy, work.name)
    if center and weight > 0:
        x_offset, y_offset = x_sum / weight, y_sum / weight
        x_mean = x_shift.astype(np.float64) + x_offset
        y_mean = y_shift.astype(np.float64) + y_offset
        if gram:
            xx -= weight * np.outer(x_offset, x_offset)
        xy -= weight * np.outer(x_offset, y_offset)
    else:
        x_mean, y_mean = np.zeros(n_features), np.zeros(n_targets)

    x_mask, y_mask = x_constant.mask(n_features), y_constant.mask(n_targets)
    if center:
        _clear_constant(xx, xy, x_mask, y_mask)
    return PairedMoments(
        n_rows=n_rows,
        weight=weight,
        x_mean=x_mean,
        y_mean=y_mean,
        xx=xx,
        xy=xy,
        x_constant=x_mask,
        y_constant=y_mask,
        epsilon=float(np.finfo(work).eps),
        x_epsilon=float(np.finfo(float_type(X.dtype)).eps),
        central=center,
    )


def _clear_constant(xx, xy, x_mask, y_mask):
    """Set to zero what is zero in exact arithmetic and else rounding."""
    if xx is not None:
        xx[x_mask] = 0.0
        xx[:, x_mask] = 0.0
    xy[x_mask] = 0.0
    xy[:, y_mask] = 0.0


def _moments_elsewhere(X, Y, sample_weight, *, center, gram):
    """Moments of rows of another library, on their own device: only small results leave it."""
    place = elsewhere(X)
    xp, device = place
    weights = np.ones(X.shape[0]) if sample_weight is None else sample_weight
    kept = weights > 0
    first = int(np.argmax(kept))
    dropped = xp.asarray(~kept, device=device)[:, None]
    column = widened(xp.asarray(weights, device=device), place)[:, None]
    total = float(weights.sum())

    def summed(terms):
        """Sum arrays over blocks of rows: `terms` takes a slice and gives a list of them."""
        sums = None
        for rows in blocks(X.shape[0], X.shape[1] + Y.shape[1]):
            new = terms(rows)
            sums = new if sums is None else [a + b for a, b in zip(sums, new, strict=True)]
        return sums

    def firsts(rows):
        raise_if_not_finite(X[rows, :], rows.start, "X")
        raise_if_not_finite(Y[rows, :], rows.start, "y")
        found = []
        for side in (X, Y):
            changes = (side[rows, :] != side[first : first + 1, :]) & ~dropped[rows, :]
            found.append(xp.astype(xp.any(changes, axis=0), column.dtype))
            found.append(xp.sum(widened(side[rows, :], place) * column[rows, :], axis=0))
        return found

    x_changes, x_sum, y_changes, y_sum = summed(firsts)
    x_mean, y_mean = (s / total if center else 0.0 * s for s in (x_sum, y_sum))

    def seconds(rows):
        x = widened(X[rows, :], place) - x_mean
        y = widened(Y[rows, :], place) - y_mean
        weighted = (x * column[rows, :]).T
        return [weighted @ y, weighted @ x] if gram else [weighted @ y]

    with np.errstate(over="ignore", invalid="ignore"):
        products = [np.array(to_numpy(p), np.float64) for p in summed(seconds)]
    xy, xx = products[0], products[1] if gram else None
    name = "float64" if column.dtype == xp.float64 else "float32"
    raise_if_overflown(xx, xy, name)
    x_mask, y_mask = (to_numpy(c) == 0 for c in (x_changes, y_changes))
    if center:
        _clear_constant(xx, xy, x_mask, y_mask)
    return PairedMoments(
        n_rows=int(kept.sum()),
        weight=total,
        x_mean=to_numpy(x_mean).astype(np.float64),
        y_mean=to_numpy(y_mean).astype(np.float64),
        xx=xx,
        xy=xy,
        x_constant=x_mask,
        y_constant=y_mask,
        epsilon=float(np.finfo(name).eps),
        x_epsilon=float(np.finfo(float_type(X.dtype)).eps),
        central=center,
    )


def paired_triangle(X, Y, moments, sample_weight=None):
    """Reduce centred, weighted paired rows to a triangle R with R'R = [X Y]'[X Y].

    A second pass, for where `moments.xx` is too ill-conditioned to be solved with: orthogonal
    reductions of the rows themselves do not square the condition number.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        One side.

    Y : ndarray of shape (n_samples, n_targets)
        The other.

    moments : PairedMoments
        Of the same rows and weights. Their means are taken off, which are zero where they are not
        central.

    sample_weight : ndarray of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    x_part, y_part : ndarray of shape (n_rows, n_features) and (n_rows, n_targets)
        Rows that have the same products, and so the same least-squares solution, as all the rows
        together; at most n_features + n_targets of them.
    """
    n_features, n_targets = X.shape[1], Y.shape[1]
    width = n_features + n_targets
    triangle = np.empty((0, width))
    # Wide data would leave blocks of fewer rows than columns, and all the work in the triangle.
    for rows in blocks(X.shape[0], width, least=4 * width):
        x, y = to_numpy(X[rows, :]), to_numpy(Y[rows, :])
        stacked = np.empty((x.shape[0], width))
        np.subtract(x, moments.x_mean, out=stacked[:, :n_features], casting="same_kind")
        np.subtract(y, moments.y_mean, out=stacked[:, n_features:], casting="same_kind")
        if moments.central:
            stacked[:, :n_features][:, moments.x_constant] = 0.0
            stacked[:, n_features:][:, moments.y_constant] = 0.0
        if sample_weight is not None:
            stacked *= np.sqrt(sample_weight[rows])[:, None]
        triangle = np.linalg.qr(np.vstack([triangle, stacked]), mode="r")
    return triangle[:, :n_features], triangle[:, n_features:]


def magnifications(X, Y, moments):
    """Powers of two that keep products of tiny latents from vanishing.

    Parameters
    ----------
    X, Y : ndarray of shape (n_samples, n_columns)
        Both sides.

    moments : PairedMoments
        Of them.

    Returns
    -------
    factors : tuple of (float, float) or None
        For X and Y; None where the products are well above the smallest number.
    """
    squares = np.inf if moments.xx is None else np.diag(moments.xx).max()
    if min(np.abs(moments.xy).max(), squares) > 1e-140:
        return None
    factors = []
    for side in (X, Y):
        largest = max(
            float(np.abs(np.asarray(to_numpy(side[rows, :]), np.float64)).max())
            for rows in blocks(side.shape[0], side.shape[1])
        )
        factors.append(
            float(2.0 ** np.clip(-np.frexp(largest)[1], 0, 1000)) if largest < 1e-60 else 1.0
        )
    return None if factors == [1.0, 1.0] else tuple(factors)

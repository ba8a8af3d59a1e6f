"""One common space of many: generalised Procrustes and multi-set canonical correlation."""

import numpy as np
from scipy import linalg

from sklatent.alignment._checks import raise_if_overflown
from sklatent.alignment._rigid import nearest_orthogonal

_OVERSAMPLING = 8


def common_rows(spaces, sample_ids):
    """Number the samples that any of the spaces has.

    Parameters
    ----------
    spaces : list of ndarray of shape (n_rows, n_features)
        Widths and lengths may differ.

    sample_ids : list of ndarray or None
        Identifiers of each space's rows; None where all have the same rows.

    Returns
    -------
    ids : ndarray of shape (n_samples,)
        All identifiers, sorted; row numbers without `sample_ids`.

    rows : list of ndarray
        For each space, the numbers of its rows.
    """
    if sample_ids is None:
        n_samples = spaces[0].shape[0]
        return np.arange(n_samples), [np.arange(n_samples)] * len(spaces)
    together = np.concatenate(sample_ids)
    try:
        ids, numbers = np.unique(together, return_inverse=True)
    except TypeError as error:
        kinds = sorted({type(name).__name__ for name in together})
        raise TypeError(
            f"sample_ids mix types that have no order among them: {', '.join(kinds)}. Convert them "
            "to one, such as str."
        ) from error
    ends = np.cumsum([len(space_ids) for space_ids in sample_ids])[:-1]
    return ids, np.split(numbers, ends)


def _average(mapped, rows, n_samples):
    """Mean over spaces of each sample's images, and in how many spaces it is."""
    total, counts = np.zeros((n_samples, mapped[0].shape[1])), np.zeros(n_samples)
    for values, numbers in zip(mapped, rows, strict=True):
        total[numbers] += values
        counts[numbers] += 1
    return total / np.maximum(counts, 1)[:, None], counts


def _raise_if_apart(space, shared):
    raise ValueError(
        f"Space {space} has {shared} row(s) in common with the spaces before it; at least 2 are "
        "needed to bring it to them. Look whether sample_ids are of one kind, and the right "
        "space's."
    )


def generalised_procrustes(spaces, rows, n_samples, *, max_iter, tol):
    """Turn spaces until they lie nearest to their own mean.

    Parameters
    ----------
    spaces : list of ndarray of shape (n_rows, n_features)
        Of float64.

    rows : list of ndarray
        Numbers of their rows, each once.

    n_samples : int
        How many samples there are.

    max_iter, tol : int, float
        Most passes, and the relative change of the distance at which to stop.

    Returns
    -------
    consensus : ndarray of shape (n_samples, max(n_features))
        Mean of the turned spaces, each sample's over the spaces that have it; as the first space
        of greatest width lies.

    n_iter : int
        Passes taken.

    settled : bool
        Whether the distance stopped changing.
    """
    widths = [space.shape[1] for space in spaces]
    width, first = max(widths), int(np.argmax(widths))
    consensus, known = np.zeros((n_samples, width)), np.zeros(n_samples)
    consensus[rows[first]], known[rows[first]] = spaces[first], 1
    waiting = [space for space in range(len(spaces)) if space != first]
    # Each space joins the mean of those before it, the one that shares most rows first.
    while waiting:
        shared = [int(np.count_nonzero(known[rows[space]])) for space in waiting]
        space = waiting.pop(int(np.argmax(shared)))
        numbers = rows[space]
        both = known[numbers] > 0
        if max(shared) < 2:
            _raise_if_apart(space, max(shared))
        mapped = _turn(spaces[space][both], consensus[numbers[both]], spaces[space])
        known[numbers] += 1
        consensus[numbers] += (mapped - consensus[numbers]) / known[numbers][:, None]
    previous, settled, n_iter = np.inf, False, 0
    scale = np.sum((consensus - consensus.mean(axis=0)) ** 2)
    while n_iter < max_iter and not settled:
        mapped = [
            _turn(space, consensus[numbers], space)
            for space, numbers in zip(spaces, rows, strict=True)
        ]
        consensus, _ = _average(mapped, rows, n_samples)
        distance = sum(
            np.sum((values - consensus[numbers]) ** 2)
            for values, numbers in zip(mapped, rows, strict=True)
        )
        n_iter += 1
        settled = previous - distance <= tol * distance + 1e-14 * scale
        previous = distance
    return consensus, n_iter, settled


def _turn(source, target, rows):
    """Turn and shift rows as brings the rows of `source` nearest to those of `target`."""
    centre = source.mean(axis=0)
    product = np.zeros((target.shape[1],) * 2)  # the target is the wider one
    with np.errstate(over="ignore", invalid="ignore"):
        # The mean of one side need not be taken off where the other's is.
        np.matmul((source - centre).T, target, out=product[: source.shape[1]])
    raise_if_overflown(None, product, "float64")
    rotation = nearest_orthogonal(product)[0][: source.shape[1]]
    return (rows - centre) @ rotation + target.mean(axis=0)


def shared_response(spaces, rows, n_samples, n_components, *, max_iter, tol, random_state):
    """Coordinates that linear maps of all spaces agree on best (multi-set CCA, MAXVAR).

    Parameters
    ----------
    spaces, rows, n_samples, max_iter, tol : object
        As in `generalised_procrustes`.

    n_components : int
        How many coordinates.

    random_state : RandomState
        Draws the start of the iteration.

    Returns
    -------
    consensus : ndarray of shape (n_samples, n_components)
        Centred, uncorrelated, of unit variance over the rows of all spaces; the coordinate that
        spaces agree on most comes first, its largest entry positive.

    n_iter : int
        Passes taken.

    settled : bool
        Whether the agreement stopped changing.

    Notes
    -----
    With P_k the projector onto the columns of space k and the constant, the eigenvectors of
    largest eigenvalue of sum P_k (Kettenring 1971), each sample weighed by the number of spaces
    that have it, found by subspace iteration: never a matrix of samples by samples.
    """
    counts = np.bincount(np.concatenate(rows), minlength=n_samples).astype(float)
    root = np.sqrt(counts)
    bases = []
    for space in spaces:
        left, values, _ = linalg.svd(space - space.mean(axis=0), full_matrices=False)
        kept = values > values[0] * max(space.shape) * 2.0**-52
        constant = np.full((space.shape[0], 1), 1 / np.sqrt(space.shape[0]))
        bases.append(np.hstack([constant, left[:, kept]]))
    trivial = root / np.sqrt(counts.sum())

    def apply(block):
        scaled = block / root[:, None]
        result = np.zeros_like(block)
        for basis, numbers in zip(bases, rows, strict=True):
            result[numbers] += basis @ (basis.T @ scaled[numbers])
        result /= root[:, None]
        return result - np.outer(trivial, trivial @ result)

    size = min(n_components + _OVERSAMPLING, n_samples - 1)
    block = random_state.normal(size=(n_samples, size))
    previous, settled, n_iter = np.zeros(n_components), False, 0
    while n_iter < max_iter and not settled:
        block, _ = linalg.qr(block - np.outer(trivial, trivial @ block), mode="economic")
        image = apply(block)
        values, vectors = linalg.eigh(block.T @ image)
        block = image @ vectors[:, ::-1]
        ritz = values[::-1][:n_components]
        n_iter += 1
        settled = bool(np.abs(ritz - previous).max() <= tol * max(ritz[0], 1e-300))
        previous = ritz
    block, _ = linalg.qr(block, mode="economic")
    values, vectors = linalg.eigh(block.T @ apply(block))
    consensus = (block @ vectors[:, ::-1][:, :n_components]) / root[:, None]
    consensus *= np.sqrt(counts.sum())
    largest = consensus[np.abs(consensus).argmax(axis=0), np.arange(n_components)]
    return consensus * np.where(largest < 0, -1.0, 1.0), n_iter, settled

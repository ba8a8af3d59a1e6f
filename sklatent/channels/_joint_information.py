"""Information of all pairs of channels by matrix products.

The published way takes, for each pair of channels (U, V), the elementwise product of two N x N
matrices of coefficients. But the information of the pair needs only its row means, and for a fixed
sample i these are, for all pairs at once, a Gram matrix:

    mean_j BC^U_ij BC^V_ij = (A_i A_i^T)_UV / N,    A_i[U, j] = BC^U_ij

So N symmetric products of (C, N) matrices replace C^2 / 2 exponentials of N x N, and rows A_i are
computed where they are used: no coefficient is ever kept. An extra row of ones (a channel that says
nothing) adds the information of each single channel to the same product.
"""

import itertools
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_info

# Channels in one block. Beyond, the accumulators of each thread would leave the cache.
_BLOCK = 1024


def information_in_bits(fingerprints):
    """Information of each channel alone, in bits, in float64: (n_channels,)."""
    return _single_information(fingerprints, np.dtype("float64"))[0]


def joint_information(a, b, dtype, device):
    """Information in bits of all pairs of channels, and of each channel read once and twice.

    Returns the pairs, (n_a, n_b), and for each side (once, twice), each of shape (n_channels,).
    """
    dtype = np.dtype(dtype)
    device = _resolve_device(device)
    if device != "cpu":
        from sklatent.channels._joint_information_torch import joint_information_torch

        return joint_information_torch(a, b, dtype, device)
    if b is None:
        return _joint_with_itself(a, dtype)
    single = [_single_information(side, dtype) for side in (a, b)]
    joint = np.empty((len(a), len(b)))
    for rows in _channel_blocks(a):
        for columns in _channel_blocks(b):
            joint[rows, columns] = _cross_block(a[rows], b[columns], dtype)
    return joint, *single


def _joint_with_itself(a, dtype):
    joint, once = np.empty((len(a), len(a))), np.empty(len(a))
    blocks = list(_channel_blocks(a))
    for number, rows in enumerate(blocks):
        block = _symmetric_block(a[rows], dtype)
        joint[rows, rows], once[rows] = block[:-1, :-1], block[-1, :-1]
        for columns in blocks[number + 1 :]:
            joint[rows, columns] = _cross_block(a[rows], a[columns], dtype)
            joint[columns, rows] = joint[rows, columns].T
    single = once, np.diagonal(joint).copy()
    return joint, single, single


def _channel_blocks(fingerprints):
    n_blocks = -(-len(fingerprints) // _BLOCK)
    edges = np.linspace(0, len(fingerprints), n_blocks + 1).astype(int)
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def _symmetric_block(a, dtype):
    """Joint information of the channels and one more that says nothing: (n + 1, n + 1)."""
    fill = a.rows(dtype)

    def make_step():
        rows = np.ones((len(a) + 1, a.n_samples), dtype)
        gram = np.empty((len(rows), len(rows)), dtype)

        def step(sample):
            fill(sample, rows[:-1])
            # NumPy hands a matrix times its own transpose to the symmetric product, half the work.
            return np.matmul(rows, rows.T, out=gram)

        return step

    return _information_of_sums(make_step, (len(a) + 1, len(a) + 1), a.n_samples, dtype)


def _cross_block(a, b, dtype):
    fill_a, fill_b = a.rows(dtype), b.rows(dtype)

    def make_step():
        rows_a, rows_b = (np.empty((len(side), side.n_samples), dtype) for side in (a, b))
        product = np.empty((len(a), len(b)), dtype)

        def step(sample):
            fill_a(sample, rows_a)
            fill_b(sample, rows_b)
            return np.matmul(rows_a, rows_b.T, out=product)

        return step

    return _information_of_sums(make_step, (len(a), len(b)), a.n_samples, dtype)


def _single_information(a, dtype):
    """Information of each channel read once and twice: (2, n_channels)."""
    fill = a.rows(dtype)

    def make_step():
        rows = np.empty((len(a), a.n_samples), dtype)
        sums = np.empty((2, len(a)), dtype)

        def step(sample):
            fill(sample, rows)
            rows.sum(axis=1, out=sums[0])
            np.einsum("cn,cn->c", rows, rows, out=sums[1])
            return sums

        return step

    return _information_of_sums(make_step, (2, len(a)), a.n_samples, dtype)


def _information_of_sums(make_step, shape, n_samples, dtype):
    """-mean_i log2(s_i / N) elementwise, where step(i) gives s_i, sums of N coefficients.

    Since 1 <= s_i <= N (the diagonal is among the terms), several of them can be multiplied
    before a logarithm is taken: far fewer logarithms, at no loss of accuracy.
    """
    n_factors = int(np.log(np.finfo(dtype).max) / np.log(max(n_samples, 2))) - 1

    def work(samples):
        step, total = make_step(), np.zeros(shape)
        for start in range(0, len(samples), n_factors):
            first, *others = samples[start : start + n_factors]
            product = step(first).copy()
            for sample in others:
                product *= step(sample)
            total += np.log2(product, out=product)
        return total

    # One thread of Python for each core and none of BLAS, since exponentials need cores as well.
    n_threads = min(_n_blas_threads(), n_samples)
    parts = np.array_split(np.arange(n_samples), n_threads)
    with (
        ThreadpoolController().limit(limits=1, user_api="blas"),
        ThreadPoolExecutor(n_threads) as threads,
    ):
        total = sum(threads.map(work, parts))
    # A channel that says nothing can miss zero by rounding.
    return np.maximum(np.log2(n_samples) - total / n_samples, 0.0)


def _n_blas_threads():
    counts = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return max(counts, default=1)


def _resolve_device(device):
    if isinstance(device, str) and device == "cpu":
        return device
    if not isinstance(device, str) or device != "auto":
        # Torch takes seconds to import, and only its devices need it.
        from sklatent.nn.training.devices import resolve_device

        device = resolve_device(device)
        return "cpu" if device.type == "cpu" else device
    torch = sys.modules.get("torch")
    return "cuda" if torch is not None and torch.cuda.is_available() else "cpu"

"""Similarity of all pairs of channels by matrix products.

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

from sklatent.channels._fingerprints import ChannelFingerprints
from sklatent.channels._information import nmi_from_bits, vi_from_bits
from sklatent.channels._samples import check_same_samples

# Channels in one block. Beyond, the accumulators of each thread would leave the cache.
_BLOCK = 1024

# 2 I(X;U) - I(X;U,U') in bits below which a channel counts as without information in each type.
_NO_INFORMATION = {"float32": 1e-6, "float64": 1e-12}


def channel_similarity(fingerprints, other=None, *, metric="nmi", dtype="float32", device="auto"):
    """Similarity of all pairs of channels.

    Takes O(C^2 N^2) time, C channels over N samples, at the speed of a matrix product, and memory
    for a few (C, N) and (C, C) matrices for each thread. As many threads work as the BLAS library
    is allowed to use (OMP_NUM_THREADS, threadpoolctl); with a fixed number of threads results are
    the same to the last bit.

    Parameters
    ----------
    fingerprints : ChannelFingerprints
        The channels.

    other : ChannelFingerprints, default=None
        Channels over the same samples to compare with. By default the channels are compared with
        each other.

    metric : {"nmi", "vi", "information"}, default="nmi"
        Normalised mutual information (equation 3: greater is more similar, 1 for the same message,
        NaN where a channel carries no information), variation of information in bits (equation 4:
        smaller is more similar, 0 for the same message), or the information in bits that both
        channels give about the same things, I_U + I_V - I_UV, the numerator of the first: greater
        is more; beside itself, a channel has what it tells again when read a second time.

    dtype : {"float32", "float64"}, default="float32"
        Type of the coefficients and products; the informations are summed in float64 in any case.
        float32 agrees with the definition to better than 1e-4 bits, float64 to 1e-10.

    device : str, default="auto"
        "cpu", or the name of a torch device such as "cuda". "auto" is a CUDA device where the
        program has imported torch already and there is one, and "cpu" otherwise.

    Returns
    -------
    similarity : ndarray of shape (n_channels, n_other_channels)
        Of each channel with each other, in float64.

    References
    ----------
    Murphy, Dillavou and Bassett, "Comparing information content of representation spaces for
    disentanglement with VAE ensembles", equations 3, 4 and 6.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.channels import ChannelFingerprints, channel_similarity
    >>> x = np.linspace(-2.0, 2.0, 50)
    >>> means = np.stack([x, -(x**3), np.abs(x)])
    >>> channels = ChannelFingerprints.from_posteriors(means, np.full((3, 50), -3.0))
    >>> channel_similarity(channels).round(2)
    array([[1.  , 0.79, 0.7 ],
           [0.79, 1.  , 0.68],
           [0.7 , 0.68, 1.  ]])
    """
    if not isinstance(metric, str) or metric not in ("nmi", "vi", "information"):
        raise ValueError(f'metric must be "nmi" or "vi" or "information", got {metric!r}.')
    if not isinstance(dtype, str) or dtype not in _NO_INFORMATION:
        raise ValueError(f'dtype must be "float32" or "float64", got {dtype!r}.')
    for given in (fingerprints,) if other is None else (fingerprints, other):
        if not isinstance(given, ChannelFingerprints):
            raise TypeError(
                f"Expected ChannelFingerprints, got {type(given).__name__}. Make them with "
                "ChannelFingerprints.from_models, from_posteriors or from_labels."
            )
    if other is not None:
        check_same_samples(fingerprints, other)
    joint, *single = joint_information(fingerprints, other, dtype, device)
    (information_a, twice_a), (information_b, twice_b) = single
    twice_a, twice_b = twice_a[:, None], twice_b[None, :]
    if metric == "vi":
        return vi_from_bits(joint, twice_a, twice_b)
    information_a, information_b = information_a[:, None], information_b[None, :]
    if metric == "information":
        # By Cauchy and Schwarz it can miss zero by more than rounding: bounds are subtracted.
        return information_a + information_b - joint
    tolerance = _NO_INFORMATION[dtype]
    return nmi_from_bits(information_a, information_b, joint, twice_a, twice_b, tolerance)


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
        from sklatent.channels._similarity_torch import joint_information_torch

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
        from sklatent.channels._similarity_torch import torch_device

        device = torch_device(device)
        return "cpu" if device.type == "cpu" else device
    torch = sys.modules.get("torch")
    return "cuda" if torch is not None and torch.cuda.is_available() else "cpu"

"""Random numbers without state: a function of a key and a counter (Salmon et al., 2011).

What is drawn for a row depends on the seed, the epoch and the row's own key, and on nothing that
was drawn before; so a row that is left out, or stands elsewhere, changes no other's draws.
"""

import numpy as np
import torch

_ROTATIONS = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
_PARITY = np.uint32(0x1BD11BDA)
_ROUNDS = 13  # twelve pass every statistical test there is, says the paper
_BLOCK = 1 << 14  # counters at a time, so that all arrays stay in a core's cache


def threefry4x32(counter, key, rounds=_ROUNDS):
    """Mix counters into random words: Threefry-4x32.

    Parameters
    ----------
    counter : sequence of four ndarray of uint32
        All of one shape.
    key : sequence of four int
        Below 2**32.
    rounds : int, default=13
        Rounds of mixing; 20 is the paper's conservative number.

    Returns
    -------
    list of four ndarray of uint32
        Random words.

    References
    ----------
    .. [1] Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011.
    """
    words = [np.array(word, dtype=np.uint32) for word in counter]
    key = [np.uint32(part) for part in key]
    key.append(_PARITY ^ key[0] ^ key[1] ^ key[2] ^ key[3])
    spare = np.empty_like(words[0])

    def inject(number):
        for i in range(4):
            words[i] += key[(number + i) % 5]
        words[3] += np.uint32(number)

    def mix(a, b, rotation):
        np.add(words[a], words[b], out=words[a])
        np.right_shift(words[b], np.uint32(32 - rotation), out=spare)
        np.left_shift(words[b], np.uint32(rotation), out=words[b])
        np.bitwise_or(words[b], spare, out=words[b])
        np.bitwise_xor(words[b], words[a], out=words[b])

    with np.errstate(over="ignore"):
        inject(0)
        for number in range(rounds):
            first, second = _ROTATIONS[number % 8]
            a, b = (1, 3) if number % 2 == 0 else (3, 1)
            mix(0, a, first)
            mix(2, b, second)
            if number % 4 == 3:
                inject(number // 4 + 1)
    return words


def random_words(keys, seeds, n_words, *, epoch, call, purpose):
    """Random words for rows.

    Parameters
    ----------
    keys : ndarray of uint64
        Of the rows, any shape.
    seeds : ndarray of uint32
        Broadcasts with `keys`.
    n_words : int
        Words for each row.
    epoch, call, purpose : int
        What else the words depend on.

    Returns
    -------
    ndarray of uint32 of shape (*keys.shape, n_words)
        Uniform on all 32-bit numbers.
    """
    n_blocks = -(-n_words // 4)
    shape = np.broadcast_shapes(keys.shape, np.shape(seeds))
    key = (epoch & 0xFFFFFFFF, call, purpose, 0x6C61746E)
    low = np.broadcast_to((keys & np.uint64(0xFFFFFFFF)).astype(np.uint32), shape).ravel()
    high = np.broadcast_to((keys >> np.uint64(32)).astype(np.uint32), shape).ravel()
    seed = np.broadcast_to(np.asarray(seeds, dtype=np.uint32), shape).ravel()
    out = np.empty((len(low), n_blocks, 4), dtype=np.uint32)
    block = np.arange(n_blocks, dtype=np.uint32)
    step = max(1, _BLOCK // n_blocks)
    for start in range(0, len(low), step):
        some = slice(start, start + step)
        columns = [word[some] for word in (low, high, seed)]
        if n_blocks > 1:
            columns = [np.repeat(column, n_blocks) for column in columns]
        number = np.tile(block, len(low[some]))
        words = threefry4x32((*columns, number), key)
        for i, word in enumerate(words):
            out[some, :, i] = word.reshape(-1, n_blocks)
    return out.reshape(*shape, 4 * n_blocks)[..., :n_words]


def uniforms(words):
    """Words as float64 tensors strictly between 0 and 1."""
    return (torch.from_numpy(words.astype(np.float64)) + 0.5) * 2.0**-32


def normals(words):
    """Words as standard normals, float64: the inverse of their distribution at uniforms."""
    return torch.erfinv(uniforms(words) * 2.0 - 1.0) * 2.0**0.5

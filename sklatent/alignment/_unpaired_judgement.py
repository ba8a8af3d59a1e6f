"""Which of several maps between two clouds is right, and may it be trusted?"""

from dataclasses import dataclass

import numpy as np

from sklatent.alignment._unpaired_search import (
    SAME,
    Clouds,
    agreement,
    distinct,
    gain,
    neighbours,
    neighbours_tried,
    polar,
    refine,
    search,
)

_N_FOLDS = 3

# Fewer rows than this on a side are never enough, and folds of them too small to judge by.
FEWEST_ROWS = 20

# Maps of which one predicts the other's images this badly say different things.
_DIFFERENT = 0.5

_MOST_RIVALS = 12
_N_RANDOM = 20


@dataclass
class Judgement:
    """The best map and what speaks for it.

    Attributes
    ----------
    map_ : tuple of ndarray
        Rotation and offset, refined on all rows.

    margin : float
        By how many standard errors its held-out density exceeds that of the best map which says
        something different; infinite where there is none.

    fit : float
        Its held-out density on a scale from random rotations, 0, to rows of the same cloud, 1.

    stability : float
        The least R^2 with which its refinement on a part of the rows agrees with the final one.

    found : int
        In how many folds an independent search ended in it, of `n_searches`.
    """

    map_: tuple
    margin: float
    fit: float
    stability: float
    found: int
    n_searches: int = _N_FOLDS


def judge(X, Y, n_init, rng):
    """Search in folds, pool what was found, and compare it on rows left out.

    Parameters
    ----------
    X, Y : ndarray of shape (n_x, d) and (n_y, d)
        Clouds of at least `FEWEST_ROWS` rows.

    n_init : int
        Quadratic assignments that each search starts.

    rng : Generator
        What is random about it.

    Returns
    -------
    judgement : Judgement
        Of the best map.
    """
    folds = [_Fold(X, Y, number) for number in range(_N_FOLDS)]
    searched = [search(*fold.train, n_init, _MOST_RIVALS // 2, rng) for fold in folds]
    whole = _Fold(X, Y, None)
    every = [map_ for maps in searched for map_ in maps]
    pool = [whole.refined(map_) for map_ in distinct(every, X, SAME)]
    pool = whole.clouds.climb(pool, neighbours_tried(n_init), _MOST_RIVALS)
    pool += [whole.refined(map_) for map_ in neighbours(pool[0], X)]
    pool = distinct(sorted(pool, key=whole.value, reverse=True), X, SAME)
    other = [map_ for map_ in pool if agreement(map_, pool[0], X) < _DIFFERENT]
    near = [map_ for map_ in pool if agreement(map_, pool[0], X) >= _DIFFERENT]
    # Not the best of all, which might be one map's own surroundings and no rival among them.
    pool = near[: _MOST_RIVALS // 2] + other[:_MOST_RIVALS]
    refined = [[fold.refined(map_) for fold in folds] for map_ in pool]
    held_out = [
        np.concatenate([fold.rows(map_) for fold, map_ in zip(folds, maps, strict=True)])
        for maps in refined
    ]
    best = max(range(len(pool)), key=lambda number: held_out[number].mean())
    final = whole.refined(pool[best], 20)
    rivals = [
        held_out[best] - held_out[number]
        for number, map_ in enumerate(pool)
        if number != best and agreement(map_, final, X) < _DIFFERENT
    ]
    random = [whole.value(_random_map(X, Y, rng)) for _ in range(_N_RANDOM)]
    chance, reached = float(np.mean(random)), float(held_out[best].mean())
    return Judgement(
        map_=final,
        margin=min(map(_standard_errors, rivals), default=np.inf),
        fit=1.0 - reached / chance if chance < 0 else 0.0,
        stability=min(agreement(map_, final, X) for map_ in refined[best]),
        found=sum(agreement(maps[0], final, X) > _DIFFERENT for maps in searched),
    )


class _Fold:
    """Rows to learn from, rows left out (the same ones for `number=None`), and densities."""

    def __init__(self, X, Y, number):
        out = [np.arange(len(Z)) % _N_FOLDS == number for Z in (X, Y)]
        self.train = [Z[~mask] for Z, mask in zip((X, Y), out, strict=True)]
        self.left_out = (X, Y) if number is None else (X[out[0]], Y[out[1]])
        self.clouds = Clouds(*self.train)

    def refined(self, map_, n_iter=6):
        return refine(map_, *self.train, [self.clouds.bandwidth] * n_iter)

    def rows(self, map_):
        return np.concatenate(gain(map_, *self.left_out, *self.clouds.densities))

    def value(self, map_):
        return float(self.rows(map_).mean())


def _standard_errors(differences):
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return float(differences.mean() / error) if error > 0 else 0.0


def _random_map(X, Y, rng):
    rotation = polar(rng.standard_normal((X.shape[1], X.shape[1])))
    return rotation, Y.mean(axis=0) - X.mean(axis=0) @ rotation

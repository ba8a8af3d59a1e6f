"""How similar channels of a set are that was drawn at random: what a hotspot is held against."""

import numpy as np

# Channels of a stratum are equally informative: at most so many strata, of at least so many.
_MOST_STRATA = 5
_FEWEST_IN_STRATUM = 20

# Fewer channels than this outside of a group are no population to draw from.
_FEWEST_OTHERS = 3


def pairs_between_models(model):
    """Which pairs of channels count: those of two models; a channel of no model is its own.

    Parameters
    ----------
    model : ndarray of shape (n_channels,)
        Number of each channel's model, -1 for none.

    Returns
    -------
    counts : ndarray of bool of shape (n_channels, n_channels)
        Without the diagonal.
    """
    counts = (model[:, None] != model) | (model[:, None] < 0)
    np.fill_diagonal(counts, False)
    return counts


def n_models(model):
    """Number of models among channels, each of no model being its own."""
    return len(np.unique(model[model >= 0])) + int(np.sum(model < 0))


def similarity_to_others(similarity, counts):
    """Mean similarity of each channel to those of a set that count, NaN where none do."""
    n = counts.sum(axis=1)
    sums = np.where(counts, similarity, 0.0).sum(axis=1)
    return np.where(n > 0, sums / np.maximum(n, 1), np.nan)


def random_set_similarity(similarity, counts, information, members, n_sets, rng):
    """Mean similarity within random sets of as many, equally informative channels.

    Parameters
    ----------
    similarity : ndarray of shape (n_channels, n_channels)
        Of all channels that may be drawn.

    counts : ndarray of bool of shape (n_channels, n_channels)
        Which pairs count.

    information : ndarray of shape (n_channels,)
        In bits; sets have as many channels of each stratum of it as the group has.

    members : ndarray of int
        The group. Its own channels may be drawn as well, or sets would be unlike it by selection.

    n_sets : int
        Sets to draw.

    rng : RandomState
        Draws them.

    Returns
    -------
    means : ndarray of shape (n_sets,)
        Empty where hardly any channels are outside of the group.
    """
    n_channels = len(similarity)
    inside = np.zeros(n_channels, dtype=bool)
    inside[members] = True
    if n_channels - len(members) < _FEWEST_OTHERS:
        return np.empty(0)
    n_strata = int(np.clip(n_channels // _FEWEST_IN_STRATUM, 1, _MOST_STRATA))
    stratum = np.empty(n_channels, dtype=np.intp)
    stratum[np.argsort(information, kind="stable")] = np.arange(n_channels) * n_strata // n_channels
    drawn = np.zeros((n_sets, n_channels))
    for number in range(n_strata):
        alike = np.flatnonzero(stratum == number)
        wanted = int(np.sum(inside[alike]))
        if wanted:
            order = np.argsort(rng.random_sample((n_sets, len(alike))), axis=1)[:, :wanted]
            np.put_along_axis(drawn, alike[order], 1.0, axis=1)
    sums = np.einsum("sc,sc->s", drawn @ np.where(counts, similarity, 0.0), drawn)
    pairs = np.einsum("sc,sc->s", drawn @ counts.astype(float), drawn)
    return sums[pairs > 0] / pairs[pairs > 0]


def holm(p_values):
    """Holm's correction of p-values for their number; NaN stays NaN and counts as none.

    Parameters
    ----------
    p_values : ndarray of shape (n,)
        One for each hypothesis.

    Returns
    -------
    corrected : ndarray of shape (n,)
        At most 1.
    """
    corrected = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1.0)
    return corrected

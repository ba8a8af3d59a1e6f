"""Whether other models find the same, of one larger ensemble that is cut again and again."""

import numpy as np

from benchmarks._common import Interval, listed, remark
from benchmarks.papers.channels.enough import STEEPNESSES, found_again, fragments, groups_at
from benchmarks.papers.channels.structure import hotspots_of, shares
from sklatent.channels import channel_similarity

CUTS = 6


def other_cuts(report, many, scale):
    """Cut the larger ensembles at random into pairs of as many models, and count again.

    Parameters
    ----------
    report : Report
        Where the table goes.
    many : dict of str to ChannelFingerprints
        The larger ensembles.
    scale : Scale
        The second and third last of its sizes are cut.

    Returns
    -------
    again : dict of (str, int, str) to Interval
        By setting, size and steepness: the mean share of hotspots found again, the least and the
        greatest of the cuts.
    """
    rows, again = [], {}
    for name, channels in many.items():
        for size in scale.sizes[-3:-1]:
            cut = [measures_of_cut(channels, size, scale, number) for number in range(CUTS)]
            counts = np.array([each["again"] for each in cut])
            cells = [spread(np.ravel([each[key] for each in cut])) for key in ("share", "hotspots")]
            for k, xi in enumerate((STEEPNESSES[0], STEEPNESSES[-1])):
                found, of = counts[:, k].T
                shares_again = found[of > 0] / of[of > 0]
                if shares_again.size:
                    again[name, size, xi] = spread(shares_again)
                cells.append(again.get((name, size, xi), ""))
            rows.append([name, size, *cells])
    report.text(
        f"### Other cuts\n\n{CUTS} times two ensembles of as many models, drawn from the larger "
        "one without models in common: the share of channels in hotspots and their number, and the "
        "share of hotspots that are found again; the mean and in brackets the least and the "
        "greatest. It says how much depends on which models are taken; cuts have models in common, "
        "so that it is no interval of what another larger ensemble would have. Groups at xi 0.01 "
        "are not held against chance."
    )
    report.table(
        [
            "model",
            "models in an ensemble",
            "share in hotspots",
            "hotspots",
            "found again",
            f"found again, groups at xi {STEEPNESSES[-1]:g}",
        ],
        rows,
    )
    return again


def spread(values):
    """Return the mean, the least and the greatest."""
    return Interval(float(np.mean(values)), float(np.min(values)), float(np.max(values)))


def measures_of_cut(channels, size, scale, cut):
    """Measure two ensembles: how many groups are found again, of how many, by steepness."""
    order = np.random.default_rng(cut).permutation(channels.model.max() + 1)
    pieces = [
        channels[np.flatnonzero(np.isin(channels.model, order[start : start + size]))]
        for start in (0, size)
    ]
    found = [hotspots_of(piece, scale, k, size) for k, piece in enumerate(pieces)]
    between = channel_similarity(*pieces)
    return {
        "share": [shares(h)[0] for h in found],
        "hotspots": [len(h.representatives_) for h in found],
        "again": [
            found_again(*(fragments(of(h), h.similarity_) for h in found), between)
            for of in (lambda h: h.labels_, lambda h: groups_at(h, STEEPNESSES[-1]))
        ],
    }


def remarks_on_cuts(again):
    """Whether larger ensembles find more of each other's hotspots, whichever models they have."""
    for name in dict.fromkeys(name for name, *_ in again):
        for xi in (STEEPNESSES[0], STEEPNESSES[-1]):
            told = {size: of for (n, size, x), of in again.items() if (n, x) == (name, xi)}
            cells = listed(f"{of:.2f} with {size} models" for size, of in told.items())
            yield remark(
                bool(told), f"{name}, xi {xi:g}: found again over cuts (least, greatest): {cells}."
            )

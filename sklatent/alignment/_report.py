"""May a map between two spaces be trusted? A report before the map."""

from dataclasses import dataclass, field
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import check_array

from sklatent._utils.options import check_options
from sklatent._utils.random import local_random_state
from sklatent.alignment._checks import check_finite_rows, plain_latents
from sklatent.alignment._held_out import duplicate_groups
from sklatent.alignment._kinds import KINDS, held_out_r2, network_epochs
from sklatent.alignment._support import anchor_support

_ALIGNERS = {
    "identity": "no aligner at all",
    "rigid": "RigidAligner()",
    "scaled": "RigidAligner(scaling=True)",
    "linear": 'LinearAligner(alpha="loo")',
    "network": "StitchingAligner(learning_rate=0.003, max_epochs={epochs})",
}
_MIN_ANCHORS = 4
_NETWORK_ANCHORS = 100  # with fewer a network learns them by heart
_NETWORK_GAIN = 0.02  # what a simpler kind must leave unexplained for a network to be worth minutes
_EDGE = 0.5  # support of a row at the anchors' edge
_ROUNDING = 1e-9
_MAX_LOG_RATIO = 230.0  # a factor of 1e100, whose square is still a number


@dataclass(frozen=True, repr=False)
class AlignmentReport:
    """What anchors say about maps from one space to another.

    Made by :func:`alignment_report`. Prints as a sentence.

    Parameters
    ----------
    kind : str
        The simplest kind of map within one standard error of the best.

    r2 : float
        Its R^2 on rows left out, over all target columns by their variance; 1 is perfect, 0 no
        better than the mean.

    interval : tuple of (float, float)
        Where its R^2 on fresh rows lies, with the report's confidence.

    support : ndarray of shape (n_rows,)
        For each row of X_new, or of X, how far inside the anchors it lies, from 0 to 1, in place
        and in how well linear maps do around it; 0.5 is at their edge. Larger is further inside.

    verdict : {"align", "retrain", "refuse"}
        Whether the map may be used.

    reason : str
        Why, and what to do.

    table : list of dict
        A row for each kind.

    anchor_support, anchor_residual : ndarray of shape (n_anchors,)
        For each row of X its support among the others, and its residual when left out, as a share
        of the target's deviation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.alignment import alignment_report
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> report = alignment_report(X, 3 * X[:, ::-1])
    >>> report.kind
    'scaled'
    >>> report.to_frame()["kind"].tolist()
    ['identity', 'rigid', 'scaled', 'linear', 'network']
    """

    kind: str
    r2: float
    interval: tuple
    support: np.ndarray
    verdict: str
    reason: str
    table: list = field(default_factory=list)
    anchor_support: np.ndarray | None = None
    anchor_residual: np.ndarray | None = None

    def to_frame(self):
        """Return the kinds as a data frame.

        Returns
        -------
        frame : pandas.DataFrame
            A row for each kind: kind, r2, standard_error, low, high, chosen, and note, which says
            why a kind was not tried.
        """
        import pandas as pd

        return pd.DataFrame(self.table)

    def __str__(self):
        return f"{self.verdict}: {self.reason}"

    __repr__ = __str__


def _rows(array, name):
    array = plain_latents(array, name)
    if np.size(array) == 0:
        raise ValueError(f"{name} has no rows: shape {np.shape(array)}.")
    array = check_array(
        array, dtype="numeric", ensure_2d=False, ensure_all_finite=False, input_name=name
    )
    if array.ndim > 2:
        raise ValueError(f"{name} must have 1 or 2 dimensions, and has {array.ndim}.")
    array = array.reshape(-1, 1) if array.ndim == 1 else array
    check_finite_rows(array, name)
    return array.astype(np.float64)


@validate_params(
    {
        "X": ["array-like"],
        "y": ["array-like"],
        "X_new": ["array-like", None],
        "kinds": [tuple, list],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "align_r2": [Interval(Real, None, 1, closed="right")],
        "refuse_r2": [Interval(Real, None, 1, closed="right")],
        "max_outside": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
@check_options()
def alignment_report(
    X,
    y,
    *,
    X_new=None,
    kinds=KINDS,
    confidence=0.9,
    align_r2=0.75,
    refuse_r2=0.1,
    max_outside=0.5,
    random_state=None,
):
    """Say which kind of map two spaces' anchors support, and whether to trust it.

    Each kind is judged on rows that it was not fitted to: linear maps in closed form, rigid ones by
    64 refits, networks by five. Copies of a row are left out together.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Source latents of the anchors.

    y : array-like of shape (n_samples, n_targets) or (n_samples,)
        Target latents of the same samples, in the same order.

    X_new : array-like of shape (n_new, n_features), default=None
        Source latents that are to be mapped.

    kinds : tuple of str, default=("identity", "rigid", "scaled", "linear", "network")
        What to try: no map at all; rotation, reflection and translation; a common factor too; any
        matrix, its ridge chosen by leave-one-out; a network. The last needs 100 distinct anchors
        and is tried only where the other kinds leave more than 2 percent of the variance.

    confidence : float, default=0.9
        How often the interval holds the R^2 that the map has on fresh rows.

    align_r2 : float, default=0.75
        The interval's lower end from which on the verdict is "align". At 0.75 a row lands within
        half a standard deviation of its place (root mean square).

    refuse_r2 : float, default=0.1
        The lower end up to which it is "refuse": these anchors don't show that the map tells more
        than a tenth of the variance. Between the two it is "retrain": the spaces share something,
        and too little for a map.

    max_outside : float, default=0.5
        The share of rows of X_new beyond the anchors' edge from which on it is "refuse": the
        figures speak about rows like the anchors, so most rows have to be like them.

    random_state : int, RandomState instance or None, default=None
        Deals rows into folds and seeds the networks.

    Returns
    -------
    report : AlignmentReport
        With `kind`, `r2`, `interval`, `support`, `verdict`, `reason` and `to_frame()`.

    Raises
    ------
    ValueError
        If rows don't correspond, hold NaN or infinity, there are fewer than 4 distinct anchors, or
        a side is one point.

    See Also
    --------
    LinearAligner : Fits the map that was judged; RigidAligner and StitchingAligner likewise.
    sklatent.plotting.AlignmentReportDisplay : Draws it.

    Notes
    -----
    The interval is for R^2, over fresh rows like the anchors, of the map that is fitted to all of
    them. It is one of the log of the share left unexplained, whose ends are calibrated by
    simulation; see ``benchmarks/reports/alignment_report.md`` for how often it holds. A network is
    judged by five that each lack a fifth of the anchors; its upper end allows for that.

    Support is 1 / (1 + distance / edge), the edge that of 95 percent of the anchors. The distance
    is one from the anchors, as leverage and the nearest ones see it, times the error that is to be
    expected: what a linear map leaves of the nearest anchors when they are left out, and how far
    it is from a map that may bend. On rows unlike the anchors it told the real error with rank
    correlations of 0.52 to 0.79 where distance alone had 0.37 to 0.80.

    References
    ----------
    Allen, "The relationship between variable selection and data augmentation and a method for
    prediction", Technometrics 16 (1974): leave-one-out in closed form. Breiman et al.,
    "Classification and Regression Trees" (1984), section 3.4.3: one standard error.

    Examples
    --------
    >>> import numpy as np
    >>> from sklatent.alignment import alignment_report
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 3))
    >>> y = X[:, [1, 2, 0]] + 0.1 * rng.normal(size=(80, 3))
    >>> report = alignment_report(X, y)
    >>> report.verdict, report.kind
    ('align', 'rigid')
    >>> print(report)
    align: Use RigidAligner(): ...
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise ValueError(f"kinds must be some of {list(KINDS)}, got {list(kinds)}.")
    if refuse_r2 > align_r2:
        raise ValueError(f"refuse_r2={refuse_r2} is above align_r2={align_r2}.")
    X, Y = _rows(X, "X"), _rows(y, "y")
    if X.shape[0] != Y.shape[0]:
        raise ValueError(
            f"X and y have inconsistent numbers of samples: {X.shape[0]} and {Y.shape[0]}. Row i "
            "of both must be one sample; matched_rows finds the rows that two lists of "
            "identifiers share."
        )
    for side, name in ((X, "X"), (Y, "y")):
        if (side == side[0]).all():
            raise ValueError(
                f"Every column of {name} has zero variance: its latents are all one point, and "
                "no map can be told from them. Look whether the model has collapsed."
            )
    # Each side in its own unit, since squares of tiny or huge numbers vanish or overflow; where a
    # kind has no scale of its own, the ratio of units is put back.
    unit, target_unit = np.abs(X).max(), np.abs(Y).max()
    X, Y = X / unit, Y / target_unit
    log_ratio = np.log(unit) - np.log(target_unit)
    ratio = np.exp(np.clip(log_ratio, -_MAX_LOG_RATIO, _MAX_LOG_RATIO))
    groups = duplicate_groups(X)
    counts = np.bincount(groups)
    if len(counts) < _MIN_ANCHORS:
        raise ValueError(
            f"There are {len(counts)} distinct anchors; at least {_MIN_ANCHORS} are needed to "
            "judge a map on rows left out."
        )
    if X_new is not None:
        X_new = _rows(X_new, "X_new") / unit
        if X_new.shape[1] != X.shape[1]:
            raise ValueError(f"X_new has {X_new.shape[1]} columns and X has {X.shape[1]}.")
    generator = local_random_state(random_state)
    table, left_over = [], {}
    for kind in sorted(set(kinds), key=KINDS.index):
        names = ("r2", "standard_error", "low", "high")
        row = {"kind": kind, **dict.fromkeys(names, np.nan), "chosen": False, "note": ""}
        table.append(row)
        if kind == "network":
            best_low = max((other["low"] for other in table[:-1]), default=-np.inf)
            if len(counts) < _NETWORK_ANCHORS:
                row["note"] = f"not tried: fewer than {_NETWORK_ANCHORS} distinct anchors"
            elif best_low > 1 - _NETWORK_GAIN:
                row["note"] = f"not tried: a simpler kind leaves less than {_NETWORK_GAIN:.0%}"
        if not row["note"]:
            source = X * ratio if kind in ("identity", "rigid") else X
            found, squares, total = held_out_r2(kind, source, Y, groups, generator, confidence)
            left_over[kind] = squares / total
            row.update(zip(names, found, strict=True))
    tried = [row for row in table if not row["note"]]
    if not tried:
        raise ValueError(f"No kind could be judged: {table[0]['kind']} was {table[0]['note']}.")
    best = max(tried, key=lambda row: row["r2"])
    enough = best["r2"] - max(best["standard_error"], _ROUNDING)
    chosen = next(row for row in tried if row["r2"] >= enough)
    chosen["chosen"] = True
    support = anchor_support(X, Y, None, groups)
    new_support = support if X_new is None else anchor_support(X, Y, X_new, groups)
    outside = 0.0 if X_new is None else float(np.mean(new_support < _EDGE))
    verdict, reason = judge(
        chosen,
        len(counts),
        X.shape[1],
        outside,
        confidence=confidence,
        align_r2=align_r2,
        refuse_r2=refuse_r2,
        max_outside=max_outside,
    )
    return AlignmentReport(
        kind=chosen["kind"],
        r2=float(chosen["r2"]),
        interval=(float(chosen["low"]), float(chosen["high"])),
        support=new_support,
        verdict=verdict,
        reason=reason,
        table=table,
        anchor_support=support,
        anchor_residual=np.sqrt(left_over[chosen["kind"]]),
    )


def judge(row, n_anchors, width, outside, *, confidence, align_r2, refuse_r2, max_outside):
    """Turn a kind's figures into a verdict and a reason; parameters as in `alignment_report`."""
    low, high = row["low"], row["high"]
    figures = (
        f"the {row['kind']} map tells {row['r2']:.0%} of the target's variance on rows left out "
        f"({confidence:.0%} interval {low:.0%} to {high:.0%}, {n_anchors} distinct anchors)"
    )
    few = ""
    if n_anchors <= width:
        few = f" There are no more anchors ({n_anchors}) than dimensions ({width}): add some."
    away = f"{outside:.0%} of the new rows lie outside the anchors"
    if outside > max_outside:
        return "refuse", f"{away}, where nothing vouches for a map. Take anchors like them.{few}"
    if low >= align_r2:
        warned = f" {away}: look at support." if outside > 0.1 else ""
        use = _ALIGNERS[row["kind"]].format(epochs=network_epochs(n_anchors))
        return "align", f"Use {use}: {figures}.{warned}{few}"
    if low <= refuse_r2:
        if high >= align_r2:
            advice = "These anchors can't tell whether there is a map: take more."
        else:
            advice = "Look whether rows correspond and the models learned the same data."
        return "refuse", f"No map can be vouched for: {figures}. {advice}{few}"
    if high >= align_r2:
        advice = "More anchors may show it to be good enough; else retrain on common anchors."
    else:
        advice = "Retrain one model on common anchors (RosettaVAE) instead of mapping."
    return "retrain", f"A map is not good enough: {figures}. {advice}{few}"

"""What limits the verdict of a reproducibility report, a sentence each."""

from collections import Counter

import numpy as np

from sklatent.model_selection._reproducibility.agreement import mean_of_pairs

SIGN_OF_HALVES = 2.0  # below it a sign may turn over when half of the rows are left out
SIGN_OF_TENTHS = 1.0  # or a tenth


def close_gap(n_rows):
    """The relative gap below which two axes of `n_rows` rows may turn into each other."""
    return float(np.sqrt(2 / n_rows))


def cautions(latents, table, runs, components, differing, pairwise):
    """List what a reader should know beside the verdict; parameters are a report's own parts."""
    return [
        *_of_the_runs(latents, runs, differing),
        *_of_a_run_that_differs(table, pairwise),
        *_of_the_components(components, runs, latents.shape[1]),
    ]


def _of_the_runs(latents, runs, differing):
    if len(latents) == 2:
        yield (
            "Two runs do not say how a third would lie: the interval speaks of other rows, not of "
            "other runs."
        )
    alike = [
        f"{i + 1} and {j + 1}"
        for j in range(len(latents))
        for i in range(j)
        if np.array_equal(latents[i], latents[j])
    ]
    if alike:
        yield f"Identical to the last bit are runs {_and(alike)}: a copy shows nothing."
    seeds = [row["seed"] for row in runs]
    unseeded = [str(row["run"]) for row in runs if row["seed"] is None]
    if unseeded:
        yield f"Without a seed (random_state=None), not to be trained again: runs {_and(unseeded)}."
    repeated = [
        str(seed) for seed, n in Counter(map(str, seeds)).items() if n > 1 and seed != "None"
    ]
    if repeated:
        yield (
            f"Several runs have the seed {_and(repeated)}: between them the report compares "
            "machines, versions or data, not seeds."
        )
    if differing:
        yield f"The runs differ in more than their seeds: {', '.join(differing)}."
    kinds = sorted({row["model"] for row in runs})
    if len(kinds) > 1:
        yield f"The runs are of different models: {', '.join(kinds)}."
    lost = [str(row["run"]) for row in runs if row["content_hash"] is None]
    if lost:
        yield f"No content hash, since sklatent.save does not take them: runs {_and(lost)}."


def _of_a_run_that_differs(table, pairwise):
    row = table[0]
    if row["value"] >= row["asked"] or len(pairwise) < 4:
        return
    others = ~np.eye(len(pairwise), dtype=bool)
    without = [mean_of_pairs(pairwise[np.ix_(keep, keep)]) for keep in others]
    best = int(np.argmax(without))
    if without[best] >= row["asked"]:
        yield f"Without run {best + 1} coordinates would have an R² of {without[best]:.2f}."


def _of_the_components(components, runs, n_rows):
    passive = [str(row["component"]) for row in components if not row["active"]]
    if passive:
        yield (
            f"Passive in run 1 (less than a hundredth of the largest variance), and of no weight: "
            f"{_components(passive)}."
        )
    active = sorted({row["active"] for row in runs})
    if len(active) > 1:
        yield f"Between {active[0]} and {active[-1]} components are active, depending on the run."
    yield from start_cautions(
        [row["gap"] for row in components], [row["sign_stability"] for row in components], n_rows
    )


def start_cautions(gaps, stability, n_rows):
    """What the data leave open of the axes that training started from."""
    least = close_gap(n_rows)
    close = [str(j + 1) for j, gap in enumerate(gaps) if gap is not None and gap < least]
    if close:
        yield (
            f"Not told apart by the data: the starting axes of {_components(close)}, whose "
            f"variances are closer to another's than sqrt(2 / {n_rows}) = {least:.2g}. In other "
            "data they may turn into each other."
        )
    for limit, of_rows in ((SIGN_OF_TENTHS, "a tenth"), (SIGN_OF_HALVES, "half")):
        below = 0.0 if limit == SIGN_OF_TENTHS else SIGN_OF_TENTHS
        turning = [
            str(j + 1)
            for j, value in enumerate(stability)
            if value is not None and below <= value < limit
        ]
        if turning:
            yield (
                f"Uncertain sign: {_components(turning)} may be turned over in a space that is "
                f"learned without {of_rows} of the rows."
            )


def _components(names):
    return f"component{'s' * (len(names) > 1)} {_and(names)}"


def _and(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""What the tables of `transform_moving` say by their intervals, where they do."""

import numpy as np

from benchmarks._common import listed, over_seeds, remark

# What is tried, beside what it is compared with.
TRIED = (
    ("Rows that exchange their T while training", "additive, exchanged", "additive"),
    ("Rows that exchange their T while training", "matrix, exchanged", "matrix"),
    ("A matrix in place of a vector", "matrix", "additive"),
    ("The batch's reading of the discrepancy", "additive, batch", "additive"),
    ("The batch's reading of the discrepancy", "matrix, batch", "matrix"),
    ("Longer training", "matrix, twice as long", "matrix"),
    ("Longer training", "matrix, exchanged, twice as long", "matrix, exchanged"),
    ("A latent that is a matrix", "z a 5 x 2 matrix", "matrix"),
    ("A latent that is a matrix", "z a 5 x 2 matrix, exchanged", "matrix, exchanged"),
)


def summaries(by_key):
    """The intervals of the tables, by family and variant; of lenders the means."""
    return {
        key: {
            "own": over_seeds([result["share, own"] for result in found]),
            "other": over_seeds([result["share, other"] for result in found]),
            "lent": np.mean([result["lent"] for result in found], axis=0),
            "nats": over_seeds([result["nats"] for result in found]),
            "correlations": {
                name: over_seeds([result["correlations"][name] for result in found])
                for name in found[0]["correlations"]
            },
        }
        for key, found in by_key.items()
    }


def remarks_on_tables(by_key):
    """What moves another digit's T, what it costs, and what T knows; of `summaries`."""
    for what, variant, plain in TRIED:
        for family in dict.fromkeys(family for family, _ in by_key):
            if (family, variant) not in by_key:
                continue
            ours, theirs = by_key[family, variant], by_key[family, plain]
            where = f"{what} ({variant} beside {plain}, {family})"
            for whose, told in (("other", "another digit's T"), ("own", "a row's own T")):
                a, b = ours[whose], theirs[whose]
                numbers = f"{a:.2f} against {b:.2f}"
                yield remark(a.above(b.high), f"{where} takes {told} further: {numbers}.")
                yield remark(a.below(b.low), f"{where} takes {told} less far: {numbers}.")
                yield remark(
                    whose == "other" and a.low <= b.high and b.low <= a.high,
                    f"{where}: intervals of {told} overlap, {numbers}.",
                )
            lost = ours["nats"].middle - theirs["nats"].middle
            yield remark(lost > 2.0, f"{where} costs {lost:.1f} nats of the bound on average.")
            yield remark(lost < -2.0, f"{where} gains {-lost:.1f} nats of the bound on average.")
    level = [
        f"{result['other'].middle:.2f} and {result['own'].middle:.2f} ({variant}, {family})"
        for (family, variant), result in by_key.items()
        if result["other"].high >= result["own"].low and result["own"].high >= result["other"].low
    ]
    yield remark(bool(level), f"Another digit's T is not told from a row's own in {listed(level)}.")
    price = [
        abs(result["nats"].middle - by_key[family, plain]["nats"].middle)
        for (family, variant), result in by_key.items()
        for what, tried, plain in TRIED
        if tried == variant and what == TRIED[0][0]
    ]
    yield remark(
        bool(price) and max(price) < 2.0,
        f"{TRIED[0][0]}: the bound changes by {max(price, default=0):.1f} nats at most on average.",
    )
    yield from remarks_on_lenders(by_key)
    yield from remarks_on_correlations(by_key)


def remarks_on_lenders(by_key):
    """Whether the mean T of ten digits goes further than that of one."""
    found = {
        f"{result['lent'][0]:.2f} to {result['lent'][1]:.2f} ({variant}, {family})": (
            result["lent"][1] - result["lent"][0]
        )
        for (family, variant), result in by_key.items()
    }
    helps = [told for told, gain in found.items() if gain > 0.05]
    yield remark(
        bool(helps),
        "The mean T of ten digits goes further than that of one, by more than 0.05 on average: "
        f"{listed(helps)}.",
    )
    exchanged = {told: gain for told, gain in found.items() if "exchanged" in told}
    yield remark(
        bool(exchanged) and max(exchanged.values()) < 0.05,
        "Where rows exchange their T, the mean of ten brings less than 0.05 in every line.",
    )


def remarks_on_correlations(by_key):
    """Which parameters T knows, beside what pairing at random gives."""
    names = [name for result in by_key.values() for name in result["correlations"]]
    for name in dict.fromkeys(name for name in names if not name.endswith(", null")):
        for family in dict.fromkeys(family for family, _ in by_key):
            found = [
                (result["correlations"][name], result["correlations"][f"{name}, null"])
                for (of, _), result in by_key.items()
                if of == family and name in result["correlations"]
            ]
            known, chance = ([pair[k].middle for pair in found] for k in (0, 1))
            yield remark(
                bool(found) and all(real.above(null.high) for real, null in found),
                f"T knows the {name} ({family}) in every line: correlations of "
                f"{min(known, default=0):.2f} to {max(known, default=0):.2f}, where pairing at "
                f"random stays under {max(chance, default=0):.2f} in 95 of 100.",
            )

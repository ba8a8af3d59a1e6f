"""Remarks of the benchmarks on spaces and speed are made only where the numbers bear them out."""

import numpy as np
import pytest

from benchmarks._common import Interval, listed


def said(remarks):
    return "\n".join(sentence for sentence in remarks if sentence is not None)


def around(middle, half=0.01):
    return Interval(middle, middle - half, middle + half)


@pytest.mark.parametrize(
    ("names", "expected"), [([], ""), (["a"], "a"), ("ab", "a and b"), ("abc", "a, b and c")]
)
def test_names_are_listed_as_in_a_sentence(names, expected):
    assert listed(names) == expected


class TestSpaces:
    def test_rows_not_seen(self):
        from benchmarks.spaces.held_out_tables import remarks_on_likelihoods

        def told(lead, agreement=1.0, trained="1000 x 20"):
            row = ["t", trained, "2", "-1.00", "-2.00", "-3.00", lead, "0", around(agreement)]
            return said(remarks_on_likelihoods([[*row, "100", "1"]]))

        ahead = told(around(1))
        assert 'Ahead of PCA, intervals clear of 0: "t".' in ahead
        assert "Behind" not in ahead
        assert "random start's mean is the greater" not in ahead
        assert "Two seeds have the same coordinates: R^2 is 1.000" in ahead
        behind = told(around(-1), agreement=0.5)
        assert "With 50 rows a feature none are held out" in behind
        assert "Two seeds" not in behind
        assert told(around(-1), trained="100 x 20").splitlines()[0].endswith("-0.99] nats.")
        assert "Not told from PCA" in told(around(0))

    def test_what_comes_back(self):
        from benchmarks.spaces.held_out_tables import remarks_on_reconstructions

        def told(least, half, bound=0.5, lost=0.1):
            cells = ["0", "0", f"{least:+.4f}", "0", f"{least:+.4f}", "+1.0", f"{half:+.3f}"]
            cells += ["0", f"{least:+.4f}", f"{bound:.3f}", f"{lost:.3f}"]
            return said(remarks_on_reconstructions([["iris", "2", *cells]]))

        short = told(-0.01, 0.5)
        assert "Means stretched after the fit bring back less than PCA in at least" in short
        assert "of iris 2, by 0.0100 to 0.0100" in short
        assert "costs held-out likelihood in 1 of 1." in short
        assert "They would cost the likelihood less than the bound" in short
        full = told(0.01, 1.5, bound=-0.1, lost=0.2)
        assert full.count("bring back no less than PCA in any split") == 3
        assert "cost" not in full

    def test_gaps(self):
        from benchmarks.spaces.gaps import remarks

        def told(turned, error=0.1, kinds=0.9, matched=0.8):
            def row(name, error, matched=0.8):
                cells = [around(0.5), around(matched), turned, around(kinds), around(error)]
                return [name, *cells]

            whole = ["whole", around(1), around(1), around(0), around(0.9), around(0.01)]
            rows = [whole, row("mask", error, matched), row("means", 0.2), row("PCA", 0.2)]
            return said(remarks(rows))

        found = told(around(0.7))
        assert "mask: R^2 with complete rows' space is 0.50 as coordinates come and 0.80" in found
        assert "least with mask, 0.1 [0.09, 0.11], intervals apart from means and PCA" in found
        assert "no way to place rows with gaps is told from another" in found
        assert "no way with gaps is shown to lose digits" in found
        other = told(Interval(0, 0, 0), error=0.2, kinds=0.5, matched=0.95)
        assert "mask: no axis is turned over" in other
        assert "least with" not in other
        assert "told from another" not in other
        assert "fewer digits than those of complete rows: mask, means and PCA." in other

    def test_batches(self):
        from benchmarks.spaces.batches import MODELS, remarks

        def told(ours, half=0.01, kinds=0.9):
            shown = [around(0.4), around(0.4), around(0.8)]
            rows = [["shallow", model, "0.5", *shown] for model in MODELS[:2]]
            own = [around(ours, half), around(ours, half), around(kinds)]
            return said(remarks([*rows, ["shallow", MODELS[2], "0.5", *own]]))

        kept = told(0.0)
        assert "neighbours keep the promise with all of their intervals" in kept
        assert "the batch is told beyond the promise from PCA of log counts and told no" in kept
        assert "are found more often than by PCA of log counts and told nothing" in kept
        assert "find it less often than chance" not in kept
        assert "neighbours keep the promise on average" in told(0.0, half=0.2)
        broken = told(0.2, kinds=0.5)
        assert "neighbours break the promise in shallow (0.2 [0.19, 0.21])" in broken
        assert "keep" not in broken
        assert "are found less often than by" in broken
        assert "lines find it less often than chance" in told(-0.1)

    def test_race(self):
        from benchmarks.spaces.race import ALIGNED, OURS, PLAIN, remarks

        def told(ours, bound):
            rows = [
                [rival, around(0.5), around(0.5), around(-10), around(1)]
                for rival in (PLAIN, *ALIGNED, "warm start without anchors", "RosettaVAE, rho 1")
            ]
            rows.append(["RosettaVAE, rho 100", around(ours), around(ours), around(bound), 1])
            rows.append([OURS, around(ours, 0.001), around(ours, 0.001), around(bound), 1])
            return said(remarks("digits", rows))

        near = told(0.999, -12)
        assert 'is nearer to A\'s coordinates than "plain VAE, LinearAligner" (0.5' in near
        assert f'is above 0.99 on both labs\' rows, interval included, with "{OURS}".' in near
        assert f"{OURS} costs bound beside plain VAE: -12 [-12, -12] against -10" in near
        assert "a rho of 100 in place of 1 takes RosettaVAE nearer" in near
        far = told(0.1, -10)
        assert "is farther from A's coordinates than" in far
        assert "is above 0.99" not in far
        assert "is not shown to cost bound" in far
        assert "rho of 100" not in far
        assert 'is not told from "plain VAE, LinearAligner"' in told(0.5, -10)

    def test_same_space(self):
        from benchmarks.spaces import _same_space_remarks as script

        kept = said(script.remarks_on_rounding(["SSE"], [["ours", "1.0e-05"]]))
        assert "the promise is kept, by 1.0e-05 at most" in kept
        broken = said(script.remarks_on_rounding(["SSE"], [["ours", "1.0e-03"]]))
        assert broken == "Rounding: ours is farther than 1e-04 with SSE (1.0e-03)."
        same = said(script.remarks_on_rounding(["AVX2"], [["random", "0.0e+00"]]))
        assert same == "Rounding: random has the same bits with AVX2."

        rows = said(script.remarks_on_rows(["cut"], [["ours", "0.99"], ["random", "0.50"]]))
        assert "stays above 0.98 with cut (0.9900)" in rows
        assert "a random start is farther with cut (0.5000)" in rows
        rows = said(script.remarks_on_rows(["cut"], [["ours", "0.40"], ["random", "0.50"]]))
        assert rows == "Rows: it is another space, R^2 below 0.9, with cut (0.4000)."

        def seeds(ours, chance, lead):
            row = ["digits, 2 components", ours, around(1), chance, around(1), lead]
            return said(script.remarks_on_seeds([row]))

        good = seeds(around(0.99), around(-3), around(1))
        assert "R^2 of ours is 0.990 or more on average" in good
        assert "R^2 of a random start is below 0 on average" in good
        assert 'our bound is ahead of a random start\'s on "digits, 2 components"' in good
        bad = seeds(around(0.5), around(0.5), around(-1))
        assert bad.startswith("Seeds: a random start's bound is ahead on")
        assert "are not told apart" in seeds(around(0.5), around(0.5), around(0))

        alike = [["a", around(2), around(1), around(1)], ["b", around(1), around(2), around(-1)]]
        same = said(script.remarks_on_same_network([*alike, ["c", *[around(0)] * 3]]))
        assert 'our start is ahead on "a"' in same
        assert 'a random start is ahead on "b"' in same
        assert 'the starts are not told apart on "c"' in same

        ours = [["digits, 2 components", around(0.98)]]
        other = ["digits, 2", "umap", around(0.4), around(0.5)]
        assert "two seeds of umap agree to 0.4" in said(script.remarks_on_others([other], ours))
        level = [["digits, 2", "umap", around(0.4), around(0.98)]]
        missing = [["digits, 2", "umap", "not installed", ""]]
        assert not said(script.remarks_on_others(level + missing, ours))

    def test_labs(self):
        from benchmarks.spaces._same_space_remarks import remarks_on_labs

        def told(ours, start, bound):
            rows = [["digits in halves, n", "start at the anchors", *map(around, start), around(1)]]
            for rho in ("0.1", "1", "10"):
                own = [*map(around, ours), around(1 if rho == "0.1" else bound)]
                rows.append(["digits in halves, n", f"RosettaVAE, rho {rho}", *own])
                printed = f"the paper's terms, rho {rho}"
                rows.append(["digits in halves, n", printed, *[around(0.9)] * 4, around(1)])
            return said(remarks_on_labs(rows))

        found = told([0.95, 0.99, 0.95, 0.99], [0.9, 0.974, 0.9, 0.99], bound=-3)
        assert "on both labs' rows, in 3 of 3 cases on average" in found
        assert "start at the anchors: 0.974 and 0.990 of all variance" in found
        assert "a prototype had 0.98 and 0.98: not equalled." in found
        assert "a prototype had 0.986 and 0.985: equalled." in found
        assert "a rho of 0.1 is nearer than the start" in found
        assert "a rho of 10 in place of 0.1 costs 4 nats" in found
        found = told([0.85, 0.9, 0.95, 0.9], [0.9, 0.98, 0.9, 0.98], bound=1)
        assert "a prototype had 0.98 and 0.98: equalled." in found
        assert "nearer" not in found
        assert "costs" not in found

    def test_curves_of_anchors(self):
        from benchmarks.spaces.anchors_curves import remarks

        def told(decoded, heavy, start):
            rows = []
            for inputs, near in (("decoded", decoded), ("real rows", 0.5)):
                for rho in ("0.1", "1", "10"):
                    r2 = around(near + heavy * (rho == "10"))
                    bound = around(-20 - 10 * (inputs == "real rows") * (decoded > 0.5))
                    rows.append(["16", inputs, rho, r2, r2, bound])
            rows.append(["16", "decoded", "start", around(start), around(start), around(-25)])
            rows.append(["16", "decoded", "aligner", around(0.3), around(0.3), around(-20)])
            return said(remarks("wine", rows))

        found = told(0.8, 0.1, 0.9)
        assert "nearer than real rows, intervals apart, in 3 of 3 cells, and farther in 0" in found
        assert "real rows cost bound beside decoded inputs, intervals apart, in 3 of 3" in found
        assert "raises R^2 on B's rows, intervals apart: 0.8 to 0.9 (16 of decoded) and" in found
        assert "where training starts, at 16 anchors, B's rows are nearer" in found
        assert "training from there at rho 1 gains bound, -25 to -20 with 16 anchors" in found
        other = told(0.5, -0.1, 0.2)
        assert "lowers R^2 on B's rows, intervals apart: 0.5 to 0.4" in other
        assert "nearer" not in other
        assert "cost bound" not in other

    def test_aligners_of_others(self):
        from benchmarks.spaces.alignment_rivals import MAPS, remarks_on_pairs

        def told(network, rotation, linear=0.8, squares=0.2):
            found = dict.fromkeys(MAPS, "0.50") | {
                "network": f"{network}", "netrep, rotation": f"{rotation}",
                "linear, loo": f"{linear}", "fmralign, ridge": f"{linear}",
                "latentis, lstsq": f"{squares}", "POT, Gaussians": "LinAlgError",
            }  # fmt: skip
            few = found | {"network": "-"}
            return said(
                remarks_on_pairs(
                    [
                        ["digits", size, place, *cells.values()]
                        for size, cells in ((4, few), (16, found))
                        for place in ("inside", "outside")
                    ]
                )
            )

        found = told(0.9, 0.5)
        assert '"netrep, rotation" has the same figures as "rigid"' in found
        assert '"fmralign, ridge", by 4-fold cross-validation, lies within 0.00' in found
        assert "At 16 anchors plain least squares" in found
        assert '"linear, loo" is ahead of "scaled" inside: 0.80 against 0.50 (digits).' in found
        assert 'best inside with 16 anchors, and outside ahead of "linear, loo" with 16' in found
        other = told(0.1, 0.6, linear=0.4, squares=0.4)
        assert '"netrep, rotation" has' not in other
        assert "plain least squares" not in other
        assert '"linear, loo" is ahead' not in other
        assert "a network is the best inside at no number" in other
        assert 'outside, "scaled" is ahead of "linear, loo" even with 16 anchors' in other

    def test_groups_of_spaces(self):
        from benchmarks.spaces.alignment_rivals import GROUPS, STRETCHED, remarks_on_groups

        def told(linear, theirs):
            scores = dict.fromkeys(GROUPS, theirs) | {
                "GroupAligner, rigid": 0.6, "GroupAligner, linear": linear
            }  # fmt: skip
            rows = [[STRETCHED, 16, name, f"{score}", "0"] for name, score in scores.items()]
            return said(remarks_on_groups(rows))

        found = told(0.99, 0.601)
        assert '"GroupAligner, rigid" agrees with "netrep, Frechet mean" to 0.001' in found
        assert 'only "GroupAligner, linear" brings them together, 0.990 with 16 rows' in found
        assert not told(0.6, 0.7)


class TestSpeed:
    def test_metrics(self):
        from benchmarks.speed.metrics_speed import remarks

        def told(faster, difference="0", seconds=0.1, metric="DtO, n = 10, l1"):
            row = [metric, "the MILP", "1 s", "1 s", faster, difference]
            return said(remarks([row], [[4, 9.0], [512, seconds]]))

        met = told(Interval(15_632, 6_570, 20_000))
        assert "15,600 times faster, 6,570 at least; wanted 1,000." in met
        assert "the same value" in met
        assert "n = 512 takes 0.1 seconds; wanted under 1." in met
        assert "1,850 times faster in the median, but 473 in the slowest round" in told(
            Interval(1_850, 473, 2_000)
        )
        missed = told(Interval(500, 400, 600), difference="0.1", seconds=2.0)
        assert "only 500 times faster; wanted 1,000." in missed
        assert "**another value**, 0.1 apart" in missed
        assert "**more than the 1 wanted**" in missed
        assert "not faster in every round" in told(Interval(2, 0.5, 3), metric="MIG")
        assert "MIG, beside the MILP: 2 times faster." in told(Interval(2, 1.5, 3), metric="MIG")

    def test_steps_of_the_transformation(self):
        from benchmarks.speed.transform_speed import remarks

        def told(ratio):
            def row(what, bar):
                return [what, "conv", 10, "a VAE's step", Interval(ratio, 0, 9), "3.2", bar]

            bars = {"a step, matrix": "< 3.5", "two views, RandomCrop": "< 0.15"}
            bars["three discrepancies"] = "< 0.05"
            return said(remarks([row(what, bar) for what, bar in bars.items()]))

        assert told(0.01).count("under the bar of") == 3
        assert "**not" not in told(0.01)
        assert "a step: **not under the bar of 3.5** in 1 of 1 cases: a step, matrix" in told(4)

    def test_aligners(self):
        from benchmarks.speed.alignment_speed import remarks_on_fits, remarks_on_spaces

        def told(ratio, peer, megabytes, wall):
            rows = [
                [name, 1.0, Interval(1, 1, wall), around(times), "", mb]
                for name, times, mb in (
                    ("LinearAligner", ratio, megabytes), ("RigidAligner", 1.0, 4.0),
                    ("LinearRegression", peer, 2000.0), ("orthogonal_procrustes", peer, 2000.0),
                )
            ]  # fmt: skip
            return said(remarks_on_fits(rows))

        good = told(1.2, 12.0, 4.0, 1.3)
        assert "LinearAligner takes 1.20 times the bare products" in good
        assert "4 MB over the input; wanted under 300" in good
        assert "LinearRegression takes 10 times the processor time of LinearAligner" in good
        assert "disturbed" not in good
        bad = told(2.0, 1.0, 400.0, 50)
        assert "**2.00 times**" in bad
        assert "**400 MB**" in bad
        assert "LinearRegression takes" not in bad
        assert "LinearAligner (50 times the products by the clock, 2.01 by the" in bad
        spaces = [["rigid", 2, 3.3, "38"], ["linear", 4, 14.2, "48"]]
        fast, slow = said(remarks_on_spaces(spaces, 100)).splitlines()
        assert fast.startswith("100 spaces, rigid: 3.3 processor seconds in 2 passes, 38 times")
        assert "**too many**" not in fast
        assert "**too many**" in slow

    def test_memory(self):
        from benchmarks.speed.memory import remarks

        def told(peak):
            mapped = [["float32, 1914 MB", "transform", f"{peak}", "0.1", "7"]]
            csr = [["gaussian", "77", "", f"{peak}", ""]]
            return said(remarks(mapped, [["2,112 x 5", "231 x 3", f"{peak}", 600]], csr))

        assert told(80).splitlines() == [
            "Under 300 MB: transform of float32, 1914 MB (80 MB).",
            "Under 600 MB: a search of 231 x 3 fits on 2,112 x 5 (80 MB).",
            "Under 1,000 MB: an epoch on CSR, gaussian, the matrix included (80 MB).",
        ]
        assert told(700).count("**Not under") == 2


def test_what_the_tables_say_of_another_digits_transformation():
    from benchmarks.papers.transform.moving_remarks import remarks_on_tables, summaries

    noise = 0.01 * np.random.default_rng(0).normal(size=3)

    def told(other, own, gain=0.0, nats=130.0, known=0.9):
        by_key = {
            ("rotation", variant): [
                {
                    "share, other": a + e, "share, own": b + e, "nats": n + e,
                    "lent": [a, a + gain, a + gain],
                    "correlations": {"rotation": known + e, "rotation, null": 0.1 + e},
                }
                for e in noise
            ]
            for variant, a, b, n in (
                ("matrix", 0.4, 0.9, 130.0), ("additive", 0.4, 0.9, 130.0),
                ("matrix, exchanged", other, own, nats),
            )
        }  # fmt: skip
        return said(remarks_on_tables(summaries(by_key)))

    better = told(0.8, 0.8)
    assert "(matrix, exchanged beside matrix, rotation) takes another digit's T further" in better
    assert "takes a row's own T less far: 0.8" in better
    assert "Another digit's T is not told from a row's own in 0.8" in better
    assert "the bound changes by 0.0 nats at most" in better
    assert "Where rows exchange their T, the mean of ten brings less" in better
    assert "T knows the rotation (rotation) in every line: correlations of 0.9" in better
    worse = told(0.1, 0.9, gain=0.2, nats=140.0, known=0.1)
    assert "takes another digit's T less far: 0.1" in worse
    assert "is not told from a row's own" not in worse
    assert "costs 10.0 nats of the bound on average" in worse
    assert "the bound changes by" not in worse
    assert "The mean T of ten digits goes further than that of one" in worse
    assert "Where rows exchange" not in worse
    assert "T knows" not in worse
    assert "(matrix, exchanged beside matrix, rotation): intervals of another" in told(0.4, 0.9)


class TestTraining:
    def test_bars_are_met_or_not(self):
        from benchmarks.speed.training_speed import remarks

        seconds = {
            "hand-written, our likelihood": np.array([1.0, 1.0]),
            "hand-written, our network": np.array([1.2, 1.2]),
            "sklatent, defaults": np.array([1.1, 1.1]),
            "sklatent, named rows": np.array([1.3, 1.3]),
        }
        told = said(remarks("net", seconds))
        assert (
            "net: our defaults take 0.92 of the time of the same network by hand: the bar of"
            in told
        )
        assert "net: our defaults take 1.10 of the time of ReLU" in told
        assert "net: by hand, the smooth network takes 1.20 of the time of ReLU" in told
        assert told.count("**not** met") == 1
        assert "named rows take 1.08" in told

"""What the channels' tables add, intervals over models and other starts; joined objectives."""

import numpy as np
import pytest

from benchmarks._common import Interval, Report
from benchmarks.papers.channels import cuts, enough, groups, nmi_and_vi, ours, ranking, structure
from benchmarks.papers.channels.resampling import over_models
from benchmarks.papers.channels.settings import Scale
from benchmarks.papers.ensemble.joined import remarks_on_joined
from sklatent.channels import ChannelFingerprints

NOISE = np.array([0.0, 0.01, -0.01])


def said(remarks):
    return "\n".join(sentence for sentence in remarks if sentence is not None)


def around(middle, half=0.01):
    return Interval(middle, middle - half, middle + half)


@pytest.fixture(scope="module")
def channels():
    """Nine models that say the same two things, and each one of its own."""
    rng = np.random.default_rng(0)
    means = rng.uniform(-2, 2, size=(9, 3, 60))
    means[:, :2] = means[0, :2] + 0.1 * rng.standard_normal((9, 2, 60))
    return ChannelFingerprints.from_posteriors(
        means.reshape(27, 60), np.full((27, 60), -3.0), model=np.repeat(np.arange(9), 3)
    )


@pytest.fixture(scope="module")
def ensembles(channels):
    """Three of three models each."""
    return [channels[np.arange(k, k + 9)] for k in (0, 9, 18)]


SCALE = Scale(3, 3, 0, 0, 60, 1, 0, 0, 0, 0, (3, 4, 9))


class TestResampling:
    def test_models_are_drawn_whole(self):
        models = np.repeat([3, 5, 7], 2)
        values = np.array([0.0, 0.0, 1.0, 1.0, 2.0, 2.0])
        seen = []

        def mean(some):
            seen.append(np.bincount(models[some], minlength=8)[[3, 5, 7]])
            return values[some].mean()

        found = over_models(models, mean)
        assert found.middle == 1
        assert 0 <= found.low < 1 < found.high <= 2
        assert {tuple(each % 2) for each in seen} == {(0, 0, 0)}
        assert over_models(models, mean) == found

    def test_repeats_within_a_model_do_not_narrow_it(self):
        values = np.random.default_rng(0).normal(size=8)
        once = over_models(np.arange(8), lambda some: values[some].mean())
        often = np.repeat(values, 50)
        assert over_models(
            np.repeat(np.arange(8), 50), lambda some: often[some].mean()
        ) == pytest.approx(once)


class TestStructure:
    def test_numbers_by_ensemble(self, ensembles):
        found, numbers = structure.structure_of(ensembles, SCALE)
        assert numbers["channels"] == [9] * 3
        assert numbers["real"] == pytest.approx([2 / 3] * 3)
        assert numbers["groups"] == [2] * 3 == [len(h.representatives_) for h in found]
        row = structure.structure_row("some", numbers)
        assert len(row) == len(structure.STRUCTURE_COLUMNS)
        assert row[1] == "9 of 9"
        assert row[3].middle == pytest.approx(2 / 3)
        assert structure.over_ensembles([1.0, 2.0]) == "1.5"
        assert structure.over_ensembles([]) == "none"

    def test_remarks(self):
        def told(real, null):
            numbers = {"real": real + NOISE, "null": null + 0 * NOISE, "optics": [0.5]}
            return said(structure.remarks_on_structure({"some, beta 1": numbers}))

        more = told(0.5, 0.1)
        assert "than of shuffled ones: some, beta 1 (0.4 [" in more
        assert "is above every one of" in more
        assert "That more are than of shuffled ones is not shown: some" in told(0.1, 0.1)


class TestRanking:
    def test_settings_that_differ_explain_their_scores(self, ensembles):
        report = Report("Some")
        # The second setting's models have nothing in common.
        apart = [each.shuffled(k) for k, each in enumerate(ensembles)]
        both = {"some, beta 1": ensembles, "some, beta 2": apart, "other, beta 1": ensembles}
        explained, agreement = ranking.ranking(report, both, 3)
        assert list(explained) == ["some"]
        assert np.min(explained["some"]["nmi"]) > 0.9
        assert agreement["nmi"].middle > 0.5
        assert "| explained, some |" in report.parts[-1]

    def test_remarks(self):
        def told(more):
            kinds = {"lasso": 0.2 + NOISE, "nmi": 0.2 + more + 2 * NOISE, "vi": 0.2 - NOISE}
            agreement = {"nmi": around(0.5), "vi": around(0.4)}
            return said(ranking.remarks_on_ranking(({"some": kinds}, agreement)))

        ahead = told(0.5)
        assert "by NMI of the some: the setting explains 0.70 [0.65, 0.75] of it" in ahead
        assert "more, by 0.50 [" in ahead
        assert "by VI of the some" in ahead
        assert "not told apart" in ahead
        assert "NMI 0.50 [0.49, 0.51] and VI 0.40 [0.39, 0.41]" in ahead
        assert "less, by -0.10" in told(-0.1)


class TestGroups:
    def test_best_hotspots_and_objectives(self, ensembles):
        report = Report("Some")
        found, _ = structure.structure_of(ensembles, SCALE)
        first = np.digitize(ensembles[0].blocks[0].mean[0, :, 0], [-1, 0, 1])
        shape = np.random.default_rng(1).permutation(first)
        known = np.column_stack([shape, first, shape, shape, shape])
        groups.groups_and_factors(report, {"some": found}, known)
        assert "| some | 0 (3) |" in report.parts[-1]
        best = groups.best_of_hotspots(report, {"some": found}, known)
        assert best["some"]["scale"].above(best["some"]["shape"].high)
        told = said(groups.remarks_on_fragments(best))
        assert "some: an ensemble's best hotspot knows more of scale 0." in told
        names = dict.fromkeys(name for pair in groups.PAIRS for name in pair)
        again = groups.two_objectives(
            report, dict.fromkeys(names, found), dict.fromkeys(names, ensembles)
        )
        assert again[groups.PAIRS[0]][0] == (1, 1, 1)
        assert report.parts[-1].count("| 3 |") == 2

    def test_remarks_on_objectives(self):
        def told(between):
            shares = [around(between), around(0.5), around(0.6)]
            return said(groups.remarks_on_objectives({("some", "other"): shares}))

        assert told(0.2).endswith("some fragments are one objective's own.")
        assert told(0.5).endswith("not told apart.")
        assert groups.nearest_groups(([], []), ([], []), None) == []


class TestNMIAndVI:
    def test_correlations(self, ensembles):
        found, _ = structure.structure_of(ensembles, SCALE)
        report = Report("Some")
        correlations = nmi_and_vi.nmi_and_vi(report, {"some": found})
        assert correlations["some"].above(0.3)
        assert "| some | 3 | 0." in report.parts[-1]
        told = said(nmi_and_vi.remarks_on_measures({"some": around(0.3), "other": around(0.95)}))
        assert "rank correlations over pairs of 0.30 [0.29, 0.31] (some)." in told
        assert "Not told from interchangeable: 0.95 [0.94, 0.96] (other)." in told


class TestCuts:
    def test_the_same_fragments_in_each(self, channels, monkeypatch):
        monkeypatch.setattr(cuts, "CUTS", 2)
        again = cuts.other_cuts(Report("Some"), {"some": channels}, SCALE)
        assert again["some", 4, 0.05] == (1, 1, 1)
        told = said(cuts.remarks_on_cuts(again))
        assert "some, xi 0.05: found again over cuts" in told
        assert "1.00 [1.00, 1.00] with 4 models" in told

    def test_over_pairs(self):
        assert enough.by_pair([(1, 2), (2, 4), (0, 0), (3, 6)]) == (0.5, 0.5, 0.5)
        assert enough.by_pair([(1, 2), (2, 4)]) == ""
        assert enough.in_all([]) is None


class TestOurStart:
    def test_both_starts(self, ensembles):
        apart = [each.shuffled(k) for k, each in enumerate(ensembles)]
        by_start = {("some", ours.PAPER): apart, ("some", "ours: pca, silu"): ensembles}
        report = Report("Some")
        measured = ours.our_start(report, by_start, SCALE)
        assert measured["some", "ours: pca, silu"]["whole"] == [2] * 3
        assert measured["some", ours.PAPER]["whole"] == [0] * 3
        told = said(ours.remarks_on_our_start(measured))
        assert "intervals apart: some (0.667 [0.667, 0.667] beside 0" in told
        assert "nearly every channel" not in told
        assert "components of the common start: some (2 [2, 2] beside 0 [0, 0])." in told
        assert (
            "UDR by NMI from PCA is above that of every ensemble from random starts: some" in told
        )
        full = measured["some", "ours: pca, silu"] | {"real": [1.0] * 3}
        told = said(ours.remarks_on_our_start(measured | {("some", "ours: pca, silu"): full}))
        assert "nearly every channel is in a hotspot" in told


class TestJoined:
    def test_remarks(self):
        def told(alike, change):
            scores = 0.5 + change + np.repeat(NOISE, 4).reshape(3, 2, 2)
            alone = np.full((3, 2, 2), 0.5)

            def pairs(value):
                return [{"linear": value + e, "permutation": 0.5 - e} for e in NOISE]

            of = {"scores": scores, "alone": alone, "alike": pairs(alike), "apart": pairs(0.5)}
            return said(remarks_on_joined({"some": of}))

        better = told(0.9, 0.3)
        assert "R2 of a linear map between them is 0.9 [0.875, 0.925], 0.4 [" in better
        assert "R2 of a signed permutation" in better
        assert "not told from that on their own (0 [0, 0] more)" in better
        assert "DCI of the second changes by 0.3 [0.275, 0.325] where they are joined." in better
        assert told(0.9, 0.0).count(": not told.") == 4
        assert "less than on their own (-0.2 [" in told(0.3, 0.0)

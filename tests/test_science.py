"""The page on the papers' claims: a verdict for each, and no interval that no report has."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "science" / "index.rst").read_text(encoding="utf-8")
SECTIONS = re.findall(r"\n([^\n]+)\n-{5,}\n(.*?)(?=\n[^\n]+\n-{5,}\n|\Z)", PAGE, re.DOTALL)
VERDICTS = {"holds", "in part", "doesn't", "not tried"}
INTERVAL = re.compile(r"-?[\d.]+ \[-?[\d.]+, -?[\d.]+\]")


def rows(text):
    lines = [line.strip() for line in text.splitlines() if line.count(" |") >= 4]
    lines = [line for line in lines if not line.startswith(":header:")]
    return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter="|")]


def test_all_five_papers_are_there():
    assert [name for name, _ in SECTIONS] == [
        "Rosetta VAE",
        "VAE ensemble",
        "Direct alignment",
        "Transformation-aware VAE",
        "Channels",
    ]


@pytest.mark.parametrize(("name", "text"), SECTIONS, ids=[name for name, _ in SECTIONS])
class TestEachPaper:
    def test_each_claim_has_a_verdict(self, name, text):
        claims = rows(text)
        assert len(claims) >= 12
        for claim in claims:
            assert len(claim) == 5
            assert claim[1] in VERDICTS
        # What was tried has a number, or words where a number would say nothing.
        assert all(c[2] or c[4] for c in claims if c[1] != "not tried")
        assert {"holds", "doesn't"} <= {claim[1] for claim in claims}

    def test_each_interval_is_in_a_report(self, name, text):
        reports = re.findall(r"``(benchmarks/reports/[\w/]+\.md)``", text)
        found = "\n".join((ROOT / report).read_text(encoding="utf-8") for report in reports)
        intervals = INTERVAL.findall(text)
        assert len(intervals) >= 5
        missing = [interval for interval in intervals if interval not in found]
        assert not missing


@pytest.mark.parametrize("page", ["alignment", "ensemble", "transformations"])
def test_each_interval_of_the_guide_is_in_a_report(page):
    text = (ROOT / "docs" / "guide" / f"{page}.rst").read_text(encoding="utf-8")
    folder = ROOT / "benchmarks" / "reports"
    found = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.md"))
    intervals = INTERVAL.findall(" ".join(text.split()))
    assert intervals
    assert not [interval for interval in intervals if interval not in found]


def test_guide_pages_that_make_claims_link_here():
    for page in ("rosetta", "ensemble", "alignment", "transformations", "channels"):
        text = (ROOT / "docs" / "guide" / f"{page}.rst").read_text(encoding="utf-8")
        assert "/science/index" in text, page

"""The guide's pages and the landing page print what they say.

Whole numbers and words must be the same. A number with a decimal point may be off by two in its
last printed place: another processor's rounding shows there, a mistake does not stay so small.
"""

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted([DOCS / "index.rst", *(DOCS / "guide").glob("*.rst")])
# Lists of links, and pages whose code is shown for its shape and names data that are not there.
NOTHING_TO_RUN = {"guide/index", "guide/ensemble", "guide/channels", "guide/transformations"}
DECIMAL = re.compile(r"-?\d+\.\d*(?:e[+-]?\d+)?")


def nearest(wanted, found):
    """Return what was wanted where what was found is near enough, else what was found."""
    place = 10.0 ** -len(wanted.partition(".")[2])
    near = "e" not in wanted and abs(float(wanted) - float(found)) <= 2.001 * place
    return wanted if near else found


class NearlyEqual(doctest.OutputChecker):
    """Compares decimal numbers within two units of the last place that is printed."""

    def check_output(self, want, got, optionflags):
        wanted = DECIMAL.findall(want)
        if len(wanted) == len(DECIMAL.findall(got)):
            left = iter(wanted)
            got = DECIMAL.sub(lambda match: nearest(next(left), match[0]), got)
        return super().check_output(want, got, optionflags)


def name(page):
    return str(page.relative_to(DOCS).with_suffix(""))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what a page saves
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(page.read_text(), {}, name(page), str(page), 0)
    report = []
    runner = doctest.DocTestRunner(NearlyEqual(), optionflags=flags)
    result = runner.run(test, out=report.append)
    assert result.failed == 0, "".join(report)
    assert (result.attempted > 3) == (name(page) not in NOTHING_TO_RUN)


@pytest.mark.parametrize(
    ("want", "got", "same"),
    [
        ("R2 0.95\n", "R2 0.97\n", True),
        ("R2 0.95\n", "R2 0.98\n", False),
        ("[0.1, -2.5]\n", "[0.2, -2.4]\n", True),
        ("[0.1, -2.5]\n", "[0.2, 2.5]\n", False),
        ("[0.95, 0.96]\n", "[0.96, 0.95]\n", True),
        ("12 rows\n", "13 rows\n", False),
        ("VAE: 0.9\n", "PCA: 0.9\n", False),
    ],
)
def test_tolerance(want, got, same):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert NearlyEqual().check_output(want, got, flags) == same

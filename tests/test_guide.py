"""The landing page and every page of the guide run, and print what they say.

A page's examples and its blocks of Python run in turn, in one namespace and a folder of their own.
What a block takes for granted stands before it in a comment that readers don't see,
``.. invisible-code-block: python``. What needs a GPU or a cluster is marked as ``py`` and not run.
Numbers may differ from the page's by two percent, or by two in the last digit that the page shows.
"""

import doctest
import re
import textwrap
import warnings
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ["index", *sorted(f"guide/{path.stem}" for path in DOCS.glob("guide/*.rst"))]
NOTHING_TO_RUN = {"guide/index"}
NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?(?![\w])")
BLOCK = re.compile(
    r"^(?:\.\. (?:invisible-)?code-block::? python|(?!\.\. )\S.*::)\n\n((?:(?: +.*)?\n)+)",
    re.MULTILINE,
)
SHARE = 0.02


class Tolerant(doctest.OutputChecker):
    """Numbers need not agree to the last digit; everything else does."""

    def check_output(self, want, got, optionflags):
        """Compare the text with numbers left out, and the numbers one by one."""
        if super().check_output(want, got, optionflags):
            return True
        numbers = [NUMBER.findall(text) for text in (want, got)]
        if len(numbers[0]) != len(numbers[1]) or not all(map(near, *numbers)):
            return False
        return super().check_output(*(NUMBER.sub("#", text) for text in (want, got)), optionflags)


def near(want, got):
    """Whether a number is that of the page; whole numbers are counts, and exact."""
    if "." not in want and "e" not in want:
        return float(want) == float(got)
    mantissa, _, exponent = want.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return abs(float(want) - float(got)) <= max(2.001 * unit, SHARE * abs(float(want)))


def pieces(text):
    """Yield examples and blocks of Python in the order in which they stand."""
    found = [(example.lineno, example) for example in doctest.DocTestParser().get_examples(text)]
    for match in BLOCK.finditer(text):
        source = textwrap.dedent(match[1])
        if not source.lstrip().startswith(">>>"):
            found.append((text.count("\n", 0, match.start(1)), source))
    return [piece for _, piece in sorted(found, key=lambda pair: pair[0])]


def run(text, name):
    """Run a page; returns how many examples and blocks there were, and what failed."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner, report = doctest.DocTestRunner(Tolerant(), optionflags=flags, verbose=False), []
    namespace, n_run = {"__name__": "__main__"}, 0
    for piece in pieces(text):
        n_run += 1
        if isinstance(piece, str):
            exec(compile(piece, name, "exec"), namespace)
        else:
            test = doctest.DocTest([piece], {}, name, name, piece.lineno, None)
            test.globs = namespace
            runner.run(test, out=report.append, clear_globs=False)
    return n_run, "".join(report)


@pytest.mark.parametrize("page", PAGES)
def test_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # which pages speak about
        n_run, failures = run((DOCS / f"{page}.rst").read_text(encoding="utf-8"), page)
    assert not failures, failures
    assert (n_run > 0) == (page not in NOTHING_TO_RUN)


@pytest.mark.parametrize(
    ("want", "got", "same"),
    [
        ("0.50\n", "0.509\n", True),
        ("0.50\n", "0.53\n", False),
        ("123.4\n", "125.1\n", True),
        ("123.4\n", "126.1\n", False),
        ("(10, 2)\n", "(10, 3)\n", False),
        ("array([1. , 0.33])\n", "array([1.   , 0.331])\n", True),
        ("1e-3\n", "1.01e-3\n", True),
        ("True\n", "False\n", False),
        ("a 0.5\n", "b 0.5\n", False),
    ],
)
def test_numbers_within_the_tolerance(want, got, same):
    """The pages' test could not fail otherwise."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert Tolerant().check_output(want, got, flags) == same


def test_all_kinds_of_blocks_run_in_turn(capsys):
    text = (
        ".. invisible-code-block: python\n\n    a = 1\n\nText::\n\n    a += 1\n\n    b = a\n\n"
        ">>> b\n2\n\n.. code-block:: python\n\n    a = 5\n\n>>> a\n6\n\n.. note::\n\n    No code.\n"
    )
    n_run, failures = run(text, "page")
    assert n_run == 5
    assert "Expected:\n    6\nGot:\n    5" in failures

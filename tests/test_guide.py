"""The guide's pages say what their code gives."""

import doctest
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[1] / "docs" / "guide"


@pytest.mark.parametrize("page", ["alignment", "counts", "do_two_spaces_agree", "same_space"])
def test_page_runs(page):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.testfile(
        str(GUIDE / f"{page}.rst"), module_relative=False, optionflags=flags, encoding="utf-8"
    )
    assert tried > 10
    assert failed == 0

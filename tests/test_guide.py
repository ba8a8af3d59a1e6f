"""The guide's pages say what their code gives."""

import doctest
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[1] / "docs" / "guide"


PAGES = ["alignment", "counts", "do_two_spaces_agree", "reproducibility_report", "same_space"]


@pytest.mark.parametrize("page", PAGES)
def test_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.testfile(
        str(GUIDE / f"{page}.rst"), module_relative=False, optionflags=flags, encoding="utf-8"
    )
    assert tried > 10
    assert failed == 0

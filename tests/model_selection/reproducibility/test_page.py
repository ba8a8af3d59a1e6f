"""The page: whole, of its own, readable, and free of others' markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import sklatent
from sklatent.model_selection._reproducibility.page import DARK, LIGHT


class Checker(HTMLParser):
    """Notes tags that stay open, names, and what would be fetched."""

    VOID = {"meta", "br", "img", "link", "input", "hr"}

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.fetched, self.targets, self.images = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.note(tag, attrs)

    def handle_startendtag(self, tag, attrs):
        self.note(tag, dict(attrs))

    def note(self, tag, attrs):
        if tag in ("script", "link", "iframe", "object", "img"):
            self.fetched.append(tag)
        for name in ("src", "href", "xlink:href"):
            value = attrs.get(name, "#")
            (self.targets if value.startswith("#") else self.fetched).append(value)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "svg":
            self.images.append(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


class TestPage:
    def test_is_whole_and_fetches_nothing(self, page):
        checker = Checker()
        checker.feed(page)
        assert checker.open == []
        assert checker.fetched == []
        assert not re.search(r"url\((?!#)|@import", page)
        assert len(checker.ids) == len(set(checker.ids)) > 0
        assert {t[1:] for t in checker.targets if t != "#"} <= set(checker.ids)

    def test_pictures_have_words_and_the_page_s_colours(self, page):
        checker = Checker()
        checker.feed(page)
        assert len(checker.images) == 3
        assert all(a["role"] == "img" and len(a["aria-label"]) > 20 for a in checker.images)
        assert "currentColor" in page
        assert "var(--accent)" in page
        assert "#0102" not in page

    def test_says_what_the_report_says(self, page, report):
        assert report.verdict in page
        for row in report.runs:
            assert row["content_hash"] in page
            assert str(row["seed"]) in page
        assert report.provenance["data"]["sha256"] in page
        assert sklatent.__version__ in page
        assert "95% interval" in page

    @pytest.mark.parametrize("colors", [LIGHT, DARK])
    def test_contrast(self, colors):
        def luminance(color):
            parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
            linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
            return linear @ [0.2126, 0.7152, 0.0722]

        ground = luminance(colors["ground"])
        for name in ("ink", "muted", "accent"):
            light, dark = sorted([ground, luminance(colors[name])], reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5

    def test_what_others_named_is_no_markup(self, report):
        """Titles, files and parameters are others' words."""
        bad = "<script>alert('1')</script>"
        spoilt = replace(
            report,
            cautions=[bad],
            provenance=report.provenance
            | {
                "parameters": {bad: bad},
                "files": [{"file": bad, "bytes": 1, "sha256": "0" * 64}],
            },
        )
        text = spoilt.to_html(title=bad)
        assert "<script" not in text
        assert text.count("&lt;script&gt;") == 6

    def test_is_written_to_a_file(self, report, page, tmp_path):
        assert report.to_html(tmp_path / "report.html") is None
        assert (tmp_path / "report.html").read_text(encoding="utf-8") == page
        with pytest.raises(ValueError, match="no folder"):
            report.to_html(tmp_path / "nowhere" / "report.html")
        with pytest.raises(TypeError, match="title must be a string"):
            report.to_html(title=3)

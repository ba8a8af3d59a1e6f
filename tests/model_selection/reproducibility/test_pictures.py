"""Pictures: what they show, whoever draws them."""

import re

import numpy as np
import pytest

from sklatent import ReproducibilityReport
from sklatent.model_selection._reproducibility.pictures import (
    levels_picture,
    runs_picture,
    spaces_picture,
)
from tests.model_selection.reproducibility.made import fixed


def test_does_not_depend_on_how_the_caller_draws(report, page):
    import matplotlib

    with matplotlib.rc_context({"font.size": 30, "text.color": "red", "axes.grid": True}):
        assert report.to_html() == page


def test_a_space_far_away_stays_in_the_picture():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(100, 1))
    arrays = [base, base + 50, base - 50]
    report = ReproducibilityReport.from_models(fixed(arrays), np.zeros((100, 1)))
    assert report.table[0]["value"] < -100
    assert report.to_html().count("<svg") == 3


def markers(picture):
    return len(re.findall(r"<use ", picture))


def test_each_space_shows_its_points():
    latents = np.random.default_rng(0).normal(size=(3, 50, 4))
    one, more = (spaces_picture(latents[:n], (0, 2)) for n in (2, 3))
    assert markers(more) - markers(one) >= 50
    assert "run 3" in more
    assert "run 3" not in one
    assert "component 3" in one
    # Four panels at most, and 300 points each.
    many = np.random.default_rng(0).normal(size=(6, 1000, 2))
    assert "run 5" not in spaces_picture(many, (0, 1))
    assert markers(spaces_picture(many, (0, 1))) < 4 * 300 + 100


def test_levels_and_runs(report):
    picture = levels_picture(report.table, 0.9)
    assert all(f">{name}<" in picture for name in ("coordinates", "axes", "rigid", "linear"))
    assert markers(runs_picture(np.eye(5))) - markers(runs_picture(np.eye(3))) >= 5 * 4 - 3 * 2 - 4
    assert picture.startswith('<svg role="img" aria-label="')


@pytest.mark.parametrize("width", [1, 2])
def test_one_component_is_drawn_against_itself(width):
    latents = np.random.default_rng(0).normal(size=(2, 30, width))
    assert spaces_picture(latents, (0, width - 1)).count("<svg") == 1

"""Component by component, of spaces whose answer is known."""

import numpy as np
import pytest

from sklatent.model_selection._reproducibility.components import component_rows
from tests.model_selection.reproducibility.made import Bare


@pytest.fixture
def base():
    return np.linalg.qr(np.random.default_rng(0).normal(size=(500, 3)))[0] * [9, 6, 3]


def test_places_signs_and_what_is_left(base):
    base = base - base.mean(axis=0)
    swapped = base[:, [1, 0, 2]] * [1, -1, 1]
    rows = component_rows(Bare(base), np.stack([base, base, swapped]))
    assert [row["component"] for row in rows] == [1, 2, 3]
    assert [row["in_place"] for row in rows] == [0.5, 0.5, 1.0]
    assert [row["same_sign"] for row in rows] == [0.5, 1.0, 1.0]
    assert [row["correlation"] for row in rows] == pytest.approx([1, 1, 1])
    # Equal in one run, and as far as an independent one in the other: the median is between.
    assert rows[2]["r2"] == pytest.approx(1.0)
    assert rows[0]["r2"] < 0.5
    variances = base.var(axis=0)
    assert [row["share"] for row in rows] == pytest.approx(list(variances / variances.sum()))
    assert all(row["gap"] is None and row["sign_stability"] is None for row in rows)


def test_start_that_knows_fewer_axes(base):
    model = Bare(base)
    model.start_gaps_ = np.array([0.3, 0.2])
    model.start_sign_stability_ = None
    rows = component_rows(model, np.stack([base, base]))
    assert [row["gap"] for row in rows] == [0.3, 0.2, None]
    assert [row["sign_stability"] for row in rows] == [None, None, None]


def test_a_component_that_does_not_vary(base):
    still = base * [1, 1, 0]
    rows = component_rows(Bare(base), np.stack([still, still]))
    assert not rows[2]["active"]
    assert rows[2]["correlation"] == 0
    assert rows[2]["r2"] is None

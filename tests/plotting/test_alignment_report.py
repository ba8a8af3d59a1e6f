"""The report's picture holds the report's figures."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklatent.alignment import alignment_report
from sklatent.plotting import AlignmentReportDisplay


@pytest.fixture(autouse=True)
def agg():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, X[:, ::-1] + 0.3 * rng.normal(size=X.shape)


def test_panels_hold_the_report(pair):
    X, y = pair
    report = alignment_report(X, y, X_new=X[:7] * 3)
    display = AlignmentReportDisplay.from_report(report)
    frame = report.to_frame().dropna()
    points = display.intervals_.lines[0].get_xydata()
    assert_allclose(points[:, 0], frame["r2"])
    segments = display.intervals_.lines[2][0].get_segments()
    assert_allclose([s[:, 0] for s in segments], frame[["low", "high"]])
    labels = [text.get_text() for text in display.axes_[0].get_yticklabels()]
    assert labels == ["identity", "rigid (chosen)", "scaled", "linear"]
    assert display.axes_[0].get_title() == report.verdict
    expected = np.c_[report.anchor_support, report.anchor_residual]
    assert_allclose(display.scatter_.get_offsets(), expected)
    assert_allclose(display.ticks_.get_xdata(), report.support)
    assert len(report.support) == 7


def test_given_axes_and_no_new_rows(pair):
    _, axes = plt.subplots(1, 2)
    display = AlignmentReportDisplay.from_predictions(*pair, random_state=0, ax=axes)
    assert list(display.axes_) == list(axes)
    assert display.ticks_ is None
    # Weighed by variance, the mean square of residuals is what R^2 leaves.
    residual = display.report.anchor_residual
    assert_allclose((residual**2).mean(), 1 - display.report.r2)
    with pytest.raises(ValueError, match="2 axes"):
        AlignmentReportDisplay(display.report).plot(ax=axes[:1])

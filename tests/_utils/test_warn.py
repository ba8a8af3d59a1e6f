"""Warnings point at the line of whoever called."""

import linecache
import warnings

import numpy as np
import pytest

from sklatent import RelativeProjection
from sklatent.channels import ChannelFingerprints, ChannelHotspots

X = np.random.default_rng(0).random((6, 3))
QUIET = ChannelFingerprints.from_posteriors(np.zeros((8, 9)), np.zeros((8, 9)))


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_through_scikit_learn_s_decorators(method):
    with pytest.warns(UserWarning, match="all of them are taken") as caught:
        getattr(RelativeProjection(n_anchors=50, random_state=0), method)(X)
    assert caught[0].filename == __file__
    assert "RelativeProjection(" in linecache.getline(__file__, caught[0].lineno)


def test_each_line_of_a_program_is_warned_once():
    """And two lines twice: Python tells them apart by where the warning points."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            ChannelHotspots(min_samples=5).fit(QUIET)
        ChannelHotspots(min_samples=5).fit(QUIET)
    assert len({warning.lineno for warning in caught}) == 2

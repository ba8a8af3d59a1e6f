"""Every door of the aligners refuses what holds no latents, in our words."""

import numpy as np
import pytest
import torch

from sklatent.alignment import (
    GroupAligner,
    ICPAligner,
    LinearAligner,
    RelativeProjection,
    RigidAligner,
    alignment_report,
    class_mean_anchors,
    matched_rows,
)

X = np.random.default_rng(0).normal(size=(30, 3))
Y = X[:, ::-1] + 1
KINDS = ("identity", "rigid", "scaled", "linear")
BAD = {
    "masked": (np.ma.array(X, mask=X > 2), ValueError, "masked"),
    "dates": (X.astype("M8[s]"), TypeError, "dates or times"),
    "gradients": (torch.tensor(X, requires_grad=True), TypeError, "gradients"),
}
DOORS = {
    "report X": lambda bad: alignment_report(bad, Y, kinds=KINDS),
    "report y": lambda bad: alignment_report(X, bad, kinds=KINDS),
    "report X_new": lambda bad: alignment_report(X, Y, X_new=bad, kinds=KINDS),
    "group": lambda bad: GroupAligner().fit([X, bad]),
    "group first": lambda bad: GroupAligner().fit([bad, X]),
    "group transform": lambda bad: GroupAligner().fit([X, Y]).transform(bad, space=1),
    "group add": lambda bad: GroupAligner().fit([X, Y]).add(bad),
    "class means": lambda bad: class_mean_anchors(bad, np.arange(30) % 3),
    "relative": lambda bad: RelativeProjection(n_anchors=3).fit(bad),
}
for aligner in (LinearAligner(), LinearAligner(alpha="loo"), RigidAligner(), ICPAligner()):
    DOORS |= {
        f"{aligner} X": lambda bad, a=aligner: a.fit(bad, Y),
        f"{aligner} y": lambda bad, a=aligner: a.fit(X, bad),
        f"{aligner} transform": lambda bad, a=aligner: a.fit(X, Y).transform(bad),
        f"{aligner} back": lambda bad, a=aligner: a.fit(X, Y).inverse_transform(bad),
        f"{aligner} score": lambda bad, a=aligner: a.fit(X, Y).score(X, bad),
    }


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("door", DOORS)
def test_refused(door, kind):
    bad, error, words = BAD[kind]
    with pytest.raises(error, match=words):
        DOORS[door](bad)


@pytest.mark.parametrize("unit", [1e-310, 1e-200, 1e300])
def test_report_of_one_side_in_extreme_units(unit):
    for report in (
        alignment_report(unit * X, Y, kinds=KINDS),
        alignment_report(X, unit * Y, kinds=KINDS),
    ):
        assert report.kind == "scaled"
        assert report.r2 > 0.999


def test_identifiers_with_gradients():
    with pytest.raises(TypeError, match="gradients"):
        matched_rows(torch.ones(2, requires_grad=True), [1, 2])

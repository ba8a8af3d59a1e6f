"""
Three pairs of spaces, three verdicts
=====================================

An aligner always returns a map. :func:`~sklatent.alignment_report` says whether it is worth having:
align, retrain, or refuse.
"""

# %%
# Three pairs
# -----------
# Two models of the same digits that differ by a rotation; two that see different halves of each
# image; and a space of other rows altogether, which corresponds to nothing.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import ortho_group
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from sklatent import alignment_report
from sklatent.plotting import AlignmentReportDisplay

X = load_digits().data
rng = np.random.default_rng(0)
Z = PCA(8).fit_transform(X)
turned = Z @ ortho_group.rvs(8, random_state=0) + 1.5 * rng.normal(size=Z.shape)
upper, lower = PCA(8).fit_transform(X[:, :32]), PCA(8).fit_transform(X[:, 32:])
pairs = {
    "turned": (Z, turned),
    "upper and lower halves": (upper, lower),
    "rows of another table": (Z, rng.permutation(Z)),
}

# %%
# Three verdicts
# --------------
# Two hundred rows are the anchors. R2 is judged on anchors left out.

kinds = ("identity", "rigid", "scaled", "linear")
anchors = rng.permutation(len(X))[:200]
reports = {}
for name, (source, target) in pairs.items():
    reports[name] = alignment_report(
        source[anchors], target[anchors], X_new=source, kinds=kinds, random_state=0
    )
    print(f"{name}: {reports[name].verdict}. {reports[name].reason}")

# %%
# Each kind of map, its R2 on rows left out and how sure that is.

figure, axes = plt.subplots(3, 2, figsize=(9, 9), layout="constrained")
for pair, (name, report) in zip(axes, reports.items(), strict=True):
    AlignmentReportDisplay.from_report(report, ax=pair)
    pair[0].set_title(f"{name}: {report.verdict}")

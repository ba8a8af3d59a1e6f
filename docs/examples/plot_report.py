"""
=================================================
A page that says what a reader may rely on
=================================================

A figure of an embedding says more than its authors can vouch for: some of it would be different had
they trained with another seed. We train a model several times, from principal components and from
random starts, and let :class:`~sklatent.ReproducibilityReport` say in which sense the runs agree.
"""

# %%
# Train several times
# -------------------
# Handwritten digits, four components. :func:`~sklatent.retrain` changes the seed and nothing else.

from sklearn.datasets import load_digits

from sklatent import VAE, ReproducibilityReport, retrain

X = load_digits().data / 16
settings = {"hidden_layer_sizes": (64,), "max_epochs": 40}
runs = {
    "start at PCA": retrain(VAE(4, **settings), X, n_runs=5, random_state=0),
    "random starts": retrain(VAE(4, init="random", **settings), X, n_runs=5, random_state=0),
}

# %%
# The verdicts
# ------------
# In a sentence each.

reports = {name: ReproducibilityReport.from_models(models, X) for name, models in runs.items()}
for name, report in reports.items():
    print(f"{name}: {report}")

# %%
# The measures
# ------------
# R² between runs, from no map at all to the best linear one, judged on rows left out; the crosses
# are what spaces score by chance that agree in the next weaker sense only.

import matplotlib.pyplot as plt
import numpy as np

fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
for offset, (name, report) in zip((0.12, -0.12), reports.items(), strict=True):
    frame = report.to_frame().query("level != 'neighbors'")
    value = frame["value"].clip(lower=-1)
    reach = [value - frame["low"].clip(lower=-1), frame["high"].clip(lower=-1) - value]
    places = np.arange(len(frame))[::-1] + offset
    ax.errorbar(value, places, xerr=np.maximum(reach, 0), fmt="o", capsize=3, label=name)
    ax.plot(frame["floor"], places, "kx")
ax.axvline(0.9, color="grey", linestyle="--", linewidth=1)
ax.set_yticks(np.arange(len(frame))[::-1], frame["level"])
ax.set_xlabel("R² between runs")
ax.legend()

# %%
# Where a run puts the samples
# ----------------------------
# The first three runs of each kind. Colours are the digits.

labels = load_digits().target
fig, axes = plt.subplots(2, 3, figsize=(8, 5.5), layout="constrained")
for row, (name, models) in zip(axes, runs.items(), strict=True):
    for number, (ax, model) in enumerate(zip(row, models, strict=False)):
        ax.scatter(*model.transform(X)[:, :2].T, c=labels, cmap="tab10", s=3)
        ax.set_title(f"{name}, run {number + 1}", fontsize=10)

# %%
# What the data leave open
# ------------------------
# Cautions stand beside the verdict: here axes whose sign hangs on some rows.

for caution in reports["start at PCA"].cautions:
    print("-", caution)
print(reports["start at PCA"].to_frame("components").round(2).to_string(index=False))

# %%
# The page
# --------
# One HTML file with pictures, seeds, versions and hashes, to attach to a paper. It needs no
# network.

page = reports["start at PCA"].to_html()
print(f"{len(page) / 1000:.0f} kB")

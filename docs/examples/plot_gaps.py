"""
A table with gaps
=================

A fifth of all entries is missing. ``missing="mask"`` leaves them out of the likelihood, and the
model fills them from what is there.
"""

# %%
# Make the gaps
# -------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.preprocessing import StandardScaler

from sklatent import VAE

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
rng = np.random.default_rng(0)
gaps = rng.uniform(size=X.shape) < 0.2
X_gaps = np.where(gaps, np.nan, X)

# %%
# Fill them
# ---------
# The root mean squared error of what is filled in, in deviations of the column: filling in the mean
# has about 1.

model = VAE(4, missing="mask", max_epochs=60, random_state=0).fit(X_gaps)
filled = {
    "mean": SimpleImputer().fit_transform(X_gaps),
    "five nearest neighbours": KNNImputer().fit_transform(X_gaps),
    "VAE": model.inverse_transform(model.transform(X_gaps)),
}
for name, values in filled.items():
    print(f"{name}: {np.sqrt(np.mean((values[gaps] - X[gaps]) ** 2)):.2f}")

# %%
# True and filled in, one point an entry.

_, axes = plt.subplots(1, 3, figsize=(11, 3.6), sharex=True, sharey=True, layout="constrained")
for ax, (name, values) in zip(axes, filled.items(), strict=True):
    ax.plot([-3, 5], [-3, 5], color="grey", linewidth=1)
    ax.scatter(X[gaps], values[gaps], s=3, alpha=0.4)
    ax.set(title=name, xlabel="true", xlim=(-3, 5), ylim=(-3, 5))
axes[0].set_ylabel("filled in")

# %%
# The embedding does not mind: rows with gaps lie where the same rows lie without them.

Z, Z_gaps = model.transform(X), model.transform(X_gaps)
_, ax = plt.subplots(layout="constrained")
ax.plot(*np.stack([Z[:, :2], Z_gaps[:, :2]]).transpose(2, 0, 1), color="lightgrey", linewidth=0.7)
ax.scatter(*Z[:, :2].T, c=y, cmap="coolwarm", s=8)
ax.set(xlabel="z0", ylabel="z1", title="lines lead to where the row with gaps is put")

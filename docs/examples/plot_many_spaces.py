"""
Five labs, one space
====================

Five labs have embedded the same samples, each in its own way. :class:`~sklatent.GroupAligner`
brings all of them into one space, and takes in a sixth without moving the rest.
"""

# %%
# Five spaces
# -----------
# Each lab has its own rotation and its own noise.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import ortho_group
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA

from sklatent import GroupAligner

X, y = load_iris(return_X_y=True)
Z = PCA(3).fit_transform(X)
rng = np.random.default_rng(0)
spaces = [
    Z @ ortho_group.rvs(3, random_state=lab) + rng.normal(scale=0.15, size=Z.shape)
    for lab in range(6)
]

# %%
# Into one
# --------

aligner = GroupAligner().fit(spaces[:5])
together = [aligner.transform(space, space=lab) for lab, space in enumerate(spaces[:5])]
figure, axes = plt.subplots(2, 5, figsize=(12, 5), sharex=True, sharey=True, layout="constrained")
for lab in range(5):
    for ax, latents in zip(axes[:, lab], (spaces[lab], together[lab]), strict=True):
        ax.scatter(*latents[:, :2].T, c=y, cmap="viridis", s=8)
    axes[0, lab].set_title(f"lab {lab}")
axes[0, 0].set_ylabel("as they are")
axes[1, 0].set_ylabel("aligned")

# %%
# How far apart the labs put one sample, in the mean, as a share of the samples' spread.


def disagreement(latents):
    """Return the deviation over labs, over the deviation over samples."""
    latents = np.stack(latents)
    return np.sqrt(latents.var(axis=0).sum() / latents.mean(axis=0).var(axis=0).sum() / len(Z))


print(f"as they are: {disagreement(spaces[:5]):.2f}, aligned: {disagreement(together):.2f}")

# %%
# A sixth lab
# -----------
# The five stay where they are.

aligner.add(spaces[5])
sixth = aligner.transform(spaces[5], space=5)
unmoved = all(np.array_equal(aligner.transform(spaces[k], space=k), together[k]) for k in range(5))
print(f"with the sixth: {disagreement([*together, sixth]):.2f}; the others unmoved: {unmoved}")

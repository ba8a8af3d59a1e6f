"""
Counts: what a row is made of, not how deep it was read
=======================================================

Four kinds of cells, read at depths that differ thirtyfold. A Gaussian model of the raw counts
finds the depth. With ``likelihood="negative_binomial"`` the depth is known and the latents are free
to say which kind it is.
"""

# %%
# Data
# ----
# Each kind has its own shares of sixty genes; counts vary more than Poisson's.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.metrics import silhouette_score

from sklatent import VAE

rng = np.random.default_rng(0)
kinds = rng.integers(0, 4, size=600)
shares = rng.dirichlet(np.full(60, 2.0), size=4)[kinds]
depth = np.exp(rng.uniform(np.log(100), np.log(3000), size=(600, 1)))
counts = rng.poisson(shares * depth * rng.gamma(5, 0.2, size=(600, 60)))
print(counts.sum(axis=1).min(), "to", counts.sum(axis=1).max(), "counts in a row")

# %%
# Two likelihoods
# ---------------
# Colour is the kind, size the depth.

models = {
    likelihood: VAE(2, likelihood=likelihood, max_epochs=40, random_state=0).fit(counts)
    for likelihood in ("gaussian", "negative_binomial")
}
_, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, (likelihood, model) in zip(axes, models.items(), strict=True):
    ax.scatter(*model.transform(counts).T, c=kinds, cmap="tab10", vmax=9, s=depth / 60, alpha=0.7)
    ax.set(title=likelihood, xlabel="z0", ylabel="z1")

# %%
# In numbers: how much of the log depth a linear model reads off the latents (0 is none), and how
# well the kinds are separated (1 is fully).

log_depth = np.log(counts.sum(axis=1))
for likelihood, model in models.items():
    Z = model.transform(counts)
    read_off = LinearRegression().fit(Z, log_depth).score(Z, log_depth)
    print(f"{likelihood}: depth {read_off:.2f}, kinds {silhouette_score(Z, kinds):.2f}")

# %%
# New counts
# ----------
# ``sample(noise=True)`` draws rows of whole counts at the median depth.

drawn = models["negative_binomial"].sample(600, random_state=0, noise=True)
_, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
bins = np.arange(0, 40, 2)
ax.hist(counts[abs(log_depth - np.median(log_depth)) < 0.3].ravel(), bins, density=True, alpha=0.5)
ax.hist(drawn.ravel(), bins, density=True, histtype="step", linewidth=2, color="black")
ax.set(
    xlabel="count", ylabel="share of entries", title="rows near the median depth, and drawn ones"
)

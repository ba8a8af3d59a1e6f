"""
Spectra: two latents that move a peak
=====================================

Spectra with two peaks: the concentration of one substance sets a height, the temperature moves a
position. PCA needs many components for a peak that moves; a VAE bends.
"""

# %%
# Data
# ----

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor

from sklatent import VAE

rng = np.random.default_rng(0)
axis = np.linspace(0, 1, 100)
concentration, temperature = rng.uniform(size=(2, 1500, 1))
spectra = (0.3 + concentration) * np.exp(-(((axis - 0.3) / 0.05) ** 2))
spectra = spectra + np.exp(-(((axis - 0.55 - 0.25 * temperature) / 0.06) ** 2))
spectra += rng.normal(scale=0.03, size=spectra.shape)
train, test = train_test_split(np.arange(1500), test_size=500, random_state=0)

# %%
# Two components each
# -------------------
# How far what comes back is from what went in, on spectra that neither has seen; the noise alone is
# 0.03.

models = {
    "PCA": PCA(2).fit(spectra[train]),
    "VAE": VAE(2, max_epochs=100, random_state=0).fit(spectra[train]),
}
for name, model in models.items():
    back = model.inverse_transform(model.transform(spectra[test]))
    print(f"{name}: root mean squared error {np.sqrt(np.mean((back - spectra[test]) ** 2)):.3f}")

# %%
# A spectrum, and what each makes of it.

_, axes = plt.subplots(1, 3, figsize=(11, 3), sharey=True, layout="constrained")
for ax, row in zip(axes, test[:3], strict=True):
    ax.plot(axis, spectra[row], color="lightgrey", label="measured")
    for name, model in models.items():
        ax.plot(axis, model.inverse_transform(model.transform(spectra[[row]]))[0], label=name)
axes[0].legend()

# %%
# What the latents know
# ---------------------
# Colour is the temperature. R2 is that of the fifteen nearest neighbours on the test spectra.

_, axes = plt.subplots(1, 2, figsize=(8, 3.5), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    Z = model.transform(spectra)
    neighbors = KNeighborsRegressor(15).fit(Z[train], temperature[train])
    score = neighbors.score(Z[test], temperature[test])
    ax.scatter(*Z[test].T, c=temperature[test, 0], s=8)
    ax.set_title(f"{name}: R2 of the temperature {score:.2f}")

# %%
# Spectra that are none
# ---------------------
# A third peak was never seen: the bound on the log-likelihood says so.

strange = spectra[test] + 0.5 * np.exp(-(((axis - 0.1) / 0.03) ** 2))
_, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for name, rows in {"as measured": spectra[test], "with a third peak": strange}.items():
    ax.hist(models["VAE"].score_samples(rows), bins=30, alpha=0.6, label=name)
ax.set(xlabel="score_samples, nats", ylabel="spectra")
ax.legend()

"""
One space from five seeds
=========================

Five models of five seeds, with the usual start and with ours. Is a coordinate of one the same
coordinate of another? No map is fitted.
"""

# %%
# Train
# -----

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score

from sklatent import VAE, retrain

X, y = load_digits(return_X_y=True)
settings = {"n_components": 4, "hidden_layer_sizes": (64, 64), "max_epochs": 25}
usual = {"init": "random", "activation": "relu", "annealing": 0, "early_stopping": False}
latents = {
    "random start, ReLU": retrain(VAE(**settings, **usual), X, n_runs=5, random_state=0),
    "sklatent's default": retrain(VAE(**settings), X, n_runs=5, random_state=0),
}
latents = {name: [model.transform(X) for model in models] for name, models in latents.items()}

# %%
# R2 between every two seeds, of the coordinates as they are. 1 is the same place for every digit;
# below 0 is worse than one place for all.

_, axes = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
for ax, (name, Z) in zip(axes, latents.items(), strict=True):
    scores = np.array([[r2_score(a, b) for b in Z] for a in Z])
    picture = ax.imshow(scores, vmin=-1, vmax=1, cmap="RdBu")
    for i, j in np.ndindex(*scores.shape):
        color = "black" if -0.5 < scores[i, j] < 0.6 else "white"
        ax.text(j, i, f"{scores[i, j]:.2f}", ha="center", va="center", color=color, fontsize=8)
    ax.set(title=name, xlabel="seed", ylabel="seed")
plt.colorbar(picture, ax=axes, label="R2")

# %%
# One coordinate of the first seed against the same one of the second.

_, axes = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
for ax, (name, Z) in zip(axes, latents.items(), strict=True):
    ax.scatter(Z[0][:, 0], Z[1][:, 0], c=y, cmap="tab10", s=5)
    ax.set(title=name, xlabel="z0, first seed", ylabel="z0, second seed")

"""The landing page's picture: two seeds are two spaces, or one."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score

from sklatent import VAE

X, y = load_digits(return_X_y=True)
usual = {"init": "random", "activation": "relu", "annealing": 0, "early_stopping": False}
figure, axes = plt.subplots(1, 4, figsize=(11, 2.9), layout="constrained")
for column, (name, settings) in enumerate({"Random start": usual, "sklatent": {}}.items()):
    latents = [
        VAE(2, max_epochs=50, random_state=seed, **settings).fit_transform(X) for seed in (0, 1)
    ]
    for seed, Z in enumerate(latents):
        ax = axes[2 * column + seed]
        ax.scatter(*Z.T, c=y, cmap="tab10", s=4, linewidths=0)
        ax.set(title=f"{name}, seed {seed}", xticks=[], yticks=[], xlim=(-5, 5), ylim=(-5, 5))
    axes[2 * column + 1].set_xlabel(f"R² with seed 0: {r2_score(*latents):.2f}")

"""The landing page's picture: two seeds are two spaces, or one."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.metrics import r2_score

from sklatent import VAE

X, y = load_digits(return_X_y=True)
X = X / 16
usual = {"init": "random", "activation": "relu", "annealing": 0, "early_stopping": False}
figure, axes = plt.subplots(1, 4, figsize=(11, 2.9), layout="constrained")
for column, (name, settings) in enumerate({"Random start": usual, "sklatent": {}}.items()):
    model = VAE(2, likelihood="bernoulli", max_epochs=50, **settings)
    latents = [model.set_params(random_state=seed).fit_transform(X) for seed in (0, 1)]
    for seed, Z in enumerate(latents):
        ax = axes[2 * column + seed]
        ax.scatter(*Z.T, c=y, cmap="tab10", s=4, linewidths=0)
        ax.set(title=f"{name}, seed {seed}", xticks=[], yticks=[], xlim=(-4, 4), ylim=(-4, 4))
    axes[2 * column + 1].set_xlabel(f"R² with seed 0: {r2_score(*latents):.2f}")

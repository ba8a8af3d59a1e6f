"""The landing page's picture: two seeds are two spaces, or one."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sklatent import VAE

X, y = load_digits(return_X_y=True)
figure, axes = plt.subplots(1, 4, figsize=(11, 2.9), layout="constrained")
for column, (name, start) in enumerate({"Random start": "random", "sklatent": "pca"}.items()):
    for seed in (0, 1):
        Z = VAE(2, init=start, max_epochs=50, random_state=seed).fit_transform(X)
        ax = axes[2 * column + seed]
        ax.scatter(*Z.T, c=y, cmap="tab10", s=4, linewidths=0)
        ax.set(title=f"{name}, seed {seed}", xticks=[], yticks=[], xlim=(-3.5, 3.5), ylim=(-3.5, 3.5))

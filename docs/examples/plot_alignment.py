"""
======================================
One model's latents, another's decoder
======================================

Two autoencoders learn scikit-learn's digits: a convolutional one and a fully connected one. They
have nothing in common but the data. We decode the latents of the first with the decoder of the
second, with nothing in between, with a rigid and with a linear map fitted to a few anchors, and
look at the pictures side by side.
"""

# %%
# Two models
# ----------
# Different architectures, different seeds, the same number of latents. Both start at random, as
# models from elsewhere do; ours would start at PCA, and be half way to each other.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from sklatent import Autoencoder, LatentStitcher
from sklatent.alignment import LinearAligner, RigidAligner
from sklatent.plotting import LinearMapDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)

common = {"init": "random", "likelihood": "bernoulli", "learning_rate": 3e-3}
conv = Autoencoder(
    8, architecture="conv", image_shape=(1, 8, 8), max_epochs=15, random_state=0, **common
).fit(X_train)
mlp = Autoencoder(8, hidden_layer_sizes=(128, 64), max_epochs=40, random_state=1, **common)
mlp.fit(X_train)

# %%
# Translating from 50 anchors
# ---------------------------
# The anchors are 50 training digits that both models encode. An aligner is fitted to their latents;
# the two models stay as they are. The ridge penalty is chosen by cross-validation on the anchors.

anchors = X_train[:50]
source, target = conv.transform(anchors), mlp.transform(anchors)
search = GridSearchCV(LinearAligner(), {"alpha": np.logspace(-2, 3, 6)}, cv=5)
search.fit(source, target)
rigid = RigidAligner(scaling=True).fit(source, target)
linear = search.best_estimator_
print(f"alpha = {linear.alpha:g}")

pictures = {
    "input": X_test,
    "conv to conv": conv.inverse_transform(conv.transform(X_test)),
    "mlp to mlp": mlp.inverse_transform(mlp.transform(X_test)),
    "conv to mlp, as it is": mlp.inverse_transform(conv.transform(X_test)),
    "conv to mlp, rigid": LatentStitcher(conv, rigid, mlp).predict(X_test),
    "conv to mlp, linear": LatentStitcher(conv, linear, mlp).predict(X_test),
}
for name, picture in pictures.items():
    print(f"{name:22s} mean squared error {np.mean((picture - X_test) ** 2):.4f}")

# %%
# Side by side
# ------------
# The bottom rows are what the fully connected decoder makes of the convolutional encoder's latents.

first = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
figure, axes = plt.subplots(len(pictures), 10, figsize=(8, 5.2), layout="constrained")
for row, (name, picture) in zip(axes, pictures.items(), strict=True):
    for ax, index in zip(row, first, strict=True):
        ax.imshow(picture[index].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()

# %%
# What the map looks like
# -----------------------
# Its polar spectrum says how far from rigid it is: a flat line would be a rotation. The nearest
# signed permutation shows that axes were not merely swapped.

LinearMapDisplay.from_estimator(linear)
plt.show()

# %%
# How many anchors
# ----------------
# The error of the translation on test digits, over the number of anchors. Where there are about as
# many as latents, the least-squares map follows noise; a little ridge keeps it in hand.

counts = [5, 9, 12, 20, 50, 100, 300, 1000]
curves = {"least squares": LinearAligner(), "ridge": linear, "rigid": rigid}
errors = {name: [] for name in curves}
source, target = conv.transform(X_train), mlp.transform(X_train)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # that anchors are few is what we want to see
    for name, aligner in curves.items():
        for count in counts:
            aligner.fit(source[:count], target[:count])
            decoded = LatentStitcher(conv, aligner, mlp).predict(X_test)
            errors[name].append(np.mean((decoded - X_test) ** 2))

_, ax = plt.subplots(layout="constrained")
for name, values in errors.items():
    ax.plot(counts, values, "o-", label=name)
ax.axhline(np.mean((pictures["mlp to mlp"] - X_test) ** 2), color="gray", label="mlp to mlp")
ax.set(xscale="log", xlabel="anchors", ylabel="mean squared error")
ax.legend()
plt.show()

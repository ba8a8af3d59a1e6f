"""
One channel from many that are torn
===================================

Hue is a circle. A latent space of one dimension cannot represent it without tearing it open, and
every model tears it elsewhere. From what many such models say, one channel of two dimensions is
learned that is torn less.
"""

# %%
# Scars
# -----
# Models with the paper's settings: a random start and ReLU. From PCA all would tear at one place.
# The fingerprints show the scars: neighbouring hues that look different.

import matplotlib.pyplot as plt

from sklatent import VAE, retrain
from sklatent.channels import (
    ChannelFingerprints,
    ChannelSynthesizer,
    neighbor_distance_variability,
)
from sklatent.datasets import make_hue_circle

circle, _ = make_hue_circle(512)
line = VAE(
    1,
    hidden_layer_sizes=(32, 32),
    activation="relu",
    init="random",
    likelihood="unit_gaussian",
    beta=0.03,
    learning_rate=4e-3,
    annealing=0,
    max_epochs=60,
)
lines = retrain(line, circle, n_runs=16, random_state=0)
points, hue = make_hue_circle(60)
scarred = ChannelFingerprints.from_models(lines, points)

figure, axes = plt.subplots(1, 4, figsize=(10, 2.6), layout="constrained")
for k, ax in enumerate(axes):
    ax.imshow(scarred.coefficients(k), cmap="Blues_r", vmin=0, vmax=1)
    ax.set(title=f"model {k}", xticks=[], yticks=[])
axes[0].set_ylabel("hue")

# %%
# One channel from many
# ---------------------
# A new channel whose fingerprint is most similar to those of the ensemble: of one model, and of
# all. The number is how uneven the distances between neighbouring hues are; 0 would be even. This
# is one run of each. Over several, in ``benchmarks/reports/channels_hue.md``, the intervals are
# wide.

figure, axes = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained")
for n_models, ax in zip((1, 16), axes, strict=True):
    synthesizer = ChannelSynthesizer(2, learning_rate=20, max_epochs=1000, random_state=0)
    synthesizer.fit(scarred[:n_models])
    mean = synthesizer.posterior_.mean
    unevenness = neighbor_distance_variability(mean)
    print(f"{n_models} models: {unevenness:.2f}")
    ax.scatter(*mean.T, c=hue, cmap="hsv", s=12)
    ax.set(title=f"{n_models} models: {unevenness:.2f}", xticks=[], yticks=[], aspect="equal")

"""
============================================
What do my latent dimensions have in common?
============================================

Twenty beta-VAEs learn the same digits from different seeds. Which pieces of information do they
find again and again? We take every latent dimension of every model as a communication channel,
compare what the channels say, and look for groups of channels that say the same: hotspots. Then we
make one channel out of many that each are wrong in a place of its own.
"""

# %%
# Twenty models
# -------------
# They are alike but for their seeds, so that they train as one stacked module.

import numpy as np
from sklearn.datasets import load_digits

from sklatent import VAE
from sklatent.model_selection import retrain

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
model = VAE(
    6,
    hidden_layer_sizes=(64, 64),
    likelihood="bernoulli",
    image_shape=(1, 8, 8),
    beta=0.6,
    learning_rate=4e-3,
    max_epochs=60,
)
models = retrain(model, X, n_runs=20, random_state=0)

# %%
# Fingerprints
# ------------
# A channel's fingerprint is how well it tells each pair of samples apart. Some hundred samples are
# enough. The information of each channel is in bits.

from sklatent.channels import ChannelFingerprints

channels = ChannelFingerprints.from_models(models, X[:500])
information = channels.information
print(channels)
print(f"{np.sum(information > 0.01)} channels carry more than 0.01 bits,")
print(f"on average {information[information > 0.01].mean():.2f} bits")

# %%
# Hotspots
# --------
# A hotspot has channels of at least eight models or so. Chance groups channels as well, so that the
# analysis is repeated on channels whose samples are shuffled, and a group counts only if it is
# tighter than what is found there.

from sklatent.channels import ChannelHotspots

hotspots = ChannelHotspots(min_samples=8, n_shuffles=3, random_state=0).fit(channels)
print(f"mean NMI within the hotspots: {hotspots.group_similarity_.round(2)}")
print(f"what chance reaches: {hotspots.null_similarity_:.2f}")

# %%
# One picture: valleys of the reachability are blocks of the matrix, channels that say the same. At
# the left is what they have in common with each class of digits, at the right what the most central
# channel of each hotspot does while it moves.

from sklatent.plotting import ReachabilityDisplay

is_digit = ChannelFingerprints.from_labels(
    y[:500, None] == np.arange(10), names=[str(digit) for digit in range(10)]
)
display = ReachabilityDisplay.from_estimator(hotspots, factors=is_digit, models=models)

# %%
# The same analysis of channels that share nothing, the null, finds no hotspot.

null = ChannelHotspots(min_samples=8, n_shuffles=3, random_state=1).fit(channels.shuffled(0))
print(f"groups that OPTICS finds in the null: {null.optics_labels_.max() + 1}")
print(f"hotspots: {len(null.representatives_)}")

# %%
# Scars
# -----
# Hue is a circle. A latent space of one dimension cannot represent it without tearing it open, and
# every model tears it elsewhere. The fingerprints show the scars: neighbouring hues that look
# different.

import matplotlib.pyplot as plt

from sklatent.datasets import make_hue_circle

circle, _ = make_hue_circle(512)
line = VAE(
    1, hidden_layer_sizes=(32, 32), beta=0.03, learning_rate=4e-3, batch_size=128, max_epochs=100
)
lines = retrain(line, circle, n_runs=24, random_state=0)
points, hue = make_hue_circle(120)
scarred = ChannelFingerprints.from_models(lines, points)

figure, axes = plt.subplots(1, 4, figsize=(10, 2.6), layout="constrained")
for k, ax in enumerate(axes):
    ax.imshow(scarred.coefficients(k), cmap="Blues_r", vmin=0, vmax=1)
    ax.set(title=f"model {k}", xticks=[], yticks=[])
axes[0].set_ylabel("hue")

# %%
# One channel from many
# ---------------------
# A new channel of two dimensions is learned whose fingerprint is most similar to those of the
# ensemble. The more models, the more even the circle; 0 would be even spacing.

from sklatent.channels import ChannelSynthesizer, neighbor_distance_variability

figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
for n_models, ax in zip((1, 4, 24), axes, strict=True):
    synthesizer = ChannelSynthesizer(2, random_state=0).fit(scarred[:n_models])
    mean = synthesizer.posterior_.mean
    unevenness = neighbor_distance_variability(mean)
    ax.scatter(*mean.T, c=hue, cmap="hsv", s=12)
    ax.set(title=f"{n_models} models: {unevenness:.2f}", xticks=[], yticks=[], aspect="equal")
plt.show()

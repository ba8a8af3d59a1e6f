"""
============================================
What do my latent dimensions have in common?
============================================

Twelve beta-VAEs learn the same digits from different seeds. Which pieces of information do they
find again and again? We take every latent dimension of every model as a communication channel,
compare what the channels say, and look for groups of channels that say the same: hotspots.
"""

# %%
# Twelve models
# -------------
# They are alike but for their seeds, so that they train as one stacked module. They start at
# random, as in the paper: from PCA all would say the same by construction.

import numpy as np
from sklearn.datasets import load_digits

from sklatent import VAE
from sklatent.model_selection import retrain

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
model = VAE(
    6,
    hidden_layer_sizes=(64, 64),
    init="random",
    likelihood="bernoulli",
    image_shape=(1, 8, 8),
    beta=0.6,
    learning_rate=4e-3,
    max_epochs=30,
)
models = retrain(model, X, n_runs=12, random_state=0)

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
# A hotspot has channels of at least five models or so. Chance groups channels as well, so that the
# analysis is repeated on channels whose samples are shuffled, and a group counts only if it is
# tighter than what is found there.

from sklatent.channels import ChannelHotspots

hotspots = ChannelHotspots(min_samples=5, n_shuffles=3, random_state=0).fit(channels)
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

null = ChannelHotspots(min_samples=5, n_shuffles=3, random_state=1).fit(channels.shuffled(0))
print(f"groups that OPTICS finds in the null: {null.optics_labels_.max() + 1}")
print(f"hotspots: {len(null.representatives_)}")

"""
Images: reconstruct, move, draw
===============================

Scikit-learn's digits with six latents: what comes back, what each latent does, and digits that
nobody wrote.
"""

# %%
# Train
# -----
# A row of X is an image laid flat; the model is told its shape. Pixels lie in [0, 1] and mostly at
# its ends, so the likelihood is "bernoulli".

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklatent import VAE
from sklatent.metrics import active_components
from sklatent.plotting import LatentTraversalDisplay, ReconstructionDisplay

X, y = load_digits(return_X_y=True)
X = X / 16
model = VAE(6, image_shape=(1, 8, 8), likelihood="bernoulli", max_epochs=30, random_state=0).fit(X)
print(active_components(model.encode(X)).sum(), "of 6 components in use")

# %%
# What comes back
# ---------------

first = [np.flatnonzero(y == digit)[0] for digit in range(10)]
ReconstructionDisplay.from_estimator(model, X[first])

# %%
# What each latent does
# ---------------------
# One latent at a time moves away from a three and back, the others stay.

LatentTraversalDisplay.from_estimator(model, X[[first[3]]])

# %%
# Digits that nobody wrote
# ------------------------
# Drawn from the prior and decoded.

drawn = model.sample(60, random_state=0).reshape(5, 12, 8, 8)
_, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
ax.imshow(drawn.transpose(0, 2, 1, 3).reshape(40, 96), cmap="gray_r")
ax.axis("off")

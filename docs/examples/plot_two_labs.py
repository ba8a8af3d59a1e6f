"""
Two labs, one latent space
==========================

Lab A has the digits 0 to 4, lab B the digits 5 to 9. They exchange one small file, and no data
beyond the 64 anchors in it. Where does lab B's model put the digits that lab B never had?
"""

# %%
# Lab A
# -----
# Lab A trains a VAE, distils 64 Rosetta points from its latent space and saves them: the inputs,
# where the model put them, and how the inputs were scaled.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from sklatent import VAE, RosettaPoints, RosettaVAE
from sklatent.metrics import latent_space_distortion
from sklatent.model_selection import retrain, retraining_report
from sklatent.plotting import EmbeddingDisplay, ReconstructionDisplay

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
digits_a, digits_b = X[y < 5], X[y >= 5]
settings = {"n_components": 4, "hidden_layer_sizes": (64, 64), "likelihood": "bernoulli"}

lab_a = VAE(**settings, max_epochs=40, random_state=0).fit(digits_a)
points = RosettaPoints.distill(
    lab_a, digits_a, n_points=64, random_state=0, preprocessing={"center": 0, "scale": 16}
)
file = Path(tempfile.mkdtemp()) / "lab_a.safetensors"
points.save(file)
print(points, f"in {file.stat().st_size / 1000:.0f} kB")

# %%
# Lab B
# -----
# Lab B loads the file and trains a Rosetta VAE. Beside it, for comparison, a plain VAE: both see
# the anchors' inputs as data, but only the Rosetta VAE knows where they belong.

points = RosettaPoints.load(file)
inputs = np.concatenate([digits_b, points.X])
plain = VAE(**settings, max_epochs=40, random_state=1).fit(inputs)
rosetta = RosettaVAE(rosetta_points=points, **settings, max_epochs=40, random_state=1).fit(inputs)

# %%
# The same axes for all: the two principal components of lab A's latents.

projection = PCA(2).fit(lab_a.transform(digits_a))
panels = {
    "lab A, VAE: its own 0 to 4": (lab_a, y < 5),
    "lab B, plain VAE": (plain, y >= 0),
    "lab B, Rosetta VAE": (rosetta, y >= 0),
}
colors = plt.get_cmap("tab10")
figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), sharex=True, sharey=True, layout="constrained")
for ax, (title, (model, rows)) in zip(axes, panels.items(), strict=True):
    display = EmbeddingDisplay.from_estimator(
        model, X[rows], y[rows], anchors=points, projection=projection, ax=ax
    )
    for digit, scatter in zip(np.unique(y[rows]), display.scatters_, strict=True):
        scatter.set_color(colors(digit))
    ax.set(title=title, xlabel="", ylabel="")
    if ax is not axes[-1]:
        ax.get_legend().remove()

# %%
# The digits 0 to 4, which lab B never had, lie where lab A has them, and the new digits found room
# between. In numbers: the squared distance of digits 0 to 4 from where lab A put them, as a share
# of their variance (0 is the same place; 1 is what one point for all of them would have).

there = lab_a.transform(digits_a)
for name, model in {"plain VAE": plain, "Rosetta VAE": rosetta}.items():
    moved = np.mean((model.transform(digits_a) - there) ** 2) / there.var(axis=0).mean()
    mapped = latent_space_distortion(model.transform(digits_a), there) / there.var(axis=0).sum()
    print(f"{name}: {moved:.2f}, and {mapped:.2f} after the best affine map")

# %%
# Reconstructions
# ---------------
# One image of each digit. The anchors teach lab B's decoder a little of the digits it never had.

samples = X[[np.flatnonzero(y == digit)[0] for digit in range(10)]]
figure, axes = plt.subplots(2, 1, figsize=(8, 4.4), layout="constrained")
for ax, (name, model) in zip(
    axes, {"plain VAE": plain, "Rosetta VAE": rosetta}.items(), strict=True
):
    ReconstructionDisplay.from_estimator(model, samples, image_shape=(1, 8, 8), ax=ax)
    ax.set_title(f"lab B, {name}")

# %%
# Again and again
# ---------------
# Trained several times, differing only in the seed, both give the same coordinates: the one starts
# at its data's PCA, the other at the anchors. Only the second's are lab A's. The retraining
# variability is the log volume of each digit's latents over trainings. Latents that shrink make it
# fall as well; its relative form, in units of the latents' own spread, does not reward that.

for name, model in {"plain VAE": plain, "Rosetta VAE": rosetta}.items():
    runs = retrain(model, inputs, n_runs=6, random_state=0)
    print(f"{name}:")
    print(retraining_report(runs, X).iloc[:3, :3].round(2), "\n")

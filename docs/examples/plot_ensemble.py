"""
===========================================
Do models agree more when trained together?
===========================================

Two VAEs trained apart describe the same sprites in coordinates of their own. Two members of a
:class:`~sklatent.VAEEnsemble` are joined while they train: each decoder must reconstruct from the
other's latents, through a linear map that is learned along. We compare both, look at what single
latents do, and ask how alike the members really are.
"""

# %%
# Sprites
# -------
# A heart in six sizes, at 16 by 16 positions: three factors of variation, 16 by 16 pixels.

import matplotlib.pyplot as plt
import numpy as np

from sklatent import VAE, VAEEnsemble
from sklatent.datasets import make_sprites

steps = list(range(0, 32, 2))
X, factors = make_sprites(
    factors={"shape": 2, "orientation": 0, "position_x": steps, "position_y": steps},
    image_size=16,
)
X = X.astype(np.float32)
print(X.shape)

# %%
# Together, and apart
# -------------------
# Six latents for three factors, so that some will stay passive. Any of the members is a fitted
# :class:`~sklatent.VAE`.

parameters = {
    "n_components": 6,
    "hidden_layer_sizes": (64, 64),
    "image_shape": (1, 16, 16),
    "likelihood": "bernoulli",
    "batch_size": 64,
    "learning_rate": 2e-3,
    "max_epochs": 40,
}
apart = [VAE(**parameters, random_state=seed).fit(X) for seed in (0, 1)]
ensemble = VAEEnsemble(**parameters, n_estimators=2, gamma=10, random_state=0).fit(X)
together = ensemble.estimators_

# %%
# What each latent does
# ---------------------
# A row for each value of one latent while the others stay, a column for each latent. A passive
# latent does nothing.

from sklatent.plotting import LatentTraversalDisplay

start = X[[len(X) // 2 + 100]]
fig, axes = plt.subplots(1, 3, figsize=(11, 5), layout="constrained")
for ax, name, model in zip(
    axes, ["single VAE", "first member", "second member"], [apart[0], *together], strict=True
):
    LatentTraversalDisplay.from_estimator(model, start, ax=ax)
    ax.set_title(name)

# %%
# Which latents are in use
# ------------------------
# The polarised regime: far below zero a latent is active, above zero passive. Members of the
# ensemble are pulled to use the same number.

from sklatent.plotting import PolarizedRegimeDisplay

fig, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True, layout="constrained")
PolarizedRegimeDisplay.from_estimator(apart, X, names=["first", "second"], ax=axes[0])
PolarizedRegimeDisplay.from_estimator(together, X, names=["first", "second"], ax=axes[1])
axes[0].set_title("apart")
axes[1].set_title("together")

# %%
# The maps between them
# ---------------------
# The ensemble has learned how to translate. The paper measures how far its maps are from signed
# permutations (DtO; smaller is nearer). Beware: a map that is zero scores 1/n = 0.17, and passive
# latents, which are noise that no map can predict, push it there.

from sklatent.metrics import distance_to_signed_permutation

print(
    "maps:",
    [
        round(distance_to_signed_permutation(ensemble.linear_maps_[i, j]), 3)
        for i, j in [(0, 1), (1, 0)]
    ],
)
print("nothing but zeros:", round(distance_to_signed_permutation(np.zeros((6, 6))), 3))

# %%
# What nothing can fake
# ---------------------
# Take the latents that are active and give each unit variance. How much of one model's latents does
# the best linear map from the other explain (R2)? And how far is that map from a signed
# permutation, beside a map of zeros (the floor) and rotations drawn at random?

from sklatent.metrics import signed_permutation_report

for name, models in [("apart", apart), ("together", together)]:
    report = signed_permutation_report(*(model.transform(X) for model in models))
    print(
        f"{name}: R2 {report.r2:.3f}, distance {report.distance:.3f} "
        f"(zeros {report.floor:.3f}, random rotations {report.rotated:.3f})"
    )

# %%
# Trained together, the members translate into each other by a linear map nearly without loss. That
# their axes are the same one by one is a stronger claim, and needs a distance well below both
# yardsticks; the user guide says when to expect it.

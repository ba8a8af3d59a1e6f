"""
Choosing n_components, beta and rho
===================================

Three searches, each trained as a few stacked modules, drawn with intervals over the folds.
"""

# %%
# How many components
# -------------------
# By the evidence lower bound on rows held out, in nats.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sklatent import VAE, RosettaPoints, RosettaVAE
from sklatent.metrics import make_rosetta_scorer
from sklatent.model_selection import FusedGridSearchCV
from sklatent.plotting import SearchDisplay

X, y = load_digits(return_X_y=True)
X = X / 16
settings = {"hidden_layer_sizes": (32,), "max_epochs": 15, "random_state": 0}
search = FusedGridSearchCV(VAE(**settings), {"n_components": [1, 2, 4, 8, 16]}, cv=3).fit(X)
SearchDisplay.from_estimator(search)

# %%
# Components and beta
# -------------------
# The bound prefers beta near 1, whatever the number of components; a larger beta has to be wanted
# for another reason.

grid = {"beta": [0.5, 1, 2, 4], "n_components": [4, 8]}
search = FusedGridSearchCV(VAE(**settings), grid, cv=3).fit(X)
SearchDisplay.from_estimator(search, parameters=("beta", "n_components"))
print(search.n_stacked_fits_, "fits in stacks,", f"{search.stacked_fit_time_:.1f} s")

# %%
# How firmly to hold to the anchors
# ---------------------------------
# Lab B has digits 5 to 9 and 64 anchors of lab A's digits 0 to 4. The scorer takes the anchors'
# error, both ways, off the held-out bound.

lab_a = VAE(4, **settings).fit(X[y < 5])
points = RosettaPoints.distill(lab_a, X[y < 5], n_points=64, random_state=0)
search = FusedGridSearchCV(
    RosettaVAE(4, rosetta_points=points, **settings),
    {"rho": [0.01, 0.1, 1, 10, 100]},
    scoring=make_rosetta_scorer(points),
    cv=3,
).fit(X[y >= 5])
display = SearchDisplay.from_estimator(search)
display.ax_.set_xscale("log")
print(search.best_params_)
plt.show()

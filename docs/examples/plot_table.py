"""
A table, embedded and read
==========================

Thirteen chemical measurements of 178 wines, in two coordinates: where the growers lie, which
measurements each axis goes with, and what a wine in between would be.
"""

# %%
# Embed
# -----
# Units differ, so the table is scaled first. The model never sees a grower's name.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import VAE
from sklatent.plotting import EmbeddingDisplay

wine = load_wine(as_frame=True)
table = wine.data
model = make_pipeline(StandardScaler(), VAE(2, random_state=0)).set_output(transform="pandas")
Z = model.fit_transform(table)
EmbeddingDisplay.from_estimator(model, table, wine.target_names[wine.target])

# %%
# Read the axes
# -------------
# How each measurement goes with each coordinate: its correlation.

correlations = pd.DataFrame({name: table.corrwith(Z[name]) for name in Z})
correlations = correlations.sort_values("vae0")
ax = correlations.plot.barh(figsize=(7, 4.5), width=0.8)
ax.set_xlabel("correlation with the coordinate")
ax.figure.set_layout_engine("constrained")

# %%
# From one grower to another
# --------------------------
# A straight line between the middles of two groups, decoded at each step: which measurements
# change, in deviations of the table's column.

middles = Z.groupby(wine.target_names[wine.target]).mean()
steps = np.linspace(0, 1, 9)[:, None]
start, end = middles.loc["class_0"].to_numpy(), middles.loc["class_2"].to_numpy()
line = pd.DataFrame((1 - steps) * start + steps * end, columns=Z.columns)
decoded = pd.DataFrame(model.inverse_transform(line), columns=table.columns)
scaled = (decoded - table.mean()) / table.std()
changing = (scaled.iloc[-1] - scaled.iloc[0]).abs().nlargest(5).index
_, ax = plt.subplots(layout="constrained")
ax.plot(steps[:, 0], scaled[changing], marker="o", label=changing)
ax.set(xlabel="from class_0 to class_2", ylabel="deviations from the mean")
ax.legend()

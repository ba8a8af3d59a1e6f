"""
=========================================
A latent space that knows transformations
=========================================

A :class:`~sklatent.TransformVAE` sees each image together with two views of it, turned one way and
the other, and learns turning as something that can be done to its latents. Here it learns from
scikit-learn's digits. We then take the transformation from one digit and apply it to others, look
at what lies between two opposite views, and let the embedding classify turned digits from few
labels, beside a VAE and a VAE trained on turned digits.
"""

# %%
# Training
# --------
# Views are drawn anew for each batch. Digits are turned in pairs, and each is moved by what is
# inferred from the other, so that a transformation comes to mean the same for all. The VAE's
# augmentation is the same transformation.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklatent import VAE, TransformVAE
from sklatent.transformations import RandomRotation

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)

rotation = RandomRotation(45)
common = {
    "image_shape": (1, 8, 8),
    "likelihood": "bernoulli",
    "hidden_layer_sizes": (128,),
    "learning_rate": 2e-3,
    "max_epochs": 40,
    "random_state": 0,
}
model = TransformVAE(
    8,
    transformation=rotation,
    rows_per_transformation=2,
    latent_layer_sizes=(128,),
    **common,
).fit(X_train)
plain = VAE(8, **common).fit(X_train)
augmented = VAE(8, augmentation=rotation, **common).fit(X_train)

# %%
# Is it in T?
# -----------
# The latent transformation is inferred from two views alone. A straight line from T to the true
# angle, fitted on one half of the test digits, predicts the angles of the other half.

from sklearn.linear_model import Ridge

forward, inverse, drawn = rotation.sample(
    X_test, random_state=1, image_shape=(1, 8, 8), return_parameters=True
)
T = model.infer_transformation(forward, inverse).reshape(len(X_test), -1)
half = len(T) // 2
line = Ridge(0.1).fit(T[:half], drawn["rotation"][:half])
r = np.corrcoef(line.predict(T[half:]), drawn["rotation"][half:])[0, 1]
print(f"correlation with the true angle: {r:.2f}")

# %%
# Turning other digits
# --------------------
# The first column is a digit and its two views; from them comes T. The other columns are other
# digits, encoded, moved by T or by its inverse, and decoded.

from sklatent.plotting import TransformationDisplay

TransformationDisplay.from_estimator(model, X_test[:12], random_state=8)

# %%
# Between two views
# -----------------
# In the middle between the latents of two opposite views should lie the digit itself, and not a
# blend of the two.

TransformationDisplay.from_estimator(
    model,
    X_test[:12],
    kind="interpolation",
    compare={"VAE": plain, "VAE on turned digits": augmented},
    random_state=5,
)

# %%
# Few labels
# ----------
# Encoders never see a label. A nearest neighbour in their space has only some labelled digits,
# turned like those that it is asked about.

import matplotlib.pyplot as plt
from sklearn.neighbors import KNeighborsClassifier

turned_train, _ = rotation.sample(X_train, random_state=7, image_shape=(1, 8, 8))
turned_test, _ = rotation.sample(X_test, random_state=8, image_shape=(1, 8, 8))
n_labels = [20, 50, 100, 200, 500]
rng = np.random.RandomState(0)
subsets = [[rng.permutation(len(y_train))[:n] for _ in range(10)] for n in n_labels]

_, ax = plt.subplots(layout="constrained")
models = {"TransformVAE": model, "VAE on turned digits": augmented, "VAE": plain}
for name, encoder in models.items():
    Z_train, Z_test = encoder.transform(turned_train), encoder.transform(turned_test)
    accuracy = [
        np.mean(
            [
                KNeighborsClassifier(1).fit(Z_train[rows], y_train[rows]).score(Z_test, y_test)
                for rows in draws
            ]
        )
        for draws in subsets
    ]
    ax.plot(n_labels, accuracy, marker="o", label=name)
ax.set(xscale="log", xlabel="labelled digits", ylabel="accuracy on turned digits")
ax.set_xticks(n_labels, n_labels)
ax.minorticks_off()
ax.legend()

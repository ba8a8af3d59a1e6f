"""The transformation-aware VAE under both starts, with and without a divergence of its views."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.spaces._starts import STARTS, reported, rows_of
from sklatent import (
    VAE,
    TransformVAE,
)
from sklatent.transformations import RandomAffine

SHAPE = (1, 8, 8)
VIEWS = RandomAffine(rotation=20, shear=0.2, scale=(0.7, 1.3), translation=1)
AFFINE = RandomAffine(rotation=20, shear=0.2, scale=(0.8, 1.2), translation=1)


def views(report, quick):
    """The transformation-aware VAE, with and without a divergence of its views' posteriors."""
    n_seeds, epochs = (1, 1) if quick else (3, 40)
    results = {}
    for start, parameters in STARTS.items():
        for seed in range(n_seeds):
            X, y = load_digits(return_X_y=True)
            train, test, y_train, y_test = train_test_split(
                X / 16, y, test_size=0.4, random_state=seed
            )
            seen = AFFINE.sample(np.tile(train, (3, 1)), 10, SHAPE)[0]
            asked = AFFINE.sample(test, 11, SHAPE)[0]
            shared = {
                "n_components": 8,
                "image_shape": SHAPE,
                "likelihood": "bernoulli",
                "max_epochs": epochs,
                "hidden_layer_sizes": (128, 128),
                "random_state": seed,
                **parameters,
            }
            aware = {**shared, "transformation": VIEWS, "latent_layer_sizes": (128,)}
            for name, model in {
                "VAE+": VAE(**shared, augmentation=VIEWS),
                "T-VAE, weight 0 (as printed)": TransformVAE(**aware, view_divergence_weight=0.0),
                "T-VAE, weight 1": TransformVAE(**aware),
            }.items():
                model.fit(train)
                posterior, Z = model.encode(asked), model.transform(seen)
                spectrum = np.linalg.eigvalsh(np.cov(Z.T))
                whiten = PCA(whiten=True).fit(Z)
                labels = np.tile(y_train, 3)
                spaces = [(Z, posterior.mean)]
                spaces.append(tuple(whiten.transform(space) for space in spaces[0]))
                results.setdefault((name, start), []).append(
                    [
                        np.sqrt(posterior.variance).mean(),
                        posterior.kl_per_component().sum(axis=1).mean(),
                        spectrum.sum() ** 2 / (spectrum**2).sum(),
                        *(
                            100 * KNeighborsClassifier(5).fit(a, labels).score(b, y_test)
                            for a, b in spaces
                        ),
                        model.score(asked),
                        model.score(test),
                    ]
                )
    report.text(
        f"## A divergence of the views' posteriors\n\nDigits, 8 components, Bernoulli, {epochs} "
        f"epochs, {n_seeds} splits. All but the last column are of digits under affine maps, "
        "which look like views: the posterior's mean deviation, its divergence from the prior in "
        "nats, the effective dimension of the means (the participation ratio of their spectrum), "
        "percent of rows whose five neighbours among the training rows say their label, in "
        "coordinates as they are and whitened, and the bound in nats. VAE+ is trained on views."
    )
    columns = ["model", "start", "deviation", "divergence", "effective dimension"]
    columns += ["neighbours", "neighbours, whitened", "bound, affine", "bound, digits"]
    report.table(columns, rows_of(results))


def main():
    """Write the report."""
    reported(__doc__, views)


if __name__ == "__main__":
    main()

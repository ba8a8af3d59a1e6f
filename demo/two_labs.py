"""Two labs, one latent space.

Lab A has the digits 0 to 4, lab B the digits 5 to 9, and they share neither data nor models. Lab A
trains a VAE, distils 64 Rosetta points from it and saves them to one file. Lab B has only that file
and its own digits: it trains a Rosetta VAE, and beside it a plain VAE and a beta-VAE. How near does
each come to lab A's space, and to that of a joint model trained on all ten digits?

And the same with a table: halves of scikit-learn's breast cancer data, in a Pipeline with a scaler.
Lab B's frame has its columns in another order; names and scales travel in lab A's file.

Pictures and a table are left in this folder. Run by ``make demo``.
"""

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklatent import VAE, RosettaPoints, RosettaVAE
from sklatent.datasets import load_npz
from sklatent.metrics import latent_space_distortion, retraining_variability
from sklatent.model_selection import retrain
from sklatent.plotting import EmbeddingDisplay, ReconstructionDisplay

HERE = Path(__file__).resolve().parent
SEED = 0
N_POINTS = 64
N_RUNS = 10  # more than components, or the volume of their scatter would be zero
SETTINGS = {"n_components": 8, "hidden_layer_sizes": (128, 128), "likelihood": "bernoulli"}
RHO = 1.0
BETA = 2.0
N_MNIST = 10_000
START = time.perf_counter()


def say(text):
    """Print a line, with the seconds since the start."""
    print(f"[{time.perf_counter() - START:5.0f} s] {text}", flush=True)


def load_images():
    """MNIST where it is found, otherwise scikit-learn's digits: rows in [0, 1]."""
    named = os.environ.get("SKLATENT_DATA")
    folder = Path(named) if named else HERE.parents[1] / "shared" / "data"
    file = folder / "mnist.npz"
    if file.is_file():
        data = load_npz(file)
        X, y = data.data[:N_MNIST].astype(np.float32) / 255, data.target[:N_MNIST]
        return X, y.astype(int), (1, 28, 28), f"MNIST, the first {len(X)} images of {file.name}", 20
    X, y = load_digits(return_X_y=True)
    where = f"no mnist.npz in {'$SKLATENT_DATA' if named else '../shared/data'}"
    return (X / 16).astype(np.float32), y, (1, 8, 8), f"scikit-learn's 8x8 digits ({where})", 60


def lab_a(X, file, settings):
    """Train, distil, and publish one file."""
    model = VAE(**settings, verbose=1, random_state=SEED).fit(X)
    points = RosettaPoints.distill(model, X, N_POINTS, random_state=SEED)
    points.save(file)
    return model


def lab_b(X, file, settings):
    """Train three models on lab B's digits and lab A's file, each several times.

    All three see the anchors' inputs as data, as in the paper. Only the Rosetta VAE knows where
    they belong.
    """
    points = RosettaPoints.load(file)
    say(f"lab B loads {points}, {file.stat().st_size / 1000:.0f} kB, and nothing else")
    X = np.concatenate([X, points.X])
    models = {
        "VAE": VAE(**settings),
        "beta-VAE": VAE(beta=BETA, **settings),
        "R-VAE": RosettaVAE(rosetta_points=points, rho=RHO, **settings),
    }
    runs = {}
    for name, model in models.items():
        say(f"lab B trains {N_RUNS} runs of its {name}")
        runs[name] = retrain(model.set_params(verbose=1), X, n_runs=N_RUNS, random_state=SEED)
    return runs


def two_tables(file, n_epochs):
    """Both labs on halves of a table: latents of lab B's rows by lab A, and by lab B's models."""
    X, kinds = load_breast_cancer(return_X_y=True, as_frame=True)
    of_a = np.random.RandomState(SEED).permutation(len(X)) < len(X) // 2
    A, B = X[of_a], X[~of_a]
    settings = {"n_components": 2, "hidden_layer_sizes": (64,), "max_epochs": n_epochs}
    scaler = StandardScaler().set_output(transform="pandas")
    first = make_pipeline(scaler, VAE(**settings, random_state=SEED)).fit(A)
    RosettaPoints.distill(first, A, N_POINTS, random_state=SEED).save(file)

    points = RosettaPoints.load(file)  # from here on lab B alone, its columns in another order
    theirs = B[B.columns[::-1]]
    lab_b = {
        "VAE, own scaler": make_pipeline(StandardScaler(), VAE(**settings, random_state=SEED + 1)),
        "R-VAE, lab A's file": make_pipeline(
            FunctionTransformer(points.preprocess),
            RosettaVAE(rosetta_points=points, **settings, random_state=SEED + 1),
        ),
    }
    latents = {"lab A": first.transform(B)}
    for name, pipeline in lab_b.items():
        latents[f"lab B: {name}"] = pipeline.fit(theirs).transform(theirs)
    return latents, kinds[~of_a].to_numpy()


def draw_tables(latents, kinds):
    """Lab B's rows where each model has them, on the same axes."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(latents), figsize=(4 * len(latents), 4), sharex=True, sharey=True,
        layout="constrained",
    )  # fmt: skip
    for ax, (name, Z) in zip(axes, latents.items(), strict=True):
        for kind, label in enumerate(("malignant", "benign")):
            ax.scatter(*Z[kinds == kind].T, s=8, label=label)
        agreement = r2_score(latents["lab A"], Z)
        ax.set_title(name if name == "lab A" else f"{name}\nR² with lab A {agreement:.3f}")
    axes[-1].legend()
    figure.supxlabel("first latent of lab B's tumours")
    figure.supylabel("second")
    figure.savefig(HERE / "table.png", dpi=110)
    plt.close(figure)


def measure(runs, first, joint, X, in_first):
    """One row for each of lab B's models."""
    target, published = joint.transform(X), first.transform(X[in_first])
    rows = {}
    for name, models in runs.items():
        latents = np.stack([model.transform(X) for model in models])
        distortions = np.array([distort(Z, target, in_first) for Z in latents])
        unmapped = [np.mean((Z[in_first] - published) ** 2) for Z in latents]
        rows[name] = {
            "LSD on D1": np.median(distortions[:, 0]),
            "LSD on D2": np.median(distortions[:, 1]),
            "RV": retraining_variability(latents),
            "relative RV": retraining_variability(latents, relative=True),
            "D1 from lab A's": np.median(unmapped) / published.var(axis=0).mean(),
            "ELBO on D2": np.median([model.score(X[~in_first]) for model in models]),
        }
    table = pd.DataFrame(rows).T
    for column in ("LSD on D1", "LSD on D2", "RV", "relative RV"):
        table.insert(
            table.columns.get_loc(column) + 1,
            f"{column} - VAE",
            table[column] - table.loc["VAE", column],
        )
    return table


def distort(Z, target, in_first):
    """Latent space distortion on D1 and on D2, under one affine map for both."""
    _, A, b = latent_space_distortion(Z, target, return_map=True)
    squared = ((Z @ A.T + b - target) ** 2).sum(axis=1)
    return squared[in_first].mean(), squared[~in_first].mean()


def draw(runs, first, joint, X, y, in_first, file, image_shape):
    """Embeddings side by side on the same axes, and a grid of reconstructions."""
    import matplotlib.pyplot as plt

    points = RosettaPoints.load(file)
    projection = PCA(2).fit(first.transform(X[in_first]))
    panels = {
        "lab A: VAE on 0-4": (first, in_first),
        "lab B: VAE on 5-9": (runs["VAE"][0], slice(None)),
        "lab B: beta-VAE on 5-9": (runs["beta-VAE"][0], slice(None)),
        "lab B: R-VAE on 5-9": (runs["R-VAE"][0], slice(None)),
        "joint VAE on 0-9": (joint, slice(None)),
    }
    some = np.random.RandomState(SEED).permutation(len(X))[:2500]
    colors = plt.get_cmap("tab10")
    figure, axes = plt.subplots(
        1, len(panels), figsize=(4 * len(panels), 4.3), sharex=True, sharey=True,
        layout="constrained",
    )  # fmt: skip
    for ax, (title, (model, _)) in zip(axes, panels.items(), strict=True):
        shown = some[in_first[some]] if model is first else some
        display = EmbeddingDisplay.from_estimator(
            model, X[shown], y[shown], anchors=points, projection=projection, ax=ax,
            scatter_kwargs={"s": 6},
        )  # fmt: skip
        for label, scatter in zip(np.unique(y[shown]), display.scatters_, strict=True):
            scatter.set_color(colors(label))
        ax.set(title=title, xlabel="", ylabel="")
        legend = ax.get_legend()
        if ax is not axes[-1]:
            legend.remove()
    figure.supxlabel("first principal component of lab A's latents; crosses: anchors", fontsize=10)
    figure.supylabel("second")
    figure.savefig(HERE / "embeddings.png", dpi=110)
    plt.close(figure)

    samples = np.concatenate([np.flatnonzero(y == digit)[:1] for digit in range(10)])
    shown = {"lab B: VAE": runs["VAE"][0], "lab B: R-VAE": runs["R-VAE"][0], "joint VAE": joint}
    figure, axes = plt.subplots(len(shown), 1, figsize=(8, 2.1 * len(shown)), layout="constrained")
    for ax, (title, model) in zip(axes, shown.items(), strict=True):
        ReconstructionDisplay.from_estimator(model, X[samples], image_shape=image_shape, ax=ax)
        ax.set_title(title, fontsize=10)
    figure.savefig(HERE / "reconstructions.png", dpi=110)
    plt.close(figure)


def main():
    """Run both labs, measure, draw."""
    X, y, image_shape, origin, max_epochs = load_images()
    say(f"data: {origin}")
    in_first = y < 5
    settings = {**SETTINGS, "max_epochs": max_epochs}
    file = HERE / "lab_a.safetensors"
    say(f"lab A trains a VAE on {in_first.sum()} digits 0-4 and saves {N_POINTS} anchors")
    first = lab_a(X[in_first], file, settings)
    runs = lab_b(X[~in_first], file, settings)
    say("the reference: a joint VAE on all digits")
    joint = VAE(**settings, verbose=1, random_state=SEED).fit(X)

    table = measure(runs, first, joint, X, in_first)
    text = table.to_string(float_format="{:.3f}".format)
    notes = (
        f"Data: {origin}. {N_RUNS} trainings of each of lab B's models, {SETTINGS['n_components']} "
        f"components, rho {RHO:g}, beta {BETA:g}.\n"
        "LSD: mean squared distance to the joint model's latents after the best affine map, median "
        "over trainings.\n"
        "RV: mean log volume of each digit's latents over trainings; relative RV: in units of the "
        "latents' own spread.\n"
        "D1 from lab A's: squared distance of digits 0-4, which lab B never saw, from where lab A "
        "put them, without any\n"
        "map, as a fraction of their variance. Smaller is better in all of these; a greater ELBO "
        "(nats) is better.\n"
    )
    say("the same with a table of tumours, lab B's columns in another order")
    latents, kinds = two_tables(HERE / "lab_a_table.safetensors", max_epochs)
    draw_tables(latents, kinds)
    there = latents.pop("lab A")
    of_table = ", ".join(f"{name} {r2_score(there, Z):.3f}" for name, Z in latents.items())
    notes += f"The table, R^2 of lab B's latents with lab A's on lab B's rows: {of_table}.\n"
    print(f"\n{text}\n\n{notes}", flush=True)
    (HERE / "two_labs.md").write_text(
        f"# Two labs, one latent space\n\n```\n{text}\n```\n\n{notes}"
    )
    say("drawing")
    draw(runs, first, joint, X, y, in_first, file, image_shape)
    pictures = ("embeddings.png", "reconstructions.png", "table.png")
    for name in ("two_labs.md", *pictures, file.name, "lab_a_table.safetensors"):
        say(f"wrote demo/{name}")


if __name__ == "__main__":
    main()

"""Views without an inverse (section 4 of the paper): superpixels."""

import numpy as np
import torch

from benchmarks._common import over_seeds, paired, remark
from benchmarks.papers.transform.measures import accuracy, trained
from benchmarks.papers.transform.settings import OURS, SHAPE, SUPERPIXELS, images
from benchmarks.papers.transform.superpixels import Superpixels

MODELS = ("VAE", "VAE+", "T-VAE")
GROUPS = ("", OURS)  # from random starts, and from PCA
WHERE = {
    "clean": "clean digits",
    "superpixels": "superpixels",
    "transfer": "superpixels, neighbours among clean digits",
}


def drawn(X, seed):
    """Draw one view of each row."""
    generator = torch.Generator().manual_seed(seed)
    parts = torch.from_numpy(X).split(100)
    views = [Superpixels().sample(part, generator, image_shape=SHAPE)[0] for part in parts]
    return torch.cat(views).numpy()


def accuracies(encode, scale):
    """Percent of test digits whose neighbours say their label, clean and in superpixels."""
    digits = images("MNIST")
    train, test = digits.data[: scale.neighbours], digits.data_test[: scale.queries]
    y_train, y_test = digits.target[: scale.neighbours], digits.target_test[: scale.queries]
    Z_train, Z_test = encode(train), encode(test)
    S_train, S_test = encode(drawn(train, 1)), encode(drawn(test, 2))
    return {
        "clean": accuracy(Z_train, y_train, Z_test, y_test),
        "superpixels": accuracy(S_train, y_train, S_test, y_test),
        "transfer": accuracy(Z_train, y_train, S_test, y_test),
    }


def share_of_the_way(model, X):
    """How far T takes digits to their views: 0 is unmoved, 1 the views encoded and decoded."""
    views = [drawn(X, seed) for seed in (3, 4)]
    still = model.inverse_transform(model.transform(X))
    unmoved, moved, floor = 0.0, 0.0, 0.0
    for view, T in zip(views, model.infer_transformation(views), strict=True):
        unmoved += np.mean((still - view) ** 2)
        moved += np.mean((model.apply_transformation(X, T) - view) ** 2)
        floor += np.mean((model.inverse_transform(model.transform(view)) - view) ** 2)
    return float((unmoved - moved) / (unmoved - floor))


def evaluate(name, seed, scale):
    """Train one model on MNIST, 10 components, and see what its latents are good for."""
    model = trained("MNIST", name + SUPERPIXELS, 10, seed, scale)
    test = images("MNIST").data_test
    nats = -model.log_likelihood(test[: scale.likelihood_rows], scale.importance_samples).mean()
    result = accuracies(model.transform, scale) | {"nats": float(nats)}
    if name.startswith("T-VAE"):
        result["share"] = share_of_the_way(model, test[: scale.queries])
    return result


def lead(by_model, what, rival, ending=""):
    """By how many points T-VAE is ahead, paired by seed."""
    names = ("T-VAE" + ending, rival + ending)
    return paired(*([result[what] for result in by_model[name]] for name in names))


def report_superpixels(report, by_model, scale):
    """Report neighbours on clean digits and on superpixels."""
    views = Superpixels()
    report.text(
        "## Views without an inverse: superpixels, MNIST, 10 components (percent right)\n\n"
        f"A view: {views.n_across**2} superpixels by {views.n_steps} steps of k-means on place and "
        f"intensity (compactness {views.compactness:g}), from centres drawn in a grid's cells, "
        "each pixel at its superpixel's mean; the paper says of its own no more than the name. "
        "These were chosen by the look of eight digits. T-VAE has two views (`n_views=2`), VAE+ "
        "one in place of the row. Rows, epochs and networks as in table 1 above, from random "
        "starts and with our defaults. "
        f"Neighbours among {scale.neighbours} training digits: clean for clean ones, superpixels "
        "for superpixels, and clean for superpixels. *T*: how far T takes a digit to its own view, "
        "from encoded and decoded where it is (0) to the view encoded and decoded (1)."
    )
    rows = []
    for model, results in by_model.items():
        cells = [f"{over_seeds([r[what] for r in results]):.1f}" for what in (*WHERE, "nats")]
        shares = [result["share"] for result in results if "share" in result]
        rows.append([model, *cells, f"{over_seeds(shares):.2f}" if shares else ""])
    pixels = accuracies(np.asarray, scale)
    rows.append(["pixels themselves", *(f"{pixels[what]:.1f}" for what in WHERE), "", ""])
    report.table(["model", *WHERE.values(), "nats", "T"], rows)
    report.text("T-VAE: its lead in points, paired by seed.")
    report.table(
        ["model", "over", *WHERE.values()],
        [
            [
                "T-VAE" + ending,
                rival + ending,
                *(f"{lead(by_model, what, rival, ending):.1f}" for what in WHERE),
            ]
            for ending in GROUPS
            for rival in MODELS[:2]
        ],
    )


def remarks_on_superpixels(by_model):
    """What views without an inverse bring."""
    for ending in GROUPS:
        for what, where in WHERE.items():
            for rival in MODELS[:2]:
                points = lead(by_model, what, rival, ending)
                words = f"Trained on superpixels, T-VAE{ending} is {{}} {rival}{ending} on {where}"
                yield remark(points.above(), f"{words.format('ahead of')}: {points:.1f}.")
                yield remark(points.below(), f"{words.format('behind')}: {points:.1f}.")
                yield remark(points.holds(), f"{words.format('not told from')}: {points:.1f}.")
        share = over_seeds([result["share"] for result in by_model["T-VAE" + ending]])
        words = f"Trained on superpixels, T{ending} takes a digit towards its own view: {share:.2f}"
        yield remark(share.above(), f"{words} of the way.")
        yield remark(
            share.not_above(),
            f"Trained on superpixels, T{ending} is not shown to take a digit towards its own view: "
            f"{share:.2f} of the way.",
        )

"""Figure 4, measured: half-way between the latents of two opposite views lies the row itself.

The midpoint of the views' latents is decoded and held against the row. What a model loses in
decoding at all, its reconstruction of the row, is told beside it; the views' mean image is the
null.
"""

import numpy as np

from benchmarks._common import over_seeds, paired, remark
from benchmarks.papers.transform.settings import OURS, SHAPE, VIEWS, images
from sklatent.transformations import RandomRotation

PAIRS = {"affine maps": VIEWS, "rotations": RandomRotation(20)}  # those of training, and some
MODELS = ("VAE", "VAE+", "T-VAE")
GROUPS = ("", OURS)


def squared_error(found, true):
    """Mean squared error per pixel, in thousandths."""
    return 1000 * float(np.mean((np.asarray(found, dtype=float) - true) ** 2))


def midpoint_errors(model, dataset, scale):
    """Errors of decoded midpoints, of decoded rows, and of the views' mean images."""
    X = images(dataset).data_test[: scale.queries]
    decoded = squared_error(model.inverse_transform(model.transform(X)), X)
    result = {}
    for name, pairs in PAIRS.items():
        views = pairs.sample(X, 1, image_shape=SHAPE)
        middle = sum(model.transform(view) for view in views) / 2
        result[name] = {
            "midpoint": squared_error(model.inverse_transform(middle), X),
            "decoded": decoded,
            "pixels": squared_error(sum(views) / 2, X),
        }
    return result


def measured(by_key, n_components=10):
    """Pick each model's midpoints on MNIST, by seed; parts of before their time lack them."""
    found = {
        model: [result["midpoints"] for result in results if "midpoints" in result]
        for (dataset, model, d), results in by_key.items()
        if (dataset, d) == ("MNIST", n_components)
    }
    whole = all(found.values()) and all(model in found for model in MODELS)
    return found if whole else {}


def added(results, pairs):
    """By how much a midpoint's error is above that of the row encoded and decoded."""
    return [result[pairs]["midpoint"] - result[pairs]["decoded"] for result in results]


def whole_groups(by_model):
    """Say in which ways of training all three models are there."""
    return [group for group in GROUPS if all(model + group in by_model for model in MODELS)]


def leads(by_model, pairs, ending=""):
    """By how much T-VAE's error is smaller, paired by seed: of midpoints, and of what they add."""
    ours = by_model["T-VAE" + ending]
    return {
        rival: (
            paired(
                *([r[pairs]["midpoint"] for r in by] for by in (by_model[rival + ending], ours))
            ),
            paired(added(by_model[rival + ending], pairs), added(ours, pairs)),
        )
        for rival in MODELS[:2]
    }


def report_midpoints(report, by_network):
    """Report the midpoints of several networks, each a dict of models' results by seed."""
    pairs_of = ", ".join(f"{name} (`{pairs}`)" for name, pairs in PAIRS.items())
    report.text(
        "## Figure 4, measured: decoded midpoints of opposite views, MNIST, 10 components\n\n"
        f"Pairs of views, a map and its inverse: {pairs_of}. The true image half-way is the test "
        "digit itself. Errors are mean squares per pixel, in thousandths. *Midpoint*: the mean of "
        "the views' latents, decoded. *Row*: the digit encoded and decoded, which no midpoint is "
        "asked to beat. *Adds*: the one less the other. *Pixels*: the mean of the two images."
    )
    rows = []
    for network, by_model in by_network.items():
        for model, results in by_model.items():
            for pairs in PAIRS:
                cells = [
                    over_seeds([r[pairs][what] for r in results])
                    for what in ("midpoint", "decoded")
                ]
                cells.append(over_seeds(added(results, pairs)))
                pixels = f"{results[0][pairs]['pixels']:.1f}"
                rows.append([network, model, pairs, *(f"{c:.1f}" for c in cells), pixels])
    report.table(["network", "model", "pairs", "midpoint", "row", "adds", "pixels"], rows)
    report.text("T-VAE: by how much its error is smaller, paired by seed.")
    rows = []
    for network, by_model in by_network.items():
        for ending in whole_groups(by_model):
            for pairs in PAIRS:
                found = leads(by_model, pairs, ending)
                cells = [f"{found[rival][i]:.1f}" for i in range(2) for rival in MODELS[:2]]
                rows.append([network, "T-VAE" + ending, pairs, *cells])
    what = [f"{what}, than {m}" for what in ("midpoint", "adds") for m in MODELS[:2]]
    report.table(["network", "model", "pairs", *what], rows)


def remarks_on_midpoints(by_network):
    """Whether T-VAE's midpoints are nearer to the row than others', and than mean images."""
    for network, by_model in by_network.items():
        for ending in whole_groups(by_model):
            for pairs in PAIRS:
                where = f"Midpoints, {network}, {pairs}: T-VAE{ending}"
                for rival, told in leads(by_model, pairs, ending).items():
                    for lead, what in zip(told, ("error", "added error"), strict=True):
                        words = f"{where} has {{}} {what} than {rival}{ending}, by {lead:.1f}."
                        yield remark(lead.above(), words.format("less"))
                        yield remark(lead.below(), words.format("more"))
                        yield remark(
                            lead.holds(),
                            f"{where} and {rival}{ending} are not told apart in {what}: "
                            f"{lead:.1f}.",
                        )
                ours = by_model["T-VAE" + ending]
                beside = paired(
                    *([r[pairs][what] for r in ours] for what in ("pixels", "midpoint"))
                )
                yield remark(beside.above(), f"{where} beats the mean image by {beside:.1f}.")
                yield remark(beside.below(), f"{where} is behind the mean image by {beside:.1f}.")

"""Figures 2, 4 and 5: where the same rows lie in each model's latent space."""

import numpy as np
from sklearn.linear_model import LinearRegression

from benchmarks.papers.rosetta.study import MODELS


def draw_figures(report, study, first, second):
    """Draw the first repeat, on the first two principal axes of the space to be matched.

    The paper projects by UMAP, which turns and folds each picture anew; one linear projection for
    all pictures of a row shows whether the spaces are the same.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    again, sequence = (
        {name: np.array(Z) for name, Z in found[0]["shown"].items()} for found in (first, second)
    )
    joint, in_first = sequence.pop("joint model"), sequence.pop("in_first").astype(bool)
    mapped = {name: LinearRegression().fit(Z, joint).predict(Z) for name, Z in sequence.items()}
    angle = np.arctan2(*centred(again["template"])[:, :2].T)
    rows = (
        ("figure 2: retrained", again.pop("template"), again, angle, "hsv"),
        ("figure 4: lab B, mapped", joint, mapped, in_first, "coolwarm"),
        ("figure 5: lab B, as it is", joint, sequence, in_first, "coolwarm"),
    )
    figure, axes = plt.subplots(
        3, 4, figsize=(10, 7.5), layout="constrained", sharex="row", sharey="row"
    )
    for row, (title, target, spaces, colours, scheme) in zip(axes, rows, strict=True):
        axis = np.linalg.svd(target - target.mean(axis=0), full_matrices=False)[2][:2]
        shown = {"target": target, **{name: spaces[name] for name in MODELS}}
        for ax, (name, Z) in zip(row, shown.items(), strict=True):
            ax.scatter(*((Z - target.mean(axis=0)) @ axis.T).T, c=colours, s=4, cmap=scheme)
            ax.set(title=name, xticks=[], yticks=[])
        row[0].set_ylabel(title)
    path = report.out.with_name(f"{report.out.stem}_{study.name.split()[-1].lower()}.png")
    report.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=70)
    plt.close(figure)
    report.text(
        "### Figures 2, 4 and 5\n\nThe first repeat's held-out rows in the first training of each "
        "model, all on the first two principal axes of the target (template; joint model). Colours "
        "are of the place in the template above, and of D1 and D2 below.\n\n"
        f"![latent spaces of {study.name}]({path.name})"
    )


def centred(Z):
    """Latents about their mean."""
    return Z - Z.mean(axis=0)

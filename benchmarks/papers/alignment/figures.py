"""Figures 3 and 4: clothes encoded by one architecture and decoded by the other."""

import numpy as np

from benchmarks.papers.alignment.study import KINDS, fit

N_IMAGES = 8


def transferred(width, anchors, source, target):
    """Decoded test images by name: the source's own, behind each aligner, and by relative codes."""
    a, b = source.pairs(width)[0]
    own, code = source.model(width, a), source.latents(width, a, "test")[:N_IMAGES]
    found = {"itself": own.inverse_transform(code)}
    for name, kind in KINDS.items():
        pair = source.latents(width, a)[anchors], target.latents(width, b)[anchors]
        mapped = fit(kind(), *pair).transform(code)
        found[name] = target.model(width, b).inverse_transform(mapped)
    relative, other = (
        spaces.relative_model(width, seed, anchors, end_to_end=True)
        for spaces, seed in ((source, a), (target, b))
    )
    code = relative.transform(source.data.test[:N_IMAGES])
    found["end to end, itself"] = relative.inverse_transform(code)
    found["end to end, transfer"] = other.inverse_transform(code)
    return found


def draw_transfer(study, convolutional, connected):
    """Save both figures as one, where the report has a file: a column for each direction."""
    out = study.report.out
    if out is None:
        return
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    width, n_anchors = study.scale.fashion_settings[0]
    anchors = np.random.default_rng(0).permutation(study.scale.n_train)[:n_anchors]
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
    for ax, title, source, target in (
        (axes[0], "convolutions to MLP", convolutional, connected),
        (axes[1], "MLP to convolutions", connected, convolutional),
    ):
        images = {"input": source.data.test[:N_IMAGES]}
        images |= transferred(width, anchors, source, target)
        rows = [np.hstack([row.reshape(28, 28) for row in rows]) for rows in images.values()]
        ax.imshow(np.clip(np.vstack(rows), 0, 1), cmap="gray_r")
        ax.set_yticks(28 * np.arange(len(images)) + 14, list(images))
        ax.set(xticks=[], title=title)
        ax.spines[:].set_visible(False)
    out.parent.mkdir(parents=True, exist_ok=True)
    path = out.with_name(f"{out.stem}_transfer.png")
    figure.savefig(path, dpi=80)
    plt.close(figure)
    study.report.text(
        f"Figures 3 and 4, drawn with {width} components and {n_anchors} anchors: test images, "
        "what the source's own decoder makes of them, what the other's does behind each map, and "
        "the same with relative codes of models trained end to end.\n\n"
        f"![transfer between architectures]({path.name})"
    )

"""What lifts T-VAE and VAE+ on affine digits: starts, beta, views, a prior of T, on few rows.

Before table 1 is done at a size that takes long. One cell of it, from MNIST with ten components;
everything that T-VAE is given VAE+ is given too.
"""

from functools import partial

from benchmarks._common import Report, kept, over_seeds, paired, parser, remark
from benchmarks.papers.transform.measures import affine, evaluate
from benchmarks.papers.transform.settings import (
    BETA,
    FAR,
    FAR_VIEWS,
    OURS,
    PRINTED,
    PRIOR,
    VIEWS,
    Scale,
)

CHANGES = ("", BETA, FAR, OURS, OURS + BETA, OURS + FAR, OURS + FAR + BETA)
MODELS = (
    "VAE",
    *(f"VAE+{change}" for change in CHANGES),
    *(f"T-VAE{change}" for change in CHANGES),
)
MODELS += (PRINTED, "T-VAE" + PRIOR, "T-VAE" + OURS + PRIOR)
MEASURES = {
    "few": ("Euclid", ".1f"),
    "whitened": ("whitened", ".1f"),
    "own": ("unmoved digits", ".1f"),
    "dimension": ("effective dimension", ".1f"),
    "deviation": ("posterior deviation", ".2f"),
    "nats": ("nats", ".1f"),
}
SCALES = {
    "quick": Scale(200, 1, 2, 1_000, 1, 100, 20, 5, (10,), 2e-3, {"hidden_layer_sizes": (16,)},
                   label_draws=1, between=(16,)),
    "default": Scale(4_000, 15, 3, 5_000, 1, 2_000, 200, 50, (10,), 2e-3,
                     {"hidden_layer_sizes": (128, 64)}, label_draws=1, between=(128, 128)),
    "full": Scale(20_000, 30, 5, 10_000, 1, 5_000, 500, 200, (10,), 1e-3,
                  {"hidden_layer_sizes": (256, 128)}, label_draws=1),
}  # fmt: skip


def remarks(found):
    """What each change brings, and whether T-VAE leads VAE+ under it."""

    def less(ours, theirs, what):
        return paired([r[what] for r in found[ours]], [r[what] for r in found[theirs]])

    for what, told in (("few", "by Euclid"), ("whitened", "whitened")):
        for model in ("T-VAE", "VAE+"):
            for name in found:
                change = name.removeprefix(model + ", ")
                if change == name:
                    continue
                gain = less(name, model, what)
                words = f"Neighbours {told}: {change} brings {model} {gain:.1f} points"
                yield remark(gain.clear(), words + ".")
                yield remark(gain.holds(), words + ", which tells nothing.")
        leads = {c: less("T-VAE" + c, "VAE+" + c, what) for c in CHANGES}
        for change, lead in leads.items():
            words = f"Neighbours {told}: T-VAE{change} less VAE+{change} is {lead:.1f} points"
            yield remark(lead.above(), words + ": ahead.")
            yield remark(lead.below(), words + ": behind.")
            yield remark(lead.holds(), words + ": not told apart.")


def main():
    """Train, measure and report."""
    arguments = parser(__doc__.splitlines()[0], keeps="transform_screen").parse_args()
    scale = SCALES[arguments.size]
    report = Report("T-VAE and VAE+: a screen", arguments.out, keeps_remarks=False)
    network = ", ".join(f"{name} {value}" for name, value in scale.network.items())
    report.text(
        f"From {scale.rows} rows of MNIST, {scale.epochs} epochs of batches of 100, {scale.seeds} "
        f"seeds, 10 components, {network}, {scale.between} between latents, Adam at "
        f"{scale.learning_rate:g} halved every quarter, the papers' start and activation but in "
        "rows named *our defaults*. Percent of affine digits (and of unmoved ones) whose five "
        f"nearest neighbours among {scale.neighbours} say their label; intervals are 95 percent by "
        f"Student's t over seeds. Views: `{VIEWS}`; *to the target's range*: `{FAR_VIEWS}`. *Prior "
        "of T* adds half its square, a standard normal's. Nats are importance-weighted, of unmoved "
        f"digits, {scale.importance_samples} draws."
    )
    affine_digits = affine(scale)
    found = {}
    for seed in range(scale.seeds):
        for name in MODELS:
            measure = partial(evaluate, "MNIST", name, 10, seed, scale, affine_digits)
            result = kept(arguments.keep, f"screen {name} {seed} {scale}", measure)
            found.setdefault(name, []).append(result)
            print(name, seed, flush=True)
    rows = [
        [name]
        + [f"{over_seeds([r[m] for r in found[name]]):{spec}}" for m, (_, spec) in MEASURES.items()]
        for name in MODELS
    ]
    report.table(["model", *(told for told, _ in MEASURES.values())], rows)
    report.remarks(remarks(found))
    report.write()


if __name__ == "__main__":
    main()

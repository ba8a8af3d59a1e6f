"""The tables of the transformation-aware VAE's paper: what its latent space is good for.

Table 1 (nearest neighbours on digits under affine maps, from encoders of MNIST and of
Fashion-MNIST), figure 2 (few labels), test nats, and figures 3 and 4. What T has learned is in
``transform_moving``.
"""

from functools import partial

from benchmarks._common import Report, kept, parser
from benchmarks.papers.transform.figure_2 import report_few_labels
from benchmarks.papers.transform.figures import draw_figures
from benchmarks.papers.transform.measures import N_NEIGHBORS, affine, evaluate
from benchmarks.papers.transform.nats import report_nats
from benchmarks.papers.transform.remarks import remarks
from benchmarks.papers.transform.settings import FILES, SCALES, VIEWS
from benchmarks.papers.transform.table_1 import report_table_1, report_variants


def first_cell(scale):
    """List what is trained in one cell, with all that is tried there."""
    models = dict.fromkeys((*scale.models, *scale.ours, *scale.variants, *scale.milder))
    return [
        ("MNIST", model, scale.components[0], seed)
        for model in models
        for seed in range(scale.seeds)
    ]


def other_cells(scale):
    """List what is trained in the others."""
    return [
        (dataset, model, n_components, seed)
        for n_components in scale.components
        for seed in range(scale.seeds)
        for dataset in FILES
        for model in (*scale.models, *scale.ours)
        if (dataset, n_components) != ("MNIST", scale.components[0])
    ]


def main():
    """Train, measure and report."""
    arguments = parser(__doc__.splitlines()[0], keeps="transform_tables")
    arguments.add_argument("--components", type=int, nargs="+", help="these of the latent sizes")
    arguments = arguments.parse_args()
    scale = SCALES[arguments.size]
    if arguments.components:
        scale = scale._replace(components=tuple(arguments.components))
    title = "The transformation-aware VAE: its latent space at work"
    report = Report(title, arguments.out, keeps_remarks=False)
    network = ", ".join(f"{name} {value}" for name, value in scale.network.items())
    report.text(
        f"Scale `{arguments.size}`: "
        f"{scale.rows} training rows, {scale.epochs} epochs of batches of 100, "
        f"{scale.seeds} seeds (each its own rows, weights and noise); {network}, "
        f"{scale.between} between latents (the paper's are `conv_tvae` and (1000, 1000), with 200 "
        "epochs on 60000 rows), Adam "
        f"with a learning rate of {scale.learning_rate:g}, halved every quarter of the epochs. "
        f"Views: `{VIEWS}`; the paper does "
        f"not state its own. Nearest neighbours: k = {N_NEIGHBORS} (the paper's is not stated), "
        f"fitted on {scale.neighbours} training rows, affine digits on {scale.affine_draws} draws "
        f"of each (affNIST has 32), tested on {scale.queries} test rows. Affine digits are drawn "
        "by `make_affine_digits`, not affNIST's own files. Intervals are 95 percent, by Student's "
        "t over seeds. T-VAE has a divergence on its views; as printed, without, and with the "
        "paper's networks it is in `other/transform_printed.md`."
    )
    affine_digits = affine(scale)
    by_key = {}
    for *key, seed in first_cell(scale) + other_cells(scale):
        measure = partial(evaluate, *key, seed, scale, affine_digits)
        result = kept(arguments.keep, scale.part(*key, seed), measure)
        by_key.setdefault(tuple(key), []).append(result)
        print(key, seed, flush=True)
    report_table_1(report, by_key, scale, affine_digits)
    report_variants(report, by_key, scale)
    report_few_labels(report, by_key, scale)
    report_nats(report, by_key, scale)
    if report.out is not None:
        report.text("## Figures 2, 3 and 4")
        draw_figures(report, by_key, scale)
    report.remarks(remarks(by_key, scale))
    report.write()


if __name__ == "__main__":
    main()

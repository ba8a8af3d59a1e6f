"""The VAE ensemble's tables and figures on sprites, and its central claim where nothing fakes it.

The claim: members become equal up to signed permutations of their components. The paper's measure
of that, DtO of the learned maps, is 1/n for a zero matrix, so that shrinking latents and passive
components pass for alignment. Beside it stand three measures that they cannot fake, all of the
least-squares map between members' means, on active components scaled to unit variance.
"""

import time
from functools import partial

import numpy as np

from benchmarks._common import Report, kept, parser
from benchmarks.papers.ensemble.alignment import course, remarks_on_terms, verdicts
from benchmarks.papers.ensemble.components import latent_sizes, remarks_on_components
from benchmarks.papers.ensemble.conditions import conditions, remarks_on_limits
from benchmarks.papers.ensemble.joined import PLAIN, joined, remarks_on_joined
from benchmarks.papers.ensemble.regime import regime
from benchmarks.papers.ensemble.scores import (
    random_projections,
    remarks_on_scores,
    remarks_on_size,
    table_1,
    table_2,
)
from benchmarks.papers.ensemble.settings import SCALES
from benchmarks.papers.ensemble.training import models_of, study
from sklatent.datasets import make_sprites


def main(argv=None):
    """Train, measure and report."""
    arguments = parser(__doc__, keeps="ensemble_tables")
    arguments.add_argument("--seeds", type=int, help="how many seeds, where not the usual number")
    arguments.add_argument("--epochs", type=int, help="stop there")
    arguments.add_argument("--gammas", type=float, nargs="+", help="these columns of the tables")
    arguments.add_argument("--members", type=int, nargs="*", help="these rows of the tables")
    arguments.add_argument("--models", nargs="+", help="only these models, and the VAE beside")
    arguments.add_argument(
        "--tables-only", action="store_true", help="without figure 7 and the linear networks"
    )
    options = arguments.parse_args(argv)
    scale = SCALES[options.size]
    if options.seeds:
        scale = scale._replace(seeds=options.seeds)
    if options.gammas:
        scale = scale._replace(gammas=tuple(options.gammas))
    if options.members is not None:
        scale = scale._replace(members=tuple(options.members))
    if options.epochs:
        stops = [epochs for epochs in scale.epochs if epochs < options.epochs]
        scale = scale._replace(epochs=(*stops, options.epochs))
    start = time.perf_counter()
    report = Report("VAE ensembles on sprites", options.out, keeps_remarks=False)
    X, factors = make_sprites(random_state=0, **scale.sprites)
    factors = factors[:, factors.min(axis=0) < factors.max(axis=0)]
    X = X.astype(np.float32) if options.size != "full" else X
    network = ", ".join(f"{name} {value}" for name, value in scale.network.items())
    report.text(
        f"{len(X)} sprites of {factors.shape[1]} factors, {X.shape[1]} pixels; {network}; "
        f"Bernoulli likelihood; {scale.epochs[-1]} epochs; seeds 0 to "
        f"{scale.seeds - 1}; DCI by {scale.trees} trees. Entries are means with 95 "
        "percent intervals over seeds (Student's t). Separate models are compared "
        "seed by seed with the next."
    )
    found = {}
    for name, model in models_of(scale).items():
        if options.models and name not in ("VAE", *options.models):
            continue
        key = f"ensemble {name} {model} {scale.sprites} {scale.epochs} {scale.seeds} {scale.trees}"
        result = kept(options.keep, key, partial(study, model, X, factors, scale))
        # JSON's keys are text.
        found[name] = result | {"course": {int(n): r for n, r in result["course"].items()}}
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    table_1(report, found, random_projections(scale, X, factors))
    table_2(report, found)
    course(report, found)
    regime(report, found)
    verdicts(report, found)
    said = [*remarks_on_scores(found), *remarks_on_size(found)]
    ablated = {"of 2, no cross-reconstruction", "of 2, no linear transformation"}
    said += remarks_on_terms(found) if ablated < set(found) else []
    if PLAIN in found:
        said += remarks_on_joined(joined(report, found, X, factors, scale, options.keep))
    if not options.tables_only:
        said += remarks_on_components(latent_sizes(report, X, scale, options.keep))
        said += remarks_on_limits(conditions(report, scale, options.keep))
    report.remarks(said)
    report.text(f"This sitting: {(time.perf_counter() - start) / 60:.0f} minutes.")
    report.write()


if __name__ == "__main__":
    main()

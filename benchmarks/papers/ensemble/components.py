"""Figure 7: the number of components."""

from functools import partial

from benchmarks._common import PAPERS, kept, remark
from benchmarks.papers.ensemble.measures import (
    EQUIVALENCE,
    apart,
    apart_from,
    compare,
    compare_separate,
    equivalence_row,
)
from benchmarks.papers.ensemble.training import JUDGED
from sklatent import VAE, VAEEnsemble


def of_size(n_components, X, scale):
    """How alike members of ensembles of two are, and separate models, seed by seed."""
    network = {**PAPERS, **scale.network, "n_components": n_components, "likelihood": "bernoulli"}
    network["max_epochs"] = scale.epochs[-1]
    ensembles = [
        VAEEnsemble(n_estimators=2, gamma=10.0, random_state=seed, **network).fit(X)
        for seed in range(scale.seeds)
    ]
    models = [VAE(random_state=seed, **network).fit(X) for seed in range(scale.seeds)]
    return {
        "ensemble": [compare(e.estimators_, X[:JUDGED], e.linear_maps_) for e in ensembles],
        "separate": compare_separate(models, X[:JUDGED]),
    }


def latent_sizes(report, X, scale, keep=None):
    """Figure 7, on sprites: an ensemble of two with more and more components."""
    rows, found = [], {}
    for n_components in (10, 16, 32):
        key = f"ensemble size {n_components} {scale.network} {scale.sprites} {scale.epochs[-1]} "
        measure = partial(of_size, n_components, X, scale)
        found[n_components] = kept(keep, key + str(scale.seeds), measure)
        for kind, told in (("ensemble", "ensemble of 2"), ("separate", "separate")):
            rows.append([n_components, told, *equivalence_row(found[n_components][kind])])
    report.text(
        "## Figure 7: number of components\n\nThe paper's is of CelebA: raw DtO falls as "
        "components are added. So does that of the zero matrix, which is 1/n: 0.1, 0.0625, 0.031."
    )
    report.table(["components", "models", *EQUIVALENCE.values()], rows)
    return found


def remarks_on_components(sizes):
    """Whether axes are shared, and whether raw DtO says so."""
    for n_components, pairs in sizes.items():
        rotated = apart_from(pairs["ensemble"], "distance", "rotated")
        yield remark(
            rotated.not_below(),
            f"{n_components} components: members' distance on active components is not below that "
            f"of random rotations ({rotated}); their axes are not shown to be shared.",
        )
        yield remark(
            rotated.below(),
            f"{n_components} components: members' distance on active components is below that of "
            f"random rotations ({rotated}).",
        )
    fewest, most = min(sizes), max(sizes)
    falls = [
        apart(sizes[most][kind], sizes[fewest][kind], "raw") for kind in ("ensemble", "separate")
    ]
    yield remark(
        all(fall.below() for fall in falls),
        f"Raw DtO falls from {fewest} to {most} components, as published, and so it does for "
        f"separate models ({falls[0]} and {falls[1]}).",
    )

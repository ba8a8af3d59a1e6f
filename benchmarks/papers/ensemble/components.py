"""Figure 7: the number of components."""

from benchmarks._common import PAPERS, remark
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


def latent_sizes(report, X, scale):
    """Figure 7, on sprites: an ensemble of two with more and more components."""
    rows, found = [], {}
    for n_components in (10, 16, 32):
        network = {
            **PAPERS,
            **scale.network,
            "n_components": n_components,
            "likelihood": "bernoulli",
        }
        network["max_epochs"] = scale.epochs[-1]
        ensembles = [
            VAEEnsemble(n_estimators=2, gamma=10.0, random_state=seed, **network).fit(X)
            for seed in range(scale.seeds)
        ]
        together = [compare(e.estimators_, X[:JUDGED], e.linear_maps_) for e in ensembles]
        models = [VAE(random_state=s, **network).fit(X) for s in range(scale.seeds)]
        separate = compare_separate(models, X[:JUDGED])
        rows.append([n_components, "ensemble of 2", *equivalence_row(together)])
        rows.append([n_components, "separate", *equivalence_row(separate)])
        found[n_components] = {"ensemble": together, "separate": separate}
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

"""Models that are to find factors, under both starts: MIG, UDR and hotspots."""

from itertools import combinations

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA, FastICA
from sklearn.metrics import r2_score

from benchmarks._common import listed, over_seeds, remark
from benchmarks.papers.channels.ranking import explained_by_setting
from benchmarks.spaces._starts import OURS, STARTS, reported
from sklatent import (
    DIPVAE,
    VAE,
    BetaTCVAE,
    FactorVAE,
)
from sklatent.channels import ChannelFingerprints, ChannelHotspots
from sklatent.datasets import make_sprites
from sklatent.metrics import mutual_information_gap, udr_scores
from sklatent.model_selection import retrain

_NEAR = 0.5  # of the smaller variance: axes so near in theirs are turned together


def turned(X, n_components):
    """Principal axes, those of near-equal variance turned to independent ones among themselves.

    They may be turned at no cost to the linear model, and total correlation asks for independence.
    """
    axes = PCA(n_components, svd_solver="full").fit(X)
    Z, variances = axes.transform(X), axes.explained_variance_
    apart = variances[:-1] - variances[1:] >= _NEAR * variances[1:]
    for block in np.split(np.arange(n_components), np.flatnonzero(apart) + 1):
        if len(block) > 1:
            white = Z[:, block] / np.sqrt(variances[block])
            found = FastICA(whiten=False, random_state=0, max_iter=1000).fit(white).components_
            u, _, vt = np.linalg.svd(found)
            axes.components_[block] = u @ vt @ axes.components_[block]
    axes.explained_variance_ = axes.transform(X).var(axis=0, ddof=1)
    return axes


def factors(report, quick):
    """Models that are to find factors: MIG, UDR and hotspots."""
    n_models, epochs = (2, 1) if quick else (5, 30)
    X, labels = make_sprites(
        200 if quick else 2000,
        {"orientation": 0, "shape": [0, 1], "scale": [1, 5]},
        random_state=0,
        image_size=16,
    )
    X = X / 1.0
    varied = labels[:, labels.std(axis=0) > 0]
    shared = {
        "n_components": 6,
        "likelihood": "bernoulli",
        "max_epochs": epochs,
        "hidden_layer_sizes": (128, 128),
    }
    models = {
        "VAE, beta 1": VAE(**shared),
        "VAE, beta 4": VAE(**shared, beta=4.0),
        "VAE, beta 8": VAE(**shared, beta=8.0),
        "BetaTCVAE, beta 4": BetaTCVAE(**shared, beta=4.0),
        "BetaTCVAE, beta 8": BetaTCVAE(**shared, beta=8.0),
        "FactorVAE, gamma 10": FactorVAE(**shared, discriminator_layer_sizes=(64, 64)),
        "DIPVAE": DIPVAE(**shared),
    }
    table, scores, hotspots = [], {}, []
    rows = np.random.default_rng(0).permutation(len(X))[:300]
    for name, model in models.items():
        starts = STARTS | ({"ours, turned": OURS | {"init": turned(X, 6)}} if "TC" in name else {})
        for start, parameters in starts.items():
            runs = retrain(
                clone(model).set_params(**parameters), X, n_runs=n_models, random_state=0
            )
            posteriors = [run.encode(X) for run in runs]
            means = [posterior.mean for posterior in posteriors]
            gaps = [mutual_information_gap(mean, varied) for mean in means]
            log_vars = [posterior.log_var for posterior in posteriors]
            by_kind = {
                kind: udr_scores(means, log_vars=log_vars, similarity=kind)
                for kind in ("lasso", "spearman")
            }
            small = [mean[rows] for mean in means], [log_var[rows] for log_var in log_vars]
            by_kind["nmi"] = udr_scores(small[0], log_vars=small[1], similarity="nmi")
            agreement = np.mean([r2_score(b, a) for a, b in combinations(means, 2)])
            active = np.mean([(p.kl_per_component().mean(axis=0) > 0.01).sum() for p in posteriors])
            scores[name, start] = by_kind
            table.append(
                [
                    name,
                    start,
                    over_seeds(gaps),
                    over_seeds([run.score(X) for run in runs]),
                    f"{active:.1f}",
                    f"{agreement:.2f}",
                    *(f"{by_kind[kind].mean():.2f}" for kind in ("lasso", "spearman", "nmi")),
                ]
            )
            if name in ("VAE, beta 4", "BetaTCVAE, beta 4"):
                hotspots.append([name, start, *_hotspots(*small, varied[rows])])
    report.text(
        f"## Factors\n\n{len(X)} sprites of 16 x 16 pixels ({varied.shape[1]} factors), 6 "
        f"components, {epochs} epochs, {n_models} seeds: MIG and the bound (both greater is "
        "better), active components (over 0.01 nats), R^2 of coordinates between seeds, and the "
        "mean UDR of the seeds. Trained and measured on the same rows. *Turned*: principal "
        f"axes whose variances differ by less than {_NEAR:g} of the smaller are rotated among "
        "themselves to independent ones (ICA), and training starts there."
    )
    columns = ["model", "start", "MIG", "bound", "active", "R^2 between seeds"]
    report.table([*columns, "UDR, lasso", "UDR, Spearman", "UDR, NMI"], table)
    _discerning(report, scores, table)
    report.text(
        f"## Hotspots\n\nGroups of channels of the {n_models} models (at least 4 channels), held "
        "against chance, and the largest NMI of each group with one factor."
    )
    columns = ["model", "start", "groups", "largest p", "share of channels in groups"]
    report.table([*columns, "NMI with the nearest factor"], hotspots)
    report.remarks(_remarks_on_factors(table, hotspots, shared["n_components"]))


def _remarks_on_factors(table, hotspots, n_components):
    """What the numbers of `factors` say, where they do."""
    gaps = {(row[0], row[1]): row[2] for row in table}
    names = list(dict.fromkeys(row[0] for row in table))
    ahead = [name for name in names if gaps[name, "ours"].low > gaps[name, "random"].high]
    behind = [name for name in names if gaps[name, "ours"].high < gaps[name, "random"].low]
    yield remark(bool(ahead), f"MIG is higher from PCA, intervals apart, for {'; '.join(ahead)}.")
    yield remark(bool(behind), f"MIG is lower from PCA, intervals apart, for {'; '.join(behind)}.")
    from_pca = [row for row in hotspots if row[1] != "random"]
    own = [f"{row[0]} ({row[1]})" for row in from_pca if int(row[2]) == n_components]
    yield remark(
        bool(own),
        "Every component is a hotspot of its own, the ones that are near no factor included, for "
        f"{listed(own)}: that many trainings find it is evidence of their common start, and "
        "hotspots say something of the objective only from random starts.",
    )
    turned_ones = {row[0]: gaps[row[0], "ours, turned"] for row in table if "turned" in row[1]}
    better = [name for name, gap in turned_ones.items() if gap.low > gaps[name, "ours"].high]
    worse = [name for name, gap in turned_ones.items() if gap.high < gaps[name, "ours"].low]
    yield remark(
        bool(turned_ones) and not better,
        "Turning axes of near-equal variance before the start raises no MIG"
        + (f", and lowers that of {'; '.join(worse)}." if worse else "."),
    )
    yield remark(bool(better), f"Turned axes give {'; '.join(better)} a higher MIG.")
    ranked = {
        start: [float(row[6]) for row in table if row[1] == start] for start in ("ours", "random")
    }
    yield remark(
        min(ranked["ours"]) > max(ranked["random"]),
        "UDR (lasso) of every model from PCA is above that of every model from random starts: it, "
        "too, measures the common start.",
    )


def _hotspots(means, log_vars, labels):
    model = np.repeat(np.arange(len(means)), means[0].shape[1])
    channels = ChannelFingerprints.from_posteriors(
        np.hstack(means).T, np.hstack(log_vars).T, model=model
    )
    found = ChannelHotspots(min_samples=4, n_shuffles=2, random_state=0).fit(channels)
    n_groups = len(found.representatives_)
    if not n_groups:
        return "0", "", "0", ""
    near = found.factor_similarity(labels).max(axis=1)
    return (
        str(n_groups),
        f"{found.p_values_.max():.3f}",
        f"{(found.labels_ >= 0).mean():.2f}",
        ", ".join(f"{value:.2f}" for value in near),
    )


def _discerning(report, scores, table):
    """How much of UDR's variance between models the setting explains, by objective."""
    active = {(row[0], row[1]): float(row[4]) for row in table}
    families = {
        "beta-VAE": ("VAE, beta 1", "VAE, beta 4", "VAE, beta 8"),
        "beta-TCVAE": ("BetaTCVAE, beta 4", "BetaTCVAE, beta 8"),
    }
    rows = []
    for family, names in families.items():
        for start in STARTS:
            kept = [name for name in names if active[name, start] >= 2]
            left_out = ", ".join(name for name in names if name not in kept)
            cells = []
            for kind in ("lasso", "spearman", "nmi"):
                share = explained_by_setting({name: scores[name, start][kind] for name in kept})
                cells.append(f"{share:.2f}" if len(kept) > 1 else "")
            rows.append([family, start, *cells, left_out])
    report.text(
        "Share of the variance of UDR between models that the setting explains (the paper's "
        "discerning power), by objective; settings with fewer than two active components "
        "are left out, since UDR of one component says nothing of axes."
    )
    report.table(["objective", "start", "lasso", "Spearman", "NMI", "left out"], rows)


def main():
    """Write the report."""
    reported(__doc__, factors)


if __name__ == "__main__":
    main()

"""UDR with three similarities (figures 3b, 3c, 13 and 14)."""

import numpy as np
from scipy.stats import spearmanr

from benchmarks._common import over_seeds, remark
from benchmarks.papers.channels.settings import objective
from sklatent.metrics import udr_scores


def ranking(report, channels, scale):
    """Rank models by UDR with three similarities (figures 3b, 3c, 13, 14)."""
    scores = {kind: {} for kind in ("lasso", "nmi", "vi")}
    for name, ensembles in channels.items():
        for kind, by_name in scores.items():
            by_name[name] = [udr_of(each, scale.n_models, kind) for each in ensembles]
    rows = [
        [name, *(over_seeds(np.mean(scores[kind][name], axis=1)) for kind in scores)]
        for name in channels
    ]
    pooled = {
        kind: np.concatenate([np.ravel(v) for v in by_name.values()])
        for kind, by_name in scores.items()
    }
    agreement = {kind: spearmanr(pooled["lasso"], pooled[kind]).statistic for kind in ("nmi", "vi")}
    # By objective, and without settings most of whose channels say nothing: there every ranking is
    # one of noise.
    informative = {
        name: float(np.mean([(each.information >= 0.01).mean() for each in ensembles]))
        for name, ensembles in channels.items()
    }
    kept = [name for name, share in informative.items() if share >= 0.5]
    explained = {
        kind: {
            group: explained_by_setting({n: by_name[n] for n in kept if objective(n) == group})
            for group in dict.fromkeys(map(objective, kept))
        }
        for kind, by_name in scores.items()
    }
    left_out = ", ".join(sorted(set(channels) - set(kept))) or "none"
    report.text(
        "## UDR with lasso, NMI and exp(-VI) (figures 3b, 3c, 13 and 14)\n\nMean UDR of the models "
        "of an ensemble, over ensembles. Rank correlation over all models of UDR by lasso with UDR "
        f"by NMI: {agreement['nmi']:.2f}, by VI: {agreement['vi']:.2f}. Share of the variance of "
        "UDR between models that the setting explains (what the paper calls discerning power), by "
        "objective, settings with less than half of their channels informative left out "
        f"({left_out}): "
        + "; ".join(
            f"{kind} " + ", ".join(f"{value:.2f} ({group})" for group, value in by_group.items())
            for kind, by_group in explained.items()
        )
        + ". The paper: general agreement, and more discerning power by NMI and VI."
    )
    report.table(["model", "UDR by lasso", "by NMI", "by exp(-VI)"], rows)
    return explained


def remarks_on_ranking(explained):
    """Whether NMI and VI tell settings apart better than lasso, by objective."""
    for kind in ("nmi", "vi"):
        for group, lasso in explained["lasso"].items():
            ours = explained[kind][group]
            words = f"UDR by {kind.upper()} of the {group}: the setting explains {ours:.2f} of it"
            yield remark(bool(ours > lasso), f"{words}, more than of lasso's ({lasso:.2f}).")
            yield remark(
                bool(ours <= lasso),
                f"{words}, no more than of lasso's ({lasso:.2f}), against the paper.",
            )


def udr_of(channels, n_models, kind):
    """Return the UDR of each model of one ensemble from its fingerprints."""
    block = channels.blocks[0]
    means, log_vars = (
        a[:, :, 0].reshape(n_models, -1, channels.n_samples).transpose(0, 2, 1)
        for a in (block.mean, block.log_var)
    )
    return udr_scores(means, log_vars=log_vars, similarity=kind)


def explained_by_setting(by_name):
    """Return the between-settings share of the variance."""
    if len(by_name) < 2:
        return float("nan")
    groups = [np.ravel(values) for values in by_name.values()]
    everything = np.concatenate(groups)
    between = sum(len(g) * (g.mean() - everything.mean()) ** 2 for g in groups)
    return between / ((everything - everything.mean()) ** 2).sum()

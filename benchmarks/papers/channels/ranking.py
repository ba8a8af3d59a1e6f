"""UDR with three similarities (figures 3b, 3c, 13 and 14)."""

import numpy as np
from scipy.stats import spearmanr

from benchmarks._common import listed, over_seeds, paired, remark
from benchmarks.papers.channels.settings import objective
from sklatent.metrics import udr_scores

KINDS = ("lasso", "nmi", "vi")


def ranking(report, ensembles, n_models):
    """Rank models by UDR with three similarities (figures 3b, 3c, 13, 14)."""
    scores = {
        kind: {
            name: [udr_of(each, n_models, kind) for each in of] for name, of in ensembles.items()
        }
        for kind in KINDS
    }
    n_ensembles = min(map(len, ensembles.values()))
    # The first ensemble of each setting, the second of each and so on: each share and each
    # correlation is of models that no other one has.
    together = [
        {kind: {name: values[k] for name, values in of.items()} for kind, of in scores.items()}
        for k in range(n_ensembles)
    ]
    agreement = {
        kind: over_seeds([agreement_of(each["lasso"], each[kind]) for each in together])
        for kind in KINDS[1:]
    }
    # By objective, and without settings most of whose channels say nothing: there every ranking is
    # one of noise.
    informative = {
        name: float(np.mean([(each.information >= 0.01).mean() for each in of]))
        for name, of in ensembles.items()
    }
    kept = [name for name, share in informative.items() if share >= 0.5]
    groups = [
        group
        for group in dict.fromkeys(map(objective, kept))
        if sum(objective(name) == group for name in kept) > 1
    ]
    explained = {
        group: {
            kind: [
                explained_by_setting({n: each[kind][n] for n in kept if objective(n) == group})
                for each in together
            ]
            for kind in KINDS
        }
        for group in groups
    }
    left_out = ", ".join(sorted(set(ensembles) - set(kept))) or "none"
    report.text(
        "## UDR with lasso, NMI and exp(-VI) (figures 3b, 3c, 13 and 14)\n\nMean UDR of the models "
        f"of an ensemble, over disjoint ensembles of {n_models} models (Student's t)."
    )
    report.table(
        ["model", "UDR by lasso", "by NMI", "by exp(-VI)"],
        [
            [name, *(over_seeds(np.mean(scores[kind][name], axis=1)) for kind in KINDS)]
            for name in ensembles
        ],
    )
    report.text(
        "Share of the variance of UDR between models that the setting explains (what the paper "
        "calls discerning power), by objective, settings with less than half of their channels "
        f"informative left out ({left_out}), and the rank correlation over the models of all "
        f"settings of UDR by lasso with the others: of one ensemble of each setting, then over "
        f"{n_ensembles} of these. By chance two settings explain {1 / (2 * n_models - 1):.2f}. The "
        "paper: general agreement, and more discerning power by NMI and VI."
    )
    rows = [
        [f"explained, {group}", *(over_seeds(of[kind]) for kind in KINDS)]
        for group, of in explained.items()
    ]
    rows += [
        [f"more than lasso, {group}", "", *(paired(of[k], of["lasso"]) for k in KINDS[1:])]
        for group, of in explained.items()
    ]
    rows.append(["rank correlation with lasso", "", *agreement.values()])
    report.table(
        ["", *KINDS], [[c if isinstance(c, str) else f"{c:.2f}" for c in row] for row in rows]
    )
    return explained, agreement


def agreement_of(some, others):
    """Rank correlation of two UDRs over the models of all settings."""
    pooled = (np.concatenate([np.ravel(v) for v in of.values()]) for of in (some, others))
    return spearmanr(*pooled).statistic


def remarks_on_ranking(found):
    """Whether NMI and VI tell settings apart better than lasso, by objective, and rank alike."""
    explained, agreement = found
    for kind in KINDS[1:]:
        for group, of in explained.items():
            ours, lasso, more = (
                over_seeds(of[kind]),
                over_seeds(of["lasso"]),
                paired(of[kind], of["lasso"]),
            )
            words = (
                f"UDR by {kind.upper()} of the {group}: the setting explains {ours:.2f} of it, of "
                f"lasso's {lasso:.2f}"
            )
            yield remark(more.above(), f"{words}: more, by {more:.2f}.")
            yield remark(more.holds(), f"{words}: not told apart ({more:.2f}), against the paper.")
            yield remark(more.below(), f"{words}: less, by {more:.2f}, against the paper.")
    told = listed(f"{kind.upper()} {agreement[kind]:.2f}" for kind in agreement)
    yield remark(
        all(value.above() for value in agreement.values()),
        f"Models rank alike in part by lasso and by {told}.",
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

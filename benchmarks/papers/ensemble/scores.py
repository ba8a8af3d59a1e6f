"""Tables 1 and 2, with the ablation of figures 4 and 8."""

import numpy as np

from benchmarks._common import over_seeds, paired, remark
from benchmarks.papers.ensemble.measures import (
    METRICS,
    disentanglement,
    is_ensemble,
)


def random_projections(scale, X, factors):
    """Scores of random directions in pixel space: the null of table 1."""
    found = []
    for seed in range(scale.seeds):
        axes = np.random.default_rng(seed).normal(size=(X.shape[1], 10)) / np.sqrt(X.shape[1])
        found.append(disentanglement(Projection(axes), X, factors, scale.trees, seed))
    return np.array(found)


class Projection:
    """A linear encoder."""

    def __init__(self, axes):
        self.axes = axes

    def transform(self, X):
        """Project."""
        return X @ self.axes


PUBLISHED = {
    "VAE": ("0.635 +- 0.083", "0.143 +- 0.033"),
    "beta-TCVAE (beta 4)": ("0.808 +- 0.079", "0.303 +- 0.052"),
    "beta-VAE (beta 4)": ("0.665 +- 0.089", "0.198 +- 0.076"),
    "FactorVAE (gamma 40)": ("0.764 +- 0.075", "0.253 +- 0.072"),
    "DIP-VAE-I": ("0.638 +- 0.108", "0.049 +- 0.017"),
    "DIP-VAE-II": ("0.676 +- 0.122", "0.106 +- 0.032"),
    "ensemble of 2, gamma 1": ("0.711 +- 0.106", "0.176 +- 0.043"),
    "ensemble of 3, gamma 1": ("0.794 +- 0.030", "0.214 +- 0.064"),
    "ensemble of 4, gamma 1": ("0.833 +- 0.037", "0.240 +- 0.059"),
    "ensemble of 5, gamma 1": ("0.828 +- 0.016", "0.242 +- 0.032"),
    "ensemble of 2, gamma 5": ("0.736 +- 0.085", "0.243 +- 0.029"),
    "ensemble of 3, gamma 5": ("0.792 +- 0.075", "0.236 +- 0.051"),
    "ensemble of 4, gamma 5": ("0.790 +- 0.038", "0.223 +- 0.045"),
    "ensemble of 5, gamma 5": ("0.786 +- 0.051", "0.244 +- 0.039"),
    "ensemble of 2, gamma 10": ("0.741 +- 0.086", "0.201 +- 0.037"),
    "ensemble of 3, gamma 10": ("0.821 +- 0.066", "0.311 +- 0.060"),
    "ensemble of 4, gamma 10": ("0.800 +- 0.078", "0.251 +- 0.038"),
    "ensemble of 5, gamma 10": ("0.739 +- 0.085", "0.196 +- 0.050"),
}
# Table 2: deviation between members of the FactorVAE metric and of DCI.
PUBLISHED_SPREAD = {
    "ensemble of 2, gamma 1": ("0.0019", "0.0024"),
    "ensemble of 3, gamma 1": ("0.0090", "0.0026"),
    "ensemble of 4, gamma 1": ("0.0048", "0.0028"),
    "ensemble of 5, gamma 1": ("0.0081", "0.0036"),
    "ensemble of 2, gamma 5": ("0.0058", "0.0037"),
    "ensemble of 3, gamma 5": ("0.0064", "0.0054"),
    "ensemble of 4, gamma 5": ("0.0089", "0.0049"),
    "ensemble of 5, gamma 5": ("0.0163", "0.0040"),
    "ensemble of 2, gamma 10": ("0.0060", "0.0013"),
    "ensemble of 3, gamma 10": ("0.0046", "0.0024"),
    "ensemble of 4, gamma 10": ("0.0147", "0.0041"),
    "ensemble of 5, gamma 10": ("0.0139", "0.0042"),
}


def table_1(report, found, null):
    """Scores, beside the VAE's of the same seed and the published ones."""
    report.text(
        "## Table 1, and the ablation of figures 4 and 8\n\nThe first member's. The null is "
        "ten random projections of the pixels. Published are dSprites, 64x64: mean and "
        "deviation of 10 runs."
    )
    rows = [["random projections", *map(over_seeds, null.T), *[""] * 4]]
    plain = np.array(found["VAE"]["scores"]).T
    for name, result in found.items():
        scores = np.array(result["scores"]).T
        more = [f"{paired(a, b):.3g}" for a, b in zip(scores, plain, strict=True)]
        more = ["", ""] if name == "VAE" else more
        rows.append([name, *map(over_seeds, scores), *more, *PUBLISHED.get(name, ("", ""))])
    report.table(
        [
            "model",
            "FactorVAE metric",
            "DCI",
            "more than the VAE's of the same seed",
            "the same, DCI",
            "published",
            "published DCI",
        ],
        rows,
    )


def table_2(report, found):
    """How much members differ in their scores, beside separate models."""
    report.text(
        "## Table 2\n\nStandard deviation of each score between the members of an ensemble, and "
        "as its null between separate VAEs of different seeds."
    )
    seeds = np.array(found["VAE"]["scores"])
    pairs = np.std([seeds, np.roll(seeds, -1, axis=0)], axis=0)
    rows = [["pairs of VAEs", *map(over_seeds, pairs.T), "", ""]]
    for name, result in found.items():
        if len(result["regime"][0]) > 1:
            spread = map(over_seeds, np.array(result["spread"]).T)
            rows.append([name, *spread, *PUBLISHED_SPREAD.get(name, ("", ""))])
    report.table(["model", "FactorVAE metric", "DCI", "published", "published DCI"], rows)


def remarks_on_scores(found):
    """Tables 1 and 2; differences are paired by seed."""
    plain = np.array(found["VAE"]["scores"]).T
    seeds = np.array(found["VAE"]["scores"])
    separate = np.std([seeds, np.roll(seeds, -1, axis=0)], axis=0).T
    for name in filter(is_ensemble, found):
        scores = np.array(found[name]["scores"]).T
        for metric, ours, theirs in zip(METRICS, scores, plain, strict=True):
            more = paired(ours, theirs)
            yield remark(more.above(), f"{name}: {metric} above the VAE's, by {more}.")
            yield remark(
                more.holds(),
                f"{name}: {metric} is not told from the VAE's ({more} more), against the paper.",
            )
        spread = np.array(found[name]["spread"]).T
        for metric, ours, theirs in zip(METRICS, spread, separate, strict=True):
            more = paired(ours, theirs)
            yield remark(
                more.below(),
                f"{name}: members differ less in {metric} than separate VAEs do ({more}).",
            )
            yield remark(
                more.not_below(),
                f"{name}: that members differ less in {metric} than separate VAEs do is not shown "
                f"({more}); the paper says that they do.",
            )


def remarks_on_size(found):
    """Whether larger ensembles help at gamma 1 and hurt at 10, as the paper says; by seed."""
    for gamma, direction in (("1", 1), ("5", 0), ("10", -1)):
        most, least = (f"ensemble of {n}, gamma {gamma}" for n in (5, 2))
        if not {most, least} < set(found):
            continue
        scores = (np.array(found[name]["scores"]).T for name in (most, least))
        for metric, large, small in zip(METRICS, *scores, strict=True):
            more = paired(large, small)
            words = f"Five members in place of two, gamma {gamma}: {metric} changes by {more}"
            expected = {1: "rises", 0: "hardly changes", -1: "falls"}[direction]
            as_said = {1: more.above(), 0: more.holds(), -1: more.below()}[direction]
            yield remark(as_said, f"{words}; it {expected}, as published.")
            yield remark(not as_said, f"{words}; that it {expected}, as published, is not shown.")

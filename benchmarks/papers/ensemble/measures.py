"""How far latent spaces are from one another, and how disentangled one is."""

from itertools import permutations

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from benchmarks._common import over_seeds, paired
from sklatent.metrics import (
    consistency_score,
    dci_scores,
    distance_to_signed_permutation,
    factor_vae_score,
    signed_permutation_report,
)

SCORED = 800  # rows on which DCI's trees are grown and tested


def unit_active(means):
    """Active components at unit variance, by the rule of `signed_permutation_report`."""
    variance = means.var(axis=0)
    active = means[:, variance > 0.01 * variance.max()]
    return (active - active.mean(axis=0)) / active.std(axis=0)


def equivalence(source, target):
    """How far one latent space is from being the other up to a linear map or a permutation."""
    report = signed_permutation_report(source, target)
    scaled = [unit_active(source), unit_active(target)]
    return {
        "distance": report.distance,
        "floor": report.floor,
        "rotated": report.rotated,
        "linear": report.r2,
        "permutation": consistency_score(scaled, maps="signed_permutation"),
        "active": (report.n_active + report.n_active_target) / 2,
    }


def least_squares_map(source, target):
    """Map between means as they are, of all components: the paper's for separate models."""
    return np.linalg.lstsq(source, target, rcond=None)[0].T


def compare(members, X, linear_maps=None):
    """Mean over ordered pairs of models of every measure."""
    means = [np.asarray(member.transform(X), dtype=float) for member in members]
    found = []
    for i, j in permutations(range(len(members)), 2):
        raw = least_squares_map(means[i], means[j]) if linear_maps is None else linear_maps[i, j]
        pair = equivalence(means[i], means[j])
        found.append({"raw": distance_to_signed_permutation(raw), **pair})
    return {name: np.mean([pair[name] for pair in found]) for name in found[0]}


def compare_separate(models, X):
    """Each model beside the next, so that there is one pair for each seed."""
    pairs = zip(models, models[1:] + models[:1], strict=True)
    return [compare(pair, X) for pair in pairs]


EQUIVALENCE = {
    "raw": "raw DtO",
    "distance": "DtO, active, unit variance",
    "floor": "its floor 1/k",
    "rotated": "DtO of random rotations",
    "linear": "R2, linear",
    "permutation": "R2, signed permutation",
    "active": "active",
}


def equivalence_row(results):
    """Intervals over seeds of what `compare` returned."""
    return [over_seeds([result[name] for result in results]) for name in EQUIVALENCE]


def disentanglement(model, X, factors, trees, seed):
    """The FactorVAE metric and DCI disentanglement of one model."""
    codes = model.transform(X)
    some = np.random.default_rng(0).choice(len(X), min(SCORED, len(X)), replace=False)
    estimator = GradientBoostingClassifier(n_estimators=trees, random_state=0)
    dci = dci_scores(codes[some], factors[some], estimator=estimator, random_state=seed)
    return factor_vae_score(codes, factors, random_state=seed), dci.disentanglement


def apart(results, others, key):
    """Paired difference of a measure that `compare` returned for the same seeds."""
    return paired([r[key] for r in results], [r[key] for r in others])


METRICS = ("FactorVAE metric", "DCI")


def is_ensemble(name):
    """Whether a model of table 1 is an ensemble as the paper has it, without ablation."""
    return name.startswith("ensemble")


def apart_from(results, key, yardstick):
    """How far a measure is from its yardstick."""
    return paired([r[key] for r in results], [r[yardstick] for r in results])

"""When members are permutation-equivalent: linear networks, where theory is complete."""

from functools import partial

import numpy as np

from benchmarks._common import PAPERS, kept, remark
from benchmarks.papers.ensemble.measures import (
    EQUIVALENCE,
    apart_from,
    compare,
    compare_separate,
    equivalence_row,
)
from benchmarks.papers.ensemble.training import Snapshot, stages
from sklatent import VAE, VAEEnsemble


def linear_data(deviations, n_samples=500, n_features=6, seed=0):
    """Gaussian factors of these deviations in a random subspace, under unit noise."""
    generator = np.random.default_rng(seed)
    axes = np.linalg.qr(generator.normal(size=(n_features, len(deviations))))[0]
    factors = generator.normal(size=(n_samples, len(deviations))) * deviations
    return factors @ axes.T + generator.normal(size=(n_samples, n_features))


CONDITIONS = {
    "distinct strengths, diagonal": ((6.0, 3.0, 1.5), "diagonal"),
    "equal strengths, diagonal": ((3.0, 3.0, 3.0), "diagonal"),
    "distinct strengths, full": ((6.0, 3.0, 1.5), "full"),
}


def of_condition(deviations, posterior, scale):
    """How alike separate models and members are, by the number of steps."""
    X = linear_data(np.array(deviations))
    network = {
        **PAPERS,
        "likelihood": "unit_gaussian",
        "n_components": 3,
        "hidden_layer_sizes": (),
        "posterior": posterior,
        "batch_size": len(X),
        "learning_rate": 3e-2,
    }
    courses = {"separate": {}, "ensemble": {}}
    for seed in range(scale.linear_seeds):
        one = VAE(**network, random_state=seed)
        both = VAEEnsemble(**network, n_estimators=2, gamma=1.0, random_state=seed)
        for epochs, stage in stages(one, X, scale.linear_epochs):
            courses["separate"].setdefault(epochs, []).append(Snapshot(stage, X))
        for epochs, stage in stages(both, X, scale.linear_epochs):
            result = compare(stage.estimators_, X, stage.linear_maps_)
            courses["ensemble"].setdefault(epochs, []).append(result)
    return {
        epochs: {
            "separate": compare_separate(courses["separate"][epochs], X),
            "ensemble": courses["ensemble"][epochs],
        }
        for epochs in scale.linear_epochs
    }


def conditions(report, scale, keep=None):
    """Linear networks on Gaussian factors, where theory says what should happen."""
    report.text(
        "## When members are permutation-equivalent\n\nLinear networks on three Gaussian factors "
        "in six dimensions under unit noise, where theory is complete: with a diagonal posterior "
        "and factors of distinct strength the optimum is the principal axes, which identifies the "
        "latents up to signed permutations; with equal strengths, or with a full posterior, every "
        "rotation is an optimum. Ensembles of 2 at gamma 1 and pairs of separate VAEs."
    )
    rows, found = [], {}
    for name, condition in CONDITIONS.items():
        key = f"ensemble linear {condition} {scale.linear_epochs} {scale.linear_seeds}"
        course = kept(keep, key, partial(of_condition, *condition, scale))
        for epochs, pairs in course.items():
            for kind in ("separate", "ensemble"):
                rows.append([name, kind, int(epochs), *equivalence_row(pairs[kind])])
            found[name] = pairs  # at the last number of steps
    report.table(["factors, posterior", "models", "steps", *EQUIVALENCE.values()], rows)
    return found


def remarks_on_limits(limits):
    """Where axes are shared by theory."""
    for condition, pairs in limits.items():
        away = {kind: apart_from(results, "distance", "rotated") for kind, results in pairs.items()}
        figures = ", ".join(f"{kind} {d}" for kind, d in away.items())
        yield remark(
            all(d.below() for d in away.values()),
            f"{condition}: axes are nearer than random rotations, for separate models and members "
            f"alike ({figures}).",
        )
        yield remark(
            all(d.not_below() for d in away.values()),
            f"{condition}: neither separate models nor members come nearer than random rotations "
            f"({figures}).",
        )

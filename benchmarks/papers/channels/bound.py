"""The bound against Monte Carlo (figure 3a)."""

import time

import numpy as np

from benchmarks._common import remark
from benchmarks.papers.channels.resampling import over_models
from sklatent.channels import (
    bhattacharyya_coefficients,
    channel_information,
    monte_carlo_information,
)


def bound_and_monte_carlo(report, trained, X, scale):
    """Hold the bound at several sample sizes against Monte Carlo (figure 3a)."""
    sizes = [n for n in (100, 300, 1000) if n <= len(X)] or [len(X)]
    n_mixture = min(len(X), 2000)
    encoded = [
        ensembles[k][0].encode(X[:n_mixture]) for ensembles in trained.values() for k in (0, 1)
    ]
    posteriors = [
        (posterior.mean[:, [c]].astype(float), posterior.log_var[:, [c]].astype(float))
        for posterior in encoded
        for c in range(posterior.mean.shape[1])
    ]
    models = np.repeat(np.arange(len(encoded)), len(posteriors) // len(encoded))
    monte_carlo, error, bounds, seconds = [], [], [], np.zeros(len(sizes) + 1)
    for mean, log_var in posteriors:
        start = time.perf_counter()
        value, own = monte_carlo_information(mean, log_var, n_draws=4000, random_state=0)
        seconds[-1] += time.perf_counter() - start
        monte_carlo.append(value)
        error.append(own)
        row = []
        for k, n in enumerate(sizes):
            start = time.perf_counter()
            row.append(channel_information(bhattacharyya_coefficients(mean[:n], log_var[:n])))
            seconds[k] += time.perf_counter() - start
        bounds.append(row)
    monte_carlo, bounds = np.array(monte_carlo), np.array(bounds)
    gap = bounds - monte_carlo[:, None]
    report.text(
        f"## The bound against Monte Carlo (figure 3a)\n\n{len(monte_carlo)} channels of "
        f"{monte_carlo.min():.2f} to {monte_carlo.max():.2f} bits. Monte Carlo: 4,000 draws, the "
        f"mixture over {n_mixture} samples, standard error {np.median(error):.3f} bits (median), "
        f"{1e3 * seconds[-1] / len(monte_carlo):.0f} ms a channel. A bound at N samples is low for "
        "being a bound and for being of N samples. Intervals are by the bootstrap over the "
        f"{len(encoded)} models, of whichever setting."
    )
    correlations = [
        over_models(models, lambda some, k=k: np.corrcoef(bounds[some, k], monte_carlo[some])[0, 1])
        for k in range(len(sizes))
    ]
    report.table(
        ["N", "bound minus Monte Carlo, bits: mean", "smallest, largest", "correlation", "ms"],
        [
            [
                n,
                over_models(models, lambda some, k=k: gap[some, k].mean()),
                f"{gap[:, k].min():.2f}, {gap[:, k].max():.2f}",
                f"{correlations[k]:.4f}",
                float(1e3 * seconds[k] / len(monte_carlo)),
            ]
            for k, n in enumerate(sizes)
        ],
    )
    return gap, correlations, sizes


def remarks_on_the_bound(found):
    """Whether it is one, and follows what it bounds."""
    gap, correlations, sizes = found
    least = min(correlations)
    yield remark(
        bool((gap < 0).all()),
        f"The bound is below Monte Carlo for every channel, by {-gap.mean():.2f} bits on average "
        f"and {-gap.min():.2f} at most.",
    )
    yield remark(
        least.above(0.99),
        f"It follows Monte Carlo (correlation {least:.4f} or more) from {sizes[0]} samples on, as "
        "published.",
    )

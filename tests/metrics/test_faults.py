"""Units, missing values, whole numbers: one test for each fault that was found."""

import tracemalloc

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.preprocessing import KBinsDiscretizer

from sklatent.metrics import (
    beta_vae_score,
    dci_scores,
    explicitness_score,
    factor_vae_score,
    interventional_robustness_score,
    latent_space_distortion,
    linear_cka,
    modularity_score,
    mutual_information_gap,
    procrustes_distance,
    reconstruction_scorer,
    separated_attribute_predictability,
)

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(2000, 3))


def test_units_decide_nothing():
    target = Z @ RNG.normal(size=(3, 2)) + 0.1 * RNG.normal(size=(2000, 2))
    expected = latent_space_distortion(Z, target)
    for scale in ([1, 1e10, 1], [1e-200, 1, 1e200]):
        assert latent_space_distortion(Z * scale, target) == pytest.approx(expected, rel=1e-9)
    distance = procrustes_distance(Z[:, :2], target)
    assert procrustes_distance(1e200 * Z[:, :2], target) == pytest.approx(distance, rel=1e-9)


@pytest.mark.parametrize(("top", "n_samples"), [(360, 2000), (10_000, 2000), (2000, 50_000)])
def test_whole_numbers_that_measure_are_not_discrete(top, n_samples):
    factors = RNG.integers(top, size=(n_samples, 2))
    with pytest.raises(ValueError, match="not discrete.*factor_bins=20"):
        mutual_information_gap(factors.astype(float), factors)


DRAWS = {"n_train": 200, "n_eval": 100, "batch_size": 16, "random_state": 0}


@pytest.mark.parametrize(
    ("metric", "options"),
    [
        (mutual_information_gap, {}),
        (modularity_score, {}),
        (factor_vae_score, DRAWS),
        (beta_vae_score, DRAWS),
        (explicitness_score, {"random_state": 0}),
    ],
)
@pytest.mark.parametrize("top", [360, 10_000])
def test_whole_numbers_that_measure_are_binned_where_asked(metric, options, top):
    """As scikit-learn bins them; a factor of few values beside them is left as it is."""
    factors = np.column_stack([RNG.integers(top, size=2000), RNG.integers(30, size=2000)])
    codes = factors / [top, 30] + 0.01 * RNG.normal(size=(2000, 2))
    bins = KBinsDiscretizer(10, encode="ordinal", strategy="uniform", dtype=np.float64)
    binned = np.column_stack([bins.fit_transform(factors[:, :1])[:, 0], factors[:, 1]])
    found = metric(codes, factors, factor_bins=10, **options)
    assert found == pytest.approx(metric(codes, binned, **options), abs=1e-12)
    assert found > 0.75


def test_codes_that_are_the_factors_know_them_whatever_their_unit():
    factors = RNG.integers(10_000, size=(2000, 2))
    codes = factors.astype(float)
    assert mutual_information_gap(codes, factors, factor_bins=20) == pytest.approx(0.97, abs=0.02)
    assert modularity_score(codes, factors, factor_bins=20) > 0.99
    assert interventional_robustness_score(codes, factors, n_bins=20) > 0.9
    noise = RNG.normal(size=(2000, 2))
    assert interventional_robustness_score(noise, factors, n_bins=20) < 0.35
    assert separated_attribute_predictability(codes, factors, continuous_factors=True) > 0.95
    assert dci_scores(codes, factors, estimator=Ridge()).disentanglement > 0.95
    with pytest.raises(ValueError, match="regressor"):
        dci_scores(codes, factors)


@pytest.mark.parametrize("scale", [1e-300, 1e-50, 1e50, 1e300])
def test_codes_of_which_a_classifier_sees_nothing_are_refused(scale):
    """The size of a classifier's penalty is absolute."""
    codes, factors = RNG.normal(size=(100, 2)), RNG.integers(3, size=(100, 2))
    for metric, options in (
        (dci_scores, {}),
        (separated_attribute_predictability, {}),
        (beta_vae_score, DRAWS),
    ):
        with pytest.raises(ValueError, match="Standardise the codes"):
            metric(scale * codes, factors, **options)


@pytest.mark.parametrize("missing", [None, np.nan, np.datetime64("NaT")])
def test_missing_is_no_class(missing):
    factors = np.array(["a", "b"], dtype=object)[RNG.integers(2, size=(100, 2))]
    factors[3, 0] = missing
    with pytest.raises(ValueError, match="missing"):
        mutual_information_gap(RNG.normal(size=(100, 2)), factors)


MEASURES = {
    "linear_cka": linear_cka,
    "latent_space_distortion": latent_space_distortion,
    "reconstruction_scorer": lambda X, Y: reconstruction_scorer(PCA(2).fit(Y[:100]), X),
}


@pytest.mark.parametrize("name", MEASURES)
def test_memory_does_not_grow_with_the_rows(name):
    """Whatever the function holds besides the inputs is some blocks, and booleans of rows."""
    peaks = []
    for n_rows in (100_000, 300_000):
        X = np.random.default_rng(0).normal(size=(n_rows, 16))
        Y = X[:, ::-1] + 1
        tracemalloc.start()
        try:
            MEASURES[name](X, Y)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    grown = peaks[1] - peaks[0]
    assert grown < 0.25 * 200_000 * 2 * 16 * 8, peaks

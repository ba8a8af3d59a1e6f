"""What all metrics of codes and factors promise: bad input, container types, the global state."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.tree import DecisionTreeClassifier

import sklatent.metrics
from sklatent.metrics import (
    beta_vae_score,
    dci_scores,
    explicitness_score,
    factor_vae_score,
    interventional_robustness_score,
    modularity_score,
    mutual_information_gap,
    separated_attribute_predictability,
)
from tests.metrics.reference import make_reference

QUICK = {"n_train": 200, "n_eval": 100, "batch_size": 8}


def dci(codes, factors, **options):
    tree = DecisionTreeClassifier(random_state=0)
    return dci_scores(codes, factors, estimator=tree, **options).disentanglement


# Each with the options of a quick run; those that draw also take random_state.
DRAWING = {
    dci: {},
    explicitness_score: {},
    separated_attribute_predictability: {},
    factor_vae_score: QUICK,
    beta_vae_score: QUICK,
}
FIXED = {mutual_information_gap: {}, modularity_score: {}, interventional_robustness_score: {}}
metrics = pytest.mark.parametrize("metric", [*DRAWING, *FIXED], ids=lambda metric: metric.__name__)


def evaluate(metric, codes, factors, **options):
    if metric in DRAWING:
        options = {**DRAWING[metric], "random_state": 0, **options}
    return metric(codes, factors, **options)


def small_reference():
    codes, factors = make_reference()
    return codes[:120, :4], factors[:120, :2]


@metrics
@pytest.mark.parametrize("container", [pd.DataFrame, pl.DataFrame, np.ndarray.tolist])
def test_containers_of_any_kind(metric, container):
    codes, factors = small_reference()
    expected = evaluate(metric, codes, factors)
    assert 0 <= expected <= 1
    assert evaluate(metric, container(codes), container(factors)) == expected


@metrics
def test_factors_of_several_types_in_a_frame(metric):
    codes, factors = small_reference()
    frame = pd.DataFrame({"shape": pd.Categorical(["oval", "heart", "square"])[factors[:, 0]]})
    frame["scale"] = factors[:, 1] / 7
    renamed = np.column_stack([[1, 0, 2], [0, 1, 2]])[factors[:, 0], 0]  # heart, oval, square
    expected = evaluate(metric, codes, np.column_stack([renamed, factors[:, 1]]))
    assert evaluate(metric, codes, frame) == expected


@metrics
@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda c, f: (c[:-1], f), "same number of rows, got 119 and 120"),
        (lambda c, f: (np.where(c > 2, np.nan, c), f), "codes contains NaN"),
        (lambda c, f: (np.where(c > 2, np.inf, c), f), "codes contains infinity"),
        (lambda c, f: (c[:, 0], f), "2D array"),
        (lambda c, f: (c[:1], f[:1]), "minimum of"),
        (lambda c, f: (c, f[None]), "n_samples, n_factors"),
        (lambda c, f: (c, f * np.array([1, np.nan])), "Factor 1 contains NaN"),
        (lambda c, f: (c, np.where(f == 1, None, f)), "Factor 0 holds missing values"),
        (lambda c, f: (c, f * [1, 0]), "Factor 1 takes one value only"),
        (lambda c, f: (c, c[:, :2]), "Factor 0 takes 120 different values.*not discrete"),
    ],
)
def test_bad_input(metric, break_it, message):
    with pytest.raises(ValueError, match=message):
        evaluate(metric, *break_it(*small_reference()))


@metrics
def test_constant_codes_give_a_number(metric):
    codes, factors = small_reference()
    for constant in (0.0, 0.1, 1e8 / 3):
        some = codes.copy()
        some[:, 1] = constant
        assert 0 <= evaluate(metric, some, factors) <= 1
        assert 0 <= evaluate(metric, np.full_like(codes, constant), factors) <= 1


@metrics
def test_the_jitter_of_a_collapsed_float32_component_carries_nothing(metric):
    codes, factors = small_reference()
    codes = codes.astype(np.float32)
    jitter = np.random.RandomState(0).randint(-1, 2, size=len(codes)).astype(np.float32)
    constant, jittery = codes.copy(), codes.copy()
    constant[:, 1] = 0.3
    jittery[:, 1] = np.float32(0.3) + jitter * np.spacing(np.float32(0.3))
    assert len(np.unique(jittery[:, 1])) > 1
    assert evaluate(metric, jittery, factors) == evaluate(metric, constant, factors)


@metrics
def test_integer_valued_floats_with_many_values_are_discrete(metric):
    codes, factors = make_reference()
    positions = np.column_stack([np.arange(120) // 4, factors[:120, 0]]).astype(float)
    assert np.isfinite(evaluate(metric, codes[:120, :4], positions))


@pytest.mark.parametrize("metric", DRAWING, ids=lambda metric: metric.__name__)
def test_the_global_random_state_is_neither_read_nor_changed(metric):
    before = np.random.get_state()
    evaluate(metric, *small_reference(), random_state=None)
    after = np.random.get_state()
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_every_score_metric_of_the_package_is_tested_here():
    taken = {"dci_scores", *(metric.__name__ for metric in [*DRAWING, *FIXED])} - {"dci"}
    others = {
        "active_components",
        "bures_distance",
        "cca_score",
        "cknna_score",
        "consistency_score",
        "dci_from_importances",
        "distance_to_signed_permutation",
        "elbo_scorer",
        "latent_space_distortion",
        "linear_cka",
        "linear_map_distortion",
        "mutual_knn_score",
        "neighborhood_jaccard_score",
        "pairwise_distance",
        "polarized_regime",
        "procrustes_distance",
        "reconstruction_scorer",
        "retraining_variability",
        "rsa_score",
        "signed_permutation_report",
        "udr_scores",
    }
    public = {name for name in sklatent.metrics.__all__ if not name.startswith("make_")}
    assert public == taken | others

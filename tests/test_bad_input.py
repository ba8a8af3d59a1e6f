"""Bad input of every kind to every function: an error in our words, or a finite result.

`CALLS` names a valid call of each function; every array argument is spoilt in each way of `SPOIL`.
"""

import re
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.tree import DecisionTreeClassifier

from sklatent import datasets, metrics, plotting, transformations

RNG = np.random.default_rng(0)
FACTORS = np.indices((3, 4, 5)).reshape(3, -1).T[:, :2]
CODES = FACTORS + 0.1 * RNG.normal(size=FACTORS.shape)
OTHER = CODES @ np.array([[1.0, 0.5], [-0.5, 1.0]])
QUICK = {"n_train": 100, "n_eval": 50, "batch_size": 8, "random_state": 0}
TREE = {"estimator": DecisionTreeClassifier(random_state=0), "random_state": 0}
MODEL = PCA(2).fit(CODES)


def of_factors(function, **options):
    return lambda codes, factors: function(codes, factors, **options), (CODES, FACTORS)


def of_pair(function, **options):
    return lambda X, Y: function(X, Y, **options), (CODES, OTHER)


def of_list(function, **options):
    return lambda X, Y, Z: function([X, Y, Z], **options), (CODES, OTHER, CODES + OTHER)


def posterior_call(function):
    return lambda mean, log_var: function(SimpleNamespace(mean=mean, log_var=log_var)), (
        CODES,
        OTHER - 5,
    )


def sampled(transformation):
    return lambda X: transformation.sample(X, random_state=0), (CODES,)


# Function -> (call, its valid arrays). Other packages' functions and estimators add their rows.
CALLS = {
    "mutual_information_gap": of_factors(metrics.mutual_information_gap),
    "modularity_score": of_factors(metrics.modularity_score),
    "interventional_robustness_score": of_factors(metrics.interventional_robustness_score),
    "factor_vae_score": of_factors(metrics.factor_vae_score, **QUICK),
    "beta_vae_score": of_factors(metrics.beta_vae_score, **QUICK),
    "dci_scores": of_factors(metrics.dci_scores, **TREE),
    "separated_attribute_predictability": of_factors(
        metrics.separated_attribute_predictability, random_state=0
    ),
    "explicitness_score": of_factors(metrics.explicitness_score, random_state=0),
    "linear_cka": of_pair(metrics.linear_cka),
    "cca_score": of_pair(metrics.cca_score),
    "procrustes_distance": of_pair(metrics.procrustes_distance),
    "latent_space_distortion": of_pair(metrics.latent_space_distortion),
    "signed_permutation_report": of_pair(metrics.signed_permutation_report),
    "consistency_score": of_list(metrics.consistency_score),
    "pairwise_distance": of_list(lambda Z: metrics.pairwise_distance(Z, "procrustes")),
    "retraining_variability": of_list(metrics.retraining_variability),
    "udr_scores": of_list(metrics.udr_scores),
    "dci_from_importances": (metrics.dci_from_importances, (np.abs(CODES),)),
    "linear_map_distortion": (metrics.linear_map_distortion, (CODES[:2] + np.eye(2),)),
    "distance_to_signed_permutation": (metrics.distance_to_signed_permutation, (OTHER[:2],)),
    "active_components": posterior_call(metrics.active_components),
    "polarized_regime": posterior_call(metrics.polarized_regime),
    "reconstruction_scorer": (lambda X: metrics.reconstruction_scorer(MODEL, X), (CODES,)),
    "make_mutual_information_gap_scorer": (
        lambda factors: metrics.make_mutual_information_gap_scorer()(MODEL, CODES, factors),
        (FACTORS,),
    ),
    "RandomShift": sampled(transformations.RandomShift()),
    "RandomScaling": sampled(transformations.RandomScaling()),
    "make_affine_digits": (
        lambda X: datasets.make_affine_digits(X, random_state=0),
        (RNG.uniform(size=(5, 16)),),
    ),
    "LatentTraversalDisplay": (
        lambda X: plotting.LatentTraversalDisplay.from_estimator(MODEL, X).images,
        (CODES,),
    ),
}


def with_value(value, dtype=float):
    def spoil(array):
        array = np.array(array, dtype=dtype)
        array[0, 0] = value
        return array

    return spoil


SPOIL = {
    "nan": with_value(np.nan),
    "infinity": with_value(np.inf),
    "1e300": lambda a: a * 1e300,
    "one 1e300": with_value(1e300),
    "denormal": lambda a: a * 1e-310,
    "complex": lambda a: a + 1j,
    "dates": lambda a: (np.abs(a) * 1000).astype("datetime64[s]"),
    "None": with_value(None, object),
    "pd.NA": with_value(pd.NA, object),
    "NaT": with_value(pd.NaT, object),
    "word": with_value("many", object),
    "nullable": lambda a: (
        pd.DataFrame(a).astype("Float64").mask(pd.DataFrame(a) == np.asarray(a)[0, 0])
    ),
    "categories": lambda a: pd.DataFrame(a).astype(str).astype("category"),
    "masked": lambda a: np.ma.masked_array(a, mask=np.arange(a.size).reshape(a.shape) == 1),
    "sparse": sparse.csr_matrix,
    "tensor": lambda a: torch.tensor(np.asarray(a, dtype=float), requires_grad=True),
    "bfloat16": lambda a: torch.tensor(np.asarray(a, dtype=float)).bfloat16(),
    "no rows": lambda a: a[:0],
    "one row": lambda a: a[:1],
    "flat": lambda a: a[:, 0],
    "ragged": lambda a: [[1.0, 2.0], [3.0]],
    "number": lambda a: 3,
    "string": lambda a: "latents",
    "nothing": lambda a: None,
    "dict": lambda a: {"a": 1},
}
# What numpy, torch and scipy say when nobody looked before them.
RAW = re.compile(
    "ufunc|could not convert|could not be broadcast|not aligned|operands|setting an array element|"
    "Singular matrix|did not converge|Can't call numpy|requires grad|object of type|no attribute|"
    "not subscriptable|unsupported operand|ambiguous|core dimension|index .* out of bounds|"
    "must be a real number|not supported between|zero-size array|inhomogeneous|ScalarType",
    re.IGNORECASE,
)


def numbers(result):
    """All numbers in a result, whatever holds them."""
    if isinstance(result, dict):
        result = [value for value in result.values() if value is not None]
    if isinstance(result, (list, tuple)):
        return np.concatenate([numbers(each) for each in result])
    if hasattr(result, "detach"):
        result = result.detach().float()
    return np.ravel(np.asarray(result, dtype=float))


@pytest.mark.parametrize("name", CALLS)
def test_the_valid_call(name):
    call, arrays = CALLS[name]
    assert np.isfinite(numbers(call(*arrays))).all()


@pytest.mark.parametrize("kind", SPOIL)
@pytest.mark.parametrize("name", CALLS)
def test_bad_input_is_an_error_in_our_words_or_a_finite_result(name, kind):
    call, arrays = CALLS[name]
    for i, array in enumerate(arrays):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            spoilt = SPOIL[kind](array)
            try:
                result = call(*arrays[:i], spoilt, *arrays[i + 1 :])
            except (ValueError, TypeError) as error:
                message = str(error)
            else:
                message = None
        if message is not None:
            assert not RAW.search(message), f"argument {i}: {message}"
            continue
        assert np.isfinite(numbers(result)).all(), f"argument {i}: {result}"
        assert kind not in ("nan", "infinity", "None", "pd.NA", "NaT", "masked", "complex")

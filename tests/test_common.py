"""scikit-learn's battery, and what else holds for every estimator, over every public estimator.

The estimators are found by walking the packages' ``__all__``, so that none can be forgotten. There
are no expected failures, no tags that shrink the battery, and the number of checks collected for
each estimator is written down here, so that a battery that shrinks fails.
"""

import inspect
import pickle
from collections import Counter
from functools import partial

import joblib
import numpy as np
import pytest
import sklearn
import torch
from numpydoc.docscrape import ClassDoc
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimators_partial_fit_n_features,
    check_global_output_transform_pandas,
    check_param_validation,
    check_set_output_transform,
    check_set_output_transform_pandas,
    check_set_output_transform_polars,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
    parametrize_with_checks,
)
from sklearn.utils.fixes import parse_version

from sklatent import VAE
from tests.discovery import public_estimators

ESTIMATORS = public_estimators()
SMALL_NETWORK = {"hidden_layer_sizes": (8,), "max_epochs": 3, "batch_size": 64}

# Only to be quick. What is not named here has its defaults.
PARAMETERS = {
    "Autoencoder": {"n_components": 2, **SMALL_NETWORK},
    "BetaTCVAE": {"n_components": 2, **SMALL_NETWORK},
    "ChannelHotspots": {"min_samples": 5},
    "ChannelSynthesizer": {"max_epochs": 20},
    "DIPVAE": {"n_components": 2, **SMALL_NETWORK},
    "FactorVAE": {"n_components": 2, "discriminator_layer_sizes": (8,), **SMALL_NETWORK},
    "FusedGridSearchCV": {
        "estimator": VAE(2, random_state=0, **SMALL_NETWORK),
        "param_grid": {"beta": [0.5, 1.0]},
        "cv": 2,
    },
    "FusedHalvingGridSearchCV": {
        "estimator": VAE(2, random_state=0, **SMALL_NETWORK),
        "param_grid": {"beta": [0.5, 1.0]},
        "factor": 2,
        "cv": 2,
    },
    "IncrementalMap": {"estimator": VAE(2, random_state=0, **SMALL_NETWORK), "n_points": 8},
    "LatentModel": {"n_components": 2, **SMALL_NETWORK},
    "RelativeAutoencoder": {"n_components": 2, "n_anchors": 8, **SMALL_NETWORK},
    "RelativeProjection": {"n_anchors": 8},
    "RosettaVAE": {"n_components": 2, **SMALL_NETWORK},
    "StitchingAligner": {"max_epochs": 20, "learning_rate": 0.01},
    # The data of these tests determine no map, so it is refused, and must be had all the same.
    "UnpairedAligner": {"n_init": 3, "strict": False},
    "TransformVAE": {"n_components": 2, "latent_layer_sizes": (8,), **SMALL_NETWORK},
    "VAE": {"n_components": 2, **SMALL_NETWORK},
    "VAEEnsemble": {"n_components": 2, "n_estimators": 2, **SMALL_NETWORK},
}

# What scikit-learn checks of its own estimators beyond the battery that it offers to others.
OF_EVERY_ESTIMATOR = [
    check_dataframe_column_names_consistency,
    check_estimators_partial_fit_n_features,
    check_param_validation,
]
OF_EVERY_TRANSFORMER = [
    check_global_output_transform_pandas,
    check_set_output_transform,
    check_set_output_transform_pandas,
    check_set_output_transform_polars,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
]

# Checks collected with the scikit-learn that constraints.txt pins.
PINNED = "1.9"
N_CHECKS = {
    "Autoencoder": 47,
    "BetaTCVAE": 47,
    "ChannelHotspots": 46,
    "ChannelSynthesizer": 41,
    "DIPVAE": 47,
    "FactorVAE": 47,
    "FusedGridSearchCV": 47,
    "FusedHalvingGridSearchCV": 47,
    "GroupAligner": 67,
    "ICPAligner": 59,
    "IncrementalMap": 47,
    "LatentModel": 47,
    "LatentStitcher": 58,
    "LinearAligner": 86,
    "RelativeAutoencoder": 47,
    "RelativeProjection": 47,
    "RigidAligner": 86,
    "RosettaVAE": 47,
    "StitchingAligner": 59,
    "TransformVAE": 47,
    "UnpairedAligner": 48,
    "VAE": 47,
    "VAEEnsemble": 47,
}


def make(name):
    """Construct an estimator as the tests want it."""
    cls = ESTIMATORS[name]
    parameters = dict(PARAMETERS.get(name, {}))
    if "random_state" in inspect.signature(cls).parameters:
        parameters["random_state"] = 0
    return cls(**parameters)


def make_data(dtype=np.float64):
    """Return rows in [0, 1], and as a target some other coordinates of them."""
    generator = np.random.default_rng(0)
    X = generator.uniform(size=(60, 5)).astype(dtype)
    return X, X @ generator.normal(size=(5, 5)).astype(dtype)


def fitted(name):
    """Construct an estimator and fit it."""
    X, y = make_data()
    return make(name).fit(X, y), X, y


def transformers():
    """Return the names of the estimators that transform."""
    return [name for name, cls in ESTIMATORS.items() if hasattr(cls, "transform")]


every_estimator = pytest.mark.parametrize("name", list(ESTIMATORS))
every_transformer = pytest.mark.parametrize("name", transformers())


BATTERY = parametrize_with_checks([make(name) for name in ESTIMATORS])
COLLECTED = list(BATTERY.args[1])  # which some versions of scikit-learn only generate


@pytest.mark.parametrize(BATTERY.args[0], COLLECTED, ids=BATTERY.kwargs["ids"])
def test_battery(estimator, check):
    check(estimator)


@every_estimator
@pytest.mark.parametrize("check", OF_EVERY_ESTIMATOR, ids=lambda check: check.__name__)
def test_beyond_the_battery(name, check):
    check(name, make(name))


@every_transformer
@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names:UserWarning")
@pytest.mark.parametrize("check", OF_EVERY_TRANSFORMER, ids=lambda check: check.__name__)
def test_transformer_beyond_the_battery(name, check):
    check(name, make(name))


def collected():
    """Return the names of the checks that pytest collected for each estimator."""
    checks = {name: [] for name in ESTIMATORS}
    for estimator, check in COLLECTED:
        assert isinstance(check, partial), "a check that is skipped or expected to fail"
        while isinstance(check, partial):
            check = check.func
        checks[type(estimator).__name__].append(check.__name__)
    return checks


@every_estimator
def test_number_of_checks(name):
    assert name in N_CHECKS, f"write down how many checks are collected for {name}"
    count = len(collected()[name])
    if parse_version(sklearn.__version__).base_version.startswith(PINNED + "."):
        assert count == N_CHECKS[name]
    else:
        assert count >= 0.8 * N_CHECKS[name]


def test_number_of_checks_names_no_stranger():
    assert set(N_CHECKS) == set(ESTIMATORS)
    assert set(PARAMETERS) <= set(ESTIMATORS)


@every_estimator
def test_no_tag_shrinks_the_battery(name):
    tags = get_tags(make(name))
    assert tags.requires_fit
    assert tags.input_tags.two_d_array
    assert not tags.input_tags.allow_nan
    assert not tags.input_tags.pairwise
    assert not tags.input_tags.positive_only
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test
    if tags.regressor_tags is not None:
        assert not tags.regressor_tags.poor_score


@every_estimator
def test_checks_of_its_kind_are_collected(name):
    """What the battery holds for is derived from what the class can do, not from its tags."""
    able, cls, found = make(name), ESTIMATORS[name], Counter(collected()[name])
    wanted = {
        "check_estimators_dtypes": 1,
        "check_estimators_nan_inf": 1,
        "check_estimators_pickle": 2,
        "check_fit2d_1sample": 1,
        "check_methods_subset_invariance": 1,
        "check_n_features_in": 1,
    }
    if hasattr(able, "transform"):
        wanted |= {"check_transformer_general": 2, "check_transformer_preserve_dtypes": 1}
    if hasattr(able, "predict") and hasattr(able, "score"):
        wanted |= {"check_regressors_train": 3, "check_regressor_multioutput": 1}
    if hasattr(able, "fit_predict"):
        wanted |= {"check_clustering": 2}
    if "sample_weight" in inspect.signature(cls.fit).parameters:
        wanted |= {"check_sample_weight_equivalence_on_dense_data": 1}
    for check, times in wanted.items():
        assert found[check] == times, check


@every_estimator
def test_constructor_is_plain(name):
    """No ``*args`` nor ``**kwargs``, and every parameter is kept as it came."""
    signature = inspect.signature(ESTIMATORS[name])
    for parameter in signature.parameters.values():
        assert parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    sentinels = {key: object() for key in signature.parameters}
    assert vars(ESTIMATORS[name](**sentinels)) == sentinels


@every_estimator
def test_every_parameter_is_documented_and_constrained(name):
    cls = ESTIMATORS[name]
    parameters = list(inspect.signature(cls).parameters)
    documented = [
        part.strip() for entry in ClassDoc(cls)["Parameters"] for part in entry.name.split(",")
    ]
    assert documented == parameters
    assert set(cls._parameter_constraints) == set(parameters)


@every_estimator
def test_fitted_attributes_are_documented(name):
    """What ends in an underscore after fit is in the docstring, and the other way round."""
    estimator = fitted(name)[0]
    public = {key for key in vars(estimator) if key.endswith("_") and not key.startswith("_")}
    properties = {
        key
        for key, value in inspect.getmembers(type(estimator))
        if isinstance(value, property) and key.endswith("_") and not key.startswith("_")
    }
    documented = {entry.name for entry in ClassDoc(type(estimator))["Attributes"]}
    assert public - {"n_features_in_", "feature_names_in_"} <= documented
    assert documented <= public | properties | {"n_features_in_", "feature_names_in_"}


def outputs(estimator, X):
    """Return what a fitted estimator says of X, by method, and the arrays that it learned."""
    methods = [
        name for name in ("transform", "predict", "score_samples") if hasattr(estimator, name)
    ]
    found = {name: getattr(estimator, name)(X) for name in methods}
    arrays = {key: value for key, value in vars(estimator).items() if key.endswith("_")}
    return found | {key: value for key, value in arrays.items() if isinstance(value, np.ndarray)}


def assert_same(found, expected):
    """Compare two results of `outputs`, to the bit."""
    assert found.keys() == expected.keys()
    assert found
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


@every_estimator
def test_fit_is_reproducible_and_clone_is_unfitted(name):
    estimator, X, y = fitted(name)
    copy = clone(estimator)
    assert not [key for key in vars(copy) if key.endswith("_") and not key.startswith("_")]
    assert_same(outputs(copy.fit(X, y), X), outputs(estimator, X))


@every_estimator
def test_pickle_and_joblib_keep_the_result(name, tmp_path):
    estimator, X, _ = fitted(name)
    expected = outputs(estimator, X)
    assert_same(outputs(pickle.loads(pickle.dumps(estimator)), X), expected)
    joblib.dump(estimator, tmp_path / "estimator")
    assert_same(outputs(joblib.load(tmp_path / "estimator"), X), expected)


@every_estimator
def test_global_random_state_is_left_as_found(name):
    X, y = make_data()
    before = np.random.get_state(), torch.get_rng_state()
    for random_state in (0, None):
        estimator = make(name)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=random_state)
        outputs(estimator.fit(X, y), X)
    after = np.random.get_state(), torch.get_rng_state()
    np.testing.assert_array_equal(after[0][1], before[0][1])
    assert after[0][2:] == before[0][2:]
    assert torch.equal(after[1], before[1])


@every_estimator
def test_result_does_not_depend_on_the_global_random_state(name):
    X, y = make_data()
    state, torch_state = np.random.get_state(), torch.get_rng_state()
    try:
        np.random.seed(1)
        torch.manual_seed(1)
        first = outputs(make(name).fit(X, y), X)
        np.random.seed(2)
        torch.manual_seed(2)
        assert_same(outputs(make(name).fit(X, y), X), first)
    finally:
        np.random.set_state(state)
        torch.set_rng_state(torch_state)


@every_estimator
def test_quiet_by_default(name, capfd):
    estimator, X, _ = fitted(name)
    outputs(estimator, X)
    assert capfd.readouterr() == ("", "")


@every_estimator
def test_html_repr(name):
    estimator = make(name)
    assert name in estimator._repr_html_()
    assert name in repr(estimator)
    assert "fitted" in fitted(name)[0]._repr_html_()


@every_transformer
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output(name, library):
    frames = pytest.importorskip(library)
    estimator, X, _ = fitted(name)
    expected = estimator.transform(X)
    frame = estimator.set_output(transform=library).transform(X)
    assert isinstance(frame, frames.DataFrame)
    assert list(frame.columns) == list(estimator.get_feature_names_out())
    np.testing.assert_array_equal(frame.to_numpy(), expected)


@every_transformer
def test_feature_names(name):
    """Frames in, names kept; names out carry the class's own name; wrong names are an error.

    Of a search it is the name of the model that it found.
    """
    pandas = pytest.importorskip("pandas")
    X, y = make_data()
    frame = pandas.DataFrame(X, columns=list("abcde"))
    estimator = make(name).fit(frame, y)
    assert list(estimator.feature_names_in_) == list("abcde")
    names = estimator.get_feature_names_out()
    width = estimator.transform(frame).shape[1]
    prefix = type(getattr(estimator, "best_estimator_", estimator)).__name__.lower()
    assert list(names) == [f"{prefix}{i}" for i in range(width)]
    with pytest.raises(ValueError, match="feature names"):
        estimator.transform(frame.rename(columns={"a": "z"}))

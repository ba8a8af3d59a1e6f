"""Bad input of every kind to every metric and scorer: an error in our words, or a finite result."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.tree import DecisionTreeClassifier

from sklatent import (
    VAE,
    ChannelFingerprints,
    Posterior,
    RosettaPoints,
    channels,
    metrics,
)
from tests.discovery import public_objects
from tests.judging import faults_of, numbers

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(60, 5))
FACTORS = np.indices((3, 4, 5)).reshape(3, -1).T[:, :2]
CODES = FACTORS + 0.1 * RNG.normal(size=FACTORS.shape)
OTHER = CODES @ np.array([[1.0, 0.5], [-0.5, 1.0]])
LOG_VAR = OTHER - 5
LATENTS = np.stack([CODES, OTHER, CODES + OTHER])
COUNTS = RNG.poisson(3, size=(30, 4)).astype(float)
IMAGES = RNG.uniform(size=(5, 16))
SQUARE = (1, 4, 4)
TREE = DecisionTreeClassifier(random_state=0)
DRAWS = {"n_train": 100, "n_eval": 50, "batch_size": 8}

UNFITTED = VAE(2, hidden_layer_sizes=(4,), max_epochs=1, random_state=0)
MODELS = [VAE(2, hidden_layer_sizes=(4,), max_epochs=1, random_state=s).fit(X) for s in range(5)]
LINEAR = PCA(2).fit(X)
POSTERIOR = Posterior(CODES, log_var=LOG_VAR)
FINGERPRINTS = ChannelFingerprints.from_posteriors(CODES.T, LOG_VAR.T)
BC = channels.bhattacharyya_coefficients(CODES, LOG_VAR)
POINTS = RosettaPoints(X[:6], LINEAR.transform(X[:6]))

CASES = {}


def case(function, name=None, then=None, **valid):
    """Note a valid call, and what is looked at of what it returns."""
    CASES[name or function.__name__] = (function, valid, then or (lambda result: result))


# Metrics
for function in (
    metrics.mutual_information_gap,
    metrics.modularity_score,
    metrics.interventional_robustness_score,
    metrics.explicitness_score,
    metrics.separated_attribute_predictability,
):
    case(function, codes=CODES, factors=FACTORS)
case(metrics.factor_vae_score, codes=CODES, factors=FACTORS, random_state=0, **DRAWS)
case(metrics.beta_vae_score, codes=CODES, factors=FACTORS, random_state=0, **DRAWS)
case(metrics.dci_scores, codes=CODES, factors=FACTORS, estimator=TREE, random_state=0)
for function in (
    metrics.linear_cka,
    metrics.cca_score,
    metrics.procrustes_distance,
    metrics.cknna_score,
    metrics.mutual_knn_score,
    metrics.neighborhood_jaccard_score,
):
    case(function, X=CODES, Y=OTHER)
case(metrics.rsa_score, X=X, Y=X[:, :4])
case(metrics.latent_space_distortion, Z=CODES, Z_target=OTHER, sample_weight=np.ones(60))
case(metrics.signed_permutation_report, Z=CODES, Z_target=OTHER)
case(metrics.consistency_score, latents=LATENTS)
case(metrics.pairwise_distance, latents=LATENTS, metric="procrustes")
case(metrics.retraining_variability, latents=LATENTS)
case(metrics.udr_scores, codes=LATENTS, kl=np.ones((3, 2)))
case(metrics.udr_scores, "udr_scores vi", codes=LATENTS, log_vars=LATENTS - 5.0, similarity="vi")


def of_each(function, **options):
    """Of a list of latents, each of which is spoilt by itself."""
    return lambda first, second, third: function([first, second, third], **options)


for function, options in (
    (metrics.consistency_score, {}),
    (metrics.pairwise_distance, {"metric": "procrustes"}),
    (metrics.retraining_variability, {}),
    (metrics.udr_scores, {}),
):
    each = dict(zip(("first", "second", "third"), LATENTS, strict=True))
    case(of_each(function, **options), f"{function.__name__} of a list", **each)
case(metrics.dci_from_importances, importances=np.abs(CODES))
case(metrics.linear_map_distortion, A=CODES[:2] + np.eye(2))
case(metrics.distance_to_signed_permutation, M=OTHER[:2])
case(metrics.active_components, posterior=POSTERIOR)
case(metrics.polarized_regime, posterior=POSTERIOR)
case(metrics.bures_distance, posterior=POSTERIOR, other=Posterior(OTHER, log_var=LOG_VAR))


def regime(mean, log_var):
    posterior = SimpleNamespace(mean=mean, log_var=log_var)
    return [metrics.active_components(posterior), metrics.polarized_regime(posterior)]


case(regime, "polarized_regime of arrays", mean=CODES, log_var=LOG_VAR)

# Scorers, as they are made and as they are called
case(metrics.reconstruction_scorer, estimator=LINEAR, X=X)
case(metrics.elbo_scorer, estimator=MODELS[0], X=X)
OF_MODELS = {
    "make_rosetta_scorer": {"points": POINTS},
    "make_bures_scorer": {"posterior_reference": MODELS[0].encode(X), "X_reference": X},
    "make_consistency_scorer": {"models": MODELS[:2]},
    "make_udr_scorer": {"models": MODELS[:2]},
    "make_active_components_scorer": {},
    "make_polarized_regime_scorer": {},
}


def scored(maker, estimator, settings):
    def score(X, y):
        return maker(**settings)(estimator, X, y)

    return score


def at_reference(estimator):
    return lambda scorer: scorer(estimator, X, FACTORS)


for maker in filter(inspect.isfunction, public_objects().values()):
    if not maker.__name__.startswith("make_") or not maker.__name__.endswith("_scorer"):
        continue
    known = inspect.signature(maker).parameters
    settings = {key: DRAWS[key] for key in DRAWS if key in known}
    settings |= {"estimator": TREE} if "estimator" in known else {}
    name, target, estimator = maker.__name__, FACTORS, LINEAR
    if name in OF_MODELS:
        settings |= OF_MODELS[name]
        fixed, estimator = {}, MODELS[0]
    elif "factors" in known:
        fixed = {"factors": FACTORS, "X_reference": X}
    else:
        target = X[:, :3] if name == "make_rsa_scorer" else LINEAR.transform(X)
        fixed = {"Z_reference": target, "X_reference": X}
        estimator = PCA(3).fit(X) if name == "make_rsa_scorer" else LINEAR
    case(maker, then=at_reference(estimator), **settings, **fixed)
    case(scored(maker, estimator, settings), f"{name} called", X=X, y=target)

# What a scorer has no use for.
IGNORED = {(f"{name} called", "y") for name in OF_MODELS} | {("make_bures_scorer called", "X")}


@pytest.mark.parametrize("name", CASES)
def test_the_valid_call(name):
    function, valid, then = CASES[name]
    assert np.isfinite(numbers(then(function(**valid)))).all()


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_an_error_in_our_words_or_a_finite_result(name):
    assert not faults_of(*CASES[name], ignored={p for n, p in IGNORED if n == name})

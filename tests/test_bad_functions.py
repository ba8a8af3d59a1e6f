"""Bad input of every kind to what is no metric and no estimator: functions, displays, anchors."""

from itertools import count

import numpy as np
import pytest
from sklearn.decomposition import PCA

from sklatent import (
    VAE,
    ChannelFingerprints,
    Posterior,
    ReproducibilityReport,
    RosettaPoints,
    TransformVAE,
    VAEEnsemble,
    alignment,
    alignment_report,
    channels,
    datasets,
    likelihoods,
    load,
    plotting,
    retrain,
    retraining_report,
    save,
    sequential_study,
    transformations,
)
from sklatent.model_selection import FusedGridSearchCV
from tests.judging import faults_of, numbers

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(24, 4))
Z = X @ RNG.normal(size=(4, 2))
W = Z @ np.array([[1.0, 0.5], [-0.5, 1.0]]) + 1
LOG_VAR = 0.1 * Z - 2
LABELS = np.arange(24) % 3
SHAPE = (1, 2, 2)
SMALL = {"hidden_layer_sizes": (3,), "max_epochs": 1, "random_state": 0}

MODELS = [VAE(2, image_shape=SHAPE, **SMALL).set_params(random_state=s).fit(X) for s in range(4)]
MODEL, LINEAR = MODELS[0], PCA(2).fit(X)
MOVING = TransformVAE(
    2, image_shape=SHAPE, transformation=transformations.RandomShift(0.1), batch_size=12, **SMALL
).fit(X)
ENSEMBLE = VAEEnsemble(2, n_estimators=2, **SMALL).fit(X)
SEARCH = FusedGridSearchCV(VAE(2, **SMALL), {"beta": [0.5, 1.0]}, cv=2).fit(X)
POSTERIOR = Posterior(Z, log_var=LOG_VAR)
PRINTS = ChannelFingerprints.from_posteriors(Z.T, LOG_VAR.T)
HOTSPOTS = channels.ChannelHotspots(min_samples=2).fit(ChannelFingerprints.from_models(MODELS, X))
POINTS = RosettaPoints(X[:6], Z[:6], feature_names=list("abcd"))
GROUP = alignment.GroupAligner().fit([Z, W])
BC = channels.bhattacharyya_coefficients(Z, LOG_VAR)

CASES = {}


def case(function, name=None, then=None, **valid):
    """Note a valid call, and what is looked at of what it returns."""
    CASES[name or function.__qualname__] = (function, valid, then or (lambda result: result))


# Which are taken as what they are: labels and names of rows, raw data that something else will
# look at, and in pictures blanks.
TAKEN = {
    "class_mean_anchors": {"labels"},
    "matched_rows": {"ids_a", "ids_b"},
    "ChannelFingerprints.from_labels": {"y"},
    "RosettaPoints.preprocess": {"X"},
}
# Only some of the attempts, where each takes long.
EVERY = {
    "ReproducibilityReport.from_models": 16,
    "sequential_study": 16,
    "ReachabilityDisplay": 6,
    "ReachabilityDisplay of hotspots": 4,
    "AlignmentReportDisplay": 4,
    "RosettaPoints.distill": 4,
    "retraining_report": 3,
    "TransformationDisplay of a model": 2,
    "SimilarityMatrixDisplay": 2,
}


def nothing(result):
    """For results that are no numbers."""
    return []


def without_overflow(result):
    """Logarithms of densities, and what is documented to be NaN: no error of ours."""
    return np.nan_to_num(result)


def of_posterior(posterior):
    return [posterior.mean, posterior.covariance, posterior.sample(0)]


def of_fingerprints(fingerprints):
    return fingerprints.information


def of_points(points):
    return [points.X, points.Z]


def of_frame(frame):
    return frame.select_dtypes("number").to_numpy()


# Posterior, anchors, files
case(Posterior, then=of_posterior, mean=Z, log_var=LOG_VAR)
full = np.tile(np.eye(2), (24, 1, 1))
case(Posterior, "Posterior with factors", of_posterior, mean=Z, scale_tril=full)
case(POSTERIOR.sample, "Posterior.sample")
case(POSTERIOR.log_prob, "Posterior.log_prob", without_overflow, Z=W)
case(RosettaPoints, then=of_points, X=X[:6], Z=Z[:6])
case(RosettaPoints.distill, then=of_points, model=MODEL, X=X, n_points=4, random_state=0)
case(POINTS.for_features, "RosettaPoints.for_features", of_points, names=list("dcba"))
case(lambda X: POINTS.preprocess(X).shape, "RosettaPoints.preprocess", X=X)
NOWHERE = "no_such_folder/no_such_file"
case(POINTS.save, "RosettaPoints.save", path=NOWHERE)
case(PRINTS.save, "ChannelFingerprints.save", path=NOWHERE)
case(save, model=MODEL, path=NOWHERE)
for reader in (load, RosettaPoints.load, ChannelFingerprints.load):
    case(reader, path=NOWHERE)

# Alignment
case(alignment.class_mean_anchors, X=Z, labels=LABELS)
case(alignment.matched_rows, ids_a=np.arange(24), ids_b=np.arange(24)[::-1])
case(alignment_report, then=lambda r: [r.r2, r.support], X=Z, y=W, kinds=("identity", "rigid"))
case(lambda first, second: alignment.GroupAligner().fit([first, second]).consensus_,
     "GroupAligner of a list", first=Z, second=W)  # fmt: skip
case(lambda Z: alignment.GroupAligner().fit([Z, W]).add(Z).transform(Z, space=2),
     "GroupAligner.add", Z=Z)  # fmt: skip
case(GROUP.transform, "GroupAligner.transform", X=Z, space=1)

# Channels
case(ChannelFingerprints.from_posteriors, then=of_fingerprints, means=Z.T, log_vars=LOG_VAR.T)
case(ChannelFingerprints.from_labels, then=of_fingerprints, y=LABELS)
case(ChannelFingerprints.from_models, then=of_fingerprints, models=MODELS[:2], X=X)
case(PRINTS.shuffled, "ChannelFingerprints.shuffled", of_fingerprints)
case(channels.bhattacharyya_coefficients, mean=Z, log_var=LOG_VAR)
case(channels.channel_information, bc=BC)
case(channels.normalized_mutual_information, then=without_overflow, bc_a=BC, bc_b=BC)
case(channels.variation_of_information, bc_a=BC, bc_b=BC)
case(channels.channel_similarity, fingerprints=PRINTS)
case(channels.monte_carlo_information, mean=Z, log_var=LOG_VAR, n_draws=50)
case(channels.monte_carlo_similarity, then=nothing,
     mean_a=Z, log_var_a=LOG_VAR, mean_b=W, log_var_b=LOG_VAR, n_draws=50)  # fmt: skip
case(channels.neighbor_distance_variability, means=Z)

# Data sets
case(datasets.make_affine_digits, X=X, random_state=0)
case(datasets.make_eight_gaussians, n_samples=8)
case(datasets.make_hue_circle, n_samples=8)
case(datasets.make_sprites, n_samples=3, factors={"shape": 0, "scale": 0, "orientation": 0})
for loader in (datasets.load_idx, datasets.load_npz, datasets.load_dsprites):
    case(loader, path=NOWHERE)

# Transformations
TRANSFORMATIONS = [
    transformations.RandomShift,
    transformations.RandomScaling,
    transformations.RandomRotation,
    transformations.RandomAffine,
    transformations.RandomCrop,
]
for cls in TRANSFORMATIONS:
    name = cls.__name__
    case(cls().sample, f"{name}.sample", X=X, random_state=0, image_shape=SHAPE)
    case(cls, then=lambda made: made.sample(X, 0, SHAPE))
case(transformations.Compose, then=lambda made: made.sample(X, 0),
     transformations=[transformations.RandomShift()])  # fmt: skip
case(transformations.FunctionPair, then=lambda made: made.sample(X, 0),
     forward=lambda x: x + 1, inverse=lambda x: x - 1)  # fmt: skip


# Likelihoods, as a model takes them
def trained(likelihood):
    return VAE(2, likelihood=likelihood, **SMALL).fit((X > 0.5) * 1.0).transform(X > 0.5)


for cls in (
    likelihoods.Gaussian,
    likelihoods.Poisson,
    likelihoods.NegativeBinomial,
):
    case(cls, then=trained)
HOT = np.eye(4)[np.arange(24) % 4]
case(
    likelihoods.Categorical, then=lambda made: VAE(2, likelihood=made, **SMALL).fit(HOT).score(HOT)
)
case(likelihoods.Mixed, then=trained, parts=[(slice(0, 4), "gaussian")])

# Studies
case(retrain, then=nothing, model=VAE(2, **SMALL), X=X, n_runs=2)
case(retraining_report, then=of_frame, models=MODELS, X=X)
case(sequential_study, then=nothing, model=VAE(2, **SMALL), X_first=X, X_second=X[::-1] ** 2,
     n_points=4, n_runs=2, beta=0.01)  # fmt: skip
case(ReproducibilityReport.from_models, then=nothing, models=MODELS, X=X)

# Displays
D = plotting


case(D.EmbeddingDisplay.from_estimator, "EmbeddingDisplay of a model", nothing,
     estimator=MODEL, X=X, y=LABELS)  # fmt: skip
case(D.EmbeddingDisplay.from_predictions, "EmbeddingDisplay", nothing, Z=Z)
case(D.LatentTraversalDisplay.from_estimator, "LatentTraversalDisplay of a model",
     lambda made: made.images, estimator=MODEL, X=X, image_shape=SHAPE)  # fmt: skip
images = RNG.uniform(size=(1, 2, 3, 4))
case(D.LatentTraversalDisplay.from_predictions, "LatentTraversalDisplay", nothing,
     images=images, values=np.arange(3.0))  # fmt: skip
case(D.LinearMapDisplay.from_predictions, "LinearMapDisplay", nothing, matrix=Z[:2])
case(D.PolarizedRegimeDisplay.from_estimator, "PolarizedRegimeDisplay of models", nothing,
     estimator=MODEL, X=X)  # fmt: skip
case(D.PolarizedRegimeDisplay.from_predictions, "PolarizedRegimeDisplay", nothing,
     posterior=POSTERIOR)  # fmt: skip
case(D.ReachabilityDisplay.from_estimator, "ReachabilityDisplay of hotspots", nothing,
     estimator=HOTSPOTS)  # fmt: skip
case(D.ReachabilityDisplay.from_predictions, "ReachabilityDisplay", nothing,
     reachability=np.arange(4.0), similarity=np.eye(4))  # fmt: skip
case(D.ReconstructionDisplay.from_estimator, "ReconstructionDisplay of a model", nothing,
     estimator=MODEL, X=X, image_shape=SHAPE)  # fmt: skip
case(D.ReconstructionDisplay.from_predictions, "ReconstructionDisplay", nothing,
     X=X[:3], X_reconstructed=X[:3], image_shape=SHAPE)  # fmt: skip
case(D.SearchDisplay.from_estimator, "SearchDisplay of a search", nothing, estimator=SEARCH)
case(D.SimilarityMatrixDisplay.from_estimator, "SimilarityMatrixDisplay of models", nothing,
     estimator=MODELS[:2], X=X)  # fmt: skip
case(D.SimilarityMatrixDisplay.from_predictions, "SimilarityMatrixDisplay", nothing,
     similarity=np.eye(4))  # fmt: skip
case(D.TransformationDisplay.from_estimator, "TransformationDisplay of a model", nothing,
     estimator=MOVING, X=X, random_state=0)  # fmt: skip
case(D.TransformationDisplay.from_predictions, "TransformationDisplay", nothing,
     images=RNG.uniform(size=(2, 3, 4)), row_labels=["a", "b"], image_shape=SHAPE)  # fmt: skip
case(D.AlignmentReportDisplay.from_predictions, "AlignmentReportDisplay", nothing, X=Z, y=W)
case(D.LinearMapDisplay.from_estimator, "LinearMapDisplay of an aligner", nothing,
     estimator=alignment.LinearAligner().fit(Z, W))  # fmt: skip


DISPLAYS = {name for name in CASES if "Display" in name}
SAVED = {name for name, (_, valid, _) in CASES.items() if valid.get("path") == NOWHERE}


def attempts_of(name):
    """Which parameters and kinds to try of a function."""
    turn = count()
    every = EVERY.get(name, 1)

    def only(parameter, kind):
        # Nothing is at NOWHERE, and whatever else is wrong is found after that.
        possible = parameter == "path" or name not in SAVED
        return possible and next(turn) % every == 0

    return only


@pytest.mark.parametrize("name", [name for name in CASES if name not in SAVED])
def test_the_valid_call(name):
    function, valid, then = CASES[name]
    assert np.isfinite(numbers(then(function(**valid)))).all()


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_an_error_in_our_words_or_a_finite_result(name):
    taken = set(CASES[name][1]) if name in DISPLAYS else TAKEN.get(name, ())
    assert not faults_of(*CASES[name], ignored=taken, only=attempts_of(name))


def test_displays_refuse_latents_without_a_place():
    """What is drawn as colour may be blank, but no point can be where NaN is."""
    for bad in (np.nan, np.inf):
        spoilt = Z.copy()
        spoilt[0, 0] = bad
        with pytest.raises(ValueError, match="Z .*NaN or infinity"):
            plotting.EmbeddingDisplay.from_predictions(spoilt)

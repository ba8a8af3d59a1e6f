"""What each estimator learns: the only attributes that a file may hold, one line each.

A class has its own lines and those of the classes that it is derived from. Saving an attribute that
has no line is an error, so that none is forgotten; see :mod:`sklatent._utils.kinds` for how lines
read.
"""

import numpy as np

from sklatent.models._covariates import find_covariates

_ALIGNER = {
    "_target_ndim": "count",
    "n_targets_": "count",
}
_AFFINE = {
    "coef_": "float[n_targets_, n_features_in_]",
    "intercept_": "float[n_targets_]",
    "rank_": "count",
}
_ANCHORS = {
    # As many as were given, whatever the parameter n_anchors says beside them.
    "anchors_": "float[n_given, n_features_in_]",
    "anchor_indices_": "int[n_given] | none?",
}

LEARNED = {
    "LatentModel": {
        "_seed": "count",
        "net_": "net",
        "n_components_": "count",
        "n_epochs_": "count",
        "history_": "history",
        "covariates_": "int[n_covariates]?",
        "start_variances_": "float[...] | none?",
        "start_gaps_": "real[...] | none?",
        "start_sign_stability_": "real[...] | none?",
    },
    "VAEEnsemble": {
        "linear_maps_": "float[n_estimators, n_estimators, n_components_, n_components_]",
        "estimators_": "*estimator",
    },
    "IncrementalMap": {
        "model_": "estimator",
        "aligner_": "estimator | none",
        "steps_": "estimator | none",
        "points_": "points",
        "_updates": "history",
        "new_covariates_": "any[n_new]?",
        "_bases": "*estimator?",
    },
    "TransformVAE": {"n_views_": "count"},
    "Autoencoder": {
        "encoder_": "estimator | none",
        "_n_inputs": "count | none",
        "_n_latents": "count?",
    },
    "RelativeAutoencoder": _ANCHORS,
    "RelativeProjection": _ANCHORS,
    "LinearAligner": _ALIGNER | _AFFINE | {"alpha_": "number?"},
    "GroupAligner": {
        "sample_ids_": "any[n_rows]",
        "n_iter_": "count",
        "consensus_": "float[n_rows, n_features_in_]",
        "spaces_": "*estimator",
    },
    "ICPAligner": _ALIGNER | _AFFINE | {"distances_": "float[n_distances]", "n_iter_": "count"},
    "RigidAligner": _ALIGNER
    | {
        "rotation_": "float[n_features_in_, n_targets_]",
        "scale_": "number",
        "intercept_": "float[n_targets_]",
        "rank_": "count",
    },
    "StitchingAligner": _ALIGNER
    | {
        "history_": "history",
        "n_epochs_": "count",
        "coefs_": "*float[...]",
        "intercepts_": "*float[...]",
        "inverse_coefs_": "*float[...]",
        "inverse_intercepts_": "*float[...]",
    },
    "UnpairedAligner": {
        "_is_space": "flag",
        "n_targets_": "count",
        "coef_": "float[n_targets_, n_features_in_]",
        "intercept_": "float[n_targets_]",
        "accepted_": "flag",
        "confidence_": "number",
        "margin_": "anynumber",
        "fit_": "number",
        "reason_": "word",
    },
    "LatentStitcher": _ALIGNER
    | {
        "encoder_": "estimator | none",
        "decoder_": "estimator | none",
        "aligner_": "estimator | none",
    },
    "ChannelHotspots": {
        "fingerprints_": "fingerprints",
        "information_": "float[n_channels]",
        "similarity_": "real[n_channels, n_channels]",
        "reachability_": "real[n_channels]",
        "optics_labels_": "int[n_channels]",
        "null_similarity_": "anynumber",
        "ordering_": "int[n_channels]",
        "labels_": "int[n_channels]",
        "representatives_": "int[n_hotspots]",
        "group_similarity_": "real[n_hotspots]",
        "p_values_": "real[n_hotspots]?",
    },
    "ChannelSynthesizer": {
        "history_": "history",
        "posterior_": "posterior",
        "fingerprint_": "fingerprints",
        "similarity_": "real[n_channels]",
    },
}


def _model_agrees(model, learned):
    if learned.get("encoder_") is None and learned["n_components_"] != model.n_components:
        raise ValueError(
            f"n_components is {model.n_components}, but what was fitted has "
            f"{learned['n_components_']}; fit the model again after changing parameters"
        )
    _history_agrees(model, learned)
    n_features, names = learned.get("n_features_in_"), learned.get("feature_names_in_")
    if n_features is not None:
        told = find_covariates(model.covariates, n_features, names)
        if not np.array_equal(told, learned.get("covariates_", told[:0])):
            raise ValueError(
                f"covariates={model.covariates!r} are other columns than what was fitted has; fit "
                "the model again after changing parameters"
            )
    if "feature_names_in_" in learned and "n_features_in_" not in learned:
        raise ValueError("feature names without a number of features")


def _history_agrees(model, learned):
    # An ensemble's member has epochs behind it of which there is no record.
    if learned["history_"] and learned["n_epochs_"] != len(learned["history_"]):
        raise ValueError(
            f"n_epochs_ is {learned['n_epochs_']}, but history_ has "
            f"{len(learned['history_'])} epochs"
        )


def _ensemble_agrees(model, learned):
    if len(learned["estimators_"]) != model.n_estimators:
        raise ValueError(
            f"n_estimators is {model.n_estimators}, but there are "
            f"{len(learned['estimators_'])}; fit the model again after changing parameters"
        )


def _affine_agrees(aligner, learned):
    if learned["rank_"] > learned["n_features_in_"]:
        raise ValueError(f"rank_ is {learned['rank_']}, more than there are features")


def _anchors_agree(estimator, learned):
    rows = learned.get("anchor_indices_")
    if rows is not None and (len(set(rows.tolist())) != len(rows) or (rows < 0).any()):
        raise ValueError("anchor_indices_ are no different rows")


def _hotspots_agree(hotspots, learned):
    n = len(learned["labels_"])
    if len(learned["fingerprints_"]) != n:
        raise ValueError("labels_ and fingerprints_ are of different numbers of channels")
    if sorted(learned["ordering_"].tolist()) != list(range(n)):
        raise ValueError("ordering_ is no order of the channels")
    representatives = learned["representatives_"]
    if ((representatives < 0) | (representatives >= n)).any():
        raise ValueError("representatives_ are no channels")
    labels = learned["labels_"]
    if n and (labels.min() < -1 or labels.max() >= len(representatives)):
        raise ValueError("labels_ are of hotspots that have no representative")


def _stitching_agrees(aligner, learned):
    _history_agrees(aligner, learned)
    widths = [learned["n_features_in_"], learned["n_targets_"]]
    for prefix, (first, last) in (("", widths), ("inverse_", widths[::-1])):
        weights, biases = learned[f"{prefix}coefs_"], learned[f"{prefix}intercepts_"]
        shapes = [first]
        for weight, bias in zip(weights, biases, strict=True):
            if weight.ndim != 2 or weight.shape[0] != shapes[-1] or bias.shape != weight.shape[1:]:
                raise ValueError(f"{prefix}coefs_ are no layers after each other")
            shapes.append(weight.shape[1])
        if shapes[-1] != last or len(weights) == 0:
            raise ValueError(f"{prefix}coefs_ do not lead to {last} columns")


def _synthesizer_agrees(synthesizer, learned):
    mean = learned["posterior_"].mean
    if learned["fingerprint_"].n_samples != len(mean) or not np.isfinite(mean).all():
        raise ValueError("posterior_ and fingerprint_ are of different samples")


AGREEMENT = {
    "LatentModel": _model_agrees,
    "VAEEnsemble": _ensemble_agrees,
    "LinearAligner": _affine_agrees,
    "ICPAligner": _affine_agrees,
    "RelativeAutoencoder": _anchors_agree,
    "RelativeProjection": _anchors_agree,
    "ChannelHotspots": _hotspots_agree,
    "ChannelSynthesizer": _synthesizer_agrees,
    "StitchingAligner": _stitching_agrees,
}

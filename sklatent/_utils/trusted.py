"""scikit-learn's transformers that a file may hold, and what each of them learns.

A list of ours and not skops: skops trusts a class with all that a file says of it, where here every
attribute has its kind and shape, as our own estimators' have, and its files are another format.
"""

import importlib

import numpy as np

_N = "n_features_in_"
_COUNTS = f"number | int[{_N}] | float[{_N}]"
_PCA = {
    "components_": f"float[n_axes, {_N}]",
    "explained_variance_": "real[n_axes]",
    "explained_variance_ratio_": "real[n_axes]",
    "singular_values_": "float[n_axes]",
}
_CATEGORIES = {
    "categories_": "*any[...]",
    "_infrequent_enabled": "flag",
    "_infrequent_indices": "columns?",
    "_default_to_infrequent_mappings": "columns?",
}

_TABLE = {
    "sklearn.preprocessing": {
        "StandardScaler": {
            "mean_": f"float[{_N}] | none",
            "var_": f"float[{_N}] | none",
            "scale_": f"positive[{_N}] | none",
            "n_samples_seen_": _COUNTS,
        },
        "MinMaxScaler": {
            "min_": f"real[{_N}]",
            "scale_": f"real[{_N}]",
            "data_min_": f"real[{_N}]",
            "data_max_": f"real[{_N}]",
            "data_range_": f"real[{_N}]",
            "n_samples_seen_": "count",
        },
        "MaxAbsScaler": {
            "max_abs_": f"real[{_N}]",
            "scale_": f"real[{_N}]",
            "n_samples_seen_": "count",
        },
        "RobustScaler": {"center_": f"float[{_N}] | none", "scale_": f"positive[{_N}] | none"},
        "Normalizer": {},
        "Binarizer": {},
        "FunctionTransformer": {},
        "PowerTransformer": {"lambdas_": f"real[{_N}]", "_scaler": "estimator?"},
        "QuantileTransformer": {
            "n_quantiles_": "count",
            "references_": "float[n_quantiles_]",
            "quantiles_": f"real[n_quantiles_, {_N}]",
        },
        "KBinsDiscretizer": {
            "bin_edges_": f"objects[{_N}]",
            "n_bins_": f"int[{_N}]",
            "_encoder": "estimator?",
        },
        "PolynomialFeatures": {
            "_min_degree": "count",
            "_max_degree": "count",
            "n_output_features_": "count",
            "_n_out_full": "count",
        },
        "OneHotEncoder": _CATEGORIES
        | {
            "drop_idx_": f"objects[{_N}] | none",
            "_drop_idx_after_grouping": f"objects[{_N}] | none",
            "_n_features_outs": "columns",
        },
        "OrdinalEncoder": _CATEGORIES | {"_missing_indices": "missing"},
    },
    "sklearn.impute": {
        "SimpleImputer": {
            "statistics_": f"any[{_N}]",
            "_fit_dtype": "dtype",
            "_fill_dtype": "dtype",
            "indicator_": "estimator | none",
        },
        "MissingIndicator": {
            "features_": "int[n_indicated]",
            "_n_features": "count",
            "_precomputed": "flag",
        },
        "KNNImputer": {
            "_fit_X": f"real[n_rows, {_N}]",
            "_mask_fit_X": f"bool[n_rows, {_N}]",
            "_valid_mask": f"bool[{_N}]",
            "indicator_": "estimator | none",
        },
    },
    "sklearn.decomposition": {
        "PCA": _PCA
        | {
            "mean_": f"float[{_N}]",
            "noise_variance_": "number",
            "n_samples_": "count",
            "n_components_": "count",
            "_fit_svd_solver": "word",
        },
        "TruncatedSVD": _PCA,
        "IncrementalPCA": _PCA
        | {
            "mean_": f"float[{_N}]",
            "var_": f"float[{_N}]",
            "noise_variance_": "number",
            "n_samples_seen_": "number",
            "n_components_": "count",
            "batch_size_": "count",
        },
        "FactorAnalysis": {
            "mean_": f"float[{_N}]",
            "components_": f"float[n_axes, {_N}]",
            "noise_variance_": f"float[{_N}]",
            "loglike_": "columns",
            "n_iter_": "count",
        },
        "FastICA": {
            "components_": f"float[n_axes, {_N}]",
            "mean_": f"float[{_N}]?",
            "whitening_": f"float[n_axes, {_N}]?",
            "mixing_": f"float[{_N}, n_axes]",
            "_unmixing": "float[n_axes, n_axes]",
            "n_iter_": "count",
        },
    },
    "sklearn.feature_selection": {"VarianceThreshold": {"variances_": f"real[{_N}]"}},
    "sklearn.compose": {
        "ColumnTransformer": {
            "transformers_": "steps",
            "_columns": "columns",
            "_transformer_to_input_indices": "positions",
            "_remainder": "steps",
            "_n_features": "count?",
            "sparse_output_": "flag",
            "output_indices_": "slices",
            "_name_to_fitted_passthrough": "columns?",
        },
    },
    "sklearn.frozen": {"FrozenEstimator": {}},
    "sklearn.pipeline": {"Pipeline": {}, "FeatureUnion": {}},
}
TRUSTED = {name: lines for names in _TABLE.values() for name, lines in names.items()}
# Functions that a FunctionTransformer may apply without being code of the user's own.
FUNCTIONS = {
    name: getattr(np, name)
    for name in (
        "abs", "absolute", "arcsinh", "cbrt", "ceil", "cos", "exp", "exp2", "expm1", "float_power",
        "floor", "log", "log10", "log1p", "log2", "negative", "reciprocal", "rint", "sign", "sin",
        "sinh", "sqrt", "square", "tan", "tanh",
    )
}  # fmt: skip


def trusted_class(name):
    """Return scikit-learn's class of that name if it is on the list; None otherwise."""
    for module, names in _TABLE.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    return None

"""Pipelines in one file: numbers under names, read in a process that never saw the data."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import NMF, PCA, FactorAnalysis, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

import sklatent
from sklatent import VAE, LinearAligner
from sklatent._utils.files import read_file, write_file
from sklatent._utils.trusted import TRUSTED
from sklatent.persistence._earlier import SCHEMA_VERSION

SMALL = {"n_components": 2, "hidden_layer_sizes": (8,), "max_epochs": 2, "random_state": 0}
NUMBERS = np.random.default_rng(0).uniform(0.1, 1, size=(60, 5))
GAPS = np.where(np.random.default_rng(1).uniform(size=NUMBERS.shape) < 0.1, np.nan, NUMBERS)
WORDS = pd.DataFrame({"a": list("abca") * 15, "b": [1.0, 2.0, 3.0, 4.0] * 15})

STEPS = {
    "standard": (StandardScaler(), NUMBERS),
    "standard_with_gaps": (StandardScaler(with_mean=False), GAPS),
    "minmax": (MinMaxScaler(), NUMBERS),
    "maxabs": (MaxAbsScaler(), NUMBERS),
    "robust": (RobustScaler(with_centering=False), NUMBERS),
    "normalizer": (Normalizer(), NUMBERS),
    "binarizer": (Binarizer(threshold=0.5), NUMBERS),
    "log1p": (FunctionTransformer(np.log1p), NUMBERS),
    "power": (PowerTransformer(), NUMBERS),
    "quantile": (QuantileTransformer(n_quantiles=10), NUMBERS),
    "bins": (KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), NUMBERS),
    "polynomial": (PolynomialFeatures(), NUMBERS),
    "one_hot": (OneHotEncoder(), WORDS),
    "one_hot_infrequent": (
        OneHotEncoder(min_frequency=20, drop="first", handle_unknown="infrequent_if_exist"),
        WORDS,
    ),
    "ordinal": (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), WORDS),
    "mean": (SimpleImputer(add_indicator=True), GAPS),
    "most_frequent": (SimpleImputer(strategy="most_frequent"), WORDS),
    "neighbours": (KNNImputer(), GAPS),
    "indicator": (MissingIndicator(features="all"), GAPS),
    "pca": (PCA(2, whiten=True), NUMBERS),
    "svd": (TruncatedSVD(2, random_state=0), NUMBERS),
    "incremental": (IncrementalPCA(2), NUMBERS),
    "factors": (FactorAnalysis(2), NUMBERS),
    "ica": (FastICA(2, random_state=0, whiten="unit-variance"), NUMBERS),
    "threshold": (VarianceThreshold(), NUMBERS),
    "union": (FeatureUnion([("s", StandardScaler()), ("p", PCA(2))]), NUMBERS),
    "columns": (
        ColumnTransformer(
            [("o", OneHotEncoder(), ["a"]), ("s", StandardScaler(), ["b"]), ("d", "drop", [])]
        ),
        WORDS,
    ),
    "remainder": (
        ColumnTransformer([("o", OneHotEncoder(), [0])], remainder=StandardScaler()), WORDS
    ),
    "passthrough": (
        ColumnTransformer([("o", OneHotEncoder(), slice(0, 1))], remainder="passthrough"), WORDS
    ),
    "nested": (make_pipeline(SimpleImputer(), make_pipeline("passthrough", PCA(2))), GAPS),
}  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pipeline.safetensors"


def dense(X):
    return X.toarray() if hasattr(X, "toarray") else np.asarray(X)


@pytest.mark.parametrize("name", STEPS)
def test_every_step(name, path):
    step, X = STEPS[name]
    pipeline = make_pipeline(step).fit(X)
    sklatent.save(pipeline, path)
    loaded = sklatent.load(path)
    # IncrementalPCA keeps a part of an array; BLAS may round otherwise on a whole one.
    precision = {"rtol": 1e-12, "atol": 1e-14} if name == "incremental" else {"rtol": 0, "atol": 0}
    expected, found = (dense(each.transform(X)) for each in (pipeline, loaded))
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, **precision)
    np.testing.assert_array_equal(found.shape, expected.shape)
    assert found.dtype == expected.dtype
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
    if name != "log1p":  # a function says nothing of its columns
        names = loaded.get_feature_names_out()
        np.testing.assert_array_equal(names, pipeline.get_feature_names_out())
    loaded.fit(X)


def test_no_trusted_class_is_untested():
    seen = {type(step).__name__ for step, _ in STEPS.values()}
    assert seen | {"FrozenEstimator"} == set(TRUSTED)  # a stitcher's parts are frozen


def test_in_another_process(path, tmp_path):
    """A table's columns, its gaps and its words, to latents and back."""
    raw = WORDS.assign(c=GAPS[:, 0])
    columns = ColumnTransformer(
        [
            ("word", OneHotEncoder(sparse_output=False), ["a"]),
            ("number", make_pipeline(SimpleImputer(), StandardScaler()), ["b", "c"]),
        ]
    )
    pipeline = make_pipeline(columns, VAE(**SMALL)).fit(raw)
    sklatent.save(pipeline, path)
    raw.to_csv(tmp_path / "raw.csv", index=False)
    code = (
        "import sys, numpy as np, pandas as pd, sklatent\n"
        "pipeline = sklatent.load(sys.argv[1])\n"
        "np.save(sys.argv[3], pipeline.transform(pd.read_csv(sys.argv[2])))\n"
    )
    files = [str(path), str(tmp_path / "raw.csv"), str(tmp_path / "out.npy")]
    subprocess.run([sys.executable, "-c", code, *files], check=True)
    np.testing.assert_allclose(np.load(files[2]), pipeline.transform(raw), rtol=1e-6, atol=1e-7)


def test_a_model_in_a_pipeline_goes_on(path):
    pipeline = make_pipeline(MinMaxScaler(), VAE(**SMALL)).fit(NUMBERS)
    sklatent.save(pipeline, path)
    loaded = sklatent.load(path)
    assert loaded.score(NUMBERS) == pipeline.score(NUMBERS)
    Z = pipeline.transform(NUMBERS)
    np.testing.assert_array_equal(loaded.inverse_transform(Z), pipeline.inverse_transform(Z))
    loaded.fit(NUMBERS)
    np.testing.assert_array_equal(loaded.transform(NUMBERS), Z)


class Halve(TransformerMixin, BaseEstimator):
    """A step of the user's own."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X / 2


def test_foreign_steps_are_handed_back(path):
    pipeline = make_pipeline(Halve(), VAE(**SMALL)).fit(NUMBERS)
    sklatent.save(pipeline, path)
    name = f"{__name__}.Halve"
    with pytest.raises(ValueError, match=rf"code that no file holds: .*{name}"):
        sklatent.load(path)
    loaded = sklatent.load(path, custom_objects={name: pipeline[0]})
    np.testing.assert_array_equal(loaded.transform(NUMBERS), pipeline.transform(NUMBERS))


def test_code_in_trusted_steps_is_handed_back(path):
    columns = ColumnTransformer([("s", StandardScaler(), make_column_selector("b"))])
    pipeline = make_pipeline(columns, FunctionTransformer(half)).fit(WORDS)
    sklatent.save(pipeline, path)
    with pytest.raises(ValueError, match="make_column_selector") as error:
        sklatent.load(path)
    assert f"{__name__}.half" in str(error.value)
    given = {
        f"{__name__}.half": half,
        "sklearn.compose._column_transformer.make_column_selector": columns.transformers[0][2],
    }
    loaded = sklatent.load(path, custom_objects=given)
    np.testing.assert_array_equal(loaded.transform(WORDS), pipeline.transform(WORDS))


def half(X):
    return X / 2


def test_unfitted_pipeline(path):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        sklatent.save(make_pipeline(StandardScaler(), LinearAligner()), path)
    assert not path.exists()


def test_what_is_not_on_the_list(path):
    with pytest.raises(TypeError, match="Only sklatent's own"):
        sklatent.save(NMF(2, max_iter=500).fit(NUMBERS), path)


def test_a_file_can_not_set_what_a_step_does_not_learn(path):
    """A class that is trusted is not trusted with everything."""
    sklatent.save(make_pipeline(StandardScaler()).fit(NUMBERS), path)
    arrays, envelope = read_file(path, kind="a fitted model", schema_version=SCHEMA_VERSION)
    for name, value in (
        ("_doc_link_template", "javascript:alert(1)"),
        ("_parameter_constraints", {"dict": []}),
        ("transform", 1),
        ("mean_", {"strings": ["a"] * 5, "shape": [5], "dtype": "object"}),
        ("mean_", 3.0),
        ("n_features_in_", 4),
    ):
        metadata = {"model": _copy(envelope["metadata"]["model"])}
        step = metadata["model"]["parameters"]["steps"][0]["tuple"][1]
        step["learned"][name] = value
        write_file(path, arrays, metadata, kind="a fitted model", schema_version=SCHEMA_VERSION)
        with pytest.raises(ValueError, match="makes no model of this sklatent"):
            sklatent.load(path)


def _learned(value, path=()):
    """Where something learned stands in a file's JSON: path and name."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if key == "learned":
            yield from (((*path, key), name) for name in item)
        if isinstance(item, (dict, list)):
            yield from _learned(item, (*path, key))


@pytest.mark.parametrize("name", STEPS)
def test_a_step_without_one_thing_that_it_learned(name, path):
    """Refused, or it does without: a scaler that had lost its width was read and then failed."""
    step, X = STEPS[name]
    pipeline = make_pipeline(step).fit(X)
    sklatent.save(pipeline, path)
    expected = dense(pipeline.transform(X))
    arrays, envelope = read_file(path, kind="a fitted model", schema_version=SCHEMA_VERSION)
    refused = 0
    for place, key in list(_learned(envelope["metadata"])):
        metadata = parent = _copy(envelope["metadata"])
        for part in place:
            parent = parent[part]
        del parent[key]
        write_file(path, arrays, metadata, kind="a fitted model", schema_version=SCHEMA_VERSION)
        try:
            loaded = sklatent.load(path)
        except ValueError:
            refused += 1
        else:
            assert key in ("feature_names_in_", "_sklearn_output_config") or name == "log1p", key
            np.testing.assert_array_equal(dense(loaded.transform(X)), expected)
    assert refused or name == "log1p"


def _copy(value):
    import json

    return json.loads(json.dumps(value))

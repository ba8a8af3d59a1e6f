"""RosettaPoints: what is chosen, what is kept, what is refused."""

import copy
import os
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from sklatent import RosettaPoints
from sklatent._posterior import Posterior
from sklatent._utils.files import read_file, write_file
from sklatent.rosetta._distillation import center_and_scale, centroids, nearest_distinct_rows

FIXTURES = os.path.join(os.path.dirname(__file__), "..", "fixtures")

METHODS = ["kmeans", "agglomerative", "gmm", "random"]


@pytest.fixture(scope="module")
def X():
    return load_digits(return_X_y=True)[0][:600]


@pytest.fixture(scope="module")
def model(X):
    return PCA(n_components=5, random_state=0).fit(X)


class GaussianPCA(PCA):
    """A PCA with posteriors, standing in for a VAE."""

    def encode(self, X):
        mean = self.transform(X)
        if self.whiten:
            return Posterior(mean, scale_tril=np.eye(mean.shape[1]) * np.ones((len(mean), 1, 1)))
        return Posterior(mean, log_var=-np.abs(mean))


class Identity(TransformerMixin, BaseEstimator):
    """Latents equal to inputs, as any model without parameters."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X)


# --- choosing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_anchors_are_samples_and_their_encodings(X, model, method):
    points = RosettaPoints.distill(model, X, n_points=20, method=method, random_state=0)
    assert len(points) == 20
    assert points.X.shape == (20, 64)
    assert points.Z.shape == (20, 5)
    np.testing.assert_allclose(points.Z, model.transform(points.X), atol=1e-9)
    rows = cdist(points.X, X).argmin(axis=1)
    np.testing.assert_array_equal(X[rows], points.X)
    assert len(set(rows)) == 20


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_points", [1, 25])
def test_each_sample_at_most_once_up_to_all(model, X, method, n_points):
    points = RosettaPoints.distill(model, X[:25], n_points, method=method, random_state=0)
    assert len(np.unique(points.X, axis=0)) == n_points


@pytest.mark.parametrize("method", ["kmeans", "agglomerative", "gmm"])
def test_one_anchor_in_each_of_separate_clusters(method):
    Z, labels, centers = make_blobs(
        400, n_features=3, centers=6, cluster_std=0.1, random_state=1, return_centers=True
    )
    points = RosettaPoints.distill(Identity(), Z, 6, method=method, random_state=0)
    of_cluster = cdist(points.Z, centers).argmin(axis=1)
    assert sorted(of_cluster) == list(range(6))
    # Each is the sample nearest to the mean of its cluster: the same for all three methods.
    for anchor, cluster in zip(points.Z, of_cluster, strict=True):
        members = Z[labels == cluster]
        nearest = members[((members - members.mean(axis=0)) ** 2).sum(axis=1).argmin()]
        np.testing.assert_array_equal(anchor, nearest)


def test_kmeans_anchors_are_nearest_to_the_centroids(X, model):
    """Held against scikit-learn's clustering and a brute-force nearest neighbour."""
    Z = model.transform(X)
    clusters = KMeans(30, n_init=3, random_state=np.random.RandomState(7)).fit(Z)
    nearest = cdist(clusters.cluster_centers_, Z).argmin(axis=1)
    assert len(set(nearest)) == 30
    points = RosettaPoints.distill(model, X, 30, random_state=7)
    np.testing.assert_array_equal(points.X, X[nearest])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 10**6), st.sampled_from([0.1, 1, 3]))
def test_nearest_distinct_rows_is_greedy_over_all_pairs(n_centers, n_more, seed, spread):
    """Against the plain algorithm: take the closest pair, strike out its row and column."""
    rng = np.random.RandomState(seed)
    Z = rng.standard_normal((n_centers + n_more, 2))
    centers = spread * rng.standard_normal((n_centers, 2))
    distances = cdist(centers, Z)
    expected = np.empty(n_centers, dtype=int)
    for _ in range(n_centers):
        i, row = np.unravel_index(distances.argmin(), distances.shape)
        expected[i] = row
        distances[i, :] = distances[:, row] = np.inf
    np.testing.assert_array_equal(nearest_distinct_rows(Z, centers), expected)


def test_centroids_that_share_a_nearest_sample():
    Z = np.array([[0.0], [1.0], [10.0]])
    centers = np.array([[0.3], [0.2], [0.1]])
    # The closest keeps it, the next takes what is left nearest to it: row 1 is nearer to 0.3.
    np.testing.assert_array_equal(nearest_distinct_rows(Z, centers), [1, 2, 0])


def test_gmm_centroids_are_component_means():
    Z = make_blobs(300, centers=[[0, 0], [6, 0]], random_state=0)[0]
    means = centroids(Z, 2, "gmm", np.random.RandomState(0))
    np.testing.assert_allclose(means[means[:, 0].argsort()], [[0, 0], [6, 0]], atol=0.3)


def test_agglomerative_does_not_need_all_distances(monkeypatch):
    """Above the limit the linkage sees a sample of the rows; anchors still come from all."""
    monkeypatch.setattr("sklatent.rosetta._distillation._MAX_LINKAGE_ROWS", 100)
    seen = []

    def spy(n_points, linkage):
        from sklearn.cluster import AgglomerativeClustering

        clustering = AgglomerativeClustering(n_points, linkage=linkage)
        fit_predict = clustering.fit_predict
        clustering.fit_predict = lambda Z: seen.append(len(Z)) or fit_predict(Z)
        return clustering

    monkeypatch.setattr("sklatent.rosetta._distillation.AgglomerativeClustering", spy)
    Z = np.random.RandomState(0).standard_normal((3000, 2))
    points = RosettaPoints.distill(Identity(), Z, 16, method="agglomerative", random_state=0)
    assert seen == [100]
    assert len(points) == 16


@pytest.mark.parametrize("method", METHODS)
def test_random_state(X, model, method):
    def distil(seed):
        return RosettaPoints.distill(model, X, 8, method=method, random_state=seed)

    assert distil(3) == distil(3)
    before = np.random.get_state()[1].copy()
    drawn = [distil(None) for _ in range(3)]
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    if method == "random":
        assert not drawn[0] == drawn[1] == drawn[2]


def test_repeated_samples_do_not_repeat_an_index():
    Z = np.repeat(np.arange(3.0)[:, None], 5, axis=0)
    rows = nearest_distinct_rows(Z, np.array([[1.0], [1.0], [1.0], [0.0]]))
    assert len(set(rows)) == 4
    np.testing.assert_array_equal(Z[rows, 0], [1, 1, 1, 0])


# --- models -----------------------------------------------------------------------------------


@pytest.mark.parametrize("whiten", [False, True], ids=["diagonal", "full"])
def test_posterior_of_each_point(X, whiten):
    model = GaussianPCA(n_components=3, whiten=whiten).fit(X)
    points = RosettaPoints.distill(model, X, 6, random_state=0)
    expected = model.encode(points.X)
    assert points.posterior.is_diagonal is not whiten
    np.testing.assert_array_equal(points.posterior.mean, points.Z)
    np.testing.assert_allclose(points.posterior.covariance, expected.covariance, rtol=1e-9)


def test_posterior_of_something_else_is_not_kept(X):
    class Shifted(GaussianPCA):
        def encode(self, X):
            return Posterior(self.transform(X) + 1.0, log_var=np.zeros((len(X), 3)))

    points = RosettaPoints.distill(Shifted(n_components=3).fit(X), X, 6)
    assert points.posterior is None


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        MinMaxScaler(),
        RobustScaler(),
        FunctionTransformer(lambda X: X / 16.0),
        make_pipeline(StandardScaler(), MinMaxScaler((-1, 1))),
    ],
    ids=["standard", "minmax", "robust", "function", "two"],
)
def test_points_of_a_pipeline_are_inputs_of_its_last_step(X, scaler):
    pipeline = make_pipeline(scaler, GaussianPCA(n_components=4)).fit(X)
    points = RosettaPoints.distill(pipeline, X, 12, random_state=0)
    np.testing.assert_allclose(points.Z, pipeline[-1].transform(points.X), atol=1e-9)
    # What is recorded is all that another lab needs to bring its own raw data there.
    np.testing.assert_allclose(points.preprocess(X), pipeline[:-1].transform(X), atol=1e-7)
    assert repr(pipeline.steps[-2][1])[:4] in points.preprocessing["steps"]
    assert points.posterior is not None


def test_preprocessing_can_be_recorded(X, model):
    points = RosettaPoints.distill(model, X, 4, preprocessing={"center": 0, "scale": 16})
    np.testing.assert_array_equal(points.preprocess(X), X / 16)
    alone = make_pipeline(PCA(2)).fit(X)
    assert RosettaPoints.distill(alone, X, 4, preprocessing="raw").preprocessing == {"note": "raw"}
    pipeline = make_pipeline(StandardScaler(), PCA(2)).fit(X)
    with pytest.raises(ValueError, match="steps of the Pipeline are the preprocessing"):
        RosettaPoints.distill(pipeline, X, 4, preprocessing="raw")


def test_constant_features_of_a_pipeline(X):
    assert (X.std(axis=0) == 0).any()
    pipeline = make_pipeline(StandardScaler(), PCA(3)).fit(X + 0.1)
    points = RosettaPoints.distill(pipeline, X + 0.1, 5)
    np.testing.assert_allclose(
        points.preprocess(X + 0.1), pipeline[0].transform(X + 0.1), atol=1e-7
    )


@pytest.mark.parametrize(
    "step",
    [PowerTransformer(), MinMaxScaler((0, 0.5), clip=True), FunctionTransformer(np.sign), PCA(9)],
    ids=["power", "clip", "sign", "pca"],
)
def test_preprocessing_that_is_no_centre_and_scale(step):
    X = np.random.RandomState(0).standard_normal((300, 9))
    train = X[:300:20]  # of a narrower range, so that clipping shows
    pipeline = make_pipeline(step, PCA(2)).fit(train)
    points = RosettaPoints.distill(pipeline, X, 5)
    assert points.preprocessing.keys() == {"steps"}
    np.testing.assert_array_equal(points.preprocess(X), step.transform(X))
    points.steps = None  # as in files of the first layout
    with pytest.raises(ValueError, match="not a centre and a scale"):
        points.preprocess(X)


def test_imputation_is_no_centre_and_scale():
    X = np.random.RandomState(0).standard_normal((40, 3))
    X[3, 1] = np.nan
    points = RosettaPoints.distill(make_pipeline(SimpleImputer(), PCA(2)).fit(X), X, 5)
    assert points.preprocessing.keys() == {"steps"}


@given(
    st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.sampled_from([np.float32, np.float64, np.uint8])
)
def test_center_and_scale_recovers_any(center, scale, dtype):
    raw = np.random.RandomState(0).randint(0, 256, (50, 4)).astype(dtype)
    found = center_and_scale(raw, (raw.astype(float) - center) / scale)
    np.testing.assert_allclose(found["scale"], scale, rtol=1e-6)
    np.testing.assert_allclose(found["center"], center, atol=1e-6 * (1 + abs(center)))


def test_search_and_nested_pipelines(X):
    inner = make_pipeline(StandardScaler(), make_pipeline("passthrough", PCA(svd_solver="full")))
    search = GridSearchCV(inner, {"pipeline__pca__n_components": [2, 3]}, cv=2).fit(X)
    points = RosettaPoints.distill(search, X, 5, random_state=0)
    assert points.Z.shape == (5, search.best_params_["pipeline__pca__n_components"])
    np.testing.assert_allclose(
        points.Z, search.transform(search.best_estimator_[0].inverse_transform(points.X))
    )


def test_frames_in_and_out(X):
    frame = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
    pipeline = make_pipeline(StandardScaler(), GaussianPCA(3)).set_output(transform="pandas")
    pipeline.fit(frame)
    pipeline[-1].encode = lambda X: Posterior(
        np.asarray(pipeline[-1].transform(X)), log_var=np.zeros((len(X), 3))
    )
    points = RosettaPoints.distill(pipeline, frame, 5, random_state=0)
    assert type(points.X) is type(points.Z) is np.ndarray
    assert points.X.shape == (5, 64)


def test_memory_map(tmp_path, X, model):
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    points = RosettaPoints.distill(model, mapped, 5, random_state=0)
    assert points.X.dtype == np.float32
    assert type(points.X) is np.ndarray


def test_what_is_no_fitted_model(X):
    with pytest.raises(TypeError, match="fitted estimator with a transform method"):
        RosettaPoints.distill(KMeans, X)
    with pytest.raises(TypeError, match="fitted estimator with a transform method"):
        RosettaPoints.distill(object(), X)
    with pytest.raises(NotFittedError):
        RosettaPoints.distill(PCA(2), X)


@pytest.mark.parametrize("n_points", [0, -1, 601, 2.5, "8", None])
def test_bad_n_points(X, model, n_points):
    with pytest.raises(ValueError, match="n_points must be an integer from 1 to .*600"):
        RosettaPoints.distill(model, X, n_points)


def test_unknown_method(X, model):
    with pytest.raises(ValueError, match=r"method must be one of .*'kmeans'.*got 'dbscan'"):
        RosettaPoints.distill(model, X, method="dbscan")


def test_latents_that_are_not_numbers(X):
    nan = FunctionTransformer(lambda X: X * np.nan).fit(X)
    with pytest.raises(ValueError, match=r"model.transform\(X\) contains NaN"):
        RosettaPoints.distill(nan, X, 3)


# --- the object -------------------------------------------------------------------------------


def test_constructor_keeps_copies():
    X, Z = np.zeros((3, 4)), np.ones((3, 2), dtype=np.float32)
    points = RosettaPoints(X, Z)
    X[:] = Z[:] = 7
    assert points.X.max() == 0
    assert points.Z.max() == 1
    assert (points.X.dtype, points.Z.dtype) == (np.float64, np.float32)
    assert repr(points) == "RosettaPoints(n_points=3, n_features=4, n_components=2)"
    assert len(points) == 3
    assert points.posterior is None
    assert points.preprocessing is None


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float16, np.float32, np.longdouble])
def test_dtypes(dtype):
    points = RosettaPoints(np.ones((2, 3), dtype), [[0, 1], [1, 0]])
    assert points.X.dtype in (np.float32, np.float64)
    assert points.X.dtype.itemsize >= min(8, np.dtype(dtype).itemsize) or dtype is bool
    assert points.Z.dtype == np.float64


@pytest.mark.parametrize(
    ("X", "Z", "error", "message"),
    [
        (
            np.zeros((3, 4)),
            np.zeros((2, 2)),
            ValueError,
            r"same number of rows.*\(3, 4\) and \(2, 2\)",
        ),
        (np.zeros(4), np.zeros((4, 2)), ValueError, r"X must have shape.*got \(4,\)"),
        (np.zeros((3, 4)), np.zeros(3), ValueError, r"Z must have shape.*got \(3,\)"),
        (np.zeros((3, 1, 8, 8)), np.zeros((3, 2)), ValueError, "Images are flattened"),
        (np.zeros((0, 4)), np.zeros((0, 2)), ValueError, "at least one row"),
        (np.zeros((3, 4)), np.zeros((3, 0)), ValueError, "at least one row and one column"),
        (np.full((3, 4), np.nan), np.zeros((3, 2)), ValueError, "X contains NaN or infinity"),
        (np.zeros((3, 4)), np.full((3, 2), np.inf), ValueError, "Z contains NaN or infinity"),
        ([["a", "b"]], [[1.0]], TypeError, "X must hold real numbers"),
        ([[1.0]], [[1j]], TypeError, "Z must hold real numbers"),
        ([[None]], [[1.0]], TypeError, "X must hold real numbers"),
    ],
)
def test_bad_arrays(X, Z, error, message):
    with pytest.raises(error, match=message):
        RosettaPoints(X, Z)


def test_bad_posteriors():
    X, Z = np.zeros((3, 4)), np.ones((3, 2))
    with pytest.raises(TypeError, match="must be a Posterior"):
        RosettaPoints(X, Z, posterior=Z)
    for mean in (Z + 1, Z[:2]):
        with pytest.raises(ValueError, match="posterior, with means of shape"):
            RosettaPoints(X, Z, posterior=Posterior(mean, log_var=np.zeros_like(mean)))


@pytest.mark.parametrize(
    ("preprocessing", "error", "message"),
    [
        (3, TypeError, "must be a string or a dict"),
        ({1: 2.0}, TypeError, "must be a string or a dict"),
        (
            {"center": "no", "scale": [1.0, 2.0]},
            ValueError,
            r"'scale'.*the 4 features.*shape \(2,\)",
        ),
        ({"scale": 0.0}, ValueError, "must not be zero"),
        ({"center": np.nan}, ValueError, r"preprocessing\['center'\] contains NaN"),
        ({"steps": object()}, TypeError, r"preprocessing\['steps'\] must hold real numbers"),
    ],
)
def test_bad_preprocessing(preprocessing, error, message):
    with pytest.raises(error, match=message):
        RosettaPoints(np.zeros((3, 4)), np.ones((3, 2)), preprocessing=preprocessing)


def test_preprocess():
    X = np.arange(8.0).reshape(2, 4)
    points = RosettaPoints(X, np.ones((2, 2)), preprocessing={"center": 1, "scale": [1, 2, 4, 8]})
    np.testing.assert_allclose(points.preprocess(X), (X - 1) / [1, 2, 4, 8])
    assert points.preprocess(X.astype(np.float32)).dtype == np.float32
    only_scale = RosettaPoints(X, np.ones((2, 2)), preprocessing={"scale": 255})
    np.testing.assert_allclose(only_scale.preprocess(X), X / 255)
    np.testing.assert_array_equal(RosettaPoints(X, np.ones((2, 2))).preprocess(X), X)
    with pytest.raises(ValueError, match=r"anchors' 4 features; got shape \(2, 3\)"):
        points.preprocess(X[:, :3])
    pipeline = make_pipeline(FunctionTransformer(points.preprocess), PCA(1)).fit(X)
    np.testing.assert_allclose(pipeline[0].transform(X), points.preprocess(X))


def test_to_frame():
    points = RosettaPoints(np.arange(6.0).reshape(2, 3), [[7, 8], [9, 10]])
    frame = points.to_frame()
    assert list(frame.columns) == ["x0", "x1", "x2", "z0", "z1"]
    np.testing.assert_array_equal(frame.to_numpy(), [[0, 1, 2, 7, 8], [3, 4, 5, 9, 10]])


def variants():
    X, Z = np.arange(12.0).reshape(3, 4), np.arange(6.0).reshape(3, 2)
    log_var, scale_tril = np.full((3, 2), -1.0), np.tile(np.eye(2), (3, 1, 1))
    return {
        "plain": RosettaPoints(X, Z),
        "other_X": RosettaPoints(X + 1, Z),
        "other_Z": RosettaPoints(X, Z + 1),
        "float32": RosettaPoints(X.astype(np.float32), Z),
        "diagonal": RosettaPoints(X, Z, posterior=Posterior(Z, log_var=log_var)),
        "other_diagonal": RosettaPoints(X, Z, posterior=Posterior(Z, log_var=2 * log_var)),
        "full": RosettaPoints(X, Z, posterior=Posterior(Z, scale_tril=scale_tril)),
        "note": RosettaPoints(X, Z, preprocessing="pixels, divided by 16: ä"),
        "scaled": RosettaPoints(X, Z, preprocessing={"center": 0.0, "scale": 16.0}),
        "rescaled": RosettaPoints(X, Z, preprocessing={"center": 0.0, "scale": 255}),
        "odd": RosettaPoints(X, Z, preprocessing={"a.b": [1, 2], "posterior": 3.0, "X": "x"}),
    }


def test_equality():
    for name, points in variants().items():
        for other_name, other in variants().items():
            assert (points == other) is (name == other_name), (name, other_name)
        assert points != "points"
        with pytest.raises(TypeError, match="unhashable"):
            hash(points)


def test_content_hash_tells_anchors_apart():
    hashes = {name: points.content_hash for name, points in variants().items()}
    assert len(set(hashes.values())) == len(hashes)
    assert hashes == {name: points.content_hash for name, points in variants().items()}


@pytest.mark.parametrize("name", variants())
def test_copies(name):
    points = variants()[name]
    assert copy.deepcopy(points) == points
    assert pickle.loads(pickle.dumps(points)) == points
    assert joblib.hash(points) == joblib.hash(variants()[name])


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", variants())
def test_round_trip(tmp_path, name):
    points = variants()[name]
    path = tmp_path / "anchors.safetensors"
    points.save(path)
    assert RosettaPoints.load(path) == points
    assert RosettaPoints.load(str(path)) == points
    assert RosettaPoints.load(path).content_hash == points.content_hash
    assert os.listdir(tmp_path) == ["anchors.safetensors"]


def test_distilled_points_round_trip(tmp_path, X):
    pipeline = make_pipeline(StandardScaler(), GaussianPCA(3)).fit(X)
    points = RosettaPoints.distill(pipeline, X.astype(np.float32), 6)
    points.save(tmp_path / "anchors")
    loaded = RosettaPoints.load(tmp_path / "anchors")
    assert loaded == points
    np.testing.assert_array_equal(loaded.preprocess(X), points.preprocess(X))


def test_the_file_is_plain_safetensors(tmp_path):
    path = tmp_path / "anchors"
    variants()["full"].save(path)
    with safetensors.safe_open(path, "numpy") as file:
        assert set(file.keys()) == {"X", "Z", "posterior.scale_tril"}
        metadata = file.metadata()["sklatent"]
    for word in ("Rosetta points", "content_hash", "versions", "schema_version"):
        assert word in metadata


def test_files_that_are_wrong(tmp_path):
    path = tmp_path / "anchors"
    variants()["diagonal"].save(path)
    data = path.read_bytes()

    path.write_bytes(data[:-1])
    with pytest.raises(ValueError, match="is truncated: 1 bytes are missing"):
        RosettaPoints.load(path)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError, match="tampered"):
        RosettaPoints.load(path)
    path.write_bytes(pickle.dumps(variants()["plain"]))
    with pytest.raises(ValueError, match="foreign file: it does not hold Rosetta points"):
        RosettaPoints.load(path)
    write_file(path, {}, {}, kind="channel fingerprints", schema_version=1)
    with pytest.raises(ValueError, match="foreign here: it holds channel fingerprints"):
        RosettaPoints.load(path)
    write_file(path, {}, {}, kind="Rosetta points", schema_version=99)
    with pytest.raises(ValueError, match="newer schema version 99"):
        RosettaPoints.load(path)
    with pytest.raises(FileNotFoundError):
        RosettaPoints.load(tmp_path / "missing")


@pytest.mark.parametrize(
    ("arrays", "metadata"),
    [
        ({"X": np.zeros((2, 2))}, {"preprocessing": None}),
        ({"X": np.zeros((2, 2)), "Z": np.zeros((3, 2))}, {"preprocessing": None}),
        ({"X": np.zeros((2, 2)), "Z": np.full((2, 2), np.nan)}, {"preprocessing": None}),
        ({"X": np.zeros((2, 2)), "Z": np.zeros((2, 2))}, {}),
        (
            {"X": np.zeros((2, 2)), "Z": np.zeros((2, 2)), "posterior.mode": np.zeros((2, 2))},
            {"preprocessing": None},
        ),
        (
            {"X": np.zeros((2, 2)), "Z": np.zeros((2, 2)), "preprocessing.scale": np.ones(2)},
            {"preprocessing": None},
        ),
    ],
)
def test_a_file_with_a_new_hash_but_other_content(tmp_path, arrays, metadata):
    write_file(tmp_path / "f", arrays, metadata, kind="Rosetta points", schema_version=1)
    with pytest.raises(ValueError, match=r"tampered with: its hash was made anew"):
        RosettaPoints.load(tmp_path / "f")


def test_fixture_of_an_earlier_version():
    """A file that an earlier version wrote is read as it was meant."""
    path = os.path.join(FIXTURES, "rosetta_points_v1.safetensors")
    points = RosettaPoints.load(path)
    assert points.preprocessing["note"] == "fixture"
    np.testing.assert_array_equal(points.X, np.arange(12.0).reshape(3, 4))
    np.testing.assert_array_equal(points.Z, np.arange(6.0).reshape(3, 2) / 4)
    np.testing.assert_array_equal(points.posterior.log_var, np.full((3, 2), -1.0))
    np.testing.assert_array_equal(points.preprocessing["scale"], np.full(4, 16.0))
    arrays, envelope = read_file(path, kind="Rosetta points", schema_version=1)
    assert arrays["Z"].dtype == np.float32
    assert envelope["versions"]["sklatent"] == "0.1.0"

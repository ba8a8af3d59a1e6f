"""Judges with noise: what they are under each likelihood, what they are for, and their file."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklatent import VAE, RosettaPoints, RosettaVAE, TransformVAE, VAEEnsemble
from sklatent._utils.files import write_file
from sklatent.likelihoods import Categorical, Gaussian, Mixed
from sklatent.metrics import make_rosetta_scorer
from sklatent.model_selection import FusedGridSearchCV
from sklatent.rosetta._content import content_of
from sklatent.transformations import RandomScaling

SETTINGS = {"hidden_layer_sizes": (8,), "max_epochs": 4, "random_state": 0}


def table(likelihood, n=200):
    """Rows that a likelihood can be asked about, of two latents."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(n, 2)) @ rng.normal(size=(2, 12))
    if likelihood == "bernoulli":
        return (rng.random(signal.shape) < 1 / (1 + np.exp(-signal))).astype(float)
    if likelihood in ("poisson", "negative_binomial"):
        return rng.poisson(np.exp(signal / 2 + 1)).astype(float)
    X = signal + rng.normal(size=signal.shape)
    if isinstance(likelihood, Mixed):
        X[:, 9:] = np.eye(3)[np.argmax(X[:, 9:], axis=1)]
    return X


MIXED = Mixed([(range(9), "gaussian"), (range(9, 12), Categorical(groups=[[0, 1, 2]]))])


@pytest.mark.parametrize(
    "likelihood",
    [
        "gaussian",
        Gaussian("per_feature"),
        Gaussian(2.0),
        "bernoulli",
        "poisson",
        "negative_binomial",
        MIXED,
    ],
    ids=str,
)
def test_judges_are_draws_from_the_likelihood(likelihood, tmp_path):
    """Their mean is what is decoded, they are possible data, and where they go is lab A's map."""
    X = table(likelihood)
    model = VAE(2, likelihood=likelihood, **SETTINGS).fit(X)
    points = RosettaPoints.distill(model, X, 16, inputs="decoded", held_out=10.0, random_state=0)
    judges = points.held_out
    assert (points.inputs, judges.inputs, len(judges)) == ("decoded", "drawn", 160)
    np.testing.assert_allclose(judges.decoded, model.inverse_transform(judges.Z), rtol=1e-6)
    np.testing.assert_allclose(judges.encoded, model.transform(judges.X), rtol=1e-6)
    model._find_likelihood().check(judges.X, "draws")
    noise = judges.X - judges.decoded
    error = noise.std(axis=0) / np.sqrt(len(noise))
    assert (np.abs(noise.mean(axis=0)) < 5 * error).all()
    if likelihood == "gaussian":
        drawn = np.square(X - model.inverse_transform(model.transform(X))).mean()
        assert np.square(noise).mean() == pytest.approx(drawn, rel=0.3)
    if isinstance(likelihood, Gaussian) and likelihood.scale == 2.0:
        assert noise.std() == pytest.approx(2.0, rel=0.1)
    again = RosettaPoints.distill(model, X, 16, inputs="decoded", held_out=10.0, random_state=0)
    assert again == points
    points.save(tmp_path / "points")
    loaded = RosettaPoints.load(tmp_path / "points")
    assert loaded == points
    assert loaded.held_out.inputs == "drawn"
    scorer = make_rosetta_scorer(loaded)
    assert scorer(model, X) == pytest.approx(scorer_by_hand(model, judges, X), rel=1e-6)


def scorer_by_hand(model, judges, X):
    """The bound, less the deviance by torch on whole tensors, less 100 squared distances."""
    import torch

    module = model.net_.module_
    with torch.no_grad():
        output = module.decode(torch.as_tensor(judges.Z, dtype=torch.float32))
        x = torch.as_tensor(judges.decoded, dtype=torch.float32)
        deviance = module.likelihood.deviance(x, output).numpy()
    distance = np.square(model.transform(judges.X) - judges.encoded).sum(axis=1)
    return model.score(X) - (deviance + 100 * distance).mean()


def test_the_papers_likelihood_keeps_means():
    """Its noise of variance 1 is no data's."""
    X = table("unit_gaussian")
    model = VAE(2, likelihood="unit_gaussian", **SETTINGS).fit(X)
    points = RosettaPoints.distill(model, X, 16, inputs="decoded", random_state=0)
    assert points.held_out.inputs == "decoded"


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (VAEEnsemble(2, n_estimators=2, **SETTINGS), "drawn"),
        (VAEEnsemble(2, n_estimators=2, output="stack", **SETTINGS), "drawn"),
        (PCA(2), "decoded"),
        (TransformVAE(2, transformation=RandomScaling(), **SETTINGS), "drawn"),
    ],
    ids=["ensemble", "stack", "PCA", "TransformVAE"],
)
def test_other_models(model, inputs):
    X = table("gaussian")
    points = RosettaPoints.distill(model.fit(X), X, 8, inputs="decoded", random_state=0)
    assert points.held_out.inputs == inputs
    assert np.isfinite(make_rosetta_scorer(points)(model, X))


def test_counts_that_are_all_zero_are_encoded():
    X = np.random.default_rng(0).poisson(0.3, size=(200, 6)).astype(float)
    X[:, 0] += 1
    model = VAE(2, likelihood="poisson", **SETTINGS).fit(X)
    points = RosettaPoints.distill(model, X, 16, inputs="decoded", held_out=10, random_state=0)
    assert (points.held_out.X.sum(axis=1) == 0).any()
    assert np.isfinite(make_rosetta_scorer(points)(model, X))


def test_what_holds_at_means_alone_is_found_out():
    """Of two models, level on means, the one that noise moves has the lower score."""
    X = table("gaussian")
    model = VAE(2, **SETTINGS).fit(X)
    points = RosettaPoints.distill(model, X, 16, inputs="decoded", random_state=0)
    scorer = make_rosetta_scorer(points)
    others = np.linalg.svd(points.held_out.decoded - X.mean(axis=0))[2][-1]  # where no mean lies

    class Moved(VAE):
        def transform(self, X):
            return super().transform(X) + 0.5 * (np.asarray(X) @ others)[:, None]

    moved = Moved(2, **SETTINGS).fit(X)
    np.testing.assert_allclose(
        moved.transform(points.held_out.decoded) - model.transform(points.held_out.decoded),
        (points.held_out.decoded @ others)[:, None] * np.full((1, 2), 0.5),
        atol=1e-5,
    )
    assert scorer(moved, X) < scorer(model, X) - 5


def test_covariates_are_told_to_what_is_drawn():
    rng = np.random.default_rng(0)
    batch = rng.integers(0, 2, 200).astype(float)
    X = np.column_stack([table("gaussian") + 3 * batch[:, None], batch])
    model = VAE(2, covariates=[12], **SETTINGS).fit(X)
    points = RosettaPoints.distill(model, X, 16, inputs="decoded", held_out=2.0, random_state=0)
    judges = points.held_out
    assert set(judges.X[:, 12]) == {0.0, 1.0}
    shift = judges.X[judges.X[:, 12] == 1, :12].mean() - judges.X[judges.X[:, 12] == 0, :12].mean()
    assert shift == pytest.approx(3, abs=1)
    told = model.inverse_transform(judges.Z, covariates=judges.X[:, 12:])
    np.testing.assert_allclose(judges.decoded, told, rtol=1e-5)
    rosetta = RosettaVAE(2, covariates=[12], rosetta_points=points, **SETTINGS).fit(X)
    assert np.isfinite(make_rosetta_scorer(points)(rosetta, X))


@pytest.mark.filterwarnings("error")
def test_scorer_with_names_in_another_order_in_all_searches():
    """A frame whose columns are turned round is the same table."""
    X = table("gaussian")
    names = [f"gene {j}" for j in range(12)]
    frame = pd.DataFrame(X, columns=names)
    lab_a = make_pipeline(StandardScaler().set_output(transform="pandas"), VAE(2, **SETTINGS))
    lab_a.fit(frame)
    points = RosettaPoints.distill(lab_a, frame, 16, inputs="decoded", random_state=0)
    assert points.held_out.inputs == "drawn"
    np.testing.assert_allclose(points.preprocess(frame), lab_a[0].transform(frame), rtol=1e-6)
    scorer = make_rosetta_scorer(points)
    found = []
    for columns in (names, names[::-1]):
        rows = frame[columns]
        model = RosettaVAE(2, rosetta_points=points, early_stopping=False, **SETTINGS)
        pipeline = make_pipeline(lab_a[0].__class__().set_output(transform="pandas"), model)
        grid = {"rosettavae__rho": [0.1, 10.0]}
        for search in (GridSearchCV, FusedGridSearchCV):
            search = search(pipeline, grid, cv=2, scoring=scorer, error_score="raise").fit(rows)
            found.append(search.cv_results_["mean_test_score"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3)
    np.testing.assert_allclose(found[0], found[2], rtol=0.2)


def test_anchors_that_are_learned_by_heart_do_not_say_when_to_stop():
    """Validation is joined by the judges: the term is theirs, at the anchors' weight."""
    X = table("gaussian")
    lab_a = VAE(2, **SETTINGS).fit(X)
    points = RosettaPoints.distill(lab_a, X, 16, inputs="decoded", random_state=0)
    judges = points.held_out
    settings = SETTINGS | {"max_epochs": 1, "learning_rate": 1e-300, "precision": "float64"}
    for given, own in ((points, judges), (without_judges(points), points)):
        model = RosettaVAE(2, rosetta_points=given, rho=3.0, early_stopping=True, **settings).fit(X)
        deviance = model._deviance(own.decoded.astype(float), own.Z.astype(float))
        distance = np.square(model.transform(own.X.astype(float)) - own.encoded).sum(axis=1)
        expected = 3.0 * (16 / 128) * (deviance + 100 * distance).mean()
        assert model.history_[0]["valid_rosetta"] == pytest.approx(expected, rel=1e-4)


def without_judges(points):
    return RosettaPoints(points.X, points.Z, encoded=points.encoded)


def test_files_of_schema_4_load(tmp_path):
    """Held-out anchors were means then."""
    rng = np.random.default_rng(0)
    X, Z, encoded = rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    points = RosettaPoints(X, Z, encoded=encoded, held_out=RosettaPoints(X, Z, encoded=encoded))
    arrays, metadata = content_of(points)
    write_file(tmp_path / "old", arrays, metadata, kind="Rosetta points", schema_version=4)
    loaded = RosettaPoints.load(tmp_path / "old")
    assert loaded == points
    assert (loaded.inputs, loaded.held_out.inputs) == ("decoded", "decoded")

"""Columns that a model is told and does not model."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklatent import (
    DIPVAE,
    VAE,
    Autoencoder,
    BetaTCVAE,
    FactorVAE,
    RelativeAutoencoder,
    RosettaPoints,
    RosettaVAE,
    TransformVAE,
    VAEEnsemble,
    load,
    save,
)
from sklatent.likelihoods import Gaussian, Mixed, Poisson
from sklatent.likelihoods._counts import poisson_effects
from sklatent.metrics import reconstruction_scorer
from sklatent.model_selection import retrain
from sklatent.models._covariates import find_covariates, join_columns, split_columns
from sklatent.plotting import LatentTraversalDisplay, ReconstructionDisplay
from sklatent.transformations import RandomShift

SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0}
MODELS = [
    (VAE, {}), (RosettaVAE, {}), (VAEEnsemble, {"n_estimators": 2}), (BetaTCVAE, {}),
    (FactorVAE, {}), (DIPVAE, {}), (TransformVAE, {}), (Autoencoder, {}),
    (RelativeAutoencoder, {"n_anchors": 10}),
]  # fmt: skip


def shifted(n=240, n_features=8, seed=0):
    """Rows of two batches, one far from the other; the batch is column 2."""
    rng = np.random.default_rng(seed)
    batch = rng.integers(0, 2, n)
    Z = rng.normal(size=(n, 2))
    shift = 3 * rng.normal(size=n_features)
    x = Z @ rng.normal(size=(2, n_features)) + 0.2 * rng.normal(size=(n, n_features))
    x = x + batch[:, None] * shift
    return np.insert(x, 2, batch, axis=1), batch, shift, Z


def counts(n=500, n_features=60, seed=0):
    """Cells of four types in two batches that see genes with other efficiencies."""
    rng = np.random.default_rng(seed)
    types, batch = rng.integers(0, 4, n), rng.integers(0, 2, n)
    effect = rng.normal(0, 0.8, n_features)
    log = rng.normal(size=n_features) + rng.normal(size=(4, n_features))[types]
    log += rng.normal(size=(n, 3)) @ rng.normal(0, 0.5, (3, n_features)) + np.outer(batch, effect)
    shares = np.exp(log) / np.exp(log).sum(axis=1, keepdims=True)
    totals = 1000 * np.exp(rng.normal(0, 0.3, n))
    return rng.poisson(totals[:, None] * shares).astype(float), batch, types, effect


@pytest.mark.parametrize(
    ("given", "found"),
    [(None, []), (1, [1]), (-1, [3]), ("c", [2]), (["c", "a"], [2, 0]), (slice(1, 3), [1, 2]),
     (np.array([0, 3]), [0, 3]), ([True, False, False, True], [0, 3])],
)  # fmt: skip
def test_they_are_found_by_name_and_place(given, found):
    assert find_covariates(given, 4, list("abcd")).tolist() == found


@pytest.mark.parametrize(
    ("given", "names", "message"),
    [("a", None, "columns have none"), ("x", list("abcd"), "no column 'x'"), (4, None, "4 is no"),
     ([0, -4], None, r"\[0\] of X twice"), (slice(None), None, "nothing is left"),
     ([True], None, "mask of 1"), ([1.5], None, "1.5 is no column")],
)  # fmt: skip
def test_what_is_not_there_is_named(given, names, message):
    with pytest.raises(ValueError, match=message):
        find_covariates(given, 4, names)


@pytest.mark.parametrize("columns", [[0], [1, 2], [3, 0], [1, 3]])
def test_tables_come_apart_and_together(columns, tmp_path):
    X = np.random.default_rng(0).normal(size=(7, 4))
    mapped = np.memmap(tmp_path / "X", dtype=float, mode="w+", shape=X.shape)
    mapped[:] = X
    columns = np.array(columns)
    for table in (X, mapped, sparse.csr_matrix(X)):
        x, told = split_columns(table, columns)
        x, told = (t[0:7].toarray() if sparse.issparse(t) else t[0:7] for t in (x, told))
        assert x.shape == (7, 4 - len(columns))
        np.testing.assert_array_equal(join_columns(x, told, columns), X)


@pytest.mark.parametrize("init", ["pca", "random"])
@pytest.mark.parametrize(("cls", "own"), MODELS, ids=[cls.__name__ for cls, _ in MODELS])
def test_every_model_is_told(cls, own, init, tmp_path):
    X, batch, _, _ = shifted(120)
    model = cls(2, covariates=[2], init=init, **SMALL, **own).fit(X)
    Z = model.transform(X)
    decoded = model.inverse_transform(Z)
    assert decoded.shape == X.shape
    assert 0 < decoded[0, 2] < 1  # the average
    for other in (0.0, 1.0):
        decoded = model.inverse_transform(Z, covariates=[other])
        assert (decoded[:, 2] == other).all()
    own_batch = model.inverse_transform(Z, covariates=batch[:, None])
    assert not np.allclose(own_batch, model.inverse_transform(Z, covariates=1 - batch[:, None]))
    # The encoder is told as well, and the likelihood is of the other columns alone.
    flipped = X.copy()
    flipped[:, 2] = 1 - batch
    assert not np.allclose(model.transform(flipped), Z)
    assert np.isfinite(model.score(X))
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.transform(X), Z)
    np.testing.assert_array_equal(again.covariates_, [2])


def test_training_starts_without_what_they_explain():
    X, batch, _shift, _Z = shifted()
    model = VAE(2, covariates=2, **SMALL)
    X = model._validate_training_data(X, reset=True)
    module = model._build_module(8).double()
    x, told = model._split(X)
    model._start(module, x, None, {}, {"covariates": told})
    told = torch.as_tensor(np.array(told))
    latents = module.told(told).encode(torch.as_tensor(np.array(x))).mean.detach().numpy()
    # The mean of each batch, and the axes of what is left of the rows.
    rest = x - LinearRegression().fit(batch[:, None], x).predict(batch[:, None])
    _, _singular, axes = np.linalg.svd(rest, full_matrices=False)
    scores = rest @ axes[:2].T
    for k in range(2):
        assert abs(np.corrcoef(scores[:, k], latents[:, k])[0, 1]) > 1 - 1e-6
    decoded = module.told(told).decode(torch.zeros(len(x), 2).double()).detach().numpy()
    for b in (0, 1):
        np.testing.assert_allclose(decoded[batch == b][0], x[batch == b].mean(axis=0), atol=1e-5)


def test_poisson_regression_is_scikit_learns():
    from sklearn.linear_model import PoissonRegressor

    rng = np.random.default_rng(0)
    told = rng.normal(size=(40, 2))
    exposure = rng.uniform(50, 200, 40)
    y = rng.poisson(exposure[:, None] * np.exp(told @ rng.normal(0, 0.5, (2, 3)) - 1)).astype(float)
    found = poisson_effects(y, exposure, told)
    # Theirs is of rates weighted by exposure, its penalty alpha / 2 beside the weights' mean loss.
    for j in range(3):
        other = PoissonRegressor(alpha=0.25 / exposure.sum(), tol=1e-10, max_iter=1000)
        other.fit(told, y[:, j] / exposure, sample_weight=exposure)
        np.testing.assert_allclose(found[j], other.coef_, atol=1e-4)
    extreme = np.array([[0.0, 9.0, 0.0], [0.0, 0.0, 4e6]])
    found = poisson_effects(extreme, np.array([5.0, 5.0]), np.array([[-1.0], [1.0]]))
    assert found[0] == 0
    assert -8 < found[1] < -0.5
    assert 0.5 < found[2] < 20


@pytest.mark.parametrize("seed", [0, 1])
def test_batches_are_gone_and_types_stay(seed):
    X, batch, types, effect = counts(seed=seed)
    told = np.column_stack([X, batch])
    settings = {"likelihood": "negative_binomial", "random_state": seed, "max_epochs": 60}
    plain = VAE(5, **settings | {"max_epochs": 10}).fit(X)
    model = VAE(5, covariates=[-1], **settings).fit(told)
    classifier = KNeighborsClassifier(15)

    def accuracy(Z, y):
        return cross_val_score(classifier, Z, y, cv=5).mean()

    chance = max(batch.mean(), 1 - batch.mean())
    Z = model.transform(told)
    assert accuracy(plain.transform(X), batch) > 0.8
    assert accuracy(Z, batch) < chance + 0.05
    assert accuracy(Z, types) > 0.97
    # These cells, had they been in the other batch.
    here, there = (model.inverse_transform(Z, covariates=[b])[:, :-1] for b in (0, 1))
    fold = np.log(there / here).mean(axis=0)
    assert np.corrcoef(fold, effect)[0, 1] > 0.97


def test_a_cell_in_the_other_batch_is_seen_in_its_place():
    # Effects subtracted from log counts leave a slope: a gene varies more where it is seen better.
    X, batch, _, effect = counts(n=200, n_features=20)
    model = VAE(4, covariates=[-1], likelihood=Poisson(size_factor=None), **SMALL)
    module = model.fit(np.column_stack([X, batch])).net_.module_
    assert np.corrcoef(module.path.multiplies[:, 0], effect)[0, 1] > 0.95
    x, b = torch.as_tensor(X[:9]).float(), torch.as_tensor(batch[:9, None]).float()
    there = module.told(1 - b).covariates - module.told(b).covariates
    other = x * torch.exp(there @ module.path.multiplies.T)
    assert (other - x).abs().max() > 1
    torch.testing.assert_close(
        module.told(1 - b).seen(other), module.told(b).seen(x), atol=1e-4, rtol=1e-4
    )
    average = module.seen(x)  # of which nothing is told
    torch.testing.assert_close(average, torch.log1p(x), atol=1e-5, rtol=1e-5)


def test_stacked_models_are_told_as_single_ones():
    X, *_ = shifted(100)
    settings = SMALL | {"precision": "float64"}
    stacked = retrain(VAE(2, covariates=[2], **settings), X, n_runs=3, random_state=0)
    for model in stacked:
        alone = clone(model).set_params(random_state=model.random_state).fit(X)
        np.testing.assert_allclose(model.transform(X), alone.transform(X), atol=1e-9)


def test_containers_give_the_same_bits(tmp_path):
    X, *_ = shifted(100)
    model = VAE(2, covariates=[2, 5], **SMALL)
    expected = clone(model).fit(X).transform(X)
    mapped = np.memmap(tmp_path / "X", dtype=float, mode="w+", shape=X.shape)
    mapped[:] = X
    names = [f"f{j}" for j in range(9)]
    frame = pd.DataFrame(X, columns=names)
    for other in (mapped, sparse.csr_matrix(X), X[:, ::-1][:, ::-1]):
        np.testing.assert_array_equal(clone(model).fit(other).transform(X), expected)
    named = clone(model).set_params(covariates=["f2", "f5"]).fit(frame)
    np.testing.assert_array_equal(named.transform(frame), expected)
    told = frame[["f5", "f2"]]  # a frame's columns in any order
    np.testing.assert_array_equal(
        named.inverse_transform(expected, covariates=told),
        named.inverse_transform(expected, covariates=X[:, [2, 5]]),
    )


def test_they_pass_pipelines_and_searches():
    X, batch, *_ = shifted(120)
    frame = pd.DataFrame(np.delete(X, 2, axis=1), columns=[f"g{j}" for j in range(8)])
    frame["lab"] = np.where(batch == 1, "north", "south")
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["lab"]), remainder="passthrough"
    )
    pipeline = make_pipeline(columns, VAE(2, covariates=slice(0, 2), **SMALL))
    search = GridSearchCV(pipeline, {"vae__beta": [0.5, 1.0]}, cv=2).fit(frame)
    assert np.isfinite(search.best_score_)
    columns.set_output(transform="pandas")
    named = make_pipeline(
        clone(columns), VAE(2, covariates=["onehotencoder__lab_north"], **SMALL)
    ).fit(frame.drop(columns="g7"))
    assert named[-1].covariates_.tolist() == [0]


@pytest.mark.parametrize("architecture", ["conv", "residual", "conv_tvae"])
def test_images_are_told_by_maps(architecture):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 2, 60), rng.uniform(size=(60, 64))])
    model = VAE(2, covariates=[0], architecture=architecture, image_shape=(1, 8, 8), **SMALL)
    model.fit(X)
    assert model.inverse_transform(model.transform(X)).shape == X.shape
    assert ReconstructionDisplay.from_estimator(model, X[:3]).ax_ is not None
    assert LatentTraversalDisplay.from_estimator(model, X[:2]).ax_ is not None


def test_a_factory_is_asked_for_wider_networks():
    seen = []

    def networks(n_features, n_components, image_shape):
        seen.append((n_features, n_components))
        return torch.nn.Linear(n_features, 5), torch.nn.Linear(n_components, 8)

    X, *_ = shifted(60)
    VAE(2, covariates=[2], architecture=networks, **SMALL).fit(X)
    assert set(seen) == {(9, 3)}


def test_anchors_carry_theirs():
    X, batch, *_ = shifted(200)
    first = VAE(2, covariates=[2], **SMALL).fit(X)
    points = RosettaPoints.distill(first, X, n_points=30, random_state=0)
    settings = SMALL | {"max_epochs": 30}
    model = RosettaVAE(2, covariates=[2], rosetta_points=points, **settings).fit(X[batch == 1])
    found, there = model.transform(X[batch == 0]), first.transform(X[batch == 0])
    assert 1 - ((found - there) ** 2).sum() / ((there - there.mean(0)) ** 2).sum() > 0.9


def test_views_and_decoders_are_told():
    X, *_ = shifted(130)
    x, told = np.delete(X, 2, axis=1), X[:, 2]
    rng = np.random.default_rng(1)
    views = [np.insert(x + 0.1 * rng.normal(size=x.shape), 2, told, axis=1) for _ in range(2)]
    model = TransformVAE(2, covariates=[2], **SMALL).fit_triplets(X, *views)
    T = model.infer_transformation(*views)
    assert (model.apply_transformation(X, T)[:, 2] == told).all()
    assert (model.interpolate(*views)[:, 2] == told).all()
    drawn = TransformVAE(2, covariates=[2], transformation=RandomShift(0.1), **SMALL).fit(X)
    assert np.isfinite(drawn.score(X))
    encoder = VAE(2, covariates=[2], **SMALL).fit(X)
    decoder = Autoencoder(2, covariates=[2], **SMALL).fit_decoder(encoder, X)
    Z = decoder.transform(X)
    np.testing.assert_array_equal(decoder.inverse_transform(Z, covariates=X[:, [2]])[:, 2], told)


def test_unknown_covariates_are_the_average():
    X, *_ = shifted(100)
    model = VAE(2, covariates=[2], missing="mask", **SMALL).fit(X)
    average = X.copy()
    average[:, 2] = model.net_.module_.covariate_center.item()
    X[:, 2] = np.nan
    np.testing.assert_allclose(model.transform(X), model.transform(average), atol=1e-6)
    gaps = X.copy()
    gaps[:50, 2], gaps[50:, 2] = 1.0, np.nan
    assert np.isfinite(VAE(2, covariates=[2], missing="mask", **SMALL).fit(gaps).score(gaps))


def test_groups_of_columns_are_among_the_others():
    X, _batch, *_ = shifted(100)
    frame = pd.DataFrame(X, columns=list("abcdefghi"))
    frame["k"] = np.random.default_rng(0).poisson(3.0, 100)
    likelihood = Mixed([(list("abdefghi"), Gaussian()), (["k"], Poisson(size_factor=None))])
    model = VAE(2, covariates="c", likelihood=likelihood, **SMALL).fit(frame)
    assert np.isfinite(model.score(frame))
    with pytest.raises(ValueError, match=r"are covariates, which are not modelled"):
        VAE(2, covariates="a", likelihood=likelihood, **SMALL).fit(frame)


def test_reconstructions_are_told():
    X, *_ = shifted(200)
    model = VAE(2, covariates=[2], **(SMALL | {"max_epochs": 20})).fit(X)
    untold = -np.mean((X - model.inverse_transform(model.transform(X))) ** 2)
    assert reconstruction_scorer(model, X) > 0.3 * untold
    assert reconstruction_scorer(make_pipeline(model), X) == reconstruction_scorer(model, X)


def test_draws_are_told():
    X, *_ = shifted(60)
    model = VAE(2, covariates=[2], **SMALL).fit(X)
    for noise in (False, True):
        drawn = model.sample(5, random_state=0, noise=noise, covariates=[1.0])
        assert (drawn[:, 2] == 1).all()
    ensemble = VAEEnsemble(2, n_estimators=2, covariates=[2], **SMALL).fit(X)
    assert (ensemble.sample(5, random_state=0, covariates=[1.0])[:, 2] == 1).all()


def test_importance_weights_are_told_row_by_row():
    X, *_ = shifted(60)
    model = VAE(2, covariates=[2], **SMALL).fit(X)
    together = model.log_likelihood(X, n_importance_samples=400)
    np.testing.assert_allclose(together, model.score_samples(X), atol=3.0)
    assert (together > model.score_samples(X) - 0.5).all()


@pytest.mark.parametrize(
    ("covariates", "message"),
    [([[1.0, 2.0]], r"shape \(1, 2\), expected \(60, 1\)"), ([[1.0]] * 3, r"shape \(3, 1\)"),
     (["a"], "covariates|string"), ([np.nan], "covariates contains NaN"),
     (pd.DataFrame({"x": [1.0]}), None)],
)  # fmt: skip
def test_what_the_decoder_is_told_is_checked(covariates, message):
    X, *_ = shifted(60)
    model = VAE(2, covariates=[2], **SMALL).fit(X)
    Z = model.transform(X)
    if message is None:  # names count only where X had some
        model.inverse_transform(Z, covariates=covariates)
        named = VAE(2, covariates="c", **SMALL).fit(pd.DataFrame(X, columns=list("abcdefghi")))
        with pytest.raises(ValueError, match="covariates lacks 'c'"):
            named.inverse_transform(Z, covariates=covariates)
        return
    with pytest.raises(ValueError, match=message):
        model.inverse_transform(Z, covariates=covariates)


def test_a_model_without_any_says_so():
    X, *_ = shifted(60)
    model = VAE(2, **SMALL).fit(X)
    assert len(model.covariates_) == 0
    with pytest.raises(ValueError, match="this model has none"):
        model.inverse_transform(model.transform(X), covariates=[1.0])


def test_going_on_needs_the_same_ones():
    X, *_ = shifted(60)
    model = VAE(2, covariates=[2], **SMALL).fit(X)
    model.partial_fit(X)
    with pytest.raises(ValueError, match="covariates was"):
        model.set_params(covariates=[3]).partial_fit(X)

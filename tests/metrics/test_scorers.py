"""Scorers, on small stand-ins with a model's methods; test_scorers_of_models.py has the models."""

import pickle
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import sklatent.metrics
from sklatent import RosettaPoints
from sklatent._posterior import Posterior
from sklatent.metrics import (
    active_components,
    beta_vae_score,
    bures_distance,
    cca_score,
    cknna_score,
    consistency_score,
    dci_scores,
    elbo_scorer,
    explicitness_score,
    factor_vae_score,
    interventional_robustness_score,
    latent_space_distortion,
    linear_cka,
    linear_map_distortion,
    make_active_components_scorer,
    make_bures_scorer,
    make_consistency_scorer,
    make_dci_scorer,
    make_distortion_scorer,
    make_polarized_regime_scorer,
    make_rosetta_scorer,
    make_signed_permutation_scorer,
    make_udr_scorer,
    modularity_score,
    mutual_information_gap,
    mutual_knn_score,
    neighborhood_jaccard_score,
    polarized_regime,
    procrustes_distance,
    reconstruction_scorer,
    rsa_score,
    separated_attribute_predictability,
    signed_permutation_report,
    udr_scores,
)
from tests.metrics.reference import make_reference


def factory(name):
    return getattr(sklatent.metrics, f"make_{name}_scorer")


class Encoder(PCA):
    """A PCA that also gives posteriors, its last component passive."""

    def encode(self, X):
        mean = self.transform(X) * np.append(np.ones(self.n_components_ - 1), 1e-3)
        log_var = np.full(mean.shape, -3.0)
        log_var[:, -1] = -1e-3
        return Posterior(mean, log_var=log_var)


class Ensemble(TransformerMixin, BaseEstimator):
    """Encoders on different halves of the samples."""

    def __init__(self, n_components=2):
        self.n_components = n_components

    def fit(self, X, y=None):
        self.estimators_ = [Encoder(self.n_components).fit(X[start::3]) for start in range(3)]
        return self

    def transform(self, X):
        return self.estimators_[0].transform(X)


@pytest.fixture(scope="module")
def data():
    codes, factors = make_reference()
    return codes[:150], factors[:150, :2]


@pytest.fixture(scope="module")
def model(data):
    return make_pipeline(StandardScaler(), Encoder(3)).fit(data[0])


# Options that are not the defaults, to see that they arrive, and make it fast.
BATCHES = {"n_train": 400, "n_eval": 200, "batch_size": 8, "random_state": 1}
TREE = {"estimator": DecisionTreeClassifier(random_state=0), "test_size": 0.3, "random_state": 1}
OPTIONS = {
    "dci": TREE,
    "factor_vae": {**BATCHES, "pruning_threshold": 0.7},
    "beta_vae": BATCHES,
    "mutual_information_gap": {"n_bins": 7},
    "separated_attribute_predictability": {"continuous_factors": True},
    "modularity": {"n_bins": 7},
    "explicitness": {"test_size": 0.3, "random_state": 1},
    "interventional_robustness": {"diff_quantile": 0.9, "n_bins": 3},
}
OF_FACTORS = {
    "dci": lambda Z, F, **options: dci_scores(Z, F, **options).disentanglement,
    "factor_vae": factor_vae_score,
    "beta_vae": beta_vae_score,
    "mutual_information_gap": mutual_information_gap,
    "separated_attribute_predictability": separated_attribute_predictability,
    "modularity": modularity_score,
    "explicitness": explicitness_score,
    "interventional_robustness": interventional_robustness_score,
}
OF_REFERENCE = {
    "distortion": lambda Z, T: -latent_space_distortion(Z, T),
    "linear_map_distortion": lambda Z, T: (
        -linear_map_distortion(latent_space_distortion(Z, T, return_map=True)[1]).distance
    ),
    "signed_permutation": lambda Z, T: -signed_permutation_report(Z, T).distance,
    "linear_cka": linear_cka,
    "cca": cca_score,
    "procrustes": lambda Z, T: -procrustes_distance(Z, T),
    "mutual_knn": lambda Z, T: mutual_knn_score(Z, T, metric="euclidean"),
    "neighborhood_jaccard": lambda Z, T: neighborhood_jaccard_score(Z, T, metric="euclidean"),
    "cknna": cknna_score,
    "rsa": lambda Z, T: rsa_score(Z, T, metric="euclidean"),
}
OTHERS = {"bures", "active_components", "polarized_regime", "rosetta", "consistency", "udr"}


def test_every_factory_is_tested_here():
    public = {name for name in sklatent.metrics.__all__ if name.startswith("make_")}
    assert public == {f"make_{name}_scorer" for name in {*OF_FACTORS, *OF_REFERENCE, *OTHERS}}


@pytest.mark.parametrize("name", OF_FACTORS)
def test_scorers_of_disentanglement(name, data, model):
    X, factors = data
    options = OPTIONS[name]
    expected = OF_FACTORS[name](model.transform(X), factors, **options)
    assert factory(name)(**options)(model, X, factors) == pytest.approx(expected)
    assert factory(name)(factors, **options)(model, X) == pytest.approx(expected)
    # Reference samples: whatever it is called with.
    scorer = factory(name)(factors, X_reference=X, **options)
    assert scorer(model, X[:5], factors[:5]) == pytest.approx(expected)


def test_scorers_that_draw_judge_all_candidates_alike(data, model):
    X, factors = data
    expected = explicitness_score(model.transform(X), factors, random_state=0)
    assert factory("explicitness")()(model, X, factors) == expected


@pytest.mark.parametrize("name", OF_REFERENCE)
def test_scorers_of_likeness_to_a_reference(name, data, model):
    X, _ = data
    reference = X[:, :3] + 0.5 * X[:, [1, 2, 0]]
    expected = OF_REFERENCE[name](model.transform(X), reference)
    assert factory(name)()(model, X, reference) == pytest.approx(expected)
    assert factory(name)(reference)(model, X) == pytest.approx(expected)
    scorer = factory(name)(reference, X_reference=X)
    assert scorer(model, X[:5]) == pytest.approx(expected)


@pytest.mark.parametrize("name", [*OF_FACTORS, *OF_REFERENCE])
def test_targets_that_do_not_fit(name, data, model):
    X, factors = data
    with pytest.raises(ValueError, match="y is None"):
        factory(name)()(model, X)
    with pytest.raises(ValueError, match="150 rows, but the scorer was called on 50 samples"):
        factory(name)(factors)(model, X[:50])
    with pytest.raises(ValueError, match="same number of rows, got 150 and 50"):
        factory(name)(factors, X_reference=X[:50])
    with pytest.raises(ValueError, match="X_reference needs"):
        factory(name)(X_reference=X)


@pytest.mark.parametrize(
    "scorer",
    [
        elbo_scorer,
        reconstruction_scorer,
        make_active_components_scorer(),
        make_consistency_scorer([PCA(2).fit(make_reference()[0])]),
        make_dci_scorer(score="completeness", estimator=DecisionTreeClassifier(random_state=0)),
        make_distortion_scorer(np.eye(9)[:, :2], X_reference=np.eye(9)[:, :7]),
        make_distortion_scorer(),
        make_polarized_regime_scorer(),
        make_rosetta_scorer(RosettaPoints(np.eye(7), np.eye(7)[:, :2])),
        make_udr_scorer([PCA(2).fit(make_reference()[0])], similarity="spearman"),
        make_bures_scorer(
            Encoder(2).fit(make_reference()[0]).encode(make_reference()[0]), make_reference()[0]
        ),
        factory("mutual_knn")(n_neighbors=5),
        factory("rsa")(),
    ],
    ids=lambda scorer: getattr(scorer, "__name__", None) or repr(scorer),
)
def test_in_a_search_in_jobs_and_through_pickle(scorer, data):
    X, factors = data
    scorer = pickle.loads(pickle.dumps(scorer))
    search = GridSearchCV(Encoder(), {"n_components": [2]}, scoring=scorer, cv=2)
    search.fit(X, factors)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    train, test = next(KFold(2).split(X))
    fold = clone(search.estimator).set_params(n_components=2).fit(X[train])
    expected = scorer(fold, X[test], factors[test])
    assert search.cv_results_["split0_test_score"][0] == pytest.approx(expected)


def test_several_scorers_in_cross_validate(data):
    X, factors = data
    pipeline = make_pipeline(MinMaxScaler(), Encoder(3).set_output(transform="pandas"))
    scoring = {
        "reconstruction": reconstruction_scorer,
        "elbo": elbo_scorer,
        "mig": sklatent.metrics.make_mutual_information_gap_scorer(),
    }
    with parallel_config("threading"):
        result = cross_validate(pipeline, X, factors, scoring=scoring, cv=3, n_jobs=2)
    for name in scoring:
        assert np.isfinite(result[f"test_{name}"]).all()


def test_representations_do_not_print_arrays(data):
    X, factors = data
    assert repr(make_dci_scorer(factors)).startswith("FactorScorer(dci_scores, options={")
    assert repr(make_distortion_scorer()) == (
        "ReferenceScorer(-latent_space_distortion, options={})"
    )
    assert "weight=2.0" in repr(make_rosetta_scorer(RosettaPoints(X, X), 2.0))
    assert len(repr(make_consistency_scorer([PCA(2).fit(X)]))) < 200


def test_reconstruction_is_in_the_units_of_the_pipelines_input(data, model):
    X, _ = data
    expected = -np.mean((model.inverse_transform(model.transform(X)) - X) ** 2)
    assert reconstruction_scorer(model, X) == pytest.approx(expected)


def test_elbo_is_the_models_score(data):
    X, _ = data
    pipeline = make_pipeline(StandardScaler(), FactorAnalysis(2)).fit(X)
    assert elbo_scorer(pipeline, X) == pytest.approx(pipeline.score(X))


def test_rosetta_score_is_the_bound_minus_the_anchors_error_both_ways(data):
    X, _ = data
    pipeline = make_pipeline(StandardScaler(), Encoder(2)).fit(X)
    rng = np.random.RandomState(0)
    points = RosettaPoints(rng.normal(size=(5, 7)), rng.normal(size=(5, 2)))
    error = 0
    for x, z in zip(points.X, points.Z, strict=True):
        error += ((pipeline[-1].inverse_transform(z[None])[0] - x) ** 2).sum() / 5
        error += ((pipeline[-1].transform(x[None])[0] - z) ** 2).sum() / 5
    expected = pipeline.score(X) - 0.3 * error
    assert make_rosetta_scorer(points, weight=0.3)(pipeline, X) == pytest.approx(expected)
    assert make_rosetta_scorer(points, weight=0)(pipeline, X) == pytest.approx(pipeline.score(X))


def test_anchors_held_out_are_the_judges(data):
    """And that there are none is said."""
    X, _ = data
    pipeline = make_pipeline(StandardScaler(), Encoder(2)).fit(X)
    rng = np.random.RandomState(0)
    judges = RosettaPoints(rng.normal(size=(5, 7)), rng.normal(size=(5, 2)))
    points = RosettaPoints(rng.normal(size=(9, 7)), rng.normal(size=(9, 2)), held_out=judges)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scorer = make_rosetta_scorer(points)
    with pytest.warns(UserWarning, match="no held-out ones"):
        expected = make_rosetta_scorer(judges)
    assert scorer(pipeline, X) == expected(pipeline, X)


def test_bad_rosetta_scorers(data):
    X, _ = data
    model = Encoder(2).fit(X)
    with pytest.raises(TypeError, match="RosettaPoints"):
        make_rosetta_scorer(X)
    with pytest.raises(ValueError, match="weight"):
        make_rosetta_scorer(RosettaPoints(X, X), weight=-1)
    with pytest.raises(ValueError, match="another number of components"):
        make_rosetta_scorer(RosettaPoints(X, X))(model, X)
    with pytest.raises(ValueError, match="expecting 7 features"):
        make_rosetta_scorer(RosettaPoints(X[:, :3], X[:, :2]))(model, X)


def test_scorers_of_posteriors(data, model):
    X, _ = data
    posterior = model[-1].encode(model[0].transform(X))
    active = active_components(posterior)
    np.testing.assert_array_equal(active, [True, True, False])
    assert make_active_components_scorer()(model, X) == 2
    assert make_active_components_scorer(threshold=1e-9)(model, X) == 3
    expected = -polarized_regime(posterior)[:2].mean()
    assert make_polarized_regime_scorer()(model, X) == pytest.approx(expected)
    assert make_polarized_regime_scorer()(Encoder(1).fit(X), X) == 0.0
    other = Posterior(posterior.mean[:, ::-1], log_var=posterior.log_var)
    for align in (False, True):
        expected = -bures_distance(posterior, other, align=align)
        scorer = make_bures_scorer(other, X, align=align)
        assert scorer(model, X[:5]) == pytest.approx(expected)
        assert "Posterior(" in repr(scorer)
    with pytest.raises(ValueError, match="same number of rows, got 150 and 5"):
        make_bures_scorer(other, X[:5])
    with pytest.raises(TypeError, match="PCA has no method `encode`"):
        make_active_components_scorer()(PCA(2).fit(X), X)


def test_scorers_of_an_ensemble(data):
    X, _ = data
    pipeline = make_pipeline(StandardScaler(), Ensemble(2)).fit(X)
    scaled = pipeline[0].transform(X)
    members = pipeline[-1].estimators_
    Z = [member.transform(scaled) for member in members]
    for maps in ("linear", "rigid", "signed_permutation"):
        scorer = make_consistency_scorer(maps=maps)
        assert scorer(pipeline, X) == pytest.approx(consistency_score(Z, maps=maps))
    encoded = [member.encode(scaled) for member in members]
    expected = udr_scores(
        [posterior.mean for posterior in encoded],
        log_vars=[posterior.log_var for posterior in encoded],
        similarity="spearman",
    ).mean()
    assert make_udr_scorer(similarity="spearman")(pipeline, X) == pytest.approx(expected)


def test_scorers_against_other_models(data):
    X, _ = data
    candidate = PCA(3).fit(X[:40])
    others = [PCA(3).fit(X[40:90]), make_pipeline(StandardScaler(), PCA(3)).fit(X[90:])]
    Z = [each.transform(X) for each in (candidate, *others)]
    _, pairwise = consistency_score(Z, return_pairwise=True)
    expected = np.mean([pairwise[0, 1], pairwise[0, 2], pairwise[1, 0], pairwise[2, 0]])
    assert make_consistency_scorer(others)(candidate, X) == pytest.approx(expected)
    assert make_udr_scorer(others)(candidate, X) == pytest.approx(udr_scores(Z)[0])


def test_models_to_compare_are_needed_and_must_be_models(data):
    X, _ = data
    for factory_ in (make_consistency_scorer, make_udr_scorer):
        with pytest.raises(TypeError, match="PCA has no members"):
            factory_()(PCA(2).fit(X), X)
        with pytest.raises(TypeError, match="at least one fitted model"):
            factory_([])
        with pytest.raises(TypeError, match="at least one fitted model"):
            factory_([X])


def test_which_dci_score(data, model):
    X, factors = data
    result = dci_scores(model.transform(X), factors, **TREE)
    for name in ("disentanglement", "completeness", "informativeness"):
        scorer = make_dci_scorer(score=name, **TREE)
        assert scorer(model, X, factors) == pytest.approx(result[name])
    with pytest.raises(ValueError, match="score must be one of"):
        make_dci_scorer(score="modularity")


def test_a_search_finds_what_the_scorer_asks_for():
    X, _ = load_iris(return_X_y=True)
    target = PCA(3).fit_transform(X) @ np.diag([1.0, -1.0, 1.0])[:, [1, 2, 0]]
    grid = {"n_components": [1, 2, 3]}
    for scorer in (make_distortion_scorer(), make_signed_permutation_scorer()):
        search = GridSearchCV(PCA(), grid, scoring=scorer, cv=3).fit(X, target)
        assert search.best_params_ == {"n_components": 3}

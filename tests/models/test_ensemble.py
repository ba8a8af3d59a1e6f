"""VAEEnsemble: equation 2 to the letter, members that stand alone, and layouts that agree."""

import pickle

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from torch.nn.functional import binary_cross_entropy_with_logits

import sklatent
from sklatent import DIPVAE, VAE, BetaTCVAE, VAEEnsemble
from sklatent.metrics import consistency_score
from sklatent.model_selection import retrain
from sklatent.nn.ensemble import map_error, translate
from sklatent.nn.modules import VariationalModule
from sklatent.nn.training.net import Step
from tests.settings import PAPERS, batch_of, streams_for

SMALL = {
    "n_components": 3,
    "hidden_layer_sizes": (12,),
    "max_epochs": 3,
    "random_state": 0,
    **PAPERS,
}
OUTPUTS = ("first", "mean", "stack")


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:300] / 16


@pytest.fixture(scope="module")
def ensemble(X):
    return VAEEnsemble(**SMALL, precision="float64").fit(X)


def evaluate(model, X):
    """Terms of a fitted ensemble's objective on X, and the noise that they used."""
    constants = model._constants(torch.float64, "cpu")
    hyper = {name: getattr(model, name) for name in model._loss_hyperparameters}
    streams, again = (streams_for(len(X), seed=7) for _ in range(2))
    step = Step(hyper, streams, constants, len(X), len(X))
    with torch.no_grad():
        terms = model._objective(model.net_.module_, batch_of(X), step)
    noise = again.normal(model.n_estimators, len(X), model.n_components)
    return {name: term.item() for name, term in terms.items()}, noise


# Equation 2


@pytest.mark.parametrize("posterior", ["diagonal", "full"])
@pytest.mark.parametrize("likelihood", ["unit_gaussian", "bernoulli"])
def test_objective_is_equation_2(X, posterior, likelihood):
    """Every expectation by itself, from the members and maps as the user has them."""
    X = X[:50]
    model = VAEEnsemble(
        **SMALL | {"likelihood": likelihood},
        n_estimators=3,
        gamma=2.5,
        beta=[1.0, 2.0, 0.5],
        posterior=posterior,
        precision="float64",
    ).fit(X)
    found, noise = evaluate(model, X)
    x, n = torch.from_numpy(X), 3
    modules = [member.net_.module_ for member in model.estimators_]
    with torch.no_grad():
        posteriors = [module.encode(x) for module in modules]
        z = [p.sample(noise[i]) for i, p in enumerate(posteriors)]
        reconstruction, cross, distance = 0.0, 0.0, 0.0
        for i in range(n):
            for j in range(n):
                z_ij = z[i] @ torch.from_numpy(model.linear_maps_[i, j]).T if i != j else z[i]
                output = modules[j].decode(z_ij)
                if likelihood == "unit_gaussian":
                    error = 0.5 * ((x - output) ** 2 + np.log(2 * np.pi)).sum(1).mean()
                else:
                    error = binary_cross_entropy_with_logits(output, x, reduction="none")
                    error = error.sum(1).mean()
                if i == j:
                    reconstruction += error.item()
                else:
                    cross += error.item()
                    distance += ((z[j] - z_ij) ** 2).sum(1).mean().item()
        kl = sum(b * p.kl().mean().item() for b, p in zip(model.beta, posteriors, strict=True))
    expected = {
        "reconstruction": reconstruction,
        "kl": kl,
        "cross_reconstruction": cross,
        "linear_transformation": 2.5 * distance,
    }
    assert found == pytest.approx(expected, rel=1e-10)


def test_ablations_drop_their_term_and_nothing_else(X):
    model = VAEEnsemble(**SMALL, precision="float64").fit(X[:50])
    whole, _ = evaluate(model, X[:50])
    for name in ("cross_reconstruction", "linear_transformation"):
        ablated = clone(model).set_params(**{name: False}).fit(X[:50])
        ablated.net_.module_.load_state_dict(model.net_.module_.state_dict())
        found, _ = evaluate(ablated, X[:50])
        assert found == pytest.approx({k: v for k, v in whole.items() if k != name}, rel=1e-10)


def test_without_both_terms_members_do_not_see_each_other(X):
    """What the second member pays changes the first only where something joins them."""
    free = {"cross_reconstruction": False, "linear_transformation": False}
    for options, same in [(free, True), ({}, False)]:
        first = [
            VAEEnsemble(**SMALL, **options, n_estimators=2, beta=[1.0, beta], precision="float64")
            .fit(X)
            .estimators_[0]
            .transform(X)
            for beta in (0.5, 5.0)
        ]
        assert np.allclose(*first, rtol=1e-9, atol=1e-12) == same


def test_all_latents_are_decoded_in_one_batch(X, ensemble, monkeypatch):
    shapes, decode = [], VariationalModule.decode

    def counted(self, z):
        shapes.append(tuple(z.shape))
        return decode(self, z)

    monkeypatch.setattr(VariationalModule, "decode", counted)
    evaluate(ensemble, X[:20])
    assert shapes == [(3, 3 * 20, 3)]


def test_translate_and_map_error():
    generator = np.random.default_rng(0)
    maps, z = generator.normal(size=(3, 3, 2, 2)), generator.normal(size=(3, 5, 2))
    for i in range(3):
        maps[i, i] = np.eye(2)
    translated = translate(torch.from_numpy(maps), torch.from_numpy(z))
    for i in range(3):
        for j in range(3):
            expected = np.array([maps[i, j] @ row for row in z[i]])
            np.testing.assert_allclose(translated[j, i].numpy(), expected, rtol=1e-12)
    expected = np.mean(
        [
            sum(
                np.sum((z[j, b] - maps[i, j] @ z[i, b]) ** 2)
                for i in range(3)
                for j in range(3)
                if i != j
            )
            for b in range(5)
        ]
    )
    assert map_error(torch.from_numpy(z), translated).item() == pytest.approx(expected, rel=1e-12)


def test_maps_have_no_bias_and_the_identity_is_not_learned(ensemble):
    module = ensemble.net_.module_
    own = dict(module.named_parameters()).keys() - dict(module.members.named_parameters("members"))
    assert own == {"between"}
    assert module.between.shape == (6, 3, 3)
    assert ensemble.linear_maps_.shape == (3, 3, 3, 3)
    for i in range(3):
        np.testing.assert_array_equal(ensemble.linear_maps_[i, i], np.eye(3))
        for j in range(3):
            if i != j:
                assert not np.allclose(ensemble.linear_maps_[i, j], ensemble.linear_maps_[j, i])


def explained(target, predicted):
    return 1 - np.sum((target - predicted) ** 2) / np.sum((target - target.mean(axis=0)) ** 2)


# What it is for


DIGITS = {
    **PAPERS,
    "n_components": 6,
    "hidden_layer_sizes": (48,),
    "likelihood": "bernoulli",
    "max_epochs": 40,
    "batch_size": 64,
    "learning_rate": 2e-3,
}


@pytest.fixture(scope="module")
def digits():
    """Rows to train on, and others."""
    return np.split(load_digits().data / 16, [1200])


@pytest.fixture(scope="module")
def together(digits):
    """The members of three ensembles of two, and their maps."""
    return [
        VAEEnsemble(**DIGITS, n_estimators=2, gamma=1.0, random_state=seed).fit(digits[0])
        for seed in range(3)
    ]


def linear_equivalence(members, X):
    """R^2 of the least-squares map between means, averaged over both directions."""
    one, other = (member.transform(X) for member in members)
    pairs = [(one, other), (other, one)]
    return np.mean([LinearRegression().fit(a, b).score(a, b) for a, b in pairs])


def test_members_are_nearer_to_linear_equivalence_than_separate_models(digits, together):
    """Whatever the pair, on rows that none of them was trained on."""
    train, test = digits
    separate = retrain(VAE(**DIGITS), train, n_runs=6, random_state=0)
    alone = [linear_equivalence(separate[2 * pair : 2 * pair + 2], test) for pair in range(3)]
    joined = [linear_equivalence(ensemble.estimators_, test) for ensemble in together]
    assert min(joined) > 0.96
    # Ten separate pairs have 0.76 to 0.94 (0.97 in other draws), six ensembles 0.988 to 0.995.
    assert min(joined) > max(alone) + 0.03
    assert np.median(joined) > np.median(alone) + 0.05


def test_linear_maps_lead_from_the_first_index_to_the_second(digits, together):
    test = digits[1]
    for ensemble in together:
        one, other = (member.transform(test) for member in ensemble.estimators_)
        for a, b, i, j in [(one, other, 0, 1), (other, one, 1, 0)]:
            assert explained(b, a @ ensemble.linear_maps_[i, j].T) > 0.8
            assert explained(b, a @ ensemble.linear_maps_[j, i].T) < 0.6


# Members


def test_members_start_apart_and_as_their_seeds_say(X):
    model = VAEEnsemble(**SMALL).set_params(learning_rate=1e-300, max_epochs=1).fit(X)
    seeds = [member.random_state for member in model.estimators_]
    assert len(set(seeds)) == 3
    for member, seed in zip(model.estimators_, seeds, strict=True):
        alone = VAE(**SMALL).set_params(learning_rate=1e-300, max_epochs=1, random_state=seed)
        np.testing.assert_array_equal(member.transform(X), alone.fit(X).transform(X))


def test_members_are_usable_models(X, ensemble):
    for k, member in enumerate(ensemble.estimators_):
        assert type(member) is VAE
        latents = member.transform(X)
        assert latents.shape == (300, 3)
        assert member.inverse_transform(latents).shape == X.shape
        assert np.isfinite(member.score(X))
        assert member.sample(4, random_state=0).shape == (4, 64)
        assert list(member.get_feature_names_out()) == ["vae0", "vae1", "vae2"]
        assert member.n_epochs_ == 3
        assert member.history_ == []
        np.testing.assert_array_equal(
            pickle.loads(pickle.dumps(member)).transform(X), member.transform(X)
        )
        np.testing.assert_array_equal(
            ensemble.net_.module_.members.head.bias[k].detach().numpy(),
            member.net_.module_.head.bias.detach().numpy(),
        )


def test_members_train_on_alone_without_touching_the_others(X):
    model = VAEEnsemble(**SMALL).fit(X)
    before = [member.transform(X) for member in model.estimators_]
    member = model.estimators_[0].partial_fit(X)
    assert "train_loss" in member.history_[-1]
    assert not np.array_equal(member.transform(X), before[0])
    np.testing.assert_array_equal(model.estimators_[1].transform(X), before[1])
    np.testing.assert_array_equal(model.transform(X), member.transform(X))
    retrained = clone(member).fit(X)
    assert retrained.n_epochs_ == 3


def test_members_keep_feature_names(X):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X).rename(columns=str)
    model = VAEEnsemble(**SMALL).set_params(output="mean").fit(frame)
    assert list(model.estimators_[1].feature_names_in_) == list(frame.columns)
    model.transform(frame)
    model.score(frame)
    model.encode(frame)


@pytest.mark.parametrize(
    ("objective", "cls", "terms"),
    [
        ("vae", VAE, set()),
        ("beta_tc", BetaTCVAE, {"total_correlation"}),
        ("dip_i", DIPVAE, {"off_diagonal", "diagonal"}),
        ("dip_ii", DIPVAE, {"off_diagonal", "diagonal"}),
    ],
)
def test_members_may_have_another_objective(X, objective, cls, terms):
    """Theirs sum to the ensemble's, once nothing joins them."""
    X = X[:60]
    model = VAEEnsemble(
        **SMALL,
        objective=objective,
        lambda_od=2.0,
        lambda_d=3.0,
        beta=[4.0, 1.0, 0.5],
        precision="float64",
    ).fit(X)
    found, noise = evaluate(model, X)
    assert terms < set(found) or not terms
    expected = dict.fromkeys({"reconstruction", "kl"} | terms, 0.0)
    for member, own_noise in zip(model.estimators_, noise, strict=True):
        assert type(member) is cls
        if cls is DIPVAE:
            assert (member.kind, member.lambda_od) == (objective.removeprefix("dip_"), 2.0)
        hyper = {name: getattr(member, name) for name in member._loss_hyperparameters}
        step = Step(hyper, _Fixed(own_noise), {}, len(X), len(X))
        with torch.no_grad():
            own = member._objective(member.net_.module_, batch_of(X), step)
        for name, value in own.items():
            expected[name] += value.item()
    joint = ("cross_reconstruction", "linear_transformation")
    assert {k: v for k, v in found.items() if k not in joint} == pytest.approx(expected, rel=1e-9)


class _Fixed:
    """Streams that give one noise."""

    def __init__(self, noise):
        self.noise = noise

    def normal(self, *shape):
        assert shape == self.noise.shape
        return self.noise


def test_members_may_differ_in_beta(X):
    model = VAEEnsemble(
        3,
        n_estimators=2,
        beta=[0.1, 10.0],
        hidden_layer_sizes=(32,),
        max_epochs=30,
        random_state=0,
    )
    model.set_params(gamma=0.1, cross_reconstruction=False).fit(4 * X)
    assert [member.beta for member in model.estimators_] == [0.1, 10.0]
    kl = [member.encode(4 * X).kl().mean() for member in model.estimators_]
    assert kl[0] > kl[1] + 1


# Layouts


def test_first(X, ensemble):
    first = ensemble.estimators_[0]
    latents = ensemble.transform(X)
    np.testing.assert_array_equal(latents, first.transform(X))
    np.testing.assert_array_equal(
        ensemble.inverse_transform(latents), first.inverse_transform(latents)
    )


def test_mean(X, ensemble):
    model = pickle.loads(pickle.dumps(ensemble)).set_params(output="mean")
    mapped = [
        member.transform(X) @ model.linear_maps_[i, 0].T
        for i, member in enumerate(model.estimators_)
    ]
    latents = model.transform(X)
    np.testing.assert_allclose(latents, np.mean(mapped, axis=0), rtol=1e-12, atol=1e-12)
    first = model.estimators_[0]
    np.testing.assert_array_equal(
        model.inverse_transform(latents), first.inverse_transform(latents)
    )


def test_stack(X, ensemble):
    model = pickle.loads(pickle.dumps(ensemble)).set_params(output="stack")
    parts = [member.transform(X) for member in model.estimators_]
    latents = model.transform(X)
    assert latents.shape == (300, 9)
    np.testing.assert_array_equal(latents, np.hstack(parts))
    decoded = [
        member.inverse_transform(part)
        for member, part in zip(model.estimators_, parts, strict=True)
    ]
    np.testing.assert_allclose(
        model.inverse_transform(latents), np.mean(decoded, axis=0), rtol=1e-12
    )


@pytest.mark.parametrize("output", OUTPUTS)
def test_number_of_features_out_follows_output_after_fit(X, ensemble, output):
    model = pickle.loads(pickle.dumps(ensemble)).set_params(output=output)
    width = 9 if output == "stack" else 3
    assert model.transform(X).shape[1] == width
    assert list(model.get_feature_names_out()) == [f"vaeensemble{i}" for i in range(width)]
    assert model.n_components_ == 3
    with pytest.raises(ValueError, match=f"has {width} latent"):
        model.inverse_transform(np.zeros((2, width + 1)))


@pytest.mark.parametrize("posterior", ["diagonal", "full"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_posteriors_are_those_of_what_transform_returns(X, posterior, output):
    """Means exactly; covariances against draws from the members, combined by hand."""
    model = VAEEnsemble(**SMALL, n_estimators=2, posterior=posterior, output=output).fit(X)
    found = model.encode(X[:5])
    np.testing.assert_allclose(found.mean, model.transform(X[:5]), rtol=1e-6, atol=1e-7)
    generator = np.random.RandomState(0)
    posteriors = [member.encode(X[:5]) for member in model.estimators_]
    generator = np.random.RandomState(0)
    draws = []
    for _ in range(4000):
        first, second = (posterior.sample(generator) for posterior in posteriors)
        draws.append(
            {
                "first": first,
                "stack": np.hstack([first, second]),
                "mean": (first + second @ model.linear_maps_[1, 0].T) / 2,
            }[output]
        )
    assert found.is_diagonal == (posterior == "diagonal" and output != "mean")
    covariance = np.array([np.cov(row.T) for row in np.swapaxes(draws, 0, 1)])
    np.testing.assert_allclose(found.covariance, covariance, atol=0.1)


# The ensemble as a density


def test_scores_are_the_mixtures(X, ensemble):
    members = ensemble.estimators_
    for output in OUTPUTS:
        model = pickle.loads(pickle.dumps(ensemble)).set_params(output=output)
        bounds = np.mean([member.score_samples(X) for member in members], axis=0)
        np.testing.assert_allclose(model.score_samples(X), bounds, rtol=1e-12)
        assert model.score(X) == pytest.approx(np.mean([member.score(X) for member in members]))
    states = np.random.RandomState(3)
    each = [member.log_likelihood(X, 20, states) for member in members]
    found = ensemble.log_likelihood(X, 20, random_state=3)
    np.testing.assert_allclose(found, logsumexp(each, axis=0) - np.log(3), rtol=1e-12)
    assert ensemble.log_likelihood(X).mean() > ensemble.score(X)


def test_every_member_is_sampled(X, ensemble):
    drawn = ensemble.sample(60, random_state=0)
    assert drawn.shape == (60, 64)
    np.testing.assert_array_equal(drawn, ensemble.sample(60, random_state=0))
    generator = np.random.RandomState(0)
    candidates = [member.sample(60, generator) for member in ensemble.estimators_]
    came_from = np.array([(drawn == each).all(axis=1) for each in candidates])
    assert (came_from.sum(axis=0) == 1).all()
    assert (came_from.sum(axis=1) > 5).all()
    with pytest.raises(ValueError, match="n_samples=0"):
        ensemble.sample(0)


# Training


def test_training_can_go_on(X):
    model = VAEEnsemble(**SMALL).fit(X)
    before = model.linear_maps_.copy()
    model.partial_fit(X)
    assert model.n_epochs_ == len(model.history_) == 4
    assert not np.array_equal(model.linear_maps_, before)
    np.testing.assert_array_equal(model.transform(X), model.estimators_[0].transform(X))
    whole = VAEEnsemble(**SMALL).set_params(warm_start=True).fit(X).fit(X)
    assert whole.n_epochs_ == 6


def test_history_has_every_term(X, ensemble):
    row = ensemble.history_[-1]
    terms = ("reconstruction", "kl", "cross_reconstruction", "linear_transformation")
    assert row["train_loss"] == pytest.approx(sum(row[term] for term in terms))


def test_early_stopping_and_convolutions(X):
    model = VAEEnsemble(
        **SMALL | {"early_stopping": True, "likelihood": "bernoulli"},
        n_estimators=2,
        architecture="conv",
        image_shape=(1, 8, 8),
        patience=1,
    ).fit(X[:100])
    assert "valid_linear_transformation" in model.history_[0]
    assert model.transform(X).shape == (300, 3)


def test_in_a_search(X):
    model = VAEEnsemble(
        **SMALL | {"likelihood": "bernoulli"},
        n_estimators=2,
    )
    search = GridSearchCV(
        make_pipeline(MinMaxScaler(clip=True), model), {"vaeensemble__gamma": [1.0, 10.0]}, cv=2
    )
    search.fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_retraining_trains_one_ensemble_after_the_other(X):
    runs = retrain(VAEEnsemble(**SMALL, n_estimators=2), X, n_runs=2, random_state=0)
    assert consistency_score(np.stack([run.transform(X) for run in runs])) <= 1


def test_saved_and_loaded(X, ensemble, tmp_path):
    sklatent.save(ensemble, tmp_path / "ensemble.safetensors")
    loaded = sklatent.load(tmp_path / "ensemble.safetensors")
    np.testing.assert_array_equal(loaded.linear_maps_, ensemble.linear_maps_)
    for output in OUTPUTS:
        np.testing.assert_array_equal(
            loaded.set_params(output=output).transform(X),
            pickle.loads(pickle.dumps(ensemble)).set_params(output=output).transform(X),
        )


# Bad input


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"n_estimators": 1}, "is no ensemble.*use VAE"),
        ({"beta": [1.0, 2.0]}, r"shape \(2,\), but n_estimators=3"),
        ({"beta": [1.0, -1.0, 1.0]}, "not negative"),
        ({"beta": [1.0, np.nan, 1.0]}, "finite"),
        ({"output": "last"}, "output"),
        ({"objective": "factor"}, "objective"),
        ({"gamma": -1.0}, "gamma"),
    ],
)
def test_bad_parameters(X, parameters, match):
    with pytest.raises(ValueError, match=match):
        VAEEnsemble(**SMALL).set_params(**parameters).fit(X)

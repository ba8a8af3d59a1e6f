"""K stacked models end where K separate fits with the same seeds end."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits

from sklatent import VAE, RosettaPoints, RosettaVAE
from sklatent.likelihoods import Gaussian, NegativeBinomial
from sklatent.models._fit_together import can_stack, fit_models

DOUBLE = {"precision": "float64", "max_epochs": 3, "hidden_layer_sizes": (16,), "n_components": 3}


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:300] / 16


def members(model, n=3, **parameters):
    return [
        clone(model).set_params(random_state=k, **{p: v[k] for p, v in parameters.items()})
        for k in range(n)
    ]


def dropout(n_features, n_components, image_shape):
    encoder = torch.nn.Sequential(torch.nn.Linear(n_features, 16), torch.nn.ReLU())

    class Skip(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(n_components, n_features)

        def forward(self, z):
            return self.layer(z) + z.sum(1, keepdim=True)

    return encoder, Skip()


CASES = {
    "mlp": VAE(**DOUBLE),
    "full": VAE(**DOUBLE, posterior="full"),
    "bernoulli": VAE(**DOUBLE, likelihood="bernoulli"),
    "conv": VAE(**DOUBLE, architecture="conv", image_shape=(1, 8, 8)),
    "conv-full": VAE(**DOUBLE, architecture="conv", image_shape=(1, 8, 8), posterior="full"),
    "residual": VAE(**DOUBLE, architecture="residual"),
    "user's own, looped": VAE(**DOUBLE, architecture=dropout),
    "sgd": VAE(**DOUBLE, optimizer="sgd"),
    "rosetta": RosettaVAE(
        **DOUBLE,
        rosetta_points=RosettaPoints(
            load_digits().data[300:310] / 16, np.random.default_rng(0).normal(size=(10, 3))
        ),
    ),
}


@pytest.mark.parametrize("model", CASES.values(), ids=CASES)
def test_stacked_equals_separate(X, model):
    if model.architecture == "conv":
        X = X[:150]
    separate, stacked = members(model), members(model)
    assert can_stack(stacked)
    fit_models(stacked, X)
    for one, other in zip(separate, stacked, strict=True):
        one.fit(X)
        assert one.n_epochs_ == other.n_epochs_ == 3
        for row, expected in zip(other.history_, one.history_, strict=True):
            assert row == pytest.approx(expected, rel=1e-10)
        weights = one.net_.module_.state_dict()
        for name, tensor in other.net_.module_.state_dict().items():
            torch.testing.assert_close(tensor, weights[name], rtol=1e-9, atol=1e-12)


def test_initial_weights_are_identical_bits(X):
    model = VAE(3, hidden_layer_sizes=(16,), max_epochs=1, learning_rate=1e-300)
    separate, stacked = members(model), members(model)
    fit_models(stacked, X)
    for one, other in zip(separate, stacked, strict=True):
        assert np.array_equal(one.fit(X).transform(X), other.transform(X))


def test_each_member_has_its_own_loss_hyperparameters(X):
    betas = [0.0, 1.0, 30.0]
    separate, stacked = (members(VAE(**DOUBLE), beta=betas) for _ in range(2))
    fit_models(stacked, X)
    for one, other in zip(separate, stacked, strict=True):
        np.testing.assert_allclose(one.fit(X).transform(X), other.transform(X), atol=1e-10)


def test_each_member_has_its_own_rows(X):
    rows = np.array([np.arange(0, 200), np.arange(100, 300), np.arange(50, 250)])
    separate, stacked = members(VAE(**DOUBLE)), members(VAE(**DOUBLE))
    fit_models(stacked, X, rows)
    for one, other, own in zip(separate, stacked, rows, strict=True):
        np.testing.assert_allclose(one.fit(X[own]).transform(X), other.transform(X), atol=1e-10)


@pytest.mark.parametrize(
    ("early_stopping", "batch_size"),
    [(True, 128), ("auto", 128), ("auto", 16)],  # with the last, learned noise is slow
)
def test_each_member_stops_by_itself(X, early_stopping, batch_size):
    model = VAE(
        **{**DOUBLE, "max_epochs": 60, "batch_size": batch_size}, early_stopping=early_stopping,
        patience=1, learning_rate=0.01, beta=0.1,
    )  # fmt: skip
    separate, stacked = members(model), members(model)
    fit_models(stacked, X)
    for one, other in zip(separate, stacked, strict=True):
        assert one.fit(X).n_epochs_ == other.n_epochs_
        np.testing.assert_allclose(one.transform(X), other.transform(X), atol=1e-9)
    assert len({model.n_epochs_ for model in stacked}) > 1


def test_members_can_go_on_training(X):
    separate, stacked = members(VAE(**DOUBLE)), members(VAE(**DOUBLE))
    fit_models(stacked, X)
    for one, other in zip(separate, stacked, strict=True):
        one.fit(X).partial_fit(X)
        other.partial_fit(X)
        np.testing.assert_allclose(one.transform(X), other.transform(X), atol=1e-10)


def test_augmentation_has_each_members_own_noise(X):
    from sklatent.transformations import RandomShift

    model = VAE(**DOUBLE, augmentation=RandomShift(0.1))
    separate, stacked = members(model), members(model)
    fit_models(stacked, X)
    for one, other in zip(separate, stacked, strict=True):
        np.testing.assert_allclose(one.fit(X).transform(X), other.transform(X), atol=1e-10)


def test_float32_agrees_within_the_spread_between_seeds(X):
    model = VAE(3, hidden_layer_sizes=(16,), max_epochs=10)
    separate, stacked = members(model, n=4), members(model, n=4)
    fit_models(stacked, X)
    losses = [m.fit(X).history_[-1]["train_loss"] for m in separate]
    other = [m.history_[-1]["train_loss"] for m in stacked]
    assert np.abs(np.subtract(losses, other)).max() < np.std(losses)


def test_what_cannot_stack_trains_one_by_one(X):
    different = [
        VAE(**DOUBLE, random_state=0),
        VAE(**{**DOUBLE, "n_components": 2}, random_state=1),
    ]
    assert not can_stack(different)
    assert not can_stack(different[:1])
    assert not can_stack([VAE(callbacks=[object()]), VAE(callbacks=[object()])])
    assert not can_stack([VAE(), RosettaVAE()])
    fit_models(different, X)
    assert [m.transform(X).shape[1] for m in different] == [3, 2]


@pytest.mark.parametrize(
    "likelihoods",
    [
        [Gaussian(scale=0.2), Gaussian(scale=3.0), "unit_gaussian"],
        [NegativeBinomial(0.1), NegativeBinomial(2.0), NegativeBinomial(0.7)],
        [NegativeBinomial(0.1, size_factor=None), NegativeBinomial(2.0, size_factor=None)],
    ],
    ids=["variance", "dispersion", "dispersion of means"],
)
def test_numbers_of_the_likelihood_are_each_members_own(X, likelihoods):
    """In training, and whatever a model is asked for afterwards; in pickles too."""
    X = np.round(4 * X)
    together, alone = (
        [VAE(**DOUBLE, likelihood=own, random_state=1) for own in likelihoods] for _ in range(2)
    )
    assert can_stack(together)
    fit_models(together, X)
    for one, other in zip(together, alone, strict=True):
        other.fit(X)
        for model in (one, pickle.loads(pickle.dumps(one))):
            np.testing.assert_allclose(model.transform(X), other.transform(X), atol=1e-7)
            np.testing.assert_allclose(model.score_samples(X), other.score_samples(X), rtol=1e-7)
            np.testing.assert_allclose(
                model.sample(5, noise=True, random_state=0),
                other.sample(5, noise=True, random_state=0),
                atol=1e-6,
            )
        assert one.net_.module_.state_dict().keys() == other.net_.module_.state_dict().keys()
    # Nor is it among the weights that another model starts from.
    again = VAE(**DOUBLE, likelihood=likelihoods[1], init=together[0], random_state=1).fit(X)
    bound = again.net_.module_.likelihood
    expected = alone[1].net_.module_.likelihood
    for name in bound.fixed_names:
        assert torch.equal(getattr(bound, name), getattr(expected, name))


def test_likelihoods_that_differ_in_more_than_numbers_do_not_stack():
    base = Gaussian(scale=2.0)
    for other in ("gaussian", Gaussian("per_feature"), "bernoulli", Gaussian(-1.0), "nonsense"):
        assert not can_stack([VAE(2, likelihood=base), VAE(2, likelihood=other)])
    shares, counts = NegativeBinomial(0.5), NegativeBinomial(0.2, size_factor=None)
    assert not can_stack([VAE(2, likelihood=shares), VAE(2, likelihood=counts)])


def test_a_nan_names_the_member(X):
    models = members(VAE(3, max_epochs=30, optimizer="sgd", learning_rate=1e4))
    with pytest.raises(ValueError, match="of stacked model"):
        fit_models(models, X)
    assert all(np.isfinite(m.transform(X)).all() for m in models)


def test_optimizers_that_look_at_more_than_one_number_train_alone(X):
    """Adafactor's steps are as large as a whole array is, which in a stack is all models' own."""

    def made(optimizer):
        return [VAE(**DOUBLE, optimizer=optimizer, random_state=k) for k in range(2)]

    decayed = [partial(torch.optim.AdamW, weight_decay=0.1) for _ in range(2)]
    assert can_stack([VAE(2, optimizer=optimizer) for optimizer in decayed])
    other = partial(torch.optim.AdamW, weight_decay=0.2)
    assert not can_stack([VAE(2, optimizer=decayed[0]), VAE(2, optimizer=other)])
    assert not can_stack(made(lambda parameters, lr: torch.optim.SGD(parameters, lr)))
    together, alone = made(torch.optim.Adafactor), made(torch.optim.Adafactor)
    fit_models(together, X)
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.transform(X), other.fit(X).transform(X))

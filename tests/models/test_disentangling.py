"""BetaTCVAE, FactorVAE and DIPVAE: each penalty is the published one, and does what it is for."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_digits

from sklatent import DIPVAE, VAE, BetaTCVAE, FactorVAE
from sklatent.model_selection import retrain
from sklatent.models._fit_together import can_stack, fit_models
from sklatent.nn.training.net import Step
from tests.nn.test_disentangling import chen_total_correlation
from tests.settings import PAPERS, batch_of, streams_for

SMALL = {
    "n_components": 3,
    "hidden_layer_sizes": (16,),
    "max_epochs": 3,
    "precision": "float64",
    **PAPERS,
}
MODELS = {
    "beta-tc": BetaTCVAE(**SMALL, beta=4.0),
    "beta-tc, full": BetaTCVAE(**SMALL, beta=4.0, posterior="full"),
    "factor": FactorVAE(**SMALL, gamma=3.0, discriminator_layer_sizes=(8, 8)),
    "dip-i": DIPVAE(**SMALL, kind="i"),
    "dip-ii": DIPVAE(**SMALL, kind="ii"),
    "dip-ii, full": DIPVAE(**SMALL, kind="ii", posterior="full"),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:301] / 16  # batches of 128, 128 and 45


# The models' objectives


def evaluate(model, X):
    """Terms of a fitted model's objective on X, and the posterior and latents they came from."""
    module, x = model.net_.module_, torch.from_numpy(X)
    hyper = {name: getattr(model, name) for name in model._loss_hyperparameters}
    step = Step(hyper, streams_for(len(X)), model._constants(torch.float64, "cpu"), len(X), len(X))
    with torch.no_grad():
        terms = model._objective(module, batch_of(x), step)
        posterior = module.encode(x)
        noise = streams_for(len(X)).normal(len(X), model.n_components)
        z = posterior.sample(noise)
        squared = (module.decode(z) - x).square().sum(-1)
    reconstruction = 0.5 * (squared + X.shape[1] * np.log(2 * np.pi)).mean().item()
    return {name: term.item() for name, term in terms.items()}, reconstruction, posterior, z


@every_model
def test_terms_of_the_loss(X, model):
    X = X[:40]
    model = clone(model).set_params(random_state=0).fit(X)
    found, reconstruction, posterior, z = evaluate(model, X)
    mean, kl = posterior.mean.numpy(), posterior.kl().mean().item()
    if model.posterior == "diagonal":
        covariance = np.stack([np.diag(v) for v in posterior.log_var.exp().numpy()])
    else:
        covariance = (posterior.scale_tril @ posterior.scale_tril.mT).numpy()
    expected = {"reconstruction": reconstruction, "kl": kl}
    if isinstance(model, BetaTCVAE):
        tc = chen_total_correlation(z.numpy(), mean, covariance, len(X))
        expected["total_correlation"] = (model.beta - 1) * tc
    elif isinstance(model, FactorVAE):
        h = z.numpy()
        layers = list(model.net_.module_.adversary)
        for layer in layers[::2]:
            h = h @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
            if layer is not layers[-1]:
                h = np.where(h > 0, h, 0.2 * h)
        D = expit(h)
        expected["total_correlation"] = model.gamma * np.mean(np.log(D) - np.log(1 - D))
    else:
        C = np.cov(mean.T, ddof=0) + (covariance.mean(axis=0) if model.kind == "ii" else 0)
        off = C - np.diag(np.diag(C))
        expected["off_diagonal"] = model.lambda_od * (off**2).sum()
        expected["diagonal"] = model.lambda_d * ((np.diag(C) - 1) ** 2).sum()
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)


@every_model
def test_stacked_equals_separate(X, model):
    values = [1.0, 2.5, 4.0]
    separate, stacked = (
        [
            clone(model).set_params(random_state=k, **dict.fromkeys(model._loss_hyperparameters, v))
            for k, v in enumerate(values)
        ]
        for _ in range(2)
    )
    assert can_stack(stacked)
    fit_models(stacked, X)
    for one, other in zip(separate, stacked, strict=True):
        one.fit(X)
        for row, expected in zip(other.history_, one.history_, strict=True):
            assert row == pytest.approx(expected, rel=1e-9)
        weights = one.net_.module_.state_dict()
        for name, tensor in other.net_.module_.state_dict().items():
            torch.testing.assert_close(tensor, weights[name], rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize(
    "model",
    [
        BetaTCVAE(**SMALL, beta=1.0),
        FactorVAE(**SMALL, gamma=0.0, discriminator_layer_sizes=4),
        DIPVAE(**SMALL, lambda_od=0.0, lambda_d=0.0),
    ],
    ids=["beta-tc", "factor", "dip"],
)
def test_without_its_penalty_each_is_a_vae(X, model):
    """To rounding for one epoch (the discriminator then draws from the same noise)."""
    plain = VAE(**SMALL, random_state=0).set_params(max_epochs=1).fit(X[:100])
    model = clone(model).set_params(max_epochs=1, random_state=0).fit(X[:100])
    np.testing.assert_allclose(model.transform(X), plain.transform(X), rtol=1e-8, atol=1e-10)


def test_each_network_of_the_factor_vae_has_its_own_optimizer(X):
    def weights(model):
        states = model.net_.module_.state_dict()
        return {name: tensor.clone() for name, tensor in states.items()}

    model = FactorVAE(**SMALL, discriminator_layer_sizes=(8,), random_state=0)
    start = model.set_params(learning_rate=1e-300, discriminator_learning_rate=1e-300).fit(X)
    start = weights(start)
    for rate, moved in [("learning_rate", False), ("discriminator_learning_rate", True)]:
        model.set_params(learning_rate=1e-300, discriminator_learning_rate=1e-300)
        for name, tensor in weights(model.set_params(**{rate: 1e-3}).fit(X)).items():
            same = torch.equal(tensor, start[name])
            assert same == (name.startswith("adversary.") != moved), name


class Sum(torch.nn.Module):
    """Decodes the sum of two latents, so that they do best to be equal."""

    def __init__(self, n_features):
        super().__init__()
        self.layer = torch.nn.Linear(1, n_features)

    def forward(self, z):
        return self.layer(z.sum(-1, keepdim=True))


def test_the_discriminator_learns_total_correlation():
    """Latents that are anything but independent: it says so by how much, over seeds."""
    X = 3 * np.random.default_rng(0).normal(size=(1000, 1)) * np.ones(4)
    for seed in range(3):
        model = FactorVAE(
            2,
            **PAPERS,
            gamma=0.0,
            architecture=lambda n, d, shape: (torch.nn.Identity(), Sum(n)),
            discriminator_layer_sizes=(32, 32),
            discriminator_learning_rate=1e-2,
            learning_rate=1e-2,
            max_epochs=40,
            random_state=seed,
        ).fit(X)
        z = model.encode(X).sample(random_state=seed)
        true = -0.5 * np.log(1 - np.corrcoef(z.T)[0, 1] ** 2)
        assert true > 0.3
        with torch.no_grad():
            estimated = model.net_.module_.adversary(torch.from_numpy(z).float()).mean().item()
        assert estimated == pytest.approx(true, rel=0.6)


def gaussian_total_correlation(model, X):
    correlations = np.corrcoef(model.transform(X).T)
    return -0.5 * np.linalg.slogdet(correlations)[1]


@pytest.fixture(scope="module")
def curved():
    """Three correlated angles, as sines and cosines: no axes of a plain VAE are uncorrelated."""
    generator = np.random.default_rng(0)
    covariance = [[1.0, 0.9, 0.8], [0.9, 1.0, 0.8], [0.8, 0.8, 1.0]]
    angles = 2 * generator.multivariate_normal(np.zeros(3), covariance, size=600)
    return 3 * np.hstack([np.sin(angles), np.cos(angles)])


@pytest.mark.parametrize(
    "model",
    [BetaTCVAE(beta=12.0), DIPVAE(kind="i"), DIPVAE(kind="ii", lambda_d=5.0)],
    ids=["beta-tc", "dip-i", "dip-ii"],
)
def test_penalties_make_components_less_correlated(curved, model):
    # From PCA's axes a plain VAE has almost none to begin with.
    parameters = PAPERS | {"n_components": 3, "hidden_layer_sizes": (32,), "max_epochs": 40}
    penalised = retrain(model.set_params(**parameters), curved, n_runs=4, random_state=0)
    plain = retrain(VAE(**parameters), curved, n_runs=4, random_state=0)
    with_penalty = [gaussian_total_correlation(m, curved) for m in penalised]
    without = [gaussian_total_correlation(m, curved) for m in plain]
    assert np.mean(with_penalty) < 0.6 * np.mean(without)


def test_a_last_batch_of_one_row(X):
    for model in MODELS.values():
        fitted = clone(model).set_params(batch_size=100, random_state=0).fit(X[:101])
        assert np.isfinite(fitted.transform(X)).all()


def test_validation_rows_may_outnumber_training_rows(X):
    model = BetaTCVAE(**SMALL | {"early_stopping": True}, validation_fraction=0.8, random_state=0)
    model.fit(X[:100])
    assert np.isfinite([row["valid_loss"] for row in model.history_]).all()


def test_bfloat16(X):
    for model in MODELS.values():
        fitted = clone(model).set_params(precision="bf16", max_epochs=1, random_state=0).fit(X)
        assert np.isfinite(fitted.transform(X)).all()

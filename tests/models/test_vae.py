"""The VAE, and with it what every model inherits."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal
from sklearn import config_context
from sklearn.base import _clone_parametrized, clone
from sklearn.datasets import load_digits
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, LRScheduler

from sklatent import VAE
from sklatent.nn.training.rates import Rates
from sklatent.nn.training.stopping import NonFiniteLossError
from tests.settings import PAPERS

# The papers' settings: what our defaults do is in test_same_space.py.
SMALL = {"hidden_layer_sizes": (16,), "max_epochs": 3, "random_state": 0} | PAPERS


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:300] / 16


def test_the_same_seed_gives_the_same_bits_whatever_ran_before(X):
    first = VAE(3, **SMALL).fit(X)
    torch.rand(7)
    np.random.rand(7)
    VAE(2, **SMALL).fit(X)
    second = VAE(3, **SMALL).fit(X)
    other = VAE(3, **{**SMALL, "random_state": 1}).fit(X)
    assert np.array_equal(first.transform(X), second.transform(X))
    assert first.history_ == second.history_
    assert not np.allclose(first.transform(X), other.transform(X))


def test_fit_is_gradient_descent_on_the_elbo(X):
    """A loop written by hand, with the model's own weights, order and noise."""
    model = VAE(3, **SMALL, precision="float64", batch_size=50)
    model.fit(X)
    start = clone(model).set_params(learning_rate=1e-300).fit(X)  # the weights fit starts from
    module = start.net_.module_
    streams = start.net_.streams.__class__([start._seed], torch.float64, "cpu")
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    data = torch.as_tensor(X)
    losses = []
    for _ in range(3):
        order, sizes = streams.begin_epoch(np.arange(len(X), dtype=np.uint64), 6)
        total = 0.0
        for rows in order.split(sizes[0].tolist()):
            streams.begin_batch()
            x = data[rows]
            mean, log_var = module.head(module.encoder(x)).chunk(2, -1)
            z = mean + torch.exp(log_var / 2) * streams.normal(len(x), 3)
            q = torch.distributions.Normal(mean, torch.exp(log_var / 2))
            kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
            p = torch.distributions.Normal(module.decoder(z), 1.0)
            loss = (kl.sum(1) - p.log_prob(x).sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        losses.append(total / len(X))
    np.testing.assert_allclose([row["train_loss"] for row in model.history_], losses, rtol=1e-9)
    with torch.no_grad():
        z = module.head(module.encoder(data))[:, :3].numpy()
    np.testing.assert_allclose(model.transform(X), z, rtol=1e-7, atol=1e-9)


def linear_gaussian(posterior):
    """A fitted VAE whose weights are a linear-Gaussian model's: x = Wz + b + noise."""

    def factory(n_features, n_components, image_shape):
        return torch.nn.Identity(), torch.nn.Linear(n_components, n_features)

    rng = np.random.default_rng(0)
    W, b = 0.7 * rng.normal(size=(5, 3)), rng.normal(size=5)
    X = rng.normal(size=(40, 3)) @ W.T + b + rng.normal(size=(40, 5))
    parameters = PAPERS | {"posterior": posterior, "max_epochs": 1, "precision": "float64"}
    model = VAE(3, architecture=factory, **parameters).fit(X)
    covariance = np.linalg.inv(np.eye(3) + W.T @ W)
    gain = covariance @ W.T
    factor = np.linalg.cholesky(covariance)
    if posterior == "full":
        spread = [*(2 * np.log(np.diag(factor))), *factor[np.tril_indices(3, -1)]]
    else:
        spread = np.log(np.diag(covariance))
    module = model.net_.module_
    with torch.no_grad():
        module.decoder.weight.copy_(torch.as_tensor(W))
        module.decoder.bias.copy_(torch.as_tensor(b))
        module.head.weight.zero_()
        module.head.weight[:3] = torch.as_tensor(gain)
        module.head.bias[:3] = torch.as_tensor(-gain @ b)
        module.head.bias[3:] = torch.as_tensor(np.array(spread))
    evidence = multivariate_normal(b, W @ W.T + np.eye(5)).logpdf(X)
    return model, X, evidence, covariance


def test_log_likelihood_of_a_linear_gaussian_model_is_the_closed_form():
    # With the exact posterior every importance weight is the evidence itself.
    model, X, evidence, _ = linear_gaussian("full")
    np.testing.assert_allclose(model.log_likelihood(X, n_importance_samples=3), evidence, rtol=1e-9)


def test_log_likelihood_with_an_inexact_posterior_converges_from_below():
    model, X, evidence, _ = linear_gaussian("diagonal")
    few = model.log_likelihood(X, n_importance_samples=2).mean()
    many = model.log_likelihood(X, n_importance_samples=4000).mean()
    assert few < many - 0.01
    np.testing.assert_allclose(many, evidence.mean(), atol=0.02)
    again = model.log_likelihood(X, n_importance_samples=2).mean()
    assert few == again


def test_score_of_a_linear_gaussian_model_is_the_closed_form():
    # The bound falls short of the evidence by KL(q, true posterior).
    model, X, evidence, _ = linear_gaussian("full")
    np.testing.assert_allclose(model.score_samples(X), evidence, rtol=1e-9)
    model, X, evidence, covariance = linear_gaussian("diagonal")
    precision = np.linalg.inv(covariance)
    variance = np.diag(covariance)
    gap = 0.5 * (
        np.sum(np.diag(precision) * variance)
        - 3
        - np.log(variance).sum()
        - np.linalg.slogdet(precision)[1]
    )
    np.testing.assert_allclose(model.score_samples(X), evidence - gap, rtol=1e-9)


def test_score_samples_does_not_depend_on_the_rows_beside(X):
    model = VAE(3, **SMALL).fit(X)
    whole = model.score_samples(X)
    assert whole.shape == (300,)
    np.testing.assert_allclose(model.score_samples(X[::-1])[::-1], whole, rtol=1e-12)
    np.testing.assert_allclose(model.score_samples(X[17:18]), whole[17:18], rtol=1e-12)
    assert model.score(X) == pytest.approx(whole.mean())


def test_score_is_with_beta_one_whatever_beta_trained(X):
    model = VAE(3, **SMALL).fit(X)
    scored = model.score(X)
    assert model.set_params(beta=100.0).score(X) == scored


def test_higher_beta_costs_fewer_nats_of_divergence(X):
    kl = [
        VAE(3, **{**SMALL, "max_epochs": 30}, beta=beta).fit(X).encode(X).kl().mean()
        for beta in (0.05, 1.0, 20.0)
    ]
    assert kl[0] > kl[1] + 0.5 > kl[2] + 0.5


@pytest.mark.parametrize("posterior", ["diagonal", "full"])
def test_encode_and_transform_agree(X, posterior):
    model = VAE(3, posterior=posterior, **SMALL).fit(X)
    q = model.encode(X)
    assert np.array_equal(q.mean, model.transform(X))
    assert q.covariance.shape == (300, 3, 3)
    assert np.all(np.linalg.eigvalsh(q.covariance) > 0)
    off_diagonal = np.abs(q.covariance[:, ~np.eye(3, dtype=bool)]).max()
    assert (off_diagonal > 0) == (posterior == "full")
    assert np.array_equal(q.sample(random_state=0), q.sample(random_state=0))


@pytest.mark.parametrize(
    ("given", "returned"),
    [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64),
     (np.longdouble, np.float64), (np.uint8, np.float64)],
)  # fmt: skip
def test_inference_keeps_the_float_type(X, given, returned):
    data = (X * 16).astype(given)
    model = VAE(2, **SMALL).fit(data)
    Z = model.transform(data)
    assert Z.dtype == returned
    assert model.inverse_transform(Z).dtype == returned
    assert model.encode(data).log_var.dtype == returned
    assert model.score_samples(data).dtype == returned


def test_float64_rows_do_not_depend_on_their_neighbours(X):
    model = VAE(3, **SMALL).fit(X)
    np.testing.assert_allclose(model.transform(X)[5:6], model.transform(X[5:6]), rtol=1e-12)


def test_bernoulli_decodes_probabilities(X):
    model = VAE(3, **SMALL | {"likelihood": "bernoulli"}).fit(X)
    decoded = model.inverse_transform(model.transform(X))
    assert decoded.min() >= 0
    assert decoded.max() <= 1
    assert model.sample(7, random_state=0).shape == (7, 64)
    assert np.array_equal(model.sample(7, random_state=0), model.sample(7, random_state=0))


@pytest.mark.parametrize("architecture", ["conv", "conv_tvae", "residual", "mlp"])
def test_every_architecture_trains(X, architecture):
    model = VAE(2, architecture=architecture, image_shape=(1, 8, 8), max_epochs=1, random_state=0)
    model.fit(X[:100])
    assert model.inverse_transform(model.transform(X[:4])).shape == (4, 64)


def test_conv64_trains():
    X = np.random.default_rng(0).random((6, 64 * 64))
    model = VAE(2, architecture="conv64", image_shape=(1, 64, 64), max_epochs=1, random_state=0)
    assert model.fit(X).transform(X).shape == (6, 2)


def test_a_users_own_networks(X):
    def factory(n_features, n_components, image_shape):
        encoder = torch.nn.Sequential(torch.nn.Linear(n_features, 9), torch.nn.Tanh())
        return encoder, torch.nn.Linear(n_components, n_features)

    model = VAE(2, architecture=factory, max_epochs=2, random_state=0).fit(X)
    assert isinstance(model.net_.module_.encoder[1], torch.nn.Tanh)
    assert model.transform(X).shape == (300, 2)


def test_training_improves_the_bound(X):
    short, long = (
        VAE(5, **{**SMALL, "max_epochs": n}).fit(X[:250]).score(X[250:]) for n in (1, 40)
    )
    assert long > short + 1


def test_precisions(X):
    settings = SMALL | {"likelihood": "gaussian"}
    double = VAE(3, **SMALL, precision="float64").fit(X)
    assert next(double.net_.module_.parameters()).dtype == torch.float64
    half = VAE(3, **settings, precision="bf16").fit(X)
    assert next(half.net_.module_.parameters()).dtype == torch.float32
    single = VAE(3, **settings).fit(X)
    assert half.history_[-1]["train_loss"] == pytest.approx(
        single.history_[-1]["train_loss"], rel=0.02
    )
    assert not np.array_equal(half.transform(X), single.transform(X))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", torch.optim.Adagrad])
def test_optimizers(X, optimizer):
    settings = SMALL | {"likelihood": "bernoulli"}
    model = VAE(3, **settings, optimizer=optimizer, learning_rate=1e-4).fit(X)
    assert model.history_[-1]["train_loss"] < model.history_[0]["train_loss"]


# Going on


def test_warm_start_and_partial_fit_continue_one_trajectory(X):
    whole = VAE(3, **{**SMALL, "max_epochs": 4}).fit(X)
    twice = VAE(3, **{**SMALL, "max_epochs": 2}, warm_start=True).fit(X).fit(X)
    steps = VAE(3, **SMALL)
    for _ in range(4):
        steps.partial_fit(X)
    for model in (twice, steps):
        assert model.n_epochs_ == 4
        assert len(model.history_) == 4
        assert np.array_equal(model.transform(X), whole.transform(X))


def test_without_warm_start_fit_begins_anew(X):
    model = VAE(3, **SMALL).fit(X)
    first = model.transform(X)
    assert np.array_equal(model.fit(X).transform(X), first)
    assert model.n_epochs_ == 3


def test_early_stopping_returns_to_the_best_weights(X):
    model = VAE(
        3, hidden_layer_sizes=(64,), max_epochs=200, early_stopping=True, patience=3,
        learning_rate=0.02, random_state=0, init="random", annealing=0,
    ).fit(X)  # fmt: skip
    losses = [row["valid_loss"] for row in model.history_]
    assert model.n_epochs_ < 200
    assert np.argmin(losses) == len(losses) - 4
    shorter = clone(model).set_params(max_epochs=len(losses) - 3).fit(X)
    assert np.array_equal(model.transform(X), shorter.transform(X))


def test_auto_trains_on_all_rows_for_as_many_epochs_as_were_best_without_some(X):
    model = VAE(3, hidden_layer_sizes=(64,), learning_rate=0.02, max_epochs=60, random_state=0)
    model.fit(X[:200])
    best = int(np.argmin([row["valid_loss"] for row in model.history_])) + 1
    assert 1 < best < 45  # where rates begin to fall
    assert best + model.patience == model.n_epochs_ == len(model.history_)
    # Their number is known then, so that rates fall at the end.
    shorter = clone(model).set_params(early_stopping=False, max_epochs=best)
    assert np.array_equal(model.transform(X), shorter.fit(X[:200]).transform(X))


@pytest.mark.parametrize(
    ("settings", "shares"),
    [
        ({}, {16 * 7 / 160, 16 * 7 / 200}),  # with some of 200 rows held out, and with all
        ({"batch_size": 64}, {1}),
        ({"early_stopping": False}, {1}),
        ({"optimizer": "sgd", "learning_rate": 1e-9}, {1}),
        ({"init": "random"}, {1}),
        ({"likelihood": "bernoulli"}, {1}),
    ],
)
def test_learned_noise_is_slow_where_rows_are_held_out(X, monkeypatch, settings, shares):
    """It takes seven steps an epoch where there are more."""
    seen = set()

    class Seen(Rates):
        def __init__(self, optimizers, share, relative=None, slower=()):
            seen.update([float(share) for _, share in slower] or [1])
            super().__init__(optimizers, share, relative, slower)

    monkeypatch.setattr("sklatent.nn.training.net.Rates", Seen)
    settings = {"batch_size": 16, "validation_fraction": 0.2} | settings
    VAE(2, max_epochs=2, **settings).fit(X[:200] / 16)
    assert seen == shares


def test_where_nothing_is_to_be_learned_auto_is_pca_of_all_rows():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 200)) + rng.normal(size=(40, 200))
    at_pca = {"max_epochs": 1, "learning_rate": 1e-30, "early_stopping": False}
    start = VAE(2, random_state=0, **at_pca).fit(rows).transform(rows)
    for seed in range(2):
        model = VAE(2, random_state=seed).fit(rows)
        assert len(model.history_) == model.patience
        assert_allclose(model.transform(rows), start, atol=1e-6)


def test_there_is_no_hidden_validation(X):
    assert "valid_loss" not in VAE(3, **SMALL).fit(X).history_[0]


class Recorder(Callback):
    def __init__(self):
        self.calls_ = []

    def on_epoch_end(self, net, **kwargs):
        self.calls_.append(net.history[-1, "train_loss"])

    def on_batch_end(self, net, batch, loss, **kwargs):
        self.calls_.append(len(batch))


def test_skorch_callbacks(X):
    recorder = Recorder()
    model = VAE(3, **SMALL, callbacks=[("mine", recorder), LRScheduler("StepLR", step_size=1),
                                       GradientNormClipping(1.0)]).fit(X)  # fmt: skip
    assert recorder.calls_ == []  # cloned at fit
    calls = dict(model.net_.callbacks_)["mine"].calls_
    assert sum(calls[:3]) == len(X)  # rows of the batches of an epoch
    assert calls[3] == model.history_[0]["train_loss"]
    assert model.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(1e-6)


def test_skorchs_early_stopping_ends_training_quietly(X):
    stop = EarlyStopping("train_loss", patience=2, threshold=10.0, threshold_mode="abs")
    model = VAE(3, **{**SMALL, "max_epochs": 50}, callbacks=[stop]).fit(X)
    assert model.n_epochs_ < 10


def test_callbacks_that_monitor_validation_need_early_stopping(X):
    for callback in (EarlyStopping(), EarlyStopping):
        with pytest.raises(ValueError, match="early_stopping=True"):
            VAE(3, **SMALL, callbacks=[callback]).fit(X)
    VAE(
        3,
        **SMALL | {"early_stopping": True},
        callbacks=[EarlyStopping()],
    ).fit(X)


class Interrupt(Callback):
    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            raise KeyboardInterrupt


def test_ctrl_c_leaves_a_fitted_model_and_is_raised_again(X):
    model = VAE(3, **{**SMALL, "max_epochs": 9}, callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert np.array_equal(
        model.transform(X), VAE(3, **{**SMALL, "max_epochs": 2}).fit(X).transform(X)
    )
    assert [row["epoch"] for row in model.history_ if "train_loss" in row] == [1, 2]


def test_a_loss_that_turns_nan_names_epoch_and_term_and_keeps_the_weights(X):
    model = VAE(3, **{**SMALL, "max_epochs": 50}, learning_rate=1e4, optimizer="sgd")
    with pytest.raises(NonFiniteLossError, match=r"epoch \d+: term '(reconstruction|kl)'"):
        model.fit(X)
    assert all(bool(torch.isfinite(p).all()) for p in model.net_.module_.parameters())


# Display


def test_quiet_by_default_and_one_bar_when_asked(X, capfd):
    VAE(3, **SMALL).fit(X)
    out, err = capfd.readouterr()
    assert out == err == ""
    VAE(3, **SMALL, verbose=1).fit(X)
    out, err = capfd.readouterr()
    assert "9/9" in err
    assert err.count("9/9") == 1


# Memory maps


def test_memory_maps_train_and_transform_like_arrays(X, tmp_path):
    data = X.astype(np.float32)
    mapped = np.memmap(tmp_path / "X", dtype=np.float32, mode="w+", shape=data.shape)
    mapped[:] = data
    mapped.flush()
    mapped = np.memmap(tmp_path / "X", dtype=np.float32, mode="r", shape=data.shape)
    model, reference = VAE(3, **SMALL).fit(mapped), VAE(3, **SMALL).fit(data)
    assert isinstance(model.transform(mapped), np.ndarray)
    assert np.array_equal(model.transform(mapped), reference.transform(data))


# Bad input


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "n_components"),
        ({"architecture": "transformer"}, "architecture"),
        ({"architecture": "conv"}, "image_shape"),
        ({"image_shape": (1, 9, 9)}, "image_shape"),
        ({"likelihood": "poisson"}, "likelihood"),
        ({"posterior": "cauchy"}, "posterior"),
        ({"optimizer": "adamm"}, "optimizer"),
        ({"beta": -1.0}, "beta"),
        ({"device": "abacus"}, "device"),
        ({"precision": "float8"}, "precision"),
        ({"callbacks": "disable"}, "callbacks"),
        ({"augmentation": "rotate"}, "augmentation"),
        ({"validation_fraction": 1.5}, "validation_fraction"),
    ],
)
def test_bad_parameters(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        VAE(**{"n_components": 2, **SMALL, **parameters}).fit(X)


def test_no_gpu_is_said(X):
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match='device="auto"'):
            VAE(2, device="cuda").fit(X)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: np.where(X[3, 20] == X, np.nan, X), "NaN"),
        (lambda X: np.where(X == 1, np.inf, X), "infinity"),
        (lambda X: X[:1], "minimum of 2"),
        (lambda X: np.ones_like(X), "constant"),
        (lambda X: X[0], "1D array"),
        (lambda X: X.astype(str) + "a", "convert string|could not convert|dtype"),
        (lambda X: X * 1e300, "too large for float32"),
        (lambda X: X + 1j, "[Cc]omplex"),
    ],
)
def test_bad_data(X, change, message):
    with pytest.raises(ValueError, match=message):
        VAE(2, **SMALL).fit(change(X))


def test_bernoulli_says_what_range_it_needs(X):
    with pytest.raises(ValueError, match=r"\[0, 1\].*MinMaxScaler"):
        VAE(2, likelihood="bernoulli").fit(2 * X)


def test_wrong_widths(X):
    model = VAE(2, **SMALL).fit(X)
    with pytest.raises(ValueError, match="64 features"):
        model.transform(X[:, :5])
    with pytest.raises(ValueError, match="3 columns.*2 latent"):
        model.inverse_transform(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="n_samples"):
        model.sample(0)
    with pytest.raises(ValueError, match="n_importance_samples"):
        model.log_likelihood(X, n_importance_samples=0)


def test_constant_features_are_fine(X):
    data = X.copy()
    data[:, :5] = 3.0
    VAE(2, **SMALL).fit(data)


def test_a_clone_is_as_scikit_learn_makes_it():
    """Ours only looks into fewer values."""
    with config_context(enable_metadata_routing=True):
        model = VAE(3, hidden_layer_sizes=[4, 5], optimizer=partial(torch.optim.Adam, eps=0.1))
        model.set_fit_request(sample_ids=True).set_output(transform="pandas")
        ours, theirs = clone(model), _clone_parametrized(model)
        assert vars(ours).keys() == vars(theirs).keys()
        for name, value in vars(theirs).items():
            same = repr(vars(ours)[name]) == repr(value)
            assert same, name
            if not isinstance(value, bool | int | float | str | type(None)):
                assert vars(ours)[name] is not vars(model)[name], name


def test_a_class_that_changes_its_parameters_is_refused_by_clone():
    class Doubles(VAE):
        def __init__(self, n_components=2):
            super().__init__(n_components)
            self.hidden_layer_sizes = [self.n_components]
            self.n_components = 2 * n_components

    with pytest.raises(RuntimeError, match="constructor either does not set or modifies"):
        clone(Doubles())

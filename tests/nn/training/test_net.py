"""The training loop: warm-up, interrupts, batch normalisation, optimizers."""

import os
import signal
import sys
import time
import tracemalloc

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from sklatent import VAE, BetaTCVAE, VAEEnsemble

X = np.random.default_rng(0).random((65, 6)).astype(np.float32)
SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 4, "random_state": 0, "early_stopping": False}


@pytest.mark.parametrize("cls", [VAE, BetaTCVAE, VAEEnsemble])
def test_the_divergence_warms_up(cls):
    """Its weight rises in a line, step by step, to the whole."""
    frozen = SMALL | {"learning_rate": 1e-30, "batch_size": 80}
    cold = cls(2, warmup_epochs=0, **frozen).fit(X).history_
    warm = cls(2, warmup_epochs=2, **frozen).fit(X).history_
    share = [row["kl"] / other["kl"] for row, other in zip(warm, cold, strict=True)]
    np.testing.assert_allclose(share, [0.0, 0.5, 1.0, 1.0], rtol=1e-5)
    share = [row["reconstruction"] / o["reconstruction"] for row, o in zip(warm, cold, strict=True)]
    np.testing.assert_allclose(share, 1.0, rtol=1e-5)


def test_warming_up_goes_on_over_continued_fits():
    """Epochs are counted from the first, and validation has the whole weight."""
    frozen = SMALL | {"learning_rate": 1e-30, "batch_size": 80, "warmup_epochs": 2}
    model = VAE(2, **frozen)
    for _ in range(3):
        model.partial_fit(X)
    assert [row["kl"] > 0 for row in model.history_] == [False, True, True]
    assert model.history_[1]["kl"] == pytest.approx(model.history_[2]["kl"] / 2, rel=1e-2)
    stopped = VAE(2, **frozen | {"early_stopping": True, "patience": 1, "max_epochs": 9}).fit(X)
    assert stopped.n_epochs_ >= 2
    assert len({round(row["valid_kl"], 5) for row in stopped.history_}) == 1


class Interrupting(Callback):
    """A key pressed, or an exception raised, at some moment of the second epoch."""

    def __init__(self, hook, how):
        self.hook, self.how = hook, how

    def _act(self, net, hook):
        if hook != self.hook or len(net.history) != 2:
            return
        if self.how == "key":
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):
                time.sleep(0.001)
        raise KeyboardInterrupt

    def on_epoch_begin(self, net, **kwargs):
        self._act(net, "on_epoch_begin")

    def on_batch_end(self, net, **kwargs):
        self._act(net, "on_batch_end")

    def on_epoch_end(self, net, **kwargs):
        self._act(net, "on_epoch_end")


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("how", ["key", "raise"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_interrupts(hook, how, early_stopping, tmp_path):
    """A key that is pressed is raised again; the model goes on from whole epochs."""
    parameters = SMALL | {"early_stopping": early_stopping, "warm_start": True}
    model = VAE(2, callbacks=[Interrupting(hook, how)], **parameters)
    model.set_params(checkpoint_dir=tmp_path / "runs")
    if (hook, how) == ("on_epoch_end", "raise"):  # skorch's way to stop
        model.fit(X)
        assert list((tmp_path / "runs").iterdir()) == []
    else:
        with pytest.raises(KeyboardInterrupt):
            model.fit(X)
        assert len(list((tmp_path / "runs").iterdir())) == 1
    whole = 2 if hook == "on_epoch_end" else 1
    assert model.n_epochs_ == len(model.history_) == whole
    model.set_params(callbacks=None, checkpoint_dir=None)
    model.partial_fit(X)
    model.fit(X)
    assert all("train_loss" in row for row in model.history_)
    assert model.n_epochs_ == whole + 5


def normalised(n_features, n_components, image_shape):
    encoder = nn.Sequential(nn.Linear(n_features, 4), nn.BatchNorm1d(4), nn.SiLU())
    return encoder, nn.Linear(n_components, n_features)


@pytest.mark.parametrize("names", [None, np.random.default_rng(1).permutation(10**6)[:65]])
@pytest.mark.parametrize("batch_size", [2, 3, 4, 16, 64])
def test_batch_normalisation_never_sees_one_row(batch_size, names):
    """Whatever is left over joins another batch."""
    model = VAE(2, architecture=normalised, **SMALL | {"batch_size": batch_size})
    model.fit(X, sample_ids=names)
    assert np.isfinite(model.score(X))


def test_batch_normalisation_without_rows_to_normalise():
    """An error in our words."""
    model = VAE(2, architecture=normalised, **SMALL | {"batch_size": 1})
    with pytest.raises(ValueError, match="larger batch_size"):
        model.fit(X)


@pytest.mark.parametrize(
    ("optimizer", "error", "word"),
    [
        (torch.optim.LBFGS, ValueError, "LBFGS"),
        (torch.optim.SparseAdam, ValueError, "SparseAdam"),
        (lambda parameters, lr: None, TypeError, "None"),
        (lambda parameters, lr: 3, TypeError, "3"),
    ],
)
def test_optimizers_that_cannot_take_a_step(optimizer, error, word):
    """An error that names them."""
    with pytest.raises(error, match=word):
        VAE(2, optimizer=optimizer, **SMALL).fit(X)


def test_the_net_is_not_fitted_by_itself():
    """And is as it was after one has tried."""
    model = VAE(2, **SMALL).fit(X)
    before = model.transform(X)
    for method in (model.net_.fit, model.net_.partial_fit):
        with pytest.raises(TypeError, match="belongs to a model"):
            method(X)
    np.testing.assert_array_equal(model.transform(X), before)
    model.partial_fit(X)


def test_a_call_of_partial_fit_costs_the_same_after_a_long_history():
    """Counted in calls of functions and in bytes: no epoch is gone through again."""
    model, rows = VAE(2, **SMALL), X[:4]

    def cost():
        calls = 0

        def count(frame, event, argument):
            nonlocal calls
            calls += event in ("call", "c_call")

        tracemalloc.start()
        sys.setprofile(count)
        try:
            model.partial_fit(rows)
        finally:
            sys.setprofile(None)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return calls, peak

    for _ in range(5):
        model.partial_fit(rows)
    calls, peak = cost()
    for history in (model.net_.history, model.history_):
        history.extend([dict(history[-1]) for _ in range(20_000)])
    calls_later, peak_later = cost()
    assert calls_later < calls + 1_000
    assert peak_later < peak + 400_000  # twice the list's own pointers

"""A killed fit, called again, ends bit for bit where an uninterrupted one ends."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from torch.optim.lr_scheduler import StepLR

from sklatent import VAE
from sklatent.models._fit_together import fit_models
from sklatent.nn.training.identity import identify
from sklatent.nn.training.net import LatentNet

PARAMETERS = {"hidden_layer_sizes": (16,), "max_epochs": 6}


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:200] / 16


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_in_epoch(monkeypatch, n):
    """Let training die in the middle of epoch ``n``, after it has changed weights and streams."""
    original = LatentNet._train_epoch

    def train_epoch(net, run, bar, *when):
        result = original(net, run, bar, *when)
        if len(net.history) == n:
            raise Killed
        return result

    monkeypatch.setattr(LatentNet, "_train_epoch", train_epoch)


def fit_killed(model, X, epoch):
    with pytest.MonkeyPatch.context() as monkeypatch:
        kill_in_epoch(monkeypatch, epoch)
        with pytest.raises(Killed):
            model.fit(X)


CASES = {
    "plain": {},
    "full": {"posterior": "full"},
    "rmsprop": {"optimizer": "rmsprop"},
    "early stopping": {"early_stopping": True, "patience": 2, "init": "random"},
    "callbacks": {
        "early_stopping": True,
        "callbacks": [
            LRScheduler("StepLR", step_size=2),
            EarlyStopping(patience=3, load_best=True),
        ],
    },
}


@pytest.mark.parametrize("epoch", [1, 4])
@pytest.mark.parametrize("case", CASES)
def test_resumed_fit_is_the_uninterrupted_one(X, tmp_path, case, epoch):
    parameters = {**PARAMETERS, **CASES[case], "random_state": 0}
    whole = VAE(3, **parameters).fit(X)
    model = VAE(3, **parameters, checkpoint_dir=tmp_path)
    fit_killed(model, X, epoch)
    assert len(list(tmp_path.glob("*/state.safetensors"))) == (epoch > 1)
    again = VAE(3, **parameters, checkpoint_dir=tmp_path).fit(X)
    assert np.array_equal(again.transform(X), whole.transform(X))
    assert again.history_ == whole.history_
    assert list(tmp_path.iterdir()) == []


def test_it_resumes_and_does_not_start_anew(X, tmp_path):
    parameters = {**PARAMETERS, "early_stopping": False, "random_state": 0}
    fit_killed(VAE(3, **parameters, checkpoint_dir=tmp_path), X, 5)
    epochs = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        original = LatentNet._train_epoch

        def count(net, run, bar, *when):
            epochs.append(len(net.history))
            return original(net, run, bar, *when)

        monkeypatch.setattr(LatentNet, "_train_epoch", count)
        VAE(3, **parameters, checkpoint_dir=tmp_path).fit(X)
    assert epochs == [5, 6]


SCRIPT = """
import os, signal, sys
import numpy as np
from sklearn.datasets import load_digits
from sklatent import VAE
from sklatent.nn.training.net import LatentNet

original = LatentNet._train_epoch
def train_epoch(net, run, bar, *when):
    result = original(net, run, bar, *when)
    if len(net.history) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
LatentNet._train_epoch = train_epoch
X = load_digits().data[:200] / 16
model = VAE(3, hidden_layer_sizes=(16,), max_epochs=6, random_state=0, checkpoint_dir=sys.argv[1])
model.fit(X)
"""


def test_sigkill(X, tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(command, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("*/state.safetensors"))) == 1
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the subprocess
    again, whole = (  # in a process that never saw the killed one's
        VAE(3, **PARAMETERS, random_state=0, checkpoint_dir=directory).fit(X)
        for directory in (tmp_path, None)
    )
    torch.set_num_threads(n_threads)
    assert list(tmp_path.iterdir()) == []  # what was left is what went on
    assert np.array_equal(again.transform(X), whole.transform(X))


def test_without_a_seed_the_drawn_one_is_resumed(X, tmp_path):
    model = VAE(3, **PARAMETERS, checkpoint_dir=tmp_path)
    fit_killed(model, X, 3)
    drawn = model._seed
    again = VAE(3, **PARAMETERS, checkpoint_dir=tmp_path).fit(X)
    assert again._seed == drawn
    assert VAE(3, **PARAMETERS, checkpoint_dir=tmp_path).fit(X)._seed != drawn


def test_training_on_all_rows_after_some_were_held_out_resumes_as_well(X, tmp_path):
    model = VAE(3, **PARAMETERS, random_state=0)
    whole = model.fit(X).transform(X)
    model.set_params(checkpoint_dir=tmp_path)
    original = LatentNet._train_epoch

    def train_epoch(net, run, bar, *when):
        result = original(net, run, bar, *when)
        if run.until is not None and len(net.history) == 4:
            raise Killed
        return result

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(LatentNet, "_train_epoch", train_epoch)
        with pytest.raises(Killed):
            model.fit(X)
    assert len(list(tmp_path.iterdir())) == 2
    epochs = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        count = lambda *args: epochs.append(1) or original(*args)  # noqa: E731
        monkeypatch.setattr(LatentNet, "_train_epoch", count)
        assert np.array_equal(model.fit(X).transform(X), whole)
    assert len(epochs) <= 3
    assert list(tmp_path.iterdir()) == []


def test_other_data_parameters_or_seeds_are_other_runs(X, tmp_path):
    fit_killed(VAE(3, **PARAMETERS, random_state=0, checkpoint_dir=tmp_path), X, 5)
    for data, change in [(X + 1e-9, {}), (X, {"beta": 2.0}), (X, {"random_state": 1})]:
        parameters = {**PARAMETERS, "random_state": 0, **change}
        reference = VAE(3, **parameters).fit(data)
        model = VAE(3, **parameters, checkpoint_dir=tmp_path).fit(data)
        assert np.array_equal(model.transform(X), reference.transform(X))
    assert len(list(tmp_path.iterdir())) == 1


def test_identity_is_of_content():
    def factory(width):
        return lambda n_features, n_components, image_shape: width

    array = np.zeros(5000)
    other = array.copy()
    other[2500] = 1e-9  # where a repr has an ellipsis
    different = [factory(8), factory(9), lambda: 8, array, other, [array], StepLR, VAE(2), VAE(3)]
    described = [json.dumps(identify(value)) for value in different]
    assert len(set(described)) == len(different)
    assert identify(factory(8)) == identify(factory(8))
    assert identify(VAE(2)) == identify(VAE(2))
    assert not any("0x" in text for text in described)


def test_a_search_scores_the_same_with_and_without(X, tmp_path):
    grid = {"beta": [0.1, 1.0, 4.0]}
    without, with_ = (
        GridSearchCV(
            VAE(2, **PARAMETERS, random_state=0, checkpoint_dir=directory), grid, cv=2
        ).fit(X)
        for directory in (None, tmp_path)
    )
    for key in ("mean_test_score", "split0_test_score", "split1_test_score"):
        assert np.array_equal(without.cv_results_[key], with_.cv_results_[key])
    assert list(tmp_path.iterdir()) == []


def test_two_live_runs_of_one_digest_do_not_meet(X, tmp_path):
    inner = []

    class FitsAnother(Callback):
        def on_epoch_end(self, net, **kwargs):
            if not inner and len(net.history) == 2:
                inner.append(VAE(3, **PARAMETERS, checkpoint_dir=tmp_path, callbacks=[]).fit(X))

    outer = VAE(3, **PARAMETERS, checkpoint_dir=tmp_path, callbacks=[FitsAnother()]).fit(X)
    assert outer._seed != inner[0]._seed
    assert list(tmp_path.iterdir()) == []


def test_stacked_models_resume_as_well(X, tmp_path):
    def members(directory):
        return [
            VAE(3, **PARAMETERS, random_state=k, checkpoint_dir=directory, early_stopping=True,
                patience=2, init="random")
            for k in range(3)
        ]  # fmt: skip

    whole, killed, again = members(None), members(tmp_path), members(tmp_path)
    fit_models(whole, X)
    with pytest.MonkeyPatch.context() as monkeypatch:
        kill_in_epoch(monkeypatch, 4)
        with pytest.raises(Killed):
            fit_models(killed, X)
    fit_models(again, X)
    for one, other in zip(again, whole, strict=True):
        assert np.array_equal(one.transform(X), other.transform(X))
        assert one.history_ == other.history_


class Secretive(Callback):
    def on_epoch_end(self, net, **kwargs):
        self.secret_ = open


def test_callbacks_that_cannot_save_their_state_are_refused(X, tmp_path):
    with pytest.raises(ValueError, match="Secretive.*secret_.*state_dict"):
        VAE(3, **PARAMETERS, checkpoint_dir=tmp_path, callbacks=[Secretive()]).fit(X)


class Counting(Callback):
    def __init__(self):
        self.seen = []

    def on_epoch_end(self, net, **kwargs):
        self.seen.append(len(net.history))


def test_callbacks_state_is_restored(X, tmp_path):
    parameters = {**PARAMETERS, "random_state": 0, "checkpoint_dir": tmp_path}
    fit_killed(VAE(3, **parameters, callbacks=[Counting()]), X, 4)
    model = VAE(3, **parameters, callbacks=[Counting()]).fit(X)
    assert dict(model.net_.callbacks_)["Counting"].seen == [1, 2, 3, 4, 5, 6]


def test_a_damaged_checkpoint_says_what_to_do(X, tmp_path):
    model = VAE(3, **PARAMETERS, random_state=0, checkpoint_dir=tmp_path)
    fit_killed(model, X, 4)
    (file,) = tmp_path.glob("*/state.safetensors")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ValueError, match="truncated.*Delete"):
        model.fit(X)

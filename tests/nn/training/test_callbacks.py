"""Every callback that skorch ships works, or is refused by a sentence."""

from pathlib import Path

import numpy as np
import pytest
import skorch.callbacks
import torch
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    Initializer,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    TrainEndCheckpoint,
    Unfreezer,
    WandbLogger,
)

from sklatent import VAE

X = np.random.default_rng(0).random((60, 6)).astype(np.float32)
SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0, "batch_size": 20}


def fit(callbacks, **parameters):
    return VAE(2, callbacks=callbacks, **SMALL | {"early_stopping": False} | parameters).fit(X)


class Unwilling:
    """A writer that can't be copied, and remembers what it was told."""

    def __init__(self, directory=None):
        self.told, self.dir = [], str(directory)

    def __deepcopy__(self, memo):
        raise TypeError("can't be copied")

    def add_scalar(self, tag, scalar_value, global_step):
        self.told.append((tag, scalar_value, global_step))

    def log_scalar(self, name, value, step=None):
        self.told.append((name, value, step))

    def log(self, values):
        self.told.append(values)

    def watch(self, module):
        pass

    def close(self):
        pass


def mean_error(net, X, y):
    """Mean squared error of what a net decodes, as a skorch scoring."""
    return float(np.mean((net.predict(X) - X) ** 2))


def test_the_list_is_complete():
    """A callback that skorch adds has to be looked at."""
    tested = {
        "BatchScoring", "Checkpoint", "EarlyStopping", "EpochScoring", "EpochTimer", "Freezer",
        "GradientNormClipping", "Initializer", "InputShapeSetter", "LRScheduler", "LoadInitState",
        "MlflowLogger", "NeptuneLogger", "ParamMapper", "PassthroughScoring", "PrintLog",
        "ProgressBar", "TrainEndCheckpoint", "TensorBoard", "SacredLogger", "Unfreezer",
        "WandbLogger", "WarmRestartLR", "Callback",
    }  # fmt: skip
    assert set(skorch.callbacks.__all__) <= tested


def test_checkpoint_writes_and_loads_the_best(tmp_path):
    """The weights that end up in the model are those of the best epoch, as the file has them."""
    callback = Checkpoint(monitor="train_loss_best", dirname=str(tmp_path), load_best=True)
    model = fit([callback], max_epochs=5)
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    for name, tensor in model.net_.module_.state_dict().items():
        torch.testing.assert_close(tensor, saved[name])
    assert {f.name for f in tmp_path.iterdir()} >= {"params.pt", "optimizer.pt", "history.json"}


def test_train_end_checkpoint_and_loading_it(tmp_path):
    """What one training leaves, another begins with."""
    first = fit([TrainEndCheckpoint(dirname=str(tmp_path))])
    saved = torch.load(tmp_path / "train_end_params.pt", weights_only=True)
    for name, tensor in first.net_.module_.state_dict().items():
        torch.testing.assert_close(tensor, saved[name])
    seen = {}

    class Look(Callback):
        def on_epoch_begin(self, net, **kwargs):
            seen.setdefault("first", net.module_.state_dict()["head.weight"].clone())

    fit([LoadInitState(TrainEndCheckpoint(dirname=str(tmp_path))), Look()], random_state=1)
    torch.testing.assert_close(seen["first"], saved["head.weight"])


def test_epoch_scoring_sees_rows_and_predicts():
    """On training rows, and on validation rows where there are some."""
    on_train = EpochScoring(mean_error, on_train=True, name="error")
    model = fit([on_train])
    expected = float(np.mean((model.net_.predict(X) - X) ** 2))
    assert model.history_[-1]["error"] == pytest.approx(expected, rel=1e-4)
    held_out = fit([EpochScoring(mean_error, name="error")], early_stopping=True)
    assert all("error" in row for row in held_out.history_)


def test_passthrough_scoring_averages_batches():
    """The loss that batches leave."""
    model = fit([PassthroughScoring("train_loss", on_train=True)])
    plain = fit([])
    for row, other in zip(model.history_, plain.history_, strict=True):
        assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)


@pytest.mark.parametrize(
    ("callback", "word"),
    [
        (BatchScoring(mean_error), "EpochScoring"),
        (BatchScoring, "EpochScoring"),
        (InputShapeSetter(), "by itself"),
        (EpochScoring(None, on_train=True), "function"),
        (EpochScoring("accuracy", on_train=True), "function"),
        (EpochScoring(mean_error), "early_stopping=True"),
        (Checkpoint(), "early_stopping=True"),
        (EarlyStopping(), "early_stopping=True"),
        (EarlyStopping, "early_stopping=True"),
        (PassthroughScoring("valid_loss"), "early_stopping=True"),
        (PassthroughScoring("train_loss"), "on_train=True"),
        (WandbLogger(Unwilling()), "save_model=False"),
    ],
)
def test_what_cannot_work_is_refused_by_a_sentence(callback, word):
    """Before any training."""
    with pytest.raises(ValueError, match=word):
        fit([callback])


@pytest.mark.parametrize("callback", [3, "PrintLog", ("name", 3), object(), dict])
def test_what_is_no_callback(callback):
    """A TypeError that says so."""
    with pytest.raises(TypeError, match="no callback"):
        fit([callback])


def test_loggers_share_their_writer(tmp_path):
    """Writers that can't be copied are told of every epoch."""
    board, run, experiment = Unwilling(), Unwilling(tmp_path), Unwilling()
    callbacks = [TensorBoard(board), WandbLogger(run, save_model=False), SacredLogger(experiment)]
    fit(callbacks)
    assert [step for tag, _, step in board.told if tag == "Loss/train_loss"] == [1, 2, 3]
    assert len(run.told) == 3
    assert {"train_loss", "kl"} <= {name for name, *_ in experiment.told}
    best = Unwilling(tmp_path)
    fit([WandbLogger(best)], early_stopping=True)
    assert (tmp_path / "best_model.pth").exists()


def test_mapping_callbacks_reach_parameters():
    """Freezing, unfreezing, setting anew, clipping."""
    frozen = fit([Freezer("encoder*")])
    other = fit([])
    name = next(n for n in frozen.net_.module_.state_dict() if n.startswith("encoder"))
    start = VAE(2, **SMALL | {"learning_rate": 1e-30, "early_stopping": False}).fit(X)
    weights = [m.net_.module_.state_dict()[name] for m in (frozen, start, other)]
    torch.testing.assert_close(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    fit([Freezer("encoder*"), Unfreezer("encoder*", at=2)])
    fit([Initializer("head.bias", fn=torch.nn.init.zeros_)])
    fit([ParamMapper("head.bias", fn=lambda p: None)])
    fit([GradientNormClipping(0.1)])


def test_shown_progress(capsys):
    """Printing callbacks print."""
    fit([PrintLog(), ProgressBar(detect_notebook=False)])
    assert "train_loss" in capsys.readouterr().out


@pytest.mark.parametrize("step_every", ["epoch", "batch"])
def test_schedulers_keep_their_course(step_every):
    """What a scheduler sets lasts, beside annealing, which lowers it for a step at a time."""
    callback = LRScheduler("ExponentialLR", gamma=0.5, step_every=step_every)
    for annealing in (0.0, 0.5):
        model = fit([callback], annealing=annealing, learning_rate=1e-3)
        steps = 3 if step_every == "epoch" else 9
        assert model.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(1e-3 * 0.5**steps)


@pytest.mark.parametrize(
    "callback", [PrintLog(sink=lambda text: None), EpochScoring(mean_error, on_train=True)]
)
def test_with_checkpoints_of_training(callback, tmp_path):
    """Callbacks without a state that matters resume."""

    class Stop(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3 and not list(tmp_path.glob("stopped")):
                (tmp_path / "stopped").touch()
                raise RuntimeError("killed")

        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            pass

    def model(directory):
        return VAE(
            2, callbacks=[callback, Stop()], checkpoint_dir=directory, early_stopping=False, **SMALL
        )

    expected = fit([callback]).transform(X)
    with pytest.raises(RuntimeError, match="killed"):
        model(tmp_path / "runs").fit(X)
    assert len(list(Path(tmp_path / "runs").iterdir())) == 1
    np.testing.assert_array_equal(model(tmp_path / "runs").fit(X).transform(X), expected)
    assert list(Path(tmp_path / "runs").iterdir()) == []

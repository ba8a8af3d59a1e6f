"""Checkpoints from somewhere else: compared with the run before anything is taken over."""

import numpy as np
import pytest

from sklatent import VAE
from sklatent._utils.files import read_file, write_file
from tests.persistence.fuzzing import Changer

KIND = "a training checkpoint"
X = np.random.default_rng(0).uniform(size=(40, 5))


class Stop(Exception):
    """In place of a power cut."""


def model(folder, **more):
    return VAE(
        2, hidden_layer_sizes=(4,), max_epochs=4, random_state=0, checkpoint_dir=folder,
        early_stopping=True, **more
    )  # fmt: skip


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """A folder with the checkpoint of a fit that was killed after two epochs."""
    from sklatent.nn.training.checkpoint import Checkpoint

    write = Checkpoint.write

    def write_and_die(self, net, stopper, epochs):
        write(self, net, stopper, epochs)
        if epochs == 2:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "write", write_and_die)
        with pytest.raises(Stop):
            model(tmp_path).fit(X)
    (file,) = tmp_path.glob("*/state.safetensors")
    return tmp_path, file


def test_goes_on(killed):
    folder, _ = killed
    resumed = model(folder).fit(X)
    np.testing.assert_array_equal(resumed.transform(X), model(None).fit(X).transform(X))


def change(file, edit):
    arrays, envelope = read_file(file, kind=KIND, schema_version=2)
    metadata = envelope["metadata"]
    edit(arrays, metadata)
    write_file(file, arrays, metadata, kind=KIND, schema_version=2)


def one_of(arrays, *parts):
    return next(name for name in arrays if all(part in name for part in parts))


@pytest.mark.parametrize("key", ["exp_avg", "exp_avg_sq", "step"])
@pytest.mark.parametrize("shape", [(1,), (0,), (1000, 1000)])
def test_state_of_another_size_is_refused(killed, key, shape):
    """Fused Adam would write beyond its memory."""
    folder, file = killed

    def edit(arrays, metadata):
        arrays[one_of(arrays, "optimizers", f".{key}")] = np.zeros(shape, np.float32)

    change(file, edit)
    with pytest.raises(ValueError, match="does not belong to this fit"):
        model(folder).fit(X)


@pytest.mark.parametrize("epochs", [-(10**9), 3, 10**9, None])
def test_epochs_that_were_not(killed, epochs):
    folder, file = killed

    def edit(arrays, metadata):
        for pair in metadata["state"]["dict"]:
            if pair[0] == "epochs":
                pair[1] = epochs

    change(file, edit)
    with pytest.raises(ValueError, match="does not belong to this fit"):
        model(folder).fit(X)


def test_damaged_is_said_each_time(killed):
    """Not only once, after which the session would train anew beside it."""
    folder, file = killed
    file.write_bytes(file.read_bytes()[:-1])
    for _ in range(3):
        with pytest.raises(ValueError, match=r"Delete .* to start anew"):
            model(folder).fit(X)
    assert len(list(folder.iterdir())) == 1


@pytest.mark.filterwarnings("ignore")
def test_hostile_checkpoints(killed):
    """Refused by a ValueError, or gone on from: no other error, and finite weights."""
    folder, file = killed
    data, rng = file.read_bytes(), np.random.default_rng(0)
    with open(file, "rb") as opened:
        changer = Changer(opened.read())
    n_refused, faults = 0, []
    for _ in range(200):
        changed, what = changer.change(rng)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(changed)
        try:
            fitted = model(folder).fit(X)
            assert np.isfinite(fitted.transform(X)).all()
        except ValueError:
            n_refused += 1
        except Exception as error:
            faults.append(f"{what}: {type(error).__name__}: {error}")
    assert not faults, "\n".join(faults)
    assert n_refused > 100
    assert data

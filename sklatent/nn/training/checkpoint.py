"""Checkpoints: a killed fit, called again, ends as if it had never been killed.

A checkpoint belongs to one run, named by a digest of what determines it (class,
parameters, data, seed), so that the folds and candidates of a search, which all clone the
same ``checkpoint_dir``, never meet each other's. It is written atomically after every
epoch and removed when the fit is finished. The file is safetensors and JSON.
"""

import inspect
import os
from contextlib import suppress
from pathlib import Path

from sklatent._utils.files import write_file
from sklatent.nn.training.checkpoint_state import (
    KIND,
    NONSENSE,
    SCHEMA_VERSION,
    StateEncoder,
    damaged,
    read_state,
    restore_state,
)

try:
    import fcntl
except ImportError:  # no advisory locks on this platform: runs are told apart by digest alone
    fcntl = None


class Checkpoint:
    """Checkpoint of one run in ``directory/<digest>``.

    Parameters
    ----------
    directory : path-like
        The user's ``checkpoint_dir``.
    digest : str
        Identity of the run.
    """

    def __init__(self, directory, digest):
        self.path, self._lock = self._claim(Path(directory), digest)
        self.file = self.path / "state.safetensors"
        self.seeds = None
        self._saved = None
        try:
            if self.file.exists():
                self._saved, self.seeds = read_state(self.file)
        except BaseException:
            # Another fit of this session finds the folder free, and says the same.
            self.close(finished=False)
            raise

    def beside(self, name):
        """A checkpoint of what follows this run, in a folder of its own next to this one's."""
        other = Checkpoint(self.path.parent, f"{self.path.name}-{name}")
        other.seeds = self.seeds
        return other

    @staticmethod
    def _claim(directory, digest):
        """Take the run's own folder; a live run with the same digest keeps its own."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"checkpoint_dir={str(directory)!r} can't be made or is no folder ({error}). Name "
                "a folder that you may write to."
            ) from error
        slot = 0
        for _ in range(10_000):
            path = directory / (digest if slot == 0 else f"{digest}-{slot}")
            try:
                path.mkdir(exist_ok=True)
                if fcntl is None:
                    return path, None
                lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT)
            except (FileNotFoundError, FileExistsError):
                continue  # a run that has finished is just removing the folder
            except OSError as error:
                raise ValueError(
                    f"Checkpoints can't be written to {str(path)!r} ({error}). Name a folder that "
                    "you may write to."
                ) from error
            try:
                # Released by the system when the process ends, however it ends.
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                slot += 1
                continue
            if _is_same_file(path / "lock", lock):
                return path, lock
            os.close(lock)  # that of a folder which has been removed meanwhile
        raise ValueError(f"No free checkpoint folder for this run in {str(directory)!r}.")

    def restore(self, net, stopper):
        """Bring net and stopper back to the last written epoch; returns how many are done."""
        if self._saved is None:
            return 0
        state, self._saved = self._saved, None
        try:
            return restore_state(state, net, stopper)
        except NONSENSE as error:
            raise damaged(self.file, error) from error

    def write(self, net, stopper, epochs):
        """Write the state after ``epochs`` epochs."""
        encoder = StateEncoder()
        state = {
            "module": net.module_.state_dict(),
            "optimizers": {name: opt.state_dict() for name, opt in net.optimizers().items()},
            "streams": net.streams.state(),
            "history": [{k: v for k, v in r.items() if k != "batches"} for r in net.history],
            "stopper": stopper.state(),
            "callbacks": _callback_states(net),
            "epochs": epochs,
        }
        metadata = {"state": encoder.value(state, "state"), "seeds": self.seeds}
        write_file(self.file, encoder.arrays, metadata, kind=KIND, schema_version=SCHEMA_VERSION)

    def close(self, finished):
        """Give the folder back; a finished run leaves nothing behind."""
        if finished:
            # The lock last: until then nobody else takes the folder.
            with suppress(OSError):
                for file in self.path.iterdir():
                    if file.name != "lock":
                        file.unlink()
                (self.path / "lock").unlink(missing_ok=True)
                self.path.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _is_same_file(path, descriptor):
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _callback_states(net):
    return {name: _callback_state(cb) for name, cb in net.callbacks_ if name != "epoch_timer"}


def _callback_state(callback):
    """What a callback has learned: by its own ``state_dict``, or its fitted attributes."""
    if hasattr(callback, "state_dict"):
        return {"state_dict": callback.state_dict()}
    learned = {}
    parameters = inspect.signature(type(callback)).parameters
    for name, value in vars(callback).items():
        if name in parameters or name == "policy_":
            continue
        if hasattr(value, "state_dict"):
            value = {"state_dict": value.state_dict()}
        try:
            StateEncoder().value(value, name)
        except TypeError as error:
            if type(callback).__module__.startswith("skorch."):
                continue  # which makes it anew when a fit begins
            raise ValueError(
                f"The callback {type(callback).__name__} keeps {name!r} ({error}), which a "
                "checkpoint cannot hold. Give the callback state_dict and load_state_dict "
                "methods, or leave out checkpoint_dir."
            ) from error
        learned[name] = value
    return learned

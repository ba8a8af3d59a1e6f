"""Checkpoints: a killed fit, called again, ends as if it had never been killed.

A checkpoint belongs to one run, named by a digest of what determines it (class,
parameters, data, seed), so that the folds and candidates of a search, which all clone the
same ``checkpoint_dir``, never meet each other's. It is written atomically after every
epoch and removed when the fit is finished. The file is safetensors and JSON.
"""

import hashlib
import inspect
import json
import marshal
import os
import shutil
from pathlib import Path

import numpy as np

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


def identify(value):
    """Describe a parameter's content as JSON, alike in every process.

    A repr will not do: that of a function holds its address, and that of a large array leaves
    out most of it.
    """
    if inspect.isclass(value):
        return f"{value.__module__}.{value.__qualname__}"
    if inspect.isfunction(value):
        captured = [identify(cell.cell_contents) for cell in value.__closure__ or ()]
        code = hashlib.blake2b(marshal.dumps(value.__code__), digest_size=16).hexdigest()
        return [value.__module__, value.__qualname__, code, captured]
    if isinstance(value, np.ndarray):
        return run_digest("array", [np.atleast_1d(value)])
    if hasattr(value, "content_hash"):
        return [type(value).__qualname__, value.content_hash]
    if isinstance(value, (list, tuple)):
        return [identify(item) for item in value]
    if hasattr(value, "get_params"):
        parameters = sorted(value.get_params(deep=False).items())
        return [type(value).__qualname__, [[name, identify(item)] for name, item in parameters]]
    return repr(value)


def run_digest(description, arrays):
    """Hash a JSON-able description and the arrays that a run trains on."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(description, sort_keys=True, default=repr).encode())
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        for start in range(0, len(array), 4096):
            digest.update(np.ascontiguousarray(array[start : start + 4096]).tobytes())
    return digest.hexdigest()


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

    @staticmethod
    def _claim(directory, digest):
        """Take the run's own folder; a live run with the same digest keeps its own."""
        for slot in range(1000):
            path = directory / (digest if slot == 0 else f"{digest}-{slot}")
            path.mkdir(parents=True, exist_ok=True)
            if fcntl is None:
                return path, None
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT)
            try:
                # Released by the system when the process ends, however it ends.
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            # A run that finished between the two lines above has removed the folder.
            if (path / "lock").exists():
                return path, lock
            os.close(lock)
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
        stopping = {k: v for k, v in vars(stopper).items() if k != "patience"}
        encoder = StateEncoder()
        state = {
            "module": net.module_.state_dict(),
            "optimizers": {name: opt.state_dict() for name, opt in net.optimizers().items()},
            "streams": net.streams.state(),
            "history": [{k: v for k, v in r.items() if k != "batches"} for r in net.history],
            "stopper": stopping,
            "callbacks": _callback_states(net),
            "epochs": epochs,
        }
        metadata = {"state": encoder.value(state, "state"), "seeds": self.seeds}
        write_file(self.file, encoder.arrays, metadata, kind=KIND, schema_version=SCHEMA_VERSION)

    def close(self, finished):
        """Give the folder back; a finished run leaves nothing behind."""
        if finished:
            shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


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
            raise ValueError(
                f"The callback {type(callback).__name__} keeps {name!r} ({error}), which a "
                "checkpoint cannot hold. Give the callback state_dict and load_state_dict "
                "methods, or leave out checkpoint_dir."
            ) from error
        learned[name] = value
    return learned

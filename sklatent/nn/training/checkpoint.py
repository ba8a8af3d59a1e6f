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
import torch

from sklatent._utils.files import read_file, write_file

try:
    import fcntl
except ImportError:  # no advisory locks on this platform: runs are told apart by digest alone
    fcntl = None

_KIND = "a training checkpoint"
_SCHEMA = 1


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
        if self.file.exists():
            try:
                self._saved = read_file(self.file, kind=_KIND, schema_version=_SCHEMA)
            except ValueError as error:
                raise ValueError(f"{error} Delete {str(self.path)!r} to start anew.") from error
            self.seeds = self._saved[1]["metadata"]["seeds"]

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
        arrays, envelope = self._saved
        self._saved = None
        saved = envelope["metadata"]
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        state = _unpack(saved["state"], tensors)
        net.module_.load_state_dict(state["module"])
        for name, optimizer in net.optimizers().items():
            optimizer.load_state_dict(state["optimizers"][name])
        net.streams.set_state([t.numpy() for t in state["streams"]])
        for row in state["history"]:
            net.history.new_epoch()
            for name, value in row.items():
                net.history.record(name, value)
        for name, value in state["stopper"].items():
            if isinstance(getattr(stopper, name), np.ndarray):
                value = np.asarray(value).reshape(getattr(stopper, name).shape)
            setattr(stopper, name, value)
        _restore_callbacks(net, state["callbacks"])
        return saved["epochs"]

    def write(self, net, stopper, epochs):
        """Write the state after ``epochs`` epochs."""
        stopping = {k: v for k, v in vars(stopper).items() if k != "patience"}
        state = {
            "module": net.module_.state_dict(),
            "optimizers": {name: opt.state_dict() for name, opt in net.optimizers().items()},
            "streams": [torch.from_numpy(s) for s in net.streams.state()],
            "history": [{k: v for k, v in r.items() if k != "batches"} for r in net.history],
            "stopper": stopping,
            "callbacks": _callback_states(net),
        }
        arrays = {}
        metadata = {"state": _pack(state, arrays), "epochs": epochs, "seeds": self.seeds}
        write_file(self.file, arrays, metadata, kind=_KIND, schema_version=_SCHEMA)

    def close(self, finished):
        """Give the folder back; a finished run leaves nothing behind."""
        if finished:
            shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)


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
            _pack(value, {})
        except TypeError as error:
            raise ValueError(
                f"The callback {type(callback).__name__} keeps {name!r} ({error}), which a "
                "checkpoint cannot hold. Give the callback state_dict and load_state_dict "
                "methods, or leave out checkpoint_dir."
            ) from error
        learned[name] = value
    return learned


def _restore_callbacks(net, states):
    for name, callback in net.callbacks_:
        for attribute, value in states.get(name, {}).items():
            if attribute == "state_dict":
                callback.load_state_dict(value)
            elif isinstance(value, dict) and set(value) == {"state_dict"}:
                getattr(callback, attribute).load_state_dict(value["state_dict"])
            else:
                setattr(callback, attribute, value)


def _pack(value, arrays):
    """Turn nested state into JSON, its tensors moved to ``arrays``."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        name = f"t{len(arrays)}"
        arrays[name] = value.detach().cpu().numpy() if torch.is_tensor(value) else value
        return {"__tensor__": name, "numpy": isinstance(value, np.ndarray)}
    if isinstance(value, (np.floating, np.integer, np.bool_)):
        value = value.item()
    if isinstance(value, float):
        return {"__float__": value.hex()}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, dict):
        return {"__dict__": [[_pack(k, arrays), _pack(v, arrays)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        kind = "__tuple__" if isinstance(value, tuple) else "__list__"
        return {kind: [_pack(v, arrays) for v in value]}
    raise TypeError(f"a {type(value).__name__}")


def _unpack(value, tensors):
    if not isinstance(value, dict):
        return value
    if "__tensor__" in value:
        tensor = tensors[value["__tensor__"]]
        return tensor.numpy() if value["numpy"] else tensor
    if "__float__" in value:
        return float.fromhex(value["__float__"])
    if "__dict__" in value:
        return {_unpack(k, tensors): _unpack(v, tensors) for k, v in value["__dict__"]}
    if "__tuple__" in value:
        return tuple(_unpack(v, tensors) for v in value["__tuple__"])
    return [_unpack(v, tensors) for v in value["__list__"]]

"""Where models run: devices, float types, and as many threads as the work is worth."""

import multiprocessing
import threading
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

from sklatent._utils.warn import warn_caller

DTYPES = {"float32": torch.float32, "bf16": torch.float32, "float64": torch.float64}
# Multiply-adds in a step, or in a block of rows, from which on a second thread is worth it: on a
# shared machine a core comes and goes, and OpenMP waits for it at every operation.
WORTH_THREADS = 3e8
_lock = threading.Lock()
_replaced = []  # what those within suitable_threads will set back
_this_thread = threading.local()


def resolve_device(device):
    """Turn a model's ``device`` into a torch device, or say what is wrong with it."""
    if isinstance(device, str) and device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(device)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f'device={device!r} is not a device; use "auto", "cpu" or "cuda".'
        ) from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f'device="{device}" was asked for, but torch finds no GPU. Use device="auto".'
        )
    try:
        torch.empty(0, device=device).numel()
        usable = device.type != "meta"
    except (RuntimeError, AssertionError):
        usable = False
    if not usable:
        raise ValueError(
            f'device="{device}" can not be used here; use "auto", "cpu" or, with a GPU, "cuda".'
        )
    return device


def warn_if_gpu_is_shared(device):
    """Several processes on one GPU take turns, and each holds its own copy of everything."""
    if device.type == "cuda" and _is_worker_process():
        warn_caller(
            "Several processes train on one GPU (n_jobs > 1), which is slower than one and may run "
            'out of its memory. Use n_jobs=1 with a GPU, or device="cpu" with n_jobs > 1.'
        )


def _is_worker_process():
    # joblib's loky starts processes in its own way, which multiprocessing's parent does not show.
    loky = "Loky" in multiprocessing.current_process().name
    return loky or multiprocessing.parent_process() is not None


def has_convolutions(module):
    """Whether any part of a module is one."""
    return any(isinstance(part, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) for part in module.modules())


def work_of(module, n_rows):
    """Multiply-adds of a module for some rows, roughly; convolutions count as large."""
    if has_convolutions(module):
        return float("inf")
    return 3.0 * n_rows * sum(p.numel() for p in module.parameters())


@contextmanager
def suitable_threads(work):
    """Within, torch uses one thread in this Python thread if the work is small.

    Torch keeps its number for each Python thread, but a new one begins with what was set last
    anywhere: where that was our own limit, it is given what the limit replaced.

    Parameters
    ----------
    work : float
        Multiply-adds between two moments at which threads meet.
    """
    with _lock:
        now = before = torch.get_num_threads()
        if now == 1 and _replaced and not hasattr(_this_thread, "seen"):
            before = max(_replaced)
        _this_thread.seen = True
        _replaced.append(before)
        wanted = before if work >= WORTH_THREADS else 1
        if wanted != now:
            torch.set_num_threads(wanted)
    try:
        yield
    finally:
        with _lock:
            _replaced.remove(before)
            if before != torch.get_num_threads():
                torch.set_num_threads(before)


def keep_freed_memory():
    """Let glibc hand memory out again that a step has freed, and not give it back in between.

    It learns what is worth keeping from the largest block that it was given back. Without this one,
    which is never written to, each step's activations cost the system's time anew: a tenth of the
    time of a stack of small networks. Other systems' allocators do not mind.
    """
    torch.empty(_LARGE_BLOCK, dtype=torch.uint8)


_LARGE_BLOCK = 31 << 20  # below the 32 MB from which on it learns nothing


@contextmanager
def own_torch_state(device):
    """Within, what torch does depends on nothing that a caller has set for this thread.

    Parameters
    ----------
    device : torch.device
        Whose autocast is switched off.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            # Only then: it costs every call of torch's some Python.
            stack.enter_context(torch.device("cpu"))
        if torch.is_autocast_enabled(device.type):
            stack.enter_context(torch.autocast(device.type, enabled=False))
        yield

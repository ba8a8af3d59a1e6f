"""What is bad input, and what may come of it: an error in our words, or a finite result."""

import inspect
import linecache
import os
import signal
import sys
import traceback
import warnings
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import sklearn
import torch
from scipy import sparse

import sklatent

OURS = os.path.dirname(sklatent.__file__)
SKLEARN = os.path.dirname(sklearn.__file__)
NAN = float("nan")


def with_value(value, dtype=float):
    def spoil(array):
        array = np.array(array, dtype=dtype)
        array.flat[0] = value
        return array

    return spoil


# An array -> the same spoilt.
SPOIL = {
    "nan": with_value(np.nan),
    "infinity": with_value(np.inf),
    "-infinity": with_value(-np.inf),
    "only nan": lambda a: a * np.nan,
    "1e300": lambda a: a * 1e300,
    "one 1e300": with_value(1e300),
    "denormal": lambda a: a * 1e-310,
    "constant": lambda a: 0 * a + 1,
    "complex": lambda a: a + 1j,
    "dates": lambda a: (np.abs(a) * 1000).astype("datetime64[s]"),
    "durations": lambda a: (np.abs(a) * 1000).astype("timedelta64[s]"),
    "None": with_value(None, object),
    "pd.NA": with_value(pd.NA, object),
    "NaT": with_value(pd.NaT, object),
    "word": with_value("many", object),
    "objects": lambda a: np.array(a, dtype=object),
    "nullable": lambda a: (
        pd.DataFrame(a).astype("Float64").mask(pd.DataFrame(a) == np.asarray(a).flat[0])
    ),
    "categories": lambda a: pd.DataFrame(a).astype(str).astype("category"),
    "masked": lambda a: np.ma.masked_array(a, mask=np.arange(a.size).reshape(a.shape) == 1),
    "sparse": lambda a: sparse.csr_matrix(np.atleast_2d(a)),
    "tensor": lambda a: torch.tensor(np.asarray(a, dtype=float), requires_grad=True),
    "bfloat16": lambda a: torch.tensor(np.asarray(a, dtype=float)).bfloat16(),
    "truth values": lambda a: np.asarray(a) > 0,
    "float16": lambda a: np.asarray(a).astype(np.float16),
    "structured": lambda a: np.zeros(len(a), dtype=[("a", float)]),
    "no rows": lambda a: a[:0],
    "one row": lambda a: a[:1],
    "no columns": lambda a: a[:, :0] if a.ndim > 1 else a[:0],
    "flat": lambda a: a[:, 0] if a.ndim > 1 else a[0],
    "three axes": lambda a: np.asarray(a)[None],
    "more columns": lambda a: np.concatenate([a, a], axis=-1),
    "fewer rows": lambda a: a[:-1],
    "whole numbers": lambda a: np.asarray(a).astype(int),
    "ragged": lambda a: [[1.0, 2.0], [3.0]],
    "generator": lambda a: (row for row in a),
    "number": lambda a: 3,
    "string": lambda a: "latents",
    "bytes": lambda a: b"latents",
    "nothing": lambda a: None,
    "dict": lambda a: {"a": 1},
}
# What has no finite value, so that taking it silently is wrong whatever comes of it.
NEVER = {"nan", "infinity", "-infinity", "only nan", "None", "pd.NA", "NaT", "masked", "complex"}

# In place of a parameter.
VALUES = {
    "None": None,
    "an object": object(),
    "a word": "many",
    "an empty word": "",
    "bytes": b"adam",
    "nan": NAN,
    "inf": float("inf"),
    "-inf": -float("inf"),
    "-1": -1,
    "-1.5": -1.5,
    "0": 0,
    "0.0": 0.0,
    "True": True,
    "False": False,
    "np.True_": np.True_,
    "0.5": 0.5,
    "1.5": 1.5,
    "2": 2,
    "10**9": 10**9,
    "10**30": 10**30,
    "-2**40": -(2**40),
    "1e300": 1e300,
    "denormal": 5e-324,
    "complex": 1j,
    "[]": [],
    "()": (),
    "{}": {},
    "{1}": {1},
    "(0,)": (0,),
    "(-3,)": (-3,),
    "(nan,)": (NAN,),
    "(True,)": (True,),
    "('a',)": ("a",),
    "(1.5,)": (1.5,),
    "[3]": [3],
    "(10**9,)": (10**9,),
    "(3, 3, 3)": (3, 3, 3),
    "array": np.array([1, 2]),
    "square": np.ones((2, 2)),
    "array of nan": np.full((4, 5), NAN),
    "array of objects": np.array(["a", None], dtype=object),
    "no arguments": lambda: 3,
    "one argument": lambda x: 3,
    "two arguments": lambda x, y: None,
    "any arguments": lambda *a, **k: None,
    "one that fails": lambda *a, **k: 1 / 0,
    "int": int,
    "dict": dict,
    "np.float32": np.float32(0.5),
    "np.int64": np.int64(3),
    "pd.NA": pd.NA,
    "date": np.datetime64("2020-01-01"),
    "tensor": torch.tensor(1.0, requires_grad=True),
    "whole tensor": torch.tensor(3),
    "frame": pd.DataFrame({"a": [1.0]}),
    "series": pd.Series([1, 2]),
    "generator": np.random.default_rng(0),
    "module": torch.nn.Linear(2, 2),
    "class of modules": torch.nn.ReLU,
    "LBFGS": torch.optim.LBFGS,
    "fraction": Fraction(1, 2),
    "decimal": Decimal("0.5"),
    "meta": "meta",
    "cuda:9": "cuda:9",
}


class Hang(BaseException):
    """Raised in what takes too long."""


@contextmanager
def watched(seconds=60):
    """Within, what hangs is interrupted and fails."""

    def stop(*_):
        raise Hang(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fault(call, like=None):
    """What is wrong with what comes of a call, or None; what is accepted must be finite.

    ``like`` is a scikit-learn call of the same kind, whose failing excuses this one's.
    """
    with warnings.catch_warnings(), watched():
        warnings.simplefilter("ignore")
        try:
            result = call()
        except Exception as error:
            reason = raw(error)
            if reason and like is not None:
                try:
                    like()
                except Exception:
                    return None
            return reason
    return None if np.isfinite(numbers(result)).all() else f"not finite: {result}"


# More of these is only a matter of patience, and what starts processes.
_MANY = {"10**9", "10**30"}
_PATIENT = {"max_iter", "n_init"}
_PROCESSES = {"-1", "2", "np.int64", "-2**40"}


def attempts(function, valid):
    """Parameter, kind and value of everything that is tried in place of what is valid.

    Every array is spoilt in each way of `SPOIL`, and every other parameter, given or not, is
    replaced by each of `VALUES`.
    """
    for parameter in inspect.signature(function).parameters.values():
        name, value = parameter.name, valid.get(parameter.name, parameter.default)
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or name == "ax":
            continue
        if isinstance(value, np.ndarray):
            for kind, spoil in SPOIL.items():
                if value.ndim <= 2 or kind not in ("nullable", "categories", "sparse"):
                    yield name, kind, spoil(value)
            continue
        for kind, bad in VALUES.items():
            named = name == "path" and isinstance(bad, str)  # a file of that name
            slow = name in _PATIENT and kind in _MANY
            slow |= name == "n_jobs" and kind in _PROCESSES
            # Frames have a transform, which means something else.
            frame = kind in ("frame", "series") and hasattr(value, "transform")
            if not (named or slow or frame):
                yield name, kind, bad


def faults_of(function, valid, then, ignored=(), only=lambda parameter, kind: True):
    """What comes of spoiling a valid call in every way, where it should not.

    Parameters
    ----------
    function : callable
        What is called.
    valid : dict
        Its arguments.
    then : callable
        What is looked at of what it returns.
    ignored : set of str
        Parameters that it has no use for, and does not look at.
    only : callable
        Which parameters and kinds to try.

    Returns
    -------
    faults : dict
        By parameter and kind.
    """
    faults = {}
    for parameter, kind, bad in attempts(function, valid):
        if not only(parameter, kind):
            continue
        result = []

        def call(parameter=parameter, bad=bad, result=result):
            result.append(then(function(**valid | {parameter: bad})))
            return result[0]

        found = fault(call)
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            pyplot.close("all")
        silent = kind in NEVER and result and isinstance(valid.get(parameter), np.ndarray)
        if found or (silent and parameter not in ignored):
            faults[parameter, kind] = found or "taken silently"
    return faults


def raw(error):
    """Why an error is not in our words, or None.

    It is if the statement that raised it is a ``raise`` of ours or of scikit-learn's, or stands in
    scikit-learn's validation: nothing else looked at the input first.
    """
    said = f"{type(error).__name__}: {error}"
    if not isinstance(error, (ValueError, TypeError)):
        return said
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    file = frame.f_code.co_filename
    if file.startswith((os.path.join(SKLEARN, "utils"), os.path.join(SKLEARN, "base.py"))):
        return None
    statement = linecache.getline(file, line).strip()
    if file.startswith(SKLEARN) and statement.startswith("raise "):
        return None
    if not file.startswith(OURS):
        return f"{said} ({file}:{line})"
    return None if statement.startswith("raise ") else f"{said} ({file}:{line}: {statement})"


def numbers(result):
    """All numbers in a result, whatever holds them."""
    if result is None or isinstance(result, str):
        return np.zeros(0)
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return np.concatenate([np.zeros(0), *map(numbers, result)])
    if hasattr(result, "detach"):
        result = result.detach().float()
    return np.ravel(np.asarray(result, dtype=float))

"""A joblib backend for scikit-learn's searches: their fits in stacks, spread over processes.

A search hands joblib one call for each candidate and fold, which fits and scores. This backend
waits until all of them are there, puts those whose models can train together into *chunks*, and
hands the chunks to the backend that would have had the calls. So candidates, folds, scores and
callbacks are scikit-learn's, and processes and clusters joblib's.
"""

import warnings
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

import numpy as np
from joblib import Parallel, delayed, parallel_config
from joblib.parallel import FallbackToBackend, ParallelBackendBase, get_active_backend
from sklearn.base import BaseEstimator, clone

from sklatent.model_selection._chunk import Chunk, holds_model, models_in, run_chunk
from sklatent.models._fit_together import alike, members_at_a_time
from sklatent.models._parameters import copies
from sklatent.nn.training.pause import together

_ATTEMPTS = 3  # at chunks whose process died


@dataclass
class Halving:
    """What a search that goes on with its models keeps between its rounds.

    Attributes
    ----------
    resource : str
        The parameter that is the number of epochs.
    total : int
        Epochs of the last round.
    states : dict
        By candidate and fold, where training is: a state of several models, and which it is.
    losses : dict
        By candidate and fold, the losses of each epoch so far.
    """

    resource: str
    total: int
    states: dict = field(default_factory=dict)
    losses: dict = field(default_factory=dict)

    def key(self, parameters, split):
        """Name of a candidate and fold: rounds share the values of parameters."""
        return *sorted((n, id(v)) for n, v in parameters.items() if n != self.resource), split


class StackBackend(ParallelBackendBase):
    """Collects a search's calls and has them run in chunks.

    Parameters
    ----------
    n_jobs : int or None
        As the search has it.
    pre_dispatch : int or str
        How many chunks are prepared at once.

    Attributes
    ----------
    n_stacked : int
        Fits that were trained in stacks.
    seconds : float
        That preparing and training stacks took, in all processes together.
    n_fits : int
        Fits of all kinds.
    unconverged : list of str
        Of each fit that warned that it had not converged, what it said.
    halving : Halving or None
        Set by a search whose rounds go on with training.
    """

    def __init__(self, n_jobs, pre_dispatch):
        self.outer, self.outer_n_jobs = get_active_backend()
        super().__init__(nesting_level=self.outer.nesting_level)
        _see_that_it_is_there(self.outer)
        self.inner = _inner_parallel(self.outer, n_jobs, pre_dispatch)
        self.n_jobs = self.inner._effective_n_jobs()
        self.waiting = []
        self.n_stacked, self.seconds, self.halving = 0, 0.0, None
        self.n_fits, self.unconverged = 0, []

    def __reduce__(self):
        # It serves one search in one process; a copy of the search elsewhere has none.
        return type(None), ()

    def context(self):
        """Within, the first parallel loop, which is the search's, has its calls come here."""
        return parallel_config(backend=_Door(self), n_jobs=self.outer_n_jobs)

    def effective_n_jobs(self, n_jobs):
        """More than one, so that calls come here at all."""
        return 2

    def submit(self, func, callback=None):
        """Keep a call until the first result is asked for."""
        job = _Job(func.items, callback)
        self.waiting.append(job)
        return job

    def retrieve_result(self, out, timeout=None):
        """Run what waits, and return what this call gave."""
        if out.results is None:
            for job in self.waiting:  # which grows: each lets joblib hand over one more
                job.callback(None)
            waiting, self.waiting = self.waiting, []
            results = iter(self._run([call for job in waiting for call in job.calls]))
            for job in waiting:
                job.results = [next(results) for _ in job.calls]
        return out.results

    def abort_everything(self, ensure_ready=True):
        """Forget what waits."""
        self.waiting = []

    def _run(self, calls):
        chunks = self._chunks(calls)
        with parallel_config(backend=self.outer, n_jobs=self.outer_n_jobs):
            done = self._in_processes([chunk for _, chunk in chunks])
        self.n_fits += sum(map(_is_fit, calls))
        results = [None] * len(calls)
        for (numbers, _), result in zip(chunks, done, strict=True):
            self.n_stacked += result.n_stacked
            self.seconds += result.seconds
            self.unconverged += result.unconverged
            for message in result.messages:
                warnings.warn(message, RuntimeWarning, stacklevel=2)
            for number, out in zip(numbers, result.outs, strict=True):
                results[number] = out
            if self.halving is not None:
                for place, number in enumerate(numbers):
                    key = self._key(calls[number])
                    self.halving.losses[key] = result.losses.get(place)
                    self.halving.states[key] = result.states.get(place)
        return results

    def _in_processes(self, chunks):
        """Results of chunks; those of a process that dies are run once more."""
        done = []
        for attempt in range(_ATTEMPTS):
            left = (delayed(run_chunk)(*chunk.arguments()) for chunk in chunks[len(done) :])
            try:
                for result in self.inner(left):
                    done.append(result)
                return done
            except Exception as error:
                _see_that_it_is_there(self.outer)
                # Of a cluster's worker that dies, data that only it held are lost as well.
                died = isinstance(error, BrokenProcessPool) or _is_of_a_cluster(error)
                if not died or attempt == _ATTEMPTS - 1:
                    _explain(error, self.n_jobs)
                    raise

    def _key(self, call):
        settings = call[2]
        return self.halving.key(settings["parameters"], settings["split_progress"][0])

    def _chunks(self, calls):
        """Pairs of the calls' numbers and a chunk of them."""
        found = []
        for numbers, size in self._groups(calls):
            size = _even(len(numbers), size, self.n_jobs)
            found += [numbers[start : start + size] for start in range(0, len(numbers), size)]
        return [(numbers, self._chunk([calls[number] for number in numbers])) for numbers in found]

    def _chunk(self, calls):
        chunk = Chunk(calls, one_thread=self.n_jobs > 1)
        if self.halving is not None and _is_fit(calls[0]):
            resource = self.halving.resource
            chunk.until = calls[0][2]["parameters"][resource]
            chunk.total = self.halving.total
            found = {k: self.halving.states.pop(self._key(c), None) for k, c in enumerate(calls)}
            found = {k: place for k, place in found.items() if place is not None}
            if found:  # those that are left, without the others
                state = together(list(found.values()))
                chunk.states = {k: (state, i) for i, k in enumerate(found)}
        return chunk

    def _groups(self, calls):
        """Numbers of calls whose models may stack, and how many of them at a time."""
        groups, candidates, places = [], {}, {}
        for number, call in enumerate(calls):
            if not _is_fit(call):
                groups.append(_Group(None, None, 1, [number]))
                continue
            parameters, rows = call[2]["parameters"], len(call[2]["train"])
            if id(parameters) not in candidates:
                candidates[id(parameters)] = _candidate(call[1][0], parameters)
            models = candidates[id(parameters)]
            if not models:
                groups.append(_Group(None, None, 1, [number]))
                continue
            place = id(parameters), rows
            if place not in places:
                places[place] = next((g for g in groups if g.takes(models, rows)), None)
            if places[place] is None:
                n_columns = _n_columns(call[1][1])
                size = min(members_at_a_time(model, n_columns) for model in models)
                places[place] = _Group(models, rows, size, [])
                groups.append(places[place])
            places[place].numbers.append(number)
        for group in groups:
            # A fold's models share their rows.
            group.numbers.sort(key=lambda n: calls[n][2].get("split_progress", (0,))[0])
            yield group.numbers, group.size


class _Door(ParallelBackendBase):
    """What is active while a search runs: its own loop is let in, others go where they would."""

    supports_sharedmem = True

    def __init__(self, stacks):
        super().__init__(nesting_level=stacks.outer.nesting_level)
        self.stacks, self.outer = stacks, stacks.outer
        self.default_n_jobs = stacks.outer.default_n_jobs
        self.is_open = True

    def effective_n_jobs(self, n_jobs):
        """As if there were no door."""
        return self.outer.effective_n_jobs(n_jobs)

    def configure(self, n_jobs=1, parallel=None, **settings):
        """Send a parallel loop to its backend."""
        inside, self.is_open = self.is_open, False
        raise FallbackToBackend(self.stacks if inside else self.outer)


@dataclass
class _Job:
    calls: list
    callback: object
    results: list | None = None


@dataclass
class _Group:
    """Calls whose models differ in nothing that a stack minds."""

    models: list | None
    rows: int | None
    size: int
    numbers: list

    def takes(self, models, rows):
        """Whether these may join."""
        if self.models is None or self.rows != rows or len(self.models) != len(models):
            return False
        return all(map(alike, self.models, models))


def _inner_parallel(backend, n_jobs, pre_dispatch):
    """What chunks are handed to: the backend that is active now."""
    threads = getattr(backend, "uses_threads", False)
    parallel = Parallel(n_jobs=n_jobs)
    if not threads or parallel._effective_n_jobs() == 1:
        generator = backend.supports_return_generator
        return Parallel(
            n_jobs=n_jobs,
            pre_dispatch=pre_dispatch,
            return_as="generator" if generator else "list",
        )
    if backend.nesting_level:  # inside some other parallel loop
        return Parallel(n_jobs=1)
    raise ValueError(
        f"A search trains in processes, and joblib's active backend {type(backend).__name__} has "
        f'only threads for n_jobs={n_jobs}. Use n_jobs=1, or a backend such as "loky" or "dask".'
    )


def _is_fit(call):
    _, arguments, settings = call
    expected = {"parameters", "train", "test", "error_score", "scorer"}
    return (
        len(arguments) == 3
        and expected <= settings.keys()
        and isinstance(arguments[0], BaseEstimator)
    )


def _candidate(estimator, parameters):
    """Models inside a candidate; none if it can't be made, which its own call will say."""
    if not holds_model(estimator, parameters):
        return []
    try:
        estimator = clone(estimator).set_params(**copies(parameters or {}))
    except Exception:
        return []
    return models_in(estimator)


def _n_columns(X):
    return np.shape(X)[1] if len(np.shape(X)) > 1 else 1


def _even(n, size, n_jobs):
    """Size of equal chunks, of at most ``size`` each, as many as all processes can share."""
    n_chunks = -(-n // size)
    n_chunks = min(n, -(-n_chunks // n_jobs) * n_jobs)
    return -(-n // n_chunks)


def _is_of_a_cluster(error):
    return type(error).__module__.split(".")[0] == "distributed"


def _see_that_it_is_there(backend):
    """Say so where a backend's cluster is gone, of which joblib's own errors say nothing."""
    client = getattr(backend, "client", None)
    if getattr(client, "status", "running") != "running":
        raise RuntimeError(
            f"The cluster of joblib's active backend is gone: its client is {client.status}. "
            "Start a cluster, and make a Client of it."
        )


def _explain(error, n_jobs):
    """Say in words what went wrong on the way to other processes."""
    if isinstance(error, BrokenProcessPool):
        raise RuntimeError(
            f"A process of the search ended {_ATTEMPTS} times before it had finished, for want of "
            "memory perhaps. Lower n_jobs, or see what the process printed."
        ) from error
    if _is_of_a_cluster(error):
        raise RuntimeError(
            f"The cluster gave up on the search ({type(error).__name__}: {error}). See whether its "
            "scheduler and workers are alive and have memory enough."
        ) from error
    if type(error).__name__ == "PicklingError":
        lines = str(error.__cause__ or error).strip('"\n ').splitlines()
        raise TypeError(
            f"With n_jobs={n_jobs} estimator, data and scorer are sent to other processes, and "
            f"something of them can't be ({lines[-1]}). Define it in a module, or use n_jobs=1."
        ) from error

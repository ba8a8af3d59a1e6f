"""Randomness without global state.

One integer seed per model gives its initial weights, the batches of each epoch, noise and the
validation split. Batches and noise are drawn for a row's key (see
:mod:`sklatent.nn.training.counter`), so that they are the same wherever the row stands and whatever
other rows there are. K stacked models draw exactly what K separate models would draw.
"""

import math
import threading
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sklatent._utils.random import local_random_state
from sklatent.nn.stacking.layers import taken
from sklatent.nn.training.batches import batch_numbers, joined
from sklatent.nn.training.counter import normals, random_words, uniforms

_INITIALISATION_LOCK = threading.RLock()
_ORDER, _NOISE, _UNIFORM, _SPLIT, _DRAW = range(5)
_AHEAD = 1 << 18  # numbers that are drawn at a time, for the batches to come
_VALIDATION = -1  # in place of an epoch: the same noise whenever losses are compared


def draw_seed(random_state):
    """Resolve ``random_state`` (None, int or RandomState) to one integer seed."""
    if type(random_state) is int:
        return _seed_of(random_state)  # a search asks for hundreds of the same
    return int(local_random_state(random_state).randint(np.iinfo(np.int32).max))


@lru_cache(maxsize=1024)
def _seed_of(number):
    return int(local_random_state(number).randint(np.iinfo(np.int32).max))


def split_seed(seed):
    """Spread one seed over the named streams of a model."""
    names = ("weights", "rows", "noise")
    return dict(zip(names, map(int, np.random.SeedSequence(seed).generate_state(3)), strict=True))


@contextmanager
def seeded_initialisation(seed):
    """Let modules draw their initial weights from ``seed``.

    Torch's modules draw them from its global generator: a generator of our own takes its place.
    What can't be given one draws from the global generator all the same, whose state is therefore
    seeded and put back under one process-wide lock. Defaults that others may have changed are
    torch's own within.
    """
    with _INITIALISATION_LOCK:
        generator, dtype = torch.default_generator, torch.get_default_dtype()
        state = generator.get_state()
        generator.manual_seed(seed)
        torch.set_default_dtype(torch.float32)
        try:
            with torch.device("cpu"), _OwnGenerator(seed):
                yield
        finally:
            torch.set_default_dtype(dtype)
            generator.set_state(state)


def validation_split(keys, n_valid):
    """Positions of training and validation rows, drawn for the rows' keys and for no seed.

    Parameters
    ----------
    keys : ndarray of uint64 of shape (n_rows,)
        Of the rows.
    n_valid : int
        Rows to hold out.

    Returns
    -------
    train, valid : ndarray of integers
        In ascending order.
    """
    order = _shuffled(keys, 0, _SPLIT)
    return np.sort(order[n_valid:]), np.sort(order[:n_valid])


def drawn_order(keys, seed):
    """Positions of rows in random order, each row's place drawn for its key.

    Parameters
    ----------
    keys : ndarray of uint64 of shape (n_rows,)
        Of the rows.
    seed : int
        The model's.

    Returns
    -------
    order : ndarray of integers of shape (n_rows,)
        To take some rows by: without a row, or with rows elsewhere, the others come as before.
    """
    return _shuffled(keys, seed, _DRAW)


def _shuffled(keys, seed, purpose):
    seed = np.uint32(split_seed(seed)["rows"])
    words = random_words(keys, seed, 2, epoch=0, call=0, purpose=purpose)
    return np.lexsort((words[:, 1], words[:, 0]))


def _sorted(numbers, words, n_batches):
    """Positions of rows in the order of their batches' numbers, then of their words.

    All three in one whole number, since numpy sorts those many times faster than it finds orders;
    of words only the first bits where there are millions of rows.
    """
    n_rows = numbers.shape[1]
    bits = n_rows.bit_length()
    spare = max(0, n_batches.bit_length() + bits - 31)
    words = (words >> np.uint32(min(spare, 32))).astype(np.int64)
    whole = (numbers << (32 - spare + bits)) | (words << bits) | np.arange(n_rows)
    whole.sort(axis=1)
    return whole & ((1 << bits) - 1)


class _OwnGenerator(TorchDispatchMode):
    """Within, in this thread alone, what torch draws at random comes from one generator.

    Others that draw from torch's global generator at the same time change nothing here.
    """

    def __init__(self, seed):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded in func.tags and kwargs.get("generator") is None:
            func = self._seedable(func)
            if any(argument.name == "generator" for argument in func._schema.arguments):
                kwargs["generator"] = self.generator
        return func(*args, **kwargs)

    @staticmethod
    def _seedable(func):
        """The overload that takes a generator, of functions with several."""
        name = func._overloadname.replace("default", "")
        wanted = f"{name}_generator" if name else "generator"
        return getattr(func.overloadpacket, wanted, func)


class RandomStreams:
    """Batches and noise for one model, or for K stacked models.

    Parameters
    ----------
    seeds : list of int
        One seed per model.
    dtype, device : torch.dtype, torch.device
        Of the noise, which is drawn on the CPU wherever it goes.
    stacked : bool
        Whether draws have a leading axis of K models. Without it there is one seed.

    Attributes
    ----------
    epoch : int
        The epoch that draws are for; counted over all fits that continue each other.
    generators : list of torch.Generator
        One per model, begun anew with each epoch: for what is not drawn row by row, such as
        augmentations.
    """

    def __init__(self, seeds, dtype, device, stacked=False):
        self.seeds = list(seeds)
        self.dtype = dtype
        self.device = torch.device(device)
        self.stacked = stacked
        self.epoch = self._begun = 0
        self._spread = {seed: split_seed(seed) for seed in set(self.seeds)}
        self._rows = np.array([self._spread[s]["rows"] for s in self.seeds], dtype=np.uint32)
        self._keys, self._sizes = None, None
        self._generators = None
        self._alike = self._which = None

    @property
    def generators(self):
        """One generator for each model; see the class."""
        if self._generators is None:  # few objectives ask, and K of them take a while to seed
            self._generators = [torch.Generator(self.device) for _ in self.seeds]
            for seed, generator in zip(self.seeds, self._generators, strict=True):
                entropy = [self._spread[seed]["noise"], self._begun]
                state = np.random.SeedSequence(entropy).generate_state(1)
                generator.manual_seed(int(state[0]))
        return self._generators

    @property
    def generator(self):
        """The generator of a single model."""
        return self.generators[0]

    def go_to(self, epoch):
        """Draw for that epoch next."""
        self.epoch = self._begun = epoch
        self._generators = None

    def _distinct(self, keys):
        """Keys and seeds without repetition, and which of them is each model's.

        Models of one seed draw the same for the same rows, and a search has many of them.
        """
        if self._alike is None or self._alike[0] is not keys:
            own = [None] * len(self.seeds) if keys.ndim == 1 else [row.tobytes() for row in keys]
            pairs, numbers = zip(self.seeds, own, strict=True), {}
            which = [numbers.setdefault(pair, len(numbers)) for pair in pairs]
            first = np.unique(which, return_index=True)[1]
            rows = keys[None] if keys.ndim == 1 else keys[first]
            rows = np.broadcast_to(rows, (len(first), keys.shape[-1]))
            index = None if len(first) == len(which) else torch.tensor(which, device=self.device)
            self._alike = keys, rows, self._rows[first], index
        return self._alike[1:]

    def begin_epoch(self, keys, n_batches, least=1):
        """Draw the batches of the next epoch.

        Parameters
        ----------
        keys : ndarray of uint64 of shape (n_rows,) or (K, n_rows)
            Of the training rows, in ascending order.
        n_batches : int
            How many batches to make; some of them may turn out empty and are left out.
        least : int, default=1
            Rows that a batch must have: smaller ones join the next.

        Returns
        -------
        order : Tensor of shape (n_rows,) or (K, n_rows)
            Positions of the rows, batch by batch, and within a batch in an order drawn for them.
        sizes : ndarray of integers of shape (K, n_found)
            Rows in each batch.
        """
        keys, seeds, which = self._distinct(keys)
        numbers = batch_numbers(keys, seeds, n_batches, self.epoch, _ORDER)
        if least > 1:
            numbers = np.stack([joined(own, n_batches, least) for own in numbers])
        place = random_words(keys, seeds[:, None], 1, epoch=self.epoch, call=1, purpose=_ORDER)
        order = _sorted(numbers, place[..., 0], n_batches)
        sizes = np.stack([np.bincount(own, minlength=n_batches) for own in numbers])
        sizes = sizes[:, (sizes > 0).any(axis=0)]
        self._generators, self._begun = None, self.epoch
        self._begin(np.take_along_axis(keys, order, 1), seeds, which, sizes, self.epoch)
        self.epoch += 1
        order = torch.from_numpy(order)
        if which is not None:
            which = which.cpu()
            order, sizes = order[which], sizes[which.numpy()]
        return order if self.stacked else order[0], sizes

    def same_order(self):
        """For each model, the number of the order of rows that it goes through in this epoch."""
        which = self._which
        return np.arange(len(self.seeds)) if which is None else which.cpu().numpy()

    def for_validation(self, keys, sizes):
        """Streams for validation rows in their order: the same noise whatever the epoch."""
        streams = RandomStreams(self.seeds, self.dtype, self.device, self.stacked)
        keys, seeds, which = streams._distinct(keys)
        sizes = np.broadcast_to(sizes, (len(keys), len(sizes)))
        streams._begin(keys, seeds, which, sizes, _VALIDATION)
        return streams

    def _begin(self, keys, seeds, which, sizes, epoch):
        self._keys, self._sizes, self._drawn_for = keys, sizes, epoch
        self._drawn_seeds, self._which = seeds, which
        self._ends = np.concatenate(
            [np.zeros((len(sizes), 1), dtype=int), np.cumsum(sizes, axis=1)], axis=1
        )
        self._starts = self._ends[0].tolist()
        # Whether each batch has as many rows for all models.
        self._even = bool((sizes == sizes[:1]).all())
        self._chunks = {}
        self._batch = -1

    def begin_batch(self, rows=None):
        """Go on to the next batch.

        Parameters
        ----------
        rows : int, default=None
            Rows of the batch, padding included; None is what there is.
        """
        self._batch += 1
        self._width = int(self._sizes[:, self._batch].max()) if rows is None else rows
        self._calls = 0

    def normal(self, *shape):
        """Standard normals for the batch's rows: of ``shape``, or ``(K, *shape)``.

        Parameters
        ----------
        *shape : int
            The last is the number for a row, the one before the batch's rows or a multiple of
            them; further axes come before.
        """
        return self._draw(shape, normals, _NOISE)

    def uniform(self, *shape):
        """Uniforms between 0 and 1 for the batch's rows; shapes as in :meth:`normal`."""
        return self._draw(shape, uniforms, _UNIFORM)

    def _draw(self, shape, distribution, purpose):
        copies = math.prod(shape[:-1]) // self._width
        if copies * self._width != math.prod(shape[:-1]):
            raise ValueError(
                f"Noise of shape {shape} is no whole number of draws for {self._width} rows."
            )
        width = copies * shape[-1]
        numbers = self._numbers(self._calls, width, distribution, purpose)
        self._calls += 1
        if copies > 1:
            # One row's draws lie together; the first copy of all rows comes before the second.
            numbers = numbers.unflatten(-1, (copies, shape[-1])).transpose(1, 2)
        return numbers.reshape(-1, *shape) if self.stacked else numbers.reshape(shape)

    def _numbers(self, call, width, distribution, purpose):
        """Numbers for the present batch, ``(K, rows, width)``, from a chunk of several batches."""
        name = (call, width, purpose)
        chunk = self._chunks.get(name)
        if chunk is None or self._batch >= chunk[1]:
            chunk = self._chunks[name] = self._chunk(call, width, distribution, purpose)
        values, _, first = chunk
        n = self._width
        if torch.is_tensor(values):
            start = self._starts[self._batch] - self._starts[first]
            numbers = values[:, start : start + n]
            return taken(numbers, self._which) if self.stacked else numbers
        parts = []
        for k, own in enumerate(values):
            start = self._ends[k, self._batch] - self._ends[k, first]
            parts.append(own[start : start + self._sizes[k, self._batch]])
        if len(parts) == 1 and len(parts[0]) == n:
            numbers = parts[0].unsqueeze(0)
        else:
            pad = torch.nn.functional.pad
            numbers = torch.stack([pad(part, (0, 0, 0, n - len(part))) for part in parts])
        return numbers if self._which is None else numbers[self._which]

    def _chunk(self, call, width, distribution, purpose):
        first = last = self._batch
        n_batches, total = self._sizes.shape[1], 0
        while last < n_batches and (last == first or total < _AHEAD):
            total += int(self._sizes[:, last].sum()) * width
            last += 1
        spans = [slice(ends[first], ends[last]) for ends in self._ends]
        keys = np.concatenate([own[span] for own, span in zip(self._keys, spans, strict=True)])
        lengths = [span.stop - span.start for span in spans]
        seeds = np.repeat(self._drawn_seeds, lengths)
        words = random_words(keys, seeds, width, epoch=self._drawn_for, call=call, purpose=purpose)
        values = distribution(words).to(dtype=self.dtype).to(self.device)
        # Batches of one size lie at one place in all.
        alike = self._even and self._width == self._sizes[0, first]
        values = values.unflatten(0, (len(spans), -1)) if alike else values.split(lengths)
        return values, last, first

    def state(self):
        """All that a continued fit needs, as a list of arrays."""
        return [np.array(self.seeds, dtype=np.int64), np.array([self.epoch], dtype=np.int64)]

    def set_state(self, state):
        """Return to what :meth:`state` gave."""
        seeds, epoch = state
        epoch = int(np.asarray(epoch).reshape(-1)[0])
        self.__init__(np.asarray(seeds).tolist(), self.dtype, self.device, self.stacked)
        self.go_to(epoch)

    def member(self, k):
        """The streams of the k-th stacked model alone, continuing where they are."""
        single = RandomStreams([self.seeds[k]], self.dtype, self.device)
        single.go_to(self.epoch)
        return single

    def __getstate__(self):
        # Generators on a GPU cannot be pickled, nor need they be.
        return {
            "state": self.state(),
            "dtype": self.dtype,
            "device": str(self.device),
            "stacked": self.stacked,
        }

    def __setstate__(self, saved):
        device = torch.device(saved["device"])
        if device.type == "cuda" and not torch.cuda.is_available():
            device = torch.device("cpu")
        self.__init__([0], saved["dtype"], device, saved["stacked"])
        self.set_state(saved["state"])

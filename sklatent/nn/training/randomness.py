"""Randomness without global state.

One integer seed per model gives four independent streams: initial weights, the order
of rows, noise, and the validation split. K stacked models keep K of each, and draw from
them exactly what K separate models would draw.
"""

import math
import threading
from contextlib import contextmanager

import numpy as np
import torch

from sklatent._utils.random import local_random_state

_INITIALISATION_LOCK = threading.RLock()


def draw_seed(random_state):
    """Resolve ``random_state`` (None, int or RandomState) to one integer seed."""
    return int(local_random_state(random_state).randint(np.iinfo(np.int32).max))


def split_seed(seed):
    """Spread one seed over the named streams of a model."""
    names = ("weights", "order", "noise", "split")
    return dict(zip(names, map(int, np.random.SeedSequence(seed).generate_state(4)), strict=True))


@contextmanager
def seeded_initialisation(seed):
    """Let modules draw their initial weights from ``seed``.

    Torch can only draw them from its global generator, so that this runs under one
    process-wide lock and puts the generator's state back.
    """
    with _INITIALISATION_LOCK:
        generator = torch.default_generator
        state = generator.get_state()
        generator.manual_seed(seed)
        try:
            yield
        finally:
            generator.set_state(state)


class RandomStreams:
    """Orders of rows and noise for one model, or for K stacked models.

    Parameters
    ----------
    seeds : list of int
        One seed per model.
    dtype, device : torch.dtype, torch.device
        Of the noise.
    stacked : bool
        Whether draws have a leading axis of K models. Without it there is one seed.
    """

    # Normals are drawn in blocks: one call of the generator serves many small requests.
    block_size = 1 << 15

    def __init__(self, seeds, dtype, device, stacked=False):
        self.dtype = dtype
        self.device = torch.device(device)
        self.stacked = stacked
        self.order_generators = []
        self.generators = []
        for seed in seeds:
            streams = split_seed(seed)
            self.order_generators.append(torch.Generator().manual_seed(streams["order"]))
            self.generators.append(torch.Generator(self.device).manual_seed(streams["noise"]))
        self.reset()

    @property
    def generator(self):
        """The noise generator of a single model."""
        return self.generators[0]

    def reset(self):
        """Forget what was drawn ahead, so that the generators' states say all."""
        self._block = None
        self._position = 0

    def order(self, n_rows):
        """Random order of ``n_rows`` rows, ``(n_rows,)`` or ``(K, n_rows)``, on the CPU."""
        return self._each(
            lambda g: torch.randperm(n_rows, generator=g), generators=self.order_generators
        )

    def normal(self, *shape):
        """Standard normals of ``shape``, or ``(K, *shape)``."""
        n = math.prod(shape)
        if self._block is None or self._position + n > self._block.shape[-1]:
            # A new tensor, not a refill: earlier draws may be waiting for a backward pass.
            size = max(n, self.block_size)
            self._block = torch.empty(
                (len(self.generators), size), dtype=self.dtype, device=self.device
            )
            for row, generator in zip(self._block, self.generators, strict=True):
                row.normal_(generator=generator)
            self._position = 0
        draws = self._block[:, self._position : self._position + n]
        self._position += n
        return draws.view(-1, *shape) if self.stacked else draws.view(shape)

    def uniform(self, *shape):
        """Uniforms on [0, 1) of ``shape``, or ``(K, *shape)``."""
        kwargs = {"dtype": self.dtype, "device": self.device}
        return self._each(lambda g: torch.rand(shape, generator=g, **kwargs))

    def _each(self, draw, generators=None):
        draws = [draw(generator) for generator in generators or self.generators]
        return torch.stack(draws) if self.stacked else draws[0]

    def state(self):
        """States of all generators at the start of an epoch, as one list of arrays."""
        return [g.get_state().numpy() for g in self.order_generators + self.generators]

    def set_state(self, state):
        """Return to what :meth:`state` gave."""
        for generator, saved in zip(self.order_generators + self.generators, state, strict=True):
            generator.set_state(torch.from_numpy(np.array(saved)))
        self.reset()

    def member(self, k):
        """The streams of the k-th stacked model alone, continuing where they are."""
        single = RandomStreams([0], self.dtype, self.device)
        n = len(self.generators)
        states = self.state()
        single.set_state([states[k], states[n + k]])
        return single

    def __getstate__(self):
        # Generators on a GPU cannot be pickled; their states can.
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
        n = len(saved["state"]) // 2
        self.__init__([0] * n, saved["dtype"], device, saved["stacked"])
        if str(device) == saved["device"]:
            self.set_state(saved["state"])

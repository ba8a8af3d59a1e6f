"""The autoencoders that the alignment tables translate between, trained once each."""

from dataclasses import dataclass

import numpy as np

from benchmarks._common import PAPERS, data_file
from sklatent import Autoencoder, RelativeAutoencoder


@dataclass
class Data:
    """Images as rows in [0, 1], and the paper's probable metric on them."""

    train: np.ndarray
    labels: np.ndarray
    test: np.ndarray
    mean: float
    deviation: float
    clipped: bool

    def errors(self, decoded):
        """Plain mean squared error, and the paper's probable metric, on test images."""
        plain = float(((decoded - self.test) ** 2).mean())
        if not self.clipped:
            return plain, plain / self.deviation**2
        goal = (self.test - self.mean) / self.deviation
        shown = np.clip((decoded - self.mean) / self.deviation, 0, 1)
        return plain, float(((shown - goal) ** 2).mean())

    @property
    def floor(self):
        """What the metric gives a perfect reconstruction."""
        return self.errors(self.test)[1]


def load(name, scale, mean, deviation, clipped):
    """Read images, the first of each part."""
    arrays = np.load(data_file(name), allow_pickle=False)

    def rows(part, n):
        return arrays[part][:n].reshape(n, -1).astype(np.float32) / 255

    return Data(
        rows("x_train", scale.n_train),
        arrays["y_train"][: scale.n_train],
        rows("x_test", scale.n_test),
        mean,
        deviation,
        clipped,
    )


KINDS = {"decoder-only": False, "end to end": True}  # of relative autoencoders: end to end or not


class Spaces:
    """Latent spaces of one architecture over widths and seeds; `start` replaces the paper's."""

    def __init__(self, data, scale, architecture, start=None):
        self.data = data
        self.scale = scale
        self.parameters = {
            "architecture": scale.conv if architecture == "conv" else "mlp",
            "hidden_layer_sizes": scale.hidden_layer_sizes,
            "image_shape": (1, 28, 28),
            **(PAPERS | {"likelihood": "unit_gaussian"} if start is None else start),
            "max_epochs": scale.max_epochs,
            "learning_rate": scale.learning_rate,
            "batch_size": scale.batch_size,
        }
        # Different architectures get different seeds, so that no pair shares a stream.
        self.offset = 0 if architecture == "conv" else 1000
        self._models, self._latents, self._relative = {}, {}, {}

    def model(self, width, seed):
        """The trained autoencoder."""
        if (width, seed) not in self._models:
            model = Autoencoder(width, random_state=self.offset + seed, **self.parameters)
            self._models[width, seed] = model.fit(self.data.train)
        return self._models[width, seed]

    def latents(self, width, seed, part="train"):
        """Its latents of the training or test images."""
        key = (width, seed, part)
        if key not in self._latents:
            self._latents[key] = self.model(width, seed).transform(getattr(self.data, part))
        return self._latents[key]

    def pairs(self, width):
        """Ordered pairs of seeds, a ring: each model is source once and target once."""
        n = len(self.scale.seeds)
        return [(seed, (seed + 1) % n) for seed in self.scale.seeds]

    def baseline(self, width, seed):
        """Errors of a model's own reconstruction of test images."""
        model = self.model(width, seed)
        return self.data.errors(model.inverse_transform(self.latents(width, seed, "test")))

    def error(self, width, source, target_seed, aligner, target=None):
        """Errors of test images encoded by one model, aligned, and decoded by another."""
        target = self if target is None else target
        mapped = aligner.transform(self.latents(width, source, "test"))
        return self.data.errors(target.model(width, target_seed).inverse_transform(mapped))

    def each_pair(self, width, fit, target=None):
        """Errors for each pair, with ``fit(source, target, number of the pair)``."""
        other = self if target is None else target
        results = []
        for pair, (a, b) in enumerate(self.pairs(width)):
            aligner = fit(self.latents(width, a), other.latents(width, b), pair)
            results.append(self.error(width, a, b, aligner, target))
        return results

    def rows_of(self, images):
        """Row numbers of training images."""
        numbers = {row.tobytes(): i for i, row in enumerate(self.data.train)}
        return np.array([numbers[row.tobytes()] for row in np.ascontiguousarray(images)])

    def relative_model(self, width, seed, anchors, *, end_to_end):
        """A relative autoencoder: end to end, or a decoder on the frozen encoder."""
        key = (width, seed, len(anchors), end_to_end)
        if key not in self._relative:
            model = RelativeAutoencoder(
                width, anchors=anchors, random_state=self.offset + 100 + seed, **self.parameters
            )
            if end_to_end:
                model.fit(self.data.train)
            else:
                model.fit_decoder(self.model(width, seed), self.data.train)
            self._relative[key] = model
        return self._relative[key]

    def relative_results(self, width, anchors, target=None):
        """Errors with and without transfer to a model that shares the anchors."""
        other = self if target is None else target
        names = [f"{kind}, {what}" for kind in KINDS for what in ("own", "transfer")]
        results = {name: [] for name in names}
        for a, b in self.pairs(width):
            for name, end_to_end in KINDS.items():
                source = self.relative_model(width, a, anchors, end_to_end=end_to_end)
                goal = other.relative_model(width, b, anchors, end_to_end=end_to_end)
                code = source.transform(self.data.test)
                results[f"{name}, transfer"].append(self.data.errors(goal.inverse_transform(code)))
                own = self.data.errors(source.inverse_transform(code))
                results[f"{name}, own"].append(own)
        return results

"""Means of a loss's terms over an epoch."""

import numpy as np
import torch

_FLUSH = 256  # batches whose losses may wait on the device


class TermMeans:
    """Batch-size weighted means of terms, read from the device rarely."""

    def __init__(self, stacked):
        self.stacked = stacked
        self.names, self.waiting, self.weights = None, [], []
        self.total, self.weight = 0.0, 0

    def add(self, terms, weight):
        """Take in the terms of a batch of ``weight`` rows, one number or one for each model."""
        if self.names is None:
            self.names = list(terms)
        self.waiting.extend(term.detach() for term in terms.values())
        self.weights.append(weight)
        if len(self.weights) == _FLUSH:
            self._flush()

    def _flush(self):
        # (batches, terms) or (batches, terms, K)
        values = torch.stack(torch.broadcast_tensors(*self.waiting)).double().cpu().numpy()
        values = values.reshape(len(self.weights), len(self.names), *values.shape[1:])
        weights = np.asarray(self.weights, float)
        shape = (*values.shape[:2], -1)
        # A loss beyond all bounds is reported by whoever looks at the mean.
        with np.errstate(over="ignore", invalid="ignore"):
            weighted = weights.reshape(len(weights), 1, -1) * values.reshape(shape)
            self.total = self.total + weighted.sum(axis=0)
        self.weight = self.weight + weights.sum(axis=0)
        self.waiting, self.weights = [], []

    def means(self):
        """Mean of each term by name, a number or one for each model."""
        if self.weights:
            self._flush()
        means = self.total / self.weight
        return dict(zip(self.names, means if self.stacked else means[:, 0], strict=True))

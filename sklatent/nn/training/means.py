"""Means of a loss's terms over an epoch."""

import numpy as np
import torch

_FLUSH = 256  # batches whose losses may wait on the device


class TermMeans:
    """Batch-size weighted means of terms, read from the device rarely.

    What waits is copied to one array. Kept where they were made, between a step's large arrays,
    hundreds of small ones break up the memory that the next steps would use again.
    """

    def __init__(self, stacked):
        self.stacked = stacked
        self.names, self.waiting, self.weights = None, None, []
        self.total, self.weight = 0.0, 0

    def add(self, terms, weight):
        """Take in the terms of a batch of ``weight`` rows, one number or one for each model."""
        values = [term.detach() for term in terms.values()]
        if any(value.ndim for value in values):
            values = torch.broadcast_tensors(*values)
        if self.waiting is None:
            self.names = list(terms)
            self.waiting = values[0].new_empty(_FLUSH, len(values), *values[0].shape)
        torch.stack(values, out=self.waiting[len(self.weights)])
        self.weights.append(weight)
        if len(self.weights) == _FLUSH:
            self._flush()

    def _flush(self):
        # (batches, terms) or (batches, terms, K)
        values = self.waiting[: len(self.weights)].double().cpu().numpy()
        weights = np.asarray(self.weights, float)
        shape = (*values.shape[:2], -1)
        # A loss beyond all bounds is reported by whoever looks at the mean.
        with np.errstate(over="ignore", invalid="ignore"):
            weighted = weights.reshape(len(weights), 1, -1) * values.reshape(shape)
            self.total = self.total + weighted.sum(axis=0)
        self.weight = self.weight + weights.sum(axis=0)
        self.weights = []

    def means(self):
        """Mean of each term by name, a number or one for each model."""
        if self.weights:
            self._flush()
        means = self.total / self.weight
        return dict(zip(self.names, means if self.stacked else means[:, 0], strict=True))

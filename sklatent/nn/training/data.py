"""Training rows that are sliced, never collated, and the batches that they become."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from sklatent._utils.columns import ChosenColumns, is_memory_mapped
from sklatent._utils.sparse import dense
from sklatent.nn.stacking.layers import taken


@dataclass
class Batch:
    """What an objective is given of some rows, by name.

    Attributes
    ----------
    x : Tensor of shape (..., batch, n_features)
        The rows of X; K stacked models have K in front.
    covariates : Tensor of shape (..., batch, n_covariates), or None
        What encoder and decoder are told beside, and do not model. The module that an objective is
        given has been told already.
    rows : Tensor of shape (..., batch), integer
        Their row numbers.
    views : list of Tensor of shape (..., batch, n_features), or None
        Each row transformed.
    inputs : Tensor of shape (..., batch, n_inputs), or None
        What rows are decoded from, where that is given.
    target : Tensor of shape (..., batch, n_targets), or None
        What rows are mapped to, where that is another space.
    weights : Tensor of shape (..., batch), or None
        Shares of the rows in a mean, which sum to one; None weighs all alike.
    """

    x: torch.Tensor
    rows: torch.Tensor | None = None
    covariates: torch.Tensor | None = None
    views: list | None = None
    inputs: torch.Tensor | None = None
    target: torch.Tensor | None = None
    weights: torch.Tensor | None = None

    def __len__(self):
        return self.x.shape[-2]

    def expanded(self, which):
        """A batch of stacked models, each of which has one of these.

        Parameters
        ----------
        which : Tensor of shape (K,), integer
            The number of each model's.
        """

        def own(value):
            if isinstance(value, list):
                return [own(part) for part in value]
            return None if value is None else taken(value, which)

        return Batch(*map(own, vars(self).values()))

    def tell(self, module):
        """The module, told the rows' covariates where there are any."""
        return module if self.covariates is None else module.told(self.covariates)

    def mean(self, values):
        """Mean of one number for each row, over the last axis."""
        return values.mean(-1) if self.weights is None else (values * self.weights).sum(-1)


class Rows:
    """The rows of X that one model, or each of K stacked models, trains on.

    In-memory data become one tensor on the device. Memory-mapped data stay on disk, and CSR
    matrices as they are: each batch reads, casts and makes dense only its own rows.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        All rows.
    index : ndarray of shape (n_rows,) or (K, n_rows), or None
        Which rows to use; None uses all.
    keys : ndarray of uint64 of the index's shape, or None
        What the rows' draws are made for, in ascending order; None is their positions.
    dtype, device : torch.dtype, torch.device
        Of the batches.
    beside : dict of str to array, default=None
        Further fields of :class:`Batch`, each an array with a row for each of X's; for `views` a
        list of arrays.
    """

    def __init__(self, X, index, keys, dtype, device, beside=None):
        self.dtype = dtype
        self.device = device
        self.index = None if index is None else torch.as_tensor(index)
        self._keys = keys
        self._alike = None
        self.data = self._hold(X)
        self.beside = {
            name: [self._hold(part) for part in value]
            if isinstance(value, list)
            else self._hold(value)
            for name, value in (beside or {}).items()
        }

    def _hold(self, X):
        kept = isinstance(X, (torch.Tensor, ChosenColumns)) or sparse.issparse(X)
        if kept or is_memory_mapped(X):
            return X
        # Torch knows no negative strides, and warns of memory that must not be written to.
        data = np.ascontiguousarray(X, dtype=_NUMPY[self.dtype])
        data = data if data.flags.writeable else data.copy()
        return torch.as_tensor(data).to(self.device)

    def subset(self, index, keys):
        """Share the data, with other rows."""
        return Rows(self.data, index, keys, self.dtype, self.device, self.beside)

    def keys(self):
        """What the rows' draws are made for, ``(n_rows,)`` or ``(K, n_rows)``."""
        if self._keys is None:
            self._keys = np.arange(len(self), dtype=np.uint64)
        return self._keys

    def __len__(self):
        return self.data.shape[0] if self.index is None else self.index.shape[-1]

    def array(self):
        """All rows of one model as an array."""
        return self.take(torch.arange(len(self))).x.cpu().numpy()

    def same_rows(self, n_models):
        """For each stacked model, the number of its rows among those that differ."""
        if self.index is None or self.index.ndim == 1:
            return [0] * n_models
        if self._alike is None:
            numbers = {}
            own = [row.tobytes() for row in self.index.cpu().numpy()]
            self._alike = [numbers.setdefault(row, len(numbers)) for row in own]
        return self._alike

    def take(self, order, models=None):
        """Rows at positions ``order``, ``(batch,)`` or ``(K, batch)``, as a :class:`Batch`.

        With `models`, the order has a row for each of these, and the batch too.
        """
        index = self.index
        if models is not None and index is not None and index.ndim == 2:
            index = index[models]
        if index is None:
            index = order
        elif index.ndim == 1:
            index = index[order]
        else:
            index = torch.gather(index, 1, order)
        beside = {
            name: [self._take(part, index) for part in value]
            if isinstance(value, list)
            else self._take(value, index)
            for name, value in self.beside.items()
        }
        return Batch(self._take(self.data, index), rows=index, **beside)

    def _take(self, data, index):
        flat = index.reshape(-1)
        if isinstance(data, torch.Tensor):
            x = data.index_select(0, flat.to(self.device))
        else:
            x = np.ascontiguousarray(dense(data[flat.numpy()]), dtype=_NUMPY[self.dtype])
            x = torch.from_numpy(x).to(self.device)
        return x if index.ndim == 1 else taken(x.view(*index.shape, x.shape[-1]))


_NUMPY = {torch.float32: np.float32, torch.float64: np.float64}

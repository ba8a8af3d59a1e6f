"""Training rows that are sliced, never collated."""

import numpy as np
import torch


def is_memory_mapped(X):
    """Whether an array's data lie in a mapped file (views of one included)."""
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            return True
        X = X.base
    return False


class Rows:
    """The rows of X that one model, or each of K stacked models, trains on.

    In-memory data become one tensor on the device. Memory-mapped data stay on disk:
    each batch reads and casts only its own rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        All rows.
    index : ndarray of shape (n_rows,) or (K, n_rows), or None
        Which rows to use; None uses all.
    dtype, device : torch.dtype, torch.device
        Of the batches.
    """

    def __init__(self, X, index, dtype, device):
        self.dtype = dtype
        self.device = device
        self.index = None if index is None else torch.as_tensor(index)
        if isinstance(X, torch.Tensor) or is_memory_mapped(X):
            self.data = X
        else:
            data = np.asarray(X, dtype=_NUMPY[dtype])
            # A tensor would pretend that it may write to read-only memory, and torch warns.
            data = data if data.flags.writeable else data.copy()
            self.data = torch.as_tensor(data).to(device)

    def subset(self, index):
        """Share the data, with other rows."""
        return Rows(self.data, index, self.dtype, self.device)

    def __len__(self):
        return self.data.shape[0] if self.index is None else self.index.shape[-1]

    def take(self, order):
        """Rows at positions ``order``, ``(batch,)`` or ``(K, batch)``, as a tensor."""
        index = self.index
        if index is None:
            index = order
        elif index.ndim == 1:
            index = index[order]
        else:
            index = torch.gather(index, 1, order)
        flat = index.reshape(-1)
        if isinstance(self.data, torch.Tensor):
            x = self.data.index_select(0, flat.to(self.device))
        else:
            x = np.asarray(self.data[flat.numpy()], dtype=_NUMPY[self.dtype])
            x = torch.from_numpy(x).to(self.device)
        return x if index.ndim == 1 else x.view(*index.shape, x.shape[-1])


_NUMPY = {torch.float32: np.float32, torch.float64: np.float64}

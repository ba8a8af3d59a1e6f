"""Inference with a trained module: blocks of rows, in the input's own float type.

A fitted net is never called through ``net.predict``, which collates row by row. Rows go
through the module in blocks, so that memory stays flat whatever the number of rows; with
float64 input the module's weights are cast up, so that a row's result depends on the rows
beside it in its last digits alone.
"""

import numpy as np
import torch

from sklatent._utils.arrays import float_type, row_slices
from sklatent._utils.sparse import dense
from sklatent.nn.stacking.modules import copy_module
from sklatent.nn.training.devices import (
    has_convolutions,
    own_torch_state,
    suitable_threads,
    work_of,
)

MAX_ROWS = 1024
_LEAST_ROWS = 64  # of each model of a stack
_BLOCK_BYTES = 1 << 24


# Torch's own convolutions, where oneDNN has none, unfold all images of a block: of more than these
# the array is made by the system anew each time, which takes longer than what is computed.
_MOST_UNFOLDED = 8


def block_slices(n_rows, row_bytes, n_members=1, most=MAX_ROWS):
    """Slices of rows that keep a block small."""
    if n_members > 1:
        most = min(max(4 * MAX_ROWS // n_members, _LEAST_ROWS), most)
    size = int(np.clip(_BLOCK_BYTES // max(row_bytes * n_members, 1), 1, most))
    return row_slices(n_rows, size)


def _most_rows(module, dtype):
    """Rows that a module takes at once."""
    unfolds = dtype == np.float64 and has_convolutions(module)
    on_cpu = next(module.parameters()).device.type == "cpu"
    return _MOST_UNFOLDED if unfolds and on_cpu else MAX_ROWS


def require_finite(values, start=0):
    """Raise an error that names rows for which a model can't say anything.

    Parameters
    ----------
    values : ndarray of shape (n_rows, ...)
        What a model makes of some rows.
    start : int, default=0
        The first one's number.

    Raises
    ------
    ValueError
        If a value is not finite.
    """
    bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{len(bad)} of {len(values)} rows have no finite score or image, the first of them "
            f"row {start + bad[0]}: they lie too far from what the model was trained on for "
            f"{values.dtype}. Leave them out, scale X, or give float64."
        )


def map_in_blocks(module, X, function, *beside, covariates=None, n_members=None, unknown=False):
    """Apply ``function(module, x, *beside)`` to blocks of rows, the module told of them.

    Parameters
    ----------
    module : torch.nn.Module
        Trained; of the device that it is on.
    X : array of shape (n_samples, n_columns)
        Rows, or latents.
    function : callable
        Returns a tensor, or a dict of tensors, with the rows first.
    *beside : array
        More that has X's rows.
    covariates : array of shape (n_samples, n_covariates), default=None
        What the module is told.
    n_members : int, default=None
        Models in the module, where it is a stack: each sees all rows, and the axis of models comes
        before them in what is returned, and nothing is said of what is not finite.
    unknown : bool, default=False
        Whether to let NaN through.

    Returns
    -------
    ndarray, or dict of ndarray
        In X's float type.
    """
    dtype = float_type(X.dtype)
    parameter = next(module.parameters(), torch.empty(0))
    torch_dtype = torch.float32 if dtype == np.float32 else torch.float64
    if parameter.dtype != torch_dtype:
        module = copy_module(module).to(torch_dtype)
    out, single = {}, False
    was_training = module.training
    module.eval()
    row_bytes = X.shape[1] * dtype.itemsize
    blocks_of_rows = block_slices(X.shape[0], row_bytes, n_members or 1, _most_rows(module, dtype))
    threads = suitable_threads(work_of(module, blocks_of_rows[0].stop))
    arrays = (X, *beside) if covariates is None else (X, *beside, covariates)
    axis = 0 if n_members is None else 1
    with own_torch_state(parameter.device), torch.no_grad(), threads:
        for rows in blocks_of_rows:
            blocks = [_tensor(array[rows], dtype, parameter.device) for array in arrays]
            if n_members is not None:
                blocks = [block.expand(n_members, *block.shape) for block in blocks]
            told = module if covariates is None else module.told(blocks.pop())
            result = function(told, *blocks)
            if torch.is_tensor(result):
                result, single = {"result": result}, True
            for name, tensor in result.items():
                found = tensor.cpu().numpy()
                if not unknown and n_members is None:
                    require_finite(found, rows.start)
                if name not in out:
                    shape = (*found.shape[:axis], X.shape[0], *found.shape[axis + 1 :])
                    out[name] = np.empty(shape, dtype=found.dtype)
                out[name][(slice(None),) * axis + (rows,)] = found
    module.train(was_training)
    return out["result"] if single else out


def _tensor(rows, dtype, device):
    """Rows as a tensor: a copy only of what must be cast, turned round or made writable."""
    rows = np.ascontiguousarray(dense(rows), dtype=dtype)
    return torch.from_numpy(rows if rows.flags.writeable else rows.copy()).to(device)

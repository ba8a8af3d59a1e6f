"""Training of the networks that take one latent space into another."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sklatent.nn.training.data import Rows
from sklatent.nn.training.devices import DTYPES, resolve_device
from sklatent.nn.training.one_module import train_module


def three_layers(n_in, n_out, width_factor):
    """FC-ReLU-FC-ReLU-FC with hidden layers of width ``width_factor * n_in`` (equation 3)."""
    width = width_factor * n_in
    return nn.Sequential(
        nn.Linear(n_in, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, n_out),
    )


class StitchingModule(nn.Module):
    """A network from the source space to the target space, and one back.

    They share batches and nothing else: each has the gradient of its own error alone.

    Parameters
    ----------
    n_features, n_targets : int
        Widths of the two spaces.
    width_factor : int
        Width of a network's hidden layers as a multiple of its input's.
    """

    def __init__(self, n_features, n_targets, width_factor):
        super().__init__()
        self.there = three_layers(n_features, n_targets, width_factor)
        self.back = three_layers(n_targets, n_features, width_factor)


class PairedRows:
    """Rows of two spaces, each brought to its own centre and scale.

    Parameters
    ----------
    source, target : object
        With `rows`, an array; `mean`; and `scale`.
    dtype, device : torch.dtype, torch.device
        Of the batches.
    """

    index = None

    def __init__(self, source, target, dtype, device):
        self.rows = Rows(source.rows, None, None, dtype, device, beside={"target": target.rows})
        self.means, self.scales = (
            [torch.as_tensor(getattr(side, name)).to(dtype=dtype, device=device) for side in pair]
            for name, pair in (("mean", (source, target)), ("scale", (source, target)))
        )

    def __len__(self):
        return len(self.rows)

    def keys(self):
        """Keys of the rows."""
        return self.rows.keys()

    def take(self, order):
        """Rows at positions ``order``, as a batch with its target."""
        batch = self.rows.take(order)
        batch.x = (batch.x - self.means[0]) / self.scales[0]
        batch.target = (batch.target - self.means[1]) / self.scales[1]
        return batch


def squared_errors(module, batch, step):
    """Mean squared errors there and back, in units of variance."""
    x, y = batch.x, batch.target
    return {"there": F.mse_loss(module.there(x), y), "back": F.mse_loss(module.back(y), x)}


def train_stitching(
    source,
    target,
    *,
    width_factor,
    epochs,
    batch_size,
    learning_rate,
    precision,
    device,
    seed,
    progress_bar,
):
    """Train the networks there and back.

    Parameters
    ----------
    source, target : object
        With `rows`, `mean` and `scale`.
    width_factor, epochs, batch_size, learning_rate, precision, device, progress_bar : object
        As in :class:`sklatent.alignment.StitchingAligner`.
    seed : int
        Of weights and order.

    Returns
    -------
    there, back : list of (weights, biases)
        Three layers each, as arrays of float64 with weights of shape (n_in, n_out).
    history : list of dict
        Loss and terms of each epoch.
    """
    device = resolve_device(device)
    module, history = train_module(
        lambda: StitchingModule(source.rows.shape[1], target.rows.shape[1], width_factor),
        PairedRows(source, target, DTYPES[precision], device),
        squared_errors,
        seed=seed,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        device=device,
        precision=precision,
        progress_bar=progress_bar,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
    )
    names = ("train_loss", "there", "back")
    history = [{name: float(row[name]) for name in names} for row in history]
    return _arrays(module.there), _arrays(module.back), history


def _arrays(network):
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    return [
        tuple(
            np.asarray(p.detach().cpu().numpy(), np.float64) for p in (layer.weight.T, layer.bias)
        )
        for layer in layers
    ]

"""Training of the networks that take one latent space into another."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sklatent.nn.training.data import Rows
from sklatent.nn.training.net import LatentNet
from sklatent.nn.training.randomness import RandomStreams, seeded_initialisation, split_seed
from sklatent.nn.training.run import TrainingRun

_DTYPES = {"float32": torch.float32, "bf16": torch.float32, "float64": torch.float64}


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
        self.n_features = n_features
        self.there = three_layers(n_features, n_targets, width_factor)
        self.back = three_layers(n_targets, n_features, width_factor)


class PairedRows:
    """Rows of two spaces side by side, each brought to its own centre and scale.

    Parameters
    ----------
    source, target : object
        With `rows`, an array; `mean`; and `scale`.
    dtype, device : torch.dtype, torch.device
        Of the batches.
    """

    index = None

    def __init__(self, source, target, dtype, device):
        self.rows = [Rows(side.rows, None, dtype, device) for side in (source, target)]
        self.mean = torch.as_tensor(np.concatenate([source.mean, target.mean]))
        self.mean = self.mean.to(dtype=dtype, device=device)
        scales = [np.full(side.rows.shape[1], side.scale) for side in (source, target)]
        self.scale = torch.as_tensor(np.concatenate(scales)).to(dtype=dtype, device=device)

    def __len__(self):
        return len(self.rows[0])

    def take(self, order):
        """Rows at positions ``order``, source and target columns side by side."""
        both = torch.cat([rows.take(order) for rows in self.rows], -1)
        return (both - self.mean) / self.scale


def squared_errors(module, batch, step):
    """Mean squared errors there and back, in units of variance."""
    x, y = batch[..., : module.n_features], batch[..., module.n_features :]
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
    device, dtype = _device(device), _DTYPES[precision]
    with seeded_initialisation(split_seed(seed)["weights"]):
        module = StitchingModule(source.rows.shape[1], target.rows.shape[1], width_factor)
    net = LatentNet(
        module.to(dtype),
        streams=RandomStreams([seed], dtype, device),
        precision=precision,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        lr=learning_rate,
        batch_size=batch_size,
        device=device,
        verbose=0,
    ).initialize()
    run = TrainingRun(
        rows=PairedRows(source, target, dtype, device),
        valid_rows=None,
        objective=squared_errors,
        hyper={},
        progress_bar=progress_bar,
    )
    net.partial_fit(run, epochs=epochs)
    names = ("train_loss", "there", "back")
    history = [{name: float(row[name]) for name in names} for row in net.history]
    return _arrays(module.there), _arrays(module.back), history


def _device(device):
    if isinstance(device, str) and device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, TypeError, AssertionError) as error:
        raise ValueError(
            f'device={device!r} can not be used here; use "auto", "cpu" or, with a GPU, "cuda".'
        ) from error


def _arrays(network):
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    return [
        tuple(
            np.asarray(p.detach().cpu().numpy(), np.float64) for p in (layer.weight.T, layer.bias)
        )
        for layer in layers
    ]

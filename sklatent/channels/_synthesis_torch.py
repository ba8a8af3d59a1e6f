"""Gradient descent on posteriors, by the training loop that all models share."""

import math

import numpy as np
import torch

from sklatent.channels._coefficients import reorder_samples
from sklatent.nn.training.data import Rows
from sklatent.nn.training.devices import resolve_device
from sklatent.nn.training.one_module import train_module
from sklatent.nn.training.randomness import draw_seed

_OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}

# Means start near each other, at unit variance: a channel that says nothing yet.
_INITIAL_SCALE = 0.05

# Steps by each parameter's own gradient: a loss that averages over n samples moves each of them by
# 1 / n of it. 0.06 n is four times the published rate, 3 at 200 samples, and takes a quarter of its
# 20,000 steps.
_SGD_RATE = 0.06
_ADAM_RATE = 0.1

# Where NMI divides by 2 I - I', which is zero for a channel that says nothing.
_SMALLEST = 1e-6


def train_posteriors(synthesizer, channels):
    """Means and log-variances, each (n_samples, n_components), and the history of their training.

    Parameters
    ----------
    synthesizer : ChannelSynthesizer
        Whose parameters say how.
    channels : ChannelFingerprints
        The ensemble, each channel with some information.
    """
    device = resolve_device(synthesizer.device)
    n_samples = channels.n_samples
    module, history = train_module(
        lambda: Posteriors(n_samples, synthesizer.n_components),
        # Batches are of the samples' numbers; what they stand for is in the fingerprints.
        Rows(np.empty((n_samples, 0)), None, None, torch.float32, device),
        _Dissimilarity(channels, synthesizer.metric, device),
        seed=draw_seed(synthesizer.random_state),
        epochs=synthesizer.max_epochs,
        batch_size=synthesizer.batch_size,
        learning_rate=_learning_rate(synthesizer, n_samples),
        device=device,
        progress_bar=bool(synthesizer.verbose),
        optimizer=_OPTIMIZERS[synthesizer.optimizer],
    )
    arrays = [p.detach().cpu().numpy().astype(np.float64) for p in (module.mean, module.log_var)]
    return *arrays, [{"train_loss": float(row["train_loss"])} for row in history]


def _learning_rate(synthesizer, n_samples):
    rate = synthesizer.learning_rate
    if rate != "auto":
        return float(rate)
    if synthesizer.optimizer == "adam":
        return _ADAM_RATE
    return _SGD_RATE * min(n_samples, synthesizer.batch_size)


class Posteriors(torch.nn.Module):
    """Means and log-variances of all samples, free to move."""

    def __init__(self, n_samples, n_components):
        super().__init__()
        self.mean = torch.nn.Parameter(_INITIAL_SCALE * torch.randn(n_samples, n_components))
        self.log_var = torch.nn.Parameter(torch.zeros(n_samples, n_components))

    def forward(self, samples):
        """Bhattacharyya coefficients of some samples, (n, n), in a form that has gradients."""
        mean, log_var = self.mean[samples], self.log_var[samples]
        variance, difference = log_var.exp(), mean[:, None] - mean
        sums = variance[:, None] + variance
        # log((v_i + v_j) / (2 s_i s_j)), the determinants' part of the distance
        ratio = sums.log() - 0.5 * (log_var[:, None] + log_var) - math.log(2.0)
        return torch.exp(-(0.25 * difference**2 / sums + 0.5 * ratio).sum(dim=-1))


class _Dissimilarity:
    """The objective: minus the mean similarity to the ensemble, over a batch of samples."""

    def __init__(self, channels, metric, device):
        self.channels, self.metric, self.device = channels, metric, device
        self._everything = None

    def __call__(self, module, batch, step):
        samples = batch.rows.to(self.device).sort().values
        reference, alone, twice = self._reference(samples)
        own = module(samples)
        own_alone, own_twice = _bits(own.mean(dim=1)), _bits((own * own).mean(dim=1))
        joint = _bits(torch.einsum("ij,cij->ci", own, reference) / len(samples))
        if self.metric == "vi":
            vi = 2.0 * joint - own_twice - twice
            return {"dissimilarity": -torch.exp(-vi).mean()}
        shared = own_alone + alone - joint
        selves = 2.0 * own_alone - own_twice, 2.0 * alone - twice
        if self.metric == "nmi":
            # The published code: every information less the logarithm of the samples' number, so
            # that what counts is what remains unknown. A channel of noise gains nothing.
            most = math.log2(len(samples))
            unknown = (most - selves[0]).clamp_min(0.0) * (most - selves[1]).clamp_min(0.0)
            return {"dissimilarity": ((most - shared) / _root(unknown)).mean()}
        return {"dissimilarity": -(shared / _root(selves[0] * selves[1])).mean()}

    def _reference(self, samples):
        """Coefficients of the ensemble, (n_channels, n, n), and informations in bits."""
        if self._everything is not None:
            return self._everything
        numbers = samples.cpu().numpy()
        coefficients = torch.from_numpy(_coefficients(self.channels, numbers)).to(self.device)
        alone = _bits(coefficients.mean(dim=2))
        twice = _bits((coefficients * coefficients).mean(dim=2))
        found = coefficients, alone, twice
        if len(numbers) == self.channels.n_samples:
            # One batch holds all samples, so every batch is this one.
            self._everything = found
        return found


def _coefficients(channels, samples):
    """Coefficients between some samples for each channel, (n_channels, n, n), in float32."""
    out = np.empty((len(channels), len(samples), len(samples)), np.float32)
    start = 0
    for block in channels.blocks:
        part = out[start : start + len(block)]
        start += len(block)
        rows = reorder_samples(block, samples[None]).rows(np.float32)
        row = np.empty((len(block), len(samples)), np.float32)
        for number in range(len(samples)):
            rows.fill(number, row)
            part[:, number] = row
    return out


def _root(product):
    return product.clamp_min(_SMALLEST**2).sqrt()


def _bits(means):
    """Information in bits from row means of coefficients, over the last axis."""
    return -torch.log2(means).mean(dim=-1)

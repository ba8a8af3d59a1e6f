"""The products of `_joint_information` on a torch device, many samples at a time."""

import numpy as np
import torch

# Coefficients held on the device at a time.
_MAX_ELEMENTS = 1 << 27


def joint_information_torch(a, b, dtype, device):
    """What `joint_information` gives, computed on a torch device."""
    fill_a = _rows_on_device(a, dtype, device)
    single_a = _reduce(a.n_samples, len(a), lambda s: _single_sums(fill_a(s)))
    if b is None:
        joint = _reduce(a.n_samples, len(a), lambda s: _gram(fill_a(s), None))
        return joint, single_a, single_a
    fill_b = _rows_on_device(b, dtype, device)
    single_b = _reduce(b.n_samples, len(b), lambda s: _single_sums(fill_b(s)))
    widest = max(len(a), len(b))
    joint = _reduce(a.n_samples, widest, lambda s: _gram(fill_a(s), fill_b(s)))
    return joint, single_a, single_b


def _rows_on_device(fingerprints, dtype, device):
    """Make a function from a slice of samples to coefficients (samples, channels, N)."""
    fills = [_MAKE_FILL[block.kind](block, dtype, device) for block in fingerprints.blocks]

    def fill(samples):
        return torch.cat([own(samples) for own in fills], dim=1)

    return fill


def _fill_diagonal(block, dtype, device):
    mean, var, std = (torch.from_numpy(a).to(device) for a in block.standardised(dtype))

    def fill(samples):
        exponent, factor = 0.0, 1.0
        for m, v, s in zip(mean, var, std, strict=True):
            m_i, v_i, s_i = (a[:, samples].T[:, :, None] for a in (m, v, s))
            precision = 1.0 / (v + v_i)
            exponent = exponent - (m - m_i).to(v.dtype) ** 2 * precision
            factor = factor * (2.0 * s_i * s * precision)
        return torch.sqrt(factor) * torch.exp(exponent)

    return fill


def _fill_labels(block, dtype, device):
    labels = torch.from_numpy(block.labels).to(device)
    torch_dtype = torch.from_numpy(np.empty(0, dtype)).dtype

    def fill(samples):
        return (labels[:, samples].T[:, :, None] == labels).to(torch_dtype)

    return fill


def _fill_full(block, dtype, device):
    """Full covariances are solved for on the processor; only the products run on the device."""
    rows = block.rows(dtype)

    def fill(samples):
        numbers = range(*samples.indices(block.n_samples))
        out = np.empty((len(numbers), len(block), block.n_samples), dtype)
        for row, sample in zip(out, numbers, strict=True):
            rows.fill(sample, row)
        return torch.from_numpy(out).to(device)

    return fill


_MAKE_FILL = {"diagonal": _fill_diagonal, "labels": _fill_labels, "full": _fill_full}


def _gram(rows, columns):
    return rows @ (rows if columns is None else columns).transpose(1, 2)


def _single_sums(rows):
    return torch.stack([rows.sum(dim=2), (rows * rows).sum(dim=2)], dim=1)


def _reduce(n_samples, n_channels, sums):
    """Information in bits from sums(samples), averaged over samples in float64."""
    step = max(1, _MAX_ELEMENTS // (n_channels * max(n_channels, n_samples)))
    total = 0.0
    for start in range(0, n_samples, step):
        samples = slice(start, min(start + step, n_samples))
        total = total + torch.log2(sums(samples)).sum(dim=0, dtype=torch.float64)
    return np.maximum(np.log2(n_samples) - (total / n_samples).cpu().numpy(), 0.0)

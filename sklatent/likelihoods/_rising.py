"""What the negative binomial's probability needs of whole counts, by a table of logarithms."""

import torch

_LIMIT = 32  # counts up to which the table reaches; the few beyond it take the gamma function


class _LogRising(torch.autograd.Function):
    """``sum_{k < x} log((1 + k a) / (1 + k))`` for whole x, and its slope in log a.

    With a the dispersion this is the log of ``gamma(x + 1/a) / gamma(1/a) a^x / x!``. A sum of
    logarithms is three times as fast as the gamma function and its derivative, and does not lose
    its digits where a is small.
    """

    @staticmethod
    def forward(ctx, x, log_dispersion):
        dispersion = torch.exp(log_dispersion)
        width = int(min(x.max().item() if x.numel() else 0, _LIMIT))
        k = torch.arange(width, dtype=x.dtype, device=x.device)
        ratio = dispersion.unsqueeze(-1) * k  # (..., 1, n_features, width)
        clipped = x.clamp(max=width)
        # One flat table, in which an entry is found by its model, its feature and its count.
        lead = torch.broadcast_shapes(x.shape[:-2], dispersion.shape[:-2])
        shape = (*dispersion.shape[:-1], x.shape[-1])
        n_tables = dispersion.expand(shape).numel()
        offsets = torch.arange(n_tables, device=x.device).view(shape) * (width + 1)
        index = (clipped.long() + offsets).expand(*lead, *x.shape[-2:])
        value = torch.take(_cumulative(torch.log1p(ratio) - torch.log1p(k), shape), index)
        slope = None
        if ctx.needs_input_grad[1]:
            slope = torch.take(_cumulative(ratio / (1 + ratio), shape), index)
        if x.numel() and x.max() > width:
            where = (x > width).expand(index.shape).nonzero(as_tuple=True)
            large = x.expand(index.shape)[where].double()
            log_a = log_dispersion.expand(index.shape)[where].double()
            size = torch.exp(-log_a)
            value[where] = (
                torch.lgamma(large + size)
                - torch.lgamma(size)
                + large * log_a
                - torch.lgamma(large + 1)
            ).to(x.dtype)
            if slope is not None:
                digamma = torch.digamma(size) - torch.digamma(large + size)
                slope[where] = (large + size * digamma).to(x.dtype)
        ctx.save_for_backward(slope)
        ctx.shape = log_dispersion.shape
        return value

    @staticmethod
    def backward(ctx, gradient):
        (slope,) = ctx.saved_tensors
        if slope is None:
            return None, None
        return None, (gradient * slope).sum_to_size(ctx.shape)


def log_rising(x, log_dispersion):
    """Log of ``gamma(x + 1/a) / gamma(1/a) a^x / x!`` for whole counts.

    Parameters
    ----------
    x : Tensor of shape (..., n_samples, n_features)
        Whole numbers.
    log_dispersion : Tensor of shape (..., 1, 1) or (..., 1, n_features)
        Logarithm of a.

    Returns
    -------
    Tensor of shape (..., n_samples, n_features)
        It has a gradient in `log_dispersion` only.
    """
    return _LogRising.apply(x, log_dispersion)


def _cumulative(steps, shape):
    sums = torch.zeros(*steps.shape[:-1], steps.shape[-1] + 1, dtype=steps.dtype)
    sums = sums.to(steps.device)
    torch.cumsum(steps, -1, out=sums[..., 1:])
    return sums.expand(*shape, sums.shape[-1])
